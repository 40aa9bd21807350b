#include "morula/simulation/shapley.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/random.hpp"

namespace morula::simulation {
namespace {

std::size_t at(std::int32_t player) { return static_cast<std::size_t>(player); }

/// Adds what each player brings as it joins, times `weight`.
void add_along(const std::vector<std::int32_t>& order, const std::function<double(Coalition)>& value, double weight, std::vector<double>& share) {
    const std::vector<Coalition> coalitions = coalitions_along(order);
    double before = value(coalitions.front());
    for (std::size_t k = 0; k < order.size(); ++k) {
        const double with = value(coalitions[k + 1]);
        share[at(order[k])] += weight * (with - before);
        before = with;
    }
}

}  // namespace

Coalition everybody(std::int32_t n_players) {
    MORULA_ASSERT(n_players >= 0 && n_players <= kMostPlayers);
    return (Coalition{1} << n_players) - 1;
}

std::vector<double> exact_shapley(std::int32_t n_players, const std::function<double(Coalition)>& value) {
    MORULA_ASSERT(n_players >= 1 && n_players <= kMostExactPlayers);
    // weight[s] = s! (n - s - 1)! / n!
    std::vector<double> weight(at(n_players));
    weight[0] = 1.0 / n_players;
    for (std::int32_t s = 1; s < n_players; ++s) weight[at(s)] = weight[at(s - 1)] * s / (n_players - s);
    std::vector<double> values;
    for (Coalition coalition = 0; coalition <= everybody(n_players); ++coalition) values.push_back(value(coalition));
    std::vector<double> share(at(n_players), 0.0);
    for (std::int32_t player = 0; player < n_players; ++player) {
        const Coalition own = Coalition{1} << player;
        for (Coalition coalition = 0; coalition < values.size(); ++coalition) {
            if ((coalition & own) == 0) share[at(player)] += weight[static_cast<std::size_t>(std::popcount(coalition))] * (values[coalition | own] - values[coalition]);
        }
    }
    return share;
}

std::vector<std::int32_t> joining_order(std::int32_t n_players, std::int64_t index, std::uint64_t seed) {
    MORULA_ASSERT(n_players >= 1 && n_players <= kMostPlayers && index >= 0);
    std::vector<std::int32_t> order(at(n_players));
    std::iota(order.begin(), order.end(), 0);
    Random random(seed, Purpose::shapley_order, static_cast<std::uint64_t>(index / 2), 0);
    for (std::size_t left = order.size(); left > 1; --left) std::swap(order[left - 1], order[static_cast<std::size_t>(random.below(left))]);
    return index % 2 == 0 ? order : std::vector<std::int32_t>(order.rbegin(), order.rend());
}

std::vector<Coalition> coalitions_along(const std::vector<std::int32_t>& order) {
    std::vector<Coalition> coalitions{0};
    for (const std::int32_t player : order) coalitions.push_back(coalitions.back() | Coalition{1} << player);
    return coalitions;
}

ShapleyEstimate sampled_shapley(std::int32_t n_players, std::int64_t n_pairs, std::uint64_t seed, const std::function<double(std::int64_t, Coalition)>& value) {
    MORULA_ASSERT(n_players >= 1 && n_players <= kMostPlayers && n_pairs >= 1);
    const auto n = static_cast<double>(n_pairs);
    std::vector<std::vector<double>> of_pair;
    ShapleyEstimate result{std::vector<double>(at(n_players), 0.0), std::vector<double>(at(n_players), std::numeric_limits<double>::quiet_NaN())};
    for (std::int64_t pair = 0; pair < n_pairs; ++pair) {
        std::vector<double>& share = of_pair.emplace_back(at(n_players), 0.0);
        for (const std::int64_t index : {2 * pair, 2 * pair + 1}) add_along(joining_order(n_players, index, seed), [&](Coalition coalition) { return value(pair, coalition); }, 0.5, share);
        for (std::size_t player = 0; player < share.size(); ++player) result.share[player] += share[player] / n;
    }
    if (n_pairs == 1) return result;
    for (std::size_t player = 0; player < result.share.size(); ++player) {
        double squares = 0.0;
        for (const std::vector<double>& share : of_pair) squares += (share[player] - result.share[player]) * (share[player] - result.share[player]);
        result.standard_error[player] = std::sqrt(squares / (n * (n - 1.0)));
    }
    return result;
}

}  // namespace morula::simulation
