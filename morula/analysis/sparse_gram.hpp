// Sums of products of sparse columns: only pairs of values that are not zero are multiplied.
#pragma once

#include <span>

#include "morula/core/context.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

/// Adds sum over cells of x_i * x_j to `gram` (n_genes x n_genes, on and above the diagonal) and of x_i to `sums`, all in float64, cells in order. Values must be finite.
/// Genes with many values are multiplied in vectors, zeros too, the others value by value; both give the bits of a plain loop over the cells.
/// Cost at most about one nanosecond a product: half the square of the values of each cell; a quarter of it where a few hundred genes hold most values.
void add_sparse_gram(const matrix::RowBlockSource& values, matrix::Dense<double>& gram, std::span<double> sums, Context& context);

/// Memory beside `gram` at most.
std::int64_t sparse_gram_memory(std::int64_t n_genes);

}  // namespace morula::analysis
