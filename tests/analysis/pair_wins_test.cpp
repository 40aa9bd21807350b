#include "morula/analysis/pair_wins_simd.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "morula/core/random.hpp"

namespace morula::analysis {
namespace {

/// Sorted keys of n cells in n_groups groups, with values drawn from n_values.
std::vector<std::uint64_t> sorted_keys(std::size_t n, std::size_t n_groups, std::uint64_t n_values) {
    std::vector<std::uint64_t> keys;
    for (std::size_t i = 0; i < n; ++i) {
        Random random(5, Purpose::test, i, 0);
        keys.push_back(random.below(n_values) << 32 | random.below(n_groups));
    }
    std::sort(keys.begin(), keys.end());
    return keys;
}

void expect_same(const std::vector<std::uint64_t>& keys, const std::vector<double>& below) {
    const std::size_t n = below.size();
    std::vector<double> plain(n * n, 0.25), wins(n * n, 0.25);
    add_pair_wins_plain(keys, below, plain);
    PairWinsScratch scratch;
    add_pair_wins(keys, below, scratch, wins);
    EXPECT_EQ(wins, plain);
    std::fill(wins.begin(), wins.end(), 0.25);
    add_pair_wins(keys, below, scratch, wins);
    EXPECT_EQ(wins, plain) << "with used scratch";
}

TEST(PairWins, a_case_by_hand) {
    // Group 0: 1 zero, values 5 and 7. Group 1: 2 zeros, values 5 and 9.
    const std::vector<std::uint64_t> keys = {5ULL << 32, 5ULL << 32 | 1, 7ULL << 32, 9ULL << 32 | 1};
    std::vector<double> wins(4, 0.0);
    PairWinsScratch scratch;
    add_pair_wins(keys, std::vector<double>{1.0, 2.0}, scratch, wins);
    EXPECT_EQ(wins[0 * 2 + 1], 2.5 + 3.0);
    EXPECT_EQ(wins[1 * 2 + 0], 1.5 + 3.0);
}

TEST(PairWins, equals_the_plain_way_with_and_without_ties_for_any_number_of_groups) {
    for (const std::size_t n_groups : {std::size_t{1}, std::size_t{2}, std::size_t{15}, std::size_t{16}, std::size_t{17}, std::size_t{83}}) {
        for (const std::uint64_t n_values : {std::uint64_t{3}, std::uint64_t{200}, std::uint64_t{1'000'000'000}}) {
            std::vector<double> below;
            for (std::size_t g = 0; g < n_groups; ++g) below.push_back(static_cast<double>(100 * g % 7));
            expect_same(sorted_keys(700, n_groups, n_values), below);
        }
    }
}

TEST(PairWins, many_cells_below_do_not_overflow) {
    // Room for 21, 2 and 1 keys at a time, and for none.
    for (const double most : {1e8, 8e8, 1.5e9, 3e9, 5e9}) {
        for (const std::uint64_t n_values : {std::uint64_t{2}, std::uint64_t{20}, std::uint64_t{1'000'000'000}}) expect_same(sorted_keys(100, 3, n_values), {most, 5.0, 0.0});
    }
}

TEST(PairWins, no_keys_add_nothing) { expect_same({}, {3.0, 4.0}); }

}  // namespace
}  // namespace morula::analysis
