// Scores of an integration: do batches mix, and are kinds of cell still told apart.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

struct EvaluateIntegrationOptions {
    double perplexity = 30.0;
    std::int32_t max_cells = 5000;        // evenly spread cells that LISI and silhouettes are measured on, each against all
    std::int32_t max_label_cells = 1000;  // the same within each label
    std::int32_t n_neighbors = 15;
    std::vector<double> resolutions{0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0};
    std::uint64_t seed = 0;
};

constexpr auto describe(const EvaluateIntegrationOptions*) {
    using O = EvaluateIntegrationOptions;
    return std::tuple{
        field("perplexity", &O::perplexity, "Effective size of a neighbourhood for LISI; three times as many cells are looked at.", {.minimum = 2.0, .maximum = 300.0}),
        field("max_cells", &O::max_cells, "Cells, evenly spread, on which LISI and silhouettes are measured, each against all.", {.minimum = 3.0, .maximum = 1e6}),
        field("max_label_cells", &O::max_label_cells, "The same within each label, for batches within labels and for isolated labels.", {.minimum = 3.0, .maximum = 1e6}),
        field("n_neighbors", &O::n_neighbors, "Cells in a neighbourhood of the graph that is clustered, the cell itself included.", {.minimum = 2, .maximum = 1000}),
        field("resolutions", &O::resolutions, "Resolutions of Leiden that are tried for the clusters nearest to the labels.", {.minimum = 0.0, .maximum = 1000.0}),
        field("seed", &O::seed, "Seed of neighbour lists and clusters."),
    };
}

/// Codes of one column in [0, n); every code may be without cells.
struct GroupCodes {
    std::span<const std::int32_t> code;  // n_cells
    std::int32_t n = 0;
};

/// 0 is worst and 1 best in every score; NaN: not defined for these cells, and no part of a mean.
struct BatchMixingScores {
    double ilisi_median = 0.0;         // effective batches around a cell
    double ilisi_expected = 0.0;       // with no structure at all
    double ilisi = 0.0;                // (ilisi_median - 1) / (batches - 1)
    double silhouette = 0.0;           // mean over labels of 1 - |silhouette of the batches within the label|
    double acceptance = 0.0;           // kBET-like, mean over labels
    double graph_connectivity = 0.0;   // mean over labels; NaN without labels
    double mean = 0.0;                 // of ilisi, silhouette, acceptance, graph_connectivity
};
struct LabelScores {
    double clisi_median = 0.0;         // effective labels around a cell
    double clisi = 0.0;                // (labels - clisi_median) / (labels - 1)
    double silhouette = 0.0;           // (mean silhouette of the labels + 1) / 2
    double nmi = 0.0;                  // best over the resolutions
    double ari = 0.0;                  // at that resolution
    double resolution = 0.0;
    std::int32_t n_clusters = 0;
    std::vector<std::int32_t> isolated;  // labels in the fewest batches; none where every label is in every batch
    double isolated_f1 = 0.0;          // mean over isolated labels of the best F1 of a cluster, over the resolutions
    double isolated_silhouette = 0.0;  // mean over isolated labels of their (mean silhouette + 1) / 2
    double mean = 0.0;                 // of clisi, silhouette, nmi, ari, isolated_f1, isolated_silhouette
};

struct IntegrationScores {
    std::int32_t n_batches = 0;        // with cells
    std::int32_t n_labels = 0;         // with cells; 0 without labels
    BatchMixingScores batch;
    LabelScores label;                 // NaN without labels
    double total = 0.0;                // .4 batch.mean + .6 label.mean; NaN without labels
    std::int64_t n_measured = 0;       // cells of LISI and silhouettes
};

/// The measures of Luecken et al. 2022 (scIB) that need an embedding and labels alone, and their weights. embedding: n_cells x n_dims; labels empty (n 0): mixing alone.
/// LISI: lisi(), median, scaled as scIB does. Labels' silhouettes, connectivity, acceptance and batch silhouettes: silhouette_widths(), graph_connectivity(), batch_acceptance(), batch_silhouette().
/// NMI and ARI: Leiden on the fuzzy graph of n_neighbors at each resolution, the one with the highest NMI counts (ties to the lower).
/// Differs from scIB: no principal-component regression, cell-cycle, variable-gene or trajectory part; silhouettes and LISI on evenly spread cells, each against all; 10 resolutions
/// of Leiden with modularity; a label is isolated only where another is in more batches (scIB: then all labels are); the isolated silhouette is of these labels' cells among all
/// labels, as scib-metrics has it. scIB ranks methods by scores that were scaled to [0, 1] over the methods compared: our total is of unscaled ones, so compare it between embeddings
/// of the same cells, labels and options only. Memory: the neighbour graph and a copy of the largest label's cells.
/// Throws invalid_data: one batch, one label, fewer cells than n_neighbors or than 3, values that are not finite, all cells at one point.
IntegrationScores evaluate_integration(matrix::DenseView<const float> embedding, const GroupCodes& batches, const GroupCodes& labels, const EvaluateIntegrationOptions& options, Context& context);

}  // namespace morula::analysis
