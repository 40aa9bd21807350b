// Cells of a scenario that stand as in a model tissue: [[cells]] with a template.
#pragma once

#include "morula/commands/scenario_cells.hpp"

namespace morula::commands::scenario_detail {

/// Adds the cells of a template: spheroid, crypt-ring, liver-lobule, islet, vessel, alveolus or skin, with the sizes of simulation/layouts.hpp by their names. spheroid_radius_um alone stands
/// for template "spheroid". Parts without a type stay empty; neighbours stand 95 % of the diameter of the largest cell apart unless spacing_um says otherwise.
/// Types of mixed parts are drawn with the scenario's seed, so that all seeds of a run start from one tissue.
void fill_template(Section& section, const simulation::Model& model, simulation::Agents& start, Context& context);

}  // namespace morula::commands::scenario_detail
