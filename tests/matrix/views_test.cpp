#include "morula/matrix/views.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "morula/matrix/whole_numbers.hpp"
#include "tests/support/sources.hpp"

namespace morula::matrix {
namespace {

using test::error_code;
using test::error_text;

Csr small() { return {3, 4, {0, 2, 2, 3}, {0, 3, 1}, {5.0F, 7.0F, 2.0F}}; }

TEST(Views, rows_of_a_slice_are_addressed_by_its_own_offsets) {
    const Csr csr = small();
    const CsrView slice{2, 4, std::span(csr.indptr).subspan(1), csr.indices, csr.values};
    EXPECT_EQ(slice.nnz(), 1);
    EXPECT_TRUE(slice.row_indices(0).empty());
    ASSERT_EQ(slice.row_indices(1).size(), 1U);
    EXPECT_EQ(slice.row_indices(1)[0], 1U);
    EXPECT_EQ(slice.row_values(1)[0], 2.0F);
    EXPECT_NO_THROW(check_csr(slice, "X"));
}

TEST(Views, good_matrices_pass_the_check) {
    EXPECT_NO_THROW(check_csr(small().view(), "X"));
    EXPECT_NO_THROW(check_csr(Csr{}.view(), "X"));
    EXPECT_NO_THROW(check_csr(test::random_counts(50, 30, 0.3, 1).view(), "X"));
}

/// By the plain definition, at every place of a row and around 2^31, where the quick test gives no answer.
TEST(Views, rows_that_do_not_strictly_increase_are_seen) {
    const std::vector<std::uint32_t> good = {0, 1, 7, 8, 100, 2'147'483'646, 2'147'483'647, 2'147'483'648, 3'000'000'000, 4'294'967'295};
    EXPECT_TRUE(strictly_increasing({}));
    for (std::size_t from = 0; from < good.size(); ++from) {
        for (std::size_t to = from + 1; to <= good.size(); ++to) {
            const std::vector<std::uint32_t> row(good.begin() + static_cast<std::ptrdiff_t>(from), good.begin() + static_cast<std::ptrdiff_t>(to));
            EXPECT_TRUE(strictly_increasing(row));
            for (std::size_t i = 1; i < row.size(); ++i) {
                for (const std::uint32_t wrong : {row[i - 1], std::uint32_t{0}}) {
                    std::vector<std::uint32_t> bad = row;
                    bad[i] = wrong;
                    EXPECT_FALSE(strictly_increasing(bad)) << from << ' ' << to << ' ' << i;
                }
            }
        }
    }
}

TEST(Views, small_whole_numbers_are_told_from_other_floats) {
    const float infinite = std::numeric_limits<float>::infinity();
    for (const float value : {0.0F, -0.0F, 1.0F, -1.0F, 0.5F, 1.5F, 254.5F, 255.0F, 255.5F, 256.0F, 65'535.0F, 65'535.5F, 65'536.0F, 8'388'607.0F, 8'388'607.5F, 8'388'608.0F,
                              8'388'609.0F, 16'777'216.0F, 4'294'967'296.0F, -8'388'608.0F, -8'388'607.0F, 1e30F, -1e30F, 1e-40F, -1e-40F, infinite, -infinite,
                              std::numeric_limits<float>::quiet_NaN()}) {
        for (const int bits : {8, 16, 23}) {
            WholeNumbers numbers;
            for (const float other : {3.0F, 200.0F}) numbers.take(other);
            const std::uint32_t taken = numbers.take(value);
            const bool is_one = !std::signbit(value) && value < std::ldexp(1.0F, bits) && value == std::floor(value);
            EXPECT_EQ(numbers.all_below_2_to(bits), is_one) << value << ' ' << bits;
            if (is_one) {
                EXPECT_EQ(static_cast<float>(taken), value);
            }
        }
    }
}

struct BadCase {
    const char* name;
    void (*spoil)(Csr&);
    const char* says;
};

class BadMatrix : public testing::TestWithParam<BadCase> {};

TEST_P(BadMatrix, is_named_with_its_first_bad_row) {
    Csr csr = small();
    GetParam().spoil(csr);
    const auto check = [&] { check_csr(csr.view(), "pbmc.h5ad: X"); };
    EXPECT_EQ(error_code(check), ErrorCode::invalid_data);
    EXPECT_NE(error_text(check).find(GetParam().says), std::string::npos) << error_text(check);
    EXPECT_EQ(error_text(check).find("pbmc.h5ad: X"), 0U);
    EXPECT_NE(error_text(check).find("Next: "), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Views, BadMatrix,
    testing::Values(BadCase{"backwards", [](Csr& c) { c.indptr = {0, 2, 1, 3}; }, "the offsets of row 1 go backwards, from 2 to 1"},
                    BadCase{"negative", [](Csr& c) { c.indptr[0] = -1; }, "starts at the negative offset -1"},
                    BadCase{"few_offsets", [](Csr& c) { c.indptr.pop_back(); }, "has 3 row offsets, expected 4 for 3 rows"},
                    BadCase{"short_values", [](Csr& c) { c.values.pop_back(); }, "the row offsets end at 3, but there are 3 column numbers and 2 values"},
                    BadCase{"short_columns", [](Csr& c) { c.indices.pop_back(); }, "the row offsets end at 3, but there are 2 column numbers and 3 values"},
                    BadCase{"far_column", [](Csr& c) { c.indices[2] = 4; }, "row 2 names column 4, but there are only 4 columns"},
                    BadCase{"far_column_first", [](Csr& c) { c.indices[0] = 9; }, "row 0 names column 9, but there are only 4 columns"},
                    BadCase{"twice", [](Csr& c) { c.indices[0] = 3; }, "row 0 holds column 3 twice"},
                    BadCase{"unsorted", [](Csr& c) { c.indices = {3, 0, 1}; }, "the columns of row 0 are not in increasing order (0 follows 3)"},
                    BadCase{"wide", [](Csr& c) { c.n_cols = std::int64_t{1} << 32; }, "has 4294967296 columns"},
                    BadCase{"negative_shape", [](Csr& c) { c.n_rows = -3; }, "has the shape -3 x 4"}),
    [](const testing::TestParamInfo<BadCase>& param) { return param.param.name; });

TEST(Csr, rows_are_appended_and_sorted_with_their_values) {
    Csr csr{1, 1, {0, 1}, {0}, {9.0F}};
    csr.start(2, 5);
    csr.indices = {4, 1, 4, 0};
    csr.values = {1.0F, 2.0F, 3.0F, 4.0F};
    csr.end_row();
    csr.end_row();
    csr.sort_row(0);
    EXPECT_EQ(csr.indptr, (std::vector<std::int64_t>{0, 4, 4}));
    EXPECT_EQ(csr.indices, (std::vector<std::uint32_t>{0, 1, 4, 4}));
    EXPECT_EQ(csr.values, (std::vector<float>{4.0F, 2.0F, 1.0F, 3.0F})) << "entries of one column keep their order";
}

TEST(Dense, an_impossible_shape_is_a_sentence_and_no_small_matrix) {
    constexpr std::int64_t kHuge = std::int64_t{1} << 40;
    EXPECT_EQ(test::error_code([] { Dense<float>(kHuge, kHuge); }), ErrorCode::resource_limit);
    EXPECT_EQ(test::error_code([] { Dense<float>(-1, 4); }), ErrorCode::resource_limit);
}

TEST(Views, densify_fills_what_is_absent_with_minus_the_shift) {
    const Csr csr{.n_rows = 2, .n_cols = 3, .indptr = {0, 1, 3}, .indices = {1, 0, 2}, .values = {5.0f, 1.0f, 2.0f}};
    std::vector<float> out(6, 99.0f);
    densify(csr.view(), std::vector<float>{0.5f, 1.0f, 0.0f}, out.data());
    EXPECT_EQ(out, (std::vector<float>{-0.5f, 4.0f, 0.0f, 0.5f, -1.0f, 2.0f}));
}

}  // namespace
}  // namespace morula::matrix
