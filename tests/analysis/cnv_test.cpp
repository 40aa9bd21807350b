#include "morula/analysis/cnv.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/analysis/cnv_cases.hpp"
#include "tests/analysis/cnv_cohort.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

using cnv_cases::auroc;
using cnv_cases::CloneCohort;

GenerateCohortOptions small_cohort(std::int32_t clone_donors) {
    GenerateCohortOptions options;
    options.donors = 4;
    options.cells = 600;
    options.genes = 5000;
    options.types = 5;
    options.clone_donors = clone_donors;
    options.mean_counts = 3000.0;
    options.seed = 11;
    return options;
}

TEST(cnv, planted_clones_are_found_with_their_arms_and_their_cells) {
    const auto context = test::make_context(2);
    const CloneCohort cohort(small_cohort(2), *context);
    const CnvResult result = cohort.run({}, *context);
    const std::vector<std::int32_t> matched = cnv_cases::matched_clones(cohort, result);
    // A clone of 40 cells that differs from its parent by a fiftieth of the genes stays with it; nothing is called in the donors' other cells.
    EXPECT_GE(result.clones.size(), 2U);
    EXPECT_LE(result.clones.size(), 4U);
    EXPECT_EQ(std::count(matched.begin(), matched.end(), -1), 0);
    const cnv_cases::Agreement arms = cnv_cases::compare_arms(cohort, result);
    std::vector<std::pair<double, bool>> scores;
    double right = 0.0, n = 0.0;
    for (std::size_t cell = 0; cell < result.clone.size(); ++cell) {
        if (cohort.role[cell] != CnvRole::query || cohort.made.cells.is_damaged[cell] != 0 || result.fit[cell].clone < 0) continue;
        const bool truth = cohort.made.cells.clone[cell] >= 0;
        scores.emplace_back(static_cast<double>(result.fit[cell].score), truth);
        right += (result.clone[cell] >= 0) == truth;
        n += 1.0;
    }
    fmt::print("arms: {} planted, recall {:.2f}, {} wrong of {} called; cells: AUROC {:.3f}, right {:.3f}; null inflation {:.2f}\n", arms.planted, arms.recall(), arms.wrong, arms.called, auroc(scores), right / n, result.null_inflation);
    EXPECT_GE(arms.recall(), 0.85);
    EXPECT_LE(arms.wrong, 1.0);
    EXPECT_GE(auroc(scores), 0.95);
    EXPECT_GT(right / n, 0.93);
}

/// Shares of cells whose interval holds the truth: 1 in a clone's own cells, 0 in normal cells of a donor with clones.
TEST(cnv, intervals_of_scores_hold_the_truth_with_clones_that_were_found) {
    const auto context = test::make_context(2);
    double n_clone = 0.0, n_normal = 0.0, clone_held = 0.0, normal_held = 0.0;
    for (const std::uint64_t seed : {11, 12}) {
        GenerateCohortOptions options = small_cohort(2);
        options.seed = seed;
        const CloneCohort cohort(options, *context);
        const CnvResult result = cohort.run({}, *context);
        const std::vector<std::int32_t> matched = cnv_cases::matched_clones(cohort, result);
        for (std::size_t cell = 0; cell < result.fit.size(); ++cell) {
            const CnvFit& fit = result.fit[cell];
            if (cohort.role[cell] != CnvRole::query || cohort.made.cells.is_damaged[cell] != 0 || fit.clone < 0) continue;
            const std::int32_t planted = cohort.made.cells.clone[cell];
            if (planted >= 0 && matched[static_cast<std::size_t>(planted)] != fit.clone) continue;
            const float truth = planted >= 0 ? 1.0F : 0.0F;
            const bool holds = fit.low <= truth && truth <= fit.high;
            (planted >= 0 ? n_clone : n_normal) += 1.0;
            (planted >= 0 ? clone_held : normal_held) += holds;
        }
    }
    fmt::print("intervals hold 1 in {:.3f} of {} clone cells, 0 in {:.3f} of {} normal cells\n", clone_held / n_clone, n_clone, normal_held / n_normal, n_normal);
    EXPECT_GE(clone_held / n_clone, 0.93);
    EXPECT_GE(normal_held / n_normal, 0.93);
    EXPECT_LE(normal_held / n_normal, 0.98) << "not by width alone";
}

TEST(cnv, donors_without_clones_get_no_call) {
    const auto context = test::make_context(2);
    const CloneCohort cohort(small_cohort(0), *context);
    const CnvResult result = cohort.run({}, *context);
    EXPECT_TRUE(result.clones.empty());
    for (const CnvFit& fit : result.fit) EXPECT_EQ(fit.clone, -1);
    EXPECT_FALSE(result.chunks_are_donors) << "two healthy donors are too few";
}

/// A small case for what must hold in bits.
struct Small {
    CnvGenome genome = cnv_cases::genome(8, 60);
    matrix::Csr csr;
    std::vector<CnvRole> role;
    std::vector<std::int32_t> donor;
    Small() {
        const std::vector<double> rate = cnv_cases::rates(genome.n_genes(), 1, 0.5);
        cnv_cases::add_cells(csr, rate, 120, 2500.0, cnv_cases::normal_copies, 1);
        cnv_cases::add_cells(csr, rate, 80, 2500.0, cnv_cases::with_arm(genome, 3, 1.0), 2);
        cnv_cases::add_cells(csr, rate, 40, 2500.0, cnv_cases::normal_copies, 3);
        for (int cell = 0; cell < 240; ++cell) role.push_back(cell < 120 ? CnvRole::reference : CnvRole::query);
        donor.assign(240, 0);
    }
    CnvResult run(const matrix::RowBlockSource& counts, Context& context) const { return cnv({counts, genome, role, donor}, {}, context); }
};

std::vector<double> bits_of(const CnvResult& result) {
    std::vector<double> out{result.null_inflation, static_cast<double>(result.n_groups)};
    for (const std::int32_t clone : result.clone) out.push_back(clone);
    for (const CnvFit& fit : result.fit) out.insert(out.end(), {static_cast<double>(fit.score), static_cast<double>(fit.low), static_cast<double>(fit.gain)});
    for (const CnvClone& clone : result.clones) {
        for (const CnvSegment& segment : clone.calls.segments) out.insert(out.end(), {static_cast<double>(segment.first_gene), segment.mean, segment.z, segment.posterior});
        for (const CnvArm& arm : clone.calls.arms) out.insert(out.end(), {arm.mean, arm.log10_p});
    }
    return out;
}

TEST(cnv, same_bits_for_any_threads_and_seven_row_reads) {
    const Small small;
    const matrix::Matrix counts = matrix::make_view_source(small.csr.view());
    const auto whole = test::same_at_1_2_4_threads([&](Context& context) { return bits_of(small.run(*counts, context)); }, test::same_bits<double>);
    EXPECT_TRUE(test::same_bits(whole, bits_of(small.run(*test::read_seven_rows(counts), *test::make_context(2)))));
    const CnvResult result = small.run(*counts, *test::make_context(2));
    ASSERT_EQ(result.clones.size(), 1U);
    EXPECT_NEAR(static_cast<double>(result.clones[0].n_cells), 80.0, 3.0);
    EXPECT_EQ(result.clones[0].calls.arms[3].state, CopyState::loss);
    EXPECT_NEAR(result.clones[0].calls.arms[3].mean, -1.0, 0.1);
}

TEST(cnv, linear_values_that_are_no_counts_are_read_alike) {
    Small small;
    for (float& value : small.csr.values) value *= 1.37F;
    const CnvResult result = small.run(*matrix::make_view_source(small.csr.view()), *test::make_context(2));
    ASSERT_EQ(result.clones.size(), 1U);
    EXPECT_EQ(result.clones[0].calls.arms[3].state, CopyState::loss);
}

TEST(cnv, too_few_cells_or_genes_are_refused) {
    Small small;
    const matrix::Matrix counts = matrix::make_view_source(small.csr.view());
    std::fill(small.role.begin(), small.role.begin() + 111, CnvRole::none);
    EXPECT_TRUE(test::contains(test::thrown_by([&] { small.run(*counts, *test::make_context(1)); }).message(), "9 reference cells"));
    std::fill(small.role.begin(), small.role.end(), CnvRole::reference);
    EXPECT_TRUE(test::contains(test::thrown_by([&] { small.run(*counts, *test::make_context(1)); }).message(), "0 cells beside the reference"));
    const CnvGenome few = cnv_cases::genome(2, 30);
    matrix::Csr csr;
    cnv_cases::add_cells(csr, cnv_cases::rates(few.n_genes(), 1, 0.5), 60, 1000.0, cnv_cases::normal_copies, 1);
    std::vector<CnvRole> role(60, CnvRole::query);
    std::fill(role.begin(), role.begin() + 30, CnvRole::reference);
    const std::vector<std::int32_t> donor(60, 0);
    const matrix::Matrix source = matrix::make_view_source(csr.view());
    EXPECT_EQ(test::error_code([&] { static_cast<void>(cnv({*source, few, role, donor}, {}, *test::make_context(1))); }), ErrorCode::invalid_data);
}

}  // namespace
}  // namespace morula::analysis
