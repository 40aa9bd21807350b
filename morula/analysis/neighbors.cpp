#include "morula/analysis/neighbors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "morula/analysis/embedding_check.hpp"
#include "morula/analysis/kmeans.hpp"
#include "morula/analysis/nearest_simd.hpp"
#include "morula/core/checked_cast.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/blas.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kQueryCells = 128;       // rows of a score tile
constexpr std::int64_t kCandidateCells = 768;   // columns of a score tile: 384 KB, within the second-level cache
constexpr std::int32_t kSpare = 4;              // kept beyond the wanted ones, because scores are rounded and the final order is by true distance
constexpr std::int64_t kRoom = 16;              // at least so many newcomers wait for a selection
constexpr double kRecallMargin = 0.003;         // aimed at beyond the wanted recall, by more than its sampling error
constexpr double kListsPerRootCell = 2.0;
constexpr std::int32_t kFirstProbes = 4;
constexpr std::int64_t kBlockCells = 512;
constexpr std::int64_t kListBlockCells = 2048;  // queries searched together: enough that those that share a list fill a tile
constexpr std::uint32_t kNoCell = std::numeric_limits<std::uint32_t>::max();

/// Cells in search order (their "places"), centred, with half the squared length as one more column:
/// the score |y|^2 / 2 - x.y of candidate y for query x is then one GEMM, and orders candidates as the distance does.
struct SearchSpace {
    matrix::Dense<float> points;             // n_cells x (n_dims + 1)
    std::vector<std::uint32_t> cell_of_place;
    std::int64_t n_dims = 0;

    std::int64_t size() const { return points.n_rows; }
};

/// A cell whose neighbours are wanted, and their row in the result.
struct Query {
    std::uint32_t place;
    std::int64_t row;
};

/// The best candidates of the queries of one block.
struct BlockBest {
    matrix::Dense<Scored> room;
    std::vector<BestScores> of_query;

    BlockBest(std::int64_t n_queries, std::int64_t wanted) : room(n_queries, 2 * wanted + kRoom) {
        for (std::int64_t q = 0; q < n_queries; ++q) of_query.push_back({.room = room.row(q), .wanted = static_cast<std::int32_t>(wanted)});
    }
};

std::vector<float> column_means(matrix::DenseView<const float> embedding) {
    std::vector<double> sum(static_cast<std::size_t>(embedding.n_cols), 0.0);
    for (std::int64_t cell = 0; cell < embedding.n_rows; ++cell) {
        const auto row = embedding.row(cell);
        for (std::size_t dim = 0; dim < sum.size(); ++dim) sum[dim] += static_cast<double>(row[dim]);
    }
    std::vector<float> mean(sum.size());
    for (std::size_t dim = 0; dim < sum.size(); ++dim) mean[dim] = static_cast<float>(sum[dim] / static_cast<double>(embedding.n_rows));
    return mean;
}

/// Centring takes nothing from distances but makes scores, differences of large numbers, more exact.
SearchSpace make_space(matrix::DenseView<const float> embedding, std::span<const float> mean, std::vector<std::uint32_t> cell_of_place, Context& context) {
    SearchSpace space{.points = matrix::Dense<float>(embedding.n_rows, embedding.n_cols + 1), .cell_of_place = std::move(cell_of_place), .n_dims = embedding.n_cols};
    parallel_blocks(context, embedding.n_rows, kBlockCells, [&](Block block) {
        for (std::int64_t place = block.begin; place < block.end; ++place) {
            const auto from = embedding.row(std::int64_t{space.cell_of_place[static_cast<std::size_t>(place)]});
            const auto to = space.points.row(place);
            double norm = 0.0;
            for (std::size_t dim = 0; dim < from.size(); ++dim) {
                to[dim] = from[dim] - mean[dim];
                norm += static_cast<double>(to[dim]) * static_cast<double>(to[dim]);
            }
            to[from.size()] = static_cast<float>(0.5 * norm);
        }
    });
    return space;
}

std::vector<std::uint32_t> in_order(std::int64_t n) {
    std::vector<std::uint32_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0U);
    return order;
}

struct Tile {
    matrix::Dense<float> queries;  // left side of the GEMM
    matrix::Dense<float> scores;
    explicit Tile(std::int64_t width) : queries(kQueryCells, width), scores(kQueryCells, kCandidateCells) {}
};

/// One query of a tile: its place in the block and the candidate that must not become its own neighbour.
struct Seeker {
    std::uint32_t in_block;
    std::uint32_t self;
};

/// The left side of the GEMM: each query's negated point, then 1.
void fill_queries(const SearchSpace& space, std::span<const Query> block, std::span<const Seeker> seekers, Tile& tile) {
    for (std::size_t i = 0; i < seekers.size(); ++i) {
        const auto from = space.points.row(std::int64_t{block[seekers[i].in_block].place});
        const auto to = tile.queries.row(static_cast<std::int64_t>(i));
        for (std::size_t dim = 0; dim + 1 < from.size(); ++dim) to[dim] = -from[dim];
        to[from.size() - 1] = 1.0F;
    }
}

/// Offers the places [range.begin, range.end) of `candidates` to the queries whose left sides the tile holds.
void search_range(const SearchSpace& candidates, matrix::Range range, std::span<const Seeker> seekers, Tile& tile, BlockBest& best) {
    const std::int64_t width = candidates.points.n_cols;
    for (std::int64_t from = range.begin; from < range.end; from += kCandidateCells) {
        const std::int64_t n = std::min(kCandidateCells, range.end - from);
        matrix::gemm_strided(static_cast<std::int64_t>(seekers.size()), n, width, 1.0F, tile.queries.values.data(), width, matrix::Transpose::no,
                             candidates.points.values.data() + from * width, width, matrix::Transpose::yes, 0.0F, tile.scores.values.data(), kCandidateCells);
        for (std::size_t i = 0; i < seekers.size(); ++i) {
            const auto scores = tile.scores.row(static_cast<std::int64_t>(i)).first(static_cast<std::size_t>(n));
            keep_best(scores, static_cast<std::uint32_t>(from), seekers[i].self, best.of_query[seekers[i].in_block]);
        }
    }
}

struct Neighbor {
    float distance;
    std::uint32_t cell;
    bool operator<(const Neighbor& other) const { return distance < other.distance || (distance == other.distance && cell < other.cell); }
};

/// The best candidates of a query with their true distances, from differences (0 for duplicates).
std::vector<Neighbor> true_distances(const SearchSpace& space, const Query& query, BestScores& best) {
    best.select();
    const auto n_dims = static_cast<std::size_t>(space.n_dims);  // the last column is the half norm, no coordinate
    const auto point = space.points.row(std::int64_t{query.place}).first(n_dims);
    std::vector<Neighbor> found;
    found.reserve(best.candidates().size());
    for (const Scored candidate : best.candidates()) {
        const std::uint32_t place = id_of(candidate);
        found.push_back({std::sqrt(squared_distance(point, space.points.row(std::int64_t{place}).first(n_dims))), space.cell_of_place[place]});
    }
    return found;
}

/// What is done with the candidates of each query. Called from many threads.
using Take = std::function<void(const SearchSpace& space, const Query& query, BestScores& best)>;

/// Writes the row of a query: nearest first, equal distances by cell.
void write_row(const SearchSpace& space, const Query& query, BestScores& best, NeighborsResult& result) {
    std::vector<Neighbor> ranked = true_distances(space, query, best);
    std::sort(ranked.begin(), ranked.end());
    const auto index = result.index.row(query.row);
    const auto distance = result.distance.row(query.row);
    MORULA_ASSERT(ranked.size() >= index.size());
    for (std::size_t j = 0; j < index.size(); ++j) {
        index[j] = ranked[j].cell;
        distance[j] = ranked[j].distance;
    }
}

/// How many of the n_wanted nearest are cell `first` or a later one.
std::int32_t count_from(const SearchSpace& space, const Query& query, BestScores& best, std::int64_t n_wanted, std::int64_t first) {
    std::vector<Neighbor> near = true_distances(space, query, best);
    MORULA_ASSERT(std::ssize(near) >= n_wanted);
    std::nth_element(near.begin(), near.begin() + (n_wanted - 1), near.end());
    return static_cast<std::int32_t>(std::count_if(near.begin(), near.begin() + n_wanted, [first](const Neighbor& neighbor) { return std::int64_t{neighbor.cell} >= first; }));
}

NeighborsResult room_for(std::size_t n_queries, std::int64_t n_wanted) {
    const auto n_rows = static_cast<std::int64_t>(n_queries);
    return {.index = matrix::Dense<std::uint32_t>(n_rows, n_wanted), .distance = matrix::Dense<float>(n_rows, n_wanted), .method = {}};
}

/// How many candidates of each query are kept until their true distances decide.
std::int64_t n_kept(const SearchSpace& space, std::int64_t n_wanted) { return std::min(space.size() - 1, n_wanted + kSpare); }

/// Compares each query with all places.
void search_all(const SearchSpace& space, std::span<const Query> queries, std::int64_t n_wanted, const Take& take, Context& context) {
    const auto n_queries = static_cast<std::int64_t>(queries.size());
    Progress progress(context, "neighbors", n_queries, "cells");
    parallel_blocks(context, n_queries, kQueryCells, [&](Block block) {
        const auto mine = queries.subspan(static_cast<std::size_t>(block.begin), static_cast<std::size_t>(block.size()));
        Tile tile(space.points.n_cols);
        BlockBest best(block.size(), n_kept(space, n_wanted));
        std::vector<Seeker> seekers;
        for (std::uint32_t q = 0; q < mine.size(); ++q) seekers.push_back({q, mine[q].place});
        fill_queries(space, mine, seekers, tile);
        search_range(space, {0, space.size()}, seekers, tile, best);
        for (std::size_t q = 0; q < mine.size(); ++q) take(space, mine[q], best.of_query[q]);
        progress.advance(block.size());
    });
}

/// Cells grouped by list: places [begin[l], begin[l + 1]) belong to list l.
struct ListedCells {
    std::vector<std::int64_t> begin;
    std::vector<std::uint32_t> cell_of_place;
    std::vector<std::int32_t> list_of_cell;
    SearchSpace centers;

    std::int64_t n_lists() const { return centers.size(); }
    matrix::Range places(std::int64_t list) const { return {begin[static_cast<std::size_t>(list)], begin[static_cast<std::size_t>(list) + 1]}; }
};

ListedCells make_lists(matrix::DenseView<const float> embedding, std::span<const float> mean, const NeighborsOptions& options, Context& context) {
    const double wanted = std::round(kListsPerRootCell * std::sqrt(static_cast<double>(embedding.n_rows)));
    const auto n_lists = static_cast<std::int32_t>(std::clamp(wanted, 1.0, static_cast<double>(embedding.n_rows)));
    KMeansResult means = kmeans(embedding, {.n_clusters = n_lists, .max_iterations = 6, .sample_cells_per_cluster = 40, .seed = options.seed}, context);
    ListedCells listed{.begin = std::vector<std::int64_t>(static_cast<std::size_t>(n_lists) + 1, 0),
                       .cell_of_place = std::vector<std::uint32_t>(static_cast<std::size_t>(embedding.n_rows)),
                       .list_of_cell = std::move(means.cluster),
                       .centers = make_space(means.centers.view(), mean, in_order(n_lists), context)};
    for (const std::int32_t l : listed.list_of_cell) ++listed.begin[static_cast<std::size_t>(l) + 1];
    std::partial_sum(listed.begin.begin(), listed.begin.end(), listed.begin.begin());
    auto next = listed.begin;
    for (std::size_t cell = 0; cell < listed.list_of_cell.size(); ++cell) {
        listed.cell_of_place[static_cast<std::size_t>(next[static_cast<std::size_t>(listed.list_of_cell[cell])]++)] = static_cast<std::uint32_t>(cell);
    }
    return listed;
}

/// Evenly spread queries with their true neighbours, row by row.
struct Sample {
    std::vector<Query> queries;  // as asked: their rows are those of the whole result
    NeighborsResult truth;
};

Sample draw_sample(const SearchSpace& space, std::span<const Query> queries, std::int64_t n_wanted, std::int32_t n_cells, Context& context) {
    const std::size_t n = std::min<std::size_t>(queries.size(), static_cast<std::size_t>(n_cells));
    Sample sample{.queries = {}, .truth = room_for(n, n_wanted)};
    std::vector<Query> numbered;
    for (std::size_t q = 0; q < n; ++q) {
        sample.queries.push_back(queries[queries.size() * q / n]);
        numbered.push_back({sample.queries.back().place, static_cast<std::int64_t>(q)});
    }
    search_all(space, numbered, n_wanted, [&](const SearchSpace& s, const Query& query, BestScores& best) { write_row(s, query, best, sample.truth); }, context);
    return sample;
}

/// The fewest lists a cell must search, nearest center first, for the sample's true neighbours to be found in the wanted share.
std::int32_t choose_n_probes(const SearchSpace& space, const ListedCells& listed, const Sample& sample, double recall, Context& context) {
    const std::int64_t n_lists = listed.n_lists();
    const auto n_queries = static_cast<std::int64_t>(sample.queries.size());
    matrix::Dense<std::int32_t> rank(n_queries, sample.truth.index.n_cols);  // how many centers are nearer than that of the neighbour's list
    parallel_blocks(context, n_queries, kQueryCells, [&](Block block) {
        std::vector<float> distance(static_cast<std::size_t>(n_lists));
        for (std::int64_t q = block.begin; q < block.end; ++q) {
            const auto point = space.points.row(std::int64_t{sample.queries[static_cast<std::size_t>(q)].place}).first(static_cast<std::size_t>(space.n_dims));
            for (std::int64_t l = 0; l < n_lists; ++l) distance[static_cast<std::size_t>(l)] = squared_distance(point, listed.centers.points.row(l).first(point.size()));
            std::vector<float> nearest = distance;
            std::sort(nearest.begin(), nearest.end());
            for (std::int64_t j = 0; j < rank.n_cols; ++j) {
                const float its = distance[static_cast<std::size_t>(listed.list_of_cell[sample.truth.index(q, j)])];
                rank(q, j) = static_cast<std::int32_t>(std::lower_bound(nearest.begin(), nearest.end(), its) - nearest.begin());
            }
        }
    });
    std::vector<std::int32_t> ranks = rank.values;
    const auto at = static_cast<std::ptrdiff_t>(std::min(static_cast<double>(ranks.size() - 1), (recall + kRecallMargin) * static_cast<double>(ranks.size())));
    std::nth_element(ranks.begin(), ranks.begin() + at, ranks.end());
    return ranks[static_cast<std::size_t>(at)] + 1;
}

/// The n_probes lists with the nearest centers, nearest first, one row a query.
matrix::Dense<std::uint32_t> nearest_lists(const SearchSpace& space, const ListedCells& listed, std::int32_t n_probes, std::span<const Query> block, Tile& tile) {
    BlockBest best(static_cast<std::int64_t>(block.size()), n_probes);
    std::vector<Seeker> seekers;
    for (std::uint32_t from = 0; from < block.size(); from += static_cast<std::uint32_t>(kQueryCells)) {
        seekers.clear();
        for (std::uint32_t q = from; q < std::min<std::size_t>(block.size(), from + static_cast<std::uint32_t>(kQueryCells)); ++q) seekers.push_back({q, kNoCell});
        fill_queries(space, block, seekers, tile);
        search_range(listed.centers, {0, listed.n_lists()}, seekers, tile, best);
    }
    matrix::Dense<std::uint32_t> lists(static_cast<std::int64_t>(block.size()), n_probes);
    for (std::size_t q = 0; q < block.size(); ++q) {
        BestScores& own = best.of_query[q];
        own.select();
        std::sort(own.room.begin(), own.room.begin() + own.size);
        std::transform(own.room.begin(), own.room.begin() + own.size, lists.row(static_cast<std::int64_t>(q)).begin(), id_of);
    }
    return lists;
}

/// Searches the queries of a block in columns [columns.begin, columns.end) of `probes`: list by list, so that the queries of a list are the rows of one GEMM.
void search_probes(const SearchSpace& space, const ListedCells& listed, const matrix::Dense<std::uint32_t>& probes, matrix::Range columns, std::span<const Query> block, Tile& tile, BlockBest& best) {
    const auto wanted = [&](std::size_t q) { return probes.row(static_cast<std::int64_t>(q)).subspan(static_cast<std::size_t>(columns.begin), static_cast<std::size_t>(columns.size())); };
    // Queries of list l stand at [begin[l], begin[l + 1]).
    std::vector<std::size_t> begin(static_cast<std::size_t>(listed.n_lists()) + 1, 0);
    for (std::size_t q = 0; q < block.size(); ++q) {
        for (const std::uint32_t l : wanted(q)) ++begin[std::size_t{l} + 1];
    }
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    std::vector<Seeker> by_list(begin.back());
    auto next = begin;
    for (std::size_t q = 0; q < block.size(); ++q) {
        for (const std::uint32_t l : wanted(q)) by_list[next[l]++] = {static_cast<std::uint32_t>(q), block[q].place};
    }
    for (std::size_t l = 0; l + 1 < begin.size(); ++l) {
        for (std::size_t from = begin[l]; from < begin[l + 1]; from += static_cast<std::size_t>(kQueryCells)) {
            const auto seekers = std::span(by_list).subspan(from, std::min(static_cast<std::size_t>(kQueryCells), begin[l + 1] - from));
            fill_queries(space, block, seekers, tile);
            search_range(space, listed.places(static_cast<std::int64_t>(l)), seekers, tile, best);
        }
    }
}

/// Searches the queries of one block in the lists they probe.
void search_block(const SearchSpace& space, const ListedCells& listed, std::int32_t n_probes, std::span<const Query> block, Tile& tile, BlockBest& best) {
    const matrix::Dense<std::uint32_t> probes = nearest_lists(space, listed, n_probes, block, tile);
    // The nearest lists of all queries first: afterwards few cells of the others can still enter.
    const std::int32_t n_first = std::min(n_probes, kFirstProbes);
    search_probes(space, listed, probes, {0, n_first}, block, tile, best);
    search_probes(space, listed, probes, {n_first, n_probes}, block, tile, best);
    // Lists may hold too few cells between them; such a query compares all.
    for (std::uint32_t q = 0; q < block.size(); ++q) {
        BestScores& own = best.of_query[q];
        if (own.size >= own.wanted) continue;
        own.size = 0;
        const Seeker alone{q, block[q].place};
        fill_queries(space, block, {&alone, 1}, tile);
        search_range(space, {0, space.size()}, {&alone, 1}, tile, best);
    }
}

void search_lists(const SearchSpace& space, const ListedCells& listed, std::int32_t n_probes, std::span<const Query> queries, std::int64_t n_wanted, const Take& take, Context& context) {
    const auto n_queries = static_cast<std::int64_t>(queries.size());
    Progress progress(context, "neighbors", n_queries, "cells");
    parallel_blocks(context, n_queries, kListBlockCells, [&](Block block) {
        const auto mine = queries.subspan(static_cast<std::size_t>(block.begin), static_cast<std::size_t>(block.size()));
        Tile tile(space.points.n_cols);
        BlockBest best(block.size(), n_kept(space, n_wanted));
        search_block(space, listed, n_probes, mine, tile, best);
        for (std::size_t q = 0; q < mine.size(); ++q) take(space, mine[q], best.of_query[q]);
        progress.advance(block.size());
    });
}

/// Share of the sample's true neighbours found. A cell no farther than the last true neighbour is a true neighbour.
double measure_recall(const Sample& sample, const NeighborsResult& result) {
    const auto n_wanted = static_cast<std::size_t>(result.index.n_cols);
    std::int64_t found = 0;
    for (std::size_t q = 0; q < sample.queries.size(); ++q) {
        const float last = sample.truth.distance.row(static_cast<std::int64_t>(q))[n_wanted - 1];
        found += std::ranges::count_if(result.distance.row(sample.queries[q].row), [last](float distance) { return distance <= last; });
    }
    return static_cast<double>(found) / static_cast<double>(sample.queries.size() * n_wanted);
}

void check_options(matrix::DenseView<const float> embedding, const NeighborsOptions& options) {
    if (options.n_neighbors < 2 || options.n_probes.value_or(1) < 1 || options.recall_cells < 1) {
        fail(ErrorCode::usage, fmt::format("neighbors got n_neighbors {}, n_probes {} and recall_cells {}.", options.n_neighbors, options.n_probes.value_or(1), options.recall_cells), "Give at least 2 neighbours, 1 probe and 1 cell.");
    }
    if (embedding.n_rows < options.n_neighbors) {
        invalid_data(fmt::format("There are {} cells, fewer than the {} of a neighbourhood.", embedding.n_rows, options.n_neighbors),
                     fmt::format("Pass --n-neighbors {} or less, or check whether filtering took too many cells.", std::max<std::int64_t>(2, embedding.n_rows / 2)));
    }
    if (embedding.n_rows > std::int64_t{std::numeric_limits<std::uint32_t>::max()}) {
        fail(ErrorCode::unsupported, fmt::format("{} cells are more than neighbors can number.", embedding.n_rows), "Split the cells by tissue or sample.");
    }
}

/// Queries for the given cells, in the order of places, so that those of a block are near each other.
std::vector<Query> queries_for(std::span<const std::int64_t> cells, const SearchSpace& space) {
    std::vector<std::uint32_t> place_of_cell(space.cell_of_place.size());
    for (std::size_t place = 0; place < place_of_cell.size(); ++place) place_of_cell[space.cell_of_place[place]] = static_cast<std::uint32_t>(place);
    std::vector<Query> queries;
    for (std::size_t row = 0; row < cells.size(); ++row) queries.push_back({place_of_cell[checked_cast<std::size_t>(cells[row])], static_cast<std::int64_t>(row)});
    std::sort(queries.begin(), queries.end(), [](const Query& a, const Query& b) { return a.place < b.place || (a.place == b.place && a.row < b.row); });
    return queries;
}

bool compares_all(std::size_t n_queries, std::int64_t n_cells, NeighborsMethod method) {
    const double pairs = static_cast<double>(n_queries) * static_cast<double>(n_cells);
    const double most = static_cast<double>(kExactNeighborsCells) * static_cast<double>(kExactNeighborsCells);
    return method == NeighborsMethod::exact || (method == NeighborsMethod::automatic && pairs <= most);
}

/// How the neighbours were found, and the sample that decided it: empty when all pairs were compared.
struct Found {
    std::string method;
    std::int32_t n_lists = 0;
    std::int32_t n_probes = 0;
    Sample sample;
};

/// bytes_a_cell: of what is kept of each.
void check_search(matrix::DenseView<const float> embedding, std::span<const std::int64_t> cells, const NeighborsOptions& options, std::int64_t bytes_a_cell, Context& context) {
    check_options(embedding, options);
    require_finite(embedding, "the embedding", context);
    context.require_memory(embedding.n_rows * (4 * (embedding.n_cols + 1) + 12) + static_cast<std::int64_t>(cells.size()) * (bytes_a_cell + 16), "neighbors");
}

/// Hands the candidates of each cell to `take`.
Found find_candidates(matrix::DenseView<const float> embedding, std::span<const std::int64_t> cells, const NeighborsOptions& options, const Take& take, Context& context) {
    const std::int64_t n_wanted = options.n_neighbors - 1;
    const std::vector<float> mean = column_means(embedding);
    Found found;
    if (cells.empty()) return found;
    if (compares_all(cells.size(), embedding.n_rows, options.method)) {
        const SearchSpace space = make_space(embedding, mean, in_order(embedding.n_rows), context);
        search_all(space, queries_for(cells, space), n_wanted, take, context);
        found.method = "exact";
        return found;
    }
    const ListedCells listed = make_lists(embedding, mean, options, context);
    const SearchSpace space = make_space(embedding, mean, listed.cell_of_place, context);
    const std::vector<Query> queries = queries_for(cells, space);
    found.sample = draw_sample(space, queries, n_wanted, options.recall_cells, context);
    found.method = "lists";
    found.n_lists = static_cast<std::int32_t>(listed.n_lists());
    found.n_probes = options.n_probes ? std::min(*options.n_probes, found.n_lists) : choose_n_probes(space, listed, found.sample, options.recall, context);
    search_lists(space, listed, found.n_probes, queries, n_wanted, take, context);
    return found;
}

}  // namespace

NeighborsResult neighbors_of(matrix::DenseView<const float> embedding, std::span<const std::int64_t> cells, const NeighborsOptions& options, Context& context) {
    const std::int64_t n_wanted = options.n_neighbors - 1;
    check_search(embedding, cells, options, 8 * n_wanted, context);
    NeighborsResult result = room_for(cells.size(), n_wanted);
    const Found found = find_candidates(embedding, cells, options, [&](const SearchSpace& space, const Query& query, BestScores& best) { write_row(space, query, best, result); }, context);
    result.method = found.method;
    result.n_lists = found.n_lists;
    result.n_probes = found.n_probes;
    if (!found.sample.queries.empty()) result.recall = measure_recall(found.sample, result);
    return result;
}

std::vector<std::int32_t> count_neighbors_from(matrix::DenseView<const float> embedding, std::span<const std::int64_t> cells, std::int64_t first, const NeighborsOptions& options, Context& context) {
    const std::int64_t n_wanted = options.n_neighbors - 1;
    check_search(embedding, cells, options, 4, context);
    std::vector<std::int32_t> counts(cells.size());
    find_candidates(embedding, cells, options,
                    [&](const SearchSpace& space, const Query& query, BestScores& best) { counts[static_cast<std::size_t>(query.row)] = count_from(space, query, best, n_wanted, first); }, context);
    return counts;
}

NeighborsResult neighbors(matrix::DenseView<const float> embedding, const NeighborsOptions& options, Context& context) {
    std::vector<std::int64_t> all(static_cast<std::size_t>(embedding.n_rows));
    std::iota(all.begin(), all.end(), std::int64_t{0});
    return neighbors_of(embedding, all, options, context);
}

}  // namespace morula::analysis
