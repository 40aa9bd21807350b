#include "morula/analysis/counted_gene.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "morula/analysis/marker_values.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kCells = 2000;
constexpr std::int32_t kGroups = 5;

/// Factors as totals give them: a target over whole numbers.
std::vector<double> factors(std::int64_t n_levels) {
    std::vector<double> factor;
    for (std::int64_t cell = 0; cell < kCells; ++cell) factor.push_back(3000.0 / static_cast<double>(1000 + 37 * (cell * 7 % n_levels)));
    return factor;
}

/// Groups of uneven size; every eleventh cell takes no part.
std::vector<std::int32_t> groups_of_cells() {
    std::vector<std::int32_t> codes;
    for (std::int64_t cell = 0; cell < kCells; ++cell) codes.push_back(cell % 11 == 10 ? -1 : static_cast<std::int32_t>((cell * cell / 3) % kGroups));
    return codes;
}

CellGroups count_groups(std::span<const std::int32_t> codes) {
    CellGroups groups{codes, std::vector<std::int64_t>(kGroups, 0), 0};
    for (const std::int32_t code : codes) {
        if (code < 0) continue;
        ++groups.n_cells[static_cast<std::size_t>(code)];
        ++groups.n_total;
    }
    return groups;
}

/// Genes with values in few cells and in nearly all, small counts, large ones, fractions and stored zeros.
matrix::Csr mixed_genes() {
    matrix::Csr csr = test::random_counts(kCells, 40, 0.6, 4);
    csr = test::keep_entries(csr, [](std::int64_t row, std::int64_t col, float) { return col % 4 != 0 || (row * 13 + col) % 50 == 0; });
    for (std::size_t i = 0; i < csr.values.size(); ++i) {
        if (csr.indices[i] % 5 == 1) csr.values[i] = std::min(csr.values[i], 6.0F);
        if (csr.indices[i] == 7 && i % 9 == 0) csr.values[i] = 1.5F;
        if (csr.indices[i] == 8 && i % 3 == 0) csr.values[i] = 0.0F;
    }
    return csr;
}

void expect_same(const GeneStatistics& a, const GeneStatistics& b, std::int64_t gene) {
    for (std::size_t k = 0; k < a.sums.size(); ++k) {
        EXPECT_EQ(a.sums[k].sum, b.sums[k].sum) << gene;
        EXPECT_EQ(a.sums[k].sum_of_squares, b.sums[k].sum_of_squares) << gene;
        EXPECT_EQ(a.sums[k].sum_expm1, b.sums[k].sum_expm1) << gene;
        EXPECT_EQ(a.sums[k].n_nonzero, b.sums[k].n_nonzero) << gene;
    }
    EXPECT_EQ(a.rank_sum, b.rank_sum) << gene;
    EXPECT_EQ(a.tie_term, b.tie_term) << gene;
    EXPECT_EQ(a.pair_wins, b.pair_wins) << gene;
}

void expect_bits_of_sorted_logs(std::int64_t n_levels, std::uint32_t ranked) {
    const auto context = test::make_context(2);
    const auto logs = matrix::log1p_scaled(matrix::make_source(mixed_genes()), factors(n_levels));
    const std::vector<std::int32_t> codes = groups_of_cells();
    const CellGroups groups = count_groups(codes);
    const MarkerValues values(*logs, *context);
    EXPECT_EQ(values.levels()->ranked(), ranked);
    const CountedCells cells(*values.levels(), groups);
    ASSERT_TRUE(cells.usable());
    const matrix::CompactColumns columns(values.source(), {0, logs->n_cols()}, *context);
    ASSERT_TRUE(columns.in_bytes());
    GeneScratch scratch;
    GeneScratch plain_scratch;
    for (const PairwiseWins wins : {PairwiseWins::wanted, PairwiseWins::not_wanted}) {
        for (std::int64_t gene = 0; gene < logs->n_cols(); ++gene) {
            GeneEntries entries;
            values.read(columns, gene, entries);
            GeneStatistics counted;
            GeneStatistics sorted;
            counted_gene_statistics(columns, gene, gene, cells, groups, wins, scratch, counted);
            gene_statistics(entries, groups, wins, plain_scratch, sorted);
            expect_same(counted, sorted, gene);
        }
    }
}

// 40 levels make 640 ranks: genes with 160 values are counted, others sorted. 1,900 make more than there are values: all are sorted.
TEST(CountedGene, few_levels_give_the_bits_of_sorted_logs) { expect_bits_of_sorted_logs(40, 16); }
TEST(CountedGene, many_levels_give_the_bits_of_sorted_logs) { expect_bits_of_sorted_logs(1900, 16); }
TEST(CountedGene, one_level_gives_the_bits_of_sorted_logs) { expect_bits_of_sorted_logs(1, 16); }

TEST(CountedGene, a_case_by_hand) {
    // Counts 2, 1, 1, 0 at factors 1, 2, 1, 1: logs of 3, 3, 2 and 1. The first two tie for ranks 3 and 4.
    const auto context = test::make_context(1);
    const auto logs = matrix::log1p_scaled(matrix::make_source({4, 1, {0, 1, 2, 3, 3}, {0, 0, 0}, {2.0F, 1.0F, 1.0F}}), {1.0, 2.0, 1.0, 1.0});
    const std::vector<std::int32_t> codes{0, 1, 0, 1};
    const CellGroups groups{codes, {2, 2}, 4};
    const MarkerValues values(*logs, *context);
    const CountedCells cells(*values.levels(), groups);
    GeneScratch scratch;
    GeneStatistics gene;
    counted_gene_statistics(matrix::CompactColumns(values.source(), {0, 1}, *context), 0, 0, cells, groups, PairwiseWins::not_wanted, scratch, gene);
    EXPECT_EQ(gene.rank_sum, (std::vector<double>{3.5 + 2.0, 3.5 + 1.0}));
    EXPECT_EQ(gene.tie_term, 6.0);
    EXPECT_FLOAT_EQ(static_cast<float>(gene.sums[0].sum_expm1), 3.0F);
}

TEST(CountedGene, values_that_are_no_logs_are_refused_with_the_way_out) {
    const auto context = test::make_context(1);
    const std::vector<std::int32_t> codes{0, 1};
    const CellGroups groups{codes, {1, 1}, 2};
    for (const float bad : {-1.0F, -0.5F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        matrix::Csr csr{2, 20, {0, 20, 40}, {}, std::vector<float>(40, 1.0F)};
        for (std::uint32_t i = 0; i < 40; ++i) csr.indices.push_back(i % 20);
        csr.values[3] = bad;
        const auto logs = matrix::log1p_scaled(matrix::make_source(csr), {1.0, 1.0});
        const MarkerValues values(*logs, *context);
        const CountedCells cells(*values.levels(), groups);
        const matrix::CompactColumns columns(values.source(), {0, 20}, *context);
        ASSERT_TRUE(columns.in_bytes());
        GeneScratch scratch;
        GeneStatistics gene;
        const std::string text = test::error_text([&] { counted_gene_statistics(columns, 3, 3, cells, groups, PairwiseWins::not_wanted, scratch, gene); });
        EXPECT_NE(text.find("Gene 3"), std::string::npos) << text;
        EXPECT_NE(text.find("morula normalize"), std::string::npos) << text;
    }
}

}  // namespace
}  // namespace morula::analysis
