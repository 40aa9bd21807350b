// k-means centres of an embedding: the start of neighbour lists, Harmony's clusters and coarse layouts.
#pragma once

#include <cstdint>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

struct KMeansOptions {
    std::int32_t n_clusters = 100;
    std::int32_t max_iterations = 10;
    std::int64_t sample_cells_per_cluster = 256;  // Lloyd's steps see at most n_clusters times this many cells
    std::uint64_t seed = 0;
};

struct KMeansResult {
    matrix::Dense<float> centers;        // n_clusters x n_dims
    std::vector<std::int32_t> cluster;   // n_cells, nearest center, ties to the lower number
};

/// Lloyd's k-means on an even sample, started by k-means++ (above 256 clusters: from cells picked evenly); an emptied center keeps its place.
/// points: n_cells x n_dims, finite. Throws usage when n_clusters is outside [1, n_cells].
/// Cost O(iterations * sample * n_clusters * n_dims) as GEMMs, plus one assignment of all cells.
KMeansResult kmeans(matrix::DenseView<const float> points, const KMeansOptions& options, Context& context);

/// Nearest center of every point, ties to the lower number.
std::vector<std::int32_t> nearest_centers(matrix::DenseView<const float> points, matrix::DenseView<const float> centers, Context& context);

}  // namespace morula::analysis
