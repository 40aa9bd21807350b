// Leiden clustering of a weighted graph by modularity with a resolution, alone or over a sweep of resolutions.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

struct LeidenOptions {
    double resolution = 1.0;       // > 0; higher gives more clusters
    std::int32_t max_rounds = 20;  // rounds of move, refine, aggregate from the last clusters; stops early when one gains nearly nothing
    std::uint64_t seed = 0;
};

constexpr auto describe(const LeidenOptions*) {
    return std::tuple{
        field("resolution", &LeidenOptions::resolution, "Higher gives more clusters.", {.minimum = 0.0, .maximum = 1000.0}),
        field("max_rounds", &LeidenOptions::max_rounds, "Most rounds; stops early when one gains less than 1e-4 of modularity.", {.minimum = 1, .maximum = 1000}),
        field("seed", &LeidenOptions::seed, "Seed of the order in which cells are visited and of the refinement."),
    };
}

struct LeidenResult {
    std::vector<std::int32_t> cluster;  // n_cells; 0 is the largest cluster, equal sizes by smallest cell
    std::int32_t n_clusters = 0;
    double modularity = 0.0;            // at the given resolution
    std::int32_t rounds = 0;            // over the cells; those over groups come before
    bool converged = false;             // the last round gained less than 1e-4, or fewer than one in a thousand cells still moved
};

/// Leiden (Traag, Waltman & van Eck 2019) for modularity with resolution (Reichardt & Bornholdt): sum over clusters of
/// w_in / 2m - resolution * (degree / 2m)^2. graph: symmetric CSR with weights >= 0; both directions of an edge are stored; a diagonal is ignored.
/// Small groups of well-connected cells are clustered first, then the cells from there (docs/steps/leiden.md). Cells without edges become clusters of one. Local moves run in fixed batches of a seeded order, so that the result does not depend on threads.
/// Throws invalid_data when a weight is negative or not finite, or the graph is not square.
LeidenResult leiden(matrix::CsrView graph, const LeidenOptions& options, Context& context);

/// Clusters of one graph that were found before: further runs on it take theirs from here where all that decides them is the same.
class KnownClusters {
public:
    /// Null where they are not known. group_resolution: at which the groups of cells were made.
    const LeidenResult* find(const LeidenOptions& options, double group_resolution) const;
    void add(const LeidenOptions& options, double group_resolution, LeidenResult result);

private:
    struct Run {
        LeidenOptions options;
        double group_resolution;
        LeidenResult result;
    };
    std::vector<Run> runs_;
};

/// As above; takes the clusters from `known`, or adds them.
LeidenResult leiden(matrix::CsrView graph, const LeidenOptions& options, KnownClusters& known, Context& context);

/// Modularity with resolution of the given clusters (any integers >= 0); 0 for a graph without edges.
double modularity(matrix::CsrView graph, std::span<const std::int32_t> cluster, double resolution);

/// Cluster numbers in the project's order: by size, equal sizes by smallest cell. Input: any integers >= 0.
std::vector<std::int32_t> number_by_size(std::span<const std::int32_t> cluster);

struct LeidenSweepOptions {
    std::vector<double> resolutions{0.25, 0.5, 0.75, 1.0, 1.5, 2.0};
    std::int32_t n_seeds = 3;       // runs at each resolution, with seeds seed, seed + 1, ...
    std::int32_t max_rounds = 20;
    std::uint64_t seed = 0;
};

constexpr auto describe(const LeidenSweepOptions*) {
    return std::tuple{
        field("resolutions", &LeidenSweepOptions::resolutions, "Resolutions to try.", {.minimum = 0.0, .maximum = 1000.0}),
        field("n_seeds", &LeidenSweepOptions::n_seeds, "Runs with different seeds at each resolution.", {.minimum = 1, .maximum = 100}),
        field("max_rounds", &LeidenSweepOptions::max_rounds, "Most rounds of a run.", {.minimum = 1, .maximum = 1000}),
        field("seed", &LeidenSweepOptions::seed, "First seed."),
    };
}

struct LeidenSweepStep {
    double resolution = 1.0;
    LeidenResult clusters;          // with the first seed: what leiden() gives
    double stability = 1.0;         // mean adjusted Rand index over all pairs of seeds; 1 with one seed
    std::int32_t fewest_clusters = 0;  // over seeds
    std::int32_t most_clusters = 0;
};

/// One entry a resolution, in the given order. Runs that `known` has are taken from there; the others are added.
std::vector<LeidenSweepStep> leiden_sweep(matrix::CsrView graph, const LeidenSweepOptions& options, KnownClusters& known, Context& context);

}  // namespace morula::analysis
