#include "morula/report/shown_cells.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

namespace morula::report {
namespace {

TEST(ShownCells, are_all_cells_up_to_the_limit) {
    const std::vector<std::int64_t> cells = shown_cells(1000, 1000, 7);
    ASSERT_EQ(cells.size(), 1000u);
    for (std::size_t i = 0; i < cells.size(); ++i) EXPECT_EQ(cells[i], static_cast<std::int64_t>(i));
    EXPECT_TRUE(shown_cells(0, 10, 7).empty());
    EXPECT_EQ(sample_statement(1000, 1000, 7), "");
}

TEST(ShownCells, above_the_limit_are_exactly_as_many_in_order_and_without_repeats) {
    for (const std::int64_t n : {101, 5000, 250'000}) {
        const std::vector<std::int64_t> cells = shown_cells(n, 100, 3);
        ASSERT_EQ(cells.size(), 100u) << n;
        EXPECT_TRUE(std::is_sorted(cells.begin(), cells.end()));
        EXPECT_EQ(std::set<std::int64_t>(cells.begin(), cells.end()).size(), 100u);
        EXPECT_LT(cells.back(), n);
    }
    EXPECT_EQ(shown_cells(5000, 100, 3), shown_cells(5000, 100, 3));
    EXPECT_NE(shown_cells(5000, 100, 3), shown_cells(5000, 100, 4));
    EXPECT_EQ(sample_statement(1'306'127, 100'000, 0), "100,000 of 1,306,127 cells, drawn at random (seed 0)");
}

TEST(ShownCells, take_every_part_of_the_data_alike) {
    std::vector<double> tenths(10, 0.0);
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        for (const std::int64_t cell : shown_cells(10'000, 1000, seed)) ++tenths[static_cast<std::size_t>(cell / 1000)];
    }
    // 5,000 expected a tenth, standard deviation about 67 (hypergeometric); six of them.
    for (const double count : tenths) EXPECT_NEAR(count, 5000.0, 400.0);
}

TEST(DensityMap, counts_every_cell_once_and_puts_the_lowest_y_in_row_0) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> x = {0, 1, 1, 0.2f, nan}, y = {0, 1, 1, 0.9f, 0.5f};
    const DensityMap map = density_map(x, y, 2, 2);
    EXPECT_EQ(map.counts, (std::vector<float>{1, 0, 1, 2}));
    EXPECT_EQ(map.x_max, 1.0);
    EXPECT_EQ(map.y_min, 0.0);
}

TEST(DensityMap, one_place_is_one_square) {
    const std::vector<float> x = {2, 2}, y = {3, 3};
    const DensityMap map = density_map(x, y, 4, 4);
    EXPECT_EQ(map.counts[0], 2.0f);
    EXPECT_EQ(std::accumulate(map.counts.begin(), map.counts.end(), 0.0f), 2.0f);
}

TEST(QuantizeExpression, keeps_zero_zero_and_errs_by_at_most_half_a_level) {
    const std::vector<float> values = {0.0f, 1e-6f, 0.5f, 1.234f, 4.0f, std::numeric_limits<float>::quiet_NaN()};
    const GeneExpression gene = quantize_expression("G", "E", values);
    EXPECT_EQ(gene.scale, 4.0f);
    EXPECT_EQ(gene.level[0], 0);
    EXPECT_EQ(gene.level[1], 1) << "a found gene stays found";
    EXPECT_EQ(gene.level[4], 255);
    EXPECT_EQ(gene.level[5], 0);
    for (const std::size_t i : {2, 3}) EXPECT_NEAR(gene.level[i] * gene.scale / 255.0f, values[i], gene.scale / 255.0f / 2 + 1e-6f);
    EXPECT_EQ(quantize_expression("G", "E", std::vector<float>(3, 0.0f)).level, std::vector<std::uint8_t>(3, 0));
}

}  // namespace
}  // namespace morula::report
