#include "morula/analysis/cnv_clones.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "morula/matrix/tiles.hpp"
#include "tests/analysis/cnv_cases.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"

namespace morula::analysis {
namespace {

/// Cells, with windows of the even genes and counts of the odd ones.
struct Prepared {
    CnvGenome odd_genome;
    matrix::Matrix odd_counts;
    matrix::Dense<float> windows;
};
Prepared prepare(const matrix::Csr& csr, const CnvGenome& genome, Context& context) {
    std::vector<std::int64_t> even, odd;
    for (std::int64_t g = 0; g < genome.n_genes(); ++g) (g % 2 == 0 ? even : odd).push_back(g);
    const matrix::Matrix counts = matrix::make_view_source(csr.view());
    std::vector<double> scale;
    for (std::int64_t cell = 0; cell < csr.n_rows; ++cell) {
        const auto values = csr.view().row_values(cell);
        scale.push_back(2500.0 / std::max(1.0F, std::accumulate(values.begin(), values.end(), 0.0F)));
    }
    const matrix::Matrix log_values = matrix::select_cols(matrix::log1p_scaled(counts, scale), even);
    const std::vector<double> baseline = matrix::column_moments(*log_values, context).mean;
    const CnvWindowsOptions options{.window = 31, .step = 10, .bound = 3.0};
    const CnvGenome even_genome = select_genes(genome, even);
    return {select_genes(genome, odd), matrix::select_cols(counts, odd), cnv_windows(*log_values, baseline, plan_windows(even_genome.chromosome, options), options, context)};
}

std::vector<std::int32_t> split(const Prepared& cells, const std::vector<std::int32_t>& donor, Context& context) {
    return split_cells({cells.windows.view(), *cells.odd_counts, cells.odd_genome, 1.0}, donor, {}, {}, context);
}

TEST(cnv_clones, clones_are_told_apart_and_types_of_cells_are_not) {
    const CnvGenome genome = cnv_cases::genome(8, 60);
    matrix::Csr csr;
    // A clone with a lost arm, its child with a gain more, and two types of normal cells that differ in all genes and in no arm.
    const std::vector<double> one = cnv_cases::rates(genome.n_genes(), 1, 0.5), two = cnv_cases::rates(genome.n_genes(), 2, 0.5);
    cnv_cases::add_cells(csr, one, 120, 2500.0, cnv_cases::with_arm(genome, 3, 1.0), 1);
    cnv_cases::add_cells(csr, one, 100, 2500.0, [&](std::int64_t gene) { return genome.arm[static_cast<std::size_t>(gene)] == 3 ? 1.0 : genome.arm[static_cast<std::size_t>(gene)] == 10 ? 3.0 : 2.0; }, 2);
    cnv_cases::add_cells(csr, one, 80, 2500.0, cnv_cases::normal_copies, 3);
    cnv_cases::add_cells(csr, two, 60, 2500.0, cnv_cases::normal_copies, 4);
    const auto group = test::same_at_1_2_4_threads([&](Context& context) { return split(prepare(csr, genome, context), std::vector<std::int32_t>(360, 0), context); }, test::same_bits<std::int32_t>);
    EXPECT_EQ(std::set<std::int32_t>(group.begin(), group.end()).size(), 3U);
    // Most cells of each truth in a group of their own.
    const std::vector<std::pair<std::size_t, std::size_t>> truth{{0, 120}, {120, 220}, {220, 360}};
    std::set<std::int32_t> seen;
    for (const auto& [begin, end] : truth) {
        std::map<std::int32_t, std::size_t> n;
        for (std::size_t cell = begin; cell < end; ++cell) ++n[group[cell]];
        const auto most = std::max_element(n.begin(), n.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
        EXPECT_GT(static_cast<double>(most->second), 0.75 * static_cast<double>(end - begin)) << begin;
        seen.insert(most->first);
    }
    EXPECT_EQ(seen.size(), 3U);
}

TEST(cnv_clones, cells_without_a_difference_stay_together_and_donors_apart) {
    const CnvGenome genome = cnv_cases::genome(8, 60);
    int n_split = 0;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        matrix::Csr csr;
        cnv_cases::add_cells(csr, cnv_cases::rates(genome.n_genes(), 1, 0.5), 200, 1500.0, cnv_cases::normal_copies, seed);
        std::vector<std::int32_t> donor(200, 0);
        for (std::size_t cell = 100; cell < 190; ++cell) donor[cell] = 4;
        for (std::size_t cell = 190; cell < 200; ++cell) donor[cell] = -1;
        const auto context = test::make_context(2);
        const std::vector<std::int32_t> group = split(prepare(csr, genome, *context), donor, *context);
        for (std::size_t cell = 190; cell < 200; ++cell) EXPECT_EQ(group[cell], -1);
        const std::set<std::int32_t> first(group.begin(), group.begin() + 100), second(group.begin() + 100, group.begin() + 190);
        for (const std::int32_t each : first) EXPECT_FALSE(second.contains(each));
        n_split += first.size() > 1 || second.size() > 1;
        EXPECT_EQ(group[0], first.size() == 1 ? 0 : group[0]) << "the larger group comes first";
    }
    EXPECT_LE(n_split, 1) << "of 8";
}

TEST(cnv_clones, few_cells_and_bad_options) {
    const CnvGenome genome = cnv_cases::genome(3, 40);
    matrix::Csr csr;
    cnv_cases::add_cells(csr, cnv_cases::rates(genome.n_genes(), 1, 0.5), 5, 1500.0, cnv_cases::normal_copies, 1);
    const auto context = test::make_context(1);
    const Prepared cells = prepare(csr, genome, *context);
    EXPECT_EQ(split(cells, std::vector<std::int32_t>(5, 0), *context), std::vector<std::int32_t>(5, 0));
    EXPECT_EQ(split(cells, std::vector<std::int32_t>(5, -1), *context), std::vector<std::int32_t>(5, -1));
    EXPECT_EQ(test::error_code([&] { static_cast<void>(split_cells({cells.windows.view(), *cells.odd_counts, cells.odd_genome, 1.0}, std::vector<std::int32_t>(5, 0), {.min_cells = 0}, {}, *context)); }), ErrorCode::usage);
}

}  // namespace
}  // namespace morula::analysis
