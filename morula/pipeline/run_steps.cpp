#include "morula/pipeline/run_steps.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "morula/analysis/qc.hpp"
#include "morula/analysis/sample_checks.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "morula/core/error.hpp"
#include "morula/core/hash.hpp"

namespace morula::pipeline {
namespace {

using commands::merge_slots;
using data::Dataset;

FieldValues with(FieldValues values, const std::string& name, FieldValue value) {
    values.emplace_back(name, std::move(value));
    return values;
}

/// Cross table of batches and conditions as text, for the refusal.
std::string table_text(const matrix::Dense<std::int64_t>& table, const std::vector<std::string>& batches, const std::vector<std::string>& conditions) {
    constexpr std::int64_t kMostShown = 6;
    std::string text;
    for (std::int64_t b = 0; b < std::min(kMostShown, table.n_rows); ++b) {
        for (std::int64_t c = 0; c < table.n_cols; ++c) {
            text += fmt::format("{}{} / {}: {} cells", text.empty() ? "" : ", ", batches[static_cast<std::size_t>(b)], conditions[static_cast<std::size_t>(c)], table(b, c));
        }
    }
    return table.n_rows > kMostShown ? fmt::format("{}, ... {} batches in all", text, table.n_rows) : text;
}

/// Refuses to mix batches that are conditions: the difference that is looked for would be mixed away.
void check_confounding(Dataset& kept, const std::string& batch, Context& context) {
    if (!kept.obs.has("condition")) return;
    const std::string batch_column = !batch.empty() ? batch : kept.obs.has("batch") ? "batch" : "";
    if (batch_column.empty()) return;
    const data::Categorical batches = commands::require_groups(kept, batch_column);
    const data::Categorical conditions = data::as_categorical(kept.obs.at("condition"));
    const analysis::ConfoundingResult result = analysis::confounding(batches.codes, static_cast<std::int32_t>(batches.categories.size()), conditions.codes,
                                                                     static_cast<std::int32_t>(conditions.categories.size()));
    kept.uns["confounding"] = commands::uns_of(data::UnsMap{{"batch", commands::uns_of(batch_column)},
                                                            {"verdict", commands::uns_of(std::string(analysis::confounding_name(result.verdict)))},
                                                            {"sentence", commands::uns_of(result.sentence)}});
    if (result.verdict != analysis::Confounding::complete) return;
    const std::string table = table_text(result.n_units, batches.categories, conditions.categories);
    if (!batch.empty()) {
        invalid_data(fmt::format("The batch '{}' and the condition cannot be told apart ({}); mixing the batches would remove what is looked for.", batch, table),
                     "Leave --batch away, or give a batch column whose levels hold every condition.");
    }
    context.events().warning(fmt::format("Column '{}' and condition cannot be told apart ({}): a difference between conditions may be a difference between batches.", batch_column, table));
}

/// The floor of genes is meant for whole transcriptomes. Says what to do where it takes most cells, and refuses where it leaves too few for the components.
void check_floor(const RunState& state, const Recipe& recipe, Context& context) {
    const data::Categorical reason = commands::require_groups(state.all, "qc");
    const auto n_below = std::count(reason.codes.begin(), reason.codes.end(), static_cast<std::int32_t>(analysis::QcReason::few_genes));
    if (2 * n_below <= state.all.n_cells()) return;
    const std::string text = fmt::format("{}: {} of {} cells show fewer than {} genes, the floor of recipe {}; {} genes were measured.", state.all.name, n_below, state.all.n_cells(), recipe.qc.min_genes, recipe.name, state.all.n_genes());
    const std::string next = "A recipe's floor is fixed. For a panel of few genes go step by step with a lower one: `morula qc INPUT --min-genes 20 --out qc.h5ad`, then filter, normalize, hvg, pca, neighbors, leiden, umap, markers.";
    if (state.kept.n_cells() <= recipe.pca.n_components) invalid_data(text, next);
    context.events().warning(text + " " + next);
}

/// Said before an hour of doublets: variable genes are ranked within each sample.
void check_every_sample(const RunState& state, const Recipe& recipe) {
    if (!recipe.hvg_per_sample) return;
    const data::UnsMap& qc = commands::uns_map(state.all.uns, "qc");
    const std::vector<std::string> samples = commands::uns_texts(qc, "samples");
    const std::vector<std::int64_t> n_kept = commands::uns_integers(qc, "n_kept");
    for (std::size_t s = 0; s < samples.size(); ++s) {
        if (n_kept[s] >= 2) continue;
        invalid_data(fmt::format("sample '{}' has {} left after quality control; variable genes are ranked within each sample, which needs at least 2 cells.", samples[s], n_kept[s] == 0 ? "no cell" : "one cell"),
                     fmt::format("Look at its counts, or go on without sample '{}': --skip-failed-samples.", samples[s]));
    }
}

/// QC on all cells, then doublets, genes and log values of what is kept.
void quality_steps(RunState& state, const RunInputs& inputs, const Recipe& recipe, StepRunner& steps, Context& context) {
    const std::string qc = steps.run({"qc", 1, {inputs.key}, values_of(recipe.qc), [&](const Dataset& in, Context& c) { return commands::qc_slots(in, recipe.qc, c); }}, state.all);
    state.kept = commands::keep_cells(state.all);
    check_floor(state, recipe, context);
    if (state.kept.n_cells() == 0) invalid_data(fmt::format("{}: quality control keeps none of {} cells.", state.all.name, state.all.n_cells()), "Look at the counts: is this a filtered matrix of raw counts?");
    check_every_sample(state, recipe);
    steps.run({"doublets", 3, {qc}, values_of(recipe.doublets), [&](const Dataset& in, Context& c) { return commands::doublets_slots(in, recipe.doublets, c); }}, state.kept);
    const std::string filter = steps.run({"filter", 1, {qc}, values_of(recipe.filter), [&](const Dataset& in, Context& c) { return commands::filter_slots(in, recipe.filter, c); }}, state.kept);
    state.log_values = steps.run({"normalize", 1, {filter}, values_of(recipe.normalize), [&](const Dataset& in, Context& c) { return commands::normalize_slots(in, recipe.normalize, c); }}, state.kept);
    commands::add_log_values(state.kept);
}

/// Variable genes, PCA and, where asked, Harmony. Returns the key of the embedding.
std::string embedding_steps(RunState& state, const Recipe& recipe, const RunChoices& choices, StepRunner& steps) {
    Dataset& kept = state.kept;
    const std::string per = recipe.hvg_per_sample ? "sample" : "";
    const std::string hvg = steps.run({"hvg", 1, {state.log_values}, with(values_of(recipe.hvg), "batch", per), [&](const Dataset& in, Context& c) { return commands::hvg_slots(in, recipe.hvg, per, c); }}, kept);
    std::string key = steps.run({"pca", 2, {hvg}, values_of(recipe.pca), [&](const Dataset& in, Context& c) { return commands::pca_slots(in, recipe.pca, c); }}, kept);
    state.embedding = "X_pca";
    if (!choices.batch.empty()) {
        // Harmony sees the components that neighbours use.
        const auto corrected = [&](const Dataset& in, Context& c) {
            Dataset lead = in;
            lead.obsm["X_pca"] = commands::leading_columns(in.obsm.at("X_pca"), recipe.n_pcs_used);
            return commands::harmony_slots(lead, recipe.harmony, choices.batch, c);
        };
        key = steps.run({"harmony", 1, {key}, with(with(values_of(recipe.harmony), "batch", choices.batch), "n_dims", recipe.n_pcs_used), corrected}, kept);
        state.embedding = "X_pca_harmony";
    }
    return key;
}

/// Neighbours, clusters and layout of one embedding. Returns the key of the graph.
std::string graph_steps(RunState& state, const std::string& embedding_key, const Recipe& recipe, StepRunner& steps) {
    const commands::GraphOptions graph{recipe.neighbors, state.embedding, recipe.n_pcs_used, recipe.connectivities};
    FieldValues graph_values = with(with(values_of(recipe.neighbors), "embedding", state.embedding), "n_dims", recipe.n_pcs_used);
    for (auto& value : values_of(recipe.connectivities)) graph_values.push_back(std::move(value));
    return steps.run({"neighbors", 2, {embedding_key}, graph_values, [&](const Dataset& in, Context& c) { return commands::neighbors_slots(in, graph, c); }}, state.kept);
}

/// What Harmony changed: mixing in numbers, and the map before it beside the one after: obsm X_umap_before.
void before_and_after_harmony(RunState& state, const std::string& graph_key, const Recipe& recipe, const std::string& batch, StepRunner& steps) {
    const auto before = [&](const Dataset& in, Context& c) {
        Dataset plain = in;
        merge_slots(plain, commands::neighbors_slots(in, {recipe.neighbors, "X_pca", recipe.n_pcs_used, {}}, c));
        Dataset umap = commands::umap_slots(plain, recipe.umap, "X_pca", c);
        Dataset out = commands::slots_like(in);
        out.obsm["X_umap_before"] = std::move(umap.obsm["X_umap"]);
        return out;
    };
    steps.run({"integration", 1, {graph_key}, with(values_of(recipe.lisi), "n_dims", recipe.n_pcs_used), [&](const Dataset& in, Context& c) { return commands::integration_slots(in, recipe.lisi, batch, recipe.n_pcs_used, c); }}, state.kept);
    steps.run({"umap before harmony", 2, {graph_key}, values_of(recipe.umap), before}, state.kept);
}

/// The layout in three dimensions, beside the flat one: obsm X_umap_3d.
void map_in_3d(RunState& state, const std::string& graph_key, const Recipe& recipe, StepRunner& steps) {
    analysis::UmapOptions options = recipe.umap;
    options.n_components = 3;
    const auto spatial = [&](const Dataset& in, Context& c) {
        Dataset umap = commands::umap_slots(in, options, state.embedding, c);
        Dataset out = commands::slots_like(in);
        out.obsm["X_umap_3d"] = std::move(umap.obsm["X_umap"]);
        return out;
    };
    steps.run({"umap 3d", 2, {graph_key}, with(values_of(options), "embedding", state.embedding), spatial}, state.kept);
}

std::string cluster_steps(RunState& state, const std::string& graph_key, const Recipe& recipe, const RunChoices& choices, StepRunner& steps) {
    Dataset& kept = state.kept;
    const std::string leiden = steps.run({"leiden", 2, {graph_key}, values_of(recipe.leiden), [&](const Dataset& in, Context& c) { return commands::leiden_slots(in, recipe.leiden, state.clusters, c); }}, kept);
    steps.run({"leiden sweep", 2, {graph_key}, values_of(recipe.leiden_sweep), [&](const Dataset& in, Context& c) { return commands::leiden_sweep_slots(in, recipe.leiden_sweep, state.clusters, c); }}, kept);
    const FieldValues umap_values = with(values_of(recipe.umap), "embedding", state.embedding);
    steps.run({"umap", 2, {graph_key}, umap_values, [&](const Dataset& in, Context& c) { return commands::umap_slots(in, recipe.umap, state.embedding, c); }}, kept);
    if (recipe.umap_3d) map_in_3d(state, graph_key, recipe, steps);
    if (!choices.batch.empty()) before_and_after_harmony(state, graph_key, recipe, choices.batch, steps);
    return leiden;
}

/// What the clusters are: markers, labels, and whether they stand.
void meaning_steps(RunState& state, const std::string& leiden, const Recipe& recipe, const RunChoices& choices, StepRunner& steps) {
    Dataset& kept = state.kept;
    steps.run({"removed cells", 1, {leiden}, values_of(recipe.removed_cells), [&](const Dataset& in, Context& c) { return commands::removed_cells_slots(state.all, in, recipe.removed_cells, c); }}, kept);
    const std::string markers =
        steps.run({"markers", 3, {leiden}, values_of(recipe.markers), [&](const Dataset& in, Context& c) { return commands::markers_slots(in, recipe.markers, "leiden", c); }}, kept);
    steps.run({"labels", 2, {markers}, with(with(values_of(recipe.labels), "table", choices.labels->name), "table_hash", knowledge::hash_of(*choices.labels)), [&](const Dataset& in, Context& c) { return commands::labels_slots(in, recipe.labels, *choices.labels, c); }}, kept);
    steps.run({"merge clusters", 2, {leiden}, values_of(recipe.merge_clusters), [&](const Dataset& in, Context& c) { return commands::merge_clusters_slots(in, recipe.merge_clusters, c); }}, kept);
    steps.run({"ambient", 2, {leiden}, values_of(recipe.ambient), [&](const Dataset& in, Context& c) { return commands::ambient_slots(in, recipe.ambient, c); }}, kept);
    const std::string cycle = steps.run({"cell cycle", 1, {leiden}, values_of(recipe.cell_cycle), [&](const Dataset& in, Context& c) { return commands::cell_cycle_slots(in, recipe.cell_cycle, c); }}, kept);
    steps.run({"sample checks", 1, {leiden}, {}, [](const Dataset& in, Context& c) { return commands::sample_checks_slots(in, c); }}, kept);
    steps.run({"component checks", 1, {cycle}, {}, [](const Dataset& in, Context& c) { return commands::pca_checks_slots(in, c); }}, kept);
    steps.run({"sensitivity", 1, {leiden}, values_of(recipe.leiden), [&](const Dataset& in, Context& c) { return commands::sensitivity_slots(in, recipe.leiden, {}, state.clusters, c); }}, kept);
}

/// What differs between two conditions.
void differences_steps(RunState& state, const std::string& leiden, const RunChoices& choices, StepRunner& steps) {
    const commands::DifferencesChoice& choice = choices.differences;
    const analysis::DeOptions options;
    FieldValues columns;
    for (const auto& [name, value] : {std::pair{"condition", choice.condition}, {"case", choice.case_name}, {"control", choice.control_name}, {"donor", choice.donor}, {"cell_type", choice.cell_type}, {"batch", choice.batch}}) {
        columns = with(std::move(columns), name, value);
    }
    FieldValues values = values_of(options);
    values.insert(values.end(), columns.begin(), columns.end());
    steps.run({"differences", 6, {leiden}, values, [&](const Dataset& in, Context& c) { return commands::differences_slots(in, choice, options, c); }}, state.kept);
    const commands::DifferencesTables& tables = *choices.tables;
    if (tables.sets) {
        const FieldValues named = with(with(columns, "table", tables.sets->file), "table_hash", tables.sets_hash);
        steps.run({"programmes", 2, {leiden}, named, [&](const Dataset& in, Context& c) { return commands::programme_differences_slots(in, "programme_differences", choice, *tables.sets, c); }}, state.kept);
    }
    if (tables.regulons) {
        const FieldValues named = with(with(columns, "table", tables.regulons->file), "table_hash", tables.regulons_hash);
        steps.run({"regulons", 1, {leiden}, named, [&](const Dataset& in, Context& c) { return commands::programme_differences_slots(in, "regulon_differences", choice, *tables.regulons, c); }}, state.kept);
    }
    if (tables.pairs) {
        const FieldValues named = with(with(columns, "table", tables.pairs->file), "table_hash", tables.pairs_hash);
        steps.run({"communication", 1, {leiden}, named, [&](const Dataset& in, Context& c) { return commands::communication_differences_slots(in, choice, *tables.pairs, c); }}, state.kept);
    }
}

/// Clones are looked for within donors, or, where none are named, within samples.
commands::CnvChoice cnv_choice(const Dataset& dataset, const RunChoices& choices) {
    const bool by_sample = choices.donor.empty() && commands::samples_of(dataset).categories.size() > 1;
    return {choices.reference_cells, std::nullopt, by_sample ? "sample" : choices.donor};
}

/// What chromosomes cells have gained and lost against the normal cells that were named.
void cnv_step(RunState& state, const std::string& leiden, const RunChoices& choices, StepRunner& steps) {
    const commands::CnvChoice choice = cnv_choice(state.kept, choices);
    const analysis::CnvOptions options;
    FieldValues values = values_of(options.genes);
    for (const FieldValues& more : {values_of(options.windows), values_of(options.clones), values_of(options.calls)}) values.insert(values.end(), more.begin(), more.end());
    values = with(with(with(std::move(values), "reference_cells", choice.reference_cells.value_or("")), "donor", choice.donor), "positions_hash", choices.positions->hash);
    steps.run({"cnv", 3, {leiden}, values, [&](const Dataset& in, Context& c) { return commands::cnv_slots(in, choice, *choices.positions, options, c); }}, state.kept);
}

}  // namespace

void check_choices(const Dataset& dataset, const RunChoices& choices, Context& context) {
    if (!choices.batch.empty()) commands::require_groups(dataset, choices.batch);
    if (!choices.differences.condition.empty()) commands::check_differences(dataset, choices.differences, context);
    if (choices.asks_cnv) commands::check_cnv(dataset, {choices.reference_cells, std::nullopt, choices.donor});
}

RunState keep_cells(RunInputs inputs, const Recipe& recipe, const RunChoices& choices, StepRunner& steps, Context& context) {
    RunState state;
    state.all = std::move(inputs.dataset);
    check_choices(state.all, choices, context);
    check_confounding(state.all, choices.batch, context);
    quality_steps(state, inputs, recipe, steps, context);
    return state;
}

void analyse_cells(RunState& state, const Recipe& recipe, const RunChoices& choices, StepRunner& steps) {
    const std::string embedding = embedding_steps(state, recipe, choices, steps);
    const std::string graph = graph_steps(state, embedding, recipe, steps);
    const std::string leiden = cluster_steps(state, graph, recipe, choices, steps);
    meaning_steps(state, leiden, recipe, choices, steps);
    if (!choices.differences.condition.empty()) differences_steps(state, leiden, choices, steps);
    if (choices.asks_cnv) cnv_step(state, leiden, choices, steps);
    state.n_clusters = static_cast<std::int64_t>(commands::require_groups(state.kept, "leiden").categories.size());
}

}  // namespace morula::pipeline
