#include "morula/models/nearest_labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/analysis/embedding_check.hpp"
#include "morula/analysis/nearest_simd.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/blas.hpp"
#include "morula/matrix/scratch_pool.hpp"
#include "morula/models/reference_regions.hpp"

namespace morula::models {
namespace {

constexpr std::size_t kQueryCells = 128;        // rows of a score tile
constexpr std::int64_t kCandidateCells = 768;   // columns: 384 KB, within the second-level cache
constexpr std::int64_t kSpare = 4;              // kept beyond the wanted ones: scores are rounded, the final order is by true distance
constexpr std::int64_t kRoom = 16;
constexpr std::int64_t kNewcomers = 6;
constexpr std::int64_t kBlockCells = 1024;
constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();

struct Neighbor {
    float distance;
    std::uint32_t place;
    bool operator<(const Neighbor& other) const { return distance < other.distance || (distance == other.distance && place < other.place); }
};

void write_row(matrix::DenseView<const float> reference, const ReferenceRegions& regions, std::span<const float> query, analysis::BestScores& best, std::int64_t row, NearestCells& out) {
    best.select();
    std::vector<Neighbor> found;
    for (const analysis::Scored candidate : best.candidates()) {
        const std::uint32_t place = regions.place[analysis::id_of(candidate)];
        found.push_back({std::sqrt(analysis::squared_distance(query, reference.row(std::int64_t{place}))), place});
    }
    std::sort(found.begin(), found.end());
    for (std::int64_t i = 0; i < out.index.n_cols; ++i) {
        out.index(row, i) = found[static_cast<std::size_t>(i)].place;
        out.distance(row, i) = found[static_cast<std::size_t>(i)].distance;
    }
}

/// Queries of one region.
struct Tile {
    std::int64_t region = 0;
    std::span<const std::int64_t> query;
    std::span<const std::uint32_t> self;  // sorted place of each query in the reference, or nobody
};

/// What a task looks with: the tile's rows less the mean, negated for the product, and the best of each.
struct TileSearch {
    matrix::Dense<float> left;
    std::vector<double> squares;                   // of the rows' lengths
    matrix::Dense<float> least;                    // see least_distances()
    matrix::Dense<analysis::Scored> room;
    std::vector<analysis::BestScores> best;
    std::vector<std::int64_t> rows;                // that the region at hand may matter to
    matrix::Dense<float> asked;                    // they, packed

    TileSearch(const Tile& tile, matrix::DenseView<const float> query, const ReferenceRegions& regions, std::int64_t wanted)
        : left(std::ssize(tile.query), query.n_cols + 1), room(std::ssize(tile.query), 2 * wanted + kRoom), asked(left.n_rows, left.n_cols) {
        matrix::Dense<float> centred(std::ssize(tile.query), query.n_cols);
        for (std::int64_t row = 0; row < centred.n_rows; ++row) {
            double sum = 0.0;
            for (std::int64_t dim = 0; dim < query.n_cols; ++dim) {
                const float x = query(tile.query[static_cast<std::size_t>(row)], dim) - regions.mean[static_cast<std::size_t>(dim)];
                centred(row, dim) = x;
                left(row, dim) = -x;
                sum += static_cast<double>(x) * static_cast<double>(x);
            }
            left(row, query.n_cols) = 1.0F;
            squares.push_back(sum);
            best.push_back({.room = room.row(row), .wanted = static_cast<std::int32_t>(wanted)});
        }
        least = least_distances(regions, tile.region, std::as_const(centred).view());
    }
    /// Rows for which a region may hold one of the wanted cells: |x - y|^2 = |x|^2 + 2 (|y|^2 / 2 - x.y), of which the last is the score.
    void find_rows(std::int64_t region) {
        rows.clear();
        for (std::size_t row = 0; row < best.size(); ++row) {
            const auto bound = static_cast<double>(least(static_cast<std::int64_t>(row), region));
            const double farthest = squares[row] + 2.0 * static_cast<double>(best[row].limit);
            if (!(bound * bound > farthest + 1e-5 * (squares[row] + std::abs(farthest)))) rows.push_back(static_cast<std::int64_t>(row));
        }
        for (std::size_t i = 0; i < rows.size(); ++i) std::ranges::copy(left.row(rows[i]), asked.row(static_cast<std::int64_t>(i)).begin());
    }
};

/// One tile of queries against the regions that can hold their neighbours, the nearest first.
void search_tile(const Tile& tile, matrix::DenseView<const float> reference, const ReferenceRegions& regions, matrix::DenseView<const float> query, std::vector<float>& room, NearestCells& out) {
    const std::int64_t width = regions.cells.n_cols;
    const bool is_own = !tile.self.empty();
    const std::int64_t wanted = std::min(out.index.n_cols + kSpare, reference.n_rows - (is_own ? 1 : 0));
    TileSearch search(tile, query, regions, wanted);
    room.resize(kQueryCells * static_cast<std::size_t>(kCandidateCells));
    const matrix::DenseView<float> scores{std::ssize(tile.query), kCandidateCells, room};
    for (const std::int64_t region : regions.order[static_cast<std::size_t>(tile.region)]) {
        search.find_rows(region);
        if (search.rows.empty()) continue;
        const std::int64_t end = regions.begin[static_cast<std::size_t>(region) + 1];
        for (std::int64_t from = regions.begin[static_cast<std::size_t>(region)]; from < end; from += kCandidateCells) {
            const std::int64_t n = std::min(kCandidateCells, end - from);
            matrix::gemm_strided(std::ssize(search.rows), n, width, 1.0F, search.asked.values.data(), width, matrix::Transpose::no, regions.cells.values.data() + from * width, width, matrix::Transpose::yes,
                                 0.0F, scores.values.data(), kCandidateCells);
            for (std::size_t i = 0; i < search.rows.size(); ++i) {
                const auto row = static_cast<std::size_t>(search.rows[i]);
                const std::uint32_t own = is_own ? tile.self[row] : kNobody;
                analysis::keep_best(scores.row(static_cast<std::int64_t>(i)).first(static_cast<std::size_t>(n)), static_cast<std::uint32_t>(from), own, search.best[row]);
            }
        }
        for (const std::int64_t row : search.rows) {  // the limit of a row with few newcomers would hardly fall
            analysis::BestScores& best = search.best[static_cast<std::size_t>(row)];
            if (!std::isfinite(best.limit) || best.size >= wanted + kNewcomers) best.select();
        }
    }
    for (std::size_t row = 0; row < tile.query.size(); ++row) write_row(reference, regions, query.row(tile.query[row]), search.best[row], tile.query[row], out);
}

enum class Self { none, own_place };

/// Queries by region, tiles that end where regions do.
struct Tiles {
    std::vector<std::int64_t> query;
    std::vector<std::uint32_t> self;
    std::vector<Tile> tiles;
};

Tiles make_tiles(const ReferenceRegions& regions, matrix::DenseView<const float> query, Self self, Context& context) {
    Tiles out;
    const std::vector<std::int32_t> region = regions_of(regions, query, context);
    std::vector<std::vector<std::int64_t>> of_region(static_cast<std::size_t>(regions.n_regions()));
    for (std::size_t cell = 0; cell < region.size(); ++cell) of_region[static_cast<std::size_t>(region[cell])].push_back(static_cast<std::int64_t>(cell));
    for (const auto& cells : of_region) out.query.insert(out.query.end(), cells.begin(), cells.end());
    if (self == Self::own_place) {
        std::vector<std::uint32_t> sorted_place(regions.place.size());
        for (std::size_t i = 0; i < regions.place.size(); ++i) sorted_place[regions.place[i]] = static_cast<std::uint32_t>(i);
        for (const std::int64_t cell : out.query) out.self.push_back(sorted_place[static_cast<std::size_t>(cell)]);
    }
    std::size_t begin = 0;
    for (std::size_t r = 0; r < of_region.size(); ++r) {
        for (std::size_t done = 0; done < of_region[r].size(); done += kQueryCells) {
            const std::size_t n = std::min<std::size_t>(kQueryCells, of_region[r].size() - done);
            Tile tile{static_cast<std::int64_t>(r), std::span(out.query).subspan(begin + done, n), {}};
            if (!out.self.empty()) tile.self = std::span(out.self).subspan(begin + done, n);
            out.tiles.push_back(tile);
        }
        begin += of_region[r].size();
    }
    return out;
}

NearestCells search(matrix::DenseView<const float> reference, const ReferenceRegions& regions, matrix::DenseView<const float> query, std::int32_t k, Self self, Context& context) {
    if (reference.n_cols != query.n_cols) {
        invalid_data(fmt::format("The reference has {} dimensions, the query {}.", reference.n_cols, query.n_cols), "Embed both in one space.");
    }
    const std::int64_t there = reference.n_rows - (self == Self::own_place ? 1 : 0);
    if (there < k) invalid_data(fmt::format("The reference has {} cells to compare with; {} nearest ones are wanted.", there, k), "Give a larger reference, or lower --n-neighbors.");
    const Tiles tiles = make_tiles(regions, query, self, context);
    NearestCells out{matrix::Dense<std::uint32_t>(query.n_rows, k), matrix::Dense<float>(query.n_rows, k)};
    matrix::ScratchPool<std::vector<float>> pool;
    parallel_blocks(context, std::ssize(tiles.tiles), 1, [&](Block block) {
        auto room = pool.take();
        search_tile(tiles.tiles[static_cast<std::size_t>(block.begin)], reference, regions, query, *room, out);
    });
    return out;
}

matrix::DenseView<const float> finite_reference(matrix::DenseView<const float> reference, Context& context) {
    analysis::require_finite(reference, "the reference's embedding", context);
    return reference;
}

}  // namespace

NearestSearch::NearestSearch(matrix::DenseView<const float> reference, Context& context)
    : reference_(finite_reference(reference, context)), regions_(cut_into_regions(reference_, context)) {}

NearestCells NearestSearch::nearest(matrix::DenseView<const float> query, std::int32_t k, Context& context) const {
    analysis::require_finite(query, "the query's embedding", context);
    return search(reference_, regions_, query, k, Self::none, context);
}

NearestCells NearestSearch::nearest_others(std::int32_t k, Context& context) const { return search(reference_, regions_, reference_, k, Self::own_place, context); }

matrix::Dense<float> label_votes(const NearestCells& nearest, std::span<const std::int32_t> label, std::int32_t n_labels, Context& context) {
    matrix::Dense<float> votes(nearest.index.n_rows, n_labels);
    parallel_blocks(context, votes.n_rows, kBlockCells, [&](Block block) {
        std::vector<double> sum(static_cast<std::size_t>(n_labels));
        for (std::int64_t row = block.begin; row < block.end; ++row) {
            std::fill(sum.begin(), sum.end(), 0.0);
            const auto distance = nearest.distance.row(row);
            const auto last = static_cast<double>(distance.back());
            double total = 0.0;
            for (std::size_t i = 0; i < distance.size(); ++i) {
                const double ratio = last > 0.0 ? static_cast<double>(distance[i]) / last : 0.0;
                const double weight = std::exp(-ratio * ratio);
                sum[static_cast<std::size_t>(label[nearest.index.row(row)[i]])] += weight;
                total += weight;
            }
            for (std::size_t code = 0; code < sum.size(); ++code) votes.row(row)[code] = static_cast<float>(sum[code] / total);
        }
    });
    return votes;
}

std::vector<std::int32_t> best_labels(matrix::DenseView<const float> scores) {
    std::vector<std::int32_t> best(static_cast<std::size_t>(scores.n_rows));
    for (std::int64_t row = 0; row < scores.n_rows; ++row) {
        const auto values = scores.row(row);
        best[static_cast<std::size_t>(row)] = static_cast<std::int32_t>(std::max_element(values.begin(), values.end()) - values.begin());
    }
    return best;
}

}  // namespace morula::models
