#include "morula/matrix/tiles.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/sources.hpp"

namespace morula::matrix {
namespace {

using test::make_context;
using test::random_counts;
using test::same_bits;

/// Sums of values that float64 must round, so that another order of adding shows in the bits.
std::vector<double> awkward_sums(const RowBlockSource& source, Context& context) {
    return sum_tiles(source, source.n_cols(), context, [](const CsrView& tile, std::int64_t first_row, std::span<double> sums) {
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            for (std::size_t i = 0; i < tile.row_indices(row).size(); ++i) {
                sums[tile.row_indices(row)[i]] += std::sqrt(static_cast<double>(tile.row_values(row)[i]) + static_cast<double>(first_row + row) * 1e-3);
            }
        }
    });
}

/// The documented shape of a sum, in plain loops.
std::vector<double> awkward_sums_by_loop(const Csr& csr) {
    const auto width = static_cast<std::size_t>(csr.n_cols);
    std::vector<double> total(width);
    for (std::int64_t span = 0; span < csr.n_rows; span += kTileCells * kSpanTiles) {
        std::vector<double> span_sums;
        for (std::int64_t tile = span; tile < std::min(csr.n_rows, span + kTileCells * kSpanTiles); tile += kTileCells) {
            std::vector<double> sums(width);
            for (std::int64_t row = tile; row < std::min(csr.n_rows, tile + kTileCells); ++row) {
                for (std::size_t i = 0; i < csr.view().row_indices(row).size(); ++i) {
                    sums[csr.view().row_indices(row)[i]] += std::sqrt(static_cast<double>(csr.view().row_values(row)[i]) + static_cast<double>(row) * 1e-3);
                }
            }
            if (span_sums.empty()) {
                span_sums = sums;
            } else {
                for (std::size_t c = 0; c < width; ++c) span_sums[c] += sums[c];
            }
        }
        for (std::size_t c = 0; c < width; ++c) total[c] += span_sums[c];
    }
    return total;
}

TEST(Tiles, sums_have_the_documented_shape_to_the_bit) {
    for (const std::int64_t rows : {std::int64_t{1}, kTileCells, kTileCells + 1, std::int64_t{5000}, kTileCells * kSpanTiles + 1, kTileCells * kSpanTiles * 2 + 1500}) {
        const Csr csr = random_counts(rows, 5, 0.5, 3);
        const std::vector<double> sums = test::same_at_1_2_4_threads([&](Context& context) { return awkward_sums(*make_source(csr), context); }, same_bits<double>);
        EXPECT_TRUE(same_bits(sums, awkward_sums_by_loop(csr))) << rows << " rows";
    }
}

TEST(Tiles, sums_do_not_depend_on_how_rows_are_read) {
    const Matrix source = make_source(random_counts(2500, 5000, 0.002, 4));  // more columns than one task adds up
    const auto context = make_context(2);
    EXPECT_TRUE(same_bits(awkward_sums(*source, *context), awkward_sums(*test::read_seven_rows(source), *context)));
    EXPECT_TRUE(same_bits(awkward_sums(*source, *context), awkward_sums(*compact_copy(*source, *context), *context)));
    EXPECT_TRUE(same_bits(awkward_sums(*source, *context), awkward_sums_by_loop(read_all(*source, *context))));
}

TEST(Tiles, sums_over_no_cells_are_zeros) {
    EXPECT_EQ(awkward_sums(*make_source(Csr{0, 3, {0}, {}, {}}), *make_context(2)), (std::vector<double>{0.0, 0.0, 0.0}));
}

TEST(Tiles, each_row_is_seen_once_in_its_place) {
    const Csr csr = random_counts(5000, 20, 0.3, 5);
    for (const std::int32_t threads : {1, 2, 4}) {
        std::vector<double> total(5000, -1e30);
        for_each_tile(*make_source(csr), *make_context(threads), [&](const CsrView& tile, std::int64_t first_row) {
            EXPECT_EQ(first_row % kTileCells, 0);
            EXPECT_LE(tile.n_rows, kTileCells);
            for (std::int64_t row = 0; row < tile.n_rows; ++row) {
                double& sum = total[static_cast<std::size_t>(first_row + row)];
                EXPECT_EQ(sum, -1e30);
                sum = 0.0;
                for (const float value : tile.row_values(row)) sum += static_cast<double>(value);
            }
        });
        for (std::int64_t row = 0; row < 5000; ++row) {
            double expected = 0.0;
            for (const float value : csr.view().row_values(row)) expected += static_cast<double>(value);
            ASSERT_EQ(total[static_cast<std::size_t>(row)], expected);
        }
    }
}

TEST(Tiles, an_error_in_a_tile_reaches_the_caller) {
    const Matrix source = make_source(random_counts(5000, 3, 0.5, 6));
    const auto body = [](const CsrView&, std::int64_t first_row) {
        if (first_row > 0) invalid_data("tile " + std::to_string(first_row), "");
    };
    EXPECT_NE(test::error_text([&] { for_each_tile(*source, *make_context(2), body); }).find("tile 1024"), std::string::npos);
}

TEST(Tiles, moments_of_a_matrix_checked_by_hand) {
    // gene 0: 1, 3, 0, 0; gene 1: never seen; gene 2: 2 everywhere; gene 3: a stored zero.
    const Csr csr{4, 4, {0, 2, 4, 6, 7}, {0, 2, 0, 2, 2, 3, 2}, {1.0F, 2.0F, 3.0F, 2.0F, 2.0F, 0.0F, 2.0F}};
    const ColumnMoments moments = column_moments(*make_source(csr), *make_context(2));
    EXPECT_EQ(moments.sum, (std::vector<double>{4.0, 0.0, 8.0, 0.0}));
    EXPECT_EQ(moments.sum_of_squares, (std::vector<double>{10.0, 0.0, 16.0, 0.0}));
    EXPECT_EQ(moments.mean, (std::vector<double>{1.0, 0.0, 2.0, 0.0}));
    EXPECT_EQ(moments.variance, (std::vector<double>{2.0, 0.0, 0.0, 0.0}));
    EXPECT_EQ(moments.n_nonzero, (std::vector<std::int64_t>{2, 0, 4, 0}));
}

TEST(Tiles, row_sums_checked_by_hand) {
    EXPECT_EQ(row_sums(*make_source(Csr{3, 4, {0, 2, 2, 4}, {0, 2, 1, 2}, {1.0F, 2.5F, 3.0F, 0.0F}}), *make_context(2)), (std::vector<double>{3.5, 0.0, 3.0}));
    EXPECT_TRUE(row_sums(*make_source(Csr{0, 4, {0}, {}, {}}), *make_context(1)).empty());
}

TEST(Tiles, moments_of_one_cell_have_no_variance_and_of_none_are_zero) {
    const ColumnMoments one = column_moments(*make_source(Csr{1, 2, {0, 1}, {1}, {3.0F}}), *make_context(1));
    EXPECT_EQ(one.mean, (std::vector<double>{0.0, 3.0}));
    EXPECT_EQ(one.variance, (std::vector<double>{0.0, 0.0}));
    const ColumnMoments none = column_moments(*make_source(Csr{0, 2, {0}, {}, {}}), *make_context(1));
    EXPECT_EQ(none.mean, (std::vector<double>{0.0, 0.0}));
    EXPECT_EQ(none.variance, (std::vector<double>{0.0, 0.0}));
}

TEST(Tiles, moments_of_a_constant_gene_are_clipped_and_nan_stays_nan) {
    Csr csr{7, 2, {0}, {}, {}};
    for (int row = 0; row < 7; ++row) {
        csr.indices.insert(csr.indices.end(), {0, 1});
        csr.values.insert(csr.values.end(), {0.1F, row == 3 ? NAN : 1.0F});
        csr.indptr.push_back(static_cast<std::int64_t>(csr.indices.size()));
    }
    const ColumnMoments moments = column_moments(*make_source(csr), *make_context(1));
    EXPECT_GE(moments.variance[0], 0.0);
    EXPECT_LT(moments.variance[0], 1e-15);
    EXPECT_TRUE(std::isnan(moments.mean[1]));
    EXPECT_TRUE(std::isnan(moments.variance[1]));
}

TEST(Tiles, moments_agree_with_two_passes_over_a_dense_matrix) {
    const Csr csr = random_counts(3000, 25, 0.4, 7);
    const ColumnMoments moments = column_moments(*make_source(csr), *make_context(2));
    const Dense<float> dense = test::to_dense(csr.view());
    for (std::int64_t col = 0; col < 25; ++col) {
        const auto c = static_cast<std::size_t>(col);
        double mean = 0.0;
        double squares = 0.0;
        std::int64_t n_nonzero = 0;
        for (std::int64_t row = 0; row < 3000; ++row) mean += static_cast<double>(dense(row, col)) / 3000.0;
        for (std::int64_t row = 0; row < 3000; ++row) {
            squares += (static_cast<double>(dense(row, col)) - mean) * (static_cast<double>(dense(row, col)) - mean);
            n_nonzero += dense(row, col) != 0.0F;
        }
        EXPECT_NEAR(moments.mean[c], mean, 1e-10 * mean);
        EXPECT_NEAR(moments.variance[c], squares / 2999.0, 1e-10 * squares / 2999.0);
        EXPECT_EQ(moments.n_nonzero[c], n_nonzero);
    }
}

}  // namespace
}  // namespace morula::matrix
