#include "morula/commands/command.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "morula/core/error.hpp"

namespace morula::commands {

std::string first_word(const Command& command) { return command.name.substr(0, command.name.find(' ')); }

std::string second_word(const Command& command) {
    const std::size_t blank = command.name.find(' ');
    return blank == std::string::npos ? std::string() : command.name.substr(blank + 1);
}

void require_fields(const Schema& schema, const FieldValues& values, std::string_view command) {
    for (const FieldSchema& field : schema) {
        if (!field.is_required) continue;
        const bool given = std::any_of(values.begin(), values.end(), [&](const auto& entry) { return entry.first == field.name; });
        if (!given) fail(ErrorCode::usage, fmt::format("`morula {}` needs {}: {}", command, flag_of(field), field.help), fmt::format("Run `morula {} --help` for examples.", command));
    }
}

}  // namespace morula::commands
