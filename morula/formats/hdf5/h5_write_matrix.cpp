#include "morula/formats/hdf5/h5_write_matrix.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/formats/hdf5/chunk_filters.hpp"

namespace morula::formats::h5 {
namespace {

constexpr std::int64_t kTileRows = 1024;
constexpr std::int64_t kTilesAtOnce = 32;        // decoded together, then written in order
constexpr std::int64_t kChunkElements = 1 << 16;  // of compressed data sets
constexpr int kDeflateLevel = 4;

std::vector<std::int64_t> count_rows(const matrix::RowBlockSource& source, Context& context) {
    std::vector<std::int64_t> indptr(static_cast<std::size_t>(source.n_rows()) + 1, 0);
    parallel_blocks(context, source.n_rows(), kTileRows, [&](Block block) {
        matrix::CsrScratch scratch;
        const matrix::CsrView tile = source.read({block.begin, block.end}, scratch);
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            const auto r = static_cast<std::size_t>(row);
            indptr[static_cast<std::size_t>(block.begin) + r + 1] = tile.indptr[r + 1] - tile.indptr[r];
        }
    });
    for (std::size_t row = 1; row < indptr.size(); ++row) indptr[row] += indptr[row - 1];
    return indptr;
}

/// A long one-dimensional data set filled from its start to its end.
class Appender {
public:
    Appender(hid_t parent, const char* name, hid_t type, std::int64_t element_bytes, std::int64_t size, MatrixCompression compression)
        : element_bytes_(element_bytes), compressed_(compression == MatrixCompression::gzip && size > 0) {
        const Lock lock;
        const Id creation(checked(H5Pcreate(H5P_DATASET_CREATE), name));
        H5Pset_obj_track_times(creation, 0);
        if (compressed_) {
            chunk_ = std::min(kChunkElements, size);
            const std::array<hsize_t, 1> chunk{static_cast<hsize_t>(chunk_)};
            H5Pset_chunk(creation, 1, chunk.data());
            H5Pset_shuffle(creation);
            H5Pset_deflate(creation, kDeflateLevel);
        } else {
            H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
        }
        H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
        const std::array<hsize_t, 1> shape{static_cast<hsize_t>(size)};
        const Id space(checked(H5Screate_simple(1, shape.data(), nullptr), name));
        type_ = type;
        dataset_ = Id(checked(H5Dcreate2(parent, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT), name));
        set_encoding(dataset_, "array", "0.2.0");
    }

    /// Elements in the data set's own type.
    void append(std::span<const std::byte> bytes, Context& context) {
        if (bytes.empty()) return;
        if (compressed_) return append_compressed(bytes, context);
        const Lock lock;
        const std::array<hsize_t, 1> start{static_cast<hsize_t>(done_)};
        const std::array<hsize_t, 1> count{bytes.size() / static_cast<std::size_t>(element_bytes_)};
        const Id memory(checked(H5Screate_simple(1, count.data(), nullptr), "a block"));
        const Id file(checked(H5Dget_space(dataset_), "a block"));
        H5Sselect_hyperslab(file, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr);
        checked(H5Dwrite(dataset_, type_, memory, file, H5P_DEFAULT, bytes.data()), "a matrix");
        done_ += static_cast<std::int64_t>(count[0]);
    }

    void finish(Context& context) {
        if (compressed_ && !waiting_.empty()) write_chunks(true, context);
    }

private:
    void append_compressed(std::span<const std::byte> bytes, Context& context) {
        waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
        write_chunks(false, context);
    }

    /// Full chunks of what waits, encoded in parallel and written in order; the last one is filled up with zeros.
    void write_chunks(bool last, Context& context) {
        const std::int64_t chunk_bytes = chunk_ * element_bytes_;
        std::int64_t n = static_cast<std::int64_t>(waiting_.size()) / chunk_bytes;
        if (last && static_cast<std::int64_t>(waiting_.size()) > n * chunk_bytes) waiting_.resize(static_cast<std::size_t>(++n * chunk_bytes));
        std::vector<std::vector<std::byte>> encoded(static_cast<std::size_t>(n));
        parallel_blocks(context, n, 1, [&](Block block) {
            std::vector<std::byte> shuffled(static_cast<std::size_t>(chunk_bytes));
            shuffle(std::span(waiting_).subspan(static_cast<std::size_t>(block.index * chunk_bytes), shuffled.size()), element_bytes_, shuffled);
            encode_deflate(shuffled, kDeflateLevel, encoded[static_cast<std::size_t>(block.index)]);
        });
        const Lock lock;
        for (const std::vector<std::byte>& chunk : encoded) {
            const std::array<hsize_t, 1> offset{static_cast<hsize_t>(done_)};
            checked(H5Dwrite_chunk(dataset_, H5P_DEFAULT, 0, offset.data(), chunk.size(), chunk.data()), "a chunk");
            done_ += chunk_;
        }
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(n * chunk_bytes));
    }

    hid_t type_ = -1;
    std::int64_t element_bytes_;
    bool compressed_;
    std::int64_t chunk_ = 0;
    std::int64_t done_ = 0;
    std::vector<std::byte> waiting_;
    Id dataset_;
};

/// Rows [begin, end) in memory: values and, where wanted, columns as int32.
struct Piece {
    std::vector<float> values;
    std::vector<std::int32_t> columns;
};

Piece read_piece(const matrix::RowBlockSource& source, matrix::Range rows, const std::vector<std::int64_t>& indptr, bool with_columns) {
    matrix::CsrScratch scratch;
    const matrix::CsrView tile = source.read(rows, scratch);
    const auto first = static_cast<std::size_t>(tile.indptr[0]);
    const auto n = static_cast<std::size_t>(tile.nnz());
    MORULA_ASSERT(tile.nnz() == indptr[static_cast<std::size_t>(rows.end)] - indptr[static_cast<std::size_t>(rows.begin)]);
    Piece piece;
    piece.values.assign(tile.values.begin() + static_cast<std::ptrdiff_t>(first), tile.values.begin() + static_cast<std::ptrdiff_t>(first + n));
    if (with_columns) {
        piece.columns.resize(n);
        for (std::size_t i = 0; i < n; ++i) piece.columns[i] = static_cast<std::int32_t>(tile.indices[first + i]);
    }
    return piece;
}

/// Reads tiles in parallel, some at a time, and hands them on in order.
template <class Take>
void stream_pieces(const matrix::RowBlockSource& source, const std::vector<std::int64_t>& indptr, bool with_columns, const std::string& name, Context& context, Take take) {
    Progress progress(context, "write " + name, source.n_rows(), "cells");
    const std::int64_t at_once = kTileRows * kTilesAtOnce;
    for (std::int64_t begin = 0; begin < source.n_rows(); begin += at_once) {
        const std::int64_t end = std::min(source.n_rows(), begin + at_once);
        std::vector<Piece> pieces(static_cast<std::size_t>((end - begin - 1) / kTileRows + 1));
        parallel_blocks(context, end - begin, kTileRows, [&](Block block) {
            pieces[static_cast<std::size_t>(block.index)] = read_piece(source, {begin + block.begin, begin + block.end}, indptr, with_columns);
        });
        for (const Piece& piece : pieces) take(piece);
        progress.advance(end - begin);
    }
}

Id make_matrix_group(hid_t parent, const std::string& name, const matrix::RowBlockSource& source) {
    Id group = make_group(parent, name, "csr_matrix", "0.1.0");
    const std::array<std::int64_t, 2> shape{source.n_rows(), source.n_cols()};
    set_attribute(group, "shape", shape);
    return group;
}

void check_same_entries(const matrix::RowBlockSource& a, const matrix::RowBlockSource& b, const std::string& name, Context& context) {
    parallel_blocks(context, a.n_rows(), kTileRows, [&](Block block) {
        matrix::CsrScratch scratch_a;
        matrix::CsrScratch scratch_b;
        const matrix::CsrView tile_a = a.read({block.begin, block.end}, scratch_a);
        const matrix::CsrView tile_b = b.read({block.begin, block.end}, scratch_b);
        for (std::int64_t row = 0; row < tile_a.n_rows; ++row) {
            const auto columns_a = tile_a.row_indices(row);
            const auto columns_b = tile_b.row_indices(row);
            if (!std::equal(columns_a.begin(), columns_a.end(), columns_b.begin(), columns_b.end())) {
                fail(ErrorCode::internal, "Layer " + name + " does not hold the same entries as X, so it cannot share its index.", "Please report this with the command you ran.");
            }
        }
    });
}

}  // namespace

WrittenIndex write_csr(hid_t parent, const std::string& name, const std::string& path, const matrix::RowBlockSource& source, MatrixCompression compression, Context& context) {
    WrittenIndex index{path, count_rows(source, context)};
    const std::int64_t nnz = index.indptr.back();
    if (source.n_cols() > std::numeric_limits<std::int32_t>::max()) fail(ErrorCode::unsupported, path + " has more columns than an h5ad file can index.", "Write fewer genes.");
    const Id group = make_matrix_group(parent, name, source);
    Appender data(group, "data", H5T_IEEE_F32LE, sizeof(float), nnz, compression);
    const bool wide = nnz > std::numeric_limits<std::int32_t>::max();
    Appender indices(group, "indices", wide ? H5T_STD_I64LE : H5T_STD_I32LE, wide ? 8 : 4, nnz, compression);
    stream_pieces(source, index.indptr, true, path, context, [&](const Piece& piece) {
        data.append(std::as_bytes(std::span(piece.values)), context);
        if (wide) {
            const std::vector<std::int64_t> columns(piece.columns.begin(), piece.columns.end());
            indices.append(std::as_bytes(std::span(columns)), context);
        } else {
            indices.append(std::as_bytes(std::span(piece.columns)), context);
        }
    });
    data.finish(context);
    indices.finish(context);
    const std::array<hsize_t, 1> shape{index.indptr.size()};
    if (wide) write_numbers(group, "indptr", index.indptr, shape);
    else write_numbers(group, "indptr", std::vector<std::int32_t>(index.indptr.begin(), index.indptr.end()), shape);
    return index;
}

void write_csr_sharing(hid_t root, hid_t parent, const std::string& name, const matrix::RowBlockSource& source, const WrittenIndex& index, const matrix::RowBlockSource& index_source,
                       MatrixCompression compression, Context& context) {
    check_same_entries(source, index_source, name, context);
    const Id group = make_matrix_group(parent, name, source);
    Appender data(group, "data", H5T_IEEE_F32LE, sizeof(float), index.indptr.back(), compression);
    stream_pieces(source, index.indptr, false, name, context, [&](const Piece& piece) { data.append(std::as_bytes(std::span(piece.values)), context); });
    data.finish(context);
    const Lock lock;
    for (const char* part : {"indices", "indptr"}) {
        checked(H5Lcreate_hard(root, (index.path + "/" + part).c_str(), group, part, H5P_DEFAULT, H5P_DEFAULT), name);
    }
}

}  // namespace morula::formats::h5
