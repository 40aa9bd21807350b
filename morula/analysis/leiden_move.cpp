// Local moves of Leiden: batches evaluated in parallel, made in order.
#include <algorithm>
#include <numeric>

#include "morula/analysis/leiden_weights.hpp"
#include "morula/analysis/leiden_level.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/random.hpp"

namespace morula::analysis::leiden_detail {
namespace {

constexpr std::int64_t kBatchesAQueue = 256;      // small batches keep two neighbours from being judged together
constexpr std::int64_t kLargestBatch = 4096;
constexpr std::int64_t kBlockNodes = 64;
constexpr double kLeastGain = 1e-10;              // of the node's strength: below it a move is rounding noise

/// First in, first out; every node at most once.
class NodeQueue {
public:
    explicit NodeQueue(std::vector<std::uint32_t> order) : ring_(std::move(order)), waits_(ring_.size(), 1), size_(ring_.size()) {}

    void push(std::uint32_t node) {
        if (waits_[node] != 0) return;
        waits_[node] = 1;
        std::size_t at = head_ + size_;
        if (at >= ring_.size()) at -= ring_.size();
        ring_[at] = node;
        ++size_;
    }
    /// Takes up to `most` nodes.
    void pop(std::size_t most, std::vector<std::uint32_t>& out) {
        out.clear();
        for (; size_ > 0 && out.size() < most; --size_) {
            const std::uint32_t node = ring_[head_];
            waits_[node] = 0;
            out.push_back(node);
            if (++head_ == ring_.size()) head_ = 0;
        }
    }

private:
    std::vector<std::uint32_t> ring_;
    std::vector<std::uint8_t> waits_;
    std::size_t head_ = 0;
    std::size_t size_ = 0;
};

std::vector<std::uint32_t> seeded_order(std::int64_t n, PassKey key) {
    std::vector<std::uint32_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0U);
    Random random(key.seed, Purpose::leiden_order, key.pass, 0);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    return order;
}

/// A node's best place: its own cluster when nothing is gained.
struct Move {
    std::uint32_t target = 0;
    double weight_to_target = 0.0;
    double weight_to_own = 0.0;
};

class Mover {
public:
    Mover(const Level& level, double resolution, PassKey key, std::span<std::uint32_t> cluster)
        : level_(level), scale_(level.total > 0.0 ? resolution / level.total : 0.0), cluster_(cluster), strength_(cluster.size(), 0.0), size_(cluster.size(), 0),
          moved_in_(cluster.size(), 0), queue_(seeded_order(level.n_nodes, key)) {
        for (std::size_t node = 0; node < cluster.size(); ++node) {
            strength_[cluster[node]] += level.strength[node];
            ++size_[cluster[node]];
        }
        for (std::size_t label = cluster.size(); label > 0; --label) {
            if (size_[label - 1] == 0) empty_.push_back(static_cast<std::uint32_t>(label - 1));
        }
    }

    std::int64_t run(Context& context) {
        const auto batch_size = static_cast<std::size_t>(std::clamp<std::int64_t>(level_.n_nodes / kBatchesAQueue, 1, kLargestBatch));
        std::vector<std::uint32_t> batch;
        std::vector<Move> moves(batch_size);
        for (queue_.pop(batch_size, batch); !batch.empty(); queue_.pop(batch_size, batch)) {
            if (batch_++ % 64 == 0) context.check_cancelled();
            find_moves(batch, moves, context);
            moved_any_ = false;
            for (std::size_t i = 0; i < batch.size(); ++i) make_move(batch[i], moves[i]);
        }
        return n_moves_;
    }

private:
    std::uint32_t an_empty_cluster() const { return empty_.back(); }

    double gain(std::uint32_t node, double weight_to, double strength_of_cluster) const { return weight_to - scale_ * level_.strength[node] * strength_of_cluster; }
    double gain_of_staying(std::uint32_t node, double weight_to_own) const { return gain(node, weight_to_own, strength_[cluster_[node]] - level_.strength[node]); }
    double least_gain(std::uint32_t node) const { return kLeastGain * level_.strength[node]; }

    Move best_move(std::uint32_t node, ClusterWeights& weights) const {
        const auto begin = level_.begin[node];
        const auto end = level_.begin[std::size_t{node} + 1];
        const std::uint32_t own = cluster_[node];
        // Most nodes are surrounded by their own cluster after the first moves; they need no table.
        double inside = 0.0;
        auto e = begin;
        for (; e < end && cluster_[level_.target[static_cast<std::size_t>(e)]] == own; ++e) {
            if (level_.target[static_cast<std::size_t>(e)] != node) inside += static_cast<double>(level_.weight[static_cast<std::size_t>(e)]);
        }
        const double least = least_gain(node);
        if (e == end && gain_of_staying(node, inside) + least >= 0.0) return {.target = own, .weight_to_target = 0.0, .weight_to_own = inside};
        weights.start(end - begin);
        for (; e < end; ++e) {
            const std::uint32_t other = level_.target[static_cast<std::size_t>(e)];
            const std::uint32_t label = cluster_[other];
            const auto weight = static_cast<double>(level_.weight[static_cast<std::size_t>(e)]);
            if (label != own) weights.add(label, weight);
            else if (other != node) inside += weight;
        }
        Move best{.target = own, .weight_to_target = 0.0, .weight_to_own = inside};
        double most = gain_of_staying(node, inside) + least;
        for (const std::uint32_t label : weights.touched()) {
            const double weight_to = weights.of(label);
            const double here = gain(node, weight_to, strength_[label]);
            if (here > most || (here == most && best.target != own && label < best.target)) {
                most = here;
                best.target = label;
                best.weight_to_target = weight_to;
            }
        }
        if (most < 0.0 && size_[own] > 1) best = {.target = an_empty_cluster(), .weight_to_target = 0.0, .weight_to_own = best.weight_to_own};
        return best;
    }

    /// The order is random, so the edges of a node are far from those of the last one: they are asked for while those before it are looked at.
    void ask_for_edges(std::uint32_t node) const {
        constexpr std::int64_t kLine = 16;  // edges of a cache line
        const auto begin = level_.begin[node];
        const auto end = std::min(level_.begin[std::size_t{node} + 1], begin + 2 * kLine);
        for (auto e = begin; e < end; e += kLine) {
            __builtin_prefetch(level_.target.data() + e);
            __builtin_prefetch(level_.weight.data() + e);
        }
    }

    void find_moves(std::span<const std::uint32_t> batch, std::span<Move> moves, ClusterWeights& weights) const {
        constexpr std::size_t kAhead = 8;
        for (std::size_t i = 0; i < batch.size(); ++i) {
            if (i + kAhead < batch.size()) ask_for_edges(batch[i + kAhead]);
            moves[i] = best_move(batch[i], weights);
        }
    }

    void find_moves(std::span<const std::uint32_t> batch, std::span<Move> moves, Context& context) {
        const auto n = static_cast<std::int64_t>(batch.size());
        if (n <= kBlockNodes) return find_moves(batch, moves, weights_);
        block_weights_.resize(static_cast<std::size_t>((n + kBlockNodes - 1) / kBlockNodes));
        parallel_blocks(context, n, kBlockNodes, [&](Block block) {
            const auto first = static_cast<std::size_t>(block.begin);
            const auto size = static_cast<std::size_t>(block.size());
            find_moves(batch.subspan(first, size), moves.subspan(first, size), block_weights_[static_cast<std::size_t>(block.index)]);
        });
    }

    bool a_neighbor_moved(std::uint32_t node) const {
        for (auto e = level_.begin[node]; e < level_.begin[std::size_t{node} + 1]; ++e) {
            if (moved_in_[level_.target[static_cast<std::size_t>(e)]] == batch_) return true;
        }
        return false;
    }

    void make_move(std::uint32_t node, Move move) {
        const std::uint32_t own = cluster_[node];
        if (move.target == own) return;  // a neighbour that moves later puts the node back into the queue
        if (moved_any_) {
            const bool stale = a_neighbor_moved(node) || size_[move.target] == 0 ||
                               gain(node, move.weight_to_target, strength_[move.target]) <= gain_of_staying(node, move.weight_to_own) + least_gain(node);
            if (stale) move = best_move(node, weights_);
            if (move.target == own) return;
        }
        if (size_[move.target]++ == 0) empty_.pop_back();
        if (--size_[own] == 0) empty_.push_back(own);
        strength_[own] -= level_.strength[node];
        strength_[move.target] += level_.strength[node];
        cluster_[node] = move.target;
        moved_in_[node] = batch_;
        moved_any_ = true;
        ++n_moves_;
        for (auto e = level_.begin[node]; e < level_.begin[std::size_t{node} + 1]; ++e) {
            const std::uint32_t other = level_.target[static_cast<std::size_t>(e)];
            if (cluster_[other] != move.target) queue_.push(other);
        }
    }

    const Level& level_;
    double scale_;
    std::span<std::uint32_t> cluster_;
    std::vector<double> strength_;           // of each cluster
    std::vector<std::int64_t> size_;         // nodes of each cluster
    std::vector<std::uint32_t> empty_;       // labels without nodes, last one used first
    std::vector<std::uint32_t> moved_in_;    // batch in which a node moved last
    NodeQueue queue_;
    ClusterWeights weights_;
    std::vector<ClusterWeights> block_weights_;
    std::uint32_t batch_ = 0;
    std::int64_t n_moves_ = 0;
    bool moved_any_ = false;
};

}  // namespace

std::int64_t move_nodes(const Level& level, double resolution, PassKey key, std::span<std::uint32_t> cluster, Context& context) {
    return Mover(level, resolution, key, cluster).run(context);
}

}  // namespace morula::analysis::leiden_detail
