#include "morula/pipeline/run_inputs.hpp"

#include <fmt/format.h>

#include <optional>

#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"
#include "morula/core/hash.hpp"

namespace morula::pipeline {
namespace {

constexpr std::int64_t kCompactBytesPerEntry = 4;  // upper bound of the packed copy in memory
constexpr double kCompactShare = 0.4;              // of the memory budget

/// A packed copy in memory where it fits comfortably, else the lazy source.
matrix::Matrix held_in_memory(const matrix::Matrix& counts, Context& context) {
    const std::int64_t bytes = counts->nnz() * kCompactBytesPerEntry + counts->n_rows() * 16;
    return static_cast<double>(bytes) < kCompactShare * static_cast<double>(context.memory_bytes()) ? matrix::compact_copy(*counts, context) : counts;
}

struct StoredSample {
    std::string id;
    data::Dataset dataset;  // as it lies in the atlas, with layers["counts"]
};

/// The data set of the atlas: X of the stored group is the raw counts.
StoredSample from_store(atlas::Atlas& store, const std::string& id, const std::string& name, Context& context) {
    data::Dataset dataset = store.dataset(id, context);
    dataset.name = name;
    dataset.layers["counts"] = held_in_memory(dataset.layers.at("X"), context);
    return {id, std::move(dataset)};
}

StoredSample store_sample(data::Dataset dataset, const std::filesystem::path& path, const std::string& how, atlas::Atlas& store, Context& context) {
    // One decode of the file serves both the store and the steps.
    dataset.layers["counts"] = held_in_memory(dataset.layers.at("counts"), context);
    atlas::IngestOptions options;
    options.layer = "counts";
    options.name = dataset.name;
    options.source = path;
    options.how = how;
    data::Dataset stored = dataset;
    std::erase_if(stored.layers, [](const auto& layer) { return layer.first != "counts"; });
    stored.obsp.clear();
    std::string id = store.ingest(stored, options, context);
    return {std::move(id), std::move(dataset)};
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

/// One path may hold several samples (Cell Ranger multi, an atlas): each gets the row of its path.
std::vector<std::pair<commands::SampleRow, StoredSample>> load_path(const commands::SampleRow& row, const std::string& layer, atlas::Atlas& store, RunRecord& record, Context& context) {
    const std::string how = fmt::format("layer={}", layer);
    std::vector<std::pair<commands::SampleRow, StoredSample>> out;
    if (std::optional<StoredSample> known = stored_before(row, how, store, record, context)) {
        out.emplace_back(row, std::move(*known));
        return out;
    }
    std::vector<data::Dataset> datasets = commands::open_datasets(row.path, context);
    for (data::Dataset& dataset : datasets) {
        commands::SampleRow own = row;
        if (datasets.size() > 1) own.name = dataset.name;
        data::Dataset counts = commands::with_counts(std::move(dataset), layer, context);
        commands::refuse_unfiltered(counts);
        // A path that holds several data sets is not remembered by its path alone.
        const std::filesystem::path source = datasets.size() == 1 ? std::filesystem::path(row.path) : std::filesystem::path();
        out.emplace_back(std::move(own), store_sample(std::move(counts), source, how, store, context));
    }
    return out;
}

void require_cells(const data::Dataset& dataset, const std::string& path) {
    if (dataset.n_cells() == 0) invalid_data(fmt::format("{}: holds no cells.", path), "Check that the file was written to its end.");
    if (dataset.n_genes() == 0) invalid_data(fmt::format("{}: holds no genes.", path), "Check that the file was written to its end.");
}

}  // namespace

RunInputs load_inputs(const std::vector<commands::SampleRow>& samples, const std::string& layer, atlas::Atlas& store, RunRecord& record, Context& context) {
    RunInputs inputs;
    std::vector<data::Dataset> datasets;
    std::vector<commands::SampleRow> rows;
    std::string identity;
    for (const commands::SampleRow& sample : samples) {
        for (auto& [row, stored] : load_path(sample, layer, store, record, context)) {
            require_cells(stored.dataset, row.path);
            record.add_input({row.path, row.name, stored.id, stored.dataset.n_cells(), stored.dataset.n_genes(), stored.dataset.layers.at("counts")->nnz()});
            identity += stored.id + "\t" + row.name;
            for (const auto& [column, value] : row.annotation) identity += "\t" + column + "=" + value;
            identity += "\n";
            inputs.ids.push_back(stored.id);
            datasets.push_back(commands::gene_expression(stored.dataset, context));
            rows.push_back(std::move(row));
        }
    }
    inputs.dataset = commands::join_samples(std::move(datasets), rows, context);
    inputs.key = hash_hex(std::string_view(identity));
    return inputs;
}

}  // namespace morula::pipeline
