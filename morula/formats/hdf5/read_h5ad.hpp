// Reading h5ad files of AnnData 0.7 to 0.13; matrices stay in the file and are read block by block.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"

namespace morula::formats {

/// Everything an h5ad file holds. CSR matrices are read lazily (H5CsrSource), dense ones too, with zeros dropped; CSC ones are transposed in memory.
/// Gene names that repeat are kept apart and reported. What has no place in a Dataset (data frames in obsm, unknown encodings, images in uns) is left
/// out and named in one warning. Values are delivered as they lie, NaN included: data::checked_counts() is the guard for counts.
/// Throws invalid_data for damage, wrong shapes, repeated cell names, and names the place in the file; unsupported for AnnData older than 0.7.
data::Dataset read_h5ad(const std::filesystem::path& path, Context& context);

/// The same for files from strangers: first a child process opens the file and walks it; its crash or time-out becomes invalid_data.
data::Dataset read_h5ad_checked(const std::filesystem::path& path, Context& context);

/// A cheap listing: no matrix values are read.
struct H5adInfo {
    std::int64_t n_cells = 0;
    std::int64_t n_genes = 0;
    std::int64_t nnz = 0;             // of X; cells x genes when dense
    std::vector<std::string> layers;  // "X" first, "raw.X" where there is one
    std::vector<std::string> obs;     // columns
    std::vector<std::string> var;
    std::vector<std::string> obsm;
};
H5adInfo info(const std::filesystem::path& path);

enum class Hdf5Kind { not_hdf5, h5ad, tenx_h5, loom, other };
/// Looks at the signature and the names at the root. Throws like read_h5ad when the file cannot be opened or is damaged.
Hdf5Kind probe_hdf5(const std::filesystem::path& path);

}  // namespace morula::formats
