// What all agents of a voxel bring in and clear: added up over agents in an order that does not depend on the threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/simulation/agents.hpp"
#include "morula/simulation/grid.hpp"

namespace morula::simulation {

/// Of one substance, in grid order, as Field::set_exchange and solve_steady take them: source in concentration a min, sink in 1 / min.
struct VoxelRates {
    std::vector<double> source;
    std::vector<double> sink;
};

/// Rates of the agents [begin, begin + secretion.size()) for a substance: secretion in amounts (concentration um^3) a min, clearance in um^3 a min. An agent that secretes at rate S towards c* and
/// takes up at rate U from its volume V has secretion V S c*, clearance V (S + U).
using AgentRates = std::function<void(std::int32_t substance, std::int64_t begin, std::span<float> secretion, std::span<float> clearance)>;

/// Keeps its memory from call to call. Agents that lie together in space should lie together in their arrays, as after NeighborLists::build: each piece of the arrays has sums of its own over
/// the voxels between its first and its last, and pieces are added in their order.
class VoxelSums {
public:
    /// One VoxelRates for each of the substances, in their order; they hold until the next call. Throws resource_limit where memory is short.
    const std::vector<VoxelRates>& add_up(const Grid& grid, const Agents& agents, std::span<const std::int32_t> substances, const AgentRates& rates, Context& context);
    std::int64_t bytes() const;

private:
    /// Sums of a piece over the voxels [first, first + n): source and sink of each substance one behind the other.
    struct Piece {
        std::int64_t first = 0;
        std::int64_t n = 0;
        std::vector<double> sums;
    };
    void merge(const Grid& grid, Context& context);

    std::vector<Piece> pieces_;
    std::vector<VoxelRates> rates_;
};

}  // namespace morula::simulation
