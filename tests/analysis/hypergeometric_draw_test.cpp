#include "morula/analysis/hypergeometric_draw.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace morula::analysis {
namespace {

Random stream(std::uint32_t step) { return Random(7, Purpose::test, 0, step); }

TEST(hypergeometric_draw, small_draws_have_the_probabilities_of_the_urn) {
    // Urn of 10 with 4 marked, 5 taken: C(4,k) C(6,5-k) / C(10,5) = 6, 60, 120, 60, 6 of 252.
    constexpr int kDraws = 200'000;
    std::array<int, 5> seen{};
    Random random = stream(0);
    for (int i = 0; i < kDraws; ++i) ++seen.at(static_cast<std::size_t>(hypergeometric_draw(10, 4, 5, random)));
    const std::array<double, 5> expected{6.0 / 252, 60.0 / 252, 120.0 / 252, 60.0 / 252, 6.0 / 252};
    for (std::size_t k = 0; k < expected.size(); ++k) EXPECT_NEAR(seen[k] / double{kDraws}, expected[k], 4.0 * std::sqrt(expected[k] / kDraws)) << k;
}

TEST(hypergeometric_draw, mean_and_variance_hold_on_both_sides_of_the_switch) {
    struct Urn { std::int64_t population, marked, drawn; };
    for (const Urn urn : {Urn{1'000, 400, 300}, Urn{100'000, 3'000, 50'000}, Urn{100'000, 50'000, 50'000}, Urn{std::int64_t{1} << 40, std::int64_t{1} << 32, std::int64_t{1} << 38}}) {
        constexpr int kDraws = 20'000;
        Random random = stream(1);
        const auto n = static_cast<double>(urn.population);
        const double share = static_cast<double>(urn.marked) / n;
        const double mean = static_cast<double>(urn.drawn) * share;
        const double variance = mean * (1.0 - share) * (n - static_cast<double>(urn.drawn)) / (n - 1.0);
        double sum = 0.0;
        double squares = 0.0;
        for (int i = 0; i < kDraws; ++i) {
            const double off = static_cast<double>(hypergeometric_draw(urn.population, urn.marked, urn.drawn, random)) - mean;
            sum += off;
            squares += off * off;
        }
        EXPECT_NEAR(sum / kDraws, 0.0, 4.0 * std::sqrt(variance / kDraws)) << urn.population;
        EXPECT_NEAR(squares / kDraws / variance, 1.0, 4.0 * std::sqrt(2.0 / kDraws)) << urn.population;
    }
}

TEST(hypergeometric_draw, the_ends_are_certain) {
    Random random = stream(2);
    EXPECT_EQ(hypergeometric_draw(10, 0, 5, random), 0);
    EXPECT_EQ(hypergeometric_draw(10, 10, 5, random), 5);
    EXPECT_EQ(hypergeometric_draw(10, 4, 10, random), 4);
    EXPECT_EQ(hypergeometric_draw(10, 4, 0, random), 0);
    EXPECT_EQ(hypergeometric_draw(1, 1, 1, random), 1);
}

}  // namespace
}  // namespace morula::analysis
