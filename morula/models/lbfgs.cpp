#include "morula/models/lbfgs.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <utility>

namespace morula::models {
namespace {

constexpr double kSufficientDecrease = 1e-4;
constexpr std::int32_t kMostHalvings = 40;

struct Pair {
    std::vector<double> step;
    std::vector<double> change;  // of the gradient
    double curvature = 0.0;      // step . change > 0
};

/// In eight runs, so that no addition waits for the one before.
double dot(std::span<const double> a, std::span<const double> b) {
    std::array<double, 8> sum{};
    const std::size_t whole = a.size() - a.size() % sum.size();
    for (std::size_t i = 0; i < whole; i += sum.size()) {
        for (std::size_t lane = 0; lane < sum.size(); ++lane) sum[lane] += a[i + lane] * b[i + lane];
    }
    for (std::size_t i = whole; i < a.size(); ++i) sum[0] += a[i] * b[i];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

double largest(std::span<const double> x) {
    double most = 0.0;
    for (const double each : x) most = std::max(most, std::abs(each));
    return most;
}

/// The two-loop recursion: minus the approximate inverse Hessian times the gradient.
std::vector<double> direction_of(std::span<const double> gradient, const std::deque<Pair>& pairs) {
    std::vector<double> q(gradient.begin(), gradient.end());
    std::vector<double> alpha(pairs.size());
    for (std::size_t i = pairs.size(); i-- > 0;) {
        alpha[i] = dot(pairs[i].step, q) / pairs[i].curvature;
        for (std::size_t j = 0; j < q.size(); ++j) q[j] -= alpha[i] * pairs[i].change[j];
    }
    const double scale = pairs.empty() ? 1.0 / std::max(1.0, std::sqrt(dot(gradient, gradient))) : pairs.back().curvature / dot(pairs.back().change, pairs.back().change);
    for (double& each : q) each *= scale;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        const double beta = dot(pairs[i].change, q) / pairs[i].curvature;
        for (std::size_t j = 0; j < q.size(); ++j) q[j] += (alpha[i] - beta) * pairs[i].step[j];
    }
    for (double& each : q) each = -each;
    return q;
}

struct Point {
    std::vector<double> x;
    std::vector<double> gradient;
    double value = 0.0;
};

/// Moves `next` along the direction until the value falls enough; false where no step does.
bool line_search(const Point& from, std::span<const double> direction, const ValueAndGradient& function, Point& next) {
    const double slope = dot(from.gradient, direction);
    if (!(slope < 0.0)) return false;
    double length = 1.0;
    for (std::int32_t halving = 0; halving < kMostHalvings; ++halving) {
        for (std::size_t j = 0; j < next.x.size(); ++j) next.x[j] = from.x[j] + length * direction[j];
        next.value = function(next.x, next.gradient);
        if (std::isfinite(next.value) && next.value <= from.value + kSufficientDecrease * length * slope) return true;
        // The minimum of the parabola through both values and the slope, within a tenth and a half of this step.
        const double bend = next.value - from.value - length * slope;
        const double inner = bend > 0.0 && std::isfinite(bend) ? -slope * length * length / (2.0 * bend) : 0.5 * length;
        length = std::clamp(inner, 0.1 * length, 0.5 * length);
    }
    return false;
}

}  // namespace

LbfgsResult minimize_lbfgs(std::vector<double> start, const ValueAndGradient& function, const LbfgsSettings& settings) {
    Point at{std::move(start), {}, 0.0};
    at.gradient.assign(at.x.size(), 0.0);
    at.value = function(at.x, at.gradient);
    Point next = at;
    std::deque<Pair> pairs;
    LbfgsResult result;
    while (largest(at.gradient) > settings.tolerance && result.iterations < settings.max_iterations) {
        if (!line_search(at, direction_of(at.gradient, pairs), function, next)) {
            if (pairs.empty()) break;
            pairs.clear();  // rounding has spoiled the curvature: once more along the gradient
            continue;
        }
        ++result.iterations;
        Pair pair{std::vector<double>(at.x.size()), std::vector<double>(at.x.size()), 0.0};
        for (std::size_t j = 0; j < at.x.size(); ++j) {
            pair.step[j] = next.x[j] - at.x[j];
            pair.change[j] = next.gradient[j] - at.gradient[j];
        }
        pair.curvature = dot(pair.step, pair.change);
        if (pair.curvature > 1e-12 * dot(pair.change, pair.change)) {
            if (std::ssize(pairs) == settings.history) pairs.pop_front();
            pairs.push_back(std::move(pair));
        }
        std::swap(at, next);
    }
    result.converged = largest(at.gradient) <= settings.tolerance;
    result.x = std::move(at.x);
    result.value = at.value;
    return result;
}

}  // namespace morula::models
