#include "morula/analysis/de.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "morula/analysis/effect_shrinkage.hpp"
#include "morula/analysis/p_values.hpp"
#include "tests/analysis/edger_cohort.hpp"
#include "tests/analysis/nb_cohorts.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/means.hpp"

namespace morula::analysis {
namespace {

DeResult compare(const nb_cohorts::Made& made, DeRecipe recipe, Context& context) { return de(made.counts.view(), made.design, {{{0.0, 1.0}}, {}}, {.recipe = recipe}, context).contrasts.front(); }

TEST(de, filters_normalizes_and_tests_as_edger_does) {
    const auto context = test::make_context(2);
    for (const std::string& name : edger::cohort_names()) {
        SCOPED_TRACE(name);
        const edger::Cohort c = edger::read_cohort(name);
        const DeResult r = de(c.all.view(), c.design, {{c.contrast}, {}}, {}, *context).contrasts.front();
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
        const DeResult r = de(c.all.view(), c.design, {{c.contrast}, {}}, {.recipe = DeRecipe::edger_4}, *context).contrasts.front();
        ASSERT_EQ(r.gene.size(), c.gene.at("log10_p").size());
        for (std::size_t i = 0; i < r.gene.size(); ++i) {
            EXPECT_NEAR(r.log2fc[i], c.gene.at("log2fc")[i], 1e-3 * std::max(1.0, std::abs(r.log2fc[i])));
            EXPECT_NEAR(r.log10_p[i], c.gene.at("log10_p")[i], edger::tolerance_4(c.gene.at("log10_p")[i]));
            EXPECT_NEAR(r.df[i], c.gene.at("df")[i], 0.02 * c.gene.at("df")[i]);
        }
    }
}

/// Log fold changes within 1e-3, log10 p within .01 (relatively for edgeR 4's polynomials, see tolerance_4).
TEST(de, several_contrasts_and_several_coefficients_agree_with_both_edgers) {
    const auto context = test::make_context(2);
    for (const DeRecipe recipe : {DeRecipe::edger_3_40, DeRecipe::edger_4}) {
        for (const std::string& name : edger::level_names()) {
            const bool is_4 = recipe == DeRecipe::edger_4;
            SCOPED_TRACE(name + (is_4 ? ", edgeR 4" : ", edgeR 3.40"));
            const edger::Levels levels = edger::read_levels(is_4 ? "edger4" : "edger", name);
            const DeAnswers found = de(levels.cohort.all.view(), levels.cohort.design, {levels.contrasts, levels.together}, {.recipe = recipe}, *context);
            ASSERT_EQ(found.contrasts.size(), levels.contrasts.size());
            ASSERT_EQ(found.together.gene.size(), levels.f_together.size());
            EXPECT_EQ(found.together.df, levels.together.n_rows);
            const auto tolerance = [&](double log10_p) { return is_4 ? edger::tolerance_4(log10_p) : 0.01; };
            for (std::size_t i = 0; i < levels.f_together.size(); ++i) {
                EXPECT_EQ(levels.cohort.keep[static_cast<std::size_t>(found.together.gene[i])], 1);
                EXPECT_NEAR(found.together.log10_p[i], levels.log10_p_together[i], tolerance(levels.log10_p_together[i]));
                for (std::size_t k = 0; k < levels.contrasts.size(); ++k) {
                    EXPECT_NEAR(found.contrasts[k].log2fc[i], levels.log2fc[k][i], 1e-3 * std::max(1.0, std::abs(levels.log2fc[k][i])));
                    EXPECT_NEAR(found.contrasts[k].log10_p[i], levels.log10_p[k][i], tolerance(levels.log10_p[k][i]));
                }
            }
        }
    }
}

TEST(de, a_contrast_together_with_itself_or_with_a_multiple_is_the_contrast_alone) {
    const auto context = test::make_context(2);
    const edger::Levels levels = edger::read_levels("edger", "three_levels");
    matrix::Dense<double> twice(2, 3);
    for (std::int64_t k = 0; k < 3; ++k) {
        twice(0, k) = levels.contrasts[2][static_cast<std::size_t>(k)];
        twice(1, k) = -3.0 * twice(0, k);
    }
    const DeAnswers found = de(levels.cohort.all.view(), levels.cohort.design, {{levels.contrasts[2]}, twice}, {}, *context);
    EXPECT_EQ(found.together.df, 1);
    EXPECT_TRUE(test::same_bits(found.together.log10_p, found.contrasts[0].log10_p));
}

TEST(de, contrasts_asked_beside_others_answer_as_they_do_alone) {
    const auto context = test::make_context(2);
    const edger::Levels levels = edger::read_levels("edger", "three_paired");
    const DeAnswers all = de(levels.cohort.all.view(), levels.cohort.design, {levels.contrasts, levels.together}, {}, *context);
    for (std::size_t k = 0; k < levels.contrasts.size(); ++k) {
        const DeResult alone = de(levels.cohort.all.view(), levels.cohort.design, {{levels.contrasts[k]}, {}}, {}, *context).contrasts.front();
        EXPECT_TRUE(test::same_bits(alone.log10_p, all.contrasts[k].log10_p) && test::same_bits(alone.log2fc_shrunk, all.contrasts[k].log2fc_shrunk) && test::same_bits(alone.log10_fdr, all.contrasts[k].log10_fdr));
    }
    // The first three are b, c and c - b.
    for (std::size_t i = 0; i < all.contrasts[0].log2fc.size(); ++i) EXPECT_NEAR(all.contrasts[2].log2fc[i], all.contrasts[1].log2fc[i] - all.contrasts[0].log2fc[i], 1e-9);
}

class DeRecipes : public testing::TestWithParam<DeRecipe> {};
INSTANTIATE_TEST_SUITE_P(recipes, DeRecipes, testing::Values(DeRecipe::edger_3_40, DeRecipe::edger_4), [](const auto& recipe) { return recipe.param == DeRecipe::edger_4 ? "edger_4" : "edger_3_40"; });

/// 200 cohorts of 4 to 12 donors without effects: the share of p below each level, and the error between cohorts. No share may lie above its level by more than 2 errors; edger-4's at 5 % not below either,
/// while edger-3.40 is careful, as edgeR is (see the docs). That the bound can fail is shown by a test that takes the squeezed variance for known: the normal in place of F breaks it.
TEST_P(DeRecipes, null_cohorts_have_uniform_p) {
    const auto context = test::make_context(2);
    const std::vector<double> levels{0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9};
    std::vector<std::vector<double>> below(levels.size());
    std::vector<double> below_5_normal;
    for (std::uint64_t cohort = 0; cohort < 200; ++cohort) {
        const auto n_donors = static_cast<std::int64_t>(4 + cohort % 9);
        const std::int64_t n_case = cohort % 2 == 0 ? n_donors / 2 : std::max<std::int64_t>(2, n_donors / 3);
        const DeResult r = compare(nb_cohorts::make({.n_genes = 120, .n_case = n_case, .n_control = n_donors - n_case, .seed = 100 + cohort}), GetParam(), *context);
        const auto n = static_cast<double>(r.log10_p.size());
        for (std::size_t k = 0; k < levels.size(); ++k) below[k].push_back(static_cast<double>(std::count_if(r.log10_p.begin(), r.log10_p.end(), [&](double p) { return p < std::log10(levels[k]); })) / n);
        double normal = 0.0;
        for (std::size_t i = 0; i < r.gene.size(); ++i) normal += log10_p_normal(r.log2fc[i] / r.se[i]) < std::log10(0.05) ? 1.0 / n : 0.0;
        below_5_normal.push_back(normal);
    }
    for (std::size_t k = 0; k < levels.size(); ++k) {
        const test::Mean share = test::mean_of(below[k]);
        fmt::print("p < {}: {:.4f} +- {:.4f}\n", levels[k], share.mean, share.se);
        EXPECT_LE(share.mean, levels[k] + 2.0 * share.se) << levels[k];
    }
    const test::Mean five = test::mean_of(below[1]), normal = test::mean_of(below_5_normal);
    fmt::print("the normal in place of F: {:.4f} +- {:.4f}\n", normal.mean, normal.se);
    EXPECT_GE(five.mean, GetParam() == DeRecipe::edger_4 ? 0.05 - 2.0 * five.se : 0.042);
    EXPECT_NEAR(test::mean_of(below[4]).mean, 0.5, 0.02);
    EXPECT_GT(normal.mean, 0.05 + 2.0 * normal.se);
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
        const test::Mean fdr = test::mean_of(false_share);
        EXPECT_LT(fdr.mean, 0.05 + 2.0 * fdr.se) << n_each;
        EXPECT_GT(test::mean_of(power).mean, n_each == 3 ? 0.15 : 0.75);
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

TEST(de, several_contrasts_have_the_same_bits_at_1_2_and_4_threads) {
    const edger::Levels levels = edger::read_levels("edger", "three_levels");
    test::same_at_1_2_4_threads([&](Context& context) { return de(levels.cohort.all.view(), levels.cohort.design, {levels.contrasts, levels.together}, {}, context); },
                                [](const DeAnswers& a, const DeAnswers& b) {
                                    for (std::size_t k = 0; k < a.contrasts.size(); ++k) {
                                        if (!test::same_bits(a.contrasts[k].log10_p, b.contrasts[k].log10_p) || !test::same_bits(a.contrasts[k].log2fc, b.contrasts[k].log2fc)) return false;
                                    }
                                    return test::same_bits(a.together.log10_p, b.together.log10_p);
                                });
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
    EXPECT_TRUE(de(counts.view(), design, {{{0.0, 1.0}}, {}}, {}, *context).contrasts.front().gene.empty());
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
