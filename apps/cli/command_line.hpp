// Reads the command line into a command, its option values, and how to run it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "morula/commands/command.hpp"

namespace morula::cli {

enum class Ask { run, program_help, group_help, command_help, version };
enum class ProgressStyle { terminal, json, none };

struct CommandLine {
    Ask ask = Ask::program_help;
    const commands::Command* command = nullptr;
    std::string group;  // first word that several commands share, for group_help
    FieldValues values;
    std::int32_t threads = 0;
    std::int64_t memory_bytes = 0;
    bool json = false;
    ProgressStyle progress = ProgressStyle::terminal;
    std::string log;  // path of the file that keeps what is told; empty: none
};

/// arguments: without the program's name. Throws usage with the nearest command or option.
CommandLine parse_command_line(const std::vector<std::string>& arguments, const std::vector<commands::Command>& commands);

}  // namespace morula::cli
