// Methods text ready for a paper, with citations, from the options and versions that were used; and code to load the results.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "morula/report/report_data.hpp"

namespace morula::report {

/// What was done, as used. An empty string, 0 or NaN leaves the sentence out.
struct MethodsFacts {
    std::string morula_version;
    std::string recipe;
    std::string numeric_profile;
    std::uint64_t seed = 0;
    std::int32_t n_samples = 1;
    std::int64_t n_cells_in = 0;
    std::int64_t n_cells_kept = 0;
    std::int64_t n_genes_in = 0;
    std::int64_t n_genes_kept = 0;
    bool simulated = false;
    std::string cell_calling;        // one sentence when barcodes were called, without its stop; the reference is added
    // QC
    double mad_counts = kMissing;    // cells below this many MADs of log counts or genes are removed (positive number)
    std::int32_t min_genes = 0;      // floor
    double mad_mt = kMissing;
    double min_pct_mt = kMissing;    // and above this share
    bool nuclei = false;
    std::int32_t min_cells = 0;      // genes in at least so many cells
    // normalisation and genes
    double target_sum = kMissing;    // 0 = median of totals
    std::string hvg_flavor;          // "seurat", "cell_ranger", "seurat_v3"
    std::int32_t n_hvg = 0;
    bool hvg_by_batch = false;
    // doublets, scores
    bool doublets = false;
    bool cell_cycle = false;
    bool stress = false;
    // embedding
    std::int32_t n_components = 0;
    std::int32_t n_components_used = 0;
    std::string harmony_batch;       // obs column, "" = not integrated
    std::int32_t n_neighbors = 0;
    bool exact_neighbors = true;
    double neighbor_recall = kMissing;
    std::string metric = "Euclidean";
    std::string graph_weights;       // "fuzzy" or "shared"
    double resolution = kMissing;
    std::int32_t n_clusters = 0;
    double stability = kMissing;
    double umap_min_dist = kMissing;
    std::int32_t umap_epochs = 0;
    bool markers = true;
    bool pairwise_markers = true;
    std::string label_source;        // cited table or file
    // comparison of conditions
    std::string comparison;          // "diseased with healthy", "" = none was made
    std::string comparison_types;    // obs column
    std::string comparison_design;   // "~ donor + condition"
    std::string programme_table;     // files that were compared as well; "" = none
    std::string regulon_table;
    std::string pair_table;
    std::string copy_number_reference;  // "120 cells ('cell_type=T cell')"; "" = not called
};

Methods compose_methods(const MethodsFacts& facts);

/// How to open the result in scanpy and in Seurat. h5ad: file name, for instance "cells.h5ad"; has_matrix false when the matrices were left out of it.
struct SnippetFacts {
    std::string h5ad = "cells.h5ad";
    std::string add_matrices{};  // the command that writes the file again with its matrices; empty where it has them
};
std::vector<CodeSnippet> load_snippets(const SnippetFacts& facts);

}  // namespace morula::report
