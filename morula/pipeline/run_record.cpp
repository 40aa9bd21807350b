#include "morula/pipeline/run_record.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "morula/core/clock.hpp"
#include "morula/core/context.hpp"
#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/version.hpp"

namespace morula::pipeline {
namespace {

using Json = nlohmann::ordered_json;

std::int64_t steady_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

std::string status_name(RunStatus status) {
    switch (status) {
        case RunStatus::running: return "running";
        case RunStatus::finished: return "finished";
        case RunStatus::failed: return "failed";
        case RunStatus::cancelled: return "cancelled";
    }
    return "failed";
}

Json values_json(const FieldValues& values) { return Json::parse(to_json(values)); }

Json step_json(const StepRecord& step) {
    return {{"name", step.report.name}, {"seconds", step.report.seconds}, {"cpu_seconds", step.report.cpu_seconds}, {"peak_bytes", step.report.peak_bytes}, {"cached", step.report.cached}};
}

std::vector<std::string> texts_of(const std::vector<Remark>& remarks) {
    std::vector<std::string> texts;
    for (const Remark& remark : remarks) texts.push_back(remark.text);
    return texts;
}

Json skipped_json(const std::vector<SkippedSample>& skipped) {
    Json out = Json::array();
    for (const SkippedSample& sample : skipped) out.push_back({{"sample", sample.sample}, {"path", sample.path}, {"why", sample.why}});
    return out;
}

constexpr std::int64_t kMaxRunJson = 64 << 20;

}  // namespace

RunRecord::RunRecord(std::filesystem::path path, FieldValues options, EventSink& behind)
    : path_(std::move(path)), options_(std::move(options)), behind_(behind), started_ms_(steady_ms()), started_at_(utc_now()) {}

void RunRecord::step_started(std::string_view name) {
    subject_ = name;
    behind_.step_started(name);
}
void RunRecord::progress(const ProgressReport& report) { behind_.progress(report); }
void RunRecord::step_finished(const StepReport& report) { behind_.step_finished(report); }
void RunRecord::warning(std::string_view text) { warning_about(subject_, text); }
void RunRecord::warning_about(std::string subject, std::string_view text) {
    warnings_.push_back({std::move(subject), std::string(text)});
    behind_.warning(text);
}
void RunRecord::decision(std::string_view text) {
    decisions_.push_back({subject_, std::string(text)});
    behind_.decision(text);
}

void RunRecord::skip_sample(SkippedSample skipped) {
    decision(fmt::format("Sample {} is left out: {}", skipped.sample, skipped.why));
    skipped_.push_back(std::move(skipped));
}

void RunRecord::set_numbers(std::int64_t cells, std::int64_t genes, std::int64_t clusters) {
    cells_ = cells;
    genes_ = genes;
    clusters_ = clusters;
}

void RunRecord::set_context(std::int32_t threads, std::int64_t memory_bytes, std::string numeric_profile) {
    threads_ = threads;
    memory_bytes_ = memory_bytes;
    numeric_profile_ = std::move(numeric_profile);
    write(RunStatus::running, "");
}

void RunRecord::add_step(StepRecord step) {
    steps_.push_back(std::move(step));
    write(RunStatus::running, "");
}

void RunRecord::close(RunStatus status, std::string_view error) { write(status, error); }

double RunRecord::seconds() const { return static_cast<double>(steady_ms() - started_ms_) / 1000.0; }

std::string RunRecord::summary_json() const {
    Json out;
    out["cells"] = cells_;
    out["genes"] = genes_;
    out["clusters"] = clusters_;
    out["seconds"] = seconds();
    out["peak_bytes"] = peak_memory_bytes();
    out["steps"] = Json::array();
    for (const StepRecord& step : steps_) out["steps"].push_back(step_json(step));
    if (!skipped_.empty()) out["skipped_samples"] = skipped_json(skipped_);
    out["outputs"] = outputs_;
    return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void RunRecord::write(RunStatus status, std::string_view error) const {
    Json out;
    out["status"] = status_name(status);
    if (!error.empty()) out["error"] = error;
    out["morula"] = kVersion;
    out["started"] = started_at_;
    out["seconds"] = seconds();
    out["peak_bytes"] = peak_memory_bytes();
    out["threads"] = threads_;
    out["memory_limit_bytes"] = memory_bytes_;
    out["numeric_profile"] = numeric_profile_;
    out["options"] = values_json(options_);
    out["inputs"] = Json::array();
    for (const InputRecord& input : inputs_) {
        out["inputs"].push_back({{"path", input.path}, {"sample", input.sample}, {"id", input.id}, {"atlas", input.atlas}, {"n_barcodes", input.n_barcodes}, {"n_cells", input.n_cells}, {"n_genes", input.n_genes}, {"nnz", input.nnz}});
    }
    if (!skipped_.empty()) out["skipped_samples"] = skipped_json(skipped_);
    out["cells"] = cells_;
    out["genes"] = genes_;
    out["clusters"] = clusters_;
    out["steps"] = Json::array();
    for (const StepRecord& step : steps_) {
        Json entry = step_json(step);
        entry["version"] = step.version;
        entry["key"] = step.key;
        entry["options"] = values_json(step.options);
        out["steps"].push_back(entry);
    }
    out["measures"] = Json::object();
    for (const auto& [name, value] : measures_) out["measures"][name] = value;
    out["decisions"] = texts_of(decisions_);
    out["warnings"] = texts_of(warnings_);
    out["outputs"] = outputs_;
    // Its first word is on the disk before anything else is done, and its last; between them a step takes no time for it.
    const std::string text = out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    if (status == RunStatus::running && !steps_.empty()) write_text_file_unforced(path_, text);
    else write_text_file(path_, text);
}

FieldValues options_of_earlier_run(const std::filesystem::path& run_json, const Schema& schema) {
    const Json json = Json::parse(read_text_file(run_json, kMaxRunJson), nullptr, false);
    if (!json.is_object() || !json.contains("options") || !json["options"].is_object()) {
        invalid_data(fmt::format("{}: is not the record of a run.", run_json.string()), "Start again without --resume.");
    }
    return values_from_json(schema, json["options"].dump());
}

std::vector<std::pair<std::string, std::string>> inputs_of_earlier_run(const std::filesystem::path& run_json) {
    const Json json = Json::parse(read_text_file(run_json, kMaxRunJson), nullptr, false);
    std::vector<std::pair<std::string, std::string>> inputs;
    if (!json.is_object() || !json.contains("inputs") || !json["inputs"].is_array()) return inputs;
    for (const Json& input : json["inputs"]) {
        if (!input.is_object() || !input.contains("path") || !input["path"].is_string() || !input.contains("id") || !input["id"].is_string()) continue;
        inputs.emplace_back(input["path"].get<std::string>(), input["id"].get<std::string>());
    }
    return inputs;
}

}  // namespace morula::pipeline
