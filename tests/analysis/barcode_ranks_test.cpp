#include "morula/analysis/barcode_ranks.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace morula::analysis {
namespace {

/// 1,000 cells from 20,000 down to 5,000 counts, a fall to 400 over the next 500, then 20,000 empty droplets from 400 down to 1.
std::vector<std::int64_t> two_plateaus() {
    std::vector<std::int64_t> totals;
    for (int i = 0; i < 1000; ++i) totals.push_back(std::llround(20000.0 * std::pow(0.25, i / 999.0)));
    for (int i = 0; i < 500; ++i) totals.push_back(std::llround(5000.0 * std::pow(0.08, i / 499.0)));
    for (int i = 0; i < 20000; ++i) totals.push_back(std::llround(400.0 * std::pow(1.0 / 400.0, i / 19999.0)));
    return totals;
}

TEST(barcode_ranks, points_are_distinct_totals_with_the_mean_rank_of_their_ties) {
    const std::vector<std::int64_t> totals{5, 100, 300, 200, 300, 200, 200, 0};
    const BarcodeRanks ranks = barcode_ranks(totals, 50);
    EXPECT_EQ(ranks.total, (std::vector<double>{300, 200, 100}));
    EXPECT_EQ(ranks.rank, (std::vector<double>{1.5, 4, 6}));
}

TEST(barcode_ranks, knee_and_inflection_lie_where_the_curve_was_built_to_bend) {
    const BarcodeRanks ranks = barcode_ranks(two_plateaus(), 100);
    EXPECT_GT(ranks.knee, 4000.0);
    EXPECT_LT(ranks.knee, 6500.0);
    EXPECT_GT(ranks.inflection, 400.0);
    EXPECT_LT(ranks.inflection, 3000.0);
}

TEST(barcode_ranks, one_wide_gap_between_two_large_cells_is_not_the_cliff) {
    std::vector<std::int64_t> totals = two_plateaus();
    for (int i = 0; i < 200; ++i) totals[static_cast<std::size_t>(i)] *= 2;  // the 200th and 201st are a factor of two apart
    const BarcodeRanks ranks = barcode_ranks(totals, 100);
    EXPECT_LT(ranks.inflection, 3000.0);
    EXPECT_LT(ranks.knee, 6500.0);
}

TEST(barcode_ranks, where_empty_droplets_end_in_a_second_steeper_cliff_the_first_one_counts) {
    std::vector<std::int64_t> totals;
    for (int i = 0; i < 3000; ++i) totals.push_back(std::llround(20000.0 * std::pow(0.25, i / 2999.0)));
    for (int i = 0; i < 2200; ++i) totals.push_back(std::llround(5000.0 * std::pow(0.1, i / 2199.0)));
    for (int i = 0; i < 40000; ++i) totals.push_back(std::llround(500.0 * std::pow(0.96, i / 39999.0)));
    for (int i = 0; i < 14000; ++i) totals.push_back(std::llround(480.0 * std::pow(0.21, i / 13999.0)));
    const BarcodeRanks ranks = barcode_ranks(totals, 100);
    EXPECT_GT(ranks.knee, 4000.0);
    EXPECT_GT(ranks.inflection, 500.0);
}

TEST(barcode_ranks, order_does_not_matter_and_few_points_have_no_knee) {
    std::vector<std::int64_t> totals = two_plateaus();
    const double knee = barcode_ranks(totals, 100).knee;
    std::reverse(totals.begin(), totals.end());
    EXPECT_EQ(barcode_ranks(totals, 100).knee, knee);
    EXPECT_TRUE(barcode_ranks({}, 100).rank.empty());
    EXPECT_EQ(barcode_ranks(std::vector<std::int64_t>{500}, 100).knee, 0.0);
    EXPECT_EQ(barcode_ranks(std::vector<std::int64_t>(30, 500), 100).inflection, 0.0);
}

TEST(barcode_ranks, a_thinned_curve_keeps_its_ends_and_the_number_of_cells) {
    const std::vector<std::int64_t> totals = two_plateaus();
    std::vector<std::uint8_t> is_cell(totals.size(), 0);
    for (std::size_t i = 0; i < 1200; ++i) is_cell[i] = 1;
    const RankCurve curve = rank_curve(totals, is_cell);
    EXPECT_EQ(curve.rank.front(), 1.0);
    EXPECT_EQ(curve.rank.back(), 21500.0);
    EXPECT_EQ(curve.total.front(), 20000.0);
    EXPECT_LT(curve.rank.size(), 260u);
    double called = 0.0;
    double before = 0.0;
    for (std::size_t i = 0; i < curve.rank.size(); ++i) {
        called += curve.called[i] * (curve.rank[i] - before);
        before = curve.rank[i];
    }
    EXPECT_NEAR(called, 1200.0, 1e-6);
}

}  // namespace
}  // namespace morula::analysis
