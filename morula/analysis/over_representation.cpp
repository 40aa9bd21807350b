#include "morula/analysis/over_representation.hpp"

#include <algorithm>
#include <cmath>

#include "morula/analysis/gamma_functions.hpp"
#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

double log_choose(std::int64_t n, std::int64_t k) {
    return log_gamma(static_cast<double>(n) + 1.0) - log_gamma(static_cast<double>(k) + 1.0) - log_gamma(static_cast<double>(n - k) + 1.0);
}

/// Chance of x + 1 over chance of x.
double ratio(std::int64_t x, std::int64_t n_set, std::int64_t n_listed, std::int64_t n_background) {
    return static_cast<double>(n_set - x) * static_cast<double>(n_listed - x) / (static_cast<double>(x + 1) * static_cast<double>(n_background - n_set - n_listed + x + 1));
}

}  // namespace

double log10_p_hypergeometric(std::int64_t n_both, std::int64_t n_set, std::int64_t n_listed, std::int64_t n_background) {
    MORULA_ASSERT(n_both >= 0 && n_set >= n_both && n_listed >= n_both && n_background >= n_set && n_background >= n_listed);
    const std::int64_t least = std::max<std::int64_t>(0, n_set + n_listed - n_background);
    const std::int64_t most = std::min(n_set, n_listed);
    if (n_both <= least) return 0.0;
    // The likeliest count; from there terms fall to both sides.
    const auto mode = static_cast<std::int64_t>(static_cast<double>(n_set + 1) * static_cast<double>(n_listed + 1) / static_cast<double>(n_background + 2));
    const std::int64_t top = std::clamp(std::max(mode, n_both), n_both, most);
    double sum = 1.0;
    double term = 1.0;
    for (std::int64_t x = top; x < most && term > 1e-18 * sum; ++x) sum += term *= ratio(x, n_set, n_listed, n_background);
    term = 1.0;
    for (std::int64_t x = top; x > n_both && term > 1e-18 * sum; --x) sum += term /= ratio(x - 1, n_set, n_listed, n_background);
    const double log_top = log_choose(n_set, top) + log_choose(n_background - n_set, n_listed - top) - log_choose(n_background, n_listed);
    return std::min(0.0, (log_top + std::log(sum)) / std::log(10.0));
}

std::vector<OverRepresentation> over_representation(std::span<const std::uint8_t> is_listed, std::span<const WeightedGenes> programmes) {
    const auto n_listed = static_cast<std::int64_t>(std::count(is_listed.begin(), is_listed.end(), std::uint8_t{1}));
    const std::int64_t n_background = std::ssize(is_listed);
    std::vector<OverRepresentation> out;
    for (const WeightedGenes& programme : programmes) {
        OverRepresentation own;
        own.n_set = std::ssize(programme.genes);
        for (const std::int64_t gene : programme.genes) {
            if (is_listed[static_cast<std::size_t>(gene)] != 0) own.both.push_back(gene);
        }
        std::sort(own.both.begin(), own.both.end());
        own.expected = n_background == 0 ? 0.0 : static_cast<double>(own.n_set) * static_cast<double>(n_listed) / static_cast<double>(n_background);
        own.log10_p = log10_p_hypergeometric(std::ssize(own.both), own.n_set, n_listed, n_background);
        out.push_back(std::move(own));
    }
    return out;
}

}  // namespace morula::analysis
