#include "morula/analysis/adjusted_deviance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "morula/analysis/quasi_likelihood.hpp"
#include "morula/core/random.hpp"
#include "tests/analysis/edger_cohort.hpp"
#include "tests/support/contexts.hpp"

namespace morula::analysis {
namespace {

edger::Tested run(const edger::Cohort& cohort, Context& context) { return edger::test_one({cohort.counts.view(), cohort.size}, cohort.design, cohort.contrast, Deviances::adjusted, context); }

/// Largest difference, relative where the expected number is above 1.
double worst(const std::vector<double>& found, const std::vector<double>& expected) {
    EXPECT_EQ(found.size(), expected.size());
    double most = 0.0;
    for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
        const double difference = std::abs(found[i] - expected[i]) / std::max(1.0, std::abs(expected[i]));
        most = std::isnan(difference) ? INFINITY : std::max(most, difference);
    }
    return most;
}

class AdjustedDeviance : public testing::TestWithParam<std::string> {};

/// The program takes polynomials for the moments of the deviance, which differ from the sums by up to a part in a thousand; its dispersion also depends a little on how far
/// fits of empty pairs went.
TEST_P(AdjustedDeviance, agrees_with_edger_4) {
    const auto context = test::make_context(2);
    const edger::Cohort c = edger::read_cohort_4(GetParam());
    const edger::Tested r = run(c, *context);
    if (c.common > 1e-6) EXPECT_NEAR(r.common_dispersion / c.common, 1.0, 2e-3);
    else EXPECT_LT(r.common_dispersion, 1e-6);
    EXPECT_NEAR(r.average_quasi / c.average_quasi, 1.0, 2e-3);
    EXPECT_LT(worst(r.average_log_cpm, c.gene.at("average_log_cpm")), 1e-6);
    EXPECT_LT(worst(r.residual_df, c.gene.at("residual_df")), 2e-3);
    EXPECT_LT(worst(r.deviance, c.gene.at("deviance")), 4e-3);
    EXPECT_NEAR(r.prior_df / c.prior_df, 1.0, 2e-2);
    EXPECT_LT(worst(r.prior_variance, c.gene.at("prior_variance")), 3e-3);
    EXPECT_LT(worst(r.variance, c.gene.at("variance")), 4e-3);
    EXPECT_LT(worst(r.log2fc, c.gene.at("log2fc")), 1e-3);
    EXPECT_LT(worst(r.f, c.gene.at("f")), 5e-3);
    ASSERT_EQ(r.log10_p.size(), c.gene.at("log10_p").size());
    for (std::size_t i = 0; i < r.log10_p.size(); ++i) EXPECT_NEAR(r.log10_p[i], c.gene.at("log10_p")[i], edger::tolerance_4(c.gene.at("log10_p")[i]));
    EXPECT_EQ(r.n_poisson_bounded, 0);
    EXPECT_TRUE(r.tagwise.empty());
}

INSTANTIATE_TEST_SUITE_P(cohorts, AdjustedDeviance, testing::ValuesIn(edger::cohort_names_4()), [](const auto& cohort) { return cohort.param; });

/// Genes seen in every fifth sample that vary no more than the others: raw deviances say a third less than that, adjusted ones are right within 10 %.
TEST(adjusted_deviance, small_counts_do_not_look_too_even) {
    const auto context = test::make_context(2);
    const std::int64_t n_genes = 900;
    const double dispersion = 0.2;
    matrix::Dense<double> counts(n_genes, 40);
    for (std::int64_t gene = 0; gene < n_genes; ++gene) {
        // A third of the genes has many counts, so that the dispersion is known; the others are seen in every fifth sample.
        Random random(5, Purpose::test, static_cast<std::uint64_t>(gene), 0);
        const double mean = gene % 3 == 0 ? 300.0 : 0.2;
        for (double& count : counts.row(gene)) count = static_cast<double>(random.poisson(random.gamma(1.0 / dispersion, dispersion * mean)));
    }
    matrix::Dense<double> x(40, 2);
    for (std::int64_t i = 0; i < 40; ++i) x(i, 0) = 1.0, x(i, 1) = i < 20 ? 0.0 : 1.0;
    const std::vector<double> size(40, 1.0);
    const CountTable table{counts.view(), size};
    const NbDesign design(x);
    const AdjustedDeviances found = adjusted_deviances(table, design, average_log_cpm(table, 2.0, 0.05, *context), *context);
    EXPECT_NEAR(found.common_dispersion, dispersion, 0.02);
    const DevianceFit raw = fit_deviances(table, design, std::vector<double>(static_cast<std::size_t>(n_genes), dispersion), *context);
    double adjusted_deviance = 0.0, adjusted_df = 0.0, raw_deviance = 0.0, raw_df = 0.0;
    for (std::size_t gene = 0; gene < found.deviance.size(); ++gene) {
        if (gene % 3 == 0) continue;
        adjusted_deviance += found.deviance[gene];
        adjusted_df += found.residual_df[gene];
        raw_deviance += raw.deviance[gene];
        raw_df += raw.residual_df[gene];
    }
    EXPECT_NEAR(adjusted_deviance / adjusted_df, 1.0, 0.1);
    EXPECT_LT(raw_deviance / raw_df, 0.75);
}

TEST(adjusted_deviance, same_bits_at_1_2_and_4_threads) {
    const edger::Cohort c = edger::read_cohort_4("paired");
    const auto same = [](const edger::Tested& a, const edger::Tested& b) {
        return test::same_bits(a.dispersion, b.dispersion) && test::same_bits(a.variance, b.variance) && test::same_bits(a.log2fc, b.log2fc) && test::same_bits(a.se, b.se) && test::same_bits(a.log10_p, b.log10_p);
    };
    test::same_at_1_2_4_threads([&](Context& context) { return run(c, context); }, same);
}

TEST(adjusted_deviance, any_coding_of_the_design_gives_the_same_test) {
    const auto context = test::make_context(2);
    const edger::Cohort c = edger::read_cohort_4("sparse");
    const edger::Tested treatment = run(c, *context);
    matrix::Dense<double> means(c.design.n_rows, 2);
    for (std::int64_t i = 0; i < means.n_rows; ++i) means(i, c.design(i, 1) == 0.0 ? 0 : 1) = 1.0;
    const edger::Tested r = edger::test_one({c.counts.view(), c.size}, means, std::vector<double>{-1.0, 1.0}, Deviances::adjusted, *context);
    EXPECT_LT(worst(r.log2fc, treatment.log2fc), 1e-9);
    EXPECT_LT(worst(r.log10_p, treatment.log10_p), 1e-7);
}

}  // namespace
}  // namespace morula::analysis
