// A command: one description behind every door (command line, server, Python). Adapters loop over the registry.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {

struct Example {
    std::string what;  // "One sample, report in pbmc/"
    std::string line;  // "morula run filtered_feature_bc_matrix --out pbmc"
};

struct CommandResult {
    std::string text;  // for people, on stdout
    std::string json;  // one object, for --json
    std::optional<ErrorCode> finding = std::nullopt;  // set where the answer itself is bad news (a damaged store): it is printed, and the exit status is this code's
};

struct Command {
    std::string name{};                 // a word, or two: "generate cohort"
    std::string summary{};              // one line
    std::string help{};                 // a paragraph or two, may be empty
    std::vector<Example> examples{};
    std::vector<std::string> reads{};   // slots, "obsm X_pca"; empty for commands that are no steps
    std::vector<std::string> writes{};
    Schema options{};
    std::function<CommandResult(const FieldValues&, Context&)> run{};
};

/// A command whose options are one described struct.
template <class Options>
Command make_command(Command base, std::function<CommandResult(const Options&, Context&)> body) {
    base.options = schema_of<Options>();
    base.run = [body = std::move(body)](const FieldValues& values, Context& context) { return body(with_values(Options{}, values), context); };
    return base;
}

/// "generate" and "cohort" of "generate cohort"; the second is empty where the name is one word.
std::string first_word(const Command& command);
std::string second_word(const Command& command);

/// The fields of several described structs, one after the other.
template <class... Options>
Schema joined_schema() {
    Schema joined;
    (..., [&joined] {
        for (FieldSchema& field : schema_of<Options>()) joined.push_back(std::move(field));
    }());
    return joined;
}

/// Throws usage for required fields without a value.
void require_fields(const Schema& schema, const FieldValues& values, std::string_view command);

}  // namespace morula::commands
