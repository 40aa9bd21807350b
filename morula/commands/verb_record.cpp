#include "morula/commands/verb_record.hpp"

#include <nlohmann/json.hpp>

#include "morula/core/file.hpp"
#include "morula/core/version.hpp"
#include "morula/matrix/blas.hpp"

namespace morula::commands {

VerbRecord::VerbRecord(std::string verb, FieldValues options, Context& context)
    : verb_(std::move(verb)), options_(std::move(options)), context_(context), started_(std::chrono::steady_clock::now()), behind_(context.events()), redirect_(context, *this) {}

void VerbRecord::warning(std::string_view text) {
    warnings_.emplace_back(text);
    behind_.warning(text);
}

void VerbRecord::decision(std::string_view text) {
    decisions_.emplace_back(text);
    behind_.decision(text);
}

void VerbRecord::add_input(std::string path, const data::Dataset& dataset) { inputs_.push_back({std::move(path), dataset.n_cells(), dataset.n_genes()}); }

void VerbRecord::add_number(std::string name, double value) { results_.emplace_back(std::move(name), value); }
void VerbRecord::add_count(std::string name, std::int64_t value) { results_.emplace_back(std::move(name), value); }
void VerbRecord::add_text(std::string name, std::string value) { results_.emplace_back(std::move(name), std::move(value)); }

void VerbRecord::write(const std::filesystem::path& folder) const {
    using Json = nlohmann::ordered_json;
    Json inputs = Json::array();
    for (const Input& input : inputs_) inputs.push_back({{"path", input.path}, {"n_cells", input.n_cells}, {"n_genes", input.n_genes}});
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    const Json json = {{"program", "morula"},
                       {"version", kVersion},
                       {"command", verb_},
                       {"options", Json::parse(to_json(options_))},
                       {"inputs", inputs},
                       {"results", Json::parse(to_json(results_))},
                       {"decisions", decisions_},
                       {"warnings", warnings_},
                       {"outputs", outputs_},
                       {"numeric_profile", matrix::numeric_profile().text()},
                       {"threads", context_.threads()},
                       {"seconds", seconds},
                       {"peak_bytes", peak_memory_bytes()}};
    write_text_file(folder / "run.json", json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
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
