// Sums of edge weight by cluster around one node: a small hash table that is emptied in constant time.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace morula::analysis::leiden_detail {

class ClusterWeights {
public:
    /// Empties the table and makes room for that many different clusters.
    void start(std::int64_t max_clusters) {
        const std::size_t slots = std::bit_ceil(static_cast<std::size_t>(2 * max_clusters + 2));
        if (slots > slots_.size()) {
            slots_.assign(slots, Slot{});
            stamp_ = 0;
        }
        // A small node uses only the first slots, which stay in the nearest cache.
        mask_ = slots - 1;
        ++stamp_;
        touched_.clear();
    }

    void add(std::uint32_t cluster, double weight) {
        Slot& slot = find(cluster);
        if (slot.stamp != stamp_) {
            slot = {stamp_, cluster, weight};
            touched_.push_back(cluster);
        } else {
            slot.weight += weight;
        }
    }

    double of(std::uint32_t cluster) {
        const Slot& slot = find(cluster);
        return slot.stamp == stamp_ ? slot.weight : 0.0;
    }

    /// Clusters in the order of their first edge.
    std::span<const std::uint32_t> touched() const { return touched_; }

private:
    struct Slot {
        std::uint32_t stamp = 0;
        std::uint32_t cluster = 0;
        double weight = 0.0;
    };

    Slot& find(std::uint32_t cluster) {
        std::size_t at = (std::size_t{cluster} * 0x9E3779B1U >> 7) & mask_;
        while (slots_[at].stamp == stamp_ && slots_[at].cluster != cluster) at = (at + 1) & mask_;
        return slots_[at];
    }

    std::vector<Slot> slots_;
    std::vector<std::uint32_t> touched_;
    std::size_t mask_ = 0;
    std::uint32_t stamp_ = 0;
};

}  // namespace morula::analysis::leiden_detail
