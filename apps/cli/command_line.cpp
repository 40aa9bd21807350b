#include "command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "help.hpp"
#include "morula/core/error.hpp"

namespace morula::cli {
namespace {

/// What was typed for one field: texts, not yet values.
struct Typed {
    std::vector<std::string> texts;
    CLI::Option* option = nullptr;
};

bool is_list(const FieldSchema& field) { return field.type == FieldType::text_list; }

void add_fields(CLI::App& app, const Schema& schema, std::map<std::string, Typed>& typed) {
    for (const FieldSchema& field : schema) {
        Typed& slot = typed[field.name];
        if (field.is_positional) {
            slot.option = app.add_option(field.name, slot.texts)->expected(0, is_list(field) ? 100000 : 1);
        } else if (field.type == FieldType::boolean) {
            slot.option = app.add_flag(flag_of(field), [&slot](std::int64_t n) { slot.texts.assign(1, n > 0 ? "true" : "false"); });
        } else {
            // Exactly one word each time: an option that took more would swallow the input behind it, and --out would name that input.
            slot.option = app.add_option(flag_of(field), slot.texts)->expected(1)->allow_extra_args(false);
            slot.option->multi_option_policy(is_list(field) ? CLI::MultiOptionPolicy::TakeAll : CLI::MultiOptionPolicy::TakeLast);
        }
    }
}

FieldValue value_of(const FieldSchema& field, const std::vector<std::string>& texts) {
    if (!is_list(field)) return parse_field(field, texts.back());
    if (field.is_positional) return texts;
    std::vector<std::string> all;
    for (const std::string& text : texts) {
        const FieldValue parts = parse_field(field, text);
        for (const std::string& part : std::get<std::vector<std::string>>(parts)) all.push_back(part);
    }
    return all;
}

FieldValues values_of_typed(const Schema& schema, const std::map<std::string, Typed>& typed) {
    FieldValues values;
    for (const FieldSchema& field : schema) {
        const Typed& slot = typed.at(field.name);
        if (slot.option->count() > 0 && !slot.texts.empty()) values.emplace_back(field.name, value_of(field, slot.texts));
    }
    return values;
}

bool is_flag(const std::string& argument) { return !argument.empty() && argument[0] == '-'; }

const commands::Command* command_called(const std::string& name, const std::vector<commands::Command>& commands) {
    for (const commands::Command& command : commands) {
        if (command.name == name) return &command;
    }
    return nullptr;
}

/// Second words of the commands whose name begins with `first`.
std::vector<std::string> second_words(const std::string& first, const std::vector<commands::Command>& commands) {
    std::vector<std::string> words;
    for (const commands::Command& command : commands) {
        const std::string second = commands::second_word(command);
        if (!second.empty() && commands::first_word(command) == first) words.push_back(second);
    }
    return words;
}

[[noreturn]] void unknown_command(const std::vector<std::string>& arguments, const std::vector<commands::Command>& commands) {
    const std::string& first = arguments[0];
    std::string typed = first;
    std::vector<std::string> names, pairs;
    for (const commands::Command& command : commands) (commands::second_word(command).empty() ? names : pairs).push_back(command.name);
    std::string nearest = nearest_name(first, names);
    if (arguments.size() > 1 && !is_flag(arguments[1])) {
        const std::string pair = nearest_name(first + " " + arguments[1], pairs);
        if (!pair.empty()) {
            typed = first + " " + arguments[1];
            nearest = pair;
        }
    }
    const std::vector<std::string> seconds = second_words(first, commands);
    if (nearest.empty() && !seconds.empty()) {
        fail(ErrorCode::usage, fmt::format("`morula {}` needs a second word: {}.", first, fmt::join(seconds, ", ")), fmt::format("Write for instance `morula {} {}`.", first, seconds[0]));
    }
    fail(ErrorCode::usage, fmt::format("There is no command '{}'.", typed), nearest.empty() ? "Run `morula --help` for the list." : fmt::format("Did you mean `morula {}`?", nearest));
}

/// The command that the first one or two arguments name, and how many they are; two win over one.
struct FoundCommand {
    const commands::Command* command;
    std::size_t n_words;
};
FoundCommand find_command(const std::vector<std::string>& arguments, const std::vector<commands::Command>& commands) {
    if (arguments.size() > 1) {
        if (const commands::Command* command = command_called(arguments[0] + " " + arguments[1], commands)) return {command, 2};
    }
    if (const commands::Command* command = command_called(arguments[0], commands)) return {command, 1};
    unknown_command(arguments, commands);
}

[[noreturn]] void unknown_argument(const std::string& argument, const commands::Command& command, const std::vector<commands::Command>& commands) {
    if (!is_flag(argument)) {
        const std::string second = nearest_name(argument, second_words(command.name, commands));
        if (!second.empty()) fail(ErrorCode::usage, fmt::format("`morula {}` does not know '{}'.", command.name, argument), fmt::format("Did you mean `morula {} {}`?", command.name, second));
    }
    std::vector<std::string> flags{"--help"};
    for (const FieldSchema& field : command.options) {
        if (!field.is_positional) flags.push_back(flag_of(field));
    }
    for (const FieldSchema& field : shared_options()) flags.push_back(flag_of(field));
    const std::string nearest = nearest_name(argument.substr(0, argument.find('=')), flags);
    fail(ErrorCode::usage, fmt::format("`morula {}` does not know '{}'.", command.name, argument),
         nearest.empty() ? fmt::format("Run `morula {} --help` for its options.", command.name) : fmt::format("Did you mean {}?", nearest));
}

std::string text_of(const FieldValues& values, std::string_view name, std::string otherwise) {
    for (const auto& [key, value] : values) {
        if (key == name) return std::holds_alternative<std::string>(value) ? std::get<std::string>(value) : otherwise;
    }
    return otherwise;
}

bool flag_given(const FieldValues& values, std::string_view name) {
    return std::any_of(values.begin(), values.end(), [&](const auto& entry) { return entry.first == name && std::holds_alternative<bool>(entry.second) && std::get<bool>(entry.second); });
}

void apply_shared(const FieldValues& values, CommandLine& line) {
    for (const auto& [name, value] : values) {
        if (name == "threads") line.threads = static_cast<std::int32_t>(std::get<std::int64_t>(value));
    }
    const std::string memory = text_of(values, "memory", "");
    if (!memory.empty()) line.memory_bytes = parse_bytes(memory);
    line.json = flag_given(values, "json");
    line.log = text_of(values, "log", "");
    const std::string progress = text_of(values, "progress", "auto");
    if (progress == "json") line.progress = ProgressStyle::json;
    if (progress == "none" || flag_given(values, "quiet")) line.progress = ProgressStyle::none;
}

bool asks_for_help(const std::vector<std::string>& arguments) {
    for (const std::string& argument : arguments) {
        if (argument == "--") return false;
        if (argument == "-h" || argument == "--help") return true;
    }
    return false;
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments, const std::vector<commands::Command>& commands) {
    CommandLine line;
    std::vector<std::string> named = arguments;
    const bool asks_first = !named.empty() && (named[0] == "help" || named[0] == "-h" || named[0] == "--help");
    if (asks_first) named.erase(named.begin());
    if (named.empty() || (asks_first && arguments[0] != "help")) return line;
    if (named[0] == "--version" || named[0] == "-V") {
        line.ask = Ask::version;
        return line;
    }
    const bool wants_help = asks_first || asks_for_help(named);
    const bool is_group = command_called(named[0], commands) == nullptr && !second_words(named[0], commands).empty();
    if (wants_help && is_group && (named.size() == 1 || is_flag(named[1]))) {
        line.ask = Ask::group_help;
        line.group = named[0];
        return line;
    }
    const FoundCommand found = find_command(named, commands);
    line.command = found.command;
    if (wants_help) {
        line.ask = Ask::command_help;
        return line;
    }
    std::vector<std::string> rest(named.begin() + static_cast<std::ptrdiff_t>(found.n_words), named.end());
    CLI::App app;
    app.set_help_flag();
    app.allow_extras();
    std::map<std::string, Typed> own;
    std::map<std::string, Typed> shared;
    add_fields(app, line.command->options, own);
    add_fields(app, shared_options(), shared);
    std::reverse(rest.begin(), rest.end());  // CLI11 takes a vector from its end
    try {
        app.parse(rest);
    } catch (const CLI::ParseError& error) {
        fail(ErrorCode::usage, fmt::format("{}.", error.what()), fmt::format("Run `morula {} --help` for its options.", line.command->name));
    }
    const std::vector<std::string> extras = app.remaining();
    if (!extras.empty()) unknown_argument(extras.front(), *line.command, commands);
    line.values = values_of_typed(line.command->options, own);
    apply_shared(values_of_typed(shared_options(), shared), line);
    line.ask = Ask::run;
    return line;
}

}  // namespace morula::cli
