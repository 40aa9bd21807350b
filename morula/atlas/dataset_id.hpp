// The identity of a data set: a hash of its content that does not depend on the file it came from, the number of threads or how rows were read.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "morula/core/hash.hpp"
#include "morula/data/dataset.hpp"
#include "morula/matrix/views.hpp"

namespace morula::atlas {

/// XXH3-128 of a matrix, fed with its rows in order. Rows are taken in tiles of 1,024 cells; of each tile the row lengths (int64), column ids (uint32)
/// and values (float32), all little-endian, are hashed apart, and the tiles' hashes are hashed in order together with the shape.
class MatrixHasher {
public:
    MatrixHasher(std::int64_t n_rows, std::int64_t n_cols);
    void add(const matrix::CsrView& rows);
    /// 32 hex digits; call once, when all rows were added.
    std::string finish();

private:
    void close_tile();

    std::int64_t rows_in_tile_ = 0;
    std::int64_t n_rows_ = 0;
    std::int64_t seen_ = 0;
    Hasher lengths_;
    Hasher ids_;
    Hasher values_;
    Hasher tiles_;
};

/// The id: hash of the matrices' hashes ("X", "layers/NAME", "raw/X", "obsp/NAME") and of everything else a step could read (names, columns with their types,
/// raw's genes, obsm, varm, uns). Two files that hold the same have the same id; a corrected obs column gives another, so that no result of the old
/// annotation is taken for the new.
std::string dataset_id(const std::map<std::string, std::string>& matrix_hashes, const data::Dataset& dataset);

}  // namespace morula::atlas
