// Sums of products of sparse columns: only pairs of values that are not zero are multiplied.
#pragma once

#include <span>

#include "morula/core/context.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

/// Adds sum over cells of x_i * x_j to `gram` (n_genes x n_genes, on and above the diagonal) and of x_i to `sums`, all in float64, cells in order.
/// Cost about one nanosecond a product: half the square of the values of each cell.
void add_sparse_gram(const matrix::RowBlockSource& values, matrix::Dense<double>& gram, std::span<double> sums, Context& context);

/// Memory of the block of cells under way if a third of the values were not zero.
std::int64_t sparse_gram_bytes_per_gene();

}  // namespace morula::analysis
