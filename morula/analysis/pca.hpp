// Exact principal components of a sparse matrix: covariance in one pass, eigenvectors, projection in a second pass.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

struct PcaOptions {
    std::int32_t n_components = 50;
};

constexpr auto describe(const PcaOptions*) {
    return std::tuple{
        field("n_components", &PcaOptions::n_components, "Principal components to compute.", {.minimum = 1.0, .maximum = 1000.0}),
    };
}

struct PcaResult {
    matrix::Dense<float> embedding;     // n_cells x k
    matrix::Dense<float> loadings;      // n_genes x k, unit columns, largest absolute entry positive
    std::vector<double> variance;       // k, descending, divided by n - 1
    std::vector<double> variance_ratio; // k, of the total variance of all genes
    std::vector<double> mean;           // n_genes, what was subtracted
};

/// values: n_cells x n_genes (usually log-normalized, variable genes only). Genes are centred, not scaled; centring is implicit, so memory does not grow
/// with the cells beyond the result and, where two fifths of the budget hold it, a copy of values that are computed on read: n_genes^2 doubles and a few blocks. Cost n_cells * n_genes^2 flops: for up to about 6,000 genes.
/// Throws invalid_data when min(n_cells - 1, n_genes) < n_components, resource_limit when the covariance does not fit.
PcaResult pca(const matrix::RowBlockSource& values, const PcaOptions& options, Context& context);
/// As pca(), but with the eigenpairs of block_lanczos.hpp where there are four times as many cells and genes as its space has dimensions: components that stand apart are the same to float32, those
/// that share out noise are others of nearly the same variance, and it takes a fifth of the time. For what reads distances between cells, not single components. No cell is placed: the
/// embedding has no rows.
PcaResult leading_components(const matrix::RowBlockSource& values, const PcaOptions& options, Context& context);
/// What it asks of the memory budget, in bytes.
std::int64_t pca_memory(std::int64_t n_genes);

/// Rows of other cells on the same components: (values - mean) * loadings, n_rows x k.
matrix::Dense<float> project(const matrix::RowBlockSource& values, const PcaResult& pca, Context& context);

}  // namespace morula::analysis
