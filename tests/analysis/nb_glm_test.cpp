#include "morula/analysis/nb_glm.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "morula/core/random.hpp"

namespace morula::analysis {
namespace {

matrix::Dense<double> rows(std::initializer_list<std::vector<double>> list) {
    matrix::Dense<double> out(std::ssize(list), std::ssize(*list.begin()));
    std::int64_t i = 0;
    for (const auto& row : list) std::copy(row.begin(), row.end(), out.row(i++).begin());
    return out;
}

/// At the greatest likelihood, X'(y - mu) / (1 + dispersion mu) is zero.
double largest_score(const NbDesign& design, std::span<const double> counts, std::span<const double> mu, double dispersion) {
    double most = 0.0;
    for (std::int64_t k = 0; k < design.n_coefficients(); ++k) {
        double sum = 0.0;
        for (std::size_t i = 0; i < counts.size(); ++i) sum += design.x()(static_cast<std::int64_t>(i), k) * (counts[i] - mu[i]) / (1.0 + dispersion * mu[i]);
        most = std::max(most, std::abs(sum));
    }
    return most;
}

TEST(nb_glm, poisson_groups_have_their_total_over_their_size) {
    const NbDesign design(rows({{1, 0}, {1, 0}, {1, 1}, {1, 1}}));
    EXPECT_TRUE(design.is_one_way());
    NbFitter fitter(design);
    const std::vector<double> counts{3, 5, 10, 30};
    const std::vector<double> size{1, 3, 2, 2};
    fitter.fit(counts, size, 0.0);
    EXPECT_NEAR(fitter.mu()[0], 2.0, 1e-12);
    EXPECT_NEAR(fitter.mu()[3], 20.0, 1e-10);
    EXPECT_NEAR(fitter.coefficients()[0], std::log(2.0), 1e-12);
    EXPECT_NEAR(fitter.coefficients()[1], std::log(5.0), 1e-12);
    // Information: 8 counts in the first group, 40 in the second; var of the difference of logs 1/8 + 1/40.
    EXPECT_NEAR(fitter.variance(std::vector<double>{0.0, 1.0}), 1.0 / 8.0 + 1.0 / 40.0, 1e-12);
    EXPECT_NEAR(fitter.log_det_information(), std::log(8.0 * 40.0), 1e-12);
    EXPECT_NEAR(nb_unit_deviance(3, 2, 0.0), 2.0 * (3.0 * std::log(1.5) - 1.0), 1e-14);
    EXPECT_NEAR(nb_unit_deviance(0, 2, 0.5), 2.0 * 2.0 * std::log(2.0), 1e-14);
    EXPECT_NEAR(nb_unit_deviance(7, 2, 1e-9), nb_unit_deviance(7, 2, 0.0), 1e-6) << "a tiny dispersion is Poisson, not noise";
}

TEST(nb_glm, the_score_is_zero_at_the_fit_of_any_design) {
    const NbDesign paired(rows({{1, 0, 0, 0, -3}, {1, 0, 0, 1, 2}, {1, 1, 0, 0, 7}, {1, 1, 0, 1, -1}, {1, 0, 1, 0, 4}, {1, 0, 1, 1, 0}, {1, 0, 1, 1, 5}}));
    const NbDesign groups(rows({{1, 0}, {1, 0}, {1, 0}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}));
    Random random(5, Purpose::test, 0, 0);
    for (const NbDesign* design : {&paired, &groups}) {
        NbFitter fitter(*design);
        for (int gene = 0; gene < 300; ++gene) {
            std::vector<double> counts, size;
            const double mean = std::exp(6.0 * random.uniform());
            for (int i = 0; i < 7; ++i) {
                size.push_back(std::exp(2.0 * random.normal()));
                counts.push_back(1.0 + static_cast<double>(random.poisson(random.gamma(0.5, 2.0 * mean * size.back()))));
            }
            for (const double dispersion : {0.0, 1e-4, 0.3, 20.0}) {
                fitter.fit(counts, size, dispersion);
                double total = 0.0;
                for (const double count : counts) total += count;
                EXPECT_LT(largest_score(*design, counts, fitter.mu(), dispersion), 1e-6 * total) << gene << " " << dispersion;
                const double cold = nb_deviance(counts, fitter.mu(), dispersion);
                fitter.refit(counts, size, dispersion);
                EXPECT_NEAR(nb_deviance(counts, fitter.mu(), dispersion), cold, 1e-8 * (1.0 + cold));
            }
        }
    }
}

TEST(nb_glm, one_way_and_general_fits_are_the_same) {
    // The same two groups; a covariate that does not matter to the first fit makes the second design general.
    const NbDesign one_way(rows({{1, 0}, {1, 0}, {1, 0}, {1, 1}, {1, 1}, {1, 1}}));
    const NbDesign general(rows({{1, 0, 1}, {1, 0, -1}, {1, 0, 0}, {1, 1, 1}, {1, 1, -1}, {1, 1, 0}}));
    EXPECT_FALSE(general.is_one_way());
    const std::vector<double> counts{12, 12, 9, 40, 40, 31};
    const std::vector<double> size{1, 1, 1, 1, 1, 1};
    NbFitter a(one_way);
    NbFitter b(general);
    a.fit(counts, size, 0.2);
    b.fit(counts, size, 0.2);
    // Counts are symmetric in the covariate, so that its coefficient is zero and the means those of the groups.
    EXPECT_NEAR(b.coefficients()[2], 0.0, 1e-9);
    for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(a.mu()[i], b.mu()[i], 1e-7);
    EXPECT_NEAR(a.variance(std::vector<double>{0, 1}), b.variance(std::vector<double>{0, 1, 0}), 1e-7);
}

TEST(nb_glm, groups_without_counts_go_to_zero) {
    const NbDesign groups(rows({{1, 0}, {1, 0}, {1, 1}, {1, 1}}));
    NbFitter fitter(groups);
    fitter.fit(std::vector<double>{0, 0, 8, 8}, std::vector<double>{1, 1, 1, 1}, 0.1);
    EXPECT_EQ(fitter.mu()[0], 0.0);
    EXPECT_NEAR(fitter.mu()[3], 8.0, 1e-9);
    EXPECT_EQ(nb_deviance(std::vector<double>{0, 0, 8, 8}, fitter.mu(), 0.1), 0.0);
    const NbDesign pairs(rows({{1, 0, 0}, {1, 0, 1}, {1, 1, 0}, {1, 1, 1}}));
    NbFitter paired(pairs);
    paired.fit(std::vector<double>{0, 0, 8, 16}, std::vector<double>{1, 1, 1, 1}, 0.1);
    EXPECT_LT(paired.mu()[0], 1e-8);
    EXPECT_NEAR(paired.combination(std::vector<double>{0, 0, 1}), std::log(2.0), 1e-6);
}

}  // namespace
}  // namespace morula::analysis
