#include "morula/commands/integrate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "morula/analysis/batch_mixing.hpp"
#include "morula/analysis/lisi.hpp"
#include "morula/analysis/sample_checks.hpp"
#include "morula/commands/batch_groups.hpp"
#include "morula/commands/comparison_commands.hpp"
#include "morula/commands/derived_columns.hpp"
#include "morula/commands/gene_names.hpp"
#include "morula/commands/input.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/step_command.hpp"
#include "morula/commands/steps.hpp"
#include "morula/commands/verb_record.hpp"
#include "morula/core/error.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"
#include "morula/matrix/held_in_memory.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMeasuredCells = 5000;

struct IntegrateIo {
    std::vector<std::string> input;
    std::string batch;
    std::string out;
    std::string condition;
    std::vector<std::string> derive;
    std::string gene_table;
    std::string layer;
    formats::TextOrientation orientation = formats::TextOrientation::automatic;
    std::int32_t n_dims = IntegrationRecipe{}.n_dims;
    WhenMixed when_mixed = WhenMixed::leave;
};
constexpr auto describe(const IntegrateIo*) {
    using O = IntegrateIo;
    return std::tuple{
        field("input", &O::input, "Cells with raw counts: h5ad files, 10x folders or h5 files, text matrices, atlases; several are joined on their genes.", {.positional = true, .required = true}),
        field("batch", &O::batch, "obs column with the batches; where an input lacks it, its name is the batch.", {.required = true}),
        field("out", &O::out, "The h5ad file to write.", {.required = true}),
        field("condition", &O::condition, "obs column with the conditions (condition when not given and there): refuses batches that are the conditions."),
        field("derive", &O::derive, kDeriveHelp),
        field("gene_table", &O::gene_table, kGeneTableHelp),
        field("layer", &O::layer, "Matrix that holds the counts (X, raw.X or a layer); found by looking when not given."),
        field("orientation", &O::orientation, "Of a text matrix: whether its rows are genes or cells; auto: by looking at the names.", {.choices = "auto|genes-in-rows|cells-in-rows"}),
        field("n_dims", &O::n_dims, "Leading components that are mixed.", {.minimum = 2, .maximum = 1000}),
        field("when_mixed", &O::when_mixed, "Where batches mix already: leave the components as they are, or mix all the same.", {.choices = "leave|mix"}),
    };
}

struct Mixing {
    double acceptance;
    analysis::LisiResult lisi;
};
Mixing measure(const matrix::Dense<float>& embedding, const data::Categorical& batches, Context& context) {
    const auto n = static_cast<std::int32_t>(batches.categories.size());
    return {analysis::batch_acceptance(embedding.view(), batches.codes, n, kMeasuredCells, context), analysis::lisi(embedding.view(), batches.codes, n, {}, context)};
}

data::Uns record_of(const IntegrationOutcome& outcome, const std::string& batch, std::int64_t n_cells, const IntegrationRecipe& recipe) {
    return uns_of(data::UnsMap{{"batch", uns_of(batch)}, {"method", uns_of(std::string(outcome.moved ? "harmony" : "none"))}, {"embedding", uns_of(std::string("X_integrated"))}, {"from", uns_of(std::string("X_pca"))},
                               {"ilisi_before", uns_of(outcome.ilisi_before)}, {"ilisi_after", uns_of(outcome.ilisi_after)}, {"ilisi_expected", uns_of(outcome.ilisi_expected)},
                               {"acceptance_before", uns_of(outcome.acceptance_before)}, {"acceptance_after", uns_of(outcome.acceptance_after)},
                               {"n_batches", uns_of(std::int64_t{outcome.n_batches})}, {"n_cells", uns_of(std::min(n_cells, kMeasuredCells))},
                               {"params", uns_of(data::UnsMap{{"n_dims", uns_of(std::int64_t{recipe.n_dims})}, {"hvg", uns_of(to_json(values_of(recipe.hvg)))}, {"pca", uns_of(to_json(values_of(recipe.pca)))}, {"harmony", uns_of(to_json(values_of(recipe.harmony)))}})}});
}

/// Every data set behind the paths, with counts, held in memory where they fit.
std::vector<data::Dataset> open_parts(const IntegrateIo& io, VerbRecord& record, Context& context) {
    std::vector<data::Dataset> parts;
    std::vector<fs::path> seen;
    for (const std::string& path : io.input) {
        const fs::path real = fs::weakly_canonical(path);
        if (std::find(seen.begin(), seen.end(), real) != seen.end()) invalid_data(fmt::format("{} is named twice.", path), "Name each input once.");
        seen.push_back(real);
        for (data::Dataset& part : open_datasets(path, io.orientation, context)) {
            if (!io.layer.empty() || !part.layers.contains("counts")) part = with_counts(std::move(part), io.layer, context);
            part = gene_expression(part, context);
            record.add_input(path, part);
            part.layers["counts"] = matrix::held_in_memory(part.layers.at("counts"), context);
            if (!io.derive.empty()) add_derived_columns(part, io.derive, context);
            parts.push_back(std::move(part));
        }
    }
    return parts;
}

std::string outcome_text(const IntegrateIo& io, const data::Dataset& dataset, const IntegrationOutcome& outcome) {
    std::string text = fmt::format("{}: {} cells x {} genes of {} batches, {} components of {} variable genes.\n", io.out, dataset.n_cells(), dataset.n_genes(), outcome.n_batches, dataset.obsm.at("X_integrated").n_cols, outcome.n_variable_genes);
    text += fmt::format("Batches around a cell (median iLISI): {:.2f} before, {:.2f} after; {:.2f} with no structure at all.\n", outcome.ilisi_before, outcome.ilisi_after, outcome.ilisi_expected);
    text += fmt::format("Neighbourhoods that look like random batches: {:.0f} % before, {:.0f} % after.\n", 100.0 * outcome.acceptance_before, 100.0 * outcome.acceptance_after);
    if (!outcome.moved) text += "The batches were mixed already, and no cell was moved: X_integrated is the leading components.\n";
    return text + fmt::format("Score it with labels that were made without it: morula evaluate integration {} --batch {} --label COL --embedding X_integrated\n", io.out, io.batch);
}

std::string outcome_json(const IntegrateIo& io, const data::Dataset& dataset, const IntegrationOutcome& outcome) {
    using Json = nlohmann::ordered_json;
    const data::Categorical batches = require_groups(dataset, io.batch);
    Json cells = Json::object();
    for (std::size_t b = 0; b < batches.categories.size(); ++b) cells[batches.categories[b]] = std::count(batches.codes.begin(), batches.codes.end(), static_cast<std::int32_t>(b));
    const Json json = {{"out", io.out}, {"n_cells", dataset.n_cells()}, {"n_genes", dataset.n_genes()}, {"n_batches", outcome.n_batches}, {"cells_of_batch", cells}, {"n_variable_genes", outcome.n_variable_genes},
                       {"n_dims", dataset.obsm.at("X_integrated").n_cols}, {"moved", outcome.moved}, {"ilisi_before", outcome.ilisi_before}, {"ilisi_after", outcome.ilisi_after}, {"ilisi_expected", outcome.ilisi_expected},
                       {"acceptance_before", outcome.acceptance_before}, {"acceptance_after", outcome.acceptance_after}, {"wrote", {"obsm X_pca, X_integrated", "varm PCs", "var highly_variable", "layer X"}}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

CommandResult run_integrate(const FieldValues& values, Context& context) {
    const auto io = options_among<IntegrateIo>(values);
    const IntegrationRecipe recipe{options_among<analysis::HvgOptions>(values), options_among<analysis::PcaOptions>(values), options_among<analysis::HarmonyOptions>(values), io.n_dims, io.when_mixed};
    refuse_to_overwrite(io.out, io.input);
    if (fs::path(io.out).extension() != ".h5ad") fail(ErrorCode::usage, fmt::format("--out {}: the name must end in .h5ad.", io.out), "Write for instance --out integrated.h5ad.");
    const bool names_dims = std::ranges::any_of(values, [](const auto& value) { return value.first == "n_dims"; });
    if (names_dims && io.n_dims > recipe.pca.n_components) {
        fail(ErrorCode::usage, fmt::format("--n-dims {}: only {} components are made.", io.n_dims, recipe.pca.n_components), fmt::format("Pass --n-components {} or more, or fewer --n-dims.", io.n_dims));
    }
    VerbRecord record("integrate", values, RecordPlace::inside_file, context);
    std::vector<data::Dataset> parts = open_parts(io, record, context);
    if (io.n_dims > recipe.pca.n_components) context.events().decision(fmt::format("All {} components are mixed, fewer than the usual {}.", recipe.pca.n_components, io.n_dims));
    data::Dataset dataset = parts.size() == 1 ? std::move(parts.front()) : join_for_integration(std::move(parts), io.batch, open_gene_table(io.gene_table, context), context);
    refuse_batches_that_are_conditions(dataset, io.batch, io.condition, context);
    const IntegrationOutcome outcome = integrate(dataset, io.batch, recipe, context);
    std::get<data::UnsMap>(dataset.uns.at("integration").value)["run"] = uns_of(record.json());
    formats::write_h5ad(dataset, io.out, {}, context);
    return {outcome_text(io, dataset, outcome), outcome_json(io, dataset, outcome)};
}

std::string cross_table(const analysis::ConfoundingResult& found, const data::Categorical& batches, const data::Categorical& conditions) {
    std::string text;
    for (std::int64_t b = 0; b < found.n_units.n_rows; ++b) {
        for (std::int64_t c = 0; c < found.n_units.n_cols; ++c) {
            if (found.n_units(b, c) > 0) text += fmt::format("\n{:<24}{:<24}{:>8} cells", batches.categories[static_cast<std::size_t>(b)], conditions.categories[static_cast<std::size_t>(c)], found.n_units(b, c));
        }
    }
    return text;
}

/// Conditions that each batch has, and batches that each condition has, at most.
struct MostOfEach {
    std::int64_t conditions_of_batch = 0;
    std::int64_t batches_of_condition = 0;
};
MostOfEach most_of_each(const matrix::Dense<std::int64_t>& n) {
    MostOfEach most;
    std::vector<std::int64_t> of_condition(static_cast<std::size_t>(n.n_cols), 0);
    for (std::int64_t b = 0; b < n.n_rows; ++b) {
        std::int64_t of_batch = 0;
        for (std::int64_t c = 0; c < n.n_cols; ++c) {
            if (n(b, c) == 0) continue;
            ++of_batch;
            most.batches_of_condition = std::max(most.batches_of_condition, ++of_condition[static_cast<std::size_t>(c)]);
        }
        most.conditions_of_batch = std::max(most.conditions_of_batch, of_batch);
    }
    return most;
}

}  // namespace

void refuse_batches_that_are_conditions(const data::Dataset& dataset, const std::string& batch, const std::string& condition, Context& context) {
    if (condition.empty() && !dataset.obs.has("condition")) return;
    const std::string column = condition.empty() ? "condition" : condition;
    const data::Categorical batches = require_groups(dataset, batch);
    const data::Categorical conditions = condition.empty() ? data::as_categorical(dataset.obs.at(column)) : require_groups(dataset, column);
    const analysis::ConfoundingResult found = analysis::confounding(batches.codes, static_cast<std::int32_t>(batches.categories.size()), conditions.codes, static_cast<std::int32_t>(conditions.categories.size()));
    if (found.verdict != analysis::Confounding::complete) return;
    const MostOfEach most = most_of_each(found.n_units);
    if (most.conditions_of_batch == 1 && most.batches_of_condition == 1) {
        invalid_data(fmt::format("{}: each condition in '{}' is one batch in '{}', so that mixing the batches would remove what is looked for:{}", dataset.name, column, batch, cross_table(found, batches, conditions)),
                     "Name a column whose batches hold several conditions, or compare the conditions without integration (morula de, morula abundance).");
    }
    context.events().warning(fmt::format("Batches in '{}' and conditions in '{}' cannot be told apart: X_integrated mixes conditions as it mixes batches. Use it to find kinds of cell, and compare conditions on the counts (morula de).", batch, column));
}

IntegrationOutcome integrate(data::Dataset& dataset, const std::string& batch, const IntegrationRecipe& recipe, Context& context) {
    const data::Categorical batches = used_categories(require_groups(dataset, batch));
    if (std::holds_alternative<data::Categorical>(dataset.obs.at(batch))) dataset.obs.set(batch, batches);  // variable genes are chosen in each: none may be without cells
    refuse_values_of_single_cells(dataset, batch, batches, "batches");
    IntegrationOutcome outcome;
    outcome.n_batches = static_cast<std::int32_t>(batches.categories.size());
    if (outcome.n_batches < 2) invalid_data(fmt::format("{}: all cells have one batch in '{}', so there is nothing to integrate.", dataset.name, batch), "Name a column with two batches or more, or several inputs.");
    merge_slots(dataset, filter_slots(dataset, {}, context));
    merge_slots(dataset, normalize_slots(dataset, {}, context));
    add_log_values(dataset);
    merge_slots(dataset, hvg_slots(dataset, recipe.hvg, batch, context));
    for (const double variable : data::column_numbers(dataset.var.at("highly_variable"))) outcome.n_variable_genes += variable != 0.0;
    merge_slots(dataset, pca_slots(dataset, recipe.pca, context));
    data::Dataset lead = slots_like(dataset);
    lead.obs.set(batch, batches);
    lead.obsm["X_pca"] = leading_columns(dataset.obsm.at("X_pca"), recipe.n_dims);
    const Mixing before = measure(lead.obsm.at("X_pca"), batches, context);
    outcome.acceptance_before = before.acceptance;
    outcome.ilisi_before = before.lisi.median;
    outcome.ilisi_expected = before.lisi.expected;
    outcome.moved = recipe.when_mixed == WhenMixed::mix || !(before.acceptance >= kMixedAcceptance);
    if (outcome.moved) {
        data::Dataset slots = harmony_slots(lead, recipe.harmony, batch, context);
        slots.obsm["X_integrated"] = std::move(slots.obsm.at("X_pca_harmony"));
        slots.obsm.erase("X_pca_harmony");
        merge_slots(dataset, std::move(slots));
    } else {
        dataset.obsm["X_integrated"] = std::move(lead.obsm.at("X_pca"));
    }
    const Mixing after = outcome.moved ? measure(dataset.obsm.at("X_integrated"), batches, context) : before;
    outcome.acceptance_after = after.acceptance;
    outcome.ilisi_after = after.lisi.median;
    dataset.uns["integration"] = record_of(outcome, batch, dataset.n_cells(), recipe);
    return outcome;
}

Command integrate_command() {
    Command command;
    command.name = "integrate";
    command.summary = "Put cells of several batches or data sets into one space.";
    command.help =
        "Inputs are joined on their genes; variable genes are chosen within each batch, components are joint, and Harmony mixes the batches (obsm X_integrated). Counts stay as they are. Where batches mix already, nothing is moved. "
        "Refused where each condition is one batch. No cell is left out: run qc and filter before.";
    command.examples = {{"Two data sets", "morula integrate v2.h5ad v3.h5ad --batch chemistry --out integrated.h5ad"},
                        {"One data set with a batch column", "morula integrate cells.h5ad --batch donor --condition condition --out integrated.h5ad"}};
    command.reads = {"layer counts", "obs BATCH"};
    command.writes = {"obsm X_pca, X_integrated", "varm PCs", "var highly_variable", "layer X"};
    command.options = joined_schema<IntegrateIo, analysis::HvgOptions, analysis::PcaOptions, analysis::HarmonyOptions>();
    command.run = run_integrate;
    return command;
}

}  // namespace morula::commands
