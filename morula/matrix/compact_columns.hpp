// Columns (genes) of a row-major source, held in memory tile by tile at about 3 bytes a non-zero for counts.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/block_source.hpp"
#include "morula/matrix/compact_values.hpp"
#include "morula/matrix/huge_pages.hpp"

namespace morula::matrix {

/// The stored entries of one column.
struct ColumnEntries {
    std::vector<std::uint32_t> rows;  // increasing
    std::vector<float> values;
};

/// The entries of one column in one tile of rows, as bytes.
struct BytePiece {
    std::uint32_t first_row = 0;
    std::span<const std::uint16_t> rows;  // counted from first_row, increasing
    std::span<const std::uint8_t> codes;  // the values; the largest stands for escaped()
    std::span<const Escape> escapes;      // of the tile
    std::uint32_t begin = 0;              // of the piece in the tile

    /// The value of an entry with the largest code.
    float escaped(std::size_t i) const;
};

/// The given columns of a source, gene by gene. Each tile of rows is turned on its own, so the source is read once, and no count comes before.
/// Any number of tasks may read; the same bits for any number of threads.
class CompactColumns {
public:
    CompactColumns(const RowBlockSource& source, Range cols, Context& context);

    std::int64_t n_rows() const { return n_rows_; }
    std::int64_t n_cols() const { return n_cols_; }
    /// Column `col` of [0, n_cols), counted from cols.begin, in place of what `out` held.
    void read(std::int64_t col, ColumnEntries& out) const;

    std::int64_t n_entries(std::int64_t col) const;
    /// Whether the values of every tile are bytes, which they are for counts.
    bool in_bytes() const;
    std::int64_t n_tiles() const { return static_cast<std::int64_t>(tiles_.size()); }
    /// What read() would give of one tile, without a copy. Only where in_bytes().
    BytePiece bytes(std::int64_t tile, std::int64_t col) const;

    /// Bytes that an entry takes at most, when all values are small integers and when they are not.
    static constexpr double kBytesPerCount = 4.0;
    static constexpr double kBytesPerFloat = 7.0;
    /// How many columns of a source fit half of the memory budget (at least 64), entries being spread evenly.
    static std::int64_t columns_at_once(const RowBlockSource& source, double bytes_per_entry, const Context& context);

private:
    struct Tile {
        std::vector<std::uint32_t> begin;  // n_cols + 1
        std::span<const std::uint16_t> rows;  // within the tile; in rows_
        CompactValues values;
    };
    struct Scratch;
    template <class Id>
    Tile turn(const RowBlockSource& source, Range rows, Range cols, Scratch& scratch);

    std::int64_t n_rows_;
    std::int64_t n_cols_;
    std::int64_t tile_rows_;
    HugeArena rows_;
    std::vector<Tile> tiles_;
};

}  // namespace morula::matrix
