// Made-up embeddings and graphs for the tests of neighbours, clusters and layouts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/random.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis::cases {

/// A Context with that many threads.
struct Threads {
    explicit Threads(std::int32_t n) : context({.threads = n, .memory_bytes = std::int64_t{4} << 30}) {}
    Context context;
};

/// A view for reading, whether or not the matrix may be written.
inline matrix::DenseView<const float> view_of(const matrix::Dense<float>& cells) { return cells.view(); }

/// Gaussian clusters: cell i belongs to cluster i % n_clusters, whose center has coordinates of standard deviation `spread`.
inline matrix::Dense<float> clustered_cells(std::int64_t n_cells, std::int64_t n_dims, std::int64_t n_clusters, double spread, std::uint64_t seed) {
    matrix::Dense<double> centers(n_clusters, n_dims);
    for (std::int64_t c = 0; c < n_clusters; ++c) {
        Random random(seed, Purpose::test, static_cast<std::uint64_t>(c), 1);
        for (std::int64_t dim = 0; dim < n_dims; ++dim) centers(c, dim) = spread * random.normal();
    }
    matrix::Dense<float> cells(n_cells, n_dims);
    for (std::int64_t i = 0; i < n_cells; ++i) {
        Random random(seed, Purpose::test, static_cast<std::uint64_t>(i), 2);
        for (std::int64_t dim = 0; dim < n_dims; ++dim) cells(i, dim) = static_cast<float>(centers(i % n_clusters, dim) + random.normal());
    }
    return cells;
}

/// A symmetric graph from undirected edges (a, b), all of weight 1.
inline matrix::Csr graph_of(std::int64_t n_nodes, const std::vector<std::pair<std::uint32_t, std::uint32_t>>& edges) {
    std::vector<std::vector<std::uint32_t>> rows(static_cast<std::size_t>(n_nodes));
    for (const auto& edge : edges) {
        rows[edge.first].push_back(edge.second);
        rows[edge.second].push_back(edge.first);
    }
    matrix::Csr graph;
    graph.n_rows = n_nodes;
    graph.n_cols = n_nodes;
    for (auto& row : rows) {
        std::sort(row.begin(), row.end());
        graph.indices.insert(graph.indices.end(), row.begin(), row.end());
        graph.indptr.push_back(static_cast<std::int64_t>(graph.indices.size()));
    }
    graph.values.assign(graph.indices.size(), 1.0F);
    return graph;
}

}  // namespace morula::analysis::cases
