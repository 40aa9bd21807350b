// Covariance of genes over cells in one pass, for principal components.
#pragma once

#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

struct GeneCovariance {
    matrix::Dense<double> upper;  // n_genes x n_genes, divided by n - 1; only on and above the diagonal
    std::vector<double> mean;     // n_genes
};

/// How products of genes are summed: sparse, entry by entry in float64; dense, by GEMM in float32 for 2,048 cells at a time, added in float64.
enum class GramRoute { sparse, dense };

/// sparse where at most a sixth of the first cells' values are not zero: there fewer products outweigh slower ones.
GramRoute gram_route(const matrix::RowBlockSource& values);

/// values: n_cells x n_genes, at least two cells. Centring is implicit. Memory: 8 bytes x n_genes^2 and a block of cells (gene_covariance_memory).
GeneCovariance gene_covariance(const matrix::RowBlockSource& values, GramRoute route, Context& context);
std::int64_t gene_covariance_memory(std::int64_t n_genes);

}  // namespace morula::analysis
