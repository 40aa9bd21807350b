// A Dataset as one AnnData group in Zarr v3 (anndata 0.1.0 encodings), which AnnData 0.12 and later read as it lies.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"
#include "morula/formats/zarr/zarr_writer.hpp"
#include "morula/formats/zarr/zarr_csr.hpp"

namespace morula::formats {

/// Writes `folder`, which must not exist: under a temporary name beside it, forced to disk, then renamed. Slots that are empty are left out,
/// so results that belong to a data set can be stored as a group of their own (obs index, some columns, some obsm).
void write_zarr(const data::Dataset& dataset, const std::filesystem::path& folder, Context& context);

/// Opens a group: tables, obsm, obsp and uns in memory, X, layers and raw as lazy sources.
/// Throws not_found, invalid_data (names the file and what is damaged), unsupported.
data::Dataset read_zarr(const std::filesystem::path& folder, Context& context);
/// Only the slots named, for instance {"X", "obs/batch", "obsm/X_pca", "var"}; the names of cells and genes always come along.
/// Throws not_found when the group lacks one.
data::Dataset read_zarr_slots(const std::filesystem::path& folder, const std::vector<std::string>& slots, Context& context);

/// Whether folder looks like an AnnData group in Zarr v3.
bool is_zarr_anndata(const std::filesystem::path& folder);

/// Gives the observer of a matrix about to be written: path is "X", "layers/NAME", "raw/X" or "obsp/NAME". May return an empty one.
using ObserverFor = std::function<RowObserver(const std::string& path, const matrix::RowBlockSource& source)>;

/// Matrices of a data set that are the same source as an earlier one: path -> the path that they repeat ("layers/counts" -> "X").
std::map<std::string, std::string> repeated_matrices(const data::Dataset& dataset);

/// Lower level, for the atlas: writes all slots into an open tree. A repeated matrix is not written again and has no observer: its files are links to
/// the first one's. Does not finish the tree.
void write_zarr_slots(ZarrTreeWriter& tree, const data::Dataset& dataset, const ObserverFor& observer_for);

}  // namespace morula::formats
