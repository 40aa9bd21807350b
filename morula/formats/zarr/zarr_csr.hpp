// Sparse matrices in Zarr v3, as AnnData's csr_matrix groups: a lazy reader and a streaming writer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "morula/formats/zarr/zarr_array.hpp"
#include "morula/formats/zarr/zarr_writer.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::formats {

/// Columns that a matrix may have here: ids are uint32.
inline constexpr std::int64_t kMostColumns = std::int64_t{1} << 32;

/// A csr_matrix group as a source of rows. indptr is held in memory; a read decodes the inner chunks that the rows overlap.
/// Checks the CRC of every chunk, that column ids lie within the matrix and increase in each row. Safe to call from many threads.
class ZarrCsrSource final : public matrix::RowBlockSource {
public:
    /// Throws invalid_data when the group is no csr_matrix or its parts disagree in length.
    ZarrCsrSource(const std::filesystem::path& folder, Context& context);

    std::int64_t n_rows() const override { return n_rows_; }
    std::int64_t n_cols() const override { return n_cols_; }
    std::int64_t nnz() const override { return indptr_.back(); }
    matrix::CsrView read(matrix::Range rows, matrix::CsrScratch& scratch) const override;

private:
    std::int64_t n_rows_ = 0;
    std::int64_t n_cols_ = 0;
    std::vector<std::int64_t> indptr_;
    std::unique_ptr<ZarrArray> indices_;
    std::unique_ptr<ZarrArray> values_;
};

/// The matrix in a group: csr_matrix lazily, or a dense array whose zeros are skipped. Throws unsupported for csc_matrix.
matrix::Matrix open_zarr_matrix(const std::filesystem::path& folder, Context& context);

/// Receives the rows while they are written (for content hashes); first_row is the block's place. A block lies within a tile of 1,024 rows; those of a
/// tile come in order, tiles come from many threads at once.
using RowObserver = std::function<void(const matrix::CsrView& rows, std::int64_t first_row)>;

enum class ValueStorage {
    smallest,  // uint8, uint16 or uint32 where all values are non-negative integers, else float32
    float32,
};

/// Writes a source as a csr_matrix group, in bounded memory (about 32 MB a thread at 3,000 entries a row, at most some 128 MB): indices in the smallest unsigned type, indptr int64.
/// Throws invalid_data when rows are not sorted or columns are out of range. The bytes do not depend on the number of threads.
void write_zarr_csr(ZarrTreeWriter& tree, const std::string& path, const matrix::RowBlockSource& source, ValueStorage storage, const RowObserver& observer);

}  // namespace morula::formats
