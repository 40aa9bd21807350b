// Commands about the program itself: doctor, version, completion.
#pragma once

#include <vector>

#include "morula/commands/command.hpp"

namespace morula::pipeline {

commands::Command doctor_command();
commands::Command version_command();
commands::Command completion_command();

}  // namespace morula::pipeline
