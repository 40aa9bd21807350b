// Highly variable genes by the exact conventions of scanpy's flavours, whole or per batch.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

/// seurat and cell_ranger read log-normalized values; the two seurat_v3 flavours read raw counts and differ only in how batches are joined.
enum class HvgFlavor { seurat, cell_ranger, seurat_v3, seurat_v3_paper };

/// Defaults are recipe morula-1 for one sample; with several samples it takes n_top 3,000.
struct HvgOptions {
    HvgFlavor flavor = HvgFlavor::seurat_v3;
    std::int32_t n_top = 2000;
    std::int32_t n_bins = 20;  // seurat only
    double span = 0.3;         // seurat_v3 only: share of genes in each local fit
};

constexpr auto describe(const HvgOptions*) {
    return std::tuple{
        field("flavor", &HvgOptions::flavor, "Exact method; the seurat_v3 flavours read raw counts, the others log-normalized values.", {.choices = "seurat|cell_ranger|seurat_v3|seurat_v3_paper"}),
        field("n_top", &HvgOptions::n_top, "Number of variable genes.", {.minimum = 1.0, .unit = "genes"}),
        field("n_bins", &HvgOptions::n_bins, "Bins of mean expression (flavor seurat).", {.minimum = 1.0}),
        field("span", &HvgOptions::span, "Share of the genes in each local fit (flavors seurat_v3).", {.minimum = 0.01, .maximum = 1.0}),
    };
}

/// Recipe scanpy-1.11: flavor seurat, 2,000 genes.
HvgOptions hvg_options_scanpy_1_11();

/// n_genes each, in scanpy's terms; NaN where a value does not exist.
struct HvgResult {
    std::vector<std::uint8_t> highly_variable;
    std::vector<std::int64_t> genes;        // the highly variable columns, increasing
    std::vector<double> mean;               // seurat: ln(1 + mean of expm1); cell_ranger: mean of the values; seurat_v3: mean count; with batches the mean over batches (seurat_v3: over all cells)
    std::vector<double> dispersion;         // seurat: ln dispersion; cell_ranger: dispersion; seurat_v3: variance of the counts
    std::vector<double> dispersion_norm;    // z score in its bin; seurat_v3: variance of the standardized, clipped counts
    std::vector<double> rank;               // seurat_v3: 0 = first, median over batches, NaN when in no batch's n_top; else NaN
    std::vector<std::int32_t> n_batches;    // batches in which the gene is highly variable
    std::vector<std::uint8_t> in_all_batches;
};

/// values: log-normalized (seurat, cell_ranger) or raw counts (seurat_v3*). batch: n_cells codes in [0, n_batches), or empty for one batch.
/// Ties and NaN as scanpy: ties at the n-th place add genes for seurat and cell_ranger without batches; elsewhere the order is by (rank, batches, column).
/// Throws invalid_data: no cells, negative or non-integer counts for seurat_v3, a batch without cells, LOESS not possible; usage: n_top < 1.
/// Agrees with scanpy 1.11. Differs: exact ties of a score go by column (numpy's sort and pandas' names decide there); percentile edges that coincide are joined
/// (cell_ranger; scanpy stops); LOESS does not give up (see loess.hpp); counts are checked, not warned about. Batches whose cells stand apart in the file cost one pass each.
HvgResult hvg(const matrix::RowBlockSource& values, std::span<const std::int32_t> batch, std::int32_t n_batches, const HvgOptions& options, Context& context);

}  // namespace morula::analysis
