// The steps of an analysis as functions from slots to slots. Each reads what it names, and returns a Dataset that holds only what it adds;
// merge_slots() puts that in place. The verbs of the command line and the pipeline of `run` call these same functions.
#pragma once

#include <string>

#include "morula/analysis/doublets.hpp"
#include "morula/analysis/filter.hpp"
#include "morula/analysis/harmony.hpp"
#include "morula/analysis/hvg.hpp"
#include "morula/analysis/leiden.hpp"
#include "morula/analysis/neighbors.hpp"
#include "morula/analysis/normalize.hpp"
#include "morula/analysis/pca.hpp"
#include "morula/analysis/qc.hpp"
#include "morula/analysis/umap.hpp"
#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"

namespace morula::commands {

/// counts -> obs total_counts, n_genes_by_counts, pct_counts_mt, pct_counts_ribo, pct_counts_hb, pct_counts_stress, pct_counts_in_top_50_genes, qc (why a cell goes,
/// "kept" where it stays), qc_high; var n_cells_by_counts, total_counts, mean_counts, mt, ribo, hb, stress; uns qc (cut-offs a sample).
data::Dataset qc_slots(const data::Dataset& in, const analysis::QcOptions& options, Context& context);

/// counts -> obs doublet_score, doublet; uns doublets (a row a capture). Captures are the samples, or the obs column `capture` where there is one.
data::Dataset doublets_slots(const data::Dataset& in, const analysis::DoubletsOptions& options, Context& context);

/// The cells that quality control kept (obs qc), all genes; layers become lazy views.
data::Dataset keep_cells(const data::Dataset& in);

/// counts -> var in_enough_cells, n_kept_cells; obs kept_counts (totals over those genes).
data::Dataset filter_slots(const data::Dataset& in, const analysis::FilterOptions& options, Context& context);

/// obs kept_counts -> obs size_factor (what counts are multiplied with); uns log1p, normalize.
data::Dataset normalize_slots(const data::Dataset& in, const analysis::NormalizeOptions& options, Context& context);
/// counts and obs size_factor -> layer X, log1p(counts * size_factor), lazy.
void add_log_values(data::Dataset& dataset);

/// counts or X by flavor -> var highly_variable, means, dispersions, dispersions_norm (seurat_v3: variances, variances_norm), highly_variable_rank, highly_variable_nbatches.
/// Only genes in_enough_cells take part. Batches are the levels of `batch_column` ("" for one batch).
data::Dataset hvg_slots(const data::Dataset& in, const analysis::HvgOptions& options, const std::string& batch_column, Context& context);

/// X of the highly variable genes -> obsm X_pca, varm PCs (zero where a gene takes no part), uns pca.
data::Dataset pca_slots(const data::Dataset& in, const analysis::PcaOptions& options, Context& context);

/// obsm X_pca -> obsm X_pca_harmony, uns harmony.
data::Dataset harmony_slots(const data::Dataset& in, const analysis::HarmonyOptions& options, const std::string& batch_column, Context& context);

struct GraphOptions {
    analysis::NeighborsOptions neighbors;
    std::string embedding = "X_pca";
    std::int64_t n_dims = 30;  // leading columns used
};
/// The embedding -> obsp distances, connectivities (fuzzy weights); uns neighbors with the measured recall.
data::Dataset neighbors_slots(const data::Dataset& in, const GraphOptions& options, Context& context);

/// obsp connectivities -> obs leiden (categories "0", "1", ...), uns leiden.
data::Dataset leiden_slots(const data::Dataset& in, const analysis::LeidenOptions& options, Context& context);
/// obsp connectivities -> uns leiden_sweep: clusters, modularity and stability at each resolution.
data::Dataset leiden_sweep_slots(const data::Dataset& in, const analysis::LeidenSweepOptions& options, Context& context);

/// obsp connectivities and the embedding -> obsm X_umap, uns umap.
data::Dataset umap_slots(const data::Dataset& in, const analysis::UmapOptions& options, const std::string& embedding, Context& context);

}  // namespace morula::commands
