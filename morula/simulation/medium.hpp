// Which voxels are medium: those from which a way leads to a wall of the box without passing a cell.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/simulation/grid.hpp"

namespace morula::simulation {

/// occupied: grid places of voxels with cells, ascending (VoxelBins::place). Returns grid places, ascending: voxels without cells that touch a wall (of a flat tissue one of its four sides), or
/// such a voxel by a face. Voids inside the tissue are no medium. Memory: 9 bytes a voxel.
std::vector<std::int64_t> medium_voxels(const Grid& grid, std::span<const std::int64_t> occupied, Context& context);

}  // namespace morula::simulation
