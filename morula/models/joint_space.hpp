// Reference and query in one space: shared variable genes, joint components, batches mixed.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/block_source.hpp"
#include "morula/models/log_rows.hpp"
#include "morula/models/projection.hpp"

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

/// What both sides are measured in, learned from the reference and from query cells evenly spread. Nothing here has seen a label.
struct JointSpace {
    std::vector<std::int64_t> genes;         // variable genes, columns of the counts
    std::vector<std::int64_t> learned_on;    // query cells that the space was learned on, rising
    Projection projection;                   // of log values of these genes on the components
    matrix::Csr reference;                   // ln(1 + counts per 10,000 of the shared genes), n_cells x genes.size()
    matrix::Dense<float> reference_pca;      // n_cells x n_components
    LogPieces learned;                       // the same of the query cells learned_on
    matrix::Dense<float> learned_pca;
};

/// Variable genes by seurat_v3 within each batch of reference and query (of up to max_query_cells), PCA of both together (analysis::leading_components).
/// Throws invalid_data when the two have different genes or too few cells for a component.
JointSpace learn_joint_space(const CountsAndBatches& reference, const CountsAndBatches& query, const JointSpaceOptions& options, Context& context);

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

/// Harmony over all batches of both sides; no batch is shared between them.
MixedSpace mix_batches(const EmbeddedCells& reference, const EmbeddedCells& query, std::uint64_t seed, Context& context);

/// Where all query cells lie in the mixed space: those that were mixed (rows learned_on, rising) where they are, the others moved as the mixed ones near them were: with soft clusters as
/// Harmony has them, the mean move of each batch in each cluster. query: all of them, before; before, after: the mixed ones.
matrix::Dense<float> place_cells(const EmbeddedCells& query, std::span<const std::int64_t> learned_on, matrix::DenseView<const float> before, matrix::DenseView<const float> after,
                                 std::uint64_t seed, Context& context);

}  // namespace morula::models
