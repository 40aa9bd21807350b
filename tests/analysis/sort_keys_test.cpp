#include "morula/analysis/sort_keys.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "morula/core/random.hpp"

namespace morula::analysis {
namespace {

/// Keys whose values take up to value_bits bits, above a number that tells where they stood.
template <class Key>
void check(std::size_t n, int value_bits, int shift, std::uint32_t offset) {
    Random random(1, Purpose::test, static_cast<std::uint64_t>(n), static_cast<std::uint32_t>(value_bits));
    std::vector<Key> keys;
    const std::uint64_t places = std::uint64_t{1} << shift;
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t value = offset + random.below(std::uint64_t{1} << value_bits);
        keys.push_back(static_cast<Key>(value << shift | i % places));
    }
    std::vector<Key> expected = keys;
    std::stable_sort(expected.begin(), expected.end(), [shift](Key a, Key b) { return (a >> shift) < (b >> shift); });
    std::vector<Key> spare{7};
    sort_keys(keys, shift, spare);
    EXPECT_EQ(keys, expected) << n << " keys of " << value_bits << " bits";
}

TEST(sort_keys, equals_a_stable_sort) {
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{255}, std::size_t{256}, std::size_t{3'000}, std::size_t{50'000}}) {
        for (const int value_bits : {0, 1, 8, 13, 26}) check<std::uint32_t>(n, value_bits, 5, 3);
        for (const int value_bits : {0, 9, 17, 26, 31}) check<std::uint64_t>(n, value_bits, 32, 1'000'000'007);
    }
    check<std::uint32_t>(40'000, 31, 0, 1U << 31);
}

}  // namespace
}  // namespace morula::analysis
