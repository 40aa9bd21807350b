#include "morula/formats/hdf5/h5_write_matrix.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/formats/hdf5/chunk_filters.hpp"

namespace morula::formats::h5 {
namespace {

constexpr std::int64_t kTileRows = 1024;
constexpr std::int64_t kTilesAtOnce = 4;         // read together, while as many are written in order
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

/// A run of rows in memory: the values of every matrix, and the columns they share.
struct Piece {
    std::vector<std::vector<float>> values;
    std::vector<std::int32_t> columns;
};

void check_same_columns(const Piece& piece, const matrix::CsrView& tile, std::int64_t first, const MatrixPlace& place, const MatrixPlace& index) {
    const auto same = [&](std::int32_t a, std::uint32_t b) { return static_cast<std::uint32_t>(a) == b; };
    const auto begin = tile.indices.begin() + first;
    if (tile.nnz() == static_cast<std::int64_t>(piece.columns.size()) && std::equal(piece.columns.begin(), piece.columns.end(), begin, same)) return;
    fail(ErrorCode::internal, place.path + " does not hold the same entries as " + index.path + ", so it cannot share its index.", "Please report this with the command you ran.");
}

Piece read_piece(std::span<const MatrixPlace> places, matrix::Range rows, const std::vector<std::int64_t>& indptr) {
    Piece piece;
    matrix::CsrScratch scratch;
    for (const MatrixPlace& place : places) {
        const matrix::CsrView tile = place.source->read(rows, scratch);
        const std::int64_t first = tile.indptr[0];
        const std::int64_t n = tile.nnz();
        if (piece.values.empty()) {
            MORULA_ASSERT(n == indptr[static_cast<std::size_t>(rows.end)] - indptr[static_cast<std::size_t>(rows.begin)]);
            piece.columns.assign(tile.indices.begin() + first, tile.indices.begin() + first + n);
        } else {
            check_same_columns(piece, tile, first, place, places.front());
        }
        piece.values.emplace_back(tile.values.begin() + first, tile.values.begin() + first + n);
    }
    return piece;
}

/// Reads tiles in parallel, some at a time, and hands them on in order; what was read before is handed on while the next are read.
template <class Take>
void stream_pieces(std::span<const MatrixPlace> places, const std::vector<std::int64_t>& indptr, Context& context, Take take) {
    const std::int64_t n_rows = places.front().source->n_rows();
    Progress progress(context, "write " + places.front().path, n_rows, "cells");
    const std::int64_t at_once = kTileRows * kTilesAtOnce;
    std::vector<Piece> ready;
    for (std::int64_t begin = 0; begin < n_rows; begin += at_once) {
        const std::int64_t end = std::min(n_rows, begin + at_once);
        std::vector<Piece> coming(static_cast<std::size_t>((end - begin - 1) / kTileRows + 1));
        parallel_blocks(context, static_cast<std::int64_t>(coming.size()) + 1, 1, [&](Block task) {
            if (task.index == 0) {
                for (const Piece& piece : ready) take(piece);
                return;
            }
            const std::int64_t row = begin + (task.index - 1) * kTileRows;
            coming[static_cast<std::size_t>(task.index - 1)] = read_piece(places, {row, std::min(end, row + kTileRows)}, indptr);
        });
        ready = std::move(coming);
        progress.advance(end - begin);
    }
    for (const Piece& piece : ready) take(piece);
}

Id make_matrix_group(const MatrixPlace& place) {
    Id group = make_group(place.parent, place.name, "csr_matrix", "0.1.0");
    const std::array<std::int64_t, 2> shape{place.source->n_rows(), place.source->n_cols()};
    set_attribute(group, "shape", shape);
    return group;
}

void append_columns(Appender& indices, const std::vector<std::int32_t>& columns, bool wide, Context& context) {
    if (!wide) return indices.append(std::as_bytes(std::span(columns)), context);
    const std::vector<std::int64_t> as_wide(columns.begin(), columns.end());
    indices.append(std::as_bytes(std::span(as_wide)), context);
}

void write_indptr(hid_t group, const std::vector<std::int64_t>& indptr, bool wide) {
    const std::array<hsize_t, 1> shape{indptr.size()};
    if (wide) write_numbers(group, "indptr", indptr, shape);
    else write_numbers(group, "indptr", std::vector<std::int32_t>(indptr.begin(), indptr.end()), shape);
}

}  // namespace

void write_csr(hid_t root, std::span<const MatrixPlace> places, MatrixCompression compression, Context& context) {
    const MatrixPlace& first = places.front();
    if (first.source->n_cols() > std::numeric_limits<std::int32_t>::max()) fail(ErrorCode::unsupported, first.path + " has more columns than an h5ad file can index.", "Write fewer genes.");
    const std::vector<std::int64_t> indptr = count_rows(*first.source, context);
    const std::int64_t nnz = indptr.back();
    const bool wide = nnz > std::numeric_limits<std::int32_t>::max();
    std::vector<Id> groups;
    std::vector<Appender> data;
    for (const MatrixPlace& place : places) {
        groups.push_back(make_matrix_group(place));
        data.emplace_back(groups.back(), "data", H5T_IEEE_F32LE, sizeof(float), nnz, compression);
    }
    Appender indices(groups.front(), "indices", wide ? H5T_STD_I64LE : H5T_STD_I32LE, wide ? 8 : 4, nnz, compression);
    stream_pieces(places, indptr, context, [&](const Piece& piece) {
        for (std::size_t i = 0; i < data.size(); ++i) data[i].append(std::as_bytes(std::span(piece.values[i])), context);
        append_columns(indices, piece.columns, wide, context);
    });
    for (Appender& each : data) each.finish(context);
    indices.finish(context);
    write_indptr(groups.front(), indptr, wide);
    const Lock lock;
    for (std::size_t i = 1; i < groups.size(); ++i) {
        for (const char* part : {"indices", "indptr"}) checked(H5Lcreate_hard(root, (first.path + "/" + part).c_str(), groups[i], part, H5P_DEFAULT, H5P_DEFAULT), places[i].path);
    }
}

}  // namespace morula::formats::h5
