#include "morula/analysis/cnv_profile.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/analysis/cnv_cases.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

/// Sums of a simulated group.
std::vector<double> pooled(const std::vector<double>& rate, std::int64_t n_cells, const std::function<double(std::int64_t)>& copies, std::uint64_t seed) {
    matrix::Csr csr;
    cnv_cases::add_cells(csr, rate, n_cells, 3000.0, copies, seed);
    const matrix::Dense<double> sums = pooled_values(*matrix::make_view_source(csr.view()), std::vector<std::int32_t>(static_cast<std::size_t>(n_cells), 0), 1, *test::make_context(1));
    return sums.values;
}

TEST(cnv_profile, sums_are_exact_for_any_threads_and_reads) {
    const matrix::Csr csr = test::random_counts(2500, 120, 0.2, 3);
    std::vector<std::int32_t> group;
    for (int cell = 0; cell < 2500; ++cell) group.push_back(cell % 5 - 1);
    const auto make = [&](const matrix::Matrix& source) {
        return [&, source](Context& context) { return pooled_values(*source, group, 4, context).values; };
    };
    const auto sums = test::same_at_1_2_4_threads(make(matrix::make_view_source(csr.view())), test::same_bits<double>);
    EXPECT_TRUE(test::same_bits(sums, make(test::read_seven_rows(matrix::make_view_source(csr.view())))(*test::make_context(2))));
    const matrix::Dense<float> dense = test::to_dense(csr.view());
    double plain = 0.0;
    for (std::int64_t cell = 2; cell < 2500; cell += 5) plain += static_cast<double>(dense(cell, 17));
    EXPECT_EQ(sums[1 * 120 + 17], plain);
}

TEST(cnv_profile, a_lost_arm_is_one_below_the_others_and_level_0_is_theirs) {
    const CnvGenome genome = cnv_cases::genome(6, 100);
    const std::vector<double> rate = cnv_cases::rates(genome.n_genes(), 0, 0.0);
    const std::vector<double> reference = pooled(rate, 300, cnv_cases::normal_copies, 1);
    const std::vector<double> clone = pooled(rate, 60, cnv_cases::with_arm(genome, 3, 1.0), 2);
    const CnvRatios ratios = cnv_ratios(clone, reference, genome);
    for (std::size_t arm = 0; arm < 12; ++arm) EXPECT_NEAR(ratios.arm_mean[arm], arm == 3 ? -1.0 : 0.0, 0.12) << arm;
    const std::vector<std::int64_t> borders = arm_borders(genome);
    EXPECT_LT(cnv_stretch(ratios, borders[3], borders[4]).z, -15.0);
    EXPECT_LT(cnv_log10_p(cnv_stretch(ratios, borders[3], borders[4]).z, ratios, 1.0), -6.0);
    EXPECT_LT(std::abs(cnv_stretch(ratios, borders[4], borders[5]).z), 4.0);
}

TEST(cnv_profile, half_an_arm_shows_in_one_half_only) {
    const CnvGenome genome = cnv_cases::genome(4, 100);
    const std::vector<double> rate = cnv_cases::rates(genome.n_genes(), 0, 0.0);
    const CnvRatios ratios = cnv_ratios(pooled(rate, 80, [](std::int64_t gene) { return gene < 50 ? 4.0 : 2.0; }, 2), pooled(rate, 300, cnv_cases::normal_copies, 1), genome);
    const CnvStretch arm = cnv_stretch(ratios, 0, 100);
    EXPECT_GT(arm.mean, 0.3);
    EXPECT_LT(std::abs(cnv_stretch(ratios, 50, 100).mean), 0.15);
    const double half = cnv_stretch(ratios, 0, 50).z;
    EXPECT_NEAR(cnv_part_gain(ratios, 0, 100, 0.75) / (half * half), 0.5, 0.15) << "the whole has half of the square of the half's z";
    EXPECT_LT(cnv_part_gain(ratios, 0, 50, 0.75), 0.0) << "all of it moved";
    EXPECT_EQ(cnv_part_gain(ratios, 0, 0, 0.75), 0.0);
}

/// Types of cells that differ threefold in most genes: the spread of the genes is measured, so z stays that of chance.
TEST(cnv_profile, another_type_of_cell_is_no_change_of_copies) {
    const CnvGenome genome = cnv_cases::genome(12, 80);
    double largest = 0.0, square = 0.0, n = 0.0;
    for (std::uint64_t type = 1; type <= 20; ++type) {
        const CnvRatios ratios = cnv_ratios(pooled(cnv_cases::rates(genome.n_genes(), type, 0.8), 40, cnv_cases::normal_copies, 10 + type), pooled(cnv_cases::rates(genome.n_genes(), 0, 0.8), 100, cnv_cases::normal_copies, 1), genome);
        const std::vector<std::int64_t> borders = arm_borders(genome);
        for (std::size_t arm = 0; arm < 24; ++arm) {
            const double z = cnv_stretch(ratios, borders[arm], borders[arm + 1]).z;
            largest = std::max(largest, std::abs(z));
            square += z * z;
            n += 1.0;
        }
    }
    EXPECT_LT(largest, 4.5) << "of 480";
    EXPECT_LT(std::sqrt(square / n), 1.15);
    EXPECT_GT(std::sqrt(square / n), 0.7) << "and not far below: power would be lost";
}

TEST(cnv_profile, reference_that_is_one_population_needs_no_widening) {
    const CnvGenome genome = cnv_cases::genome(8, 80);
    const std::vector<double> rate = cnv_cases::rates(genome.n_genes(), 0, 0.0);
    matrix::Dense<double> chunks(8, genome.n_genes());
    for (std::int64_t chunk = 0; chunk < 8; ++chunk) {
        const std::vector<double> sums = pooled(rate, 30, cnv_cases::normal_copies, static_cast<std::uint64_t>(chunk));
        std::copy(sums.begin(), sums.end(), chunks.row(chunk).begin());
    }
    const double one = test::same_at_1_2_4_threads([&](Context& context) { return cnv_null_inflation(chunks, genome, 40, 5, context); }, [](double a, double b) { return a == b; });
    EXPECT_GE(one, 1.0);
    EXPECT_LT(one, 1.25);
    // An arm that moves from chunk to chunk, as a donor's would who is no healthy reference.
    for (std::int64_t chunk = 0; chunk < 4; ++chunk) {
        for (std::int64_t gene = 0; gene < 80 * 8; ++gene) chunks(chunk, gene) *= (gene / 80) % 2 == 0 ? 1.4 : 1.0;
    }
    EXPECT_GT(cnv_null_inflation(chunks, genome, 40, 5, *test::make_context(1)), 1.5);
    EXPECT_EQ(cnv_null_inflation(matrix::Dense<double>(1, genome.n_genes()), genome, 40, 5, *test::make_context(1)), 1.0) << "nothing to compare";
}

TEST(cnv_profile, genes_without_counts_and_empty_groups_say_nothing) {
    const CnvGenome genome = cnv_cases::genome(2, 30);
    std::vector<double> some(120, 5.0), none(120, 0.0);
    some[4] = 0.0;
    std::vector<double> other = some;
    const CnvRatios ratios = cnv_ratios(other, some, genome);
    EXPECT_EQ(ratios.weight[4], 0.0);
    EXPECT_EQ(cnv_stretch(ratios, 0, 30).n_genes, 29);
    EXPECT_NEAR(cnv_stretch(ratios, 0, 30).mean, 0.0, 1e-12);
    const CnvRatios empty = cnv_ratios(none, some, genome);
    EXPECT_EQ(cnv_stretch(empty, 0, 30).n_genes, 0);
    EXPECT_TRUE(std::isnan(cnv_stretch(empty, 0, 30).mean));
}

}  // namespace
}  // namespace morula::analysis
