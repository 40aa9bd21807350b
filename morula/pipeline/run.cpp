#include "morula/pipeline/run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "morula/analysis/sample_checks.hpp"
#include "morula/atlas/atlas.hpp"
#include "morula/commands/cnv.hpp"
#include "morula/commands/input.hpp"
#include "morula/commands/input_errors.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/printable.hpp"
#include "morula/core/temporary_name.hpp"
#include "morula/knowledge/marker_table.hpp"
#include "morula/matrix/blas.hpp"
#include "morula/pipeline/run_inputs.hpp"
#include "morula/pipeline/run_outputs.hpp"
#include "morula/pipeline/run_record.hpp"
#include "morula/pipeline/run_steps.hpp"
#include "morula/pipeline/step_runner.hpp"

namespace morula::pipeline {
namespace {

namespace fs = std::filesystem;

/// Options that are told again must be those of the recorded run: its results stand on them.
void check_told_again(const RunOptions& given, const RunOptions& earlier, const fs::path& record) {
    const FieldValues now = values_of(given);
    const FieldValues then = values_of(earlier);
    const FieldValues defaults = values_of(RunOptions{});
    for (std::size_t i = 0; i < now.size(); ++i) {
        if (now[i].first == "out" || now[i].first == "resume" || now[i].second == defaults[i].second || now[i].second == then[i].second) continue;
        std::string option = now[i].first;
        std::replace(option.begin(), option.end(), '_', '-');
        fail(ErrorCode::usage, fmt::format("{}: that run was started with another {}.", record.string(), option == "input" ? "input" : "--" + option),
             "Leave it away to go on with that run, or leave --resume away: steps that it does not touch are not computed again.");
    }
}

/// Paths of the recorded run are as they were typed: from another folder they lead nowhere.
void check_still_there(const RunOptions& earlier, const fs::path& record) {
    std::vector<std::string> paths = earlier.input;
    if (!earlier.samples.empty()) paths.push_back(earlier.samples);
    for (const std::string& path : paths) {
        if (fs::exists(path)) continue;
        fail(ErrorCode::not_found, fmt::format("{}: does not exist; the run of {} read it.", path, record.string()),
             "Go to the folder in which that run was started, or leave --resume away and name the input where it is now: steps on the same counts are not computed again.");
    }
}

/// What the recorded run read may be another file by now.
void tell_changed_inputs(const std::vector<std::pair<std::string, std::string>>& earlier, const RunRecord& record, Context& context) {
    for (const InputRecord& input : record.inputs()) {
        const auto same_path = [&](const auto& known) { return known.first == input.path; };
        const bool is_known = std::any_of(earlier.begin(), earlier.end(), same_path);
        const bool is_same = std::any_of(earlier.begin(), earlier.end(), [&](const auto& known) { return same_path(known) && known.second == input.id; });
        if (is_known && !is_same) context.events().warning(fmt::format("{}: has changed since the run that goes on here was started; what depends on it is computed again.", input.path));
    }
}

/// With --resume the options of the recorded run hold.
RunOptions resolved(const RunOptions& options) {
    if (!options.resume) return options;
    const fs::path record = fs::path(options.out) / "run.json";
    if (!fs::exists(record)) {
        fail(ErrorCode::not_found, fmt::format("{}: there is no run to go on with.", record.string()), "Leave --resume away and name the input.");
    }
    RunOptions earlier = with_values(RunOptions{}, options_of_earlier_run(record, schema_of<RunOptions>()));
    check_told_again(options, earlier, record);
    if (!earlier.skip_failed_samples) check_still_there(earlier, record);
    earlier.out = options.out;
    earlier.resume = false;
    return earlier;
}

std::vector<commands::SampleRow> sample_rows(const RunOptions& options, Context& context) {
    if (!options.samples.empty() && !options.input.empty()) fail(ErrorCode::usage, "Both INPUT and --samples are given.", "Give one of them.");
    if (!options.samples.empty()) return commands::read_sample_sheet(options.samples, context);
    if (options.input.empty()) fail(ErrorCode::usage, "No input is given.", "Name an h5ad file or a 10x folder: morula run INPUT --out DIR.");
    std::vector<commands::SampleRow> rows;
    for (const std::string& path : options.input) {
        const fs::path clean = fs::path(path).has_filename() ? fs::path(path) : fs::path(path).parent_path();
        std::string name = printable(clean.stem().string());  // names of samples are text; those of files may be any bytes
        // Two inputs of the same name are told apart by the folder above.
        for (const commands::SampleRow& row : rows) {
            if (row.name == name) name = fs::absolute(clean).parent_path().filename().string() + "_" + name;
        }
        rows.push_back({path, name, {}});
    }
    return rows;
}

Recipe recipe_of(const RunOptions& options, std::int64_t n_samples) {
    Recipe recipe = make_recipe(options.recipe, n_samples, options.seed);
    recipe.qc.kind = options.kind;
    if (options.ambient_below) recipe.cell_calling.ambient_below = *options.ambient_below;
    if (options.resolution) recipe.leiden.resolution = *options.resolution;
    if (options.n_neighbors) recipe.neighbors.n_neighbors = *options.n_neighbors;
    if (options.graph_weights) recipe.connectivities.graph_weights = *options.graph_weights;
    recipe.umap_3d = options.umap_3d;
    if (options.n_components) {
        recipe.pca.n_components = *options.n_components;
        recipe.n_pcs_used = std::min<std::int64_t>(recipe.n_pcs_used, *options.n_components);
    }
    if (options.n_top_genes) recipe.hvg.n_top = *options.n_top_genes;
    return recipe;
}

atlas::Atlas open_store(const fs::path& folder, const RunOptions& options) {
    const fs::path path = folder / "data.atlas";
    if (!fs::exists(path)) {
        try {
            atlas::Atlas::init(path, options.title.empty() ? folder.filename().string() : options.title);
        } catch (const Error&) {
            if (!fs::exists(path)) throw;  // another run made it in the meantime: the lock tells
        }
    }
    atlas::Atlas store = atlas::Atlas::open(path);
    store.acquire_writer();
    return store;
}

/// Whether a run may have made the folder: it holds a run's files, or what a run that was killed at its start left, or nothing.
bool is_of_runs(const fs::path& folder) {
    if (fs::exists(folder / "run.json") || fs::exists(folder / "data.atlas")) return true;
    return std::all_of(fs::directory_iterator(folder), fs::directory_iterator(), [](const fs::directory_entry& entry) {
        const std::string name = entry.path().filename().string();
        return std::any_of(kOutputNames.begin(), kOutputNames.end(), [&](const char* output) { return is_temporary_of(name, output); });
    });
}

fs::path prepared_folder(const RunOptions& options) {
    if (options.out.empty()) fail(ErrorCode::usage, "No --out is given.", "Name the folder for the results: --out DIR.");
    const fs::path folder = options.out;
    if (fs::is_symlink(folder) && !fs::exists(folder)) invalid_data(fmt::format("{}: is a link to {}, which does not exist.", folder.string(), fs::read_symlink(folder).string()), "Make that folder, or name another one with --out.");
    if (fs::exists(folder) && !fs::is_directory(folder)) invalid_data(fmt::format("{}: is a file.", folder.string()), "Name another folder with --out.");
    if (fs::exists(folder) && !is_of_runs(folder)) {
        fail(ErrorCode::usage, fmt::format("{}: holds files that no run of Morula wrote.", folder.string()), "Name an empty or new folder with --out.");
    }
    for (const char* name : kOutputNames) {
        const bool wants_folder = fs::path(name).extension() == ".atlas";
        if (!fs::exists(folder / name) || fs::is_directory(folder / name) == wants_folder) continue;
        invalid_data(fmt::format("{}: is a {}; the run writes a {} there.", (folder / name).string(), wants_folder ? "file" : "folder", wants_folder ? "folder" : "file"), "Move it away, or name another folder with --out.");
    }
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) fail_from_errno(error.value(), "make the folder", folder.string());
    return folder;
}

knowledge::MarkerTable marker_table(const RunOptions& options, Context& context) {
    return options.markers.empty() ? knowledge::builtin_marker_table() : knowledge::read_marker_table(options.markers, context);
}

/// What can be known to be wrong before anything is written.
struct Prepared {
    std::vector<commands::SampleRow> rows;
    std::vector<SkippedSample> skipped;  // their paths lead to nothing that can be read
    knowledge::MarkerTable table;
    commands::DifferencesTables compared;
    commands::CnvPositions positions;
};

FailedSamples on_failure(const RunOptions& options) { return options.skip_failed_samples ? FailedSamples::skip : FailedSamples::refuse; }

bool asks_cnv(const RunOptions& options) { return options.reference_cells.has_value() || !options.gene_order.empty(); }

commands::DifferencesChoice differences_choice(const RunOptions& options) {
    return {options.condition, options.case_name, options.control_name, options.donor, options.cell_type.empty() ? "leiden" : options.cell_type, options.batch};
}

RunChoices choices_of(const RunOptions& options, const Prepared& prepared) {
    return {options.mixed_batch(), differences_choice(options), &prepared.table, &prepared.compared, &prepared.positions, asks_cnv(options), options.reference_cells, options.donor};
}

/// An error about the cells names what they were read from: the file, or the sheet of samples, or the first files.
Error naming_inputs(const Error& error, const RunOptions& options, const std::vector<commands::SampleRow>& rows) {
    constexpr std::size_t kMostNamed = 3;
    const bool names_one = std::any_of(rows.begin(), rows.end(), [&](const commands::SampleRow& row) { return error.message().find(row.path) != std::string::npos; });
    if (names_one || error.message().find(options.out) != std::string::npos) return error;
    std::vector<std::string> named;
    for (const commands::SampleRow& row : rows) named.push_back(row.path);
    if (named.size() > kMostNamed) named.resize(kMostNamed);
    const std::string all = fmt::format("{}{}", fmt::join(named, ", "), rows.size() > kMostNamed ? ", ..." : "");
    return commands::naming_input(error, options.samples.empty() ? all : options.samples, rows.size() == 1 ? rows.front().name : fmt::format("{} samples", rows.size()));
}

/// Names of columns and values, where obs can be read alone: a wrong one is told before hours of reading. What is said aloud is said when the whole is read.
void check_names(const RunOptions& options, const Prepared& prepared, Context& context) {
    if (options.batch.empty() && options.condition.empty() && !asks_cnv(options)) return;
    Context quiet({.threads = context.threads(), .memory_bytes = context.memory_bytes()});
    std::optional<data::Dataset> cells;
    try {
        cells = obs_of_inputs(prepared.rows, quiet);
    } catch (const Error&) {
        if (!options.skip_failed_samples) throw;  // else the sample is left out when it is read
    }
    if (!cells) return;
    try {
        check_choices(*cells, choices_of(options, prepared), quiet);
    } catch (const Error& error) {
        throw naming_inputs(error, options, prepared.rows);
    }
}

Prepared prepare(const RunOptions& options, Context& context) {
    const bool compares = !options.condition.empty();
    for (const auto& [flag, value] : {std::pair{"--case", &options.case_name}, {"--control", &options.control_name}, {"--donor", &options.donor}}) {
        if (compares == !value->empty() || (value == &options.donor && asks_cnv(options))) continue;
        fail(ErrorCode::usage, fmt::format("{} is {} --condition.", flag, compares ? "missing beside" : "given without"), "A comparison needs --condition COLUMN --case VALUE --control VALUE --donor COLUMN.");
    }
    for (const auto& [flag, value] : {std::pair{"--gene-sets", &options.gene_sets}, {"--regulons", &options.regulons}, {"--interactions", &options.interactions}}) {
        if (!value->empty() && !compares) fail(ErrorCode::usage, fmt::format("{} is given without --condition.", flag), "A run compares them between conditions; of one sample ask `morula programmes` or `morula communicate`.");
    }
    if (!options.parts.empty() && options.interactions.empty()) fail(ErrorCode::usage, "--parts is given without --interactions.", "Name the table of pairs with --interactions.");
    if (!options.arms.empty() && !asks_cnv(options)) fail(ErrorCode::usage, "--arms is given without --reference-cells.", "Name normal cells: --reference-cells \"cell_type=T cell\".");
    Prepared prepared{sample_rows(options, context), {}, marker_table(options, context), commands::read_differences_tables(options.gene_sets, options.regulons, options.interactions, options.parts, context), commands::read_cnv_positions(options.gene_order, options.arms, context)};
    make_recipe(options.recipe, 1, options.seed);
    const std::size_t n_samples = prepared.rows.size();
    std::erase_if(prepared.rows, [&](const commands::SampleRow& row) {
        return !attempt_sample(row, n_samples, on_failure(options), prepared.skipped, [&] { commands::input_kind(row.path, context); });
    });
    require_a_sample(prepared.rows.size(), prepared.skipped);
    check_names(options, prepared, context);
    return prepared;
}

void record_measures(const data::UnsMap& uns, RunRecord& record) {
    record.set_measure("neighbor_recall", commands::uns_number(commands::uns_map(uns, "neighbors"), "recall"));
    record.set_measure("modularity", commands::uns_number(commands::uns_map(uns, "leiden"), "modularity"));
    if (uns.count("integration") == 0) return;
    for (const char* name : {"ilisi_before", "ilisi_after", "ilisi_expected"}) record.set_measure(name, commands::uns_number(commands::uns_map(uns, "integration"), name));
}

/// Everything between an open store and the outputs.
commands::CommandResult run_in(const fs::path& folder, const RunOptions& options, const Prepared& prepared, const std::vector<std::pair<std::string, std::string>>& earlier, atlas::Atlas& store, RunRecord& record,
                               Context& context) {
    record.set_context(context.threads(), context.memory_bytes(), matrix::numeric_profile().text());
    if (asks_cnv(options) && !options.reference_cells) context.events().warning(commands::kNoReference);
    for (const SkippedSample& skipped : prepared.skipped) record.skip_sample(skipped);
    const Recipe of_one = recipe_of(options, 1);
    const LoadOptions load{options.layer, options.orientation, options.call_cells, of_one.cell_calling, of_one.qc, of_one.hvg.n_top, recipe_of(options, 2).hvg.n_top, on_failure(options)};
    RunInputs inputs = load_inputs(prepared.rows, load, store, record, context);
    tell_changed_inputs(earlier, record, context);
    const Recipe recipe = recipe_of(options, static_cast<std::int64_t>(inputs.ids.size()));
    StepRunner steps(store, record, context);
    const RunChoices choices = choices_of(options, prepared);
    RunState state = keep_cells(std::move(inputs), recipe, choices, steps, context);
    CellsFile cells(folder / "cells.h5ad", options, state.kept, context);
    analyse_cells(state, recipe, choices, steps);
    record_measures(state.kept.uns, record);
    store.settle();
    record.set_numbers(state.kept.n_cells(), state.kept.n_genes(), state.n_clusters);
    return write_outputs(folder, options, recipe, prepared.table, state, cells, record, context);
}

}  // namespace

commands::CommandResult run(const RunOptions& given, Context& context) {
    matrix::make_blas_ready();
    const RunOptions options = resolved(given);
    const Prepared prepared = prepare(options, context);
    const fs::path folder = prepared_folder(options);
    atlas::Atlas store = open_store(folder, options);  // holds the writer's lock: a second run leaves the first one's record alone
    for (const char* name : kOutputNames) remove_left_over(folder / name);
    const std::vector<std::pair<std::string, std::string>> earlier = given.resume ? inputs_of_earlier_run(folder / "run.json") : std::vector<std::pair<std::string, std::string>>{};
    RunRecord record(folder / "run.json", values_of(options), context.events());
    const EventRedirect redirect(context, record);
    try {
        return run_in(folder, options, prepared, earlier, store, record, context);
    } catch (const Error& raw) {
        const Error error = naming_inputs(raw, options, prepared.rows);
        record.close(error.code() == ErrorCode::cancelled ? RunStatus::cancelled : RunStatus::failed, error.what());
        if (!fs::exists(folder / "report.html")) throw error;
        throw Error(error.code(), error.message(), fmt::format("{} The report and tables in {} are those of an earlier run.", error.next(), folder.string()));
    } catch (const std::exception& error) {
        record.close(RunStatus::failed, error.what());
        throw;
    }
}

commands::Command run_command() {
    commands::Command base;
    base.name = "run";
    base.summary = "From counts to a report: QC, map, clusters, markers and labels.";
    base.help = "Reads raw counts, keeps them with the result of every step in OUT/data.atlas (counts of an INPUT that is an atlas stay there), runs every step of the recipe, and writes OUT/report.html, OUT/cells.h5ad, OUT/markers.csv and OUT/run.json. "
                "A step whose inputs and options are unchanged is not run again.";
    base.examples = {{"One sample", "morula run filtered_feature_bc_matrix --out pbmc"},
                     {"Several samples with donors and conditions", "morula run --samples samples.csv --out study"},
                     {"A study of which one sample failed", "morula run --samples samples.csv --skip-failed-samples --out study"},
                     {"Mix batches", "morula run --samples samples.csv --batch batch --out study"},
                     {"Healthy and diseased donors", "morula run cohort.h5ad --condition disease --case lupus --control normal --donor donor_id --cell-type cell_type --out lupus"},
                     {"A tumour beside normal cells of the same sample", "morula run tumour.h5ad --reference-cells \"cell_type=T cell,B cell\" --gene-order genes.gtf.gz --arms cytoBand.txt --donor patient --out tumour"},
                     {"Every barcode that was read: cells are called first", "morula run raw_feature_bc_matrix --out pbmc"},
                     {"Go on after a stop", "morula run --resume --out study"}};
    return commands::make_command<RunOptions>(std::move(base), run);
}

}  // namespace morula::pipeline
