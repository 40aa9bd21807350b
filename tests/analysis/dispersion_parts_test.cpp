// The parts that dispersions and squeezed variances are made of: special functions, splines, local means.
#include <gtest/gtest.h>

#include <cmath>

#include "morula/analysis/adjusted_profile.hpp"
#include "morula/analysis/cubic_spline.hpp"
#include "morula/analysis/gamma_functions.hpp"
#include "morula/analysis/least_squares_basis.hpp"
#include "morula/analysis/local_constant.hpp"
#include "morula/analysis/nb_dispersion.hpp"
#include "morula/analysis/p_values.hpp"
#include "morula/analysis/squeeze_variances.hpp"
#include "morula/core/random.hpp"
#include "tests/analysis/fixture.hpp"
#include "tests/support/contexts.hpp"

namespace morula::analysis {
namespace {

TEST(gamma_functions, agree_with_r) {
    std::size_t n = 0;
    for (const auto& row : fixture::rows("edger/gamma.csv")) {
        const double x = std::stod(row[0]);
        const auto near = [&](double found, const std::string& expected) { EXPECT_NEAR(found, std::stod(expected), 2e-13 * (1.0 + std::abs(std::stod(expected)))) << x; };
        near(digamma(x), row[1]);
        near(trigamma(x), row[2]);
        EXPECT_NEAR(inverse_trigamma(x) / std::stod(row[3]), 1.0, 1e-7);
        EXPECT_NEAR(trigamma(inverse_trigamma(x)) / x, 1.0, x > 1e-6 && x < 1e7 ? 1e-12 : 1e-3);
        near(log_gamma(x), row[4]);
        EXPECT_NEAR((trigamma(x * 1.0001) - trigamma(x * 0.9999)) / (0.0002 * x) / tetragamma(x), 1.0, 1e-6);
        ++n;
    }
    EXPECT_EQ(n, 12U);
    EXPECT_TRUE(std::isinf(inverse_trigamma(0.0)));
}

TEST(p_values, f_and_chi_squared_agree_with_r) {
    std::size_t n = 0;
    for (const auto& row : fixture::rows("edger/p_values.csv")) {
        const bool is_f = row[0] == "f";
        const double df2 = is_f ? row[3] == "Inf" ? INFINITY : std::stod(row[3]) : 0.0;
        const double found = is_f ? log10_p_f(std::stod(row[1]), std::stod(row[2]), df2) : log10_p_chi_squared(std::stod(row[1]), std::stod(row[2]));
        const double expected = std::stod(row.back());
        EXPECT_NEAR(found, expected, 1e-9 * (1.0 + std::abs(expected))) << row[0] << " " << row[1] << " " << row[2] << " " << row[3];
        ++n;
    }
    EXPECT_EQ(n, 7U * 3U * 6U + 15U);
    EXPECT_NEAR(log10_p_f(4.0, 1.0, 7.0), log10_p_student(2.0, 7.0), 1e-13);
    EXPECT_EQ(log10_p_f(0.0, 1.0, 3.0), 0.0);
    EXPECT_TRUE(std::isnan(log10_p_f(1.0, 1.0, 0.0)));
    EXPECT_NEAR(student_quantile(std::log10(0.05), 10.0), 2.2281388520, 1e-8);
    EXPECT_NEAR(student_quantile(std::log10(0.05), INFINITY), 1.9599639845, 1e-8);
}

TEST(cubic_spline, finds_the_top_of_a_cubic_exactly) {
    // Through points of a cubic the spline is that cubic: -(x - 2.3)^2 (x + 9) has its inner maximum at 2.3, value 0.
    std::vector<double> knots, values;
    for (int k = 0; k < 9; ++k) {
        knots.push_back(k);
        values.push_back(-(k - 2.3) * (k - 2.3) * (k + 9.0));
    }
    EXPECT_NEAR(SplineKnots(knots).maximum(values), 2.3, 1e-12);
}

TEST(cubic_spline, ends_may_be_highest) {
    const SplineKnots spline({0, 1, 2, 3, 4});
    EXPECT_EQ(spline.maximum(std::vector<double>{5, 4, 3, 2, 1}), 0.0);
    EXPECT_EQ(spline.maximum(std::vector<double>{1, 2, 3, 4, 5}), 4.0);
    EXPECT_EQ(spline.maximum(std::vector<double>{0, 0, 0, 0, 0}), 0.0);
}

TEST(local_constant, keeps_constants_and_follows_the_means_of_its_ends) {
    const auto context = test::make_context(2);
    std::vector<double> x;
    matrix::Dense<double> y(100, 2);
    for (std::int64_t i = 0; i < 100; ++i) {
        x.push_back(static_cast<double>(i * i));
        y(i, 0) = 3.5;
        y(i, 1) = static_cast<double>(i % 2);
    }
    const auto fitted = local_constant(y.view(), x, 0.5, *context);
    for (std::int64_t i = 0; i < 100; ++i) EXPECT_NEAR(fitted(i, 0), 3.5, 1e-12);
    // With span 1 the tree is one cell cut once at most; at the left end all points count, weighted by their distance.
    double sum = 0.0, weights = 0.0;
    for (std::size_t i = 0; i < 100; ++i) {
        const double share = x[i] / x.back();
        const double weight = std::pow(1.0 - share * share * share, 3.0);
        sum += weight * static_cast<double>(i % 2);
        weights += weight;
    }
    EXPECT_NEAR(local_constant(y.view(), x, 1.0, *context)(0, 1), sum / weights, 1e-12);
    const std::vector<double> same(100, 2.0);
    EXPECT_NEAR(local_constant(y.view(), same, 0.5, *context)(7, 1), 0.5, 1e-12) << "one place: the plain mean";
}

/// One gene, one group of three counts: the likelihood by its density, less half of ln sum of weights.
TEST(adjusted_profile, is_the_likelihood_less_what_the_mean_took) {
    const auto context = test::make_context(1);
    matrix::Dense<double> counts(2, 3);
    for (std::int64_t i = 0; i < 3; ++i) counts(0, i) = static_cast<double>(2 + 5 * i);  // 2, 7, 12; the second gene has no counts
    matrix::Dense<double> design(3, 1);
    std::fill(design.values.begin(), design.values.end(), 1.0);
    const std::vector<double> size(3, 1.0);
    std::vector<double> dispersions;
    for (const double log2 : grid_log2()) dispersions.push_back(grid_dispersion(log2));
    const matrix::Dense<double> found = adjusted_profiles({counts.view(), size}, NbDesign(design), dispersions, *context);
    std::vector<double> expected;
    for (const double log2 : grid_log2()) {
        const double r = 1.0 / (kGridCentre * std::exp2(log2));
        double sum = -0.5 * std::log(3.0 * 7.0 / (1.0 + 7.0 / r));
        for (const double y : {2.0, 7.0, 12.0}) sum += std::lgamma(y + r) - std::lgamma(r) + r * std::log(r / (r + 7.0)) + y * std::log(7.0 / (r + 7.0));
        expected.push_back(sum);
    }
    // Up to what is the same at every dispersion.
    for (std::size_t k = 0; k < expected.size(); ++k) EXPECT_NEAR(found(0, static_cast<std::int64_t>(k)) - found(0, 0), expected[k] - expected[0], 1e-7) << k;
    for (std::int64_t k = 0; k < found.n_cols; ++k) EXPECT_EQ(found(1, k), 0.0) << "nothing is known of a gene without counts";
}

TEST(nb_dispersion, residual_df_leaves_out_samples_at_zero_and_what_only_they_tell) {
    matrix::Dense<double> design(5, 2);  // two against three
    for (std::int64_t i = 0; i < 5; ++i) {
        design(i, 0) = 1.0;
        design(i, 1) = i < 2 ? 0.0 : 1.0;
    }
    matrix::Dense<std::uint8_t> zero(4, 5);
    zero(1, 0) = zero(1, 1) = 1;                 // one group gone: 3 samples, 1 mean
    zero(2, 0) = zero(2, 1) = zero(2, 2) = 1;    // 2 samples, 1 mean
    for (std::int64_t i = 0; i < 5; ++i) zero(3, i) = 1;
    EXPECT_EQ(residual_df(zero.view(), design), (std::vector<double>{3.0, 2.0, 1.0, 0.0}));
}

TEST(nb_dispersion, finds_the_dispersion_that_was_put_in) {
    const auto context = test::make_context(2);
    const std::int64_t n_genes = 400;
    matrix::Dense<double> counts(n_genes, 8);
    for (std::int64_t gene = 0; gene < n_genes; ++gene) {
        Random random(4, Purpose::test, static_cast<std::uint64_t>(gene), 0);
        for (double& count : counts.row(gene)) count = static_cast<double>(random.poisson(random.gamma(1.0 / 0.2, 0.2 * 200.0)));
    }
    matrix::Dense<double> design(8, 1);
    std::fill(design.values.begin(), design.values.end(), 1.0);
    const std::vector<double> size(8, 1.0);
    EXPECT_NEAR(nb_dispersions({counts.view(), size}, NbDesign(design), *context).common, 0.2, 0.015);
}

TEST(squeeze_variances, agree_with_limma) {
    std::vector<double> variance, df, covariate;
    const auto rows = fixture::rows("edger/squeeze.csv");
    for (const auto& row : rows) {
        variance.push_back(std::stod(row[0]));
        df.push_back(std::stod(row[1]));
        covariate.push_back(std::stod(row[2]));
    }
    const SqueezedVariances plain = squeeze_variances(variance, df, {});
    const SqueezedVariances trend = squeeze_variances(variance, df, covariate);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto near = [&](double found, std::size_t column) { EXPECT_NEAR(found / std::stod(rows[i][column]), 1.0, 1e-9) << i << " " << column; };
        near(plain.prior[i], 3);
        near(plain.posterior[i], 4);
        near(plain.prior_df, 5);
        near(trend.prior[i], 6);
        near(trend.posterior[i], 7);
        near(trend.prior_df, 8);
    }
}

TEST(squeeze_variances, few_genes_stay_as_they_are) {
    const SqueezedVariances two = squeeze_variances(std::vector<double>{1.0, 4.0}, std::vector<double>{3.0, 3.0}, {});
    EXPECT_EQ(two.posterior, (std::vector<double>{1.0, 4.0}));
    EXPECT_EQ(two.prior_df, 0.0);
}

TEST(least_squares_basis, drops_what_repeats_and_knows_what_can_be_estimated) {
    matrix::Dense<double> x(4, 4);  // intercept, a, b = 1 - a, c
    const double values[4][4] = {{1, 0, 1, 0}, {1, 0, 1, 1}, {1, 1, 0, 0}, {1, 1, 0, 1}};
    for (std::int64_t i = 0; i < 4; ++i) std::copy(values[i], values[i] + 4, x.row(i).begin());
    const OrthonormalBasis basis = orthonormal_basis(x.view());
    EXPECT_EQ(basis.columns, (std::vector<std::int64_t>{0, 1, 3}));
    for (const double leverage : leverages(basis)) EXPECT_NEAR(leverage, 0.75, 1e-12);
    EXPECT_TRUE(is_estimable(x.view(), std::vector<double>{0, 0, 0, 1}));
    EXPECT_FALSE(is_estimable(x.view(), std::vector<double>{0, 1, 0, 0}));
    EXPECT_TRUE(is_estimable(x.view(), std::vector<double>{0, 1, -1, 0}));
}

}  // namespace
}  // namespace morula::analysis
