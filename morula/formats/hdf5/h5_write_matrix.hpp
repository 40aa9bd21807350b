// Writing sparse matrices row block by row block, in bounded memory.
#pragma once

#include <span>
#include <string>

#include "morula/core/context.hpp"
#include "morula/formats/hdf5/h5_write.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::formats::h5 {

enum class MatrixCompression { none, gzip };

/// A matrix and where it goes.
struct MatrixPlace {
    hid_t parent = -1;
    std::string name;
    std::string path;  // from the root: "layers/counts"
    const matrix::RowBlockSource* source = nullptr;
};

/// csr_matrices with float32 values that hold the same entries (checked while writing; throws internal): the index is written once, with the first, and
/// hard links in the others point to it. Columns and offsets have one type, as scipy needs it: int32, or int64 from 2^31 entries on.
/// Every source is read once, after one pass that counts where a source does not know how long its rows are; logs of counts that are written beside them
/// (matrix::log1p_scaled) are computed from those, not read. root: of the file.
void write_csr(hid_t root, std::span<const MatrixPlace> places, MatrixCompression compression, Context& context);

}  // namespace morula::formats::h5
