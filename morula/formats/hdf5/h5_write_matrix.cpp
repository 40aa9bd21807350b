#include "morula/formats/hdf5/h5_write_matrix.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "morula/core/direct_writer.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/formats/hdf5/chunk_filters.hpp"
#include "morula/matrix/block_buffer.hpp"
#include "morula/matrix/per_count.hpp"
#include "morula/matrix/row_sizes.hpp"

namespace morula::formats::h5 {
namespace {

constexpr std::int64_t kTileRows = 1024;
constexpr std::int64_t kTilesAtOnce = 4;         // read together, while as many are written in order
constexpr std::int64_t kPiecesAtOnce = 64;
constexpr std::int64_t kPieceEntries = 1 << 17;  // 1.5 MB of columns, counts and logs
constexpr std::int64_t kChunkElements = 1 << 16;  // of compressed data sets
constexpr std::int64_t kDirectBytes = 1 << 20;    // from here on past the page cache
constexpr int kDeflateLevel = 4;

std::filesystem::path file_of(hid_t object) {
    std::string name(static_cast<std::size_t>(checked(H5Fget_name(object, nullptr, 0), "a file")), '\0');
    H5Fget_name(object, name.data(), name.size() + 1);
    return name;
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
        const haddr_t place = H5Dget_offset(dataset_);
        if (!compressed_ && size * element_bytes >= kDirectBytes && place != HADDR_UNDEF) direct_ = std::make_unique<DirectWriter>(file_of(dataset_), static_cast<std::int64_t>(place));
    }

    /// Elements in the data set's own type.
    void append(std::span<const std::byte> bytes, Context& context) {
        if (bytes.empty()) return;
        if (compressed_) return append_compressed(bytes, context);
        if (direct_) return direct_->write(bytes);
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
        if (direct_) direct_->finish();
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
    std::unique_ptr<DirectWriter> direct_;  // of long data sets
};

/// A matrix of log values whose counts are written beside it: computed from those instead of being decoded once more.
struct LogsOf {
    std::size_t counts;  // place
    std::span<const double> scale_of_row;
};

/// For each place whether it holds the logs of another.
std::vector<std::optional<LogsOf>> find_logs(std::span<const MatrixPlace> places) {
    std::vector<std::optional<LogsOf>> logs(places.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
        const auto scaled = matrix::scaled_counts(*places[i].source);
        for (std::size_t j = 0; scaled && j < places.size(); ++j) {
            if (places[j].source == scaled->counts.get()) logs[i] = LogsOf{j, scaled->scale_of_row};
        }
    }
    return logs;
}

/// A run of rows: the values of every matrix, and the columns they share. Lives on, since fresh memory costs more than what is done with it.
class Piece {
public:
    Piece(std::span<const MatrixPlace> places, const std::vector<std::optional<LogsOf>>& logs) : places_(places), logs_(logs), room_(places.size()), rows_(places.size()), log_values_(places.size()) {}

    /// n_entries: how many the rows hold.
    void fill(matrix::Range rows, std::int64_t n_entries) {
        n_entries_ = n_entries;
        std::optional<std::size_t> first;
        for (std::size_t i = 0; i < places_.size(); ++i) {
            if (logs_[i]) continue;
            rows_[i] = places_[i].source->read(rows, room_[i]);
            MORULA_ASSERT(first || rows_[i].nnz() == n_entries);
            if (first) check_same_columns(*first, i);
            else columns_ = entries(rows_[i].indices, rows_[i]);
            first = first.value_or(i);
        }
        for (std::size_t i = 0; i < places_.size(); ++i) {
            if (logs_[i]) take_logs(rows_[logs_[i]->counts], logs_[i]->scale_of_row.subspan(static_cast<std::size_t>(rows.begin)), log_values_[i]);
        }
    }

    std::span<const std::uint32_t> columns() const { return columns_; }
    std::span<const float> values(std::size_t place) const { return logs_[place] ? std::span<const float>(log_values_[place]).first(static_cast<std::size_t>(n_entries_)) : entries(rows_[place].values, rows_[place]); }

private:
    template <class T>
    static std::span<const T> entries(std::span<const T> all, const matrix::CsrView& rows) { return all.subspan(static_cast<std::size_t>(rows.indptr[0]), static_cast<std::size_t>(rows.nnz())); }

    void check_same_columns(std::size_t index, std::size_t place) const {
        if (std::ranges::equal(entries(rows_[place].indices, rows_[place]), columns_)) return;
        fail(ErrorCode::internal, places_[place].path + " does not hold the same entries as " + places_[index].path + ", so it cannot share its index.", "Please report this with the command you ran.");
    }

    static void take_logs(const matrix::CsrView& counts, std::span<const double> scale_of_row, std::vector<float>& out) {
        matrix::grow_to(out, counts.nnz());
        float* to = out.data();
        for (std::int64_t row = 0; row < counts.n_rows; ++row) {
            const double scale = scale_of_row[static_cast<std::size_t>(row)];
            matrix::PerCount<float> log_of;
            for (const float count : counts.row_values(row)) *to++ = log_of.of(count, [scale](float value) { return matrix::log1p_scaled_value(value, scale); });
        }
    }

    std::span<const MatrixPlace> places_;
    const std::vector<std::optional<LogsOf>>& logs_;
    std::vector<matrix::CsrScratch> room_;           // of each place that is read
    std::vector<matrix::CsrView> rows_;
    std::vector<std::vector<float>> log_values_;     // of each place that is computed; only grow
    std::span<const std::uint32_t> columns_;
    std::int64_t n_entries_ = 0;
};

/// Rows taken together: few enough for the processor's cache to hold them until they are written, or a tile where few cost as much.
std::int64_t rows_a_piece(std::span<const MatrixPlace> places, const std::vector<std::optional<LogsOf>>& logs, std::int64_t n_entries) {
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (!logs[i] && !places[i].source->cheap_in_pieces()) return kTileRows;
    }
    return std::clamp<std::int64_t>(kPieceEntries / (n_entries / std::max<std::int64_t>(1, places.front().source->n_rows()) + 1), 1, kTileRows);
}

/// Hands pieces on in order. With several threads some are read while those before them are handed on.
template <class Take>
void stream_pieces(std::span<const MatrixPlace> places, const std::vector<std::optional<LogsOf>>& logs, const std::vector<std::int64_t>& indptr, Context& context, Take take) {
    const std::int64_t n_rows = places.front().source->n_rows();
    const std::int64_t step = rows_a_piece(places, logs, indptr.back());
    Progress progress(context, "write " + places.front().path, n_rows, "cells");
    const auto fill = [&](Piece& piece, std::int64_t row) {
        const std::int64_t end = std::min(n_rows, row + step);
        piece.fill({row, end}, indptr[static_cast<std::size_t>(end)] - indptr[static_cast<std::size_t>(row)]);
        progress.advance(end - row);
    };
    if (context.threads() == 1) {
        Piece piece(places, logs);
        for (std::int64_t row = 0; row < n_rows; row += step) {
            context.check_cancelled();
            fill(piece, row);
            take(piece);
        }
        return;
    }
    const std::int64_t at_once = std::clamp(kTileRows * kTilesAtOnce / step, kTilesAtOnce, kPiecesAtOnce);
    std::vector<Piece> ready;
    std::vector<Piece> coming;
    for (std::int64_t i = 0; i < at_once; ++i) {
        ready.emplace_back(places, logs);
        coming.emplace_back(places, logs);
    }
    std::int64_t n_ready = 0;
    for (std::int64_t begin = 0; begin < n_rows; begin += at_once * step) {
        const std::int64_t n_coming = std::min(at_once, (n_rows - begin - 1) / step + 1);
        parallel_blocks(context, n_coming + 1, 1, [&](Block task) {
            if (task.index > 0) return fill(coming[static_cast<std::size_t>(task.index - 1)], begin + (task.index - 1) * step);
            for (std::int64_t i = 0; i < n_ready; ++i) take(ready[static_cast<std::size_t>(i)]);
        });
        std::swap(ready, coming);
        n_ready = n_coming;
    }
    for (std::int64_t i = 0; i < n_ready; ++i) take(ready[static_cast<std::size_t>(i)]);
}

Id make_matrix_group(const MatrixPlace& place) {
    Id group = make_group(place.parent, place.name, "csr_matrix", "0.1.0");
    const std::array<std::int64_t, 2> shape{place.source->n_rows(), place.source->n_cols()};
    set_attribute(group, "shape", shape);
    return group;
}

/// Columns lie below 2^31: their bytes are those of int32.
void append_columns(Appender& indices, std::span<const std::uint32_t> columns, bool wide, Context& context) {
    if (!wide) return indices.append(std::as_bytes(columns), context);
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
    const std::vector<std::optional<LogsOf>> logs = find_logs(places);
    const std::vector<std::int64_t> indptr = matrix::row_offsets(*places[logs.front() ? logs.front()->counts : 0].source, context);
    const std::int64_t nnz = indptr.back();
    const bool wide = nnz > std::numeric_limits<std::int32_t>::max();
    std::vector<Id> groups;
    std::vector<Appender> data;
    for (const MatrixPlace& place : places) {
        groups.push_back(make_matrix_group(place));
        data.emplace_back(groups.back(), "data", H5T_IEEE_F32LE, sizeof(float), nnz, compression);
    }
    Appender indices(groups.front(), "indices", wide ? H5T_STD_I64LE : H5T_STD_I32LE, wide ? 8 : 4, nnz, compression);
    stream_pieces(places, logs, indptr, context, [&](const Piece& piece) {
        for (std::size_t i = 0; i < data.size(); ++i) data[i].append(std::as_bytes(piece.values(i)), context);
        append_columns(indices, piece.columns(), wide, context);
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
