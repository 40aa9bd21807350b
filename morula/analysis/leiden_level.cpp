#include "morula/analysis/leiden_level.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "morula/analysis/leiden_weights.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/random.hpp"

namespace morula::analysis::leiden_detail {
namespace {

constexpr std::int64_t kBlockNodes = 1024;
constexpr std::uint32_t kNoLabel = std::numeric_limits<std::uint32_t>::max();

double sum_in_order(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0); }

/// Labels renumbered by first node.
Refinement number_by_first_node(std::span<const std::uint32_t> label) {
    std::vector<std::uint32_t> number(label.size(), kNoLabel);
    Refinement numbered{.part = std::vector<std::uint32_t>(label.size()), .n_parts = 0};
    for (std::size_t node = 0; node < label.size(); ++node) {
        std::uint32_t& n = number[label[node]];
        if (n == kNoLabel) n = static_cast<std::uint32_t>(numbered.n_parts++);
        numbered.part[node] = n;
    }
    return numbered;
}

/// Merges the nodes of one cluster, which start alone, into well-connected parts. A part is named by one of its nodes,
/// so that clusters write to separate places of the shared arrays.
class ClusterRefiner {
public:
    ClusterRefiner(const Level& level, double resolution, std::span<const std::uint32_t> cluster, std::span<std::uint32_t> part, std::span<double> part_strength,
                   std::span<double> weight_out, std::span<std::uint8_t> alone)
        : level_(level), scale_(level.total > 0.0 ? resolution / level.total : 0.0), cluster_(cluster), part_(part), part_strength_(part_strength),
          weight_out_(weight_out), alone_(alone) {}

    void run(std::span<const std::uint32_t> members, PassKey key) {
        strength_ = 0.0;
        for (const std::uint32_t node : members) strength_ += level_.strength[node];
        for (const std::uint32_t node : members) {
            part_[node] = node;
            part_strength_[node] = level_.strength[node];
            weight_out_[node] = weight_within_cluster(node);
            alone_[node] = 1;
        }
        if (members.size() == 1) return;
        order_.assign(members.begin(), members.end());
        Random random(key.seed, Purpose::leiden_refine, members.front(), key.pass);
        for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random.below(i)]);
        for (const std::uint32_t node : order_) {
            if (alone_[node] != 0 && well_connected(node)) merge(node);
        }
    }

private:
    double weight_within_cluster(std::uint32_t node) const {
        double sum = 0.0;
        for (auto e = level_.begin[node]; e < level_.begin[std::size_t{node} + 1]; ++e) {
            const std::uint32_t other = level_.target[static_cast<std::size_t>(e)];
            if (other != node && cluster_[other] == cluster_[node]) sum += static_cast<double>(level_.weight[static_cast<std::size_t>(e)]);
        }
        return sum;
    }

    /// Is the part tied to the rest of its cluster at least as strongly as chance would have it?
    bool well_connected(std::uint32_t part) const { return weight_out_[part] >= scale_ * part_strength_[part] * (strength_ - part_strength_[part]); }

    void merge(std::uint32_t node) {
        weights_.start(level_.degree(node));
        for (auto e = level_.begin[node]; e < level_.begin[std::size_t{node} + 1]; ++e) {
            const std::uint32_t other = level_.target[static_cast<std::size_t>(e)];
            if (other != node && cluster_[other] == cluster_[node]) weights_.add(part_[other], static_cast<double>(level_.weight[static_cast<std::size_t>(e)]));
        }
        std::uint32_t best = node;
        double most = 0.0;
        for (const std::uint32_t part : weights_.touched()) {
            const double gain = weights_.of(part) - scale_ * level_.strength[node] * part_strength_[part];
            const bool better = gain > most || (gain == most && best != node && part < best);
            if (better && well_connected(part)) {
                most = gain;
                best = part;
            }
        }
        if (best == node) return;
        weight_out_[best] += weight_out_[node] - 2.0 * weights_.of(best);
        part_strength_[best] += level_.strength[node];
        part_[node] = best;
        alone_[node] = 0;
        alone_[best] = 0;
    }

    const Level& level_;
    double scale_;
    std::span<const std::uint32_t> cluster_;
    std::span<std::uint32_t> part_;
    std::span<double> part_strength_;
    std::span<double> weight_out_;  // of a part, to the rest of its cluster
    std::span<std::uint8_t> alone_;
    double strength_ = 0.0;         // of the cluster
    std::vector<std::uint32_t> order_;
    ClusterWeights weights_;
};

struct EdgeParts {
    std::vector<std::int64_t> degree;
    std::vector<std::uint32_t> target;
    std::vector<float> weight;
};

/// Edges of one part. Targets and their weights come in the order of members and their edges.
void collect_edges(const Level& level, std::span<const std::uint32_t> part, std::int64_t n_parts, std::span<const std::uint32_t> members, ClusterWeights& weights,
                   EdgeParts& out) {
    std::int64_t most = 0;
    for (const std::uint32_t node : members) most += level.degree(node);
    weights.start(std::min(most, n_parts));
    const std::uint32_t own = part[members.front()];
    for (const std::uint32_t node : members) {
        for (auto e = level.begin[node]; e < level.begin[std::size_t{node} + 1]; ++e) {
            const std::uint32_t other = part[level.target[static_cast<std::size_t>(e)]];
            if (other != own) weights.add(other, static_cast<double>(level.weight[static_cast<std::size_t>(e)]));
        }
    }
    const auto targets = weights.touched();
    for (const std::uint32_t target : targets) {
        out.target.push_back(target);
        out.weight.push_back(static_cast<float>(weights.of(target)));
    }
    out.degree.push_back(static_cast<std::int64_t>(targets.size()));
}

}  // namespace

Level first_level(matrix::CsrView graph, Context& context) {
    Level level;
    level.n_nodes = graph.n_rows;
    level.begin = graph.indptr;
    level.target = graph.indices;
    level.weight = graph.values;
    level.strength.resize(static_cast<std::size_t>(graph.n_rows));
    parallel_blocks(context, graph.n_rows, kBlockNodes, [&](Block block) {
        for (std::int64_t node = block.begin; node < block.end; ++node) {
            const auto others = graph.row_indices(node);
            const auto weights = graph.row_values(node);
            double sum = 0.0;
            for (std::size_t e = 0; e < others.size(); ++e) {
                if (std::int64_t{others[e]} != node) sum += static_cast<double>(weights[e]);
            }
            level.strength[static_cast<std::size_t>(node)] = sum;
        }
    });
    level.total = sum_in_order(level.strength);
    return level;
}

NearbyCells put_neighbors_together(matrix::CsrView graph, Context& context) {
    const auto n = static_cast<std::size_t>(graph.n_rows);
    NearbyCells out{.graph = {}, .cell_of_node = {}};
    std::vector<std::uint32_t> node_of_cell(n, kNoLabel);
    out.cell_of_node.reserve(n);
    const auto visit = [&](std::uint32_t cell) {
        if (node_of_cell[cell] != kNoLabel) return;
        node_of_cell[cell] = static_cast<std::uint32_t>(out.cell_of_node.size());
        out.cell_of_node.push_back(cell);
    };
    std::size_t next = 0;
    for (std::size_t first = 0; first < n; ++first) {
        visit(static_cast<std::uint32_t>(first));
        for (; next < out.cell_of_node.size(); ++next) {
            for (const std::uint32_t other : graph.row_indices(std::int64_t{out.cell_of_node[next]})) visit(other);
        }
    }
    matrix::Csr& to = out.graph;
    to.n_rows = to.n_cols = graph.n_rows;
    to.indptr.resize(n + 1);
    for (std::size_t node = 0; node < n; ++node) to.indptr[node + 1] = to.indptr[node] + static_cast<std::int64_t>(graph.row_indices(std::int64_t{out.cell_of_node[node]}).size());
    to.indices.resize(static_cast<std::size_t>(graph.nnz()));
    to.values.resize(static_cast<std::size_t>(graph.nnz()));
    parallel_blocks(context, graph.n_rows, kBlockNodes, [&](Block block) {
        for (std::int64_t node = block.begin; node < block.end; ++node) {
            const auto cell = std::int64_t{out.cell_of_node[static_cast<std::size_t>(node)]};
            const auto others = graph.row_indices(cell);
            const auto at = to.indptr[static_cast<std::size_t>(node)];
            for (std::size_t e = 0; e < others.size(); ++e) to.indices[static_cast<std::size_t>(at) + e] = node_of_cell[others[e]];
            std::ranges::copy(graph.row_values(cell), to.values.begin() + at);
        }
    });
    return out;
}

Groups group_by(std::span<const std::uint32_t> label, std::int64_t n_labels) {
    Groups groups{.begin = std::vector<std::int64_t>(static_cast<std::size_t>(n_labels) + 1, 0), .members = std::vector<std::uint32_t>(label.size())};
    for (const std::uint32_t l : label) ++groups.begin[std::size_t{l} + 1];
    std::partial_sum(groups.begin.begin(), groups.begin.end(), groups.begin.begin());
    auto next = groups.begin;
    for (std::size_t node = 0; node < label.size(); ++node) groups.members[static_cast<std::size_t>(next[label[node]]++)] = static_cast<std::uint32_t>(node);
    return groups;
}

Refinement refine(const Level& level, double resolution, PassKey key, std::span<const std::uint32_t> cluster, Context& context) {
    const auto n = static_cast<std::size_t>(level.n_nodes);
    const Groups groups = group_by(cluster, level.n_nodes);
    std::vector<std::uint32_t> part(n);
    std::vector<double> part_strength(n);
    std::vector<double> weight_out(n);
    std::vector<std::uint8_t> alone(n);
    // The largest clusters first, so that the last thread is not left with one of them; the order does not touch the answer.
    std::vector<std::uint32_t> order;
    for (std::int64_t label = 0; label < groups.count(); ++label) {
        if (!groups.of(label).empty()) order.push_back(static_cast<std::uint32_t>(label));
    }
    std::ranges::stable_sort(order, std::greater<>{}, [&](std::uint32_t label) { return groups.of(label).size(); });
    const auto block_size = std::max<std::int64_t>(1, static_cast<std::int64_t>(order.size()) / 256);
    parallel_blocks(context, static_cast<std::int64_t>(order.size()), block_size, [&](Block block) {
        ClusterRefiner refiner(level, resolution, cluster, part, part_strength, weight_out, alone);
        for (std::int64_t i = block.begin; i < block.end; ++i) refiner.run(groups.of(order[static_cast<std::size_t>(i)]), key);
    });
    return number_by_first_node(part);
}

Level aggregate(const Level& level, const Refinement& refinement, Context& context) {
    const Groups groups = group_by(refinement.part, refinement.n_parts);
    const std::int64_t n = refinement.n_parts;
    const std::int64_t block_size = std::max<std::int64_t>(1, std::min<std::int64_t>(kBlockNodes, n / 64));
    std::vector<EdgeParts> edges(static_cast<std::size_t>(n == 0 ? 0 : (n - 1) / block_size + 1));
    Level coarse;
    coarse.n_nodes = n;
    coarse.strength.resize(static_cast<std::size_t>(n));
    parallel_blocks(context, n, block_size, [&](Block block) {
        ClusterWeights weights;
        for (std::int64_t p = block.begin; p < block.end; ++p) {
            collect_edges(level, refinement.part, n, groups.of(p), weights, edges[static_cast<std::size_t>(block.index)]);
            double strength = 0.0;
            for (const std::uint32_t node : groups.of(p)) strength += level.strength[node];
            coarse.strength[static_cast<std::size_t>(p)] = strength;
        }
    });
    coarse.own_begin.push_back(0);
    for (const EdgeParts& each : edges) {
        for (const std::int64_t degree : each.degree) coarse.own_begin.push_back(coarse.own_begin.back() + degree);
        coarse.own_target.insert(coarse.own_target.end(), each.target.begin(), each.target.end());
        coarse.own_weight.insert(coarse.own_weight.end(), each.weight.begin(), each.weight.end());
    }
    coarse.begin = coarse.own_begin;
    coarse.target = coarse.own_target;
    coarse.weight = coarse.own_weight;
    coarse.total = level.total;
    return coarse;
}

Refinement connected_parts(const Level& level, std::span<const std::uint32_t> cluster) {
    Refinement parts{.part = std::vector<std::uint32_t>(cluster.size(), kNoLabel), .n_parts = 0};
    std::vector<std::uint32_t> stack;
    for (std::size_t first = 0; first < cluster.size(); ++first) {
        if (parts.part[first] != kNoLabel) continue;
        const auto label = static_cast<std::uint32_t>(parts.n_parts++);
        parts.part[first] = label;
        stack.push_back(static_cast<std::uint32_t>(first));
        while (!stack.empty()) {
            const std::uint32_t node = stack.back();
            stack.pop_back();
            for (auto e = level.begin[node]; e < level.begin[std::size_t{node} + 1]; ++e) {
                const auto at = static_cast<std::size_t>(e);
                const std::uint32_t other = level.target[at];
                if (level.weight[at] <= 0.0F || cluster[other] != cluster[node] || parts.part[other] != kNoLabel) continue;
                parts.part[other] = label;
                stack.push_back(other);
            }
        }
    }
    return parts;
}

}  // namespace morula::analysis::leiden_detail
