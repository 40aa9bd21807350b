// Help texts from the registry; examples come first.
#pragma once

#include <string>
#include <vector>

#include "morula/commands/command.hpp"

namespace morula::cli {

std::string program_help(const std::vector<commands::Command>& commands);
/// The commands whose name begins with the word `first`.
std::string group_help(const std::string& first, const std::vector<commands::Command>& commands);
std::string command_help(const commands::Command& command);

/// Options that every command takes: they change how it runs, never what it answers.
const Schema& shared_options();

}  // namespace morula::cli
