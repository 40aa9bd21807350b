// Limited-memory BFGS for smooth convex functions of many variables.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace morula::models {

struct LbfgsSettings {
    std::int32_t max_iterations = 300;
    double tolerance = 1e-4;    // largest absolute entry of the gradient
    std::int32_t history = 10;  // pairs kept
};

struct LbfgsResult {
    std::vector<double> x;
    double value = 0.0;
    std::int32_t iterations = 0;
    bool converged = false;  // false: out of iterations, or no step lowers the value any more
};

/// Value of the function at x; writes the gradient (same size).
using ValueAndGradient = std::function<double(std::span<const double> x, std::span<double> gradient)>;

/// Minimum from `start` on (Nocedal 1980; Nocedal & Wright 2006, algorithm 7.4). A step is halved (by quadratic interpolation) until it lowers the value enough (Armijo, 1e-4);
/// pairs without positive curvature are not kept. Serial sums in order.
LbfgsResult minimize_lbfgs(std::vector<double> start, const ValueAndGradient& function, const LbfgsSettings& settings);

}  // namespace morula::models
