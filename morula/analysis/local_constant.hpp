// A smooth course of many series at once along one covariate: local means with tricube weights of the nearest points (Loader 1999).
#pragma once

#include <span>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

/// Fitted values, shaped as `series` (points x series), at every point's own covariate. Means over the nearest floor(span * n) points, weighted by
/// (1 - (distance / furthest)^3)^3, are taken at the vertices of a tree over the range of the covariate and joined by straight lines: a cell is halved while
/// it is wider than .8 of the smaller of its ends' neighbourhoods. These are the conventions of locfit with deg = 0.
/// 0 < span <= 1; covariate finite; at least one point. Cost: vertices x points x series.
matrix::Dense<double> local_constant(matrix::DenseView<const double> series, std::span<const double> covariate, double span, Context& context);

}  // namespace morula::analysis
