// Ambient ("soup") RNA: genes of one cluster that are seen at a low, even level in all others, and how much of each cell they suggest is ambient.
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
    double counts_elsewhere = 0.0;     // of the gene in the other clusters
    double total_elsewhere = 0.0;      // of all genes there
};

struct AmbientResult {
    std::vector<SoupGene> genes;     // strongest first (soup_cpm, then index)
    double ambient_share = 0.0;      // the fifth lowest of the genes' limits; NaN where fewer genes set one, or it is not believed
    double share_low = 0.0;          // the lowest limit
    double share_high = 0.0;         // the fifth lowest when each gene's counts are taken at the upper end of their 95 % Poisson interval
    std::int64_t n_limits = 0;       // genes that set a limit
    std::int32_t n_clusters = 0;     // that took part
    std::vector<double> soup;        // n_genes: shares of the soup's counts, adding to one (zeros where there are no counts)
    std::vector<double> counts;      // n_genes: counts in the clusters that took part
    std::string why_not;             // why there is no share; empty where there is one
};

/// Clusters with fewer cells tell nothing.
inline constexpr std::int64_t kFewestAmbientCells = 20;

/// Upper and lower end of an interval of a Poisson mean from a count, by Wilson and Hilferty's root of the gamma distribution; z: 1.96 for 95 %.
double upper_poisson_mean(double count, double z);
double lower_poisson_mean(double count, double z);

/// Flags only: counts are not changed. In the spirit of SoupX (Young & Behjati 2020). One sample at a time.
/// empty: counts of each gene in the sample's empty droplets, whose profile is the soup's; where it is empty the profile is that of all counts of the cells together, which is
/// what SoupX itself falls back on.
/// The share: a cluster cannot hold more soup than its counts of a gene allow, even if it expresses none of it. So every gene sets a limit, the lowest of
/// (counts in a cluster) / (the cluster's total x the gene's share of the soup) over the clusters where the soup alone would give at least 200 counts; genes that
/// some cluster keeps silent come close to the truth, the others lie above. The fifth lowest limit is taken, so that a few odd genes decide nothing.
/// counts: raw. cluster: n_cells codes, -1 leaves a cell out; clusters below 20 cells take no part. Throws invalid_data when sizes or codes are wrong.
AmbientResult ambient(const matrix::RowBlockSource& counts, std::span<const std::int32_t> cluster, std::int32_t n_clusters, std::span<const double> empty,
                      const AmbientOptions& options, Context& context);

}  // namespace morula::analysis
