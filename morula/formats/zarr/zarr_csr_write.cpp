// Writing a CSR matrix: tiles of rows are checked and narrowed piece by piece while a piece lies in the processor's cache, then all chunks of both arrays
// are encoded side by side, then both files grow at once.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/formats/zarr/zarr_csr.hpp"
#include "morula/formats/zarr/zarr_numbers.hpp"
#include "morula/matrix/block_buffer.hpp"
#include "morula/matrix/scratch_pool.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::formats {
namespace {

constexpr std::int64_t kPieceEntries = 16'384;          // looked at together: ids, values and what they become fill half of a core's cache
constexpr std::int64_t kBlockBytes = 16'000'000;        // of rows read at once where small pieces cost more
constexpr std::int64_t kBatchBytes = 128'000'000;       // of tiles under way, a thread
constexpr std::int64_t kCopyElements = 1 << 20;

/// The smallest type that holds all values: uint8, uint16, uint32 or float32.
ZarrType smallest_type(std::span<const float> values) {
    std::vector<std::byte> stored(values.size() * sizeof(float));
    for (const ZarrType type : {ZarrType::uint8, ZarrType::uint16, ZarrType::uint32}) {
        if (numbers_to_bytes(type, values, stored.data())) return type;
    }
    return ZarrType::float32;
}

int width_of(ZarrType type) { return type == ZarrType::float32 ? 5 : static_cast<int>(zarr_type_size(type)); }

/// Ids of one row as S; false where they do not increase or where the last lies outside.
template <class S>
bool store_ids(std::span<const std::uint32_t> ids, std::int64_t n_cols, std::byte* out) {
    const auto put = [&](std::size_t i) {
        const auto stored = static_cast<S>(ids[i]);
        std::memcpy(out + i * sizeof(S), &stored, sizeof(S));
    };
    if (ids.empty()) return true;
    put(0);
    std::uint32_t bits = ids[0];  // as in matrix::strictly_increasing, in the same pass
    for (std::size_t i = 1; i < ids.size(); ++i) {
        bits |= ids[i] | (ids[i] - ids[i - 1] - 1);
        put(i);
    }
    return ids.back() < n_cols && (bits >> 31 == 0 || matrix::strictly_increasing(ids));
}

/// The rows of a tile as they are stored.
class StoredTile {
public:
    void start(ZarrType id_type, ZarrType value_type) {
        id_type_ = id_type;
        value_type_ = value_type;
        n_ = 0;
        lengths_.clear();
    }

    /// Returns the first row whose ids are bad, or -1.
    std::int64_t add(const matrix::CsrView& rows) {
        matrix::grow_to(ids_, (n_ + rows.nnz()) * zarr_type_size(id_type_));
        std::int64_t at = n_;
        for (std::int64_t r = 0; r < rows.n_rows; ++r) {
            const auto ids = rows.row_indices(r);
            const bool good = id_type_ == ZarrType::uint16 ? store_ids<std::uint16_t>(ids, rows.n_cols, ids_.data() + 2 * at) : store_ids<std::uint32_t>(ids, rows.n_cols, ids_.data() + 4 * at);
            if (!good) return r;
            at += static_cast<std::int64_t>(ids.size());
            lengths_.push_back(static_cast<std::int64_t>(ids.size()));
        }
        if (rows.nnz() > 0) add_values(rows.values.subspan(static_cast<std::size_t>(rows.indptr[0]), static_cast<std::size_t>(rows.nnz())));
        n_ = at;
        return -1;
    }

    void widen(ZarrType type) {
        if (width_of(type) <= width_of(value_type_)) return;
        std::vector<float> values(static_cast<std::size_t>(n_));
        bytes_to_numbers(value_type_, values_.data(), n_, values.data());
        value_type_ = type;
        matrix::grow_to(values_, n_ * zarr_type_size(type));
        numbers_to_bytes(type, std::span<const float>(values), values_.data());
    }

    ZarrType value_type() const { return value_type_; }
    const std::vector<std::int64_t>& lengths() const { return lengths_; }
    std::span<const std::byte> ids() const { return std::span(ids_).first(static_cast<std::size_t>(n_ * zarr_type_size(id_type_))); }
    std::span<const std::byte> values() const { return std::span(values_).first(static_cast<std::size_t>(n_ * zarr_type_size(value_type_))); }

private:
    void add_values(std::span<const float> values) {
        for (;;) {
            const std::int64_t size = zarr_type_size(value_type_);
            matrix::grow_to(values_, (n_ + static_cast<std::int64_t>(values.size())) * size);
            if (numbers_to_bytes(value_type_, values, values_.data() + n_ * size)) return;
            widen(smallest_type(values));
        }
    }

    ZarrType id_type_ = ZarrType::uint16;
    ZarrType value_type_ = ZarrType::uint8;
    std::int64_t n_ = 0;               // entries
    std::vector<std::int64_t> lengths_;  // of the rows
    std::vector<std::byte> ids_;       // only grow
    std::vector<std::byte> values_;
};

/// Values of a matrix whose type is found while they pass: starts with uint8 and writes what is there again when a value needs more.
/// That happens at most three times, early in real data, so no extra pass over the source is needed.
class ValuesWriter {
public:
    ValuesWriter(ZarrTreeWriter& tree, std::string path, ValueStorage storage)
        : tree_(tree), path_(std::move(path)), type_(storage == ValueStorage::float32 ? ZarrType::float32 : ZarrType::uint8) {
        start();
    }

    ZarrType type() const { return type_; }
    ZarrArrayWriter& writer() { return *writer_; }

    void widen(ZarrType type) {
        if (width_of(type) <= width_of(type_)) return;
        type_ = type;
        if (writer_->size() == 0) {
            writer_.reset();
            start();
            return;
        }
        writer_->finish();
        const std::string old_path = path_ + ".narrow";
        std::filesystem::rename(tree_.folder() / path_, tree_.folder() / old_path);
        const ZarrArray old(tree_.folder() / old_path, writer_->meta());
        tree_.remove_array(path_);
        start();
        std::vector<float> piece;
        for (std::int64_t at = 0; at < old.size(); at += kCopyElements) {
            piece.resize(static_cast<std::size_t>(std::min(kCopyElements, old.size() - at)));
            old.read(at, std::span<float>(piece));
            writer_->append(std::span<const float>(piece));
        }
        std::filesystem::remove_all(tree_.folder() / old_path);
    }

private:
    void start() { writer_ = std::make_unique<ZarrArrayWriter>(tree_, path_, type_, 0, Shuffle::bits, ZarrAttributes{}); }

    ZarrTreeWriter& tree_;
    std::string path_;
    ZarrType type_;
    std::unique_ptr<ZarrArrayWriter> writer_;
};

std::int64_t entries_a_row(const matrix::RowBlockSource& source) { return source.nnz() / std::max<std::int64_t>(1, source.n_rows()) + 1; }

/// Rows read at once: a piece, or where that costs more a power of two up to a tile, about kBlockBytes.
std::int64_t rows_a_read(const matrix::RowBlockSource& source) {
    if (source.cheap_in_pieces()) return std::clamp<std::int64_t>(kPieceEntries / entries_a_row(source), 1, matrix::kTileCells);
    std::int64_t rows = matrix::kTileCells;
    while (rows > 16 && rows * 8 * entries_a_row(source) > kBlockBytes) rows /= 2;
    return rows;
}

std::int64_t tiles_at_once(const matrix::RowBlockSource& source, Context& context) {
    const std::int64_t threads = std::max(1, context.threads());
    return std::clamp<std::int64_t>(threads * kBatchBytes / (matrix::kTileCells * 6 * entries_a_row(source)), 1, threads);
}

/// Rows [begin, end) of a view, as many from begin as are a piece.
matrix::CsrView next_piece(const matrix::CsrView& rows, std::int64_t begin) {
    const auto first = rows.indptr.begin() + begin;
    const auto last = std::upper_bound(first + 1, rows.indptr.begin() + rows.n_rows + 1, *first + kPieceEntries);
    matrix::CsrView piece = rows;
    piece.n_rows = std::max<std::int64_t>(1, last - first - 1);
    piece.indptr = rows.indptr.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(piece.n_rows + 1));
    return piece;
}

/// Writes what the tiles hold behind what is there.
void write_tiles(std::span<StoredTile> tiles, std::int64_t& offset, ZarrArrayWriter& indptr, ZarrArrayWriter& indices, ValuesWriter& values, Context& context) {
    for (const StoredTile& tile : tiles) values.widen(tile.value_type());
    std::vector<std::int64_t> offsets;
    for (StoredTile& tile : tiles) {
        tile.widen(values.type());
        for (const std::int64_t length : tile.lengths()) offsets.push_back(offset += length);
        indices.stage(tile.ids());
        values.writer().stage(tile.values());
    }
    indptr.append(std::span<const std::int64_t>(offsets));
    ZarrArrayWriter* const arrays[] = {&indices, &values.writer()};
    const std::int64_t n_first = arrays[0]->n_staged();
    parallel_blocks(context, n_first + arrays[1]->n_staged(), 1, [&](Block chunk) {
        if (chunk.index < n_first) arrays[0]->encode_staged(chunk.index);
        else arrays[1]->encode_staged(chunk.index - n_first);
    });
    parallel_blocks(context, 2, 1, [&](Block array) { arrays[array.index]->write_staged(); });
}

}  // namespace

void write_zarr_csr(ZarrTreeWriter& tree, const std::string& path, const matrix::RowBlockSource& source, ValueStorage storage, const RowObserver& observer) {
    Context& context = tree.context();
    const std::int64_t n_rows = source.n_rows();
    if (source.n_cols() > kMostColumns) invalid_data(fmt::format("{}: has {} columns, at most {} can be stored.", path, source.n_cols(), kMostColumns), "Check the input.");
    const ZarrType id_type = source.n_cols() <= 65'536 ? ZarrType::uint16 : ZarrType::uint32;
    ZarrArrayWriter indptr(tree, path + "/indptr", ZarrType::int64, 0, Shuffle::bytes, {});
    ZarrArrayWriter indices(tree, path + "/indices", id_type, 0, Shuffle::bytes, {});
    ValuesWriter values(tree, path + "/data", storage);
    std::int64_t offset = 0;
    indptr.append(std::span<const std::int64_t>(&offset, 1));

    const std::int64_t step = rows_a_read(source);
    const auto store_rows = [&](matrix::Range rows, matrix::CsrScratch& scratch, StoredTile& tile) {
        const matrix::CsrView view = source.read(rows, scratch);
        for (std::int64_t at = 0; at < view.n_rows;) {
            const matrix::CsrView piece = next_piece(view, at);
            const std::int64_t bad = tile.add(piece);
            if (bad >= 0) {
                invalid_data(fmt::format("{}: the columns of row {} do not increase or lie outside the {} columns.", path, rows.begin + at + bad, source.n_cols()),
                             "The input is damaged or not sorted; write it again with sorted indices.");
            }
            if (observer) observer(piece, rows.begin + at);
            at += piece.n_rows;
        }
    };
    std::vector<StoredTile> tiles(static_cast<std::size_t>(tiles_at_once(source, context)));
    matrix::ScratchPool<> pool;
    Progress progress(context, "store " + path, n_rows, "cells");
    for (std::int64_t begin = 0; begin < n_rows;) {
        const std::int64_t end = std::min(n_rows, begin + static_cast<std::int64_t>(tiles.size()) * matrix::kTileCells);
        parallel_blocks(context, end - begin, matrix::kTileCells, [&](Block block) {
            auto scratch = pool.take();
            StoredTile& tile = tiles[static_cast<std::size_t>(block.index)];
            tile.start(id_type, values.type());
            for (std::int64_t row = block.begin; row < block.end; row += step) store_rows({begin + row, begin + std::min(block.end, row + step)}, *scratch, tile);
        });
        write_tiles(std::span(tiles).first(static_cast<std::size_t>((end - begin + matrix::kTileCells - 1) / matrix::kTileCells)), offset, indptr, indices, values, context);
        progress.advance(end - begin);
        begin = end;
    }
    indptr.finish();
    indices.finish();
    values.writer().finish();
    tree.group(path, {{"encoding-type", std::string("csr_matrix")}, {"encoding-version", std::string("0.1.0")}, {"shape", std::vector<std::int64_t>{n_rows, source.n_cols()}}});
}

}  // namespace morula::formats
