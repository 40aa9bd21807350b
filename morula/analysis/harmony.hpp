// Harmony: moves an embedding so that batches mix within soft clusters.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

struct HarmonyOptions {
    double theta = 2.0;                        // how strongly clusters are made to mix batches; 0: not at all
    double sigma = 0.1;                        // softness of the clusters
    std::optional<double> lambda{};            // ridge penalty of the correction; not given: alpha times the cells expected of a batch in each cluster
    double alpha = 0.2;
    std::optional<std::int32_t> n_clusters{};  // not given: n_cells / 30, at most 100
    double block_size = 0.05;                  // share of the cells whose memberships are updated together
    std::int32_t max_iterations = 10;
    std::int32_t max_cluster_iterations = 4;   // passes of the clustering in a round
    double tolerance = 1e-2;                   // relative fall of the objective below which the rounds end
    double cluster_tolerance = 1e-3;           // the same within the clustering, from the fifth pass on
    std::uint64_t seed = 0;
};

constexpr auto describe(const HarmonyOptions*) {
    return std::tuple{
        field("theta", &HarmonyOptions::theta, "How strongly clusters are made to mix batches; 0: not at all.", {.minimum = 0.0, .maximum = 100.0}),
        field("sigma", &HarmonyOptions::sigma, "Softness of the clusters.", {.minimum = 1e-6, .maximum = 10.0}),
        field("lambda", &HarmonyOptions::lambda, "Ridge penalty of the correction, larger moves cells less; not given: estimated in each cluster from alpha.", {.minimum = 1e-9, .maximum = 1e6}),
        field("alpha", &HarmonyOptions::alpha, "Share of the expected cells of a batch that the estimated ridge penalty is.", {.minimum = 1e-6, .maximum = 100.0}),
        field("n_clusters", &HarmonyOptions::n_clusters, "Soft clusters; not given: a thirtieth of the cells, at most 100.", {.minimum = 1, .maximum = 10000}),
        field("block_size", &HarmonyOptions::block_size, "Share of the cells whose memberships are updated together.", {.minimum = 1e-6, .maximum = 1.0}),
        field("max_iterations", &HarmonyOptions::max_iterations, "Most rounds of clustering and correction.", {.minimum = 0, .maximum = 1000}),
        field("max_cluster_iterations", &HarmonyOptions::max_cluster_iterations, "Most passes of the clustering in a round.", {.minimum = 1, .maximum = 1000}),
        field("tolerance", &HarmonyOptions::tolerance, "Relative change of the objective that ends the rounds.", {.minimum = 0.0, .maximum = 1.0}),
        field("cluster_tolerance", &HarmonyOptions::cluster_tolerance, "Relative change of the objective that ends the clustering of a round.", {.minimum = 0.0, .maximum = 1.0}),
        field("seed", &HarmonyOptions::seed, "Seed of the start and of the order of updates."),
    };
}

/// One column of batches.
struct BatchVariable {
    std::string name;                     // for messages
    std::span<const std::int32_t> codes;  // n_cells, each in [0, n_levels)
    std::int32_t n_levels = 0;
};

struct HarmonyResult {
    matrix::Dense<float> embedding;    // n_cells x n_dims, corrected
    std::vector<double> objective;     // at the start and after each round
    std::int32_t iterations = 0;
    bool converged = false;
};

/// Harmony (Korsunsky 2019) with the defaults of harmonypy 2.1: k-means on cells scaled to length 1, soft clusters with a diversity penalty
/// theta log(E / (O + E)) updated in blocks of a seeded order, ridge correction within each cluster with a penalty of alpha E.
/// embedding: n_cells x n_dims (PCA scores). One or several batch variables.
/// Differs from harmonypy: its start and order of updates are random in another way, and no batch is left out of a cluster's correction.
/// Cost per pass O(n_cells * n_clusters * n_dims) as GEMMs; memory 4 bytes a cell and cluster.
/// Throws invalid_data when a variable has fewer than two levels with cells, a code is out of range (names the cell), or a value is not finite.
HarmonyResult harmony(matrix::DenseView<const float> embedding, std::span<const BatchVariable> batches, const HarmonyOptions& options, Context& context);

}  // namespace morula::analysis
