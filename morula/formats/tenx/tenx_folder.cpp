#include "morula/formats/tenx/tenx_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/formats/hdf5/tenx_genes.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/formats/text/mtx.hpp"
#include "morula/formats/text/text_stream.hpp"

namespace morula::formats {
namespace {

namespace fs = std::filesystem;

/// The first of the names that stands in the folder, plain or gzip; empty when none does.
fs::path part(const fs::path& folder, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        for (const char* ending : {"", ".gz"}) {
            const fs::path path = folder / (std::string(name) + ending);
            if (fs::is_regular_file(path)) return path;
        }
    }
    return {};
}

bool is_matrix_folder(const fs::path& folder) { return !part(folder, {"matrix.mtx"}).empty(); }

std::vector<fs::path> subfolders(const fs::path& folder) {
    std::vector<fs::path> out;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        if (entry.is_directory()) out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    return out;
}

/// Cell Ranger 2 has one more level, the genome's name.
fs::path below_genome(const fs::path& folder) {
    for (const fs::path& genome : subfolders(folder)) {
        if (is_matrix_folder(genome)) return genome;
    }
    return {};
}

/// A matrix of one run's outputs, below `folder`: "filtered" or "raw"; empty when there is none.
fs::path run_matrix(const fs::path& folder, const std::string& kind) {
    for (const char* below : {".", "outs"}) {
        const fs::path base = folder / below;
        for (const std::string& name : {kind + "_feature_bc_matrix", "sample_" + kind + "_feature_bc_matrix"}) {
            if (is_matrix_folder(base / name)) return (base / name).lexically_normal();
        }
        const fs::path genome = below_genome(base / (kind + "_gene_bc_matrices"));
        if (!genome.empty()) return genome.lexically_normal();
    }
    return {};
}

std::string name_of(const fs::path& folder) {
    const fs::path clean = fs::absolute(folder).lexically_normal();
    const std::string name = clean.has_filename() ? clean.filename().string() : clean.parent_path().filename().string();
    return name.empty() ? "sample" : name;
}

std::vector<TenxSample> multi_samples(const fs::path& folder) {
    std::vector<TenxSample> samples;
    for (const char* below : {"per_sample_outs", "outs/per_sample_outs"}) {
        for (const fs::path& sample : subfolders(folder / below)) {
            const fs::path matrix = sample / "count" / "sample_filtered_feature_bc_matrix";
            if (is_matrix_folder(matrix)) samples.push_back({sample.filename().string(), matrix});
        }
    }
    return samples;
}

std::vector<std::string> read_barcodes(const fs::path& path) {
    LineReader lines(path);
    std::vector<std::string> barcodes;
    std::string_view line;
    while (lines.next(line)) {
        if (line.empty()) continue;
        if (find_invalid_utf8(line) != std::string_view::npos) {
            invalid_data(fmt::format("{}, line {}: is not UTF-8 text.", path.string(), lines.line_number()), "Copy or download the file again.");
        }
        barcodes.emplace_back(line.substr(0, line.find('\t')));
    }
    return barcodes;
}

/// features.tsv: id, symbol, type; genes.tsv: id, symbol.
TenxFeatures read_features(const fs::path& path, Context& context) {
    const RawTable table = read_rows(path, {Delimiter::tab, Header::no, Index::row_numbers}, context);
    TenxFeatures features;
    for (const auto& row : table.rows) {
        features.ids.push_back(row[0]);
        features.symbols.push_back(row.size() > 1 ? row[1] : row[0]);
        if (row.size() > 2) features.types.push_back(row[2]);
    }
    return features;
}

void require_part(const fs::path& path, const fs::path& folder, std::string_view name) {
    if (path.empty()) {
        fail(ErrorCode::not_found, fmt::format("{}: holds matrix.mtx but no {} (nor {}.gz).", folder.string(), name, name), "Copy the whole folder, all three files belong together.");
    }
}

void require_length(std::size_t found, std::int64_t wanted, const fs::path& path, const fs::path& matrix, std::string_view what) {
    if (static_cast<std::int64_t>(found) == wanted) return;
    invalid_data(fmt::format("{}: names {} {}, but {} declares {}.", path.string(), found, what, matrix.string(), wanted), "The files are not of one matrix: copy the whole folder again.");
}

void require_unique(const std::vector<std::string>& names, const fs::path& path) {
    std::unordered_map<std::string_view, std::size_t> first;
    first.reserve(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto [other, fresh] = first.emplace(names[i], i);
        if (!fresh) {
            invalid_data(fmt::format("{}: the barcode '{}' stands on lines {} and {}.", path.string(), names[i], other->second + 1, i + 1), "Each cell needs a name of its own: copy the file again.");
        }
    }
}

data::Dataset read_matrix_folder(const TenxSample& sample, Context& context) {
    const fs::path matrix = part(sample.folder, {"matrix.mtx"});
    const fs::path barcodes_path = part(sample.folder, {"barcodes.tsv"});
    const fs::path features_path = part(sample.folder, {"features.tsv", "genes.tsv"});
    require_part(barcodes_path, sample.folder, "barcodes.tsv");
    require_part(features_path, sample.folder, "features.tsv or genes.tsv");
    std::vector<std::string> barcodes = read_barcodes(barcodes_path);
    TenxFeatures features = read_features(features_path, context);
    // Sizes first: a wrong one is told before anything of that size is allocated.
    const MtxSize size = read_mtx_size(matrix);
    require_length(barcodes.size(), size.n_cols, barcodes_path, matrix, "cells");
    require_length(features.ids.size(), size.n_rows, features_path, matrix, "genes");
    require_unique(barcodes, barcodes_path);
    matrix::Csr counts = read_mtx_transposed(matrix, context);

    data::Dataset dataset;
    dataset.name = sample.name;
    dataset.obs = data::Table(std::move(barcodes));
    dataset.var = tenx_gene_table(std::move(features), features_path.string(), context);
    dataset.layers["X"] = matrix::make_source(std::move(counts));
    return dataset;
}

std::vector<TenxSample> require_samples(const fs::path& folder) {
    std::vector<TenxSample> samples = find_tenx_samples(folder);
    if (samples.empty()) {
        fail(ErrorCode::not_found, fmt::format("{}: holds no matrix.mtx or matrix.mtx.gz, here or in outs/filtered_feature_bc_matrix.", folder.string()), "Name the folder that holds it together with barcodes.tsv and features.tsv.");
    }
    return samples;
}

}  // namespace

std::vector<TenxSample> find_tenx_samples(const fs::path& folder) {
    if (is_matrix_folder(folder)) return {{name_of(folder), folder}};
    const fs::path filtered = run_matrix(folder, "filtered");
    if (!filtered.empty()) return {{name_of(folder), filtered}};
    std::vector<TenxSample> samples = multi_samples(folder);
    if (!samples.empty()) return samples;
    const fs::path raw = run_matrix(folder, "raw");
    return raw.empty() ? samples : std::vector<TenxSample>{{name_of(folder), raw}};
}

data::Dataset read_tenx_folder(const fs::path& folder, Context& context) {
    const std::vector<TenxSample> samples = require_samples(folder);
    if (samples.size() > 1) {
        fail(ErrorCode::unsupported, fmt::format("{}: holds {} samples, one is needed here.", folder.string(), samples.size()), fmt::format("Name one of them, for instance {}.", samples.front().folder.string()));
    }
    return read_matrix_folder(samples.front(), context);
}

std::vector<data::Dataset> read_tenx_folders(const fs::path& folder, Context& context) {
    std::vector<data::Dataset> datasets;
    for (const TenxSample& sample : require_samples(folder)) datasets.push_back(read_matrix_folder(sample, context));
    return datasets;
}

}  // namespace morula::formats
