// Where the cells of a scenario start: [[cells]].
#pragma once

#include "morula/commands/scenario_section.hpp"
#include "morula/simulation/simulation.hpp"

namespace morula::commands::scenario_detail {

/// Adds the cells of one [[cells]] section, in the order of its file or layout. model: box and cell types. Throws what read_scenario says.
void read_cells(Section& section, const simulation::Model& model, simulation::Agents& start, Reading& reading);

}  // namespace morula::commands::scenario_detail
