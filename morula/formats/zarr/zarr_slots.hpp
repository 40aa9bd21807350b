// The elements of an AnnData group: tables, columns, uns. Used by zarr_anndata.cpp.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "morula/core/context.hpp"
#include "morula/data/table.hpp"
#include "morula/data/uns.hpp"
#include "morula/formats/zarr/zarr_writer.hpp"

namespace morula::formats {

/// {"encoding-type": type, "encoding-version": version}
ZarrAttributes encoding(std::string_view type, std::string_view version);
/// The encoding-type of the node in folder: "" where it has none.
std::string encoding_type(const std::filesystem::path& folder);

void write_column(ZarrTreeWriter& tree, const std::string& path, const data::Column& column);
/// n_rows: -1 where any length will do. Throws invalid_data, unsupported.
data::Column read_column(const std::filesystem::path& folder, std::int64_t n_rows, Context& context);

void write_table(ZarrTreeWriter& tree, const std::string& path, const data::Table& table);
/// Only the columns that `wanted` accepts.
data::Table read_table(const std::filesystem::path& folder, const std::function<bool(const std::string&)>& wanted, Context& context);

void write_uns(ZarrTreeWriter& tree, const std::string& path, const data::UnsMap& uns);
/// Elements that have no place in data::Uns are left out with a warning.
data::UnsMap read_uns(const std::filesystem::path& folder, Context& context);

void write_dense(ZarrTreeWriter& tree, const std::string& path, const matrix::Dense<float>& dense);
matrix::Dense<float> read_dense(const std::filesystem::path& folder, Context& context);

/// Throws invalid_data when a key of a mapping (obsm, layers, uns ...) holds a '/'.
void check_key(const std::string& slot, const std::string& name);
/// Names of the nodes directly below a group, sorted.
std::vector<std::string> child_names(const std::filesystem::path& folder);

}  // namespace morula::formats
