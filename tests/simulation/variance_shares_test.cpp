#include "morula/simulation/variance_shares.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <numeric>

#include "morula/core/random.hpp"

namespace morula::simulation {
namespace {

/// Even draws from 0 to 1, n x n_inputs.
std::vector<double> even_draws(std::int64_t n, std::int64_t n_inputs, std::uint64_t seed) {
    std::vector<double> draws;
    for (std::int64_t draw = 0; draw < n; ++draw) {
        Random random(seed, Purpose::test, static_cast<std::uint64_t>(draw), 0);
        for (std::int64_t input = 0; input < n_inputs; ++input) draws.push_back(random.uniform());
    }
    return draws;
}

template <class Answer>
VarianceShares shares_of(const std::vector<double>& draws, std::int64_t n_inputs, const Answer& answer) {
    std::vector<double> answers;
    for (std::size_t at = 0; at < draws.size(); at += static_cast<std::size_t>(n_inputs)) answers.push_back(answer(&draws[at]));
    return variance_shares(draws, n_inputs, answers, 1);
}

// Ishigami & Homma 1990, a = 7, b = .1: shares .3139, .4424 and 0 in closed form; the second is humped, the third acts only together with the first.
TEST(variance_shares, ishigamis_function_has_its_known_shares) {
    const auto ishigami = [](const double* u) {
        const auto x = [&](int k) { return std::numbers::pi * (2.0 * u[k] - 1.0); };
        return std::sin(x(0)) + 7.0 * std::pow(std::sin(x(1)), 2) + 0.1 * std::pow(x(2), 4) * std::sin(x(0));
    };
    const VarianceShares shares = shares_of(even_draws(8'000, 3, 4), 3, ishigami);
    EXPECT_NEAR(shares.share[0], 0.3139, 0.02);
    EXPECT_NEAR(shares.share[1], 0.4424, 0.02);
    EXPECT_NEAR(shares.share[2], 0.0, 0.02);
    EXPECT_LT(shares.by_chance, 0.01);
}

// Coefficients 3, 2, 1, 0 of even draws and noise of variance 2 / 12: shares 9, 4, 1 and 0 of 16.
TEST(variance_shares, a_line_gives_the_squares_of_its_coefficients_with_a_hundred_draws) {
    std::vector<double> mean(4, 0.0);
    constexpr int kRepeats = 100;
    for (std::uint64_t repeat = 0; repeat < kRepeats; ++repeat) {
        const std::vector<double> draws = even_draws(100, 5, 100 + repeat);
        const VarianceShares shares = shares_of(draws, 5, [](const double* u) { return 3.0 * u[0] + 2.0 * u[1] + u[2] + std::sqrt(2.0) * u[4]; });
        for (std::size_t input = 0; input < mean.size(); ++input) mean[input] += shares.share[input] / kRepeats;
    }
    EXPECT_NEAR(mean[0], 9.0 / 16.0, 0.03);
    EXPECT_NEAR(mean[1], 4.0 / 16.0, 0.03);
    EXPECT_NEAR(mean[2], 1.0 / 16.0, 0.03);
    // Below 0 it is 0, so that the mean of nothing is a little above.
    EXPECT_NEAR(mean[3], 0.0, 0.04);
}

TEST(variance_shares, one_in_twenty_inputs_without_effect_is_above_its_share_by_chance) {
    int n_above = 0, n_all = 0;
    for (std::uint64_t repeat = 0; repeat < 60; ++repeat) {
        const VarianceShares shares = shares_of(even_draws(100, 11, 1'000 + repeat), 11, [](const double* u) { return std::exp(3.0 * u[10]); });
        for (std::size_t input = 0; input < 10; ++input, ++n_all) n_above += shares.share[input] > shares.by_chance ? 1 : 0;
        EXPECT_GT(shares.share[10], 0.8);
    }
    EXPECT_NEAR(static_cast<double>(n_above) / n_all, 0.05, 0.03);
}

TEST(variance_shares, answers_that_do_not_change_and_inputs_that_do_not_say_so) {
    const std::vector<double> draws = even_draws(50, 2, 8);
    const VarianceShares flat = shares_of(draws, 2, [](const double*) { return 3.0; });
    EXPECT_TRUE(std::isnan(flat.share[0]) && std::isnan(flat.share[1]) && std::isnan(flat.by_chance));
    std::vector<double> fixed = draws;
    for (std::size_t at = 1; at < fixed.size(); at += 2) fixed[at] = 0.5;
    const VarianceShares shares = shares_of(fixed, 2, [](const double* u) { return u[0]; });
    EXPECT_GT(shares.share[0], 0.9);
    EXPECT_EQ(shares.share[1], 0.0);
    const VarianceShares few = shares_of(even_draws(kFewestDrawsForShares - 1, 1, 8), 1, [](const double* u) { return u[0]; });
    EXPECT_TRUE(std::isnan(few.share[0]));
}

TEST(variance_shares, draws_without_an_answer_are_left_out) {
    const std::vector<double> draws = even_draws(200, 2, 12);
    std::vector<double> answers, known_draws, known_answers;
    for (std::size_t draw = 0; draw < 200; ++draw) {
        answers.push_back(draw % 4 == 0 ? std::nan("") : draws[2 * draw] * draws[2 * draw]);
        if (draw % 4 == 0) continue;
        known_answers.push_back(answers.back());
        known_draws.insert(known_draws.end(), {draws[2 * draw], draws[2 * draw + 1]});
    }
    EXPECT_EQ(variance_shares(draws, 2, answers, 1).share, variance_shares(known_draws, 2, known_answers, 1).share);
}

}  // namespace
}  // namespace morula::simulation
