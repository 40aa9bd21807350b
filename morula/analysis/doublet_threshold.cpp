#include "morula/analysis/doublet_threshold.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace morula::analysis {
namespace {

constexpr double kSmoothingShare = 1.0 / 60.0;  // standard deviation of the smoothing, of all levels
constexpr double kLikelier = 0.5;
constexpr double kLeastDetectable = 0.05;
constexpr double kMostCalledOverExpected = 3.0;

using Histogram = std::vector<double>;

/// Mean of each bin and its two neighbours; the rim bins stand twice.
Histogram smoothed(const Histogram& h) {
    Histogram out(h.size());
    for (std::size_t b = 0; b < h.size(); ++b) {
        const double left = b > 0 ? h[b - 1] : h[b];
        const double right = b + 1 < h.size() ? h[b + 1] : h[b];
        out[b] = (left + h[b] + right) / 3.0;
    }
    return out;
}

/// Share of the counts at each level.
Histogram shares_of(std::span<const std::int32_t> counts, std::int32_t n_neighbors) {
    Histogram shares(static_cast<std::size_t>(n_neighbors) + 1, 0.0);
    for (const std::int32_t count : counts) shares[static_cast<std::size_t>(count)] += 1.0 / static_cast<double>(counts.size());
    const double sd = kSmoothingShare * n_neighbors;
    const auto rounds = static_cast<int>(std::ceil(1.5 * sd * sd));  // a mean of three has variance 2/3
    for (int round = 0; round < rounds; ++round) shares = smoothed(shares);
    return shares;
}

double share_above(std::span<const std::int32_t> counts, std::int32_t level) {
    const auto above = std::count_if(counts.begin(), counts.end(), [&](std::int32_t count) { return count > level; });
    return static_cast<double>(above) / static_cast<double>(counts.size());
}

}  // namespace

std::optional<std::int32_t> valley_level(std::span<const std::int32_t> observed, std::span<const std::int32_t> simulated, std::int32_t n_neighbors, double rate) {
    if (observed.empty() || simulated.empty()) return std::nullopt;
    const Histogram cells = shares_of(observed, n_neighbors);
    const Histogram doublets = shares_of(simulated, n_neighbors);
    const auto mode = static_cast<std::size_t>(std::max_element(cells.begin(), cells.end()) - cells.begin());
    for (std::size_t level = mode; level + 1 < cells.size(); ++level) {
        if (rate * doublets[level + 1] < kLikelier * cells[level + 1]) continue;
        const auto valley = static_cast<std::int32_t>(level);
        const bool seen = share_above(simulated, valley) >= kLeastDetectable;
        const bool believable = share_above(observed, valley) <= kMostCalledOverExpected * rate;
        return seen && believable ? std::optional(valley) : std::nullopt;
    }
    return std::nullopt;
}

double threshold_for_share(std::span<const float> scores, double share) {
    const auto n_above = static_cast<std::size_t>(std::floor(share * static_cast<double>(scores.size())));
    if (n_above == 0 || scores.empty()) return std::numeric_limits<double>::infinity();
    if (n_above >= scores.size()) return -1.0;
    std::vector<float> sorted(scores.begin(), scores.end());
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(n_above), sorted.end(), std::greater<>{});
    return static_cast<double>(sorted[n_above]);
}

}  // namespace morula::analysis
