#include "morula/commands/input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "morula/atlas/atlas.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"
#include "morula/data/checked_counts.hpp"
#include "morula/formats/hdf5/read_h5ad.hpp"
#include "morula/formats/hdf5/tenx_h5.hpp"
#include "morula/formats/tenx/tenx_folder.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKnown = "Morula reads h5ad files, 10x folders (matrix.mtx), 10x h5 files and its own atlases.";

InputKind folder_kind(const fs::path& path) {
    if (atlas::Atlas::is_atlas(path)) return InputKind::atlas;
    if (!formats::find_tenx_samples(path).empty()) return InputKind::tenx_folder;
    if (fs::exists(path / "zarr.json") || fs::exists(path / ".zgroup")) {
        fail(ErrorCode::unsupported, fmt::format("{}: is a Zarr store; reading those is not ready yet.", path.string()), "Write it as h5ad with AnnData: adata.write_h5ad('cells.h5ad').");
    }
    invalid_data(fmt::format("{}: the folder holds no matrix.mtx or matrix.mtx.gz, here or in outs/filtered_feature_bc_matrix.", path.string()), std::string(kKnown));
}

InputKind file_kind(const fs::path& path) {
    switch (formats::probe_hdf5(path)) {
        case formats::Hdf5Kind::h5ad: return InputKind::h5ad;
        case formats::Hdf5Kind::tenx_h5: return InputKind::tenx_h5;
        case formats::Hdf5Kind::loom:
            fail(ErrorCode::unsupported, fmt::format("{}: is a loom file; reading those is not ready yet.", path.string()), "Write it as h5ad with AnnData: anndata.read_loom(...).write_h5ad(...).");
        case formats::Hdf5Kind::other: invalid_data(fmt::format("{}: is an HDF5 file, but neither h5ad nor 10x.", path.string()), std::string(kKnown));
        case formats::Hdf5Kind::not_hdf5: break;
    }
    if (path.filename().string().find(".mtx") != std::string::npos) {
        invalid_data(fmt::format("{}: is the matrix alone.", path.string()), "Name the folder that holds it together with barcodes.tsv and features.tsv.");
    }
    invalid_data(fmt::format("{}: is not an HDF5 file.", path.string()), std::string(kKnown));
}


std::vector<data::Dataset> atlas_datasets(const fs::path& path, Context& context) {
    const atlas::Atlas store = atlas::Atlas::open(path);
    std::vector<data::Dataset> out;
    for (const std::string& id : store.dataset_ids()) out.push_back(store.dataset(id, context));
    if (out.empty()) invalid_data(fmt::format("{}: the atlas holds no data set.", path.string()), fmt::format("Run `morula ingest FILE --atlas {}`.", path.string()));
    return out;
}

/// "Gene Expression" 32,738; "Antibody Capture" 17
std::vector<std::pair<std::string, std::int64_t>> count_categories(const data::Categorical& column) {
    std::vector<std::pair<std::string, std::int64_t>> counts;
    for (const std::string& category : column.categories) counts.emplace_back(category, 0);
    for (const std::int32_t code : column.codes) {
        if (code >= 0) ++counts[static_cast<std::size_t>(code)].second;
    }
    std::erase_if(counts, [](const auto& entry) { return entry.second == 0; });
    return counts;
}

void report_genomes(const data::Dataset& dataset, Context& context) {
    const data::Column* column = dataset.var.find("genome");
    if (column == nullptr) return;
    const auto genomes = count_categories(data::as_categorical(*column));
    if (genomes.size() < 2) return;
    std::string list;
    for (const auto& [name, n] : genomes) list += fmt::format("{}{} ({} genes)", list.empty() ? "" : " and ", name, n);
    context.events().warning(fmt::format("{}: genes of {}: a mixture of species. Clusters will first of all be species.", dataset.name, list));
}

}  // namespace

InputKind input_kind(const fs::path& path, Context&) {
    std::error_code status;
    const auto kind = fs::status(path, status);
    if (!fs::exists(kind)) fail(ErrorCode::not_found, fmt::format("{}: does not exist.", path.string()), "Check the path.");
    return fs::is_directory(kind) ? folder_kind(path) : file_kind(path);
}

std::vector<data::Dataset> open_datasets(const fs::path& path, Context& context) {
    switch (input_kind(path, context)) {
        case InputKind::atlas: return atlas_datasets(path, context);
        case InputKind::tenx_folder: return formats::read_tenx_folders(path, context);
        case InputKind::tenx_h5: {
            std::vector<data::Dataset> out;
            out.push_back(formats::read_tenx_h5_checked(path, context));
            return out;
        }
        case InputKind::h5ad: break;
    }
    std::vector<data::Dataset> out;
    out.push_back(formats::read_h5ad_checked(path, context));
    return out;
}

data::Dataset with_counts(data::Dataset dataset, std::string_view wanted, Context& context) {
    const data::CountsChoice choice = data::choose_counts(dataset, wanted);
    context.events().decision(fmt::format("{}: {}", dataset.name, choice.reason));
    const matrix::Matrix found = data::find_matrix(dataset, choice.layer);
    if (choice.layer == "raw.X") {
        dataset.var = dataset.raw->var;
        dataset.layers.clear();
        dataset.varm.clear();
    }
    dataset.raw.reset();
    dataset.layers["counts"] = data::checked_counts(found, fmt::format("{}, {}", dataset.name, choice.layer), dataset.obs.index(), dataset.var.index());
    return dataset;
}

void refuse_unfiltered(const data::Dataset& dataset) {
    constexpr std::int64_t kManyBarcodes = 100'000;
    constexpr std::int64_t kLooked = 2'000;
    constexpr double kHardlyACount = 10.0;
    if (dataset.n_cells() <= kManyBarcodes) return;
    const matrix::Matrix counts = require_counts(dataset);
    matrix::CsrScratch scratch;
    std::int64_t nearly_empty = 0;
    for (std::int64_t i = 0; i < kLooked; ++i) {
        const std::int64_t cell = i * dataset.n_cells() / kLooked;
        const matrix::CsrView row = counts->read({cell, cell + 1}, scratch);
        double total = 0.0;
        for (const float count : row.row_values(0)) total += static_cast<double>(count);
        nearly_empty += total <= kHardlyACount ? 1 : 0;
    }
    if (2 * nearly_empty < kLooked) return;
    fail(ErrorCode::unsupported, fmt::format("{}: has {} barcodes, and of {} looked at {} hold at most {:g} counts: an unfiltered matrix, with the empty droplets.", dataset.name, dataset.n_cells(), kLooked, nearly_empty, kHardlyACount),
         "Name the filtered matrix, which Cell Ranger writes beside it as filtered_feature_bc_matrix; calling cells is not ready yet.");
}

data::Dataset gene_expression(const data::Dataset& dataset, Context& context) {
    report_genomes(dataset, context);
    const data::Column* column = dataset.var.find("feature_types");
    if (column == nullptr) return dataset;
    const data::Categorical types = data::as_categorical(*column);
    const auto counts = count_categories(types);
    std::vector<std::int64_t> genes;
    for (std::size_t i = 0; i < types.codes.size(); ++i) {
        const std::int32_t code = types.codes[i];
        if (code < 0 || types.categories[static_cast<std::size_t>(code)] == "Gene Expression") genes.push_back(static_cast<std::int64_t>(i));
    }
    if (static_cast<std::int64_t>(genes.size()) == dataset.n_genes()) return dataset;
    std::string list;
    for (const auto& [name, n] : counts) {
        if (name != "Gene Expression") list += fmt::format("{}{} of type {}", list.empty() ? "" : ", ", n, name);
    }
    if (genes.empty()) invalid_data(fmt::format("{}: holds no feature of type Gene Expression ({}).", dataset.name, list), "Name the file that holds the gene expression.");
    context.events().decision(fmt::format("{}: {} stay in the store and take no part in the analysis of genes.", dataset.name, list));
    std::vector<std::int64_t> cells(static_cast<std::size_t>(dataset.n_cells()));
    for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = static_cast<std::int64_t>(i);
    return data::select(dataset, cells, genes);
}

}  // namespace morula::commands
