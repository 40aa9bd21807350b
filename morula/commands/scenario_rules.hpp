// The rules of a scenario: their file, and [[rule_source]], which says where its numbers come from.
#pragma once

#include <cstdint>

#include "morula/commands/scenario_section.hpp"
#include "morula/simulation/model.hpp"

namespace morula::commands::scenario_detail {

/// Reads the file that the key `rules` names into a model that has its substances, types and expression. Saturation, half-max and Hill power of every rule become rates of the scenario
/// ("rule of 'tumor': oxygen increases cycle entry, half_max"), with the source, citation and prior that a [[rule_source]] of the same cell type, signal and behaviour gives; those that none
/// speaks of are guesses without a prior, which nobody draws. Values of Reading::instead take the place of guesses that have one.
/// Returns how many numbers have no source. Throws what read_behavior_rules, Rules and read_scenario throw; a [[rule_source]] of no rule is refused, with its line and the nearest name.
std::int64_t read_rules(Section& top, simulation::Model& model, Reading& reading);

}  // namespace morula::commands::scenario_detail
