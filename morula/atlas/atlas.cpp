// Opening an atlas and reading from it.
#include "morula/atlas/atlas.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "morula/atlas/atlas_state.hpp"
#include "morula/atlas/source_fingerprint.hpp"
#include "morula/core/clock.hpp"
#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/schema.hpp"
#include "morula/core/temporary_name.hpp"
#include "morula/core/version.hpp"
#include "morula/formats/zarr/zarr_anndata.hpp"
#include "morula/formats/zarr/zarr_slots.hpp"

namespace morula::atlas {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr int kFormat = 1;

std::string read_name(const fs::path& path) {
    const fs::path file = path / "atlas.json";
    try {
        const Json json = Json::parse(read_text_file(file, 1'000'000));
        if (json.at("format").get<std::string>() != "morula-atlas") invalid_data(fmt::format("{}: is no description of an atlas.", file.string()), "Check the path.");
        if (json.at("version").get<int>() > kFormat) {
            fail(ErrorCode::unsupported, fmt::format("{}: the atlas has format {}, this program reads up to {}.", file.string(), json.at("version").get<int>(), kFormat), "Use a newer Morula.");
        }
        return json.at("name").get<std::string>();
    } catch (const Json::exception&) {
        invalid_data(fmt::format("{}: is damaged.", file.string()), "Write {\"format\": \"morula-atlas\", \"version\": 1, \"name\": \"...\"} into it.");
    }
}

void check_is_atlas(const fs::path& path) {
    if (!fs::exists(path)) fail(ErrorCode::not_found, fmt::format("{}: there is no such atlas.", path.string()), "Check the path, or make one with `morula init`.");
    if (!fs::is_regular_file(path / "atlas.json")) invalid_data(fmt::format("{}: is no atlas (atlas.json is missing).", path.string()), "Check the path, or make one with `morula init`.");
}

std::vector<std::string> list_attribute(const fs::path& folder, std::string_view name) {
    if (!fs::exists(folder / "zarr.json")) return {};
    const formats::ZarrNode node = formats::read_zarr_node(folder);
    const auto* group = std::get_if<formats::ZarrGroupMeta>(&node);
    if (group == nullptr) return {};
    const auto found = group->attributes.find(name);
    if (found == group->attributes.end()) return {};
    const auto* list = std::get_if<std::vector<std::string>>(&found->second);
    return list == nullptr ? std::vector<std::string>{} : *list;
}

std::vector<std::string> names_below(const fs::path& folder) { return fs::exists(folder / "zarr.json") ? formats::child_names(folder) : std::vector<std::string>{}; }

DatasetInfo describe_dataset(const fs::path& folder, const DatasetRecord& record) {
    DatasetInfo info;
    info.id = record.id;
    info.counts_id = record.counts;
    info.name = record.name;
    info.n_cells = record.n_cells;
    info.n_genes = record.n_genes;
    info.nnz = record.nnz;
    if (fs::exists(folder / "X" / "zarr.json")) info.layers.push_back("X");
    for (std::string& name : names_below(folder / "layers")) info.layers.push_back(std::move(name));
    if (fs::exists(folder / "raw" / "zarr.json")) info.layers.push_back("raw.X");
    info.obs = list_attribute(folder / "obs", "column-order");
    info.var = list_attribute(folder / "var", "column-order");
    info.obsm = names_below(folder / "obsm");
    return info;
}

/// Raw counts stand nowhere else in the atlas: says how to get them back.
[[noreturn]] void fail_damaged(const Error& error, const DatasetRecord& record, const fs::path& atlas) {
    const std::string file = record.sources.empty() ? "the file that it came from" : "'" + record.sources.back().path + "'";
    invalid_data(fmt::format("Data set '{}' is damaged: {}", record.name, error.message()),
                 fmt::format("Nothing in the atlas can stand in for stored counts: ingest {} again (`morula ingest FILE --atlas {}`), which replaces what is damaged, or restore the folder from a backup.", file, atlas.string()));
}

/// A matrix of a data set; damage found while reading is told with the way to repair it.
class StoredMatrix final : public matrix::RowBlockSource {
public:
    StoredMatrix(matrix::Matrix source, DatasetRecord record, fs::path atlas) : source_(std::move(source)), record_(std::move(record)), atlas_(std::move(atlas)) {}

    std::int64_t n_rows() const override { return source_->n_rows(); }
    std::int64_t n_cols() const override { return source_->n_cols(); }
    std::int64_t nnz() const override { return source_->nnz(); }
    matrix::CsrView read(matrix::Range rows, matrix::CsrScratch& scratch) const override {
        try {
            return source_->read(rows, scratch);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::invalid_data) throw;
            fail_damaged(error, record_, atlas_);
        }
    }

private:
    matrix::Matrix source_;
    DatasetRecord record_;
    fs::path atlas_;
};

/// Whether every file of a stored folder is there in its length.
bool is_whole(const fs::path& folder) {
    if (!fs::exists(folder / kFileList)) return false;
    const auto files = read_file_list(folder);
    return std::all_of(files.begin(), files.end(), [&](const auto& file) { return check_file(folder, file, FileCheck::size).empty(); });
}

}  // namespace

const DatasetRecord& Atlas::State::dataset_record(std::string_view id) const {
    const DatasetRecord* record = manifest.find_dataset(id);
    if (record != nullptr) return *record;
    std::vector<std::string> ids;
    for (const DatasetRecord& d : manifest.datasets) ids.push_back(d.id);
    const std::string nearest = nearest_name(id, ids);
    fail(ErrorCode::not_found, fmt::format("{}: version {} holds no data set '{}'.", path.string(), manifest.version, id),
         nearest.empty() ? "See `morula info` for what it holds." : fmt::format("Did you mean '{}'?", nearest));
}

std::shared_ptr<const GeneAxis> Atlas::State::load_axis() const {
    const std::lock_guard guard(axis_mutex);
    if (!axis || axis_folder != manifest.axis) {
        Context context({.threads = 1});
        if (manifest.axis.empty()) axis = std::make_shared<const GeneAxis>();
        else axis = std::make_shared<const GeneAxis>(formats::ZarrArray(path / manifest.axis / "gene_id").read_texts(context));
        axis_folder = manifest.axis;
        if (axis->n_genes() != manifest.n_axis_genes) {
            invalid_data(fmt::format("{}: holds {} genes, the manifest says {}.", (path / axis_folder).string(), axis->n_genes(), manifest.n_axis_genes), "Run `morula verify`.");
        }
    }
    return axis;
}

Atlas::Atlas(std::unique_ptr<State> state) : state_(std::move(state)) {}
Atlas::~Atlas() = default;
Atlas::Atlas(Atlas&&) noexcept = default;
Atlas& Atlas::operator=(Atlas&&) noexcept = default;

bool Atlas::is_atlas(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path / "atlas.json", ignored);
}

Atlas Atlas::init(const fs::path& path, const std::string& name) {
    if (fs::exists(path)) invalid_data(fmt::format("{}: exists already.", path.string()), "Give another name, or open it instead.");
    const fs::path target = fs::absolute(path).lexically_normal();
    const fs::path parent = (target.has_filename() ? target : target.parent_path()).parent_path();
    const std::string folder_name = (target.has_filename() ? target : target.parent_path()).filename().string();
    if (!fs::exists(parent)) fail(ErrorCode::not_found, fmt::format("{}: there is no such folder to make an atlas in.", parent.string()), "Make the folder first.");
    const fs::path temporary = temporary_beside(parent / folder_name, fmt::to_string(::getpid()));
    std::error_code problem;
    fs::remove_all(temporary, problem);
    fs::create_directories(temporary / "versions", problem);
    if (problem) fail_from_errno(problem.value(), "make the atlas", path.string());
    try {
        Manifest first;
        first.version = 1;
        first.created = utc_now();
        first.change = "made the atlas";
        first.written_by = "morula " + std::string(kVersion);
        const Json description = {{"format", "morula-atlas"}, {"version", kFormat}, {"name", name}};
        write_text_file(temporary / "atlas.json", description.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
        write_text_file(manifest_path(temporary, 1), manifest_json(first));
        write_text_file(temporary / "CURRENT", "1\n");
        rename_atomically(temporary, parent / folder_name);
    } catch (...) {
        fs::remove_all(temporary, problem);
        throw;
    }
    return open(path);
}

Atlas Atlas::open(const fs::path& path) {
    check_is_atlas(path);
    auto state = std::make_unique<State>();
    state->path = path;
    state->name = read_name(path);
    state->manifest = read_manifest(path, read_current(path));
    return Atlas(std::move(state));
}

Atlas Atlas::open(const fs::path& path, std::int64_t version) {
    check_is_atlas(path);
    const auto versions = version_numbers(path, read_current(path));
    if (std::find(versions.begin(), versions.end(), version) == versions.end()) {
        fail(ErrorCode::not_found, fmt::format("{}: there is no version {}.", path.string(), version), fmt::format("There are {}.", fmt::join(versions, ", ")));
    }
    auto state = std::make_unique<State>();
    state->path = path;
    state->name = read_name(path);
    state->manifest = read_manifest(path, version);
    state->is_newest = false;
    return Atlas(std::move(state));
}

const fs::path& Atlas::path() const { return state_->path; }
const std::string& Atlas::name() const { return state_->name; }
std::int64_t Atlas::version() const { return state_->manifest.version; }
const Manifest& Atlas::manifest() const { return state_->manifest; }

AtlasInfo Atlas::info(Context&) const {
    AtlasInfo info;
    info.name = state_->name;
    info.version = state_->manifest.version;
    info.versions = version_numbers(state_->path, std::max(read_current(state_->path), info.version));
    info.n_genes = state_->manifest.n_axis_genes;
    for (const DatasetRecord& record : state_->manifest.datasets) {
        info.n_cells += record.n_cells;
        info.nnz += record.nnz;
        info.datasets.push_back(describe_dataset(state_->path / record.folder, record));
    }
    for (const DerivedRecord& record : state_->manifest.derived) info.derived.push_back(record.key);
    return info;
}

std::vector<std::string> Atlas::dataset_ids() const {
    std::vector<std::string> ids;
    for (const DatasetRecord& record : state_->manifest.datasets) ids.push_back(record.id);
    return ids;
}

data::Dataset Atlas::dataset(std::string_view id, Context& context) const {
    const DatasetRecord& record = state_->dataset_record(id);
    data::Dataset dataset;
    try {
        dataset = formats::read_zarr(state_->path / record.folder, context);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::invalid_data && error.code() != ErrorCode::not_found) throw;
        fail_damaged(error, record, state_->path);
    }
    dataset.name = record.name;
    for (auto& layer : dataset.layers) layer.second = std::make_shared<StoredMatrix>(std::move(layer.second), record, state_->path);
    return dataset;
}

std::optional<std::string> Atlas::remembered(const fs::path& source, std::string_view how) const {
    const auto now = look_at_source(source);
    if (!now) return std::nullopt;
    for (const DatasetRecord& record : state_->manifest.datasets) {
        for (const SourceRecord& known : record.sources) {
            if (known.path != now->path || known.fingerprint != now->fingerprint || known.how != how) continue;
            if (is_whole(state_->path / record.folder)) return record.id;
        }
    }
    return std::nullopt;
}

std::shared_ptr<const GeneAxis> Atlas::gene_axis() const { return state_->load_axis(); }

std::vector<std::int64_t> Atlas::gene_remap(std::string_view id, Context& context) const {
    const DatasetRecord& record = state_->dataset_record(id);
    const fs::path folder = state_->path / record.remap / "axis_position";
    auto remap = formats::ZarrArray(folder).read_all<std::int64_t>(context);
    const bool fits = std::all_of(remap.begin(), remap.end(), [&](std::int64_t g) { return g >= 0 && g < state_->manifest.n_axis_genes; });
    if (!fits || static_cast<std::int64_t>(remap.size()) != record.n_genes) invalid_data(fmt::format("{}: does not fit the gene axis.", folder.string()), "Run `morula verify`.");
    return remap;
}

GenePresence Atlas::gene_presence(std::string_view id, Context& context) const { return {gene_remap(id, context), state_->manifest.n_axis_genes}; }

std::optional<data::Dataset> Atlas::get_derived(std::string_view key, Context& context) const {
    const DerivedRecord* record = state_->manifest.find_derived(key);
    if (record == nullptr) return std::nullopt;
    return formats::read_zarr(state_->path / record->folder, context);
}

std::optional<std::string> Atlas::derived_run(std::string_view key) const {
    const DerivedRecord* record = state_->manifest.find_derived(key);
    if (record == nullptr) return std::nullopt;
    return read_text_file(state_->path / record->folder / "run.json", 100'000'000);
}

}  // namespace morula::atlas
