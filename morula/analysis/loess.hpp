// Local quadratic regression of one variable, the interpolating LOESS of Cleveland and Grosse that R and scikit-misc use.
#pragma once

#include <span>
#include <vector>

namespace morula::analysis {

/// Fitted values at x of a degree-2 local fit with tricube weights over the nearest span * n points, gaussian family,
/// evaluated at the vertices of a k-d tree (cell 0.2) and blended by cubic Hermite polynomials, as loess(surface = "interpolate", degree = 2) (netlib dloess).
/// x, y: same size, finite. Throws invalid_data when fewer than 4 points or too few distinct x for a quadratic fit.
/// Agreement with scikit-misc 0.5: about 1e-12 relative. Cost O(n log n + vertices * span * n).
std::vector<double> loess(std::span<const double> x, std::span<const double> y, double span);

}  // namespace morula::analysis
