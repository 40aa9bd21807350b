// The command of the tissue simulator.
#pragma once

#include "morula/commands/command.hpp"

namespace morula::commands {

Command simulate_command();

}  // namespace morula::commands
