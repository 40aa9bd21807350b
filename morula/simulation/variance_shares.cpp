#include "morula/simulation/variance_shares.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/random.hpp"

namespace morula::simulation {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kMostBins = 32;
constexpr std::size_t kShuffles = 999;
constexpr std::size_t kShufflesBelow = 949;  // the 950th of 999 is the 95 % quantile

/// Epsilon squared of values that stand in the order of an input.
double adjusted_ratio(std::span<const double> sorted, std::int64_t n_bins, double squares) {
    const auto n = std::ssize(sorted);
    double within = 0.0;
    for (std::int64_t bin = 0; bin < n_bins; ++bin) {
        const auto part = sorted.subspan(static_cast<std::size_t>(bin * n / n_bins), static_cast<std::size_t>((bin + 1) * n / n_bins - bin * n / n_bins));
        const double mean = std::accumulate(part.begin(), part.end(), 0.0) / static_cast<double>(part.size());
        for (const double value : part) within += (value - mean) * (value - mean);
    }
    return std::max(0.0, 1.0 - within / static_cast<double>(n - n_bins) / (squares / static_cast<double>(n - 1)));
}

double share_by_chance(std::vector<double> answer, std::int64_t n_bins, double squares, std::uint64_t seed) {
    std::vector<double> ratios;
    for (std::size_t k = 0; k < kShuffles; ++k) {
        Random random(seed, Purpose::variance_shuffle, k, 0);
        for (std::size_t left = answer.size(); left > 1; --left) std::swap(answer[left - 1], answer[static_cast<std::size_t>(random.below(left))]);
        ratios.push_back(adjusted_ratio(answer, n_bins, squares));
    }
    std::nth_element(ratios.begin(), ratios.begin() + kShufflesBelow, ratios.end());
    return ratios[kShufflesBelow];
}

}  // namespace

VarianceShares variance_shares(std::span<const double> inputs, std::int64_t n_inputs, std::span<const double> answer, std::uint64_t seed) {
    MORULA_ASSERT(std::ssize(inputs) == n_inputs * std::ssize(answer));
    VarianceShares result{std::vector<double>(static_cast<std::size_t>(n_inputs), kNone), kNone};
    std::vector<std::size_t> known;
    std::vector<double> values;
    for (std::size_t draw = 0; draw < answer.size(); ++draw) {
        if (!std::isfinite(answer[draw])) continue;
        known.push_back(draw);
        values.push_back(answer[draw]);
    }
    const auto n = std::ssize(values);
    if (n < kFewestDrawsForShares) return result;
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(n);
    double squares = 0.0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    if (*low == *high) return result;

    const std::int64_t n_bins = std::min(kMostBins, static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(n)))));
    std::vector<double> sorted(values.size());
    for (std::int64_t input = 0; input < n_inputs; ++input) {
        const auto drawn = [&](std::size_t k) { return inputs[known[k] * static_cast<std::size_t>(n_inputs) + static_cast<std::size_t>(input)]; };
        std::vector<std::size_t> order(known.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return drawn(a) < drawn(b); });
        for (std::size_t k = 0; k < order.size(); ++k) sorted[k] = values[order[k]];
        const bool is_constant = drawn(order.front()) == drawn(order.back());
        result.share[static_cast<std::size_t>(input)] = is_constant ? 0.0 : adjusted_ratio(sorted, n_bins, squares);
    }
    result.by_chance = share_by_chance(std::move(values), n_bins, squares, seed);
    return result;
}

}  // namespace morula::simulation
