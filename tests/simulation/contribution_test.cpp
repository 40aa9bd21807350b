#include "morula/simulation/contribution.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "morula/core/random.hpp"
#include "tests/support/errors.hpp"

namespace morula::simulation {
namespace {

bool is_in(Coalition coalition, int type) { return (coalition >> type & 1) != 0; }

/// One read-out of every run of a plan.
template <class Readout>
std::vector<double> values_of(const ContributionPlan& plan, const Readout& readout) {
    std::vector<double> values;
    for (const ContributionRun& run : plan.runs) values.push_back(readout(run));
    return values;
}

TEST(contribution, a_plan_has_each_run_once_and_no_more_than_it_needs) {
    // Four types: all 16 coalitions at each of 5 seeds, and 5 runs a draw.
    const ContributionPlan exact = plan_contributions(4, {.seeds = 5, .draws = 7});
    EXPECT_EQ(exact.runs.size(), 5U * 16U + 7U * 5U);
    // Six types: 7 runs a seed and a draw, and nobody and what lies between 1 and 5 along permutations of 2 seeds.
    const ContributionPlan sampled = plan_contributions(6, {.seeds = 2, .draws = 3, .permutations = 4});
    const std::set<ContributionRun> distinct(sampled.runs.begin(), sampled.runs.end());
    EXPECT_EQ(distinct.size(), sampled.runs.size());
    EXPECT_LE(sampled.runs.size(), 5U * 7U + 2U + 4U * 4U);
    EXPECT_GT(sampled.runs.size(), 5U * 7U);
    // A second intervention shares the intact runs.
    const ContributionPlan two = plan_contributions(4, {.seeds = 5, .draws = 7, .interventions = {Intervention::inert, Intervention::remove}});
    EXPECT_EQ(two.runs.size(), 2U * exact.runs.size() - 5U - 7U);
    EXPECT_EQ(plan_contributions(6, {.seeds = 2, .draws = 0, .permutations = 0}).runs.size(), 2U * 7U);
}

TEST(contribution, a_table_of_an_additive_tissue_is_that_of_its_types) {
    // Types add 1, 2, 3 and the seed's number is noise that pairs away; draws scale everything.
    const ContributionPlan plan = plan_contributions(3, {.seeds = 4, .draws = 100});
    const auto readout = [](const ContributionRun& run) {
        double sum = 10.0 * static_cast<double>(run.seed);
        for (int type = 0; type < 3; ++type) sum += is_in(run.intact, type) ? type + 1.0 : 0.0;
        return run.draw < 0 ? sum : sum * static_cast<double>(run.draw + 1) / 100.0;
    };
    const std::vector<Contribution> rows = contributions(plan, values_of(plan, readout), 1);
    ASSERT_EQ(rows.size(), 3U);
    for (std::size_t type = 0; type < 3; ++type) {
        const Contribution& row = rows[type];
        const double own = static_cast<double>(type) + 1.0;
        EXPECT_EQ(row.type, static_cast<std::int32_t>(type));
        EXPECT_NEAR(row.effect, own, 1e-12);
        EXPECT_NEAR(row.seed_low, own, 1e-12);
        EXPECT_NEAR(row.seed_high, own, 1e-12);
        EXPECT_NEAR(row.shapley, own, 1e-12);
        EXPECT_NEAR(row.shapley_se, 0.0, 1e-12);
        // Quantiles of .01, .02, ..., 1: between the third and fourth, and their mirror.
        EXPECT_NEAR(row.low, own * 0.03475, 1e-12);
        EXPECT_NEAR(row.high, own * 0.97525, 1e-12);
        EXPECT_EQ(row.n_seeds, 4);
        EXPECT_EQ(row.n_draws, 100);
    }
}

TEST(contribution, what_two_types_do_together_is_in_both_effects_and_split_in_their_shares) {
    for (const std::int32_t n_types : {2, 6}) {
        const ContributionPlan plan = plan_contributions(n_types, {.seeds = 3, .draws = 0, .permutations = 4});
        const std::vector<Contribution> rows = contributions(plan, values_of(plan, [](const ContributionRun& run) { return is_in(run.intact, 0) && is_in(run.intact, 1) ? 4.0 : 0.0; }), 1);
        for (const std::size_t type : {0, 1}) {
            EXPECT_EQ(rows[type].effect, 4.0);
            EXPECT_NEAR(rows[type].shapley, 2.0, 1e-12);
            EXPECT_TRUE(std::isnan(rows[type].low));
            EXPECT_EQ(rows[type].n_draws, 0);
        }
    }
}

TEST(contribution, each_intervention_has_its_own_rows_against_the_same_intact_runs) {
    const ContributionPlan plan = plan_contributions(2, {.seeds = 2, .draws = 0, .interventions = {Intervention::silence, Intervention::remove}});
    const auto readout = [](const ContributionRun& run) {
        const double lost = run.intervention == Intervention::remove ? 5.0 : 1.0;
        return 20.0 - (is_in(run.intact, 0) ? 0.0 : lost) - (is_in(run.intact, 1) ? 0.0 : 2.0 * lost);
    };
    const std::vector<Contribution> rows = contributions(plan, values_of(plan, readout), 1);
    ASSERT_EQ(rows.size(), 4U);
    const std::vector<double> expected{1.0, 5.0, 2.0, 10.0};
    for (std::size_t k = 0; k < rows.size(); ++k) {
        EXPECT_NEAR(rows[k].effect, expected[k], 1e-12);
        EXPECT_NEAR(rows[k].shapley, expected[k], 1e-12);
        EXPECT_EQ(rows[k].intervention, k % 2 == 0 ? Intervention::silence : Intervention::remove);
    }
}

// 400 tables of 5 seeds with a true effect of 1 and normal noise: the 95 % interval must hold it as often as it says (standard error 1.1 points).
TEST(contribution, the_interval_over_seeds_holds_the_true_effect_as_often_as_it_says) {
    const ContributionPlan plan = plan_contributions(1, {.seeds = 5, .draws = 0});
    int n_held = 0;
    constexpr int kTables = 400;
    for (std::uint64_t table = 0; table < kTables; ++table) {
        const auto readout = [&](const ContributionRun& run) {
            Random random(table, Purpose::test, static_cast<std::uint64_t>(run.seed), static_cast<std::uint32_t>(run.intact));
            return random.normal() + (run.intact == plan.all() ? 1.0 : 0.0);
        };
        const Contribution row = contributions(plan, values_of(plan, readout), 1).front();
        n_held += row.seed_low <= 1.0 && 1.0 <= row.seed_high ? 1 : 0;
    }
    EXPECT_NEAR(static_cast<double>(n_held) / kTables, 0.95, 0.03);
}

TEST(contribution, pairs_without_a_value_are_left_out_and_counted) {
    const ContributionPlan plan = plan_contributions(1, {.seeds = 3, .draws = 10});
    const auto readout = [&](const ContributionRun& run) { return run.seed == 1 && run.intact == 0 ? std::nan("") : run.intact == 0 ? 1.0 : 3.0; };
    const Contribution row = contributions(plan, values_of(plan, readout), 1).front();
    EXPECT_EQ(row.n_seeds, 2);
    EXPECT_EQ(row.n_draws, 7);
    EXPECT_EQ(row.effect, 2.0);
    EXPECT_EQ(row.low, 2.0);
    EXPECT_TRUE(std::isnan(row.shapley));
    const ContributionPlan one = plan_contributions(1, {.seeds = 1, .draws = 0});
    EXPECT_TRUE(std::isnan(contributions(one, values_of(one, readout), 1).front().seed_low));
}

TEST(contribution, the_rate_that_drives_an_effect_is_found) {
    const ContributionPlan plan = plan_contributions(2, {.seeds = 3, .draws = 200});
    std::vector<double> rates;
    for (std::int64_t draw = 0; draw < 200; ++draw) {
        for (std::int64_t rate = 0; rate < 2; ++rate) rates.push_back(draw_from_prior(1.0, 3.0, 5, rate, draw));
    }
    // Type 0 adds the first rate, type 1 the second, ten times as much.
    const auto readout = [&](const ContributionRun& run) {
        const auto draw = static_cast<std::size_t>(std::max<std::int64_t>(0, run.draw));
        return (is_in(run.intact, 0) ? rates[2 * draw] : 0.0) + (is_in(run.intact, 1) ? 10.0 * rates[2 * draw + 1] : 0.0);
    };
    const std::vector<RateShare> shares = rate_shares(plan, values_of(plan, readout), 1, rates, 2);
    ASSERT_EQ(shares.size(), 6U);
    EXPECT_EQ(shares[0].type, RateShare::kAllIntact);
    EXPECT_LT(shares[0].share, 0.1);
    EXPECT_GT(shares[1].share, 0.9);
    EXPECT_EQ(shares[2].type, 0);
    EXPECT_GT(shares[2].share, 0.95);
    EXPECT_LT(shares[3].share, 0.1);
    EXPECT_LT(shares[4].share, 0.1);
    EXPECT_GT(shares[5].share, 0.95);
}

TEST(contribution, draws_stay_within_their_prior_and_wide_ones_are_even_in_the_logarithm) {
    double narrow = 0.0, wide = 0.0, from_zero = 0.0;
    constexpr std::int64_t kDraws = 4'000;
    for (std::int64_t draw = 0; draw < kDraws; ++draw) {
        const double a = draw_from_prior(2.0, 4.0, 1, 0, draw);
        const double b = draw_from_prior(0.01, 100.0, 1, 1, draw);
        const double c = draw_from_prior(0.0, 4.0, 1, 2, draw);
        EXPECT_TRUE(a >= 2.0 && a <= 4.0 && b >= 0.01 && b <= 100.0 && c >= 0.0 && c <= 4.0);
        narrow += a / kDraws;
        wide += std::log10(b) / kDraws;
        from_zero += c / kDraws;
    }
    // Five standard errors.
    EXPECT_NEAR(narrow, 3.0, 0.046);
    EXPECT_NEAR(wide, 0.0, 0.092);
    EXPECT_NEAR(from_zero, 2.0, 0.092);
    EXPECT_EQ(draw_from_prior(2.0, 2.0, 1, 0, 0), 2.0);
    EXPECT_EQ(draw_from_prior(2.0, 4.0, 1, 0, 3), draw_from_prior(2.0, 4.0, 1, 0, 3));
}

TEST(contribution, plans_that_cannot_be_are_refused) {
    const auto refused = [](std::int32_t n_types, const ContributionOptions& options, std::string_view part) {
        const Error error = test::thrown_by([&] { plan_contributions(n_types, options); });
        EXPECT_TRUE(test::contains(error.message(), part)) << error.message();
    };
    refused(0, {}, "No cell type");
    refused(64, {}, "64 cell types are more than the 63");
    refused(2, {.seeds = 0}, "0 seeds");
    refused(2, {.draws = -1}, "-1 draws");
    refused(2, {.permutations = 3}, "3 permutations");
    refused(2, {.interventions = {}}, "No intervention");
    refused(2, {.interventions = {Intervention::remove, Intervention::remove}}, "'remove' is named twice");
}

}  // namespace
}  // namespace morula::simulation
