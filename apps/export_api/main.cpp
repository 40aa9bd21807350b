// Prints every command of the registry as one JSON array: name, summary, help, examples, slots and the JSON Schema of its options.
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>

#include "morula/core/schema.hpp"
#include "morula/pipeline/registry.hpp"

namespace {

using Json = nlohmann::ordered_json;

Json describe_command(const morula::commands::Command& command) {
    Json examples = Json::array();
    for (const auto& example : command.examples) examples.push_back({{"what", example.what}, {"line", example.line}});
    Json arguments = Json::array();
    Json required = Json::array();
    for (const morula::FieldSchema& field : command.options) {
        if (field.is_positional) arguments.push_back(field.name);
        if (field.is_required) required.push_back(field.name);
    }
    return {{"name", command.name},     {"summary", command.summary}, {"help", command.help},         {"examples", examples},
            {"reads", command.reads},   {"writes", command.writes},   {"positional", arguments},      {"required", required},
            {"options", Json::parse(morula::to_json_schema(command.options, command.name))}};
}

}  // namespace

int main() {
    try {
        Json all = Json::array();
        for (const morula::commands::Command& command : morula::pipeline::all_commands()) all.push_back(describe_command(command));
        std::printf("%s\n", all.dump(1).c_str());
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "export_api: %s\n", error.what());
        return 1;
    }
}
