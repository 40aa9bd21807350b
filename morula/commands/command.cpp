#include "morula/commands/command.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "morula/core/error.hpp"

namespace morula::commands {

void require_fields(const Schema& schema, const FieldValues& values, std::string_view command) {
    for (const FieldSchema& field : schema) {
        if (!field.is_required) continue;
        const bool given = std::any_of(values.begin(), values.end(), [&](const auto& entry) { return entry.first == field.name; });
        if (!given) fail(ErrorCode::usage, fmt::format("`morula {}` needs {}: {}", command, flag_of(field), field.help), fmt::format("Run `morula {} --help` for examples.", command));
    }
}

}  // namespace morula::commands
