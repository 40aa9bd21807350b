// The steps of an analysis as functions from slots to slots. Each reads what it names, and returns a Dataset that holds only what it adds;
// merge_slots() puts that in place. The verbs of the command line and the pipeline of `run` call these same functions.
#pragma once

#include <string>

#include "morula/analysis/ambient.hpp"
#include "morula/analysis/cell_calling.hpp"
#include "morula/analysis/cell_cycle.hpp"
#include "morula/analysis/connectivities.hpp"
#include "morula/analysis/de.hpp"
#include "morula/analysis/doublets.hpp"
#include "morula/analysis/filter.hpp"
#include "morula/analysis/harmony.hpp"
#include "morula/analysis/hvg.hpp"
#include "morula/analysis/leiden.hpp"
#include "morula/analysis/lisi.hpp"
#include "morula/analysis/markers.hpp"
#include "morula/analysis/merge_clusters.hpp"
#include "morula/analysis/neighbors.hpp"
#include "morula/analysis/normalize.hpp"
#include "morula/analysis/pca.hpp"
#include "morula/analysis/qc.hpp"
#include "morula/analysis/removed_cells.hpp"
#include "morula/analysis/suggested_labels.hpp"
#include "morula/analysis/umap.hpp"
#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"

namespace morula::commands {

/// counts of every barcode -> obs is_cell, cell_fdr, ambient_log_probability; uns cell_calling. Captures as in doublets_slots; gene expression alone counts.
data::Dataset call_cells_slots(const data::Dataset& in, const analysis::CellCallingOptions& options, Context& context);
/// The called barcodes of a data set that has those slots; uns stays, layers become lazy views, obsp goes.
data::Dataset keep_called(const data::Dataset& in);

/// What uns cell_calling holds of a capture.
struct CalledCapture {
    std::string name;
    std::int64_t n_barcodes = 0;
    std::int64_t n_ambient_barcodes = 0;
    std::int64_t n_cells = 0;
    std::int64_t n_by_total = 0;
    std::int64_t n_by_profile = 0;
    double always_from = 0.0;
    double knee = 0.0;
    double inflection = 0.0;
    double precision = 0.0;
    double fdr = 0.0;
    std::int64_t ambient_below = 0;
    std::int64_t n_simulations = 0;
    std::string note;
    analysis::RankCurve curve;
};
/// Empty where cells were not called, or by another program.
std::vector<CalledCapture> stored_cell_calling(const data::UnsMap& uns);
data::Uns cell_calling_uns(const std::vector<CalledCapture>& captures);
/// "donor1: 60,000 barcodes, 4,210 called cells: ..."
std::string cell_calling_sentence(const CalledCapture& capture);

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

/// obsm X_pca (its leading n_dims) and X_pca_harmony -> uns integration: iLISI of the batches before and after.
data::Dataset integration_slots(const data::Dataset& in, const analysis::LisiOptions& options, const std::string& batch_column, std::int64_t n_dims, Context& context);

struct GraphOptions {
    analysis::NeighborsOptions neighbors;
    std::string embedding = "X_pca";
    std::int64_t n_dims = 30;  // leading columns used
    analysis::ConnectivitiesOptions connectivities{};
};
/// The embedding -> obsp distances, connectivities; uns neighbors with the measured recall. With shared-neighbour weights also obsp umap_connectivities
/// (fuzzy weights): as in Seurat, only the clusters follow the shared neighbours, the map does not.
data::Dataset neighbors_slots(const data::Dataset& in, const GraphOptions& options, Context& context);

/// obsp connectivities -> obs leiden (categories "0", "1", ...), uns leiden.
/// known: what was clustered on this graph before and need not be again; grows.
data::Dataset leiden_slots(const data::Dataset& in, const analysis::LeidenOptions& options, analysis::KnownClusters& known, Context& context);
/// obsp connectivities -> uns leiden_sweep: clusters, modularity and stability at each resolution.
data::Dataset leiden_sweep_slots(const data::Dataset& in, const analysis::LeidenSweepOptions& options, analysis::KnownClusters& known, Context& context);

/// obsp connectivities (or the graph that uns neighbors names for the map) and the embedding -> obsm X_umap, uns umap.
data::Dataset umap_slots(const data::Dataset& in, const analysis::UmapOptions& options, const std::string& embedding, Context& context);

/// X and obs `groups` -> varm markers_auc, markers_z, ... (n_genes x n_groups, NaN for genes not in_enough_cells), uns markers.
data::Dataset markers_slots(const data::Dataset& in, const analysis::MarkersOptions& options, const std::string& groups, Context& context);
/// What markers_slots() stored, as the result of the step.
analysis::MarkersResult stored_markers(const data::Dataset& dataset);
/// scanpy's uns["rank_genes_groups"], the n best genes of each group by z; for sc.pl.rank_genes_groups and sc.get.rank_genes_groups_df.
data::Uns rank_genes_groups(const analysis::MarkersResult& markers, const data::Table& var, const std::vector<std::string>& groups, std::int64_t n, const std::string& group_column);

/// counts, obsp connectivities, obs leiden -> uns merge_clusters: pairs offered for merging and the verdict.
data::Dataset merge_clusters_slots(const data::Dataset& in, const analysis::MergeClustersOptions& options, Context& context);

/// All cells with obs qc and the kept ones with obs leiden and var highly_variable -> uns removed_cells of the kept: which clusters the removed cells would belong to, and why they went.
data::Dataset removed_cells_slots(const data::Dataset& all, const data::Dataset& kept, const analysis::RemovedCellsOptions& options, Context& context);

/// Stored markers of leiden, X of the table's genes -> obs suggested_label, uns suggested_labels with the evidence. The table is the built-in one or the user's.
data::Dataset labels_slots(const data::Dataset& in, const analysis::SuggestedLabelsOptions& options, const knowledge::MarkerTable& table, Context& context);

/// counts and obs leiden, sample by sample -> var soup (1 where a gene looks ambient in any sample), uns ambient.
data::Dataset ambient_slots(const data::Dataset& in, const analysis::AmbientOptions& options, Context& context);

/// X -> obs S_score, G2M_score, phase.
data::Dataset cell_cycle_slots(const data::Dataset& in, const analysis::CellCycleOptions& options, Context& context);

/// counts and samples -> uns sample_checks: sex by XIST and Y genes against obs column sex where there is one, stress.
data::Dataset sample_checks_slots(const data::Dataset& in, Context& context);

/// obsm X_pca against obs totals, mitochondrial, ribosomal and stress shares and cell cycle -> uns pca_checks: what leading components follow.
data::Dataset pca_checks_slots(const data::Dataset& in, Context& context);

struct SensitivityOptions {
    double other_resolution = 0.5;
    std::uint64_t other_seed = 1;
};
/// The graph and obs leiden -> uns sensitivity: agreement (ARI) with another resolution, another seed, and without called doublets.
data::Dataset sensitivity_slots(const data::Dataset& in, const analysis::LeidenOptions& leiden, const SensitivityOptions& options, analysis::KnownClusters& known, Context& context);

/// What a run compares: obs columns and values of the condition.
struct DifferencesChoice {
    std::string condition;  // "": nothing is compared
    std::string case_name;
    std::string control_name;
    std::string donor;
    std::string cell_type;
    std::string batch;
};
/// Throws not_found, usage, invalid_data where the columns and values allow no comparison (see comparison_units); cell_type leiden is not there yet and not looked for.
void check_differences(const data::Dataset& dataset, const DifferencesChoice& choice, Context& context);
/// counts and the columns of the choice -> uns differences: samples, types, genes (one entry a type and compared gene), strips, composition; refused: why nothing was compared, else ""; donors:
/// who they are and what else sets them apart, in both cases (see donor_table).
data::Dataset differences_slots(const data::Dataset& in, const DifferencesChoice& choice, const analysis::DeOptions& options, Context& context);

}  // namespace morula::commands
