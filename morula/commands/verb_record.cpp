#include "morula/commands/verb_record.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/version.hpp"
#include "morula/matrix/blas.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

/// Outputs that run.json names, of the same verb; none where there is no such record. Only names below the folder count.
std::vector<std::string> recorded_outputs(const fs::path& folder, const std::string& verb) {
    constexpr std::int64_t most_bytes = 1 << 26;
    std::vector<std::string> out;
    if (!fs::is_regular_file(folder / "run.json")) return out;
    const auto json = nlohmann::json::parse(read_text_file(folder / "run.json", most_bytes), nullptr, false);
    if (!json.is_object() || json.value("program", "") != "morula" || json.value("command", "") != verb || !json.contains("outputs") || !json["outputs"].is_array()) return out;
    for (const auto& each : json["outputs"]) {
        if (!each.is_string()) continue;
        const fs::path name = fs::path(each.get<std::string>()).lexically_normal();
        if (name.empty() || name.is_absolute() || *name.begin() == "..") continue;
        out.push_back(name.string());
    }
    return out;
}

/// Removes what an earlier run left, and the folders below `folder` that it leaves empty.
void remove_output(const fs::path& folder, const fs::path& name) {
    std::error_code ignored;
    fs::remove(folder / name, ignored);
    for (fs::path part = name.parent_path(); !part.empty(); part = part.parent_path()) {
        if (fs::is_directory(fs::symlink_status(folder / part, ignored))) fs::remove(folder / part, ignored);
    }
}

/// Throws where a folder stands in the way of a file.
void check_place(const fs::path& path) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) invalid_data(fmt::format("{}: is a folder, where a result has to go.", path.string()), "Move it away, or name another folder with --out.");
}

}  // namespace

void check_output_folder(const fs::path& folder) {
    if (folder.empty()) fail(ErrorCode::usage, "--out names nothing.", "Name a folder for the results: --out DIR.");
    std::error_code ignored;
    for (fs::path part = folder; !part.empty(); part = part.parent_path()) {
        if (fs::exists(part, ignored) && !fs::is_directory(part, ignored)) invalid_data(fmt::format("{}: is a file, and a folder is needed there.", part.string()), "Name another folder with --out.");
        if (part == part.parent_path()) break;
    }
    if (!fs::exists(folder, ignored)) return;
    if (::access(folder.c_str(), W_OK | X_OK) != 0) fail_from_errno(errno, "write into it", folder.string());
    check_place(folder / "run.json");
}

void make_output_folder(const fs::path& folder) {
    check_output_folder(folder);
    std::error_code error;
    fs::create_directories(folder, error);
    // The system says "no such file" of places where none can be made, such as /proc.
    if (error == std::errc::no_such_file_or_directory) fail(ErrorCode::permission, fmt::format("{}: no folder can be made there.", folder.string()), "Name another folder with --out.");
    if (error) fail_from_errno(error.value(), "make the folder", folder.string());
}

void make_output_folder(const fs::path& folder, std::initializer_list<std::string_view> tables) {
    check_output_folder(folder);
    for (const std::string_view table : tables) check_place(folder / table);
    make_output_folder(folder);
}

VerbRecord::VerbRecord(std::string verb, FieldValues options, Context& context) : VerbRecord(std::move(verb), std::move(options), RecordPlace::folder, context) {}

VerbRecord::VerbRecord(std::string verb, FieldValues options, RecordPlace place, Context& context)
    : verb_(std::move(verb)), options_(std::move(options)), place_(place), context_(context), started_(std::chrono::steady_clock::now()), behind_(context.events()), redirect_(context, *this) {
    for (const auto& [name, value] : options_) {
        if (place == RecordPlace::folder && name == "out" && std::holds_alternative<std::string>(value)) check_output_folder(std::get<std::string>(value));
    }
}

void VerbRecord::warning(std::string_view text) {
    warnings_.emplace_back(text);
    behind_.warning(text);
}

void VerbRecord::decision(std::string_view text) {
    decisions_.emplace_back(text);
    behind_.decision(text);
}

void VerbRecord::add_input(std::string path, const data::Dataset& dataset) { inputs_.push_back({std::move(path), "", dataset.n_cells(), dataset.n_genes()}); }

void VerbRecord::add_input(std::string path, std::string hash) {
    const bool is_known = std::any_of(inputs_.begin(), inputs_.end(), [&](const Input& input) { return input.path == path; });
    if (!is_known) inputs_.push_back({.path = std::move(path), .hash = std::move(hash)});
}

void VerbRecord::add_number(std::string name, double value) { results_.emplace_back(std::move(name), value); }
void VerbRecord::add_count(std::string name, std::int64_t value) { results_.emplace_back(std::move(name), value); }
void VerbRecord::add_text(std::string name, std::string value) { results_.emplace_back(std::move(name), std::move(value)); }

std::string VerbRecord::json() const {
    using Json = nlohmann::ordered_json;
    Json inputs = Json::array();
    for (const Input& input : inputs_) {
        if (input.hash.empty()) inputs.push_back({{"path", input.path}, {"n_cells", input.n_cells}, {"n_genes", input.n_genes}});
        else inputs.push_back({{"path", input.path}, {"hash", input.hash}});
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    Json json = {{"program", "morula"}, {"version", kVersion}, {"command", verb_}, {"options", Json::parse(to_json(options_))}, {"inputs", inputs}, {"results", Json::parse(to_json(results_))},
                 {"decisions", decisions_}, {"warnings", warnings_}, {"outputs", outputs_}, {"numeric_profile", matrix::numeric_profile().text()}};
    for (const std::string& name : at_top_) json[name] = Json(json["results"][name]);
    if (place_ == RecordPlace::folder) {
        json["threads"] = context_.threads();
        json["seconds"] = seconds;
        json["peak_bytes"] = peak_memory_bytes();
    }
    return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void VerbRecord::write(const std::filesystem::path& folder) const {
    for (const std::string& old : recorded_outputs(folder, verb_)) {
        if (std::find(outputs_.begin(), outputs_.end(), old) != outputs_.end() || old == "run.json") continue;
        remove_output(folder, old);
    }
    write_text_file(folder / "run.json", json());
}

std::string VerbRecord::summary_json(const std::filesystem::path& folder) const {
    using Json = nlohmann::ordered_json;
    Json json = Json::parse(to_json(results_));
    Json outputs = Json::array();
    for (const std::string& name : outputs_) outputs.push_back((folder / name).string());
    json["outputs"] = outputs;
    json["warnings"] = warnings_;
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace morula::commands
