// Where the cells of a scenario start: [[cells]], from a template or from measured positions.
#pragma once

#include <cstdint>
#include <vector>

#include "morula/commands/scenario_section.hpp"
#include "morula/simulation/simulation.hpp"

namespace morula::commands::scenario_detail {

/// Cell types with the sums of their shares up to and with each: the last is 1.
struct TypeShare {
    std::uint16_t type = 0;
    double up_to = 1.0;
};
using TypeMix = std::vector<TypeShare>;
/// A key that names one cell type, or several with their shares. Refused where there is no such type.
TypeMix type_mix(Section& section, std::string_view key, const simulation::Model& model);
/// The type that a draw from [0, 1) falls on.
std::uint16_t drawn_type(const TypeMix& mix, double draw);

/// Adds the cells of one [[cells]] section, in the order of its file or layout. model: box and cell types. Throws what read_scenario says.
void read_cells(Section& section, const simulation::Model& model, simulation::Agents& start, Reading& reading);

}  // namespace morula::commands::scenario_detail
