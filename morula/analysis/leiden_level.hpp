// One level of the Leiden hierarchy: its graph, local moves, refinement and aggregation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis::leiden_detail {

/// Nodes and weighted edges of one level. Nodes of the first level are cells; later ones stand for sets of cells.
/// Edges from a node to itself are passed over: their weight lives in the node's strength.
struct Level {
    std::int64_t n_nodes = 0;
    std::span<const std::int64_t> begin;   // n_nodes + 1, into target and weight
    std::span<const std::uint32_t> target;
    std::span<const float> weight;
    std::vector<double> strength;          // weight of all edges of a node, inner ones included
    double total = 0.0;                    // sum of strengths, "2 m"

    // What the spans point to, except at the first level.
    std::vector<std::int64_t> own_begin;
    std::vector<std::uint32_t> own_target;
    std::vector<float> own_weight;

    Level() = default;
    Level(Level&&) noexcept = default;  // moved vectors keep their elements in place, so the spans hold
    Level& operator=(Level&&) noexcept = default;
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

    std::int64_t degree(std::uint32_t node) const { return begin[std::size_t{node} + 1] - begin[node]; }
};

/// The first level over a symmetric graph, which must outlive it.
Level first_level(matrix::CsrView graph, Context& context);

/// The graph with its cells in an order that puts neighbours close together (breadth first), since most of the time goes into looking up neighbours.
struct NearbyCells {
    matrix::Csr graph;
    std::vector<std::uint32_t> cell_of_node;
};
NearbyCells put_neighbors_together(matrix::CsrView graph, Context& context);

/// What decides the random choices of one pass.
struct PassKey {
    std::uint64_t seed = 0;
    std::uint32_t pass = 0;  // counts passes over all levels and rounds

    PassKey next() { return {seed, ++pass}; }  // the key moves on, too
};

/// Moves nodes to the neighbouring cluster (or an empty one) that raises modularity most, until none can gain.
/// cluster: n_nodes labels below n_nodes, changed in place. Returns how many moves were made.
///
/// Nodes wait in a queue that starts in a seeded order. The best moves of one batch of the queue are found in parallel against the same state and then made
/// one by one; a move whose grounds were changed by an earlier one of the batch is found again first. So the answer does not depend on threads.
std::int64_t move_nodes(const Level& level, double resolution, PassKey key, std::span<std::uint32_t> cluster, Context& context);

/// Splits each cluster into well-connected parts (Traag 2019, refinement; the best merge is taken, as leidenalg does, not a random one).
/// Returns labels, numbered by the first node of each part.
struct Refinement {
    std::vector<std::uint32_t> part;  // n_nodes
    std::int64_t n_parts = 0;
};
Refinement refine(const Level& level, double resolution, PassKey key, std::span<const std::uint32_t> cluster, Context& context);

/// The graph whose nodes are the parts.
Level aggregate(const Level& level, const Refinement& refinement, Context& context);

/// Nodes grouped by label: members of label l stand at [begin[l], begin[l + 1]) in ascending order.
struct Groups {
    std::vector<std::int64_t> begin;
    std::vector<std::uint32_t> members;

    std::int64_t count() const { return static_cast<std::int64_t>(begin.size()) - 1; }
    std::span<const std::uint32_t> of(std::int64_t label) const {
        const auto l = static_cast<std::size_t>(label);
        return std::span(members).subspan(static_cast<std::size_t>(begin[l]), static_cast<std::size_t>(begin[l + 1] - begin[l]));
    }
};
Groups group_by(std::span<const std::uint32_t> label, std::int64_t n_labels);

/// Splits clusters whose cells hang together by no edge. Returns labels numbered by first node; this never lowers modularity.
Refinement connected_parts(const Level& level, std::span<const std::uint32_t> cluster);

}  // namespace morula::analysis::leiden_detail
