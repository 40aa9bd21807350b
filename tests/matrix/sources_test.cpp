// Sources in memory and the lazy views over them, against loops over dense matrices.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "morula/matrix/block_source.hpp"
#include "morula/matrix/row_sizes.hpp"
#include "morula/matrix/tiles.hpp"
#include "tests/support/sources.hpp"

namespace morula::matrix {
namespace {

using test::make_context;
using test::random_counts;
using test::same_csr;
using test::to_csr;
using test::to_dense;

/// Reads block_rows rows at a time into scratch that holds junk, and joins the blocks.
Csr read_by(const RowBlockSource& source, std::int64_t block_rows) {
    Csr all{source.n_rows(), source.n_cols(), {0}, {}, {}};
    CsrScratch scratch;
    for (std::int64_t begin = 0; begin < source.n_rows(); begin += block_rows) {
        test::fill_with_junk(scratch);
        test::fill_with_junk(scratch.below());
        const CsrView block = source.read({begin, std::min(begin + block_rows, source.n_rows())}, scratch);
        EXPECT_EQ(block.n_cols, source.n_cols());
        EXPECT_NO_THROW(check_csr(block, "block"));
        for (std::int64_t row = 0; row < block.n_rows; ++row) {
            all.indices.insert(all.indices.end(), block.row_indices(row).begin(), block.row_indices(row).end());
            all.values.insert(all.values.end(), block.row_values(row).begin(), block.row_values(row).end());
            all.indptr.push_back(static_cast<std::int64_t>(all.indices.size()));
        }
    }
    return all;
}

void expect_holds(const Matrix& source, const Csr& expected) {
    EXPECT_GE(source->nnz(), static_cast<std::int64_t>(expected.values.size()));
    for (const std::int64_t rows : {std::int64_t{1}, std::int64_t{7}, std::int64_t{64}, std::int64_t{5000}}) {
        EXPECT_TRUE(same_csr(read_by(*source, rows), expected)) << "reading " << rows << " rows at a time";
    }
}

/// Every third row empty, gene 2 never seen.
Csr awkward(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
    return test::keep_entries(random_counts(rows, cols, 0.3, seed), [](std::int64_t row, std::int64_t col, float) { return row % 3 != 1 && col != 2; });
}

std::vector<std::int64_t> kept_of(std::int64_t n, double share, std::uint64_t seed) {
    std::vector<std::int64_t> kept;
    Random random(seed, Purpose::test, 99, 0);
    for (std::int64_t i = 0; i < n; ++i) {
        if (random.uniform() < share) kept.push_back(i);
    }
    return kept;
}

Csr selected(const Csr& from, const std::vector<std::int64_t>& rows, const std::vector<std::int64_t>& cols) {
    const Dense<float> all = to_dense(from.view());
    Dense<float> out(static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(cols.size()));
    for (std::size_t r = 0; r < rows.size(); ++r) {
        for (std::size_t c = 0; c < cols.size(); ++c) out(static_cast<std::int64_t>(r), static_cast<std::int64_t>(c)) = all(rows[r], cols[c]);
    }
    return to_csr(out);
}

std::vector<std::int64_t> all_of(std::int64_t n) {
    std::vector<std::int64_t> all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), 0);
    return all;
}

TEST(Sources, memory_source_gives_back_its_matrix) {
    const Csr csr = awkward(100, 20, 1);
    expect_holds(make_source(csr), csr);
    expect_holds(make_view_source(csr.view()), csr);
    expect_holds(test::read_seven_rows(make_source(csr)), csr);
}

TEST(Sources, a_matrix_without_rows_or_columns_can_be_read) {
    expect_holds(make_source(Csr{}), Csr{});
    const Csr no_cols{3, 0, {0, 0, 0, 0}, {}, {}};
    expect_holds(make_source(no_cols), no_cols);
    expect_holds(select_rows(make_source(no_cols), {1}), Csr{1, 0, {0, 0}, {}, {}});
    expect_holds(stack_rows({}), Csr{});
    expect_holds(log1p_scaled(make_source(Csr{}), {}), Csr{});
    EXPECT_TRUE(same_csr(read_all(*make_source(Csr{}), *make_context(2)), Csr{}));
}

TEST(Sources, a_range_outside_the_matrix_is_refused) {
    const Matrix source = make_source(awkward(10, 5, 1));
    CsrScratch scratch;
    EXPECT_EQ(test::error_code([&] { source->read({0, 11}, scratch); }), ErrorCode::internal);
    EXPECT_EQ(test::error_code([&] { source->read({-1, 3}, scratch); }), ErrorCode::internal);
    EXPECT_EQ(test::error_code([&] { source->read({4, 3}, scratch); }), ErrorCode::internal);
}

TEST(Sources, select_keeps_what_a_loop_keeps) {
    const Csr csr = awkward(300, 40, 2);
    for (const double share : {0.0, 0.03, 0.5, 0.95, 1.0}) {
        const std::vector<std::int64_t> rows = kept_of(300, share, 5);
        const std::vector<std::int64_t> cols = kept_of(40, share, 6);
        expect_holds(select(make_source(csr), rows, cols), selected(csr, rows, cols));
        expect_holds(select_rows(make_source(csr), rows), selected(csr, rows, all_of(40)));
        expect_holds(select_cols(make_source(csr), cols), selected(csr, all_of(300), cols));
        expect_holds(select(test::read_seven_rows(make_source(csr)), rows, cols), selected(csr, rows, cols));
    }
}

TEST(Sources, select_refuses_positions_out_of_order) {
    const Matrix source = make_source(awkward(10, 5, 1));
    EXPECT_THROW(select_rows(source, {3, 3}), Error);
    EXPECT_THROW(select_rows(source, {10}), Error);
    EXPECT_THROW(select_cols(source, {2, 1}), Error);
    EXPECT_THROW(select_cols(source, {-1}), Error);
}

/// Remembers what was asked of it.
class CountingSource final : public RowBlockSource {
public:
    explicit CountingSource(std::int64_t rows) : CountingSource(rows, Pieces::dear) {}
    enum class Pieces { dear, cheap };
    CountingSource(std::int64_t rows, Pieces pieces) : rows_(rows), pieces_(pieces) {}
    bool cheap_in_pieces() const override { return pieces_ == Pieces::cheap; }
    std::int64_t n_rows() const override { return rows_; }
    std::int64_t n_cols() const override { return 1; }
    std::int64_t nnz() const override { return 0; }
    CsrView read(Range rows, CsrScratch& scratch) const override {
        asked.push_back(rows);
        scratch.csr.indptr.assign(static_cast<std::size_t>(rows.size() + 1), 0);
        return {rows.size(), 1, scratch.csr.indptr, {}, {}};
    }
    mutable std::vector<Range> asked;

private:
    std::int64_t rows_;
    Pieces pieces_;
};

TEST(Sources, select_reads_near_rows_together_and_never_far_gaps) {
    const auto source = std::make_shared<CountingSource>(1'000'000);
    const Matrix kept = select_rows(source, {10, 11, 13, 14, 15, 500'000, 500'001, 999'999});
    CsrScratch scratch;
    kept->read({0, 8}, scratch);
    ASSERT_EQ(source->asked.size(), 3U);
    EXPECT_EQ(source->asked[0].begin, 10);
    EXPECT_EQ(source->asked[0].end, 16);
    EXPECT_EQ(source->asked[1].begin, 500'000);
    EXPECT_EQ(source->asked[1].size(), 2);
    EXPECT_EQ(source->asked[2].size(), 1);
}

TEST(Sources, select_reads_nothing_between_rows_that_are_cheap_one_by_one) {
    const auto source = std::make_shared<CountingSource>(100, CountingSource::Pieces::cheap);
    CsrScratch scratch;
    select_rows(source, {10, 11, 13, 15})->read({0, 4}, scratch);
    ASSERT_EQ(source->asked.size(), 3U);
    EXPECT_EQ(source->asked[0].size(), 2);
    EXPECT_EQ(source->asked[1].begin, 13);
    EXPECT_EQ(source->asked[1].size(), 1);
}

TEST(Sources, select_of_every_tenth_row_reads_little_more_than_it_keeps) {
    const auto source = std::make_shared<CountingSource>(100'000);
    std::vector<std::int64_t> rows;
    for (std::int64_t row = 0; row < 100'000; row += 10) rows.push_back(row);
    const Matrix kept = select_rows(source, rows);
    CsrScratch scratch;
    kept->read({0, 1000}, scratch);
    std::int64_t read = 0;
    for (const Range& range : source->asked) read += range.size();
    EXPECT_LE(read, 12'000);
}

TEST(Sources, log1p_scaled_rounds_the_float64_logarithm_once) {
    const Csr csr = awkward(120, 30, 3);
    std::vector<double> scale;
    for (std::size_t row = 0; row < 120; ++row) scale.push_back(1e4 / (37.0 + 3.0 * static_cast<double>(row)));
    Csr expected = csr;
    for (std::size_t row = 0; row < 120; ++row) {
        for (std::int64_t i = csr.indptr[row]; i < csr.indptr[row + 1]; ++i) {
            const auto at = static_cast<std::size_t>(i);
            expected.values[at] = static_cast<float>(std::log1p(static_cast<double>(csr.values[at]) * scale[row]));
        }
    }
    expect_holds(log1p_scaled(make_source(csr), scale), expected);
    expect_holds(log1p_scaled(compact_copy(*make_source(csr), *make_context(2)), scale), expected);
    EXPECT_EQ(expected.values[0], static_cast<float>(std::log1p(static_cast<double>(csr.values[0]) * scale[0])));
    EXPECT_THROW(log1p_scaled(make_source(csr), {1.0}), Error);
}

TEST(Sources, log1p_scaled_of_fractions_zero_and_large_values) {
    const std::vector<float> values{0.0F, 0.5F, 63.0F, 64.0F, 63.5F, 3e9F, -0.5F};
    const Csr csr{1, 7, {0, 7}, {0, 1, 2, 3, 4, 5, 6}, values};
    Csr expected = csr;
    for (float& value : expected.values) value = static_cast<float>(std::log1p(static_cast<double>(value) * 1.25));
    expect_holds(log1p_scaled(make_source(csr), {1.25}), expected);
    EXPECT_FLOAT_EQ(expected.values[2], 4.378896F);  // ln(1 + 63 * 1.25) = ln 79.75
}

TEST(Sources, stacked_sources_read_as_one) {
    const Csr a = awkward(50, 12, 4);
    const Csr b = awkward(1, 12, 5);
    const Csr none{0, 12, {0}, {}, {}};
    const Csr c = awkward(33, 12, 6);
    Csr expected{0, 12, {0}, {}, {}};
    for (const Csr* part : {&a, &b, &c}) {
        for (std::int64_t row = 0; row < part->n_rows; ++row) expected.indptr.push_back(expected.indptr.back() + static_cast<std::int64_t>(part->view().row_indices(row).size()));
        expected.indices.insert(expected.indices.end(), part->indices.begin(), part->indices.end());
        expected.values.insert(expected.values.end(), part->values.begin(), part->values.end());
        expected.n_rows += part->n_rows;
    }
    expect_holds(stack_rows({make_source(none), make_source(a), make_source(none), make_source(b), make_source(c), make_source(none)}), expected);
    EXPECT_THROW(stack_rows({make_source(a), make_source(awkward(3, 13, 1))}), Error);
}

TEST(Sources, remap_cols_moves_and_drops_columns_in_any_order) {
    const Csr csr = awkward(60, 6, 7);
    const Dense<float> from = to_dense(csr.view());
    const std::vector<std::int64_t> new_col{7, -1, 0, 3, 9, 1};
    Dense<float> to(60, 10);
    for (std::int64_t row = 0; row < 60; ++row) {
        for (std::int64_t col = 0; col < 6; ++col) {
            if (new_col[static_cast<std::size_t>(col)] >= 0) to(row, new_col[static_cast<std::size_t>(col)]) = from(row, col);
        }
    }
    expect_holds(remap_cols(make_source(csr), new_col, 10), to_csr(to));
    const Matrix source = make_source(csr);
    std::vector<std::int64_t> same(static_cast<std::size_t>(csr.n_cols));
    std::iota(same.begin(), same.end(), 0);
    EXPECT_EQ(remap_cols(source, same, csr.n_cols), source) << "nothing moves";
    expect_holds(remap_cols(source, same, csr.n_cols + 1), Csr{csr.n_rows, csr.n_cols + 1, csr.indptr, csr.indices, csr.values});
    EXPECT_THROW(remap_cols(make_source(csr), {0, 1, 2, 3, 4, 4}, 10), Error) << "two columns with one new place";
    EXPECT_THROW(remap_cols(make_source(csr), {0, 1, 2, 3, 4, 10}, 10), Error);
    EXPECT_THROW(remap_cols(make_source(csr), {0, 1}, 10), Error);
}

TEST(Sources, views_nest_to_any_depth) {
    const Csr a = awkward(200, 20, 8);
    const Csr b = awkward(90, 20, 9);
    const std::vector<std::int64_t> rows = kept_of(290, 0.6, 1);
    const std::vector<std::int64_t> again = kept_of(static_cast<std::int64_t>(rows.size()), 0.7, 2);
    const std::vector<std::int64_t> cols = kept_of(20, 0.7, 3);
    const auto context = make_context(2);
    const Matrix stacked = stack_rows({compact_copy(*make_source(a), *context), make_source(b)});
    std::vector<double> scale(290, 2.0);
    const Matrix deep = select(select_rows(log1p_scaled(stacked, scale), rows), again, cols);

    Csr both = read_all(*stacked, *context);
    for (float& value : both.values) value = static_cast<float>(std::log1p(static_cast<double>(value) * 2.0));
    std::vector<std::int64_t> final_rows;
    for (const std::int64_t i : again) final_rows.push_back(rows[static_cast<std::size_t>(i)]);
    expect_holds(deep, selected(both, final_rows, cols));
}

TEST(Sources, read_all_gives_the_same_matrix_with_any_number_of_threads) {
    const Csr csr = random_counts(20'000, 12, 0.2, 10);
    const Csr read = test::same_at_1_2_4_threads([&](Context& context) { return read_all(*make_source(csr), context); }, same_csr);
    EXPECT_TRUE(same_csr(read, csr));
    EXPECT_TRUE(same_csr(read_all(*test::read_seven_rows(make_source(csr)), *make_context(2)), csr));
}

TEST(Sources, row_offsets_are_the_same_whether_known_or_read) {
    const auto context = make_context(2);
    const Csr rows = awkward(2500, 40, 3);
    const std::vector<std::int64_t> kept = kept_of(2500, 0.6, 4);
    const Matrix compact = compact_copy(*make_source(rows), *context);
    std::vector<std::int64_t> all(40);
    std::iota(all.begin(), all.end(), std::int64_t{0});
    ASSERT_NE(known_row_sizes(*compact), nullptr);
    ASSERT_NE(known_row_sizes(*select_rows(compact, kept)), nullptr);
    EXPECT_EQ(known_row_sizes(*select_rows(make_source(rows), kept)), nullptr);
    EXPECT_EQ(known_row_sizes(*select_cols(compact, {0, 2, 5})), nullptr);
    EXPECT_EQ(row_offsets(*compact, *context), rows.indptr);
    EXPECT_EQ(row_offsets(*make_source(rows), *context), rows.indptr);
    const std::vector<std::int64_t> of_kept = selected(rows, kept, all).indptr;
    EXPECT_EQ(row_offsets(*select_rows(compact, kept), *context), of_kept);
    EXPECT_EQ(row_offsets(*select_rows(make_source(rows), kept), *context), of_kept);
    EXPECT_EQ(row_offsets(*make_source(Csr{0, 5, {0}, {}, {}}), *context), std::vector<std::int64_t>{0});
}

}  // namespace
}  // namespace morula::matrix
