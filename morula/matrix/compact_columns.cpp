#include "morula/matrix/compact_columns.hpp"

#include <algorithm>
#include <limits>

#include "morula/core/checked_cast.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/block_buffer.hpp"
#include "morula/matrix/scratch_pool.hpp"

namespace morula::matrix {
namespace {

constexpr std::int64_t kTileRows = 1024;
// Columns placed together: with 512 columns the open ends of the output stay in the second-level cache and its address table.
constexpr std::int64_t kPlaceCols = 512;
constexpr std::int64_t kTileEntries = std::numeric_limits<std::uint32_t>::max();

/// First entry of a row whose column is not below `col`.
std::int64_t first_at_least(const CsrView& rows, std::size_t row, std::int64_t col) {
    if (col == 0) return rows.indptr[row];
    const auto begin = rows.indices.begin() + rows.indptr[row];
    const auto end = rows.indices.begin() + rows.indptr[row + 1];
    return std::lower_bound(begin, end, col, [](std::uint32_t a, std::int64_t b) { return std::int64_t{a} < b; }) - rows.indices.begin();
}

/// Values of the codes that stand for "none", each looked up in its row.
std::vector<Escape> escapes_of(const CsrView& rows, Range cols, std::span<const std::uint8_t> codes, std::span<const std::uint32_t> begin, std::span<const std::uint16_t> row_of) {
    std::vector<Escape> escapes;
    for (auto at = codes.begin(); (at = std::find(at, codes.end(), std::numeric_limits<std::uint8_t>::max())) != codes.end(); ++at) {
        const auto i = static_cast<std::uint32_t>(at - codes.begin());
        const auto col = cols.begin + (std::upper_bound(begin.begin(), begin.end(), i) - begin.begin()) - 1;
        const std::size_t row = row_of[i];
        escapes.push_back({i, rows.values[static_cast<std::size_t>(first_at_least(rows, row, col))]});
    }
    return escapes;
}

}  // namespace

struct CompactColumns::Scratch {
    CsrScratch csr;
    std::vector<std::int64_t> cursor;  // next entry of each row
    std::vector<std::uint32_t> next;   // where the next entry of each column goes
    std::vector<std::uint8_t> codes;   // of the values as they lie, row by row
    std::vector<std::uint16_t> rows;   // by column from here on
    std::vector<std::uint8_t> placed_codes;
    std::vector<float> placed_values;
};

CompactColumns::CompactColumns(const RowBlockSource& source, Range cols, Context& context)
    : n_rows_(source.n_rows()), n_cols_(cols.size()), tile_rows_(std::clamp<std::int64_t>(kTileEntries / std::max<std::int64_t>(n_cols_, 1), 1, kTileRows)) {
    MORULA_ASSERT(cols.begin >= 0 && cols.begin <= cols.end && cols.end <= source.n_cols());
    MORULA_ASSERT(std::in_range<std::uint32_t>(n_rows_));
    tiles_.resize(static_cast<std::size_t>((n_rows_ + tile_rows_ - 1) / tile_rows_));
    ScratchPool<Scratch> pool;
    parallel_blocks(context, n_rows_, tile_rows_, [&](Block block) {
        auto scratch = pool.take();
        const CsrView rows = source.read({block.begin, block.end}, scratch->csr);
        tiles_[static_cast<std::size_t>(block.index)] = turn(rows, cols, *scratch);
    });
}

CompactColumns::Tile CompactColumns::turn(const CsrView& rows, Range cols, Scratch& scratch) const {
    Tile tile{std::vector<std::uint32_t>(static_cast<std::size_t>(n_cols_ + 1), 0), {}, {}};
    const auto n_rows = static_cast<std::size_t>(rows.n_rows);
    const std::uint32_t* indices = rows.indices.data();
    scratch.cursor.resize(n_rows);
    const auto first_col = static_cast<std::size_t>(cols.begin);
    for (std::size_t r = 0; r < n_rows; ++r) {
        scratch.cursor[r] = first_at_least(rows, r, cols.begin);
        const std::int64_t end = first_at_least(rows, r, cols.end);
        for (std::int64_t i = scratch.cursor[r]; i < end; ++i) ++tile.begin[indices[i] - first_col + 1];
    }
    for (std::size_t c = 1; c < tile.begin.size(); ++c) tile.begin[c] += tile.begin[c - 1];
    scratch.next.assign(tile.begin.begin(), tile.begin.end() - 1);
    const auto n = static_cast<std::size_t>(tile.begin.back());
    // The rows may lie anywhere in a far larger matrix.
    const std::int64_t first_entry = rows.indptr[0];
    const std::int64_t n_entries = rows.indptr[n_rows] - first_entry;
    const auto row_values = rows.values.subspan(static_cast<std::size_t>(first_entry), static_cast<std::size_t>(n_entries));
    grow_to(scratch.rows, n_entries);
    grow_to(scratch.codes, n_entries);
    // Counts are turned as bytes: half of what their floats take. A value that no byte holds is looked up where it came from.
    if (is_worth_bytes(n_entries, encode_bytes(row_values, scratch.codes.data()))) {
        place(rows, cols, scratch.codes.data(), scratch.placed_codes, scratch);
        const auto codes = std::span<const std::uint8_t>(scratch.placed_codes).first(n);
        tile.values = Coded<std::uint8_t>{{codes.begin(), codes.end()}, escapes_of(rows, cols, codes, tile.begin, scratch.rows)};
    } else {
        place(rows, cols, row_values.data(), scratch.placed_values, scratch);
        tile.values = encode_values(std::span<const float>(scratch.placed_values).first(n));
    }
    tile.rows.assign(scratch.rows.begin(), scratch.rows.begin() + static_cast<std::ptrdiff_t>(n));
    return tile;
}

template <class Value>
void CompactColumns::place(const CsrView& rows, Range cols, const Value* values, std::vector<Value>& placed, Scratch& scratch) const {
    const std::int64_t first_entry = rows.indptr[0];  // `values` begins with it
    grow_to(placed, rows.indptr[static_cast<std::size_t>(rows.n_rows)] - first_entry);
    const std::uint32_t* indices = rows.indices.data();
    const auto first_col = static_cast<std::size_t>(cols.begin);
    for (std::int64_t begin = cols.begin; begin < cols.end; begin += kPlaceCols) {
        const std::int64_t end = std::min(begin + kPlaceCols, cols.end);
        for (std::size_t r = 0; r < static_cast<std::size_t>(rows.n_rows); ++r) {
            const std::int64_t row_end = rows.indptr[r + 1];
            std::int64_t i = scratch.cursor[r];
            for (; i < row_end && std::int64_t{indices[i]} < end; ++i) {
                const std::uint32_t at = scratch.next[indices[i] - first_col]++;
                scratch.rows[at] = static_cast<std::uint16_t>(r);
                placed[at] = values[i - first_entry];
            }
            scratch.cursor[r] = i;
        }
    }
}

void CompactColumns::read(std::int64_t col, ColumnEntries& out) const {
    MORULA_ASSERT(col >= 0 && col < n_cols_);
    const auto c = static_cast<std::size_t>(col);
    std::int64_t n = 0;
    for (const Tile& tile : tiles_) n += std::int64_t{tile.begin[c + 1]} - std::int64_t{tile.begin[c]};
    out.rows.resize(static_cast<std::size_t>(n));
    out.values.resize(static_cast<std::size_t>(n));
    std::uint32_t* rows = out.rows.data();
    float* values = out.values.data();
    for (std::size_t t = 0; t < tiles_.size(); ++t) {
        const Tile& tile = tiles_[t];
        const std::int64_t begin = tile.begin[c];
        const std::int64_t size = std::int64_t{tile.begin[c + 1]} - begin;
        const auto first = static_cast<std::uint32_t>(static_cast<std::int64_t>(t) * tile_rows_);
        const std::uint16_t* from = tile.rows.data() + begin;
        for (std::int64_t i = 0; i < size; ++i) rows[i] = first + from[i];
        decode_values(tile.values, begin, size, values);
        rows += size;
        values += size;
    }
}

std::int64_t CompactColumns::columns_at_once(const RowBlockSource& source, double bytes_per_entry, const Context& context) {
    constexpr double kBudgetShare = 0.25;
    constexpr std::int64_t kLeast = 64;
    const std::int64_t n = std::max<std::int64_t>(1, source.n_cols());
    const double bytes_per_column = static_cast<double>(std::max<std::int64_t>(1, source.nnz())) * bytes_per_entry / static_cast<double>(n);
    const double room = kBudgetShare * static_cast<double>(context.memory_bytes());
    return std::clamp(static_cast<std::int64_t>(room / bytes_per_column), std::min(kLeast, n), n);
}

}  // namespace morula::matrix
