// Keeping and renaming the columns of one row: the inner loop of every read of some genes.
#pragma once

#include <cstdint>
#include <span>

namespace morula::matrix {

/// What a table holds for a column that is dropped.
inline constexpr std::uint32_t kDroppedColumn = ~std::uint32_t{0};
/// Elements behind the last kept one that may be overwritten with anything.
inline constexpr std::int64_t kMapSlack = 64;

/// Entries of a row whose column is kept, in order, under their new columns: to_cols[j] = new_col[cols[i]], to_values[j] = values[i] for the j-th kept i.
/// Returns how many. Room for cols.size() + kMapSlack elements is needed behind both pointers. Run-time dispatch to the widest vectors of this processor.
std::int64_t map_columns(std::span<const std::uint32_t> cols, std::span<const float> values, std::span<const std::uint32_t> new_col, std::uint32_t* to_cols, float* to_values);

/// The same, one entry after the other: what the vectors are tested against.
std::int64_t map_columns_plain(std::span<const std::uint32_t> cols, std::span<const float> values, std::span<const std::uint32_t> new_col, std::uint32_t* to_cols, float* to_values);

}  // namespace morula::matrix
