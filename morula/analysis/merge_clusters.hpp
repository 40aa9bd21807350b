// Which neighbouring clusters lack the genes that would tell them apart, and whether any split is supported at all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

/// Defaults are recipe morula-1.
struct MergeClustersOptions {
    std::int32_t min_genes = 3;
    double min_auc = 0.7;
    double max_fdr = 0.05;
    std::int32_t cells_per_cluster = 250;  // compared per cluster, drawn at random
    double min_link = 0.02;                // share of a cluster's edge weight that makes another cluster its neighbour
    std::uint64_t seed = 0;
};

constexpr auto describe(const MergeClustersOptions*) {
    return std::tuple{
        field("min_genes", &MergeClustersOptions::min_genes, "Genes that must tell two clusters apart.", {.minimum = 1, .maximum = 10000, .unit = "genes"}),
        field("min_auc", &MergeClustersOptions::min_auc, "AUC from which a gene tells two clusters apart.", {.minimum = 0.5, .maximum = 1.0}),
        field("max_fdr", &MergeClustersOptions::max_fdr, "FDR such a gene must also reach, for small clusters.", {.minimum = 0.0, .maximum = 1.0}),
        field("cells_per_cluster", &MergeClustersOptions::cells_per_cluster, "Cells compared per cluster.", {.minimum = 10, .maximum = 1000000, .unit = "cells"}),
        field("min_link", &MergeClustersOptions::min_link, "Share of a cluster's edge weight that makes another cluster its neighbour.", {.minimum = 0.0, .maximum = 1.0}),
        field("seed", &MergeClustersOptions::seed, "Seed of the cells drawn and of the thinning."),
    };
}

struct ClusterPair {
    std::int32_t first = 0;    // the smaller number
    std::int32_t second = 0;
    double link = 0.0;         // edge weight between them / the smaller of their total edge weights
    std::int64_t n_up_first = 0;   // genes with AUC >= min_auc and FDR <= max_fdr in the first over the second
    std::int64_t n_up_second = 0;
    std::vector<std::int64_t> genes;  // up to 5 best of both sides, by |AUC - .5|
    bool offered = false;      // fewer than min_genes in both directions: offered for merging
};

struct MergeClustersResult {
    std::vector<ClusterPair> pairs;         // neighbours only, by first, then second
    std::vector<std::int32_t> merged;       // n_clusters: group of each cluster if all offers were taken; 0 holds cluster 0
    std::int32_t n_merged = 0;              // groups
    bool no_supported_split = false;        // two or more clusters, and all fall into one group
    std::string sentence;                   // the verdict in words
};

/// Two clusters are compared on up to cells_per_cluster cells each, whose depths are first made alike: each cell is thinned to the depth of the other cluster's cell at the same
/// place in the order of depths, where that one is shallower, so that depth alone never looks like a difference. AUC on the thinned, depth-normalized values.
/// counts: raw. graph: n_cells x n_cells symmetric weights >= 0. cluster: n_cells codes in [0, n_clusters), -1 leaves a cell out.
/// An offer, not an act: clusters stay as they are. Throws invalid_data when sizes or codes are wrong.
MergeClustersResult merge_clusters(const matrix::RowBlockSource& counts, matrix::CsrView graph, std::span<const std::int32_t> cluster, std::int32_t n_clusters,
                                   const MergeClustersOptions& options, Context& context);

}  // namespace morula::analysis
