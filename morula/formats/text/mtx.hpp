// Matrix Market coordinate files, genes x cells as Cell Ranger writes them, into cells x genes.
#pragma once

#include <filesystem>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::formats {

/// Columns of the file (cells) become rows. Entries may come in any order; plain or gzip. "integer" and "real" fields, "pattern" as ones.
/// Explicit zeros are dropped. Cost: one pass; memory about 16 bytes an entry.
/// Throws invalid_data with the line: bad header, index out of range, entry repeated, number that is none or not finite, entries missing or too many;
/// resource_limit when the declared size exceeds what the file or the memory can hold.
matrix::Csr read_mtx_transposed(const std::filesystem::path& path, Context& context);

}  // namespace morula::formats
