#include "morula/analysis/minimize.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace morula::analysis {
namespace {

TEST(minimize, finds_the_bottom_of_smooth_and_of_pointed_valleys) {
    EXPECT_NEAR(minimize([](double x) { return (x - 0.3) * (x - 0.3) * (1.0 + x); }, 0.0, 1.0, 1e-9), 0.3, 1e-7);
    EXPECT_NEAR(minimize([](double x) { return std::abs(x + 2.0); }, -5.0, 9.0, 1e-6), -2.0, 1e-6);
    EXPECT_NEAR(minimize([](double x) { return -std::sin(x); }, 0.0, 3.0, 1e-8), std::acos(0.0), 1e-7);
}

TEST(minimize, comes_to_the_end_of_a_slope_without_touching_it) {
    const double found = minimize([](double x) {
        EXPECT_GT(x, 0.0);
        EXPECT_LT(x, 1.0);
        return -x;
    }, 0.0, 1.0, 1e-4);
    EXPECT_NEAR(found, 1.0, 1e-4);
}

TEST(minimize, needs_few_looks) {
    int n = 0;
    minimize([&](double x) { ++n; return std::exp(x) - 2.0 * x; }, 0.0, 2.0, 1e-4);
    EXPECT_LE(n, 12);
}

}  // namespace
}  // namespace morula::analysis
