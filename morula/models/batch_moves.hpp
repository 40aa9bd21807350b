// How mixing moved the cells of a batch, as a function of where they were: for cells that were not mixed themselves.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::models {

struct BatchMoves {
    matrix::Dense<float> centers;   // n_clusters x n_dims, length 1
    matrix::Dense<double> move;     // n_batches * n_clusters x n_dims
};

/// Soft clusters of the cells before (k-means on directions, memberships exp(-2 (1 - cosine) / 0.1), scaled to 1, as Harmony has them; a thirtieth of the cells, at most 100),
/// and for each batch and cluster the mean of after - before with the memberships as weights; in a cluster that a batch has hardly any cell of, the batch's mean over all.
/// before, after: n_cells x n_dims; row i is of cell rows[i], whose batch is batch[rows[i]] (empty: one batch). Harmony's correction is such a sum over its own clusters.
BatchMoves learn_moves(matrix::DenseView<const float> before, matrix::DenseView<const float> after, std::span<const std::int32_t> batch, std::int32_t n_batches,
                       std::span<const std::int64_t> rows, std::uint64_t seed, Context& context);

/// Every row of `embedding` with the move of its batch added.
matrix::Dense<float> moved(const BatchMoves& moves, matrix::DenseView<const float> embedding, std::span<const std::int32_t> batch, Context& context);

}  // namespace morula::models
