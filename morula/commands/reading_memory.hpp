// What a pass over counts takes beside its results: for verbs that ask the memory budget before they start.
#pragma once

#include <cstdint>

#include "morula/matrix/block_source.hpp"

namespace morula::commands {

/// Bytes of the tiles of rows that all threads hold at once, as they come and as a lazy view makes them (8 bytes an entry each).
std::int64_t reading_bytes(const matrix::RowBlockSource& counts, const Context& context);

/// Bytes that sum_tiles() holds for `width` sums.
std::int64_t tile_sums_bytes(const matrix::RowBlockSource& counts, std::int64_t width);

}  // namespace morula::commands
