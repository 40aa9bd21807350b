// The cells of a simulation as a data set, named as in AnnData.
#pragma once

#include "morula/commands/scenario.hpp"
#include "morula/data/dataset.hpp"
#include "morula/simulation/simulation.hpp"

namespace morula::commands {

/// Cells in the order of their ids, so that snapshots of one state are the same file. obs: cell_type, state (phase of its life), parent ("" for cells of the start), minutes_in_state,
/// radius_um, volume_um3, pressure, and the concentration of each substance where the cell is; obsm spatial: x, y, z in um; uns morula_simulation: minute, seed, title and hash of
/// the scenario. What add_state_slots adds; without expression states there are no genes.
data::Dataset snapshot(const simulation::Simulation& simulation, const Scenario& scenario);

}  // namespace morula::commands
