// Opening what a user names: an h5ad file, a 10x folder or h5 file, a text matrix, an atlas. Raw counts are found by looking, and said aloud.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"
#include "morula/formats/text/text_matrix.hpp"

namespace morula::commands {

enum class InputKind { h5ad, tenx_folder, tenx_h5, text_matrix, atlas };
/// Looks at the path and the file's first bytes. Throws not_found, unsupported (loom, Zarr, with what to do), invalid_data.
InputKind input_kind(const std::filesystem::path& path, Context& context);

/// Every data set behind a path, as it came: one for files, one a sample for Cell Ranger multi, all data sets of an atlas. Layers are lazy.
/// orientation: of text matrices.
std::vector<data::Dataset> open_datasets(const std::filesystem::path& path, formats::TextOrientation orientation, Context& context);

/// Throws usage where `out` is the same file as an input, by whatever name (device and inode): what an input holds and the result does not would be gone.
void refuse_to_overwrite(const std::filesystem::path& out, const std::vector<std::string>& inputs);

/// The raw counts of a data set under layers["counts"] with the gene table that belongs to them (raw.var for raw.X), values checked as they are read.
/// wanted: the layer to take, "" to look. Says which matrix it took.
data::Dataset with_counts(data::Dataset dataset, std::string_view wanted, Context& context);

/// What looking at the totals of up to 2,000 barcodes says: is this a matrix with all barcodes, empty droplets among them?
struct BarcodeLook {
    std::int64_t n_looked = 0;
    std::int64_t n_nearly_empty = 0;    // with at most so many counts of gene expression
    bool is_named_raw = false;          // raw_feature_bc_matrix and the like
    bool is_unfiltered = false;         // half of them nearly empty, a tenth where the name says so; never by counts alone where fewer than 1,000 genes were measured
    std::string filtered;               // Cell Ranger's filtered matrix beside it, "" where there is none
};
BarcodeLook look_at_barcodes(const data::Dataset& dataset, const std::filesystem::path& path, std::int64_t nearly_empty);

/// Columns that are gene expression: all where var has no feature_types.
std::vector<std::int64_t> gene_features(const data::Table& var);

/// Throws invalid_data, naming what there is, when no feature is gene expression.
void require_gene_features(const data::Dataset& dataset);

/// Gene expression alone: antibody, guide and multiplexing features are left out and named; two genomes are reported.
data::Dataset gene_expression(const data::Dataset& dataset, Context& context);

/// One sample of a study: where it is and what is known about it.
struct SampleRow {
    std::string path;
    std::string name;
    std::vector<std::pair<std::string, std::string>> annotation;  // donor, condition, batch, ...: become obs columns
};
/// Reads samples.csv: columns path and sample, the others as annotation. Relative paths are relative to the sheet.
/// Throws invalid_data with the line: missing columns or values, a sample named twice.
std::vector<SampleRow> read_sample_sheet(const std::filesystem::path& path, Context& context);

/// Samples below one another on the union of their genes (by gene id): obs sample and the annotation columns are added, cell names become SAMPLE_NAME when there
/// is more than one sample; var measured_in (number of samples). A gene that a sample did not measure reads as zero there, and steps leave it out of variable genes.
data::Dataset join_samples(std::vector<data::Dataset> samples, const std::vector<SampleRow>& rows, Context& context);

}  // namespace morula::commands
