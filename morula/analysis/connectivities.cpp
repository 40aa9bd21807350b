#include "morula/analysis/connectivities.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kBlockCells = 1024;
// Constants of umap-learn.
constexpr int kBisections = 64;
constexpr double kTolerance = 1e-5;
constexpr double kLeastScale = 1e-3;

struct DirectedEdge {
    std::uint32_t cell;
    float weight;
};

/// Rows of edges in one array; rows need not be of equal length.
struct EdgeRows {
    std::vector<std::int64_t> begin;
    std::vector<DirectedEdge> edges;

    std::span<const DirectedEdge> row(std::int64_t r) const {
        const auto i = static_cast<std::size_t>(r);
        return std::span(edges).subspan(static_cast<std::size_t>(begin[i]), static_cast<std::size_t>(begin[i + 1] - begin[i]));
    }
};

/// The edges turned around; each row ascends by cell, because rows are visited in order.
EdgeRows reverse(const EdgeRows& forward, std::int64_t n_cells) {
    EdgeRows back{.begin = std::vector<std::int64_t>(static_cast<std::size_t>(n_cells) + 1, 0), .edges = std::vector<DirectedEdge>(forward.edges.size())};
    for (const DirectedEdge& edge : forward.edges) ++back.begin[std::size_t{edge.cell} + 1];
    std::partial_sum(back.begin.begin(), back.begin.end(), back.begin.begin());
    auto next = back.begin;
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
        for (const DirectedEdge& edge : forward.row(cell)) {
            back.edges[static_cast<std::size_t>(next[edge.cell]++)] = {static_cast<std::uint32_t>(cell), edge.weight};
        }
    }
    return back;
}

/// Rows made block by block, joined in order.
struct RowParts {
    std::vector<std::int64_t> lengths;
    std::vector<std::uint32_t> indices;
    std::vector<float> values;
};

template <class FillBlock>
matrix::Csr build_csr(std::int64_t n_cells, Context& context, const FillBlock& fill_block) {
    const std::int64_t n_blocks = (n_cells + kBlockCells - 1) / kBlockCells;
    std::vector<RowParts> parts(static_cast<std::size_t>(n_blocks));
    parallel_blocks(context, n_cells, kBlockCells, [&](Block block) { fill_block(block, parts[static_cast<std::size_t>(block.index)]); });

    matrix::Csr graph;
    graph.n_rows = n_cells;
    graph.n_cols = n_cells;
    graph.indptr.reserve(static_cast<std::size_t>(n_cells) + 1);
    for (const RowParts& part : parts) {
        for (const std::int64_t length : part.lengths) graph.indptr.push_back(graph.indptr.back() + length);
    }
    graph.indices.resize(static_cast<std::size_t>(graph.indptr.back()));
    graph.values.resize(graph.indices.size());
    parallel_blocks(context, n_blocks, 1, [&](Block block) {
        RowParts& part = parts[static_cast<std::size_t>(block.begin)];
        const auto at = graph.indptr[static_cast<std::size_t>(block.begin * kBlockCells)];
        std::ranges::copy(part.indices, graph.indices.begin() + at);
        std::ranges::copy(part.values, graph.values.begin() + at);
        part = {};
    });
    return graph;
}

/// The bandwidth of one cell by bisection (doubling while the sum is too small).
double solve_sigma(std::span<const float> distances, float rho, double target) {
    double low = 0.0;
    double high = std::numeric_limits<double>::infinity();
    double sigma = 1.0;
    for (int step = 0; step < kBisections; ++step) {
        double sum = 0.0;
        for (const float distance : distances) {
            const float beyond = distance - rho;
            sum += beyond > 0.0F ? std::exp(-(static_cast<double>(beyond) / sigma)) : 1.0;
        }
        if (std::abs(sum - target) < kTolerance) break;
        if (sum > target) {
            high = sigma;
            sigma = (low + high) / 2.0;
        } else {
            low = sigma;
            sigma = std::isinf(high) ? sigma * 2.0 : (low + high) / 2.0;
        }
    }
    return sigma;
}

double sum_of(std::span<const float> values) {
    double sum = 0.0;
    for (const float value : values) sum += static_cast<double>(value);
    return sum;
}

void check_shapes(const NeighborsResult& neighbors) {
    MORULA_ASSERT(neighbors.index.n_rows == neighbors.distance.n_rows && neighbors.index.n_cols == neighbors.distance.n_cols);
}

/// Membership of each neighbour in its cell's fuzzy set; memberships of 0 (underflow) are left out. Rows ascend by cell.
EdgeRows memberships(const NeighborsResult& neighbors, const SmoothDistances& smooth, Context& context) {
    const std::int64_t n_cells = neighbors.index.n_rows;
    const std::int64_t k = neighbors.index.n_cols;
    EdgeRows all{.begin = std::vector<std::int64_t>(static_cast<std::size_t>(n_cells) + 1), .edges = std::vector<DirectedEdge>(static_cast<std::size_t>(n_cells * k))};
    for (std::int64_t cell = 0; cell <= n_cells; ++cell) all.begin[static_cast<std::size_t>(cell)] = cell * k;
    parallel_blocks(context, n_cells, kBlockCells, [&](Block block) {
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
            const float rho = smooth.rho[static_cast<std::size_t>(cell)];
            const float sigma = smooth.sigma[static_cast<std::size_t>(cell)];
            const auto edges = std::span(all.edges).subspan(static_cast<std::size_t>(cell * k), static_cast<std::size_t>(k));
            for (std::int64_t j = 0; j < k; ++j) {
                const float beyond = neighbors.distance(cell, j) - rho;
                const double weight = beyond <= 0.0F || sigma == 0.0F ? 1.0 : std::exp(-(static_cast<double>(beyond) / static_cast<double>(sigma)));
                edges[static_cast<std::size_t>(j)] = {neighbors.index(cell, j), static_cast<float>(weight)};
            }
            std::ranges::sort(edges, {}, &DirectedEdge::cell);
        }
    });
    return all;
}

void push_union(std::uint32_t cell, float a, float b, RowParts& out) {
    const float weight = a + b - a * b;
    if (weight <= 0.0F) return;
    out.indices.push_back(cell);
    out.values.push_back(weight);
}

/// Fuzzy union of two rows that ascend by cell.
void merge_rows(std::span<const DirectedEdge> a, std::span<const DirectedEdge> b, RowParts& out) {
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < a.size() || j < b.size()) {
        if (j == b.size() || (i < a.size() && a[i].cell < b[j].cell)) {
            push_union(a[i].cell, a[i].weight, 0.0F, out);
            ++i;
        } else if (i == a.size() || b[j].cell < a[i].cell) {
            push_union(b[j].cell, 0.0F, b[j].weight, out);
            ++j;
        } else {
            push_union(a[i].cell, a[i].weight, b[j].weight, out);
            ++i;
            ++j;
        }
    }
}

}  // namespace

SmoothDistances smooth_distances(const NeighborsResult& neighbors, Context& context) {
    check_shapes(neighbors);
    const std::int64_t n_cells = neighbors.distance.n_rows;
    const auto n_neighborhood = static_cast<double>(neighbors.distance.n_cols + 1);
    const double target = std::log2(n_neighborhood);
    const double mean_of_all = n_cells == 0 ? 0.0 : sum_blocks(context, n_cells, kBlockCells, [&](Block block) {
        double sum = 0.0;
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) sum += sum_of(neighbors.distance.row(cell));
        return sum;
    }) / (static_cast<double>(n_cells) * n_neighborhood);

    SmoothDistances smooth{.rho = std::vector<float>(static_cast<std::size_t>(n_cells)), .sigma = std::vector<float>(static_cast<std::size_t>(n_cells))};
    parallel_blocks(context, n_cells, kBlockCells, [&](Block block) {
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
            const auto distances = neighbors.distance.row(cell);
            const auto nearest = std::ranges::find_if(distances, [](float distance) { return distance > 0.0F; });
            const float rho = nearest == distances.end() ? 0.0F : *nearest;
            const double mean = rho > 0.0F ? sum_of(distances) / n_neighborhood : mean_of_all;
            smooth.rho[static_cast<std::size_t>(cell)] = rho;
            smooth.sigma[static_cast<std::size_t>(cell)] = static_cast<float>(std::max(solve_sigma(distances, rho, target), kLeastScale * mean));
        }
    });
    return smooth;
}

matrix::Csr fuzzy_connectivities(const NeighborsResult& neighbors, Context& context) {
    const std::int64_t n_cells = neighbors.index.n_rows;
    context.require_memory(neighbors.index.n_rows * neighbors.index.n_cols * 48, "connectivities");
    const EdgeRows forward = memberships(neighbors, smooth_distances(neighbors, context), context);
    const EdgeRows back = reverse(forward, n_cells);
    return build_csr(n_cells, context, [&](Block block, RowParts& out) {
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
            const auto before = out.indices.size();
            merge_rows(forward.row(cell), back.row(cell), out);
            out.lengths.push_back(static_cast<std::int64_t>(out.indices.size() - before));
        }
    });
}

matrix::Csr snn_connectivities(const NeighborsResult& neighbors, Context& context) {
    check_shapes(neighbors);
    const std::int64_t n_cells = neighbors.index.n_rows;
    const std::int64_t k = neighbors.index.n_cols + 1;
    EdgeRows forward{.begin = std::vector<std::int64_t>(static_cast<std::size_t>(n_cells) + 1), .edges = {}};
    forward.edges.reserve(static_cast<std::size_t>(n_cells * k));
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
        forward.edges.push_back({static_cast<std::uint32_t>(cell), 1.0F});
        for (const std::uint32_t near : neighbors.index.row(cell)) forward.edges.push_back({near, 1.0F});
        forward.begin[static_cast<std::size_t>(cell) + 1] = static_cast<std::int64_t>(forward.edges.size());
    }
    const EdgeRows back = reverse(forward, n_cells);
    return build_csr(n_cells, context, [&](Block block, RowParts& out) {
        std::vector<std::uint32_t> shares;  // one entry for each shared neighbour
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
            shares.clear();
            for (const DirectedEdge& near : forward.row(cell)) {
                for (const DirectedEdge& other : back.row(std::int64_t{near.cell})) shares.push_back(other.cell);
            }
            std::ranges::sort(shares);
            const auto before = out.indices.size();
            for (auto at = shares.begin(); at != shares.end();) {
                const auto next = std::upper_bound(at, shares.end(), *at);
                const auto shared = static_cast<double>(next - at);
                const double weight = shared / (2.0 * static_cast<double>(k) - shared);
                if (std::int64_t{*at} != cell && weight >= kSnnPrune) {
                    out.indices.push_back(*at);
                    out.values.push_back(static_cast<float>(weight));
                }
                at = next;
            }
            out.lengths.push_back(static_cast<std::int64_t>(out.indices.size() - before));
        }
    });
}

matrix::Csr connectivities(const NeighborsResult& neighbors, const ConnectivitiesOptions& options, Context& context) {
    return options.graph_weights == GraphWeights::shared ? snn_connectivities(neighbors, context) : fuzzy_connectivities(neighbors, context);
}

matrix::Csr distances_graph(const NeighborsResult& neighbors, Context& context) {
    check_shapes(neighbors);
    return build_csr(neighbors.index.n_rows, context, [&](Block block, RowParts& out) {
        std::vector<DirectedEdge> row(static_cast<std::size_t>(neighbors.index.n_cols));
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
            for (std::size_t j = 0; j < row.size(); ++j) row[j] = {neighbors.index.row(cell)[j], neighbors.distance.row(cell)[j]};
            std::ranges::sort(row, {}, &DirectedEdge::cell);
            for (const DirectedEdge& edge : row) {
                out.indices.push_back(edge.cell);
                out.values.push_back(edge.weight);
            }
            out.lengths.push_back(static_cast<std::int64_t>(row.size()));
        }
    });
}

}  // namespace morula::analysis
