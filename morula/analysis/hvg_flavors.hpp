// The scores of variable genes within one batch; hvg() joins batches and chooses.
#pragma once

#include <cstdint>
#include <vector>

#include "morula/analysis/hvg.hpp"

namespace morula::analysis {

/// Whether genes without a count in the batch take part in bins (scanpy without batches) or get zeros everywhere (scanpy with batches).
enum class Unexpressed { take_part, leave_out };

/// Flavors seurat and cell_ranger; n_genes each.
struct DispersionGenes {
    std::vector<double> mean;
    std::vector<double> dispersion;
    std::vector<double> dispersion_norm;
    std::vector<std::uint8_t> highly_variable;
};
DispersionGenes dispersion_genes(const matrix::RowBlockSource& values, Unexpressed unexpressed, const HvgOptions& options, Context& context);

/// Flavors seurat_v3; n_genes each.
struct StandardizedGenes {
    std::int64_t n_cells = 0;
    std::vector<double> sum;
    std::vector<double> sum_of_squares;
    std::vector<double> variance_norm;
};
/// Throws invalid_data naming the first value that is not a count.
StandardizedGenes standardized_genes(const matrix::RowBlockSource& counts, double span, Context& context);

}  // namespace morula::analysis
