#include "morula/analysis/filter.hpp"

#include <gtest/gtest.h>

#include "morula/core/error.hpp"
#include "tests/analysis/made_up.hpp"

namespace morula::analysis {
namespace {

// Three cells, four genes: gene 0 in all cells, 1 in cells 0 and 2, 2 only stored as zero, 3 in cell 1.
matrix::Csr three_cells() {
    return {.n_rows = 3, .n_cols = 4, .indptr = {0, 3, 5, 7}, .indices = {0, 1, 2, 0, 3, 0, 1}, .values = {1, 2, 0, 5, 7, 1, 1}};
}

TEST(Filter, counts_genes_among_kept_cells_only) {
    Context context({});
    const auto csr = three_cells();
    const auto source = matrix::make_view_source(csr.view());
    const auto all = filter(*source, std::vector<std::uint8_t>{1, 1, 1}, {.min_cells = 2}, context);
    EXPECT_EQ(all.genes, (std::vector<std::int64_t>{0, 1}));
    EXPECT_EQ(all.n_cells_of_gene, (std::vector<std::int64_t>{3, 2, 0, 1}));
    EXPECT_EQ(all.total_counts, (std::vector<double>{3, 5, 2}));
    const auto two = filter(*source, std::vector<std::uint8_t>{1, 1, 0}, {.min_cells = 2}, context);
    EXPECT_EQ(two.cells, (std::vector<std::int64_t>{0, 1}));
    EXPECT_EQ(two.genes, (std::vector<std::int64_t>{0}));
    EXPECT_EQ(two.total_counts, (std::vector<double>{1, 5}));
}

TEST(Filter, refuses_when_nothing_is_left_and_says_what_to_do) {
    Context context({});
    const auto csr = three_cells();
    const auto source = matrix::make_view_source(csr.view());
    for (const auto& keep : {std::vector<std::uint8_t>{0, 0, 0}, std::vector<std::uint8_t>{1, 0, 0}, std::vector<std::uint8_t>{1, 1}}) {
        try {
            (void)filter(*source, keep, {.min_cells = 2}, context);
            FAIL();
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::invalid_data);
            EXPECT_FALSE(error.next().empty());
        }
    }
}

TEST(Filter, same_bits_for_any_threads_and_reading) {
    const auto made = made_up::counts();
    const auto source = matrix::make_view_source(made.csr.view());
    std::vector<std::uint8_t> keep(300, 1);
    for (std::size_t c = 0; c < 300; c += 3) keep[c] = 0;
    const auto results = made_up::with_threads([&](Context& context) { return filter(*source, keep, {}, context); });
    Context context({});
    const auto by_seven = filter(*made_up::seven_rows(source), keep, {}, context);
    for (const auto& r : {results[0], results[1], results[2], by_seven}) {
        EXPECT_EQ(r.genes, results[0].genes);
        EXPECT_EQ(r.total_counts, results[0].total_counts);
    }
    EXPECT_EQ(results[0].cells.size(), 200u);
}

}  // namespace
}  // namespace morula::analysis
