// The nearest reference cells of each query cell in a joint embedding, and how they vote.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"
#include "morula/models/reference_regions.hpp"

namespace morula::models {

struct NearestCells {
    matrix::Dense<std::uint32_t> index;  // n_queries x k, places in the reference, nearest first, equal distances by place
    matrix::Dense<float> distance;       // Euclidean, same shape
};

/// Cells to be found, cut into regions once for any number of searches.
class NearestSearch {
public:
    /// Throws invalid_data when a value is not finite. The reference must outlive this.
    NearestSearch(matrix::DenseView<const float> reference, Context& context);
    /// The k nearest rows of the reference for every row of `query`: all pairs are compared by float32 GEMM but those with regions of the reference that cannot hold a neighbour
    /// (reference_regions.hpp); distances are computed again from differences.
    /// Throws invalid_data when widths differ, the reference has fewer than k cells, or a value is not finite. Cost at most 2 n_queries n_reference n_dims flops, a tenth where types lie apart.
    NearestCells nearest(matrix::DenseView<const float> query, std::int32_t k, Context& context) const;
    /// The same of the reference's own cells, none of which is a neighbour of its own.
    NearestCells nearest_others(std::int32_t k, Context& context) const;

private:
    matrix::DenseView<const float> reference_;
    ReferenceRegions regions_;
};

/// n_queries x n_labels, rows add to one: a neighbour at distance d votes with exp(-(d / d_k)^2), d_k the distance of the last one, so that near cells count up to e times as much.
/// label: of the reference cells, codes in [0, n_labels).
matrix::Dense<float> label_votes(const NearestCells& nearest, std::span<const std::int32_t> label, std::int32_t n_labels, Context& context);

/// Code of the largest value of each row, ties to the lower code.
std::vector<std::int32_t> best_labels(matrix::DenseView<const float> scores);

}  // namespace morula::models
