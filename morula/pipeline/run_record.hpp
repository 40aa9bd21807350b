// DIR/run.json: what ran, on what, with which options. It is there from the start and says how far the run came.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "morula/core/events.hpp"
#include "morula/core/schema.hpp"

namespace morula::pipeline {

struct StepRecord {
    StepReport report;
    std::string key;       // of the step's result in the atlas
    std::int32_t version = 0;
    FieldValues options;
};

/// The store of a run, in its folder.
inline constexpr std::string_view kOwnAtlas = "data.atlas";

struct InputRecord {
    std::string path;
    std::string sample;
    std::string id;        // content hash
    std::string atlas;     // where its counts lie: the atlas that is the input, else "data.atlas" beside run.json
    std::int64_t n_barcodes = 0;  // before cells were called; n_cells where they came called
    std::int64_t n_cells = 0;
    std::int64_t n_genes = 0;
    std::int64_t nnz = 0;
};

/// A sample that the run goes on without.
struct SkippedSample {
    std::string sample;
    std::string path;
    std::string why;
};

/// A warning or decision, and what it is about: the step that was under way, "input" before the first, or "store" (damage that was met and mended).
struct Remark {
    std::string subject;
    std::string text;
};

enum class RunStatus { running, finished, failed, cancelled };

/// Collects what a run does; as an EventSink it also passes everything on to the sink behind it.
class RunRecord final : public EventSink {
public:
    RunRecord(std::filesystem::path path, FieldValues options, EventSink& behind);

    void step_started(std::string_view name) override;
    void progress(const ProgressReport& report) override;
    void step_finished(const StepReport& report) override;
    void warning(std::string_view text) override;
    void decision(std::string_view text) override;

    /// What the next remarks are about, where no step is under way.
    void set_subject(std::string subject) { subject_ = std::move(subject); }
    void warning_about(std::string subject, std::string_view text);
    void add_input(InputRecord input) { inputs_.push_back(std::move(input)); }
    /// Says so, too.
    void skip_sample(SkippedSample skipped);
    void add_output(std::string path) { outputs_.push_back(std::move(path)); }
    void set_numbers(std::int64_t cells, std::int64_t genes, std::int64_t clusters);
    /// A number that says how good a result is; run.json lists them under "measures".
    void set_measure(std::string name, double value) { measures_.emplace_back(std::move(name), value); }
    void set_context(std::int32_t threads, std::int64_t memory_bytes, std::string numeric_profile);
    /// Adds a finished step and writes run.json anew.
    void add_step(StepRecord step);
    /// Writes run.json with the final status; error is the message of a failed run.
    void close(RunStatus status, std::string_view error);

    const std::vector<StepRecord>& steps() const { return steps_; }
    const std::vector<InputRecord>& inputs() const { return inputs_; }
    const std::vector<SkippedSample>& skipped_samples() const { return skipped_; }
    const std::vector<Remark>& warnings() const { return warnings_; }
    const std::vector<Remark>& decisions() const { return decisions_; }
    const std::string& numeric_profile() const { return numeric_profile_; }
    double seconds() const;
    /// The final --json object: cells, genes, clusters, steps, outputs.
    std::string summary_json() const;

private:
    void write(RunStatus status, std::string_view error) const;

    std::filesystem::path path_;
    FieldValues options_;
    EventSink& behind_;
    std::vector<StepRecord> steps_;
    std::vector<InputRecord> inputs_;
    std::vector<SkippedSample> skipped_;
    std::vector<std::string> outputs_;
    std::vector<Remark> warnings_;
    std::vector<Remark> decisions_;
    std::string subject_ = "input";  // of the next remark
    std::vector<std::pair<std::string, double>> measures_;
    std::int64_t cells_ = 0;
    std::int64_t genes_ = 0;
    std::int64_t clusters_ = 0;
    std::int32_t threads_ = 0;
    std::int64_t memory_bytes_ = 0;
    std::string numeric_profile_;
    std::int64_t started_ms_;
    std::string started_at_;
};

/// The options of the run that DIR/run.json records, for --resume. Throws not_found or invalid_data.
FieldValues options_of_earlier_run(const std::filesystem::path& run_json, const Schema& schema);
/// Path and content hash of each input that DIR/run.json names; none where the run did not come that far.
std::vector<std::pair<std::string, std::string>> inputs_of_earlier_run(const std::filesystem::path& run_json);

}  // namespace morula::pipeline
