#include "morula/commands/result_folder.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLargestRecord = 1 << 26;

}  // namespace

std::string verb_of_results(const fs::path& folder) {
    std::error_code ignored;
    const fs::path record = folder / "run.json";
    if (fs::is_regular_file(record, ignored) && fs::file_size(record, ignored) <= static_cast<std::uintmax_t>(kLargestRecord)) {
        const auto json = nlohmann::json::parse(read_text_file(record, kLargestRecord), nullptr, false);
        if (json.is_object() && json.contains("program") && json["program"] == "morula" && json.contains("command") && json["command"].is_string()) return json["command"];
        if (json.is_object() && json.contains("morula") && json.contains("steps")) return "run";
    }
    if (fs::exists(folder / "contribute.state", ignored)) return "contribute";
    if (fs::exists(folder / "state" / "run.state", ignored)) return "simulate";
    return "";
}

void refuse_results_of_others(const fs::path& folder, std::string_view verb) {
    const std::string there = verb_of_results(folder);
    if (there.empty() || there == verb) return;
    fail(ErrorCode::usage, fmt::format("{} holds results of `morula {}`, and those of `morula {}` would take the place of some of them.", folder.string(), there, verb), "Name another folder with --out.");
}

std::vector<fs::path> paths_below(const fs::path& folder, const fs::path& file) {
    std::error_code ignored;
    const fs::path whole = fs::weakly_canonical(fs::absolute(folder, ignored), ignored), at = fs::absolute(file, ignored);
    std::vector<fs::path> found;
    for (const fs::path& place : {fs::weakly_canonical(at.parent_path(), ignored) / at.filename(), fs::weakly_canonical(at, ignored)}) {
        fs::path inside = place.lexically_relative(whole);
        if (!inside.empty() && *inside.begin() != "..") found.push_back(std::move(inside));
    }
    return found;
}

}  // namespace morula::commands
