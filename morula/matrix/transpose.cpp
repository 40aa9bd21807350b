// Rows to columns: count, then place. Each task places a run of rows into slots that only it owns, so the result cannot depend on threads.
#include <algorithm>

#include "morula/core/checked_cast.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/huge_pages.hpp"
#include "morula/matrix/scratch_pool.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::matrix {
namespace {

// Columns placed together: with 512 columns the 1,024 open ends of the output stay in the second-level cache and its address table.
constexpr std::int64_t kPlaceCols = 512;
constexpr std::int64_t kMostStripes = 64;

/// First entry of a row whose column is not below `col`.
std::int64_t first_at_least(const CsrView& rows, std::size_t row, std::int64_t col) {
    const auto begin = rows.indices.begin() + rows.indptr[row];
    const auto end = rows.indices.begin() + rows.indptr[row + 1];
    return std::lower_bound(begin, end, col, [](std::uint32_t a, std::int64_t b) { return std::int64_t{a} < b; }) - rows.indices.begin();
}

struct TransposeScratch {
    CsrScratch csr;
    std::vector<std::int64_t> cursor;  // next entry of each row of a tile
};

/// Stripes of rows, each a whole number of tiles: one task counts and later places a stripe.
struct Stripes {
    std::int64_t n_rows;
    std::int64_t rows;  // of a stripe
    std::int64_t count() const { return n_rows == 0 ? 0 : (n_rows + rows - 1) / rows; }
};

Stripes cut_stripes(std::int64_t n_rows) {
    const std::int64_t n_tiles = (n_rows + kTileCells - 1) / kTileCells;
    return {n_rows, std::max<std::int64_t>(1, (n_tiles + kMostStripes - 1) / kMostStripes) * kTileCells};
}

template <class Body>
void for_tiles_of_stripe(const RowBlockSource& source, Block stripe, CsrScratch& scratch, const Body& body) {
    for (std::int64_t begin = stripe.begin; begin < stripe.end; begin += kTileCells) {
        body(source.read({begin, std::min(begin + kTileCells, stripe.end)}, scratch), begin);
    }
}

void count_tile(const CsrView& tile, Range cols, std::int64_t* counts) {
    for (std::size_t r = 0; r < static_cast<std::size_t>(tile.n_rows); ++r) {
        const std::int64_t end = first_at_least(tile, r, cols.end);
        for (std::int64_t i = first_at_least(tile, r, cols.begin); i < end; ++i) ++counts[std::int64_t{tile.indices[static_cast<std::size_t>(i)]} - cols.begin];
    }
}

/// next[c]: where the next entry of column cols.begin + c goes.
void place_tile(const CsrView& tile, std::int64_t first_row, Range cols, std::vector<std::int64_t>& cursor, std::int64_t* next, Csc& out) {
    cursor.resize(static_cast<std::size_t>(tile.n_rows));
    for (std::size_t r = 0; r < cursor.size(); ++r) cursor[r] = first_at_least(tile, r, cols.begin);
    const std::uint32_t* indices = tile.indices.data();
    const float* values = tile.values.data();
    for (std::int64_t begin = cols.begin; begin < cols.end; begin += kPlaceCols) {
        const std::int64_t end = std::min(begin + kPlaceCols, cols.end);
        for (std::size_t r = 0; r < cursor.size(); ++r) {
            const auto row = static_cast<std::uint32_t>(first_row + static_cast<std::int64_t>(r));
            const std::int64_t row_end = tile.indptr[r + 1];
            std::int64_t i = cursor[r];
            for (; i < row_end && std::int64_t{indices[i]} < end; ++i) {
                const std::int64_t at = next[std::int64_t{indices[i]} - cols.begin]++;
                out.indices[static_cast<std::size_t>(at)] = row;
                out.values[static_cast<std::size_t>(at)] = values[i];
            }
            cursor[r] = i;
        }
    }
}

/// counts: stripes x width. Turns them into the place of each stripe's first entry in each column and fills indptr.
void counts_to_places(std::vector<std::int64_t>& counts, std::int64_t n_stripes, std::int64_t width, std::vector<std::int64_t>& indptr) {
    std::int64_t at = 0;
    for (std::int64_t c = 0; c < width; ++c) {
        indptr[static_cast<std::size_t>(c)] = at;
        for (std::int64_t s = 0; s < n_stripes; ++s) {
            std::int64_t& count = counts[static_cast<std::size_t>(s * width + c)];
            const std::int64_t place = at;
            at += count;
            count = place;
        }
    }
    indptr[static_cast<std::size_t>(width)] = at;
}

}  // namespace

Csc transpose_cols(const RowBlockSource& source, Range cols, Context& context) {
    MORULA_ASSERT(cols.begin >= 0 && cols.begin <= cols.end && cols.end <= source.n_cols());
    MORULA_ASSERT(std::in_range<std::uint32_t>(source.n_rows()));
    const std::int64_t width = cols.size();
    const Stripes stripes = cut_stripes(source.n_rows());
    std::vector<std::int64_t> counts(static_cast<std::size_t>(checked_size_product(stripes.count(), width)));
    ScratchPool<TransposeScratch> pool;

    parallel_blocks(context, source.n_rows(), stripes.rows, [&](Block stripe) {
        auto scratch = pool.take();
        for_tiles_of_stripe(source, stripe, scratch->csr, [&](const CsrView& tile, std::int64_t) { count_tile(tile, cols, counts.data() + stripe.index * width); });
    });

    Csc out;
    out.n_rows = source.n_rows();
    out.n_cols = width;
    out.indptr.resize(static_cast<std::size_t>(width + 1));
    counts_to_places(counts, stripes.count(), width, out.indptr);
    reserve_large(out.indices, out.indptr.back());
    reserve_large(out.values, out.indptr.back());
    out.indices.resize(static_cast<std::size_t>(out.indptr.back()));
    out.values.resize(static_cast<std::size_t>(out.indptr.back()));

    parallel_blocks(context, source.n_rows(), stripes.rows, [&](Block stripe) {
        auto scratch = pool.take();
        for_tiles_of_stripe(source, stripe, scratch->csr, [&](const CsrView& tile, std::int64_t first_row) {
            place_tile(tile, first_row, cols, scratch->cursor, counts.data() + stripe.index * width, out);
        });
    });
    return out;
}

}  // namespace morula::matrix
