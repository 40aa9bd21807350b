#include "morula/analysis/neighborhoods.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "morula/analysis/neighborhood_tests.hpp"
#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"

namespace morula::analysis {
namespace {

using matrix::Dense;

/// Cells of donors in five groups; the last has exp(effect) times the weight in the cases.
struct MadeUp {
    Dense<float> embedding;
    std::vector<std::int32_t> unit;
    std::vector<std::int32_t> group;
    AbundancePlan plan;
    std::vector<double> totals;
    std::vector<double> reference;
};
std::int32_t group_of(const std::vector<double>& weight, double draw) {
    std::int32_t group = 0;
    while (group + 1 < std::ssize(weight) && draw >= weight[static_cast<std::size_t>(group)]) draw -= weight[static_cast<std::size_t>(group++)];
    return group;
}

MadeUp make(std::int64_t n_case, std::int64_t n_control, std::int64_t cells_a_unit, double effect, double sd, std::uint64_t seed) {
    MadeUp out;
    const std::int64_t n_units = n_case + n_control;
    out.embedding = Dense<float>(n_units * cells_a_unit, 5);
    AbundanceUnits units;
    for (std::int64_t u = 0; u < n_units; ++u) {
        units.donor.push_back(fmt::format("donor-{:02}", u));
        units.is_case.push_back(u < n_case);
        Random random(seed, Purpose::test, static_cast<std::uint64_t>(u), 0);
        std::vector<double> weight(5);
        for (std::size_t g = 0; g < 5; ++g) weight[g] = std::exp(sd * random.normal() + (g == 4 && u < n_case ? effect : 0.0)) / static_cast<double>(g + 2);
        const double all = std::accumulate(weight.begin(), weight.end(), 0.0);
        for (std::int64_t i = 0; i < cells_a_unit; ++i) {
            const double draw = random.uniform() * all;
            const std::int32_t group = group_of(weight, draw);
            for (std::int64_t dim = 0; dim < 5; ++dim) out.embedding(u * cells_a_unit + i, dim) = static_cast<float>(random.normal() + (dim == group ? 8.0 : 0.0));
            out.unit.push_back(static_cast<std::int32_t>(u));
            out.group.push_back(group);
        }
    }
    out.totals.assign(static_cast<std::size_t>(n_units), static_cast<double>(cells_a_unit));
    out.plan = plan_abundance(units, out.totals, "diseased", "healthy", {});
    Dense<double> types(n_units, 5);
    for (std::size_t cell = 0; cell < out.unit.size(); ++cell) types(out.unit[cell], out.group[cell]) += 1.0;
    Context context({.threads = 1});
    out.reference = abundance(types.view(), out.plan, -1, {}, context).reference;
    return out;
}

TEST(neighborhoods, hold_the_nearest_cells_of_refined_index_cells) {
    const MadeUp made = make(3, 3, 100, 0.0, 0.2, 1);
    Context context({.threads = 2});
    const Neighborhoods found = make_neighborhoods(made.embedding.view(), 6, {.seed = 4}, context);
    EXPECT_EQ(found.cells.n_cols, 30);
    EXPECT_LE(found.index_cell.size(), 60U);
    EXPECT_GT(found.index_cell.size(), 15U);
    EXPECT_TRUE(std::is_sorted(found.index_cell.begin(), found.index_cell.end()));
    EXPECT_EQ(std::set<std::int64_t>(found.index_cell.begin(), found.index_cell.end()).size(), found.index_cell.size());
    for (std::int64_t i = 0; i < found.cells.n_rows; ++i) {
        const std::int64_t index = found.index_cell[static_cast<std::size_t>(i)];
        EXPECT_EQ(found.cells(i, 0), index);
        std::vector<double> distance;
        for (std::int64_t cell = 0; cell < 600; ++cell) {
            double square = 0.0;
            for (std::int64_t dim = 0; dim < 5; ++dim) square += std::pow(static_cast<double>(made.embedding(cell, dim)) - made.embedding(index, dim), 2);
            distance.push_back(std::sqrt(square));
        }
        std::vector<double> sorted = distance;
        std::sort(sorted.begin(), sorted.end());
        EXPECT_NEAR(found.reach[static_cast<std::size_t>(i)], sorted[29], 1e-4);
        for (const std::uint32_t cell : found.cells.row(i)) EXPECT_LE(distance[cell], sorted[29] + 1e-4);
    }
    // Refined index cells lie where cells are dense: nearer to their group's middle than a cell at random.
    double refined = 0.0, any = 0.0;
    const auto from_middle = [&](std::int64_t cell) {
        double square = 0.0;
        for (std::int64_t dim = 0; dim < 5; ++dim) square += std::pow(made.embedding(cell, dim) - (dim == made.group[static_cast<std::size_t>(cell)] ? 8.0 : 0.0), 2);
        return std::sqrt(square);
    };
    for (const std::int64_t cell : found.index_cell) refined += from_middle(cell) / static_cast<double>(found.index_cell.size());
    for (std::int64_t cell = 0; cell < 600; ++cell) any += from_middle(cell) / 600.0;
    EXPECT_LT(refined, 0.85 * any);
}

TEST(neighborhoods, the_same_for_any_threads_and_grow_with_the_number_of_donors) {
    const MadeUp made = make(6, 6, 80, 0.0, 0.2, 2);
    const Neighborhoods one = test::same_at_1_2_4_threads([&](Context& context) { return make_neighborhoods(made.embedding.view(), 12, {}, context); },
                                                          [](const Neighborhoods& a, const Neighborhoods& b) { return a.index_cell == b.index_cell && a.cells.values == b.cells.values && a.reach == b.reach; });
    EXPECT_EQ(one.cells.n_cols, 60);
    Context context({});
    EXPECT_LE(make_neighborhoods(made.embedding.view(), 12, {.most_neighborhoods = 7}, context).cells.n_rows, 7);
    EXPECT_TRUE(test::contains(test::thrown_by([&] { make_neighborhoods(made.embedding.view(), 12, {.neighborhood_size = 1000}, context); }).message(), "fewer than one neighbourhood"));
}

TEST(neighborhoods, counts_are_of_the_cells_units) {
    Neighborhoods three;
    three.cells = Dense<std::uint32_t>(2, 3);
    three.cells.values = {0, 1, 2, 3, 4, 0};
    Context context({});
    const Dense<double> counts = count_neighborhoods(three, std::vector<std::int32_t>{1, 0, 1, -1, 0}, 2, context);
    EXPECT_EQ(counts.values, (std::vector<double>{1, 2, 1, 1}));
}

TEST(neighborhoods, spatial_fdr_is_benjamini_hochberg_with_weights) {
    const double missing = std::numeric_limits<double>::quiet_NaN();
    // Equal reach: the plain procedure. .01 * 4/1, .02 * 4/2, .03 * 4/3 and 1.
    const auto plain = spatial_fdr(std::vector<double>{0.02, 0.01, missing, 1.0, 0.03}, std::vector<double>(5, 2.0));
    EXPECT_NEAR(plain[0], 0.04, 1e-12);
    EXPECT_NEAR(plain[1], 0.04, 1e-12);
    EXPECT_TRUE(std::isnan(plain[2]));
    EXPECT_EQ(plain[3], 1.0);
    EXPECT_NEAR(plain[4], 0.04, 1e-12);
    // Weights 1, 1 and 1/2: p = .01 is .01 * 2.5 / 1, and .04 is .04 * 2.5 / 1.5.
    const auto weighed = spatial_fdr(std::vector<double>{0.01, 0.04, 0.9}, std::vector<double>{1.0, 2.0, 1.0});
    EXPECT_NEAR(weighed[0], 0.025, 1e-12);
    EXPECT_NEAR(weighed[1], 0.04 * 2.5 / 1.5, 1e-12);
    EXPECT_NEAR(weighed[2], 0.9, 1e-12);
    EXPECT_NEAR(spatial_fdr(std::vector<double>{0.01, 0.5}, std::vector<double>{0.0, 0.0})[0], 0.02, 1e-12);
}

TEST(neighborhoods, a_planted_group_is_found_and_others_are_not) {
    const MadeUp made = make(6, 6, 400, 1.5, 0.05, 5);
    Context context({.threads = 2});
    const Neighborhoods found = make_neighborhoods(made.embedding.view(), 12, {.seed = 1}, context);
    const Dense<double> counts = count_neighborhoods(found, made.unit, 12, context);
    const NeighborhoodTests tests = test_neighborhoods(counts.view(), made.plan, made.totals, made.reference, context);
    const std::vector<double> fdr = spatial_fdr(tests.p, found.reach);
    double planted = 0.0, planted_found = 0.0, others = 0.0, others_found = 0.0, effect = 0.0;
    for (std::size_t i = 0; i < fdr.size(); ++i) {
        const bool is_planted = made.group[static_cast<std::size_t>(found.index_cell[i])] == 4;
        (is_planted ? planted : others) += 1.0;
        (is_planted ? planted_found : others_found) += fdr[i] <= 0.05;
        if (is_planted) effect += tests.log2fc[i];
    }
    ASSERT_GT(planted, 20.0);
    EXPECT_GT(planted_found / planted, 0.9);
    EXPECT_LT(others_found / others, 0.05);
    // The median of five types leans towards the one that grew, by the noise of their counts.
    EXPECT_NEAR(effect / planted, 1.5 / std::log(2.0), 0.45);
}

TEST(neighborhoods, false_positives_without_a_difference_are_5_percent) {
    Context context({.threads = 2});
    double below = 0.0, n = 0.0, cohorts_with_any = 0.0;
    std::vector<double> shares;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        const std::int64_t n_case = 3 + static_cast<std::int64_t>(seed % 4);
        const MadeUp made = make(n_case, n_case, 150, 0.0, 0.3, 100 + seed);
        const Neighborhoods found = make_neighborhoods(made.embedding.view(), 2 * n_case, {.seed = seed}, context);
        const NeighborhoodTests tests = test_neighborhoods(count_neighborhoods(found, made.unit, 2 * n_case, context).view(), made.plan, made.totals, made.reference, context);
        const std::vector<double> fdr = spatial_fdr(tests.p, found.reach);
        double own = 0.0;
        for (const double p : tests.p) own += p <= 0.05;
        shares.push_back(own / static_cast<double>(tests.p.size()));
        below += own;
        n += static_cast<double>(tests.p.size());
        cohorts_with_any += std::any_of(fdr.begin(), fdr.end(), [](double value) { return value <= 0.05; });
    }
    double square = 0.0;
    for (const double share : shares) square += std::pow(share - below / n, 2) / 99.0;
    fmt::print("without a difference: p <= .05 in {:.3f} of {} neighbourhoods (s.e. over cohorts {:.3f}); any at a spatial FDR of .05 in {} of 100 cohorts\n", below / n, n, std::sqrt(square / 100.0), cohorts_with_any);
    EXPECT_LE(below / n, 0.05 + 2 * std::sqrt(square / 100.0));
    EXPECT_LE(cohorts_with_any, 100 * (0.05 + 2 * std::sqrt(0.05 * 0.95 / 100)));
}

TEST(neighborhoods, variances_are_squeezed_as_much_as_they_are_alike) {
    // Ratios with one common variance: the prior takes over. With variances scattered as 1 / chi^2 of 10 degrees: the prior has about 10.
    Context context({});
    const auto prior_df = [&](double df) {
        Dense<double> counts(4000, 8);
        for (std::int64_t row = 0; row < counts.n_rows; ++row) {
            Random random(9, Purpose::test, static_cast<std::uint64_t>(row), 1);
            const double sd = df > 0 ? 0.3 * std::sqrt(df / random.gamma(0.5 * df, 2.0)) : 0.3;
            for (double& value : counts.row(row)) value = 1e6 * std::exp(sd * random.normal());
        }
        AbundanceUnits units;
        for (int u = 0; u < 8; ++u) {
            units.donor.push_back(std::to_string(u));
            units.is_case.push_back(u < 4);
        }
        const std::vector<double> totals(8, 1e6);
        const NeighborhoodTests tests = test_neighborhoods(counts.view(), plan_abundance(units, totals, "a", "b", {}), totals, std::vector<double>(8, 0.0), context);
        EXPECT_NEAR(tests.prior_variance, 0.09, 0.01);
        return tests.prior_df;
    };
    EXPECT_GT(prior_df(0.0), 100.0);
    EXPECT_NEAR(prior_df(10.0), 10.0, 2.5);
}

TEST(neighborhoods, too_few_donors_give_effects_without_p) {
    Dense<double> counts(3, 2);
    counts.values = {10, 20, 30, 30, 5, 5};
    AbundancePlan plan;
    plan.case_rows = {0};
    plan.control_rows = {1};
    Context context({});
    const NeighborhoodTests tests = test_neighborhoods(counts.view(), plan, std::vector<double>{100, 100}, std::vector<double>{0.0, 0.0}, context);
    EXPECT_TRUE(std::isnan(tests.p[0]));
    EXPECT_NEAR(tests.log2fc[0], -1.0, 0.1);
}

}  // namespace
}  // namespace morula::analysis
