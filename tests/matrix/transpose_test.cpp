#include <gtest/gtest.h>

#include "morula/matrix/block_source.hpp"
#include "tests/support/sources.hpp"

namespace morula::matrix {
namespace {

using test::make_context;
using test::random_counts;

bool same_csc(const Csc& a, const Csc& b) {
    return a.n_rows == b.n_rows && a.n_cols == b.n_cols && a.indptr == b.indptr && a.indices == b.indices && test::same_bits(a.values, b.values);
}

Csc transpose_by_loop(const Csr& csr, Range cols) {
    Csc out{csr.n_rows, cols.size(), {0}, {}, {}};
    const Dense<float> dense = test::to_dense(csr.view());
    for (std::int64_t col = cols.begin; col < cols.end; ++col) {
        for (std::int64_t row = 0; row < csr.n_rows; ++row) {
            if (dense(row, col) == 0.0F) continue;
            out.indices.push_back(static_cast<std::uint32_t>(row));
            out.values.push_back(dense(row, col));
        }
        out.indptr.push_back(static_cast<std::int64_t>(out.indices.size()));
    }
    return out;
}

void expect_transposed(const Csr& csr, Range cols) {
    const Csc expected = transpose_by_loop(csr, cols);
    const Csc made = test::same_at_1_2_4_threads([&](Context& context) { return transpose_cols(*make_source(csr), cols, context); }, same_csc);
    EXPECT_TRUE(same_csc(made, expected));
    EXPECT_TRUE(same_csc(transpose_cols(*test::read_seven_rows(make_source(csr)), cols, *make_context(2)), expected));
}

TEST(Transpose, gives_the_cells_of_each_gene_in_order) {
    const Csr csr{3, 4, {0, 2, 2, 4}, {0, 3, 0, 2}, {5.0F, 7.0F, 2.0F, 1.0F}};
    const Csc csc = transpose_cols(*make_source(csr), {0, 4}, *make_context(1));
    EXPECT_EQ(csc.indptr, (std::vector<std::int64_t>{0, 2, 2, 3, 4}));
    EXPECT_EQ(csc.indices, (std::vector<std::uint32_t>{0, 2, 2, 0}));
    EXPECT_EQ(csc.values, (std::vector<float>{5.0F, 2.0F, 1.0F, 7.0F}));
}

TEST(Transpose, agrees_with_a_loop_on_whole_and_partial_ranges) {
    const Csr csr = test::keep_entries(random_counts(2600, 1200, 0.03, 1), [](std::int64_t row, std::int64_t col, float) { return row % 7 != 2 && col != 600; });
    expect_transposed(csr, {0, 1200});
    expect_transposed(csr, {511, 1025});
    expect_transposed(csr, {1199, 1200});
    expect_transposed(csr, {40, 40});
}

TEST(Transpose, agrees_when_a_stripe_holds_several_tiles) { expect_transposed(random_counts(70'000, 3, 0.4, 2), {0, 3}); }

TEST(Transpose, of_an_empty_matrix_is_empty) {
    expect_transposed(Csr{}, {0, 0});
    expect_transposed(Csr{0, 5, {0}, {}, {}}, {0, 5});
    expect_transposed(Csr{2, 5, {0, 0, 0}, {}, {}}, {1, 5});
}

TEST(Transpose, refuses_columns_outside_the_matrix) {
    EXPECT_THROW(transpose_cols(*make_source(random_counts(4, 5, 0.5, 1)), {0, 6}, *make_context(1)), Error);
}

}  // namespace
}  // namespace morula::matrix
