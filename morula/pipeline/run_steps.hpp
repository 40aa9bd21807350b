// The steps of a run in their order: the recipe made flesh.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "morula/commands/cnv_slots.hpp"
#include "morula/commands/score_differences.hpp"
#include "morula/commands/steps.hpp"
#include "morula/data/dataset.hpp"
#include "morula/knowledge/marker_table.hpp"
#include "morula/pipeline/recipes.hpp"
#include "morula/pipeline/run_inputs.hpp"
#include "morula/pipeline/step_runner.hpp"

namespace morula::pipeline {

/// What the user chose beside the recipe.
struct RunChoices {
    std::string batch;  // obs column to mix, "" for none
    commands::DifferencesChoice differences;
    const knowledge::MarkerTable* labels = nullptr;
    const commands::DifferencesTables* tables = nullptr;
    const commands::CnvPositions* positions = nullptr;
    bool asks_cnv = false;
    std::optional<std::string> reference_cells;
    std::string donor;  // for gains and losses; "": none, or the samples where there are several
};

struct RunState {
    data::Dataset all;   // every cell that came in, with QC
    data::Dataset kept;  // cells that went on, with everything computed
    std::int64_t n_clusters = 0;
    std::string log_values;  // key of the step that made them
    analysis::KnownClusters clusters;  // of the graph: the sweep has made those that other steps ask for
    std::string embedding;   // "X_pca" or "X_pca_harmony": what neighbours saw
};

/// Throws where a chosen column or value is not in obs, the only part of the data set that is looked at.
void check_choices(const data::Dataset& dataset, const RunChoices& choices, Context& context);

/// The cells that go on, with log values. Throws as check_choices, and invalid_data with the table when the batch equals the condition.
RunState keep_cells(RunInputs inputs, const Recipe& recipe, const RunChoices& choices, StepRunner& steps, Context& context);
/// Everything else about them.
void analyse_cells(RunState& state, const Recipe& recipe, const RunChoices& choices, StepRunner& steps);

}  // namespace morula::pipeline
