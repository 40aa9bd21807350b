// Commands of the store: init, ingest, info, export, verify, vacuum, generate, generate cohort.
#pragma once

#include <vector>

#include "morula/commands/command.hpp"

namespace morula::commands {

Command init_command();
Command ingest_command();
Command info_command();
Command export_command();
Command verify_command();
Command vacuum_command();
Command generate_command();
Command generate_cohort_command();

std::vector<Command> store_commands();

}  // namespace morula::commands
