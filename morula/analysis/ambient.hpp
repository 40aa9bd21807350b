// Ambient ("soup") RNA: genes of one cluster that are seen at a low, even level in all others, and how much of each cell they suggest is ambient.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

struct AmbientOptions {
    double min_fold = 20.0;        // source cluster over the median of the others
    double min_source_cpm = 500.0; // expression in the source cluster
    double max_fraction = 0.5;     // estimates above are not believed
};

constexpr auto describe(const AmbientOptions*) {
    return std::tuple{
        field("min_fold", &AmbientOptions::min_fold, "A soup gene is this many times higher in its source cluster than in the median of the other clusters.", {.minimum = 1.0}),
        field("min_source_cpm", &AmbientOptions::min_source_cpm, "Lowest expression in the source cluster.", {.minimum = 0.0, .unit = "counts per million"}),
        field("max_fraction", &AmbientOptions::max_fraction, "Ambient shares above this are not believed.", {.minimum = 0.0, .maximum = 1.0}),
    };
}

struct SoupGene {
    std::int64_t gene = 0;
    std::int32_t source_cluster = 0;
    double source_cpm = 0.0;       // counts per million in the source cluster
    double elsewhere_cpm = 0.0;    // median over the other clusters
    double soup_cpm = 0.0;         // in the estimated soup (all counts of the sample together)
    double share = 0.0;            // elsewhere_cpm / soup_cpm: the ambient share of a cell that this gene suggests
    std::int32_t n_clusters_seen = 0;  // other clusters in which the gene is seen
};

struct AmbientResult {
    std::vector<SoupGene> genes;     // strongest first (soup_cpm, then index)
    double ambient_share = 0.0;      // median share of the genes; NaN when there are fewer than 3
    double share_low = 0.0;          // quartiles of the genes' shares
    double share_high = 0.0;
};

/// Flags only: counts are not changed. In the spirit of SoupX (Young & Behjati 2020), but without empty droplets: the soup's profile is taken as that of all
/// counts together, which is what SoupX itself falls back on. An upper bound where a gene is truly expressed at a low level. One sample at a time.
/// counts: raw. cluster: n_cells codes, -1 leaves a cell out; clusters below 20 cells take no part. Throws invalid_data when sizes or codes are wrong.
AmbientResult ambient(const matrix::RowBlockSource& counts, std::span<const std::int32_t> cluster, std::int32_t n_clusters, const AmbientOptions& options, Context& context);

}  // namespace morula::analysis
