#include "morula/pipeline/run_inputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "morula/analysis/pca.hpp"
#include "morula/analysis/qc.hpp"
#include "morula/commands/input_errors.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "morula/core/error.hpp"
#include "morula/core/hash.hpp"
#include "morula/matrix/held_in_memory.hpp"
#include "morula/pipeline/timed_step.hpp"

namespace morula::pipeline {
namespace {

struct StoredSample {
    std::string id;
    data::Dataset dataset;  // as it lies in the atlas, with layers["counts"]
    std::string atlas = std::string(kOwnAtlas);
};

/// The data set of the atlas: X of the stored group is the raw counts.
StoredSample from_store(atlas::Atlas& store, const std::string& id, const std::string& name, Context& context) {
    data::Dataset dataset = store.dataset(id, context);
    dataset.name = name;
    dataset.layers["counts"] = matrix::held_in_memory(dataset.layers.at("X"), context);
    return {id, std::move(dataset), std::string(kOwnAtlas)};
}

StoredSample store_sample(data::Dataset dataset, const std::filesystem::path& path, const std::string& how, atlas::Atlas& store, Context& context) {
    atlas::IngestOptions options;
    options.layer = "counts";
    options.name = dataset.name;
    options.source = path;
    options.how = how;
    data::Dataset stored = dataset;
    stored.obsp.clear();
    std::string id = store.ingest(stored, options, context);
    return {std::move(id), std::move(dataset), std::string(kOwnAtlas)};
}

/// The data set that was stored when this path was read before. Where its files are damaged the counts are read from the path again, and ingesting them replaces what is damaged.
std::optional<StoredSample> stored_before(const commands::SampleRow& row, const std::string& how, atlas::Atlas& store, RunRecord& record, Context& context) {
    const auto id = store.remembered(row.path, how);
    if (!id) return std::nullopt;
    const std::vector<atlas::Damage> damage = store.dataset_damage(*id, context);
    if (damage.empty()) {
        context.events().decision(fmt::format("{}: unchanged since it was stored; read from the store.", row.path));
        return from_store(store, *id, row.name, context);
    }
    record.warning_about("store", fmt::format("The stored counts of {} were damaged ({} {}); they are read from the input again. Check the disk: `morula verify '{}'` looks at all other files.", row.path,
                                              (store.path() / damage.front().file).string(), damage.front().what, store.path().string()));
    return std::nullopt;
}

/// Names the filtered matrix of Cell Ranger where there is one: a call to compare with.
void say_unfiltered(const data::Dataset& dataset, const std::string& path, const commands::BarcodeLook& look, Context& context) {
    const std::string beside = look.filtered.empty() ? "" : fmt::format(" Cell Ranger's own call lies beside it: name {} to take that.", look.filtered);
    context.events().decision(fmt::format("{}: {} barcodes, and of {} looked at {} hold hardly any counts: an unfiltered matrix, so cells are called. --call-cells never takes every barcode as it is.{}", path, dataset.n_cells(),
                                          look.n_looked, look.n_nearly_empty, beside));
}

/// The data set with its called barcodes alone, in memory where it fits; as it is when cells are not to be called. `place` names file and sample in errors.
data::Dataset with_called_cells(data::Dataset dataset, const std::string& path, const std::string& place, const LoadOptions& options, RunRecord& record, Context& context) {
    if (options.call_cells == CallCells::never || dataset.n_cells() == 0 || dataset.n_genes() == 0) return dataset;
    const commands::BarcodeLook look = commands::look_at_barcodes(dataset, path, options.cell_calling.ambient_below);
    if (options.call_cells == CallCells::automatic && !look.is_unfiltered) return dataset;
    if (look.is_unfiltered) say_unfiltered(dataset, path, look, context);
    data::Dataset called;
    timed_step("call cells", values_of(options.cell_calling), record, context, [&] {
        commands::with_named_errors(place, dataset.name, [&] { commands::merge_slots(dataset, commands::call_cells_slots(dataset, options.cell_calling, context)); });
        called = commands::keep_called(dataset);
        called.layers["counts"] = matrix::held_in_memory(called.layers.at("counts"), context);
    });
    record.set_subject("input");
    return called;
}

std::string how_read(const LoadOptions& options) {
    FieldValues values = values_of(options.cell_calling);
    values.emplace_back("call_cells", static_cast<std::int64_t>(options.call_cells));
    values.emplace_back("layer", options.layer);
    values.emplace_back("orientation", static_cast<std::int64_t>(options.orientation));
    return to_json(values);
}

constexpr std::int64_t kFewestCells = 2;  // of a sample: variable genes are ranked within each

/// Throws where quality control leaves less than two cells. Its cut-offs are taken sample by sample, so the joined samples are judged alike.
void require_good_cells(const data::Dataset& sample, const std::string& place, const analysis::QcOptions& options, Context& context) {
    Context quiet({.threads = context.threads(), .memory_bytes = context.memory_bytes()});
    const data::Dataset genes = commands::gene_expression(sample, quiet);
    const analysis::QcMetrics metrics = analysis::qc_metrics(*commands::require_counts(genes), analysis::gene_flags(commands::symbols_of(genes.var)), quiet);
    const std::vector<std::int32_t> one_sample(static_cast<std::size_t>(genes.n_cells()), 0);
    const analysis::SampleCutoffs judged = analysis::qc_cutoffs(metrics, one_sample, 1, options).samples.front();
    if (judged.n_kept >= kFewestCells) return;
    const auto most = std::max_element(judged.n_by_reason.begin() + 1, judged.n_by_reason.end());
    invalid_data(fmt::format("{}: quality control keeps {} of {} cells; {} go for {}.", place, judged.n_kept, judged.n_cells, *most, analysis::qc_reason_name(static_cast<analysis::QcReason>(most - judged.n_by_reason.begin()))),
                 "Look at the counts: is this a filtered matrix of raw counts?");
}

std::string place_of(const commands::SampleRow& row) { return row.name.empty() ? row.path : fmt::format("{} (sample {})", row.path, row.name); }

/// The steps' least need that does not depend on the number of cells is known as soon as the genes are: the covariance of the variable ones. Said before anything is read.
void require_least_memory(const data::Dataset& dataset, std::int64_t n_top_genes, const Context& context) {
    const std::int64_t n = std::min(n_top_genes, std::ssize(commands::gene_features(dataset.var)));
    context.require_memory(analysis::pca_memory(n), "pca");
}

using Samples = std::vector<std::pair<commands::SampleRow, StoredSample>>;

/// The data sets of an atlas, in the order in which they are opened; none where the path is no atlas.
std::vector<std::string> ids_in_atlas(const std::string& path) { return atlas::Atlas::is_atlas(path) ? atlas::Atlas::open(path).dataset_ids() : std::vector<std::string>{}; }

/// What loading is done with, and where its results go.
struct Loading {
    const LoadOptions& options;
    std::size_t n_paths;
    atlas::Atlas& store;
    RunRecord& record;
    Context& context;
    Samples loaded;
    std::vector<SkippedSample> skipped;
    bool all_known = true;  // nothing had to be stored

    /// n_beside: samples of the same path.
    bool attempt(const commands::SampleRow& row, std::size_t n_beside, const std::function<void()>& work) { return attempt_sample(row, std::max(n_beside, n_paths), options.failed, skipped, work); }
    void check_cells(const data::Dataset& counts, const commands::SampleRow& row) const {
        if (options.failed == FailedSamples::skip) require_good_cells(counts, place_of(row), options.qc, context);
    }
};

/// A data set of a path, read and checked.
struct ReadSample {
    data::Dataset counts;
    bool lies_in_atlas = false;  // which is the input: its counts stay there
};

ReadSample read_sample(const commands::SampleRow& row, data::Dataset opened, std::int64_t n_top_genes, Loading& loading) {
    Context& context = loading.context;
    ReadSample read{commands::with_counts(std::move(opened), loading.options.layer, context)};
    data::Dataset& counts = read.counts;
    // X of an atlas is the raw counts that were checked when they came in.
    read.lies_in_atlas = atlas::Atlas::is_atlas(row.path) && counts.layers.count("X") != 0 && counts.layers.at("X") == counts.layers.at("counts");
    const std::int64_t n_before = counts.n_cells();
    commands::with_named_errors(row.path, counts.name, [&] { commands::require_gene_features(counts); });
    require_least_memory(counts, n_top_genes, context);
    // One decode of the file serves the calling of cells, the store and the steps.
    counts.layers = {{"counts", matrix::held_in_memory(counts.layers.at("counts"), context)}};
    counts = with_called_cells(std::move(counts), row.path, place_of(row), loading.options, loading.record, context);
    read.lies_in_atlas = read.lies_in_atlas && counts.n_cells() == n_before;
    loading.check_cells(counts, row);
    return read;
}

/// One path may hold several samples (Cell Ranger multi, an atlas): each gets the row of its path.
void load_path(const commands::SampleRow& row, Loading& loading) {
    const LoadOptions& options = loading.options;
    const std::string how = how_read(options);
    if (std::optional<StoredSample> known = stored_before(row, how, loading.store, loading.record, loading.context)) {
        if (loading.attempt(row, 1, [&] { loading.check_cells(known->dataset, row); })) loading.loaded.emplace_back(row, std::move(*known));
        return;
    }
    std::vector<data::Dataset> datasets;
    std::vector<std::string> ids;
    loading.attempt(row, 1, [&] {
        datasets = commands::open_datasets(row.path, options.orientation, loading.context);
        ids = ids_in_atlas(row.path);
    });
    const std::size_t n = datasets.size();
    const std::int64_t n_top_genes = std::max(n, loading.n_paths) > 1 ? options.n_top_genes_of_several : options.n_top_genes_of_one;
    // A path that holds several data sets is not remembered by its path alone.
    const std::filesystem::path source = n == 1 ? std::filesystem::path(row.path) : std::filesystem::path();
    for (std::size_t i = 0; i < n; ++i) {
        commands::SampleRow own = row;
        if (n > 1) own.name = datasets[i].name;
        ReadSample read;
        if (!loading.attempt(own, n, [&] { read = read_sample(own, std::move(datasets[i]), n_top_genes, loading); })) continue;
        loading.all_known = loading.all_known && read.lies_in_atlas;
        StoredSample stored = read.lies_in_atlas ? StoredSample{ids[i], std::move(read.counts), row.path} : store_sample(std::move(read.counts), source, how, loading.store, loading.context);
        loading.loaded.emplace_back(std::move(own), std::move(stored));
    }
}

/// What was called, under the names that the samples have in this run; said aloud, whether it was called now or before.
void take_called(const StoredSample& stored, const commands::SampleRow& row, bool several, std::vector<commands::CalledCapture>& all, RunRecord& record) {
    std::vector<commands::CalledCapture> own = commands::stored_cell_calling(stored.dataset.uns);
    const bool keeps_names = !several && row.annotation.empty() && stored.dataset.obs.has("sample");
    for (commands::CalledCapture& capture : own) {
        if (!keeps_names) capture.name = own.size() == 1 ? row.name : row.name + "_" + capture.name;
        record.set_subject("call cells");
        record.decision(commands::cell_calling_sentence(capture));
        if (!capture.note.empty()) record.warning(capture.name + ": " + capture.note);
        record.set_subject("input");
        all.push_back(capture);
    }
}

std::int64_t n_barcodes(const StoredSample& stored) {
    std::int64_t n = 0;
    for (const commands::CalledCapture& capture : commands::stored_cell_calling(stored.dataset.uns)) n += capture.n_barcodes;
    return std::max(n, stored.dataset.n_cells());
}

/// The same cells under two names would be each other's nearest neighbours.
void refuse_twins(const Samples& loaded) {
    for (std::size_t i = 0; i < loaded.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (loaded[i].second.id != loaded[j].second.id) continue;
            invalid_data(fmt::format("{} (sample {}) and {} (sample {}) hold the same cells.", loaded[j].first.path, loaded[j].first.name, loaded[i].first.path, loaded[i].first.name), "Name each sample once.");
        }
    }
}

bool is_about_sample(const Error& error) {
    constexpr std::array kCodes{ErrorCode::invalid_data, ErrorCode::not_found, ErrorCode::permission, ErrorCode::unsupported};
    return std::find(kCodes.begin(), kCodes.end(), error.code()) != kCodes.end();
}

}  // namespace

bool attempt_sample(const commands::SampleRow& row, std::size_t n_samples, FailedSamples failed, std::vector<SkippedSample>& skipped, const std::function<void()>& work) {
    try {
        work();
        return true;
    } catch (const Error& error) {
        if (!is_about_sample(error) || n_samples < 2) throw;
        if (failed == FailedSamples::refuse) throw Error(error.code(), error.message(), fmt::format("{} Or go on without sample '{}': --skip-failed-samples.", error.next(), row.name));
        skipped.push_back({row.name, row.path, commands::naming_input(error, row.path, row.name).message()});
        return false;
    }
}

void require_a_sample(std::size_t n_left, const std::vector<SkippedSample>& skipped) {
    if (n_left > 0 || skipped.empty()) return;
    invalid_data(fmt::format("None of the {} samples can be used. The first of them: {}", skipped.size(), skipped.front().why), "Look at what each was said to lack, and mend one at least.");
}

std::optional<data::Dataset> obs_of_inputs(const std::vector<commands::SampleRow>& samples, Context& context) {
    std::vector<data::Dataset> cells;
    for (const commands::SampleRow& sample : samples) {
        if (commands::input_kind(sample.path, context) != commands::InputKind::h5ad) return std::nullopt;
        data::Dataset opened = std::move(commands::open_datasets(sample.path, formats::TextOrientation::automatic, context).front());
        matrix::Csr none;
        none.start(opened.n_cells(), 0);
        for (std::int64_t cell = 0; cell < opened.n_cells(); ++cell) none.end_row();
        data::Dataset& own = cells.emplace_back();
        own.name = std::move(opened.name);
        own.obs = std::move(opened.obs);
        own.layers["counts"] = matrix::make_source(std::move(none));
    }
    return commands::join_samples(std::move(cells), samples, context);
}

RunInputs load_inputs(const std::vector<commands::SampleRow>& samples, const LoadOptions& options, atlas::Atlas& store, RunRecord& record, Context& context) {
    RunInputs inputs;
    Loading loading{.options = options, .n_paths = samples.size(), .store = store, .record = record, .context = context, .loaded = {}, .skipped = {}};
    timed_step("ingest", {}, record, context, [&] {
        record.set_subject("input");
        for (const commands::SampleRow& sample : samples) load_path(sample, loading);
        return loading.all_known;
    });
    record.set_subject("input");
    Samples& loaded = loading.loaded;
    for (const SkippedSample& skipped : loading.skipped) record.skip_sample(skipped);
    require_a_sample(loaded.size(), record.skipped_samples());
    std::vector<data::Dataset> datasets;
    std::vector<commands::SampleRow> rows;
    std::vector<commands::CalledCapture> called;
    std::string identity;
    refuse_twins(loaded);
    for (auto& [row, stored] : loaded) {
        record.add_input({row.path, row.name, stored.id, stored.atlas, n_barcodes(stored), stored.dataset.n_cells(), stored.dataset.n_genes(), stored.dataset.layers.at("counts")->nnz()});
        identity += stored.id + "\t" + row.name;
        for (const auto& [column, value] : row.annotation) identity += "\t" + column + "=" + value;
        identity += "\n";
        inputs.ids.push_back(stored.id);
        take_called(stored, row, loaded.size() > 1, called, record);
        datasets.push_back(commands::gene_expression(stored.dataset, context));
        rows.push_back(std::move(row));
    }
    inputs.dataset = commands::join_samples(std::move(datasets), rows, context);
    inputs.dataset.uns.erase("cell_calling");
    if (!called.empty()) inputs.dataset.uns["cell_calling"] = commands::cell_calling_uns(called);
    inputs.key = hash_hex(std::string_view(identity));
    return inputs;
}

}  // namespace morula::pipeline
