// Writing sparse matrices row block by row block, in bounded memory.
#pragma once

#include <string>

#include "morula/core/context.hpp"
#include "morula/formats/hdf5/h5_write.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::formats::h5 {

enum class MatrixCompression { none, gzip };

/// What a written matrix looks like, so that another can share its index.
struct WrittenIndex {
    std::string path;                   // of the group, from the root: "X"
    std::vector<std::int64_t> indptr;   // n_rows + 1
};

/// csr_matrix with float32 values. Columns and offsets have one type, as scipy needs it: int32, or int64 from 2^31 entries on.
/// Two passes over the source: one counts, one writes.
WrittenIndex write_csr(hid_t parent, const std::string& name, const std::string& path, const matrix::RowBlockSource& source, MatrixCompression compression, Context& context);

/// Values alone; indices and indptr are hard links to those of `index`, whose source must hold the same entries: checked while writing (throws internal).
void write_csr_sharing(hid_t root, hid_t parent, const std::string& name, const matrix::RowBlockSource& source, const WrittenIndex& index, const matrix::RowBlockSource& index_source,
                       MatrixCompression compression, Context& context);

}  // namespace morula::formats::h5
