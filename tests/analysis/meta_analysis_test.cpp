#include "morula/analysis/meta_analysis.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "morula/analysis/p_values.hpp"
#include "morula/core/random.hpp"

namespace morula::analysis {
namespace {

std::vector<StudyEffect> studies_of(const std::vector<double>& effects, const std::vector<double>& errors) {
    std::vector<StudyEffect> out;
    for (std::size_t i = 0; i < effects.size(); ++i) out.push_back({effects[i], errors[i], log10_p_normal(effects[i] / errors[i])});
    return out;
}

TEST(meta_analysis, equal_effects_of_equal_precision_by_hand) {
    const PooledEffect pooled = pool_effects(studies_of({1.0, 1.0, 1.0, 1.0}, {0.2, 0.2, 0.2, 0.2}));
    EXPECT_NEAR(pooled.effect, 1.0, 1e-12);
    EXPECT_NEAR(pooled.se, 0.1, 1e-12) << "never less than that of equal true effects, though these agree better than chance would";
    EXPECT_EQ(pooled.tau, 0.0);
    EXPECT_EQ(pooled.i2, 0.0);
    EXPECT_NEAR(pooled.high - pooled.low, 2 * 3.182446305283709 * 0.1, 1e-6);
    EXPECT_EQ(pooled.n_positive, 4);
}

TEST(meta_analysis, opposite_effects_of_two_data_sets_have_no_mean_and_no_two_that_agree) {
    const PooledEffect pooled = pool_effects(studies_of({2.0, -2.0}, {0.2, 0.2}));
    EXPECT_NEAR(pooled.effect, 0.0, 1e-12);
    EXPECT_NEAR(pooled.tau * pooled.tau, 8.0 - 0.04, 1e-6) << "the variance of the effects less that within data sets";
    EXPECT_NEAR(pooled.log10_p, 0.0, 1e-9);
    EXPECT_EQ(pooled.log10_p_two, 0.0);
    EXPECT_GT(pooled.i2, 0.99);
}

TEST(meta_analysis, one_strong_data_set_among_weak_ones_is_not_two) {
    EXPECT_GT(pool_effects(studies_of({5.0, 0.01, 0.0, -0.01}, {0.2, 0.2, 0.2, 0.2})).log10_p_two, std::log10(0.05));
    const PooledEffect two = pool_effects(studies_of({5.0, 4.0, 0.0, -0.01}, {0.2, 0.2, 0.2, 0.2}));
    // Second largest: z = 20; three data sets could be the second, two directions.
    EXPECT_NEAR(two.log10_p_two, log10_p_normal(20.0) - std::log10(2.0) + std::log10(3.0) + std::log10(2.0), 1e-9);
}

TEST(meta_analysis, statsmodels_gives_the_same_numbers) {
    std::ifstream fixture(std::string(MORULA_SOURCE_DIR) + "/tests/analysis/fixtures/meta_analysis.csv");
    std::size_t n_compared = 0;
    for (std::string line; std::getline(fixture, line);) {
        if (line.starts_with("#")) continue;
        std::vector<double> numbers;
        std::stringstream stream(line);
        for (std::string field; std::getline(stream, field, ',');) numbers.push_back(std::stod(field));
        const auto k = static_cast<std::size_t>(numbers[0]);
        const PooledEffect pooled = pool_effects(studies_of({numbers.begin() + 1, numbers.begin() + 1 + static_cast<std::ptrdiff_t>(k)}, {numbers.begin() + 1 + static_cast<std::ptrdiff_t>(k), numbers.begin() + 1 + static_cast<std::ptrdiff_t>(2 * k)}));
        const double* expected = numbers.data() + 1 + 2 * k;
        EXPECT_NEAR(pooled.effect, expected[0], 1e-5) << line;
        EXPECT_NEAR(pooled.tau * pooled.tau, expected[1], 1e-4 * std::max(1.0, expected[1])) << line;
        EXPECT_NEAR(pooled.se, expected[2], 1e-4) << line;
        EXPECT_NEAR(std::pow(10.0, pooled.log10_p), expected[3], 1e-4) << line;
        EXPECT_NEAR(pooled.low, expected[4], 2e-3) << line;
        EXPECT_NEAR(pooled.high, expected[5], 2e-3) << line;
        EXPECT_NEAR(std::pow(10.0, pooled.log10_p_two), expected[6], 1e-9) << line;
        ++n_compared;
    }
    EXPECT_EQ(n_compared, 48U);
}

/// Both p values under their own nulls: means of zero whatever differs between data sets; and one data set with a change that no other has.
TEST(meta_analysis, p_values_hold_their_level) {
    constexpr int n = 4000;
    for (const std::size_t k : {std::size_t{2}, std::size_t{4}}) {
        for (const double between : {0.0, 0.5}) {
            int n_mean = 0, n_two = 0;
            for (int i = 0; i < n; ++i) {
                Random random(3, Purpose::test, static_cast<std::uint64_t>(i), static_cast<std::uint32_t>(k));
                std::vector<double> effects, alone, errors;
                for (std::size_t s = 0; s < k; ++s) {
                    errors.push_back(0.2 + 0.1 * static_cast<double>(s));
                    effects.push_back(between * random.normal() + errors.back() * random.normal());
                    alone.push_back((s == 0 ? 3.0 : 0.0) + errors.back() * random.normal());
                }
                n_mean += pool_effects(studies_of(effects, errors)).log10_p < std::log10(0.05);
                n_two += pool_effects(studies_of(alone, errors)).log10_p_two < std::log10(0.05);
            }
            const double bar = 0.05 + 3.0 * std::sqrt(0.05 * 0.95 / n);
            EXPECT_LE(static_cast<double>(n_mean) / n, bar) << k << " data sets, " << between;
            EXPECT_LE(static_cast<double>(n_two) / n, bar) << k << " data sets";
            EXPECT_GE(static_cast<double>(n_two) / n, 0.01) << "careful, but no test that never rejects";
        }
    }
}

}  // namespace
}  // namespace morula::analysis
