#include "morula/analysis/quasi_likelihood.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/analysis/edger_cohort.hpp"
#include "tests/support/contexts.hpp"

namespace morula::analysis {
namespace {

/// Largest difference, relative where the expected number is above 1.
double worst(const std::vector<double>& found, const std::vector<double>& expected) {
    EXPECT_EQ(found.size(), expected.size());
    double most = 0.0;
    for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
        if (found[i] == expected[i]) continue;
        const double difference = std::abs(found[i] - expected[i]) / std::max(1.0, std::abs(expected[i]));
        most = std::isnan(difference) ? INFINITY : std::max(most, difference);
    }
    return most;
}

edger::Tested run(const edger::Cohort& cohort, Context& context) { return edger::test_one({cohort.counts.view(), cohort.size}, cohort.design, cohort.contrast, Deviances::raw, context); }

class QuasiLikelihood : public testing::TestWithParam<std::string> {};

TEST_P(QuasiLikelihood, agrees_with_edger) {
    const auto context = test::make_context(2);
    const edger::Cohort c = edger::read_cohort(GetParam());
    const edger::Tested r = run(c, *context);
    // At dispersions below 1e-4 the program takes an approximation of the deviance.
    const double deviance_tolerance = GetParam() == "poisson" ? 5e-3 : 1e-5;
    EXPECT_NEAR(r.common_dispersion, c.common, 1e-5 * c.common);
    EXPECT_LT(worst(r.average_log_cpm, c.gene.at("average_log_cpm")), 1e-6);
    EXPECT_LT(worst(r.dispersion, c.gene.at("trended")), 1e-5);
    EXPECT_LT(worst(r.tagwise, c.gene.at("tagwise")), 2e-4);
    EXPECT_EQ(worst(r.residual_df, c.gene.at("residual_df")), 0.0);
    EXPECT_LT(worst(r.deviance, c.gene.at("deviance")), deviance_tolerance);
    EXPECT_LT(worst({r.dispersion_prior_df, r.prior_df}, {c.dispersion_prior_df, c.prior_df}), deviance_tolerance);
    EXPECT_LT(worst(r.prior_variance, c.gene.at("prior_variance")), deviance_tolerance);
    EXPECT_LT(worst(r.variance, c.gene.at("variance")), deviance_tolerance);
    EXPECT_LT(worst(r.log2fc, c.gene.at("log2fc")), 1e-3);
    EXPECT_LT(worst(r.f, c.gene.at("f")), deviance_tolerance);
    EXPECT_LT(worst(r.log10_p, c.gene.at("log10_p")), GetParam() == "poisson" ? 2e-3 : 2e-5);
    EXPECT_EQ(r.n_poisson_bounded, c.n_bounded);
}

/// (log2fc / se)^2 is the Wald form of the same test: near F where effects are moderate, always finite.
TEST_P(QuasiLikelihood, standard_errors_go_with_f) {
    const auto context = test::make_context(2);
    const edger::Cohort c = edger::read_cohort(GetParam());
    const edger::Tested r = run(c, *context);
    std::size_t n_compared = 0;
    for (std::size_t i = 0; i < r.se.size(); ++i) {
        ASSERT_TRUE(std::isfinite(r.se[i]) && r.se[i] > 0.0);
        if (std::abs(r.log2fc[i]) > 1.0 || r.f[i] < 0.5 || r.average_log_cpm[i] < 9.0) continue;
        EXPECT_NEAR(r.log2fc[i] * r.log2fc[i] / (r.se[i] * r.se[i]) / r.f[i], 1.0, 0.5);
        ++n_compared;
    }
    EXPECT_GT(n_compared, 3U);
}

INSTANTIATE_TEST_SUITE_P(cohorts, QuasiLikelihood, testing::ValuesIn(edger::cohort_names()), [](const auto& cohort) { return cohort.param; });

TEST(quasi_likelihood, same_bits_at_1_2_and_4_threads) {
    const edger::Cohort c = edger::read_cohort("paired");
    const auto same = [](const edger::Tested& a, const edger::Tested& b) {
        return test::same_bits(a.dispersion, b.dispersion) && test::same_bits(a.tagwise, b.tagwise) && test::same_bits(a.variance, b.variance) && test::same_bits(a.log2fc, b.log2fc) && test::same_bits(a.se, b.se) &&
               test::same_bits(a.log10_p, b.log10_p);
    };
    test::same_at_1_2_4_threads([&](Context& context) { return run(c, context); }, same);
}

TEST(quasi_likelihood, any_coding_of_the_design_gives_the_same_test) {
    // Cell means and the difference of the two, in place of intercept and effect.
    const auto context = test::make_context(2);
    const edger::Cohort c = edger::read_cohort("two_groups");
    const edger::Tested treatment = run(c, *context);
    matrix::Dense<double> means(c.design.n_rows, 2);
    for (std::int64_t i = 0; i < means.n_rows; ++i) means(i, c.design(i, 1) == 0.0 ? 0 : 1) = 1.0;
    const edger::Tested r = edger::test_one({c.counts.view(), c.size}, means, std::vector<double>{-1.0, 1.0}, Deviances::raw, *context);
    EXPECT_LT(worst(r.log2fc, treatment.log2fc), 1e-9);
    EXPECT_LT(worst(r.se, treatment.se), 1e-9);
    EXPECT_LT(worst(r.log10_p, treatment.log10_p), 1e-9);
}

TEST(quasi_likelihood, case_against_control_turns_signs_only) {
    const auto context = test::make_context(2);
    edger::Cohort c = edger::read_cohort("covariates");
    const edger::Tested r = run(c, *context);
    for (std::int64_t i = 0; i < c.design.n_rows; ++i) c.design(i, 3) = 1.0 - c.design(i, 3);
    const edger::Tested turned = run(c, *context);
    for (std::size_t i = 0; i < r.log2fc.size(); ++i) {
        EXPECT_NEAR(r.log2fc[i], -turned.log2fc[i], 1e-5);
        EXPECT_NEAR(r.log10_p[i], turned.log10_p[i], 1e-5);
    }
}

}  // namespace
}  // namespace morula::analysis
