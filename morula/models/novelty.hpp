// How unlike the reference a cell is: its distance to the nearest reference cells, as a conformal p value.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"
#include "morula/models/nearest_labels.hpp"

namespace morula::models {

/// Below this novelty p value a cell is called unlike the reference: one known cell in a hundred is, where query and reference are measured alike.
inline constexpr double kNoveltyThreshold = 0.01;

/// ln of the mean Euclidean distance to the nearest cells plus ln of the mean angle to them (chord of the unit vectors): large cells of a small type stand out by the first,
/// small cells of another kind by the second. -infinity where all neighbours are duplicates.
std::vector<double> log_distances(matrix::DenseView<const float> reference, matrix::DenseView<const float> query, const NearestCells& nearest, Context& context);

/// What distances are usual: of reference cells, each to other reference cells.
struct UsualDistances {
    std::vector<double> middle;   // of each label: median
    std::vector<double> spread;   // of each label: 1.4826 times the median absolute deviation
    std::vector<double> sorted;   // all standardized distances, rising
};

/// log_distance and label (the nearest cells' choice, as it will be for query cells): one a reference cell. Labels with fewer than 20 cells take the median and spread of all cells.
/// Throws invalid_data when sizes do not fit or there is no cell.
UsualDistances usual_distances(std::span<const double> log_distance, std::span<const std::int32_t> label, std::int32_t n_labels);

/// (1 + reference cells at least as far from others of their kind) / (1 + reference cells): for a cell exchangeable with them at most t with probability t (Vovk 2005).
double novelty_p(const UsualDistances& usual, double log_distance, std::int32_t label);

}  // namespace morula::models
