// The files of a finished run: cells.h5ad, markers.csv, report.html, and the last word of run.json.
#pragma once

#include <filesystem>

#include "morula/commands/command.hpp"
#include "morula/pipeline/recipes.hpp"
#include "morula/pipeline/run.hpp"
#include "morula/pipeline/run_record.hpp"
#include "morula/pipeline/run_steps.hpp"

namespace morula::pipeline {

commands::CommandResult write_outputs(const std::filesystem::path& folder, const RunOptions& options, const Recipe& recipe, const knowledge::MarkerTable& table, const RunState& state,
                                      RunRecord& record, Context& context);

}  // namespace morula::pipeline
