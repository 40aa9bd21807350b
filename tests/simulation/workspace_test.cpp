#include "morula/simulation/workspace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace morula::simulation {
namespace {

TEST(workspace, lends_arrays_that_do_not_overlap_and_begin_on_cache_lines) {
    Workspace workspace;
    const auto [a, b, c] = workspace.lend<std::uint8_t, double, std::uint32_t>(3, 5, 1);
    EXPECT_EQ(a.size(), 3U);
    EXPECT_EQ(b.size(), 5U);
    EXPECT_EQ(c.size(), 1U);
    for (const void* begin : {static_cast<const void*>(a.data()), static_cast<const void*>(b.data()), static_cast<const void*>(c.data())}) EXPECT_EQ(reinterpret_cast<std::uintptr_t>(begin) % 64, 0U);
    std::fill(a.begin(), a.end(), std::uint8_t{1});
    std::fill(b.begin(), b.end(), 2.5);
    c[0] = 7;
    for (const std::uint8_t value : a) EXPECT_EQ(value, 1);
    for (const double value : b) EXPECT_EQ(value, 2.5);
    EXPECT_EQ(c[0], 7U);
}

TEST(workspace, keeps_its_memory_and_grows_by_what_is_asked_for) {
    Workspace workspace;
    EXPECT_EQ(workspace.bytes(), 0);
    workspace.lend<double>(1'000);
    const std::int64_t before = workspace.bytes();
    EXPECT_GE(before, 8'000);
    EXPECT_LT(before, 9'000);
    workspace.lend<float, float>(500, 400);
    EXPECT_EQ(workspace.bytes(), before);
    workspace.lend<double>(0);
    EXPECT_EQ(workspace.bytes(), before);
    workspace.lend<double>(2'000);
    EXPECT_GE(workspace.bytes(), 16'000);
}

}  // namespace
}  // namespace morula::simulation
