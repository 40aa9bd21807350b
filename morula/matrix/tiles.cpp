#include "morula/matrix/tiles.hpp"

#include <algorithm>

#include "morula/core/checked_cast.hpp"
#include "morula/matrix/scratch_pool.hpp"

namespace morula::matrix {
namespace {

constexpr std::int64_t kSumColumns = 4096;  // columns a task adds up over the tiles of a span

constexpr std::int64_t kPieceEntries = 32'768;  // decoded at once: 256 KB, which the second-level cache holds beside the sums of a tile

using AddTile = std::function<void(const CsrView& tile, std::int64_t first_row, std::span<double> sums)>;

/// Rows that are read at once: a tile, or as few as stay in the cache where that costs no more.
std::int64_t rows_a_read(const RowBlockSource& source) {
    if (!source.cheap_in_pieces()) return kTileCells;
    const std::int64_t entries_a_row = source.nnz() / std::max<std::int64_t>(1, source.n_rows()) + 1;
    return std::clamp<std::int64_t>(kPieceEntries / entries_a_row, 1, kTileCells);
}

/// Calls body for the rows of a tile, in order.
template <class Body>
void for_pieces(const RowBlockSource& source, Range tile, std::int64_t step, CsrScratch& scratch, const Body& body) {
    for (std::int64_t begin = tile.begin; begin < tile.end; begin += step) body(source.read({begin, std::min(begin + step, tile.end)}, scratch), begin);
}

/// Sums of each tile of the span, one below the other.
void sum_each_tile(const RowBlockSource& source, Range span_rows, std::int64_t width, Context& context, ScratchPool<>& pool, std::span<double> tile_sums,
                   const AddTile& add_tile) {
    const std::int64_t step = rows_a_read(source);
    parallel_blocks(context, span_rows.size(), kTileCells, [&](Block tile) {
        const auto sums = tile_sums.subspan(static_cast<std::size_t>(tile.index * width), static_cast<std::size_t>(width));
        std::fill(sums.begin(), sums.end(), 0.0);
        auto scratch = pool.take();
        const std::int64_t first_row = span_rows.begin + tile.begin;
        for_pieces(source, {first_row, first_row + tile.size()}, step, *scratch, [&](const CsrView& rows, std::int64_t row) { add_tile(rows, row, sums); });
    });
}

}  // namespace

std::vector<double> sum_tiles(const RowBlockSource& source, std::int64_t width, Context& context, const AddTile& add_tile) {
    const std::int64_t n_rows = source.n_rows();
    const std::int64_t span_cells = kTileCells * kSpanTiles;
    const std::int64_t tiles_of_span = std::min(kSpanTiles, (n_rows + kTileCells - 1) / kTileCells);
    std::vector<double> total(checked_cast<std::size_t>(width), 0.0);
    std::vector<double> tile_sums(checked_cast<std::size_t>(checked_size_product(width, tiles_of_span)));
    ScratchPool<> pool;
    for (std::int64_t begin = 0; begin < n_rows; begin += span_cells) {
        const Range rows{begin, std::min(begin + span_cells, n_rows)};
        sum_each_tile(source, rows, width, context, pool, tile_sums, add_tile);
        const std::int64_t n_tiles = (rows.size() + kTileCells - 1) / kTileCells;
        parallel_blocks(context, width, kSumColumns, [&](Block columns) {
            for (std::int64_t tile = 1; tile < n_tiles; ++tile) {
                const double* from = tile_sums.data() + tile * width;
                for (std::int64_t c = columns.begin; c < columns.end; ++c) tile_sums[static_cast<std::size_t>(c)] += from[c];
            }
            for (std::int64_t c = columns.begin; c < columns.end; ++c) total[static_cast<std::size_t>(c)] += tile_sums[static_cast<std::size_t>(c)];
        });
    }
    return total;
}

void for_each_tile(const RowBlockSource& source, Context& context, const std::function<void(const CsrView& tile, std::int64_t first_row)>& body) {
    ScratchPool<> pool;
    const std::int64_t step = rows_a_read(source);
    parallel_blocks(context, source.n_rows(), kTileCells, [&](Block tile) {
        auto scratch = pool.take();
        for_pieces(source, {tile.begin, tile.end}, step, *scratch, body);
    });
}

std::vector<double> row_sums(const RowBlockSource& source, Context& context) {
    std::vector<double> sums(static_cast<std::size_t>(source.n_rows()));
    for_each_tile(source, context, [&](const CsrView& tile, std::int64_t first_row) {
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            double sum = 0.0;
            for (const float value : tile.row_values(row)) sum += static_cast<double>(value);
            sums[static_cast<std::size_t>(first_row + row)] = sum;
        }
    });
    return sums;
}

ColumnMoments column_moments(const RowBlockSource& source, Context& context) {
    const std::int64_t n_cols = source.n_cols();
    // The three sums of a gene lie side by side: one cache line a non-zero.
    const std::vector<double> sums = sum_tiles(source, checked_size_product(n_cols, 3), context, [](const CsrView& tile, std::int64_t, std::span<double> out) {
        const std::int64_t begin = tile.n_rows == 0 ? 0 : tile.indptr[0];
        for (std::int64_t i = begin; i < begin + tile.nnz(); ++i) {
            const double value = tile.values[static_cast<std::size_t>(i)];
            double* gene = out.data() + std::size_t{tile.indices[static_cast<std::size_t>(i)]} * 3;
            gene[0] += value;
            gene[1] += value * value;
            gene[2] += value != 0.0 ? 1.0 : 0.0;
        }
    });
    const auto n = static_cast<double>(source.n_rows());
    const auto size = static_cast<std::size_t>(n_cols);
    ColumnMoments moments{std::vector<double>(size), std::vector<double>(size), std::vector<double>(size), std::vector<double>(size), std::vector<std::int64_t>(size)};
    for (std::size_t c = 0; c < size; ++c) {
        moments.sum[c] = sums[3 * c];
        moments.sum_of_squares[c] = sums[3 * c + 1];
        moments.n_nonzero[c] = static_cast<std::int64_t>(sums[3 * c + 2]);
        moments.mean[c] = n > 0 ? moments.sum[c] / n : 0.0;
        const double squares = moments.sum_of_squares[c] - n * moments.mean[c] * moments.mean[c];
        // max(0, NaN) would hide a NaN of the input behind a zero.
        moments.variance[c] = n < 2 ? 0.0 : (squares < 0.0 ? 0.0 : squares / (n - 1.0));
    }
    return moments;
}

}  // namespace morula::matrix
