// Cells of a scenario that stand where cells were measured: [[cells]] with a file.
#pragma once

#include "morula/commands/scenario_cells.hpp"

namespace morula::commands::scenario_detail {

/// Adds the cells of a file (see scenario_measured.hpp) that lies beside the scenario. Their types are those of type_column by name, or by the table `types` (label = cell type; "" leaves the
/// label out), or drawn from `type` for all. Positions are multiplied by um_per_unit, cut to window_um = [x0, y0, x1, y1], and moved so that the middle of what they span is center_um.
/// Spots get cells_per_spot cells, at even random places within spot_um, and the run says so. depth_um makes a block of the section (simulation/solid_section.hpp).
/// Where the tissue is flat all cells stand at its middle height. Returns where each cell stands in the file ("cells.csv, line 3"); nothing where the cells of a block have no line of their own.
std::vector<std::string> place_measured(Section& section, const simulation::Model& model, simulation::Agents& start, Reading& reading);

}  // namespace morula::commands::scenario_detail
