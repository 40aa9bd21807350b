// The verbs `scenario check` and `scenario new`.
#pragma once

#include <vector>

#include "morula/commands/command.hpp"

namespace morula::commands {

std::vector<Command> scenario_commands();

}  // namespace morula::commands
