// Local quadratic regression of one variable, the interpolating LOESS of Cleveland and Grosse that R and scikit-misc use.
#pragma once

#include <span>
#include <vector>

#include "morula/core/context.hpp"

namespace morula::analysis {

/// Fitted values at x of a degree-2 local fit with tricube weights over the nearest span * n points, gaussian family,
/// evaluated at the vertices of a k-d tree (cell 0.2) and blended by cubic Hermite polynomials, as loess(surface = "interpolate", degree = 2) (netlib dloess).
/// x, y: same size, finite. Throws invalid_data when the span holds fewer than 4 points.
/// Agreement with scikit-misc 0.5: 1e-10. Differs from it: where it gives up ("near singularities", all near points on one x, as with many genes seen once),
/// the pseudo-inverse is used as in R, and a neighbourhood of one x takes in the next ones. Cost O(n log n + vertices * span * n).
std::vector<double> loess(std::span<const double> x, std::span<const double> y, double span, Context& context);

}  // namespace morula::analysis
