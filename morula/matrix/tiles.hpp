// The fixed shape of every reduction over cells: tiles of 1,024 cells added in order within spans of 64 tiles, spans in order.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "morula/core/parallel.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::matrix {

inline constexpr std::int64_t kTileCells = 1024;
inline constexpr std::int64_t kSpanTiles = 64;

/// Adds `width` sums over all rows of a source. add_tile receives the rows of one tile, at once or a few at a time in order (first_row is the place of the
/// first in the source), and adds them row by row to sums, which starts at zero for each tile. The result is the same bits for any number of threads.
/// Memory: up to kSpanTiles * width doubles.
std::vector<double> sum_tiles(const RowBlockSource& source, std::int64_t width, Context& context,
                              const std::function<void(const CsrView& tile, std::int64_t first_row, std::span<double> sums)>& add_tile);

/// Calls body for the rows of each tile, at once or a few at a time, in parallel, for work that writes per-row results and reduces nothing.
void for_each_tile(const RowBlockSource& source, Context& context, const std::function<void(const CsrView& tile, std::int64_t first_row)>& body);

/// Sum of each row, in float64.
std::vector<double> row_sums(const RowBlockSource& source, Context& context);

struct ColumnMoments {
    std::vector<double> mean;      // n_cols
    std::vector<double> variance;  // n_cols, divided by n - 1; 0 where n < 2
    std::vector<double> sum;       // n_cols
    std::vector<double> sum_of_squares;
    std::vector<std::int64_t> n_nonzero;
};
/// Per-gene moments over all cells, zeros included, in float64: sum x^2 - n mean^2 over n - 1, clipped at 0.
ColumnMoments column_moments(const RowBlockSource& source, Context& context);

}  // namespace morula::matrix
