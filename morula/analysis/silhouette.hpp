// Silhouette widths: how much nearer a cell is to its own group than to the next one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

/// Rousseeuw 1987, Euclidean distances, as scikit-learn's silhouette_samples: (b - a) / max(a, b), where a is the mean distance to the other cells of the own group
/// and b the least mean distance to the cells of another group; 0 for a cell alone in its group, and where a and b are 0. -1 to 1.
/// embedding: n_cells x n_dims; group: n_cells codes in [0, n_groups). cells: which are measured, each against all: the widths are exact, only their number is smaller.
/// Cost O(cells * n_cells * n_dims); distances are float32 of differences, sums float64 in order of the cells. Memory: n_groups doubles a task.
/// Throws invalid_data for sizes or codes that do not fit, or where fewer than two groups have cells.
std::vector<double> silhouette_widths(matrix::DenseView<const float> embedding, std::span<const std::int32_t> group, std::int32_t n_groups, std::span<const std::int64_t> cells, Context& context);

}  // namespace morula::analysis
