// What comes into a scenario's domain at a rate of its own: [[source]].
#pragma once

#include "morula/commands/scenario_section.hpp"
#include "morula/simulation/model.hpp"

namespace morula::commands::scenario_detail {

/// Brings a substance in at `rate` (its unit a min), in the voxels whose centre lies in a region (from_um and to_um, or center_um and radius_um), or everywhere. Reads after the vessels.
/// Throws invalid_data, with the line, for a region without a voxel, and for one whose voxels all hold a fixed concentration.
void read_source(Section& section, simulation::Model& model);

}  // namespace morula::commands::scenario_detail
