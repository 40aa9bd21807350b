// Every command, in the order in which help lists them. Adapters (command line, server, Python) loop over this and know no command by name.
#pragma once

#include <vector>

#include "morula/commands/command.hpp"

namespace morula::pipeline {

const std::vector<commands::Command>& all_commands();

}  // namespace morula::pipeline
