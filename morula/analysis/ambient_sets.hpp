// The ambient share of a sample's counts by sets of marker genes: what clusters that do not express a set have of it, over what soup alone would give them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

/// Genes that one cell type expresses and the others do not.
struct AmbientSet {
    std::string name;
    std::vector<std::int64_t> genes;  // columns, each once
};

/// A set in a cluster.
struct AmbientSetInCluster {
    std::int32_t set = 0;
    std::int32_t cluster = 0;
    std::int64_t n_cells = 0;
    std::int64_t n_expressing = 0;  // cells with more of the set than soup explains
    double observed = 0.0;          // counts of the set in the other cells
    double expected = 0.0;          // if all their counts were soup
    bool is_silent = false;         // the cluster does not express the set, so that observed / expected is the ambient share
};

struct AmbientSetsResult {
    std::vector<AmbientSetInCluster> places;  // set after set; clusters that take part
    double share = 0.0;                       // sum of observed / sum of expected over the silent places; NaN where it cannot be told
    double low = 0.0;                         // 95 % interval
    double high = 0.0;
    double dispersion = 1.0;                  // how much more the sets differ from one another than counts do; 1: not more
    std::int64_t n_sets = 0;                  // with a silent place
    std::int64_t n_genes = 0;                 // of those sets
    std::string why_not;                      // why there is no share; empty where there is one
};

/// Young & Behjati 2020 (GigaScience 9:giaa151): a cluster that does not express a set has its counts from the soup, so that the ambient share is observed / expected counts. One sample at a time.
/// A cell expresses a set when soup of max_share would give it so many counts with a probability below .001 (Poisson). A cluster of 20 or more cells is silent where at most one cell in twenty does,
/// and the others hold at most max_share of what soup alone would give; the cells that do are left out, as doublets and strays are. Then clusters that hold more than 1.25 times the common share of a set,
/// and that beyond chance (.001), are taken as expressing it weakly and left out one after the other, the clearest first.
/// Interval: Poisson, widened by the dispersion of the sets about the common share (with fewer than three sets: of sets in clusters) and then by Student's t.
/// Differs from SoupX, which takes a cluster out for a single expressing cell, keeps weak expression, and gives the Poisson interval alone.
/// counts: raw, n_cells x n_genes. cluster: codes, -1 leaves a cell out. soup: shares, adding to one. One pass; memory 4 bytes x cells x sets.
/// Throws invalid_data when sizes, codes or genes are wrong.
AmbientSetsResult ambient_sets(const matrix::RowBlockSource& counts, std::span<const std::int32_t> cluster, std::int32_t n_clusters, std::span<const double> soup, std::span<const AmbientSet> sets,
                               double max_share, Context& context);

}  // namespace morula::analysis
