// Cell Ranger's matrix folders: matrix.mtx, barcodes.tsv and genes.tsv (version 2) or features.tsv (version 3), gzip or not.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"

namespace morula::formats {

/// A matrix folder and the sample it belongs to.
struct TenxSample {
    std::string name;               // folder of the sample under per_sample_outs, else the name of the folder given
    std::filesystem::path folder;   // holds matrix.mtx[.gz]
};

/// The samples under `folder`: itself; filtered_feature_bc_matrix/ or filtered_gene_bc_matrices/GENOME/, also below outs/; or, for Cell Ranger
/// multi, each of [outs/]per_sample_outs/*/count/sample_filtered_feature_bc_matrix. Without any of them the raw matrix of the run, with all barcodes.
/// Empty when there is none.
std::vector<TenxSample> find_tenx_samples(const std::filesystem::path& folder);

/// Reads the one sample under `folder`. layers["X"] holds the counts in memory. obs index: barcodes. var: as in tenx_genes.hpp.
/// Throws not_found when there is no matrix or a part is missing, unsupported when there are several samples, invalid_data (file, line) when entries
/// are out of range, repeated, not counts, more or fewer than declared, or when barcodes or genes disagree with the matrix.
data::Dataset read_tenx_folder(const std::filesystem::path& folder, Context& context);

/// One data set a sample, in the order of names; obs names are as in the files.
std::vector<data::Dataset> read_tenx_folders(const std::filesystem::path& folder, Context& context);

}  // namespace morula::formats
