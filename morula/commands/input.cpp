#include "morula/commands/input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "morula/atlas/atlas.hpp"
#include "morula/commands/input_ahead.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"
#include "morula/core/printable.hpp"
#include "morula/data/checked_counts.hpp"
#include "morula/formats/hdf5/read_h5ad.hpp"
#include "morula/formats/hdf5/tenx_h5.hpp"
#include "morula/formats/tenx/tenx_folder.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKnown = "Morula reads h5ad files, 10x folders (matrix.mtx), 10x h5 files, text matrices (.csv, .tsv, .txt, .gz) and its own atlases.";

InputKind folder_kind(const fs::path& path) {
    if (atlas::Atlas::is_atlas(path)) return InputKind::atlas;
    if (!formats::find_tenx_samples(path).empty()) return InputKind::tenx_folder;
    if (fs::exists(path / "zarr.json") || fs::exists(path / ".zgroup")) {
        fail(ErrorCode::unsupported, fmt::format("{}: is a Zarr store; reading those is not ready yet.", path.string()), "Write it as h5ad with AnnData: adata.write_h5ad('cells.h5ad').");
    }
    invalid_data(fmt::format("{}: the folder holds no matrix.mtx or matrix.mtx.gz, here or in outs/filtered_feature_bc_matrix.", path.string()), std::string(kKnown));
}

InputKind file_kind(const fs::path& path) {
    std::error_code unknown;
    if (fs::file_size(path, unknown) == 0 && !unknown) invalid_data(fmt::format("{}: is empty.", path.string()), "Copy or download the file again.");
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
    if (formats::is_text_matrix(path)) return InputKind::text_matrix;
    const bool is_packed_hdf5 = path.extension() == ".gz" && (path.stem().extension() == ".h5ad" || path.stem().extension() == ".h5");
    invalid_data(fmt::format("{}: is not an HDF5 file.", path.string()), is_packed_hdf5 ? fmt::format("Unpack it first: `gunzip {}`.", shell_word(path.string())) : std::string(kKnown));
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

/// "17 of type Antibody Capture"; "" where all features are genes or nothing says what they are.
std::string other_features(const data::Table& var) {
    const data::Column* column = var.find("feature_types");
    if (column == nullptr) return "";
    std::string list;
    for (const auto& [name, n] : count_categories(data::as_categorical(*column))) {
        if (name != "Gene Expression") list += fmt::format("{}{} of type {}", list.empty() ? "" : ", ", n, name);
    }
    return list;
}

/// The last part of a path, however it ends.
std::string path_name(const fs::path& path) {
    const fs::path clean = fs::absolute(path).lexically_normal();
    return clean.has_filename() ? clean.filename().string() : clean.parent_path().filename().string();
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

void warn_of_nameless(const data::Dataset& dataset, Context& context) {
    for (const auto& [what, names] : {std::pair{"cell", &dataset.obs.index()}, {"gene", &dataset.var.index()}}) {
        const auto nameless = std::count(names->begin(), names->end(), std::string());
        if (nameless == 0) continue;
        const auto first = std::find(names->begin(), names->end(), std::string()) - names->begin();
        context.events().warning(fmt::format("{}: {} {}{} no name, the first at place {} (counted from 1).", dataset.name, nameless, what, nameless == 1 ? " has" : "s have", first + 1));
    }
}

}  // namespace

InputKind input_kind(const fs::path& path, Context&) {
    std::error_code status;
    const auto kind = fs::status(path, status);
    if (status == std::errc::permission_denied) fail_from_errno(status.value(), "read it", path.string());
    if (!fs::exists(kind)) fail(ErrorCode::not_found, fmt::format("{}: does not exist.", path.string()), "Check the path.");
    if (fs::is_directory(kind)) return folder_kind(path);
    if (!fs::is_regular_file(kind)) invalid_data(fmt::format("{}: is neither a file nor a folder.", path.string()), std::string(kKnown));
    return file_kind(path);
}

InputAhead::InputAhead(const fs::path& path, formats::TextOrientation orientation, Context& context) : path_(path), orientation_(orientation), kind_(input_kind(path, context)) {
    if (kind_ == InputKind::h5ad) checked_ = std::make_unique<formats::CheckedFile>(path, formats::read_h5ad);
    if (kind_ == InputKind::tenx_h5) checked_ = std::make_unique<formats::CheckedFile>(path, formats::read_tenx_h5);
}

std::vector<data::Dataset> InputAhead::read(Context& context) {
    std::vector<data::Dataset> out;
    switch (kind_) {
        case InputKind::atlas: return atlas_datasets(path_, context);
        case InputKind::tenx_folder: return formats::read_tenx_folders(path_, context);
        case InputKind::text_matrix: out.push_back(formats::read_text_matrix(path_, orientation_, context)); break;
        case InputKind::tenx_h5:
        case InputKind::h5ad: out.push_back(checked_->read(context)); break;
    }
    return out;
}

std::vector<data::Dataset> open_datasets(const fs::path& path, formats::TextOrientation orientation, Context& context) { return InputAhead(path, orientation, context).read(context); }

void refuse_to_overwrite(const fs::path& out, const std::vector<std::string>& inputs) {
    for (const std::string& input : inputs) {
        std::error_code missing;
        if (fs::equivalent(input, out, missing)) fail(ErrorCode::usage, fmt::format("--out {}: is the input {} itself, and what the result does not hold would be lost.", out.string(), input), "Name another file with --out.");
    }
}

data::Dataset with_counts(data::Dataset dataset, std::string_view wanted, Context& context) {
    if (dataset.n_cells() == 0 || dataset.n_genes() == 0) {
        invalid_data(fmt::format("{}: holds no {}.", dataset.name, dataset.n_cells() == 0 ? "cells" : "genes"), "Check that the file was written to its end.");
    }
    const data::CountsChoice choice = data::choose_counts(dataset, wanted);
    context.events().decision(fmt::format("{}: {}", dataset.name, choice.reason));
    const matrix::Matrix found = data::find_matrix(dataset, choice.layer);
    if (choice.layer == "raw.X") {
        dataset.var = dataset.raw->var;
        dataset.layers.clear();
        dataset.varm.clear();
    }
    dataset.raw.reset();
    const matrix::Matrix counts = data::checked_counts(found, fmt::format("{}, {}", dataset.name, choice.layer), dataset.obs.index(), dataset.var.index());
    warn_of_nameless(dataset, context);
    dataset.layers["counts"] = counts;
    // One matrix under two names is then known as one, and stored once.
    if (choice.layer != "raw.X") dataset.layers[choice.layer] = counts;
    return dataset;
}

std::vector<std::int64_t> gene_features(const data::Table& var) {
    const data::Column* column = var.find("feature_types");
    std::vector<std::int64_t> genes;
    const data::Categorical types = column == nullptr ? data::Categorical{} : data::as_categorical(*column);
    for (std::int64_t i = 0; i < var.n_rows(); ++i) {
        const std::int32_t code = column == nullptr ? -1 : types.codes[static_cast<std::size_t>(i)];
        if (code < 0 || types.categories[static_cast<std::size_t>(code)] == "Gene Expression") genes.push_back(i);
    }
    return genes;
}

BarcodeLook look_at_barcodes(const data::Dataset& dataset, const fs::path& path, std::int64_t nearly_empty) {
    constexpr std::int64_t kPieces = 100;
    constexpr std::int64_t kPieceRows = 20;
    constexpr double kMost = 0.5;
    constexpr double kManyWhenNamedRaw = 0.1;
    constexpr std::int64_t kFewestTellingGenes = 1000;
    BarcodeLook look;
    const std::vector<std::int64_t> genes = gene_features(dataset.var);
    const matrix::Matrix all = require_counts(dataset);
    const matrix::Matrix counts = std::ssize(genes) == dataset.n_genes() ? all : matrix::select_cols(all, genes);
    matrix::CsrScratch scratch;
    const std::int64_t n = dataset.n_cells();
    const std::int64_t step = std::max(kPieceRows, n / kPieces);
    for (std::int64_t begin = 0; begin < n; begin += step) {
        const matrix::CsrView rows = counts->read({begin, std::min(begin + kPieceRows, n)}, scratch);
        for (std::int64_t row = 0; row < rows.n_rows; ++row) {
            double total = 0.0;
            for (const float count : rows.row_values(row)) total += static_cast<double>(count);
            look.n_nearly_empty += total <= static_cast<double>(nearly_empty) ? 1 : 0;
            ++look.n_looked;
        }
    }
    const std::string name = path_name(path);
    look.is_named_raw = name.find("raw_feature_bc_matrix") != std::string::npos || name.find("raw_gene_bc_matri") != std::string::npos;
    const double share = look.n_looked > 0 ? static_cast<double>(look.n_nearly_empty) / static_cast<double>(look.n_looked) : 0.0;
    // A panel of few genes gives a good cell few counts too.
    const bool tells_by_counts = std::ssize(genes) >= kFewestTellingGenes;
    look.is_unfiltered = (look.is_named_raw || tells_by_counts) && share >= (look.is_named_raw ? kManyWhenNamedRaw : kMost);
    if (look.is_named_raw) {
        const fs::path beside = (fs::absolute(path) / "").lexically_normal().parent_path().parent_path() / std::string(name).replace(name.find("raw_"), 4, "filtered_");
        if (fs::exists(beside)) look.filtered = beside.string();
    }
    return look;
}

void require_gene_features(const data::Dataset& dataset) {
    if (dataset.n_genes() == 0 || !gene_features(dataset.var).empty()) return;
    invalid_data(fmt::format("{}: holds no feature of type Gene Expression ({}).", dataset.name, other_features(dataset.var)), "Name the file that holds the gene expression.");
}

data::Dataset gene_expression(const data::Dataset& dataset, Context& context) {
    report_genomes(dataset, context);
    const std::vector<std::int64_t> genes = gene_features(dataset.var);
    if (static_cast<std::int64_t>(genes.size()) == dataset.n_genes()) return dataset;
    require_gene_features(dataset);
    const std::string list = other_features(dataset.var);
    context.events().decision(fmt::format("{}: {} stay in the store and take no part in the analysis of genes.", dataset.name, list));
    std::vector<std::int64_t> cells(static_cast<std::size_t>(dataset.n_cells()));
    for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = static_cast<std::int64_t>(i);
    return data::select(dataset, cells, genes);
}

}  // namespace morula::commands
