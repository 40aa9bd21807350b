// The run.json of a verb that writes a folder of tables: what ran, on what, with which options, what was decided on the way, what came out.
#pragma once

#include <chrono>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/schema.hpp"
#include "morula/data/dataset.hpp"

namespace morula::commands {

/// Throws where a folder for results cannot be: an empty name (usage), a file in its place or on the way to it, a folder called run.json in it (invalid_data), no right to write (permission).
/// Makes nothing.
void check_output_folder(const std::filesystem::path& folder);
/// Makes it, with those above it. Throws as check_output_folder, and permission or resource_limit where the system says no.
void make_output_folder(const std::filesystem::path& folder);
/// The same, where nothing stands in the way of these tables: looked at before the first is written, so that none is left without the others.
void make_output_folder(const std::filesystem::path& folder, std::initializer_list<std::string_view> tables);

/// Where the record goes: run.json of a folder of tables, or into the one file that the verb writes (which is the same bits each time, so that seconds, memory and threads stay out of it).
enum class RecordPlace { folder, inside_file };

/// Listens to a Context's events for as long as it lives, and passes them on.
class VerbRecord final : public EventSink {
public:
    /// Checks the option `out` as a folder, where there is one, before anything is computed.
    VerbRecord(std::string verb, FieldValues options, Context& context);
    VerbRecord(std::string verb, FieldValues options, RecordPlace place, Context& context);

    void step_started(std::string_view name) override { behind_.step_started(name); }
    void progress(const ProgressReport& report) override { behind_.progress(report); }
    void step_finished(const StepReport& report) override { behind_.step_finished(report); }
    void warning(std::string_view text) override;
    void decision(std::string_view text) override;

    void add_input(std::string path, const data::Dataset& dataset);
    /// A file that is no data set, with the hash of what it holds; once each.
    void add_input(std::string path, std::string hash);
    void add_output(std::string name) { outputs_.push_back(std::move(name)); }
    void add_number(std::string name, double value);
    void add_count(std::string name, std::int64_t value);
    void add_text(std::string name, std::string value);
    /// Results that scripts read of run.json without a detour: they stand at its top as well.
    void show_at_top(std::vector<std::string> names) { at_top_ = std::move(names); }

    const std::vector<std::string>& warnings() const { return warnings_; }
    const FieldValues& results() const { return results_; }
    /// What run.json holds.
    std::string json() const;
    /// FOLDER/run.json, whole or not at all. What the folder's earlier run of the same verb wrote and this one did not is removed: it would be taken for this run's.
    void write(const std::filesystem::path& folder) const;
    /// The object that --json prints: results, outputs (below `folder`), warnings.
    std::string summary_json(const std::filesystem::path& folder) const;

private:
    struct Input {
        std::string path;
        std::string hash;  // of a file that is no data set; empty: a data set, of so many cells and genes
        std::int64_t n_cells = 0;
        std::int64_t n_genes = 0;
    };
    std::string verb_;
    FieldValues options_;
    RecordPlace place_;
    Context& context_;
    std::chrono::steady_clock::time_point started_;
    std::vector<Input> inputs_;
    std::vector<std::string> outputs_;
    std::vector<std::string> warnings_;
    std::vector<std::string> decisions_;
    FieldValues results_;
    std::vector<std::string> at_top_;
    EventSink& behind_;
    EventRedirect redirect_;  // last: the others are there before events come
};

}  // namespace morula::commands
