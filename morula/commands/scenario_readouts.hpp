// [[readout]] of a scenario: what an organ is asked for.
#pragma once

#include <vector>

#include "morula/commands/scenario_section.hpp"
#include "morula/simulation/readouts.hpp"

namespace morula::commands::scenario_detail {

/// All [[readout]] below `top`. Throws invalid_data, with file and line, for an unknown kind, substance, type or key (with those there are or the nearest), two of one name, and what
/// simulation::find_fault refuses.
std::vector<simulation::Readout> read_readouts(Section& top, const simulation::Model& model);

}  // namespace morula::commands::scenario_detail
