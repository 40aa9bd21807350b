// Matrix Market coordinate files, genes x cells as Cell Ranger writes them, into cells x genes.
#pragma once

#include <cstdint>
#include <filesystem>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::formats {

struct MtxSize {
    std::int64_t n_rows = 0;     // genes
    std::int64_t n_cols = 0;     // cells
    std::int64_t n_entries = 0;  // as declared
};

/// Reads only the head of the file. Throws invalid_data when it is no coordinate Matrix Market file.
MtxSize read_mtx_size(const std::filesystem::path& path);

/// Columns of the file (cells) become rows. Entries may come in any order; plain or gzip. "integer" and "real" fields, "pattern" as ones.
/// Explicit zeros are dropped. Cost: one pass; memory about 8 bytes an entry (12 when cells are not in order).
/// Throws invalid_data with the line: bad header, index out of range, entry repeated, number that is none, negative, not finite or above 2^32, entries missing or too many;
/// resource_limit when the declared size exceeds what the file or the memory can hold.
matrix::Csr read_mtx_transposed(const std::filesystem::path& path, Context& context);

}  // namespace morula::formats
