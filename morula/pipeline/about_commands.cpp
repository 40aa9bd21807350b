#include "morula/pipeline/about_commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/version.hpp"
#include "morula/matrix/blas.hpp"
#include "morula/pipeline/registry.hpp"

namespace morula::pipeline {
namespace {

using Json = nlohmann::ordered_json;

struct DoctorOptions {
    std::string folder = ".";
};
constexpr auto describe(const DoctorOptions*) { return std::tuple{field("folder", &DoctorOptions::folder, "Where results would be written.", {.positional = true})}; }

commands::CommandResult doctor(const DoctorOptions& options, Context& context) {
    const std::int64_t disk = free_disk_bytes(options.folder);
    const std::string profile = matrix::numeric_profile().text();
    std::vector<std::string> advice;
    constexpr std::int64_t kSmallMemory = 4'000'000'000;
    constexpr std::int64_t kSmallDisk = 5'000'000'000;
    if (context.memory_bytes() < kSmallMemory) advice.emplace_back("Less than 4 GB of memory may be used: large samples are streamed and take longer.");
    if (disk < kSmallDisk) advice.emplace_back("Less than 5 GB of disk is free here: choose another folder for --out.");
    bool writable = true;
    try {
        const AtomicFile probe(std::filesystem::path(options.folder) / "morula-doctor");
    } catch (const Error& error) {
        writable = false;
        advice.emplace_back(error.what());
    }
    std::string text = fmt::format("morula            {}\nthreads           {}\nmemory to use     {}\ndisk free         {}\nfolder writable   {}\nnumeric profile   {}\n", kVersion, context.threads(),
                                   format_bytes(context.memory_bytes()), format_bytes(disk), writable ? "yes" : "no", profile);
    for (const std::string& line : advice) text += line + "\n";
    if (advice.empty()) text += "All is well.\n";
    const Json json = {{"version", kVersion}, {"threads", context.threads()}, {"memory_bytes", context.memory_bytes()}, {"disk_free_bytes", disk}, {"writable", writable},
                       {"numeric_profile", profile}, {"advice", advice}};
    return {text, json.dump()};
}

struct VersionOptions {};
constexpr auto describe(const VersionOptions*) { return std::tuple{}; }

commands::CommandResult version(const VersionOptions&, Context&) {
    const std::string profile = matrix::numeric_profile().text();
    return {fmt::format("morula {}\n{}\n", kVersion, profile), Json{{"version", kVersion}, {"numeric_profile", profile}}.dump()};
}

enum class Shell { bash, zsh, fish };
struct CompletionOptions {
    Shell shell = Shell::bash;
};
constexpr auto describe(const CompletionOptions*) {
    return std::tuple{field("shell", &CompletionOptions::shell, "The shell to complete for.", {.choices = "bash|zsh|fish", .positional = true})};
}

std::string flags_of(const commands::Command& command) {
    std::string flags = "--help --threads --memory --json --progress --quiet --log";
    for (const FieldSchema& field : command.options) {
        if (!field.is_positional) flags += " " + flag_of(field);
    }
    return flags;
}

/// First words of all commands, each once, in their order.
std::vector<std::string> first_words() {
    std::vector<std::string> words;
    for (const commands::Command& command : all_commands()) {
        const std::string word = commands::first_word(command);
        if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
    }
    return words;
}

std::vector<std::string> second_words(const std::string& first) {
    std::vector<std::string> words;
    for (const commands::Command& command : all_commands()) {
        if (commands::first_word(command) == first && !commands::second_word(command).empty()) words.push_back(commands::second_word(command));
    }
    return words;
}

/// Works in zsh too, by its bashcompinit. The flags are those of the longest name that was typed; the second word of a name is offered like a first one.
std::string bash_script() {
    std::string seconds;
    std::string flags;
    for (const std::string& first : first_words()) {
        const std::vector<std::string> words = second_words(first);
        if (!words.empty()) seconds += fmt::format("    {}) names=\"{}\" ;;\n", first, fmt::join(words, " "));
    }
    // Names of two words first: a case takes the first pattern that fits.
    for (const bool pairs : {true, false}) {
        for (const commands::Command& command : all_commands()) {
            if (commands::second_word(command).empty() == pairs) continue;
            flags += fmt::format("    \"{} \"*) words=\"{}\" ;;\n", command.name, flags_of(command));
        }
    }
    return fmt::format(
        "_morula() {{\n  local current=\"${{COMP_WORDS[COMP_CWORD]}}\" typed=\"${{COMP_WORDS[*]:1}} \" words=\"\" names=\"\"\n"
        "  if [ \"$COMP_CWORD\" -eq 1 ]; then names=\"{}\" words=\"--help --version\"; else\n  case \"$typed\" in\n{}  esac\n  fi\n"
        "  if [ \"$COMP_CWORD\" -eq 2 ]; then\n  case \"${{COMP_WORDS[1]}}\" in\n{}  esac\n  fi\n"
        "  case \"$current\" in\n    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$current\")) ;;\n"
        "    *) if [ \"$COMP_CWORD\" -eq 1 ]; then COMPREPLY=($(compgen -W \"$names\" -- \"$current\")); else COMPREPLY=($(compgen -W \"$names\" -- \"$current\") $(compgen -f -- \"$current\")); fi ;;\n"
        "  esac\n}}\ncomplete -o filenames -F _morula morula\n",
        fmt::join(first_words(), " "), flags, seconds);
}

/// When fish completes for a command: its words were typed, and no longer name.
std::string fish_condition(const commands::Command& command) {
    const std::string first = commands::first_word(command);
    const std::string second = commands::second_word(command);
    if (!second.empty()) return fmt::format("__fish_seen_subcommand_from {}; and __fish_seen_subcommand_from {}", first, second);
    const std::vector<std::string> longer = second_words(first);
    return fmt::format("__fish_seen_subcommand_from {}", first) + (longer.empty() ? "" : fmt::format("; and not __fish_seen_subcommand_from {}", fmt::join(longer, " ")));
}

std::string fish_script() {
    std::string script = "complete -c morula -f -n __fish_use_subcommand -l help\n";
    for (const commands::Command& command : all_commands()) {
        const std::string first = commands::first_word(command);
        const std::string second = commands::second_word(command);
        if (second.empty()) script += fmt::format("complete -c morula -n __fish_use_subcommand -f -a {} -d '{}'\n", first, command.summary);
        else script += fmt::format("complete -c morula -n __fish_use_subcommand -f -a {}\ncomplete -c morula -n '__fish_seen_subcommand_from {}; and not __fish_seen_subcommand_from {}' -f -a {} -d '{}'\n", first,
                                   first, fmt::join(second_words(first), " "), second, command.summary);
        for (const FieldSchema& field : command.options) {
            if (!field.is_positional) script += fmt::format("complete -c morula -n '{}' -l {}\n", fish_condition(command), flag_of(field).substr(2));
        }
    }
    return script;
}

commands::CommandResult completion(const CompletionOptions& options, Context&) {
    std::string script = options.shell == Shell::fish ? fish_script() : bash_script();
    if (options.shell == Shell::zsh) script = "autoload -U +X bashcompinit && bashcompinit\n" + script;
    const std::string json = Json{{"script", script}}.dump();
    return {std::move(script), json};
}

}  // namespace

commands::Command doctor_command() {
    return commands::make_command<DoctorOptions>(
        {.name = "doctor",
         .summary = "Say what this machine offers and what would be in the way.",
         .examples = {{"Before a long run", "morula doctor results/"}}},
        doctor);
}

commands::Command version_command() {
    return commands::make_command<VersionOptions>(
        {.name = "version",
         .summary = "Version and numeric profile.",
         .examples = {{"For a paper", "morula version"}}},
        version);
}

commands::Command completion_command() {
    return commands::make_command<CompletionOptions>(
        {.name = "completion",
         .summary = "Completion of commands and options for a shell.",
         .examples = {{"In bash", "source <(morula completion bash)"}}},
        completion);
}

}  // namespace morula::pipeline
