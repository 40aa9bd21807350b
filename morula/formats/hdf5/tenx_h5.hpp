// Cell Ranger's HDF5 matrices: version 3 (/matrix) and version 2 (one group a genome).
#pragma once

#include <filesystem>

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"

namespace morula::formats {

/// layers["X"] reads the counts from the file block by block. obs index: barcodes; var: as in tenx_genes.hpp. Version 2 files with several genomes are
/// joined: the same barcodes, genes below one another, column genome.
/// Throws invalid_data when the file is no such matrix or damaged.
data::Dataset read_tenx_h5(const std::filesystem::path& path, Context& context);

/// The same for files from strangers, as read_h5ad_checked.
data::Dataset read_tenx_h5_checked(const std::filesystem::path& path, Context& context);

}  // namespace morula::formats
