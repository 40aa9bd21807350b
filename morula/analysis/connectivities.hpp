// From nearest neighbours to weighted graphs: UMAP's fuzzy weights and Seurat's shared-neighbour weights.
#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "morula/analysis/neighbors.hpp"
#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

enum class GraphWeights { fuzzy, shared };

struct ConnectivitiesOptions {
    GraphWeights graph_weights = GraphWeights::fuzzy;
};
constexpr auto describe(const ConnectivitiesOptions*) {
    return std::tuple{
        field("graph_weights", &ConnectivitiesOptions::graph_weights, "Weights of the graph that is clustered: fuzzy as UMAP and scanpy, shared as Seurat (neighbours that two cells share).", {.choices = "fuzzy|shared"}),
    };
}

/// Seurat's threshold: shared-neighbour weights below it are dropped.
inline constexpr double kSnnPrune = 1.0 / 15.0;

struct SmoothDistances {
    std::vector<float> rho;    // n_cells, distance to the nearest neighbour that is not a duplicate; 0 when all are
    std::vector<float> sigma;  // n_cells, bandwidth
};
/// umap-learn's smooth_knn_dist with local_connectivity 1 and bandwidth 1: sigma solves
/// sum over the other n_neighbors - 1 cells of exp(-(d - rho) / sigma) = log2(n_neighbors), at least 1e-3 of the mean distance.
SmoothDistances smooth_distances(const NeighborsResult& neighbors, Context& context);

/// UMAP's fuzzy union (McInnes 2018) as umap-learn's fuzzy_simplicial_set with set_op_mix_ratio 1: w = a + b - a b over both directions.
/// Returns a symmetric n_cells x n_cells CSR, rows sorted, no diagonal, weights in (0, 1].
matrix::Csr fuzzy_connectivities(const NeighborsResult& neighbors, Context& context);

/// Shared-neighbour Jaccard weights over neighbourhoods that include the cell itself, as Seurat's FindNeighbors:
/// s / (2 k - s) where s cells are shared; weights below kSnnPrune are dropped. Symmetric CSR, rows sorted.
/// Differs from Seurat: no diagonal, which says nothing.
matrix::Csr snn_connectivities(const NeighborsResult& neighbors, Context& context);

/// The weights that the options name.
matrix::Csr connectivities(const NeighborsResult& neighbors, const ConnectivitiesOptions& options, Context& context);

/// Distances to the neighbours as scanpy's obsp["distances"]: n_cells x n_cells CSR, not symmetric, rows sorted by cell; distances of 0 are stored.
matrix::Csr distances_graph(const NeighborsResult& neighbors, Context& context);

}  // namespace morula::analysis
