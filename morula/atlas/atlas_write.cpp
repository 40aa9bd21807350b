// Writing to an atlas: ingest and derived results. Each call commits one version or changes nothing.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <system_error>
#include <utility>

#include "morula/atlas/atlas.hpp"
#include "morula/atlas/atlas_state.hpp"
#include "morula/atlas/counts_first.hpp"
#include "morula/atlas/dataset_id.hpp"
#include "morula/atlas/source_fingerprint.hpp"
#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/hash.hpp"
#include "morula/formats/zarr/zarr_anndata.hpp"

namespace morula::atlas {
namespace {

namespace fs = std::filesystem;

/// Hashes every matrix of a data set while it is written.
class MatrixHashes {
public:
    formats::RowObserver observe(const std::string& path, const matrix::RowBlockSource& source) {
        MatrixHasher& hasher = hashers_.emplace(path, MatrixHasher(source.n_rows(), source.n_cols())).first->second;
        return [&hasher](const matrix::CsrView& rows, std::int64_t first_row) { hasher.add(rows, first_row); };
    }
    std::map<std::string, std::string> finish() const {
        std::map<std::string, std::string> hashes;
        for (const auto& [path, hasher] : hashers_) hashes[path] = hasher.finish();
        return hashes;
    }
    std::int64_t nnz(const std::string& path) const { return hashers_.at(path).nnz(); }

private:
    std::map<std::string, MatrixHasher> hashers_;
};

/// Whether all files of a folder are what was written.
bool is_undamaged(const fs::path& folder, const std::string& root) {
    try {
        if (hash_of_file(folder / kFileList) != root) return false;
        const auto files = read_file_list(folder);
        return std::all_of(files.begin(), files.end(), [&](const auto& file) { return check_file(folder, file, FileCheck::hash).empty(); });
    } catch (const Error&) {
        return false;
    }
}

/// Files of X that another data set holds too become hard links to its undamaged ones. Where the disk has no links, the copies stay.
void share_files(const formats::ZarrTreeWriter& tree, const fs::path& other) {
    std::map<std::string, std::string> known;
    for (const auto& file : read_file_list(other)) known[file.path] = file.hash;
    std::error_code problem;
    for (const auto& file : tree.files()) {
        const auto found = known.find(file.path);
        if (file.path.compare(0, 2, "X/") != 0 || found == known.end() || found->second != file.hash || !check_file(other, file, FileCheck::hash).empty()) continue;
        const fs::path link = tree.folder() / (file.path + ".link");
        fs::create_hard_link(other / file.path, link, problem);
        if (problem) return;
        fs::rename(link, tree.folder() / file.path, problem);
    }
}

void check_key(std::string_view key) {
    const bool good = !key.empty() && key.size() <= 128 && key.front() != '.' &&
                      std::all_of(key.begin(), key.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.'; });
    if (!good) fail(ErrorCode::internal, fmt::format("'{}' is no possible key of a result.", key), "Report this as a bug.");
}

/// Adds the source of a data set, replacing what was known under its path.
void remember(DatasetRecord& record, SourceRecord source) {
    auto& sources = record.sources;
    sources.erase(std::remove_if(sources.begin(), sources.end(), [&](const SourceRecord& s) { return s.path == source.path && s.how == source.how; }), sources.end());
    sources.push_back(std::move(source));
}

bool knows(const DatasetRecord& record, const SourceRecord& source) {
    return std::any_of(record.sources.begin(), record.sources.end(),
                       [&](const SourceRecord& s) { return s.path == source.path && s.fingerprint == source.fingerprint && s.how == source.how; });
}

/// The source as it is now, unless it changed since `before`.
std::optional<SourceRecord> unchanged_source(const IngestOptions& options, const std::optional<SourceRecord>& before, Context& context) {
    if (!before) return std::nullopt;
    auto now = look_at_source(options.source);
    if (!now || now->fingerprint != before->fingerprint) {
        context.events().warning(fmt::format("{}: changed while it was read; check the result.", options.source.string()));
        return std::nullopt;
    }
    now->how = options.how;
    return now;
}

/// The new gene axis and the data set's place on it, written where they are new.
void place_genes(Transaction& transaction, const Atlas::State& state, const std::vector<std::string>& ids, Manifest& next, DatasetRecord& record) {
    GeneAxis axis = *state.load_axis();
    const std::int64_t before = axis.n_genes();
    const std::vector<std::int64_t> remap = axis.add(ids);
    if (axis.n_genes() != before) {
        formats::ZarrTreeWriter& tree = transaction.begin();
        tree.group("", {});
        tree.texts("gene_id", axis.ids(), {{"encoding-type", std::string("string-array")}, {"encoding-version", std::string("0.2.0")}});
        tree.finish();
        const auto written = transaction.place("axis/genes-" + std::to_string(axis.n_genes()));
        next.axis = written.folder;
        next.axis_root = written.root;
        next.n_axis_genes = axis.n_genes();
    }
    formats::ZarrTreeWriter& tree = transaction.begin();
    tree.group("", {});
    tree.numbers("axis_position", formats::ZarrType::uint32, std::span<const std::int64_t>(remap), {{"encoding-type", std::string("array")}, {"encoding-version", std::string("0.2.0")}});
    tree.finish();
    const auto written = transaction.place("axis/remap-" + record.id);
    record.remap = written.folder;
    record.remap_root = written.root;
}

}  // namespace

void Atlas::acquire_writer() {
    State& s = *state_;
    if (s.lock) return;
    if (!s.is_newest) {
        fail(ErrorCode::usage, fmt::format("{}: was opened at version {}, which can only be read.", s.path.string(), s.manifest.version), "Open the atlas without a version to write to it.");
    }
    FolderLock lock(s.path, "Wait until it is done, or write to another atlas.");
    s.manifest = read_manifest(s.path, read_current(s.path));
    clean_up(s.path);
    s.lock.emplace(std::move(lock));
}

std::string Atlas::ingest(const data::Dataset& given, const IngestOptions& options, Context& context) {
    acquire_writer();
    State& s = *state_;
    const auto source_before = options.source.empty() ? std::nullopt : look_at_source(options.source);
    const data::Dataset dataset = with_counts_as_x(given, options.layer, context);
    const std::vector<std::string> gene_ids = axis_gene_ids(dataset.var, options.gene_id_column);
    require_disk_space(s.path, 2 * dataset.layers.at("X")->nnz(), "storing the counts");

    Transaction transaction(s, Durability::forced, context);
    formats::ZarrTreeWriter& tree = transaction.begin();
    MatrixHashes matrices;
    formats::write_zarr_slots(tree, dataset, [&](const std::string& path, const matrix::RowBlockSource& source) { return matrices.observe(path, source); });
    auto hashes = matrices.finish();
    for (const auto& [path, first] : formats::repeated_matrices(dataset)) hashes[path] = hashes.at(first);
    DatasetRecord record;
    record.id = dataset_id(hashes, dataset);
    record.counts = hashes.at("X");
    record.name = options.name.empty() ? given.name : options.name;
    record.n_cells = dataset.n_cells();
    record.n_genes = dataset.n_genes();
    record.nnz = matrices.nnz("X");
    const auto source = unchanged_source(options, source_before, context);

    Manifest next = s.manifest;
    const auto same = std::find_if(next.datasets.begin(), next.datasets.end(), [&](const DatasetRecord& d) { return d.id == record.id; });
    if (same != next.datasets.end() && is_undamaged(s.path / same->folder, same->root) && is_undamaged(s.path / same->remap, same->remap_root)) {
        transaction.abandon();
        if (!source || knows(*same, *source)) return record.id;
        remember(*same, *source);
        transaction.commit(std::move(next), fmt::format("found {} unchanged in {}", record.id, source->path));
        return record.id;
    }
    tree.finish();
    const auto twin = std::find_if(next.datasets.begin(), next.datasets.end(), [&](const DatasetRecord& d) { return d.counts == record.counts && d.id != record.id; });
    if (twin != next.datasets.end() && fs::exists(s.path / twin->folder / kFileList)) share_files(tree, s.path / twin->folder);
    const auto written = transaction.place("datasets/" + record.id);
    record.folder = written.folder;
    record.root = written.root;
    place_genes(transaction, s, gene_ids, next, record);
    if (source) remember(record, *source);
    const std::string id = record.id;
    const std::string change = fmt::format("{} {} ({} cells)", same == next.datasets.end() ? "added" : "replaced damaged", record.name, record.n_cells);
    if (same == next.datasets.end()) next.datasets.push_back(std::move(record));
    else *same = std::move(record);
    transaction.commit(std::move(next), change);
    return id;
}

void Atlas::put_derived(std::string_view key, const data::Dataset& slots, std::string_view run_json, Context& context) {
    check_key(key);
    acquire_writer();
    State& s = *state_;
    if (s.manifest.find_derived(key) != nullptr) return;
    Transaction transaction(s, Durability::later, context);
    formats::ZarrTreeWriter& tree = transaction.begin();
    formats::write_zarr_slots(tree, slots, {});
    tree.file("run.json", run_json);
    tree.finish();
    const auto written = transaction.place("derived/" + std::string(key));
    Manifest next = s.manifest;
    next.derived.push_back({std::string(key), written.folder, written.root});
    transaction.commit(std::move(next), fmt::format("derived {}", key));
}

void Atlas::drop_derived(std::string_view key) {
    acquire_writer();
    State& s = *state_;
    if (s.manifest.find_derived(key) == nullptr) return;
    Context context({.threads = 1});
    Transaction transaction(s, Durability::later, context);
    Manifest next = s.manifest;
    next.derived.erase(std::remove_if(next.derived.begin(), next.derived.end(), [&](const DerivedRecord& d) { return d.key == key; }), next.derived.end());
    transaction.commit(std::move(next), fmt::format("dropped {}", key));
}

void Atlas::settle() {
    acquire_writer();
    atlas::settle(state_->path);
}

}  // namespace morula::atlas
