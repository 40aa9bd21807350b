// From the state of a finished run to the data of its report page.
#pragma once

#include <filesystem>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/knowledge/marker_table.hpp"
#include "morula/pipeline/recipes.hpp"
#include "morula/pipeline/run.hpp"
#include "morula/pipeline/run_record.hpp"
#include "morula/pipeline/run_steps.hpp"
#include "morula/report/report_data.hpp"

namespace morula::pipeline {

struct ReportInput {
    const RunOptions& options;
    const Recipe& recipe;
    const knowledge::MarkerTable& table;
    const RunState& state;
    const RunRecord& record;
    bool has_matrix = true;  // cells.h5ad carries the matrices
};

report::ReportData compose_report(const ReportInput& input, Context& context);

// Parts, each of which fills its sections.
void add_samples_and_quality(const ReportInput& input, report::ReportData& page);
void add_map_and_clusters(const ReportInput& input, const std::vector<std::int64_t>& shown, report::ReportData& page, Context& context);
void add_markers_and_labels(const ReportInput& input, const std::vector<std::int64_t>& shown, report::ReportData& page, Context& context);
/// The chapter "Healthy and diseased"; nothing where no condition was named. After add_acquired_changes.
void add_comparison(const ReportInput& input, report::ReportData& page);
/// Its part "Acquired changes"; nothing where neither reference cells nor positions of genes were named.
void add_acquired_changes(const ReportInput& input, report::ReportData& page);
/// cnv_cells.csv and the other tables of `morula cnv`; their names. Where nothing was called those of an earlier run are removed.
std::vector<std::string> write_acquired_changes(const std::filesystem::path& folder, const RunState& state, Context& context);
/// differences.csv, one row a type and compared gene. False where nothing was compared: then one of an earlier run is removed.
bool write_differences(const std::filesystem::path& path, const RunState& state);
/// programmes.csv, regulons.csv or communication.csv from uns `name`. False where the run had no such table: then one of an earlier run is removed.
bool write_compared_scores(const std::filesystem::path& path, const RunState& state, const char* name);
void add_words(const ReportInput& input, report::ReportData& page);

}  // namespace morula::pipeline
