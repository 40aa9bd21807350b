// The identity of a data set: a hash of its content that does not depend on the file it came from, the number of threads or how rows were read.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "morula/data/dataset.hpp"
#include "morula/matrix/views.hpp"

namespace morula::atlas {

/// XXH3-128 of a matrix, fed with its rows. Rows are taken in tiles of 1,024 cells; of each tile the row lengths (int64), column ids (uint32)
/// and values (float32), all little-endian, are hashed apart, and the tiles' hashes are hashed in order together with the shape.
class MatrixHasher {
public:
    MatrixHasher(std::int64_t n_rows, std::int64_t n_cols);
    MatrixHasher(MatrixHasher&&) noexcept;
    ~MatrixHasher();
    /// The rows of a tile must come in order; different tiles may come from different threads.
    void add(const matrix::CsrView& rows, std::int64_t first_row);
    /// 32 hex digits, when all rows were added.
    std::string finish() const;
    /// Entries that were added.
    std::int64_t nnz() const;

private:
    struct Open;
    struct Tile {
        std::unique_ptr<Open> open;  // while rows are missing
        std::int64_t n_rows = 0;
        std::int64_t nnz = 0;
        std::string hashes;          // of lengths, ids and values, when complete
    };

    std::int64_t n_rows_ = 0;
    std::int64_t n_cols_ = 0;
    std::vector<Tile> tiles_;
};

/// The id: hash of the matrices' hashes ("X", "layers/NAME", "raw/X", "obsp/NAME") and of everything else a step could read (names, columns with their types,
/// raw's genes, obsm, varm, uns). Two files that hold the same have the same id; a corrected obs column gives another, so that no result of the old
/// annotation is taken for the new.
std::string dataset_id(const std::map<std::string, std::string>& matrix_hashes, const data::Dataset& dataset);

}  // namespace morula::atlas
