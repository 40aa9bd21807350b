#include "help.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "morula/core/version.hpp"

namespace morula::cli {
namespace {

struct SharedOptions {
    std::int32_t threads = 0;
    std::string memory;
    bool json = false;
    std::string progress = "auto";
    bool quiet = false;
    std::string log;
};

constexpr auto describe(const SharedOptions*) {
    return std::tuple{
        field("threads", &SharedOptions::threads, "Threads; 0: all that this process may use. The answer is the same.", {.minimum = 0, .maximum = 1024}),
        field("memory", &SharedOptions::memory, "Most memory to use, for instance 8G; not given: 70 % of what is free."),
        field("json", &SharedOptions::json, "Print one JSON object to standard output."),
        field("progress", &SharedOptions::progress, "How to tell of the work on standard error.", {.choices = "auto|json|none"}),
        field("quiet", &SharedOptions::quiet, "The same as --progress none."),
        field("log", &SharedOptions::log, "Also add what is told to this file, as JSON Lines with times."),
    };
}

std::string default_text(const FieldSchema& field) {
    if (field.is_required) return "required";
    const FieldValue& value = field.default_value;
    if (std::holds_alternative<double>(value)) return fmt::format("{:g}", std::get<double>(value));
    if (std::holds_alternative<std::int64_t>(value)) return fmt::format("{}", std::get<std::int64_t>(value));
    if (std::holds_alternative<std::string>(value)) return std::get<std::string>(value);
    if (std::holds_alternative<std::vector<double>>(value)) return fmt::format("{:g}", fmt::join(std::get<std::vector<double>>(value), ","));
    return "";
}

std::string value_name(const FieldSchema& field) {
    if (!field.choices.empty()) return fmt::format("{}", fmt::join(field.choices, "|"));
    switch (field.type) {
        case FieldType::boolean: return "";
        case FieldType::integer: return "N";
        case FieldType::real: return "X";
        case FieldType::real_list: return "X,X,...";
        case FieldType::text_list: return "A,B,...";
        default: return field.name == "out" || field.name == "samples" || field.name == "atlas" ? "PATH" : "TEXT";
    }
}

/// Words of `text` in lines of at most `width`, each but the first after `indent` blanks.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t width) {
    std::string out;
    std::size_t column = indent;
    std::size_t begin = 0;
    while (begin < text.size()) {
        const std::size_t end = std::min(text.find(' ', begin), text.size());
        const std::string word = text.substr(begin, end - begin);
        if (column > indent && column + word.size() + 1 > width) {
            out += "\n" + std::string(indent, ' ');
            column = indent;
        } else if (column > indent) {
            out += ' ';
            ++column;
        }
        out += word;
        column += word.size();
        begin = end + 1;
    }
    return out;
}

constexpr std::size_t kTextColumn = 30;
constexpr std::size_t kWidth = 100;

std::string option_lines(const Schema& schema) {
    std::string out;
    for (const FieldSchema& field : schema) {
        std::string left = "  " + flag_of(field);
        if (!field.is_positional && field.type != FieldType::boolean) left += " " + value_name(field);
        std::string text = field.help;
        const std::string fallback = default_text(field);
        if (!fallback.empty()) text += fmt::format(" [{}]", fallback);
        if (left.size() + 2 > kTextColumn) out += left + "\n" + std::string(kTextColumn, ' ');
        else out += left + std::string(kTextColumn - left.size(), ' ');
        out += wrapped(text, kTextColumn, kWidth) + "\n";
    }
    return out;
}

std::string usage_line(const commands::Command& command) {
    std::string line = "morula " + command.name;
    for (const FieldSchema& field : command.options) {
        if (field.is_positional) line += " " + flag_of(field) + (field.type == FieldType::text_list ? "..." : "");
    }
    for (const FieldSchema& field : command.options) {
        if (field.is_required && !field.is_positional) line += " " + flag_of(field) + " " + value_name(field);
    }
    return line + " [options]";
}

/// Name and summary of each command, the summaries below one another.
std::string command_lines(const std::vector<commands::Command>& commands) {
    std::size_t width = 0;
    for (const commands::Command& command : commands) width = std::max(width, command.name.size());
    std::string out;
    for (const commands::Command& command : commands) out += fmt::format("  {:<{}}  {}\n", command.name, width, command.summary);
    return out;
}

}  // namespace

const Schema& shared_options() {
    static const Schema schema = schema_of<SharedOptions>();
    return schema;
}

std::string program_help(const std::vector<commands::Command>& commands) {
    std::string out = fmt::format("Morula {}: from cell counts to a report, on the machine you have.\n\nExamples\n", kVersion);
    out += "  morula run filtered_feature_bc_matrix --out pbmc     a report from a 10x folder\n";
    out += "  morula run --samples samples.csv --out study         several samples\n";
    out += "  morula info cells.h5ad                               what a file holds\n\nCommands\n";
    out += command_lines(commands);
    out += "\n`morula COMMAND --help` shows the options of a command.\n";
    return out;
}

std::string group_help(const std::string& first, const std::vector<commands::Command>& commands) {
    std::vector<commands::Command> group;
    for (const commands::Command& command : commands) {
        if (commands::first_word(command) == first) group.push_back(command);
    }
    return fmt::format("Commands of `morula {}`\n{}\n`morula {} COMMAND --help` shows the options of a command.\n", first, command_lines(group), first);
}

std::string command_help(const commands::Command& command) {
    std::string out = fmt::format("{}\n\n", command.summary);
    if (!command.examples.empty()) {
        out += "Examples\n";
        for (const commands::Example& example : command.examples) out += fmt::format("  # {}\n  {}\n", example.what, example.line);
        out += "\n";
    }
    out += "Usage\n  " + usage_line(command) + "\n\n";
    if (!command.help.empty()) out += wrapped(command.help, 0, kWidth) + "\n\n";
    if (!command.reads.empty()) out += fmt::format("Reads: {}\n", fmt::join(command.reads, ", "));
    if (!command.writes.empty()) out += fmt::format("Writes: {}\n\n", fmt::join(command.writes, ", "));
    out += "Options\n" + option_lines(command.options) + "\nFor every command\n" + option_lines(shared_options());
    return out;
}

}  // namespace morula::cli
