// Voxels of a scenario that hold a concentration, as vessels do: [[vessel]].
#pragma once

#include "morula/commands/scenario_section.hpp"
#include "morula/simulation/simulation.hpp"

namespace morula::commands::scenario_detail {

/// Fixes the substance in all voxels whose centre lies within radius_um of a line (from_um, to_um) or of a ring about the z axis (center_um, ring_radius_um), and in those that the line or the
/// ring itself passes through. Along a line the concentration may change evenly to to_concentration. Where vessels meet, the later one holds.
/// Throws invalid_data for a vessel that lies outside of the domain, with the line.
void read_vessel(Section& section, simulation::Model& model);

}  // namespace morula::commands::scenario_detail
