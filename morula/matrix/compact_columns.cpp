#include "morula/matrix/compact_columns.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include "morula/core/checked_cast.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/block_buffer.hpp"
#include "morula/matrix/scratch_pool.hpp"

namespace morula::matrix {
namespace {

constexpr std::int64_t kTileRows = 1024;
// Columns placed together: with 512 columns the open ends of the output stay in the second-level cache and its address table.
constexpr std::int64_t kPlaceCols = 512;
constexpr std::int64_t kPieceRows = 64;
constexpr std::int64_t kMostShortColumns = 65'536;
constexpr std::uint8_t kEscaped = std::numeric_limits<std::uint8_t>::max();
constexpr std::int64_t kTileEntries = std::numeric_limits<std::uint32_t>::max();

/// First entry of a row whose column is not below `col`.
std::int64_t first_at_least(const CsrView& rows, std::size_t row, std::int64_t col) {
    if (col == 0) return rows.indptr[row];
    const auto begin = rows.indices.begin() + rows.indptr[row];
    const auto end = rows.indices.begin() + rows.indptr[row + 1];
    return std::lower_bound(begin, end, col, [](std::uint32_t a, std::int64_t b) { return std::int64_t{a} < b; }) - rows.indices.begin();
}

/// A value that no byte holds, where it came from.
struct LargeValue {
    std::uint32_t row = 0;
    std::uint32_t col = 0;
    float value = 0.0F;
    auto place() const { return std::pair{row, col}; }
};

/// The entries of a tile row by row, columns counted from the first wanted one. Value: uint8 (codes) or float.
template <class Id, class Value>
struct RowEntries {
    std::vector<std::int64_t> begin;  // n_rows + 1
    std::vector<Id> cols;
    std::vector<Value> values;
    std::vector<LargeValue> large;    // of codes, by row and column

    /// Appends rows and counts the entries of each column in n_of_col.
    void append(const CsrView& rows, Range wanted, std::span<std::uint32_t> n_of_col) {
        std::int64_t at = begin.back();
        grow_to(cols, at + rows.nnz());
        grow_to(values, at + rows.nnz());
        for (std::size_t r = 0; r < static_cast<std::size_t>(rows.n_rows); ++r) {
            const std::int64_t from = first_at_least(rows, r, wanted.begin);
            const std::int64_t n = (wanted.end == rows.n_cols ? rows.indptr[r + 1] : first_at_least(rows, r, wanted.end)) - from;
            const std::uint32_t* ids = rows.indices.data() + from;
            Id* to = cols.data() + at;
            for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<Id>(ids[i] - static_cast<std::uint32_t>(wanted.begin));
            for (std::int64_t i = 0; i < n; ++i) ++n_of_col[to[i]];
            append_values(rows.values.subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(n)), at);
            begin.push_back(at += n);
        }
    }

private:
    void append_values(std::span<const float> from, std::int64_t at) {
        Value* to = values.data() + at;
        if constexpr (sizeof(Value) == sizeof(float)) {
            std::copy(from.begin(), from.end(), to);
        } else if (encode_bytes(from, to) > 0) {
            for (std::size_t i = 0; i < from.size(); ++i) {
                if (to[i] == kEscaped) large.push_back({static_cast<std::uint32_t>(begin.size() - 1), static_cast<std::uint32_t>(cols[static_cast<std::size_t>(at) + i]), from[i]});
            }
        }
    }
};

/// The entries column by column.
template <class Value>
struct Placed {
    std::vector<std::uint16_t> rows;
    std::vector<Value> values;

    template <class Id>
    void fill(const RowEntries<Id, Value>& from, std::span<const std::uint32_t> first_of_col, std::int64_t n_cols) {
        grow_to(rows, from.begin.back());
        grow_to(values, from.begin.back());
        std::vector<std::uint32_t> next(first_of_col.begin(), first_of_col.end());
        std::vector<std::int64_t> cursor(from.begin.begin(), from.begin.end() - 1);
        for (std::int64_t first = 0; first < n_cols; first += kPlaceCols) {
            const std::int64_t end = std::min(first + kPlaceCols, n_cols);
            for (std::size_t r = 0; r < cursor.size(); ++r) {
                const std::int64_t row_end = from.begin[r + 1];
                std::int64_t i = cursor[r];
                for (; i < row_end && std::int64_t{from.cols[static_cast<std::size_t>(i)]} < end; ++i) {
                    const std::uint32_t at = next[from.cols[static_cast<std::size_t>(i)]]++;
                    rows[at] = static_cast<std::uint16_t>(r);
                    values[at] = from.values[static_cast<std::size_t>(i)];
                }
                cursor[r] = i;
            }
        }
    }
};

/// Where the large values went.
std::vector<Escape> escapes_of(std::span<const LargeValue> large, std::span<const std::uint8_t> codes, std::span<const std::uint32_t> begin, std::span<const std::uint16_t> row_of) {
    std::vector<Escape> escapes;
    for (auto at = codes.begin(); (at = std::find(at, codes.end(), kEscaped)) != codes.end(); ++at) {
        const auto i = static_cast<std::uint32_t>(at - codes.begin());
        const auto col = static_cast<std::uint32_t>(std::upper_bound(begin.begin(), begin.end(), i) - begin.begin() - 1);
        const auto found = std::lower_bound(large.begin(), large.end(), std::pair{std::uint32_t{row_of[i]}, col}, [](const LargeValue& a, const auto& place) { return a.place() < place; });
        escapes.push_back({i, found->value});
    }
    return escapes;
}

}  // namespace

struct CompactColumns::Scratch {
    CsrScratch csr;
    RowEntries<std::uint16_t, std::uint8_t> short_codes;
    RowEntries<std::uint16_t, float> short_floats;
    RowEntries<std::uint32_t, std::uint8_t> long_codes;
    RowEntries<std::uint32_t, float> long_floats;
    Placed<std::uint8_t> placed_codes;
    Placed<float> placed_floats;

    template <class Id, class Value>
    RowEntries<Id, Value>& entries() {
        if constexpr (sizeof(Value) == 1) {
            if constexpr (sizeof(Id) == 2) return short_codes;
            else return long_codes;
        } else {
            if constexpr (sizeof(Id) == 2) return short_floats;
            else return long_floats;
        }
    }

    /// Reads the rows; false as soon as they turn out not to be worth bytes.
    template <class Id, class Value>
    bool gather(const RowBlockSource& source, Range rows, Range cols, std::vector<std::uint32_t>& n_of_col) {
        RowEntries<Id, Value>& to = entries<Id, Value>();
        to.begin.assign(1, 0);
        to.large.clear();
        n_of_col.assign(static_cast<std::size_t>(cols.size() + 1), 0);
        // A piece stays in the second-level cache between being decoded and being packed.
        const std::int64_t step = source.cheap_in_pieces() ? kPieceRows : rows.size();
        for (std::int64_t begin = rows.begin; begin < rows.end; begin += step) {
            to.append(source.read({begin, std::min(begin + step, rows.end)}, csr), cols, std::span(n_of_col).subspan(1));
            if (!is_worth_bytes(to.begin.back(), static_cast<std::int64_t>(to.large.size()))) return false;
        }
        return true;
    }
};

CompactColumns::CompactColumns(const RowBlockSource& source, Range cols, Context& context)
    : n_rows_(source.n_rows()), n_cols_(cols.size()), tile_rows_(std::clamp<std::int64_t>(kTileEntries / std::max<std::int64_t>(n_cols_, 1), 1, kTileRows)) {
    MORULA_ASSERT(cols.begin >= 0 && cols.begin <= cols.end && cols.end <= source.n_cols());
    MORULA_ASSERT(std::in_range<std::uint32_t>(n_rows_));
    tiles_.resize(static_cast<std::size_t>((n_rows_ + tile_rows_ - 1) / tile_rows_));
    ScratchPool<Scratch> pool;
    const bool short_ids = n_cols_ <= kMostShortColumns;
    parallel_blocks(context, n_rows_, tile_rows_, [&](Block block) {
        auto scratch = pool.take();
        const Range rows{block.begin, block.end};
        tiles_[static_cast<std::size_t>(block.index)] = short_ids ? turn<std::uint16_t>(source, rows, cols, *scratch) : turn<std::uint32_t>(source, rows, cols, *scratch);
    });
}

template <class Id>
CompactColumns::Tile CompactColumns::turn(const RowBlockSource& source, Range rows, Range cols, Scratch& scratch) {
    Tile tile;
    const auto place = [&](const auto& entries, auto& placed) {
        for (std::size_t c = 1; c < tile.begin.size(); ++c) tile.begin[c] += tile.begin[c - 1];
        placed.fill(entries, std::span(tile.begin).first(static_cast<std::size_t>(n_cols_)), n_cols_);
        const std::span<std::uint16_t> kept = rows_.take<std::uint16_t>(tile.begin.back());
        std::copy_n(placed.rows.begin(), kept.size(), kept.begin());
        tile.rows = kept;
    };
    // Counts are turned as bytes: a quarter of what their floats take.
    if (scratch.gather<Id, std::uint8_t>(source, rows, cols, tile.begin)) {
        const auto& entries = scratch.entries<Id, std::uint8_t>();
        place(entries, scratch.placed_codes);
        const auto codes = std::span<const std::uint8_t>(scratch.placed_codes.values).first(tile.begin.back());
        tile.values = Coded<std::uint8_t>{{codes.begin(), codes.end()}, escapes_of(entries.large, codes, tile.begin, scratch.placed_codes.rows)};
        return tile;
    }
    scratch.gather<Id, float>(source, rows, cols, tile.begin);
    place(scratch.entries<Id, float>(), scratch.placed_floats);
    tile.values = encode_values(std::span<const float>(scratch.placed_floats.values).first(tile.begin.back()));
    return tile;
}

void CompactColumns::read(std::int64_t col, ColumnEntries& out) const {
    MORULA_ASSERT(col >= 0 && col < n_cols_);
    const auto c = static_cast<std::size_t>(col);
    const std::int64_t n = n_entries(col);
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

std::int64_t CompactColumns::n_entries(std::int64_t col) const {
    MORULA_ASSERT(col >= 0 && col < n_cols_);
    const auto c = static_cast<std::size_t>(col);
    std::int64_t n = 0;
    for (const Tile& tile : tiles_) n += std::int64_t{tile.begin[c + 1]} - std::int64_t{tile.begin[c]};
    return n;
}

bool CompactColumns::in_bytes() const {
    return std::all_of(tiles_.begin(), tiles_.end(), [](const Tile& tile) { return std::holds_alternative<Coded<std::uint8_t>>(tile.values); });
}

BytePiece CompactColumns::bytes(std::int64_t tile, std::int64_t col) const {
    const Tile& from = tiles_[static_cast<std::size_t>(tile)];
    const auto& coded = std::get<Coded<std::uint8_t>>(from.values);
    const std::uint32_t begin = from.begin[static_cast<std::size_t>(col)];
    const std::size_t n = from.begin[static_cast<std::size_t>(col + 1)] - begin;
    return {static_cast<std::uint32_t>(tile * tile_rows_), from.rows.subspan(begin, n), std::span(coded.codes).subspan(begin, n), coded.escapes, begin};
}

float BytePiece::escaped(std::size_t i) const {
    const auto at = begin + static_cast<std::uint32_t>(i);
    return std::lower_bound(escapes.begin(), escapes.end(), at, [](const Escape& e, std::uint32_t place) { return e.at < place; })->value;
}

std::int64_t CompactColumns::columns_at_once(const RowBlockSource& source, double bytes_per_entry, const Context& context) {
    constexpr double kBudgetShare = 0.5;  // each further range of columns reads the whole source again
    constexpr std::int64_t kLeast = 64;
    const std::int64_t n = std::max<std::int64_t>(1, source.n_cols());
    const double bytes_per_column = static_cast<double>(std::max<std::int64_t>(1, source.nnz())) * bytes_per_entry / static_cast<double>(n);
    const double room = kBudgetShare * static_cast<double>(context.memory_bytes());
    return std::clamp(static_cast<std::int64_t>(room / bytes_per_column), std::min(kLeast, n), n);
}

}  // namespace morula::matrix
