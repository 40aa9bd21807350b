// What all agents of a voxel bring in and clear: added up over agents in an order that does not depend on the threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/simulation/agents.hpp"
#include "morula/simulation/grid.hpp"
#include "morula/simulation/workspace.hpp"

namespace morula::simulation {

/// Of one substance, in grid order, as Field::set_exchange and solve_steady take them: source in concentration a min, sink in 1 / min.
struct VoxelRates {
    std::span<double> source;
    std::span<double> sink;
};

/// Rates of the agents [begin, begin + secretion.size()) for a substance: secretion in amounts (concentration um^3) a min, clearance in um^3 a min. An agent that secretes at rate S towards c* and
/// takes up at rate U from its volume V has secretion V S c*, clearance V (S + U).
using AgentRates = std::function<void(std::int32_t substance, std::int64_t begin, std::span<float> secretion, std::span<float> clearance)>;

/// One VoxelRates for each of the substances, in their order, in the workspace: they hold until it is lent again. Throws resource_limit where memory is short.
/// Agents that lie together in space should lie together in their arrays, as after NeighborLists::build: each piece of the arrays has sums of its own over the voxels between its first and its
/// last, and pieces are added in their order.
std::vector<VoxelRates> add_up_voxels(const Grid& grid, const Agents& agents, std::span<const std::int32_t> substances, const AgentRates& rates, Workspace& workspace, Context& context);

}  // namespace morula::simulation
