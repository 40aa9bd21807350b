#include "morula/analysis/pseudobulk.hpp"

#include <gtest/gtest.h>

#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

std::vector<std::int32_t> random_groups(std::int64_t n, std::int32_t n_groups) {
    Random random(3, Purpose::test, 0, 0);
    std::vector<std::int32_t> out;
    for (std::int64_t i = 0; i < n; ++i) out.push_back(static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(n_groups) + 1)) - 1);
    return out;
}

TEST(pseudobulk, sums_are_those_of_a_plain_loop_however_rows_are_read) {
    const matrix::Csr csr = test::random_counts(3000, 50, 0.2, 1);
    const std::vector<std::int32_t> groups = random_groups(3000, 5);
    std::vector<std::int64_t> expected(5 * 50, 0);
    std::vector<std::int64_t> n_cells(5, 0);
    for (std::int64_t row = 0; row < 3000; ++row) {
        const std::int32_t group = groups[static_cast<std::size_t>(row)];
        if (group < 0) continue;
        ++n_cells[static_cast<std::size_t>(group)];
        const auto view = csr.view();
        for (std::size_t i = 0; i < view.row_indices(row).size(); ++i) expected[static_cast<std::size_t>(group) * 50 + view.row_indices(row)[i]] += static_cast<std::int64_t>(view.row_values(row)[i]);
    }
    const matrix::Matrix source = matrix::make_view_source(csr.view());
    const auto same = [](const Pseudobulk& a, const Pseudobulk& b) { return a.sums.values == b.sums.values && a.n_cells == b.n_cells; };
    const Pseudobulk found = test::same_at_1_2_4_threads([&](Context& context) { return pseudobulk(*source, groups, 5, context); }, same);
    EXPECT_EQ(found.sums.values, expected);
    EXPECT_EQ(found.n_cells, n_cells);
    const Pseudobulk seven = pseudobulk(*test::read_seven_rows(source), groups, 5, *test::make_context(2));
    EXPECT_EQ(seven.sums.values, expected);
    const matrix::Dense<double> table = genes_by_samples(found, std::vector<std::int32_t>{4, 1});
    EXPECT_EQ(table(7, 0), static_cast<double>(expected[4 * 50 + 7]));
    EXPECT_EQ(table(7, 1), static_cast<double>(expected[1 * 50 + 7]));
}

TEST(pseudobulk, large_counts_stay_exact) {
    matrix::Csr csr;
    csr.n_rows = 3;
    csr.n_cols = 1;
    csr.indptr = {0, 1, 2, 3};
    csr.indices = {0, 0, 0};
    csr.values = {4294967296.0F, 4294967296.0F, 1.0F};
    const Pseudobulk sums = pseudobulk(*matrix::make_view_source(csr.view()), std::vector<std::int32_t>{0, 0, 0}, 1, *test::make_context(1));
    EXPECT_EQ(sums.sums.values[0], 8589934593);
}

TEST(pseudobulk, values_that_are_no_counts_are_refused_where_they_are_used) {
    matrix::Csr csr;
    csr.n_rows = 2;
    csr.n_cols = 3;
    csr.indptr = {0, 1, 2};
    csr.indices = {1, 2};
    csr.values = {4.0F, 0.75F};
    const auto context = test::make_context(1);
    const Error error = test::thrown_by([&] { pseudobulk(*matrix::make_view_source(csr.view()), std::vector<std::int32_t>{0, 0}, 1, *context); });
    EXPECT_EQ(error.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(test::contains(error.message(), "Cell 1, gene 2"));
    EXPECT_EQ(pseudobulk(*matrix::make_view_source(csr.view()), std::vector<std::int32_t>{0, -1}, 1, *context).sums.values[1], 4);
}

}  // namespace
}  // namespace morula::analysis
