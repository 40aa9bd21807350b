#include "morula/analysis/weighted_lowess.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "morula/analysis/averages.hpp"
#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

constexpr std::size_t kAnchors = 200;
constexpr double kCloseStep = 0.01;

/// Points in increasing order of x.
struct Sorted {
    std::vector<double> x;
    std::vector<double> y;
    std::vector<double> weight;
    std::vector<double> trust;  // 1, less where the course before lies far off
};

/// The step between anchors that spends `kAnchors` of them on the range of x, where gaps that are wider than a step cost one anchor however wide they are.
double anchor_step(std::span<const double> x) {
    if (x.size() <= kAnchors) return 0.0;
    std::vector<double> gaps;
    for (std::size_t i = 1; i < x.size(); ++i) gaps.push_back(x[i] - x[i - 1]);
    std::sort(gaps.begin(), gaps.end());
    double covered = x.back() - x.front();
    double step = std::numeric_limits<double>::infinity();
    for (std::size_t n_wide = 0; n_wide < kAnchors; ++n_wide) {
        step = std::min(step, covered / static_cast<double>(kAnchors - n_wide));
        covered -= gaps[gaps.size() - 1 - n_wide];
    }
    return step;
}

/// The local line's value at point `anchor`.
double fitted_at(const Sorted& points, std::size_t anchor, double least_weight, double range) {
    const double x0 = points.x[anchor];
    std::size_t first = anchor;
    std::size_t last = anchor;
    double held = points.weight[anchor];
    const std::size_t n = points.x.size();
    while (held < least_weight && (first > 0 || last + 1 < n)) {
        const bool takes_left = last + 1 == n || (first > 0 && x0 - points.x[first - 1] < points.x[last + 1] - x0);
        held += points.weight[takes_left ? --first : ++last];
    }
    const double furthest = std::max(x0 - points.x[first], points.x[last] - x0);
    double total = 0.0;
    double mean_x = 0.0;
    double mean_y = 0.0;
    std::vector<double> weight;
    for (std::size_t i = first; i <= last; ++i) {
        const double share = furthest > 0.0 ? std::abs(points.x[i] - x0) / furthest : 0.0;
        const double rest = 1.0 - share * share * share;
        weight.push_back(points.weight[i] * points.trust[i] * rest * rest * rest);
        total += weight.back();
        mean_x += weight.back() * points.x[i];
        mean_y += weight.back() * points.y[i];
    }
    if (!(total > 0.0)) return points.y[anchor];  // all that is near was put aside
    mean_x /= total;
    mean_y /= total;
    double spread = 0.0;
    double slope = 0.0;
    for (std::size_t i = first; i <= last; ++i) {
        const double from_mean = points.x[i] - mean_x;
        spread += weight[i - first] * from_mean * from_mean;
        slope += weight[i - first] * from_mean * points.y[i];
    }
    // Points that nearly share one x tell no slope (Cleveland 1981).
    if (std::sqrt(spread / total) <= 1e-3 * range) return mean_y;
    return mean_y + slope / spread * (x0 - mean_x);
}

/// Fitted values in the order of x.
std::vector<double> course(const Sorted& points, double least_weight, double step, LowessAnchors anchors) {
    const std::vector<double>& x = points.x;
    const double range = x.back() - x.front();
    std::vector<double> out(x.size());
    out[0] = fitted_at(points, 0, least_weight, range);
    for (std::size_t before = 0; before + 1 < x.size();) {
        std::size_t next = before + 1;
        const std::size_t looks_ahead = anchors == LowessAnchors::close ? 1 : 0;
        while (next + 1 < x.size() && x[next + looks_ahead] <= x[before] + step) ++next;
        out[next] = fitted_at(points, next, least_weight, range);
        const double width = x[next] - x[before];
        for (std::size_t k = before + 1; k < next; ++k) {
            const double share = width > 0.0 ? (x[k] - x[before]) / width : 1.0;
            out[k] = out[before] + share * (out[next] - out[before]);
        }
        before = next;
    }
    return out;
}

/// Tukey's biweight of what is left of each point.
void weigh_down(Sorted& points, std::span<const double> fitted) {
    std::vector<double> residual;
    for (std::size_t i = 0; i < fitted.size(); ++i) residual.push_back(std::abs(points.y[i] - fitted[i]));
    const double furthest = 6.0 * median(residual);
    for (std::size_t i = 0; i < fitted.size(); ++i) {
        const double share = furthest > 0.0 ? std::min(residual[i] / furthest, 1.0) : 0.0;
        points.trust[i] = (1.0 - share * share) * (1.0 - share * share);
    }
}

}  // namespace

std::vector<double> weighted_lowess(std::span<const double> x, std::span<const double> y, std::span<const double> weight, const LowessOptions& options) {
    MORULA_ASSERT(!x.empty() && x.size() == y.size() && x.size() == weight.size());
    std::vector<std::size_t> order(x.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
    Sorted points;
    for (const std::size_t i : order) {
        points.x.push_back(x[i]);
        points.y.push_back(y[i]);
        points.weight.push_back(weight[i]);
    }
    points.trust.assign(x.size(), 1.0);
    // A little less, since sums of weights are rounded.
    const double least_weight = (1.0 - 1e-9) * options.span * std::accumulate(points.weight.begin(), points.weight.end(), 0.0);
    const double step = options.anchors == LowessAnchors::close ? kCloseStep * (points.x.back() - points.x.front()) : anchor_step(points.x);
    std::vector<double> fitted = course(points, least_weight, step, options.anchors);
    for (int round = 0; round < options.robust_rounds; ++round) {
        weigh_down(points, fitted);
        fitted = course(points, least_weight, step, options.anchors);
    }
    std::vector<double> out(x.size());
    for (std::size_t i = 0; i < order.size(); ++i) out[order[i]] = fitted[i];
    return out;
}

}  // namespace morula::analysis
