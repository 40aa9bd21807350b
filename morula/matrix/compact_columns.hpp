// Columns (genes) of a row-major source, held in memory tile by tile at about 3 bytes a non-zero for counts.
#pragma once

#include <cstdint>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/block_source.hpp"
#include "morula/matrix/compact_values.hpp"

namespace morula::matrix {

/// The stored entries of one column.
struct ColumnEntries {
    std::vector<std::uint32_t> rows;  // increasing
    std::vector<float> values;
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

    /// Bytes that an entry takes at most, when all values are small integers and when they are not.
    static constexpr double kBytesPerCount = 4.0;
    static constexpr double kBytesPerFloat = 7.0;
    /// How many columns of a source fit a quarter of the memory budget (at least 64), entries being spread evenly.
    static std::int64_t columns_at_once(const RowBlockSource& source, double bytes_per_entry, const Context& context);

private:
    struct Tile {
        std::vector<std::uint32_t> begin;  // n_cols + 1
        std::vector<std::uint16_t> rows;   // within the tile
        CompactValues values;
    };
    struct Scratch;
    Tile turn(const CsrView& rows, Range cols, Scratch& scratch) const;
    template <class Value>
    void place(const CsrView& rows, Range cols, const Value* values, std::vector<Value>& placed, Scratch& scratch) const;

    std::int64_t n_rows_;
    std::int64_t n_cols_;
    std::int64_t tile_rows_;
    std::vector<Tile> tiles_;
};

}  // namespace morula::matrix
