// Which clusters the cells that quality control removed would have belonged to: is a cell type lost to a cut-off?
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

struct RemovedCellsOptions {
    double min_counts = 20.0;          // in the genes given; a cell with fewer says nothing
    double ambient_share = 0.1;        // of every cell's counts that are taken to come from the soup
    double warn_lost_percent = 50.0;
    std::int32_t warn_min_cells = 20;  // fewer removed cells of a cluster are no ground for a warning
    std::int32_t profile_cells = 1000; // evenly spread kept cells that make a cluster's profile
};

constexpr auto describe(const RemovedCellsOptions*) {
    return std::tuple{
        field("min_counts", &RemovedCellsOptions::min_counts, "Counts in variable genes that a removed cell needs to be assigned to a cluster.", {.minimum = 1.0, .unit = "counts"}),
        field("ambient_share", &RemovedCellsOptions::ambient_share, "Share of a cell's counts that is taken to be ambient RNA.", {.minimum = 0.0, .maximum = 0.99}),
        field("warn_lost_percent", &RemovedCellsOptions::warn_lost_percent, "Warn when more of a cluster's kind was removed.", {.minimum = 0.0, .maximum = 100.0, .unit = "%"}),
        field("warn_min_cells", &RemovedCellsOptions::warn_min_cells, "Removed cells of a cluster's kind below which nothing is said.", {.minimum = 1.0, .unit = "cells"}),
        field("profile_cells", &RemovedCellsOptions::profile_cells, "Kept cells, evenly spread, that make the profile of a cluster.", {.minimum = 1.0, .unit = "cells"}),
    };
}

struct RemovedCellsResult {
    std::vector<std::int64_t> n_kept;    // n_clusters
    std::vector<double> n_removed;       // n_clusters: removed cells of the cluster's kind, an expected number and so not whole
    double n_ambient = 0.0;              // removed cells that look like the average of all: debris, empty droplets
    std::int64_t n_too_few_counts = 0;   // removed cells that say nothing
    matrix::Dense<float> probability;    // n_removed_cells x (n_clusters + 1), the last: ambient; a row of zeros where there are too few counts
    /// Share of the cluster's kind that was removed, 0..1.
    double lost_share(std::size_t cluster) const { return n_removed[cluster] / (n_removed[cluster] + static_cast<double>(n_kept[cluster])); }
};

/// A mixture of known multinomials. Each cluster's profile is the sum of its kept cells' counts with an ambient share of the average of all kept cells,
/// and the average itself is one more profile. Maximum likelihood gives the share of each profile among the removed cells (EM), and each cell's probabilities.
/// Counts are used as they are, so that a cell's depth does not decide where it goes: neighbours in a PCA of log values send cells with few counts to the wrong place
/// (measured in docs/steps/removed_cells.md).
/// kept, removed: counts of the same genes; give variable genes without mitochondrial ones, which damage changes. cluster: a code in [0, n_clusters) for each kept cell.
/// A kind of cell that was removed whole has no profile and is counted where it fits best. Throws invalid_data when shapes or codes do not fit.
RemovedCellsResult removed_cells(const matrix::Matrix& kept, std::span<const std::int32_t> cluster, std::int32_t n_clusters, const matrix::RowBlockSource& removed,
                                 const RemovedCellsOptions& options, Context& context);

}  // namespace morula::analysis
