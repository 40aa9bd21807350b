// Reference and query in one space: shared variable genes, joint components, batches mixed.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/analysis/pca.hpp"
#include "morula/core/context.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::models {

/// One side: raw counts over the shared genes, and its batches (empty: one).
struct CountsAndBatches {
    const matrix::RowBlockSource* counts = nullptr;
    std::span<const std::int32_t> batch;  // codes in [0, n_batches)
    std::int32_t n_batches = 1;
};

struct JointSpaceOptions {
    std::int32_t n_variable_genes = 2000;
    std::int32_t n_components = 50;
    std::int64_t max_query_cells = 20'000;  // that genes, components and mixing are learned on; the others follow
    std::uint64_t seed = 0;
};

/// What both sides are measured in. Nothing here has seen a label.
struct JointValues {
    std::vector<std::int64_t> genes;         // variable genes, columns of the counts
    matrix::Csr reference;                   // ln(1 + counts per 10,000 of the shared genes), n_cells x genes.size()
    matrix::Csr query;
    std::vector<double> query_totals;        // counts of each query cell in the shared genes
    std::vector<std::int64_t> learned_on;    // query cells that the space was learned on, rising, evenly spread
    matrix::Dense<float> reference_pca;      // n_cells x n_components
    matrix::Dense<float> query_pca;
};

/// Variable genes by seurat_v3 within each batch of reference and query (of up to max_query_cells), exact PCA of both together, other query cells projected.
/// Throws invalid_data when the two have different genes or too few cells for a component.
JointValues joint_values(const CountsAndBatches& reference, const CountsAndBatches& query, const JointSpaceOptions& options, Context& context);

/// Two sets of cells in one embedding whose batches have been mixed.
struct MixedSpace {
    matrix::Dense<float> reference;
    matrix::Dense<float> query;
};

/// Rows of one embedding and their batches.
struct EmbeddedCells {
    matrix::DenseView<const float> embedding;
    std::span<const std::int32_t> batch;  // empty: one
    std::int32_t n_batches = 1;
};

/// Harmony over all batches of both sides; no batch is shared between them. Query cells that are not in learned_on (empty: all are) move as the learned ones near them did:
/// with soft clusters as Harmony has them, the mean move of each batch in each cluster.
MixedSpace mix_batches(const EmbeddedCells& reference, const EmbeddedCells& query, std::span<const std::int64_t> learned_on, std::uint64_t seed, Context& context);

}  // namespace morula::models
