#include "morula/simulation/shapley.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <set>

namespace morula::simulation {
namespace {

bool is_in(Coalition coalition, std::int32_t player) { return (coalition >> player & 1) != 0; }

/// Each player is worth its number plus 1, whoever else is there.
double additive(Coalition coalition) {
    double sum = 0.0;
    for (std::int32_t player = 0; player < 20; ++player) sum += is_in(coalition, player) ? player + 1.0 : 0.0;
    return sum;
}

/// Player 0 has a left glove, all others right ones; a pair is worth 1.
double gloves(Coalition coalition) { return is_in(coalition, 0) && std::popcount(coalition) > 1 ? 1.0 : 0.0; }

TEST(shapley, an_additive_game_gives_each_player_its_own_worth) {
    const std::vector<double> share = exact_shapley(4, additive);
    for (std::size_t player = 0; player < 4; ++player) EXPECT_NEAR(share[player], static_cast<double>(player) + 1.0, 1e-12);
    const ShapleyEstimate estimate = sampled_shapley(7, 3, 1, [](std::int64_t, Coalition coalition) { return additive(coalition); });
    for (std::size_t player = 0; player < 7; ++player) {
        EXPECT_NEAR(estimate.share[player], static_cast<double>(player) + 1.0, 1e-12);
        EXPECT_NEAR(estimate.standard_error[player], 0.0, 1e-12);
    }
}

// With n - 1 right gloves the left one is worth a pair unless it comes first: 1 - 1 / n.
TEST(shapley, the_glove_game_has_its_known_shares) {
    const std::vector<double> three = exact_shapley(3, gloves);
    EXPECT_NEAR(three[0], 2.0 / 3.0, 1e-12);
    EXPECT_NEAR(three[1], 1.0 / 6.0, 1e-12);
    EXPECT_NEAR(three[2], 1.0 / 6.0, 1e-12);
    const std::vector<double> four = exact_shapley(4, gloves);
    EXPECT_NEAR(four[0], 3.0 / 4.0, 1e-12);
    EXPECT_NEAR(four[3], 1.0 / 12.0, 1e-12);
}

TEST(shapley, players_who_do_the_same_have_the_same_share_and_one_who_does_nothing_has_none) {
    // Players 0, 1 and 3 win together when two of them are there; player 2 changes nothing.
    const auto game = [](Coalition coalition) { return std::popcount(coalition & 0b1011U) >= 2 ? 6.0 : 0.0; };
    const std::vector<double> share = exact_shapley(4, game);
    for (const std::size_t player : {0, 1, 3}) EXPECT_NEAR(share[player], 2.0, 1e-12);
    EXPECT_EQ(share[2], 0.0);
    const ShapleyEstimate estimate = sampled_shapley(4, 8, 5, [&](std::int64_t, Coalition coalition) { return game(coalition); });
    EXPECT_EQ(estimate.share[2], 0.0);
    EXPECT_EQ(estimate.standard_error[2], 0.0);
}

TEST(shapley, shares_add_up_to_what_all_are_worth) {
    const auto game = [](Coalition coalition) { return 3.0 + std::sin(static_cast<double>(coalition)); };
    const std::vector<double> share = exact_shapley(10, game);
    EXPECT_NEAR(std::accumulate(share.begin(), share.end(), 0.0), game(everybody(10)) - game(0), 1e-12);
    const ShapleyEstimate estimate = sampled_shapley(10, 4, 1, [&](std::int64_t, Coalition coalition) { return game(coalition); });
    EXPECT_NEAR(std::accumulate(estimate.share.begin(), estimate.share.end(), 0.0), game(everybody(10)) - game(0), 1e-12);
}

// What pairs of players do together is shared evenly by an order and its reverse: one pair of permutations is enough.
TEST(shapley, games_of_pairs_are_exact_with_one_pair_of_permutations) {
    const auto game = [](Coalition coalition) {
        double sum = additive(coalition);
        for (std::int32_t a = 0; a < 6; ++a) {
            for (std::int32_t b = 0; b < a; ++b) sum += is_in(coalition, a) && is_in(coalition, b) ? std::cos(7.0 * a + b) : 0.0;
        }
        return sum;
    };
    const std::vector<double> exact = exact_shapley(6, game);
    const ShapleyEstimate estimate = sampled_shapley(6, 1, 3, [&](std::int64_t, Coalition coalition) { return game(coalition); });
    for (std::size_t player = 0; player < 6; ++player) {
        EXPECT_NEAR(estimate.share[player], exact[player], 1e-12);
        EXPECT_TRUE(std::isnan(estimate.standard_error[player]));
    }
}

// 40 estimates of a game in which more than pairs act together: the errors in units of their standard errors must spread as they should.
TEST(shapley, sampled_shares_lie_within_their_standard_errors) {
    constexpr std::int32_t kPlayers = 8;
    const auto game = [](Coalition coalition) { return std::exp(0.1 * additive(coalition)) + std::sin(additive(coalition)); };
    const std::vector<double> exact = exact_shapley(kPlayers, game);
    int n_within = 0, n_all = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        const ShapleyEstimate estimate = sampled_shapley(kPlayers, 100, seed, [&](std::int64_t, Coalition coalition) { return game(coalition); });
        for (std::size_t player = 0; player < kPlayers; ++player, ++n_all) {
            const double error = std::abs(estimate.share[player] - exact[player]);
            n_within += error <= 2.0 * estimate.standard_error[player] ? 1 : 0;
            EXPECT_LE(error, 5.0 * estimate.standard_error[player]);
        }
    }
    // 95 % expected of 320 that go together by eights.
    EXPECT_GE(n_within, 0.88 * n_all);
    EXPECT_LE(n_within, n_all - 1);
}

TEST(shapley, orders_hold_everybody_once_and_come_with_their_reverse) {
    std::set<std::int32_t> first;
    for (std::int64_t pair = 0; pair < 50; ++pair) {
        std::vector<std::int32_t> order = joining_order(5, 2 * pair, 9);
        const std::vector<std::int32_t> back = joining_order(5, 2 * pair + 1, 9);
        EXPECT_TRUE(std::equal(order.begin(), order.end(), back.rbegin()));
        EXPECT_EQ(coalitions_along(order).back(), everybody(5));
        first.insert(order.front());
        std::sort(order.begin(), order.end());
        EXPECT_EQ(order, (std::vector<std::int32_t>{0, 1, 2, 3, 4}));
    }
    EXPECT_EQ(first.size(), 5U);
    EXPECT_NE(joining_order(12, 0, 1), joining_order(12, 0, 2));
}

TEST(shapley, a_coalition_without_a_value_leaves_the_shares_it_enters_without_one) {
    const std::vector<double> share = exact_shapley(2, [](Coalition coalition) { return coalition == 1 ? std::nan("") : 1.0; });
    EXPECT_TRUE(std::isnan(share[0]));
    EXPECT_TRUE(std::isnan(share[1]));
}

}  // namespace
}  // namespace morula::simulation
