// Shapley shares: what each player of a game adds, on average over all orders in which players may join.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace morula::simulation {

/// Bit i is set where player i takes part.
using Coalition = std::uint64_t;

/// Players that a coalition can name.
inline constexpr std::int32_t kMostPlayers = 63;
/// Players up to which all coalitions are valued.
inline constexpr std::int32_t kMostExactPlayers = 20;

Coalition everybody(std::int32_t n_players);

/// Share of player i: sum over coalitions S without i of |S|! (n - |S| - 1)! / n! (value(S and i) - value(S)) (Shapley 1953). Shares add up to
/// value(all) - value(nobody). Asks for each of the 2^n values once, in ascending order. n_players: 1 to kMostExactPlayers.
std::vector<double> exact_shapley(std::int32_t n_players, const std::function<double(Coalition)>& value);

/// The order in which players join in permutation `index`: those of even index are random, keyed by (seed, index); each odd one is the one before it backwards.
/// What two players do together is then split evenly within each pair, so that games of pairs at most are exact (antithetic sampling; Mitchell et al. 2022, J Mach Learn Res 23:43).
std::vector<std::int32_t> joining_order(std::int32_t n_players, std::int64_t index, std::uint64_t seed);
/// The n + 1 coalitions along an order, from nobody to all.
std::vector<Coalition> coalitions_along(const std::vector<std::int32_t>& order);

struct ShapleyEstimate {
    std::vector<double> share;           // one a player
    std::vector<double> standard_error;  // of the mean over pairs of permutations; NaN with one pair
};

/// The same from n_pairs pairs of permutations (Castro, Gomez & Tejada 2009). value(pair, coalition) may hold chance that each pair has of its own, such as a seed: it is in the
/// standard error. Within a pair the shares add up to value(all) - value(nobody). What shows in few orders may be
/// missed, and the standard error is then too small. n_players: 1 to kMostPlayers; n_pairs >= 1.
ShapleyEstimate sampled_shapley(std::int32_t n_players, std::int64_t n_pairs, std::uint64_t seed, const std::function<double(std::int64_t, Coalition)>& value);

}  // namespace morula::simulation
