#include "morula/analysis/de.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "morula/analysis/effect_shrinkage.hpp"
#include "tests/analysis/edger_cohort.hpp"
#include "tests/analysis/nb_cohorts.hpp"
#include "tests/support/contexts.hpp"

namespace morula::analysis {
namespace {

DeResult compare(const nb_cohorts::Made& made, DeRecipe recipe, Context& context) { return de(made.counts.view(), made.design, std::vector<double>{0.0, 1.0}, {.recipe = recipe}, context); }

struct Mean {
    double mean = 0.0;
    double se = 0.0;
};
Mean mean_of(const std::vector<double>& values) {
    Mean out;
    const auto n = static_cast<double>(values.size());
    for (const double value : values) out.mean += value / n;
    for (const double value : values) out.se += (value - out.mean) * (value - out.mean);
    out.se = std::sqrt(out.se / (n - 1.0) / n);
    return out;
}

TEST(de, filters_normalizes_and_tests_as_edger_does) {
    const auto context = test::make_context(2);
    for (const std::string& name : edger::cohort_names()) {
        SCOPED_TRACE(name);
        const edger::Cohort c = edger::read_cohort(name);
        const DeResult r = de(c.all.view(), c.design, c.contrast, {}, *context);
        ASSERT_EQ(r.gene.size(), c.gene.at("log10_p").size());
        for (std::size_t i = 0; i < r.gene.size(); ++i) {
            EXPECT_EQ(c.keep[static_cast<std::size_t>(r.gene[i])], 1);
            EXPECT_NEAR(r.log2fc[i], c.gene.at("log2fc")[i], 1e-3 * std::max(1.0, std::abs(r.log2fc[i])));
            // Below a dispersion of 1e-4 the program takes an approximation of the deviance, which p of 1e-80 and less show.
            EXPECT_NEAR(r.log10_p[i], c.gene.at("log10_p")[i], name == "poisson" ? std::max(0.01, 2e-3 * std::abs(r.log10_p[i])) : 1e-3);
        }
    }
}

TEST(de, edger_4_filters_normalizes_and_tests_as_edger_4_does) {
    const auto context = test::make_context(2);
    for (const std::string& name : edger::cohort_names()) {
        SCOPED_TRACE(name);
        const edger::Cohort c = edger::read_cohort_4(name);
        const DeResult r = de(c.all.view(), c.design, c.contrast, {.recipe = DeRecipe::edger_4}, *context);
        ASSERT_EQ(r.gene.size(), c.gene.at("log10_p").size());
        for (std::size_t i = 0; i < r.gene.size(); ++i) {
            EXPECT_NEAR(r.log2fc[i], c.gene.at("log2fc")[i], 1e-3 * std::max(1.0, std::abs(r.log2fc[i])));
            EXPECT_NEAR(r.log10_p[i], c.gene.at("log10_p")[i], edger::tolerance_4(c.gene.at("log10_p")[i]));
            EXPECT_NEAR(r.df[i], c.gene.at("df")[i], 0.02 * c.gene.at("df")[i]);
        }
    }
}

class DeRecipes : public testing::TestWithParam<DeRecipe> {};
INSTANTIATE_TEST_SUITE_P(recipes, DeRecipes, testing::Values(DeRecipe::edger_3_40, DeRecipe::edger_4), [](const auto& recipe) { return recipe.param == DeRecipe::edger_4 ? "edger_4" : "edger_3_40"; });

/// 40 cohorts without effects: a share of 5 % lies below .05. The test is a little careful (see the docs), so that the share may be lower but not higher.
TEST_P(DeRecipes, null_cohorts_have_uniform_p) {
    const auto context = test::make_context(2);
    std::vector<double> below_5, below_50;
    std::vector<std::int64_t> deciles(10, 0);
    for (std::uint64_t cohort = 0; cohort < 40; ++cohort) {
        const auto n_case = static_cast<std::int64_t>(2 + cohort % 5);
        const auto n_control = static_cast<std::int64_t>(2 + (cohort / 5) % 5);
        const DeResult r = compare(nb_cohorts::make({.n_genes = 300, .n_case = n_case, .n_control = n_control, .seed = 100 + cohort}), GetParam(), *context);
        double five = 0.0, fifty = 0.0;
        for (const double log10_p : r.log10_p) {
            const double p = std::pow(10.0, log10_p);
            five += p < 0.05 ? 1.0 : 0.0;
            fifty += p < 0.5 ? 1.0 : 0.0;
            ++deciles[std::min<std::size_t>(9, static_cast<std::size_t>(10.0 * p))];
        }
        below_5.push_back(five / static_cast<double>(r.log10_p.size()));
        below_50.push_back(fifty / static_cast<double>(r.log10_p.size()));
    }
    const Mean five = mean_of(below_5);
    EXPECT_LT(five.mean, 0.05 + 2.0 * five.se);
    EXPECT_GT(five.mean, 0.04);
    EXPECT_NEAR(mean_of(below_50).mean, 0.5, 0.03);
    const double expected = static_cast<double>(std::accumulate(deciles.begin(), deciles.end(), std::int64_t{0})) / 10.0;
    for (const std::int64_t n : deciles) EXPECT_NEAR(static_cast<double>(n) / expected, 1.0, 0.15);
}

TEST_P(DeRecipes, the_false_discovery_rate_is_kept_and_effects_are_found) {
    const auto context = test::make_context(2);
    for (const std::int64_t n_each : {3, 6}) {
        std::vector<double> false_share, power;
        double plain_error = 0.0, shrunk_error = 0.0;
        for (std::uint64_t cohort = 0; cohort < 20; ++cohort) {
            const auto made = nb_cohorts::make({.n_case = n_each, .n_control = n_each, .effect_share = 0.1, .seed = 500 + cohort});
            const DeResult r = compare(made, GetParam(), *context);
            double found = 0.0, wrong = 0.0, real = 0.0;
            for (std::size_t i = 0; i < r.gene.size(); ++i) {
                const double truth = made.true_log2fc[static_cast<std::size_t>(r.gene[i])];
                const bool called = r.log10_fdr[i] <= std::log10(0.05);
                real += truth != 0.0 ? 1.0 : 0.0;
                (truth != 0.0 ? found : wrong) += called ? 1.0 : 0.0;
                plain_error += std::pow(r.log2fc[i] - truth, 2.0);
                shrunk_error += std::pow(r.log2fc_shrunk[i] - truth, 2.0);
                EXPECT_LE(std::abs(r.log2fc_shrunk[i]), std::abs(r.log2fc[i]));
            }
            false_share.push_back(found + wrong > 0.0 ? wrong / (found + wrong) : 0.0);
            power.push_back(found / real);
        }
        const Mean fdr = mean_of(false_share);
        EXPECT_LT(fdr.mean, 0.05 + 2.0 * fdr.se) << n_each;
        EXPECT_GT(mean_of(power).mean, n_each == 3 ? 0.15 : 0.75);
        EXPECT_LT(shrunk_error, 0.7 * plain_error) << "shrunken effects lie nearer the truth";
    }
}

TEST(de, same_bits_at_1_2_and_4_threads) {
    const auto made = nb_cohorts::make({.effect_share = 0.1, .seed = 7});
    const auto same = [](const DeResult& a, const DeResult& b) {
        return a.gene == b.gene && test::same_bits(a.log2fc, b.log2fc) && test::same_bits(a.log2fc_shrunk, b.log2fc_shrunk) && test::same_bits(a.se, b.se) && test::same_bits(a.log10_p, b.log10_p);
    };
    for (const DeRecipe recipe : {DeRecipe::edger_3_40, DeRecipe::edger_4}) test::same_at_1_2_4_threads([&](Context& context) { return compare(made, recipe, context); }, same);
}

TEST(de, samples_in_another_order_give_the_same_answer) {
    const auto context = test::make_context(2);
    const auto made = nb_cohorts::make({.effect_share = 0.1, .seed = 8});
    nb_cohorts::Made turned = made;
    for (std::int64_t gene = 0; gene < made.counts.n_rows; ++gene) std::reverse(turned.counts.row(gene).begin(), turned.counts.row(gene).end());
    for (std::int64_t i = 0; i < made.design.n_rows; ++i) turned.design(i, 1) = made.design(made.design.n_rows - 1 - i, 1);
    for (const DeRecipe recipe : {DeRecipe::edger_3_40, DeRecipe::edger_4}) {
        const DeResult a = compare(made, recipe, *context);
        const DeResult b = compare(turned, recipe, *context);
        ASSERT_EQ(a.gene, b.gene);
        for (std::size_t i = 0; i < a.gene.size(); ++i) EXPECT_NEAR(a.log10_p[i], b.log10_p[i], 1e-7);
    }
}

TEST(de, no_expressed_gene_gives_no_rows) {
    const auto context = test::make_context(1);
    matrix::Dense<double> counts(20, 6);
    counts(3, 2) = 1.0;
    matrix::Dense<double> design(6, 2);
    for (std::int64_t i = 0; i < 6; ++i) design(i, 0) = 1.0, design(i, 1) = i < 3 ? 0.0 : 1.0;
    EXPECT_TRUE(de(counts.view(), design, std::vector<double>{0.0, 1.0}, {}, *context).gene.empty());
}

TEST(effect_shrinkage, is_the_highest_posterior_value) {
    for (const double effect : {-6.0, -0.4, 0.0, 0.02, 1.0, 3.0, 12.0}) {
        for (const double se : {0.05, 0.5, 2.0, 6.0}) {
            for (const double scale : {0.01, 0.3, 2.0}) {
                const double found = shrink_effect(effect, se, scale);
                const auto loss = [&](double x) { return 0.5 * std::pow((effect - x) / se, 2.0) + std::log1p(x * x / (scale * scale)); };
                double best = 0.0;
                for (int k = 0; k <= 20'000; ++k) {
                    const double x = effect * static_cast<double>(k) / 20'000.0;
                    if (loss(x) < loss(best)) best = x;
                }
                EXPECT_LE(loss(found), loss(best) + 1e-9) << effect << " " << se << " " << scale;
                EXPECT_LE(std::abs(found), std::abs(effect));
            }
        }
    }
    EXPECT_TRUE(std::isnan(shrink_effect(1.0, INFINITY, 1.0)));
}

TEST(effect_shrinkage, the_scale_is_that_of_the_truth) {
    // Effects N(0, 2^2) measured with errors of 0.5 .. 1.5.
    std::vector<double> effect, se;
    Random random(9, Purpose::test, 0, 0);
    for (int i = 0; i < 20'000; ++i) {
        se.push_back(0.5 + random.uniform());
        effect.push_back(2.0 * random.normal() + se.back() * random.normal());
    }
    EXPECT_NEAR(shrink_effects(effect, se).scale, 2.0, 0.05);
    for (std::size_t i = 0; i < effect.size(); ++i) effect[i] = 0.5 * se[i] * random.normal();
    EXPECT_EQ(shrink_effects(effect, se).scale, 1e-3) << "less spread than the errors explain: nothing but noise";
}

TEST(de, detectable_effects_follow_the_quantiles) {
    // Normal: 1.96 + .8416 standard errors for 80 % power at 5 %.
    EXPECT_NEAR(detectable_log2fc(1.0, INFINITY, std::log10(0.05)), 1.959964 + 0.841621, 1e-5);
}

}  // namespace
}  // namespace morula::analysis
