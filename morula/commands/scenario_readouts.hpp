// [[readout]] of a scenario: what an organ is asked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "morula/commands/scenario_section.hpp"
#include "morula/simulation/readouts.hpp"

namespace morula::commands::scenario_detail {

/// A part of the domain by the keys from_um and to_um, or center_um and radius_um, each after `side`; none where none of them is there.
std::optional<simulation::Region> read_region(Section& section, const std::string& side);

/// All [[readout]] below `top`. Throws invalid_data, with file and line, for an unknown kind, substance, type or key (with those there are or the nearest), two of one name, and what
/// simulation::find_fault refuses.
std::vector<simulation::Readout> read_readouts(Section& top, const simulation::Model& model);

}  // namespace morula::commands::scenario_detail
