// A smooth course through points of unequal weight: local straight lines (Cleveland 1979), with prior weights.
#pragma once

#include <span>
#include <vector>

namespace morula::analysis {

/// Where local lines are fitted; between them the course is straight. few: about 200, each the first point that lies more than a step from the one before (limma's
/// weightedLowess). close: each the last point within a hundredth of the range from the one before, at least the next point (Cleveland 1981, R's lowess).
enum class LowessAnchors { few, close };

struct LowessOptions {
    double span = 0.5;       // share of the total weight that each local line sees; > 0, at most 1
    int robust_rounds = 0;   // fits after the first, with points far from the course before weighted down (Tukey's biweight, 6 median absolute residuals)
    LowessAnchors anchors = LowessAnchors::few;
};
/// Fitted values at every x. At anchor points a straight line is fitted to the nearest points that hold `span` of the total weight, each weighted by its own weight
/// times (1 - (distance / furthest)^3)^3. x, y, weight: same size, at least one, finite, weights > 0. Cost: anchors x points.
std::vector<double> weighted_lowess(std::span<const double> x, std::span<const double> y, std::span<const double> weight, const LowessOptions& options);

}  // namespace morula::analysis
