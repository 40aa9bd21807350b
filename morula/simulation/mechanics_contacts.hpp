// Who touches whom, from neighbour lists.
#pragma once

#include <cstdint>
#include <span>

#include "morula/simulation/neighbor_lists.hpp"

namespace morula::simulation {

/// What is read of an agent and its neighbours: a quarter of a cache line.
struct alignas(16) ContactRecord {
    float x, y, z;
    float reach;  // of adhesion
};

/// Agents touch where they are nearer than the reaches of their adhesion together, so that they may push or hold each other; as for PhysiCell's signals "contact with".
/// A view of lists and records that hold (see Mechanics::contacts).
class Contacts {
public:
    /// Nobody touches.
    Contacts() = default;
    Contacts(const NeighborLists& lists, std::span<const ContactRecord> records) : lists_(&lists), records_(records) {}

    /// body(j) for every agent that touches agent i, in the order of i's list: which is the same for any number of threads, and after a restart.
    template <class Body>
    void of(std::size_t i, const Body& body) const {
        if (lists_ == nullptr) return;
        const auto place = static_cast<std::int64_t>(i);
        const ListChunk& chunk = lists_->chunk(place / kListChunk);
        const auto l = static_cast<std::size_t>(place % kListChunk);
        const ContactRecord& self = records_[i];
        for (std::size_t k = std::size_t{chunk.begin[l]} * kListGroup; k < std::size_t{chunk.begin[l + 1]} * kListGroup; ++k) {
            const std::uint32_t j = chunk.list[k];
            const ContactRecord& other = records_[j];  // nobody is too far away to touch
            const float dx = self.x - other.x, dy = self.y - other.y, dz = self.z - other.z, reaches = self.reach + other.reach;
            if (dx * dx + dy * dy + dz * dz < reaches * reaches) body(j);
        }
    }

private:
    const NeighborLists* lists_ = nullptr;
    std::span<const ContactRecord> records_;  // one more than agents: nobody
};

}  // namespace morula::simulation
