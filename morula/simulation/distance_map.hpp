// How far each voxel lies from the nearest marked one.
#pragma once

#include <cstdint>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/simulation/grid.hpp"

namespace morula::simulation {

/// Exact distance in um between the centres of each voxel and its nearest marked one; infinite where nothing is marked. marked: grid order (Grid::place), not 0 where marked; entries
/// that belong to no voxel do not count and get 0. Lower envelopes of parabolas, one axis after the other (Felzenszwalb & Huttenlocher 2012, doi 10.4086/toc.2012.v008a019).
/// Cost linear in the voxels; memory 8 bytes a voxel.
std::vector<double> distance_map(const Grid& grid, const std::vector<std::uint8_t>& marked, Context& context);

}  // namespace morula::simulation
