// In which voxels positions lie, many at once.
#pragma once

#include <cstdint>
#include <span>

#include "morula/simulation/grid.hpp"

namespace morula::simulation::voxel_places {

/// out[k] = nearest_place(grid, {x[k], y[k], z[k]}): the same on each target. All of one length.
void find(const Grid& grid, std::span<const double> x, std::span<const double> y, std::span<const double> z, std::span<std::int64_t> out);

}  // namespace morula::simulation::voxel_places
