// Keys of a scenario's [[cell_type]] that say what its cells do to those that they touch, and what types they turn into.
#pragma once

#include <cstddef>

#include "morula/commands/scenario_section.hpp"
#include "morula/simulation/model.hpp"

namespace morula::commands::scenario_detail {

/// Makes the keys known, for a look at the type before all types are read.
void expect_encounters(Section& cell_type);
/// phagocytosis_dead, phagocytosis_apoptotic, phagocytosis_necrotic, attack_duration, attack_damage, damage, damage_repair; [[cell_type.encounter]] with `with` and phagocytosis, attack, fusion, immunogenicity;
/// [[cell_type.transition]] with `to` and `rate`; [[cell_type.division]] with `to` and `share`. type: number in the model, whose types must all be there.
void read_encounters(Section& cell_type, simulation::Model& model, std::size_t type);

}  // namespace morula::commands::scenario_detail
