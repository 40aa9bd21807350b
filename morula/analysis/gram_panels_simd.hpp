// Sums of products of genes whose values lie dense, 24 genes side by side: the inner loops of the covariance of genes.
#pragma once

#include <cstdint>

namespace morula::analysis {

/// Genes of a panel, which holds a run of cells row by row; a multiple of three vectors of float64 on every processor.
inline constexpr std::int64_t kPanelGenes = 24;

/// products[i][j] += a[cell][i] * b[cell][j] for all i and j of [0, kPanelGenes), cell after cell. Each product is rounded before it is added, so that every sum
/// has the bits of a plain loop over the cells, whatever the vectors.
void add_panel_products(const double* a, const double* b, std::int64_t n_cells, double* products);

/// sums[j] += factor * values[j] for j in [0, n), n a multiple of kPanelGenes; bits as above.
void add_scaled(double factor, const float* values, std::int64_t n, double* sums);

}  // namespace morula::analysis
