// Commands that compare: cells with a reference, conditions with one another, tumour cells with normal ones, an integration with its batches.
#pragma once

#include <vector>

#include "morula/commands/command.hpp"

namespace morula::commands {

Command knowledge_add_command();
Command de_command();
Command abundance_command();
Command integrate_command();
Command cnv_command();
Command evaluate_integration_command();
Command communicate_command();
Command programmes_command();
Command ambient_command();

std::vector<Command> comparison_commands();

}  // namespace morula::commands
