#include "morula/analysis/cnv_segments.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/analysis/cnv_cases.hpp"
#include "tests/support/errors.hpp"

namespace morula::analysis {
namespace {

/// Ratios without simulation: genes with sd .5 about a level each.
CnvRatios ratios_of(const CnvGenome& genome, const std::function<double(std::int64_t)>& level, std::uint64_t seed) {
    Random random(seed, Purpose::test, 0, 0);
    CnvRatios ratios;
    for (std::int64_t g = 0; g < genome.n_genes(); ++g) {
        ratios.log2_ratio.push_back(level(g) + 0.5 * random.normal());
        ratios.weight.push_back(4.0);
    }
    ratios.df = 50.0;
    return ratios;
}

CopyState state_at(const CnvCalls& calls, std::int64_t gene) { return calls.state[static_cast<std::size_t>(gene)]; }

TEST(cnv_segments, a_gain_within_an_arm_has_its_borders_and_no_arm) {
    const CnvGenome genome = cnv_cases::genome(4, 150);
    const CnvCalls calls = call_changes(ratios_of(genome, [](std::int64_t g) { return g >= 40 && g < 100 ? 1.0 : 0.0; }, 1), genome, 1.0, {});
    std::vector<CnvSegment> gains;
    for (const CnvSegment& segment : calls.segments) {
        if (segment.state != CopyState::neutral) gains.push_back(segment);
    }
    ASSERT_EQ(gains.size(), 1U);
    EXPECT_EQ(gains[0].state, CopyState::gain);
    EXPECT_NEAR(static_cast<double>(gains[0].first_gene), 40.0, 3.0);
    EXPECT_NEAR(static_cast<double>(gains[0].last_gene), 99.0, 3.0);
    EXPECT_NEAR(gains[0].mean, 1.0, 0.2);
    EXPECT_GT(gains[0].posterior, 0.9);
    for (const CnvArm& arm : calls.arms) EXPECT_EQ(arm.state, CopyState::neutral) << "60 of 150 genes are no arm: " << arm.arm;
}

TEST(cnv_segments, a_focal_gain_of_nearly_half_of_a_small_arm_is_no_arm_and_a_gain_of_the_whole_is_one) {
    const CnvGenome genome = cnv_cases::genome(20, 44);
    int n_focal = 0, n_most = 0, n_whole = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        const auto first = static_cast<std::int64_t>(seed % 25);
        const auto arm_called = [&](std::int64_t from, std::int64_t to, double level) {
            return call_changes(ratios_of(genome, [&](std::int64_t g) { return g >= from && g < to ? level : 0.0; }, 100 + seed), genome, 1.0, {}).arms[0].state != CopyState::neutral;
        };
        n_focal += arm_called(first, first + 20, 1.0);
        n_most += arm_called(0, 40, 0.6);
        n_whole += arm_called(0, 44, 0.6);
    }
    EXPECT_LE(n_focal, 3) << "20 of 44 genes with four copies";
    EXPECT_GE(n_most, 57) << "40 of 44 genes";
    EXPECT_GE(n_whole, 57);
}

TEST(cnv_segments, a_lost_arm_does_not_take_the_other_arm_with_it) {
    const CnvGenome genome = cnv_cases::genome(6, 400);
    int n_right = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        // Noisy genes, as of few deep cells: 1p is lost, and 1q is a little lower for some other reason.
        CnvRatios ratios = ratios_of(genome, [](std::int64_t) { return 0.0; }, 200 + seed);
        for (std::size_t g = 0; g < ratios.log2_ratio.size(); ++g) {
            ratios.log2_ratio[g] = 3.0 * ratios.log2_ratio[g] + (g < 400 ? -1.05 : g < 800 ? -0.27 : 0.0);
            ratios.weight[g] /= 9.0;
        }
        ratios.inflation = 1.6;
        const CnvCalls calls = call_changes(ratios, genome, 1.1, {});
        n_right += state_at(calls, 100) == CopyState::loss && state_at(calls, 600) == CopyState::neutral;
    }
    EXPECT_GE(n_right, 18) << "of 20";
}

TEST(cnv_segments, segments_cover_every_gene_once_and_end_with_chromosomes) {
    const CnvGenome genome = cnv_cases::genome(3, 80);
    // The end of one chromosome and the begin of the next are lost: two segments.
    const CnvCalls calls = call_changes(ratios_of(genome, [](std::int64_t g) { return g >= 80 && g < 240 ? -1.0 : 0.0; }, 2), genome, 1.0, {});
    std::int64_t next = 0;
    std::vector<CopyState> states;
    for (const CnvSegment& segment : calls.segments) {
        EXPECT_EQ(segment.first_gene, next);
        EXPECT_EQ(genome.chromosome[static_cast<std::size_t>(segment.first_gene)], genome.chromosome[static_cast<std::size_t>(segment.last_gene)]);
        next = segment.last_gene + 1;
        states.push_back(segment.state);
    }
    EXPECT_EQ(next, genome.n_genes());
    EXPECT_EQ(states, (std::vector<CopyState>{CopyState::neutral, CopyState::loss, CopyState::loss, CopyState::neutral, CopyState::neutral}));
    EXPECT_EQ(calls.arms[1].state, CopyState::loss);
    EXPECT_EQ(calls.arms[2].state, CopyState::loss);
    EXPECT_EQ(calls.arms[3].state, CopyState::neutral);
    EXPECT_TRUE(calls.any());
    EXPECT_NEAR(calls.level[100], -1.0, 0.15);
    EXPECT_EQ(calls.level[0], 0.0);
}

TEST(cnv_segments, chance_alone_gives_no_call) {
    const CnvGenome genome = cnv_cases::genome(20, 100);
    int n_called = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) n_called += call_changes(ratios_of(genome, [](std::int64_t) { return 0.0; }, seed), genome, 1.0, {}).any();
    EXPECT_LE(n_called, 3) << "alpha is .01 for arms and as much for stretches";
}

TEST(cnv_segments, small_shifts_are_not_called_however_sure) {
    const CnvGenome genome = cnv_cases::genome(5, 2000);
    const CnvRatios ratios = ratios_of(genome, [](std::int64_t g) { return g < 2000 ? 0.12 : 0.0; }, 3);
    EXPECT_LT(call_changes(ratios, genome, 1.0, {}).arms[0].log10_p, -10.0);
    EXPECT_FALSE(call_changes(ratios, genome, 1.0, {}).any());
    EXPECT_TRUE(call_changes(ratios, genome, 1.0, {.min_shift = 0.05}).any());
}

TEST(cnv_segments, a_wider_null_takes_calls_back) {
    const CnvGenome genome = cnv_cases::genome(6, 60);
    const CnvRatios ratios = ratios_of(genome, [](std::int64_t g) { return g < 60 ? -0.5 : 0.0; }, 4);
    EXPECT_EQ(state_at(call_changes(ratios, genome, 1.0, {}), 10), CopyState::loss);
    EXPECT_EQ(state_at(call_changes(ratios, genome, 4.0, {}), 10), CopyState::neutral);
}

TEST(cnv_segments, few_genes_and_bad_options) {
    const CnvGenome genome = cnv_cases::genome(2, 8);
    const CnvCalls calls = call_changes(ratios_of(genome, [](std::int64_t g) { return g < 8 ? -2.0 : 0.0; }, 5), genome, 1.0, {});
    EXPECT_FALSE(calls.arms[0].is_tested);
    EXPECT_TRUE(std::isnan(calls.arms[0].log10_p));
    CnvRatios silent = ratios_of(genome, [](std::int64_t) { return 0.0; }, 6);
    silent.weight.assign(silent.weight.size(), 0.0);
    EXPECT_FALSE(call_changes(silent, genome, 1.0, {}).any());
    EXPECT_EQ(test::error_code([&] { static_cast<void>(call_changes(silent, genome, 1.0, {.alpha = 2.0})); }), ErrorCode::usage);
    EXPECT_EQ(copy_state_name(CopyState::loss), "loss");
}

}  // namespace
}  // namespace morula::analysis
