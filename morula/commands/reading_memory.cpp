#include "morula/commands/reading_memory.hpp"

#include <algorithm>

#include "morula/matrix/tiles.hpp"

namespace morula::commands {

std::int64_t reading_bytes(const matrix::RowBlockSource& counts, const Context& context) {
    constexpr std::int64_t kBytesPerEntry = 16;
    const std::int64_t rows = std::min(counts.n_rows(), matrix::kTileCells * context.threads());
    const double entries_a_row = static_cast<double>(counts.nnz()) / static_cast<double>(std::max<std::int64_t>(1, counts.n_rows()));
    return static_cast<std::int64_t>(static_cast<double>(rows * kBytesPerEntry) * entries_a_row);
}

std::int64_t tile_sums_bytes(const matrix::RowBlockSource& counts, std::int64_t width) {
    const std::int64_t n_tiles = std::min(matrix::kSpanTiles, (counts.n_rows() + matrix::kTileCells - 1) / matrix::kTileCells);
    return checked_size_product((n_tiles + 1) * static_cast<std::int64_t>(sizeof(double)), width);
}

}  // namespace morula::commands
