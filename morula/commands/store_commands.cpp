#include "morula/commands/store_commands.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "morula/atlas/atlas.hpp"
#include "morula/commands/atlas_target.hpp"
#include "morula/commands/input.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

struct InitOptions {
    std::string atlas;
    std::string name;
};
constexpr auto describe(const InitOptions*) {
    return std::tuple{
        field("atlas", &InitOptions::atlas, "Folder to make, NAME.atlas.", {.positional = true, .required = true}),
        field("name", &InitOptions::name, "Name of the atlas; not given: the folder's."),
    };
}

CommandResult init(const InitOptions& options, Context&) {
    const fs::path path = options.atlas;
    const atlas::Atlas store = atlas::Atlas::init(path, options.name.empty() ? path.stem().string() : options.name);
    return {fmt::format("{}: an empty atlas.", options.atlas), dump({{"atlas", options.atlas}, {"version", store.version()}})};
}

struct IngestCommandOptions {
    std::vector<std::string> file;
    std::string atlas;
    std::string layer;
    formats::TextOrientation orientation = formats::TextOrientation::automatic;
};
constexpr auto describe(const IngestCommandOptions*) {
    return std::tuple{
        field("file", &IngestCommandOptions::file, "h5ad files, 10x folders, 10x h5 files or text matrices.", {.positional = true, .required = true}),
        field("atlas", &IngestCommandOptions::atlas, "The atlas; made when it is not there.", {.required = true}),
        field("layer", &IngestCommandOptions::layer, "Matrix that holds the raw counts (X, raw.X or a layer); found by looking when not given."),
        field("orientation", &IngestCommandOptions::orientation, "Of a text matrix: whether its rows are genes or cells; auto: by looking at the names.", {.choices = "auto|genes-in-rows|cells-in-rows"}),
    };
}

CommandResult ingest_into(atlas::Atlas& store, const IngestCommandOptions& options, Context& context) {
    Json ids = Json::array();
    std::string text;
    for (const std::string& file : options.file) {
        std::vector<data::Dataset> datasets = open_datasets(file, options.orientation, context);
        // The damaged counts of a data set can be traced to its file where the file holds no other.
        const bool alone = datasets.size() == 1;
        for (data::Dataset& dataset : datasets) {
            const std::string name = dataset.name;
            data::Dataset counts = with_counts(std::move(dataset), options.layer, context);
            atlas::IngestOptions ingest_options;
            ingest_options.layer = "counts";
            ingest_options.name = name;
            ingest_options.how = fmt::format("layer={}, orientation={}", options.layer, static_cast<int>(options.orientation));
            if (alone) ingest_options.source = file;
            const std::string id = store.ingest(counts, ingest_options, context);
            ids.push_back({{"file", file}, {"name", name}, {"id", id}, {"n_cells", counts.n_cells()}, {"n_genes", counts.n_genes()}});
            text += fmt::format("{}: {} cells x {} genes, id {}\n", file, counts.n_cells(), counts.n_genes(), id);
        }
    }
    return {text, dump({{"atlas", options.atlas}, {"version", store.version()}, {"datasets", ids}})};
}

CommandResult ingest(const IngestCommandOptions& options, Context& context) {
    const fs::path path = options.atlas;
    for (const std::string& file : options.file) input_kind(file, context);  // before a new atlas is made
    CommandResult result;
    write_into_atlas(path, [&](atlas::Atlas& store) { result = ingest_into(store, options, context); });
    return result;
}

struct PathOptions {
    std::string path;
};
constexpr auto describe(const PathOptions*) {
    return std::tuple{field("path", &PathOptions::path, "An h5ad file, a 10x folder or h5 file, or an atlas.", {.positional = true, .required = true})};
}

Json dataset_json(const data::Dataset& dataset) {
    Json layers = Json::array();
    std::int64_t nnz = 0;
    for (const auto& [name, matrix] : dataset.layers) {
        layers.push_back(name);
        if (name == "X" || nnz == 0) nnz = matrix->nnz();
    }
    if (dataset.raw) layers.push_back("raw.X");
    Json obsm = Json::array();
    for (const auto& [name, dense] : dataset.obsm) obsm.push_back(name);
    return {{"name", dataset.name}, {"n_cells", dataset.n_cells()}, {"n_genes", dataset.n_genes()}, {"nnz", nnz}, {"layers", layers},
            {"obs", dataset.obs.names()}, {"var", dataset.var.names()}, {"obsm", obsm}};
}

std::string dataset_text(const Json& json) {
    std::string text = fmt::format("{}: {} cells x {} genes, {} stored values\n", json["name"].get<std::string>(), json["n_cells"].get<std::int64_t>(), json["n_genes"].get<std::int64_t>(), json["nnz"].get<std::int64_t>());
    if (json.contains("id")) text += fmt::format("  {:<8}{}\n", "id", json["id"].get<std::string>());
    for (const char* slot : {"layers", "obs", "var", "obsm"}) {
        if (!json[slot].empty()) text += fmt::format("  {:<8}{}\n", slot, fmt::join(json[slot].get<std::vector<std::string>>(), ", "));
    }
    return text;
}

CommandResult atlas_info(const fs::path& path, Context& context) {
    const atlas::AtlasInfo info = atlas::Atlas::open(path).info(context);
    Json datasets = Json::array();
    std::string text = fmt::format("{}: version {}, {}, {} cells, {} genes\n", info.name, info.version, info.datasets.size() == 1 ? std::string("one data set") : fmt::format("{} data sets", info.datasets.size()), info.n_cells, info.n_genes);
    for (const atlas::DatasetInfo& each : info.datasets) {
        datasets.push_back({{"id", each.id}, {"counts_id", each.counts_id}, {"name", each.name}, {"n_cells", each.n_cells}, {"n_genes", each.n_genes}, {"nnz", each.nnz}, {"layers", each.layers}, {"obs", each.obs}, {"var", each.var}, {"obsm", each.obsm}});
        text += dataset_text(datasets.back());
    }
    Json layers = Json::array();
    Json obs = Json::array();
    if (!info.datasets.empty()) {
        layers = info.datasets.front().layers;
        obs = info.datasets.front().obs;
    }
    return {text, dump({{"kind", "atlas"}, {"name", info.name}, {"version", info.version}, {"versions", info.versions}, {"n_cells", info.n_cells}, {"n_genes", info.n_genes}, {"nnz", info.nnz},
                        {"layers", layers}, {"obs", obs}, {"datasets", datasets}, {"derived", info.derived}})};
}

std::string kind_name(InputKind kind) {
    switch (kind) {
        case InputKind::h5ad: return "h5ad";
        case InputKind::tenx_folder: return "10x folder";
        case InputKind::tenx_h5: return "10x h5";
        case InputKind::text_matrix: return "text matrix";
        case InputKind::atlas: return "atlas";
    }
    return "";
}

CommandResult info(const PathOptions& options, Context& context) {
    const InputKind kind = input_kind(options.path, context);
    if (kind == InputKind::atlas) return atlas_info(options.path, context);
    const std::vector<data::Dataset> datasets = open_datasets(options.path, formats::TextOrientation::automatic, context);
    Json json = {{"kind", kind_name(kind)}};
    json.update(dataset_json(datasets.front()));
    std::string text;
    for (const data::Dataset& dataset : datasets) text += dataset_text(dataset_json(dataset));
    if (datasets.size() > 1) {
        json["samples"] = Json::array();
        for (const data::Dataset& dataset : datasets) json["samples"].push_back(dataset_json(dataset));
    }
    return {text, dump(json)};
}

struct AtlasOptions {
    std::string atlas;
};
constexpr auto describe(const AtlasOptions*) {
    return std::tuple{field("atlas", &AtlasOptions::atlas, "The atlas.", {.positional = true, .required = true})};
}

CommandResult verify(const AtlasOptions& options, Context& context) {
    const atlas::VerifyReport report = atlas::Atlas::open(options.atlas).verify(context);
    Json damage = Json::array();
    std::string text;
    for (const atlas::Damage& each : report.damage) {
        damage.push_back({{"file", each.file}, {"what", each.what}});
        text += fmt::format("{} {}.\n", each.file, each.what);
    }
    const std::string verdict = report.ok ? "nothing is damaged" : fmt::format("{} files are damaged", report.damage.size());
    text += fmt::format("{}: version {}, {} files, {}: {}.", options.atlas, report.version, report.n_files, format_bytes(report.n_bytes), verdict);
    CommandResult result{text, dump({{"ok", report.ok}, {"damage", damage}, {"version", report.version}, {"files", report.n_files}, {"bytes", report.n_bytes}})};
    if (!report.ok) result.finding = ErrorCode::invalid_data;
    return result;
}

struct VacuumCommandOptions {
    std::string atlas;
    std::int64_t keep_versions = 1;
};
constexpr auto describe(const VacuumCommandOptions*) {
    return std::tuple{
        field("atlas", &VacuumCommandOptions::atlas, "The atlas.", {.positional = true, .required = true}),
        field("keep_versions", &VacuumCommandOptions::keep_versions, "How many of the newest versions stay readable.", {.minimum = 1}),
    };
}

CommandResult vacuum(const VacuumCommandOptions& options, Context& context) {
    atlas::Atlas store = atlas::Atlas::open(options.atlas);
    const atlas::VacuumReport report = store.vacuum({options.keep_versions}, context);
    return {fmt::format("{}: removed {} versions and {} folders, {} freed.", options.atlas, report.versions_removed, report.folders_removed, format_bytes(report.bytes_freed)),
            dump({{"versions_removed", report.versions_removed}, {"folders_removed", report.folders_removed}, {"bytes_freed", report.bytes_freed}})};
}

}  // namespace

Command init_command() {
    return make_command<InitOptions>(
        {.name = "init",
         .summary = "Make an empty atlas.",
         .examples = {{"A new atlas", "morula init blood.atlas"}}},
        init);
}

Command ingest_command() {
    return make_command<IngestCommandOptions>(
        {.name = "ingest",
         .summary = "Copy raw counts into an atlas.",
         .examples = {{"Two samples", "morula ingest donor1.h5ad donor2.h5ad --atlas study.atlas"}}},
        ingest);
}

Command info_command() {
    return make_command<PathOptions>(
        {.name = "info",
         .summary = "Say what a file, folder or atlas holds.",
         .examples = {{"A file", "morula info cells.h5ad"}, {"For a script", "morula info study.atlas --json"}}},
        info);
}

Command verify_command() {
    return make_command<AtlasOptions>(
        {.name = "verify",
         .summary = "Read every file of an atlas and compare its hash with what was written.",
         .help = "Exit status 0: nothing is damaged; 2: something is, and each file is named.",
         .examples = {{"After a disk failure", "morula verify study.atlas"}}},
        verify);
}

Command vacuum_command() {
    return make_command<VacuumCommandOptions>(
        {.name = "vacuum",
         .summary = "Delete old versions of an atlas and what only they refer to.",
         .examples = {{"Keep the last three", "morula vacuum study.atlas --keep-versions 3"}}},
        vacuum);
}

std::vector<Command> store_commands() { return {init_command(), ingest_command(), info_command(), export_command(), verify_command(), vacuum_command(), generate_command(), generate_cohort_command()}; }

}  // namespace morula::commands
