#include "morula/analysis/nb_deviance_moments.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "morula/analysis/gamma_functions.hpp"
#include "morula/analysis/nb_glm.hpp"
#include "tests/support/contexts.hpp"

namespace morula::analysis {
namespace {

/// The plain sum over every count, probabilities by the gamma function.
DevianceMoments plain_sum(double mu, double dispersion) {
    double total = 0.0, first = 0.0, second = 0.0;
    const double last = mu + 15.0 * std::sqrt(mu + dispersion * mu * mu) + 60.0 * (1.0 + dispersion * mu);
    for (double y = 0.0; y <= last; y += 1.0) {
        double log_p = -log_gamma(y + 1.0);
        if (dispersion == 0.0) log_p += y * std::log(mu) - mu;
        else log_p += log_gamma(y + 1.0 / dispersion) - log_gamma(1.0 / dispersion) - std::log1p(dispersion * mu) / dispersion + y * std::log(dispersion * mu / (1.0 + dispersion * mu));
        const double p = std::exp(log_p);
        const double deviance = nb_unit_deviance(y, mu, dispersion);
        total += p;
        first += p * deviance;
        second += p * deviance * deviance;
    }
    EXPECT_NEAR(total, 1.0, 1e-8) << mu << " " << dispersion;
    return {first, second - first * first};
}

TEST(nb_deviance_moments, equal_the_plain_sum) {
    for (const double dispersion : {0.0, 1e-4, 0.05, 0.3, 2.0, 12.0}) {
        for (const double mu : {1e-3, 0.2, 1.0, 4.5, 30.0, 170.0, 700.0, 3'000.0}) {
            const DevianceMoments found = nb_deviance_moments(mu, dispersion);
            const DevianceMoments expected = plain_sum(mu, dispersion);
            EXPECT_NEAR(found.mean / expected.mean, 1.0, 1e-7) << mu << " " << dispersion;
            EXPECT_NEAR(found.variance / expected.variance, 1.0, 1e-7) << mu << " " << dispersion;
        }
    }
}

TEST(nb_deviance_moments, of_a_tiny_mean_follow_from_counts_0_and_1) {
    // Poisson: 0 with probability exp(-mu) and deviance 2 mu; 1 with mu exp(-mu) and 2 (mu - 1 - ln mu). What is left weighs mu^2 / 2.
    const double mu = 1e-4;
    const double of_1 = 2.0 * (mu - 1.0 - std::log(mu));
    const DevianceMoments found = nb_deviance_moments(mu, 0.0);
    EXPECT_NEAR(found.mean, std::exp(-mu) * (2.0 * mu + mu * of_1), 1e-6);
    EXPECT_NEAR(found.variance, mu * of_1 * of_1, 1e-3 * mu * of_1 * of_1);
}

TEST(nb_deviance_moments, of_large_means_are_those_of_chi_squared_and_gamma) {
    const DevianceMoments poisson = nb_deviance_moments(1e8, 0.0);
    EXPECT_NEAR(poisson.mean, 1.0, 1e-7);
    EXPECT_NEAR(poisson.variance, 2.0, 1e-7);
    for (const double dispersion : {0.01, 0.4, 3.0}) {
        // Gamma with shape a: the mean of 2 a (y / mu - 1 - ln(y / mu)) is 2 a (ln a - digamma(a)), its variance 4 a^2 (trigamma(a) - 1 / a) (Smyth 1989).
        const double a = 1.0 / dispersion;
        const DevianceMoments gamma = nb_deviance_moments(1e9, dispersion);
        EXPECT_NEAR(gamma.mean / (2.0 * a * (std::log(a) - digamma(a))), 1.0, dispersion < 1.0 ? 1e-6 : 3e-3) << dispersion;
        EXPECT_NEAR(gamma.variance / (4.0 * a * a * (trigamma(a) - dispersion)), 1.0, dispersion < 1.0 ? 1e-6 : 3e-2) << dispersion;
    }
}

TEST(nb_deviance_moments, the_table_follows_the_sums) {
    const auto context = test::make_context(2);
    for (const double dispersion : {0.0, 1e-9, 0.1, 5.0}) {
        const DevianceMomentsTable table(dispersion, *context);
        for (double mu = 3e-5; mu < 3e9; mu *= 1.37) {
            const DevianceMoments found = table.at(mu);
            const DevianceMoments expected = nb_deviance_moments(mu, dispersion);
            EXPECT_NEAR(found.mean / expected.mean, 1.0, 1e-5) << mu << " " << dispersion;
            EXPECT_NEAR(found.variance / expected.variance, 1.0, 1e-5) << mu << " " << dispersion;
        }
        EXPECT_EQ(table.at(0.0).mean, 0.0);
        EXPECT_EQ(table.at(0.0).variance, 0.0);
    }
}

}  // namespace
}  // namespace morula::analysis
