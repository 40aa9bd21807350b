#include "morula/analysis/effect_shrinkage.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace morula::analysis {
namespace {

constexpr double kLeastScale = 1e-3;
constexpr double kLargestScale = 1e3;

bool is_known(double effect, double se) { return std::isfinite(effect) && std::isfinite(se) && se > 0.0; }

/// Derivative of the log likelihood of all effects by the variance of the truth, times two.
double slope(std::span<const double> effect, std::span<const double> se, double variance) {
    double sum = 0.0;
    for (std::size_t i = 0; i < effect.size(); ++i) {
        if (!is_known(effect[i], se[i])) continue;
        const double total = variance + se[i] * se[i];
        sum += (effect[i] * effect[i] / total - 1.0) / total;
    }
    return sum;
}

/// The scale at which the likelihood stops rising, by halving on a logarithmic scale.
double prior_scale(std::span<const double> effect, std::span<const double> se) {
    double low = std::log(kLeastScale);
    double high = std::log(kLargestScale);
    if (slope(effect, se, std::exp(2.0 * low)) <= 0.0) return kLeastScale;
    for (int i = 0; i < 100; ++i) {
        const double middle = 0.5 * (low + high);
        (slope(effect, se, std::exp(2.0 * middle)) > 0.0 ? low : high) = middle;
    }
    return std::exp(0.5 * (low + high));
}

}  // namespace

double shrink_effect(double effect, double se, double scale) {
    if (!is_known(effect, se)) return std::numeric_limits<double>::quiet_NaN();
    const double b = std::abs(effect);
    // Stationary points solve x^3 - b x^2 + (A^2 + 2 s^2) x - b A^2 = 0; all lie in [0, b]..
    const double linear = scale * scale + 2.0 * se * se;
    const auto cubic = [&](double x) { return ((x - b) * x + linear) * x - b * scale * scale; };
    const auto bisect = [&](double low, double high) {
        for (int i = 0; i < 200 && high - low > 1e-15 * high; ++i) {
            const double middle = 0.5 * (low + high);
            (cubic(middle) > 0.0 ? high : low) = middle;
        }
        return 0.5 * (low + high);
    };
    const auto log_posterior = [&](double x) { return -0.5 * (b - x) * (b - x) / (se * se) - std::log1p(x * x / (scale * scale)); };
    // Where the cubic turns, if it does: it rises to the first turn, falls to the second, and rises again.
    const double discriminant = b * b - 3.0 * linear;
    double best = 0.0;
    if (discriminant <= 0.0) {
        best = bisect(0.0, b);
    } else {
        const double first = (b - std::sqrt(discriminant)) / 3.0;
        const double second = (b + std::sqrt(discriminant)) / 3.0;
        const double lower = cubic(first) > 0.0 ? bisect(0.0, first) : std::numeric_limits<double>::quiet_NaN();
        const double upper = cubic(second) < 0.0 ? bisect(second, b) : std::numeric_limits<double>::quiet_NaN();
        if (std::isnan(lower)) best = upper;
        else if (std::isnan(upper)) best = lower;
        else best = log_posterior(upper) > log_posterior(lower) ? upper : lower;
    }
    return std::copysign(best, effect);
}

ShrunkenEffects shrink_effects(std::span<const double> effect, std::span<const double> se) {
    ShrunkenEffects out;
    out.scale = prior_scale(effect, se);
    for (std::size_t i = 0; i < effect.size(); ++i) out.effect.push_back(shrink_effect(effect[i], se[i], out.scale));
    return out;
}

}  // namespace morula::analysis
