// What of a scenario a run would leave without effect.
#pragma once

#include "morula/commands/scenario.hpp"
#include "morula/core/context.hpp"

namespace morula::commands {

/// Warns of a time to stop at that is no whole number of steps, or no step at all; of perturbations and doses that come after it; and of cell types that nobody is or becomes.
/// asked_min: the minute to stop at as it was given; until_min: what last_minute made of it.
void warn_of_idle(const Scenario& scenario, double asked_min, double until_min, Context& context);

}  // namespace morula::commands
