#include "morula/analysis/neighbors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
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
constexpr std::int64_t kRecallCells = 2000;
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

/// Candidates of each place: a heap of the lowest scores, `kept` a row, `count` used.
struct CandidateLists {
    matrix::Dense<float> score;
    matrix::Dense<std::uint32_t> place;
    std::vector<std::int32_t> count;

    CandidateLists(std::int64_t n_rows, std::int64_t kept) : score(n_rows, kept), place(n_rows, kept), count(static_cast<std::size_t>(n_rows), 0) {}

    BestScores row(std::int64_t r) { return {score.row(r), place.row(r), count[static_cast<std::size_t>(r)]}; }
    std::span<const std::uint32_t> places(std::int64_t r) const { return place.row(r).first(static_cast<std::size_t>(count[static_cast<std::size_t>(r)])); }
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

/// Queries of one tile as the left side of the GEMM: the negated point, then 1.
void fill_queries(const SearchSpace& space, std::span<const std::uint32_t> places, matrix::Dense<float>& queries) {
    for (std::size_t i = 0; i < places.size(); ++i) {
        const auto from = space.points.row(std::int64_t{places[i]});
        const auto to = queries.row(static_cast<std::int64_t>(i));
        for (std::size_t dim = 0; dim + 1 < from.size(); ++dim) to[dim] = -from[dim];
        to[from.size() - 1] = 1.0F;
    }
}

struct Tile {
    matrix::Dense<float> queries;
    matrix::Dense<float> scores;
    explicit Tile(std::int64_t width) : queries(kQueryCells, width), scores(kQueryCells, kCandidateCells) {}
};

/// One query of a tile: the row of its candidates and the place that must not become its own neighbour.
struct Query {
    std::int64_t row;
    std::uint32_t self;
};

/// Offers the places [begin, end) of `candidates` to the queries whose left sides the tile holds.
void search_range(const SearchSpace& candidates, std::int64_t begin, std::int64_t end, std::span<const Query> queries, Tile& tile, CandidateLists& lists) {
    const std::int64_t width = candidates.points.n_cols;
    const auto n_queries = static_cast<std::int64_t>(queries.size());
    for (std::int64_t from = begin; from < end; from += kCandidateCells) {
        const std::int64_t n = std::min(kCandidateCells, end - from);
        matrix::gemm_strided(n_queries, n, width, 1.0F, tile.queries.values.data(), width, matrix::Transpose::no, candidates.points.values.data() + from * width, width,
                             matrix::Transpose::yes, 0.0F, tile.scores.values.data(), kCandidateCells);
        for (std::int64_t i = 0; i < n_queries; ++i) {
            const Query& query = queries[static_cast<std::size_t>(i)];
            BestScores best = lists.row(query.row);
            keep_best(tile.scores.row(i).first(static_cast<std::size_t>(n)), static_cast<std::uint32_t>(from), query.self, best);
            lists.count[static_cast<std::size_t>(query.row)] = best.size;
        }
    }
}

/// Compares the given places with all places; row r belongs to places[r].
CandidateLists search_all(const SearchSpace& space, std::span<const std::uint32_t> places, std::int64_t kept, Context& context) {
    const auto n_queries = static_cast<std::int64_t>(places.size());
    CandidateLists lists(n_queries, kept);
    Progress progress(context, "neighbors", n_queries, "cells");
    parallel_blocks(context, n_queries, kQueryCells, [&](Block block) {
        Tile tile(space.points.n_cols);
        const auto mine = places.subspan(static_cast<std::size_t>(block.begin), static_cast<std::size_t>(block.size()));
        fill_queries(space, mine, tile.queries);
        std::vector<Query> queries;
        for (std::int64_t row = block.begin; row < block.end; ++row) queries.push_back({row, places[static_cast<std::size_t>(row)]});
        search_range(space, 0, space.size(), queries, tile, lists);
        progress.advance(block.size());
    });
    return lists;
}

/// Cells grouped by list: places [begin[l], begin[l + 1]) belong to list l.
struct ListedCells {
    std::vector<std::int64_t> begin;
    std::vector<std::uint32_t> cell_of_place;
    SearchSpace centers;

    std::int64_t n_lists() const { return centers.size(); }
    std::int64_t list_of(std::int64_t place) const { return std::upper_bound(begin.begin(), begin.end(), place) - begin.begin() - 1; }
};

ListedCells make_lists(matrix::DenseView<const float> embedding, std::span<const float> mean, const NeighborsOptions& options, Context& context) {
    const double wanted = std::round(kListsPerRootCell * std::sqrt(static_cast<double>(embedding.n_rows)));
    const auto n_lists = static_cast<std::int32_t>(std::clamp(wanted, 1.0, static_cast<double>(embedding.n_rows)));
    const KMeansResult means = kmeans(embedding, {.n_clusters = n_lists, .max_iterations = 6, .sample_cells_per_cluster = 40, .seed = options.seed}, context);
    ListedCells listed{.begin = std::vector<std::int64_t>(static_cast<std::size_t>(n_lists) + 1, 0),
                       .cell_of_place = std::vector<std::uint32_t>(static_cast<std::size_t>(embedding.n_rows)),
                       .centers = make_space(means.centers.view(), mean, in_order(n_lists), context)};
    for (const std::int32_t l : means.cluster) ++listed.begin[static_cast<std::size_t>(l) + 1];
    std::partial_sum(listed.begin.begin(), listed.begin.end(), listed.begin.begin());
    auto next = listed.begin;
    for (std::size_t cell = 0; cell < means.cluster.size(); ++cell) {
        listed.cell_of_place[static_cast<std::size_t>(next[static_cast<std::size_t>(means.cluster[cell])]++)] = static_cast<std::uint32_t>(cell);
    }
    return listed;
}

/// Evenly spread places with their true neighbours.
struct Sample {
    std::vector<std::uint32_t> places;
    CandidateLists truth;
};

Sample draw_sample(const SearchSpace& space, std::int64_t kept, Context& context) {
    const std::int64_t n_queries = std::min(space.size(), kRecallCells);
    std::vector<std::uint32_t> places(static_cast<std::size_t>(n_queries));
    for (std::int64_t q = 0; q < n_queries; ++q) places[static_cast<std::size_t>(q)] = static_cast<std::uint32_t>(space.size() * q / n_queries);
    CandidateLists truth = search_all(space, places, kept, context);
    for (std::int64_t q = 0; q < n_queries; ++q) {
        BestScores best = truth.row(q);
        sort_best(best);
    }
    return {std::move(places), std::move(truth)};
}

/// The fewest lists a cell must search, nearest center first, for the sample's true neighbours to be found in the wanted share.
std::int32_t choose_n_probes(const SearchSpace& space, const ListedCells& listed, const Sample& sample, std::int64_t n_wanted, double recall, Context& context) {
    const std::int64_t n_lists = listed.n_lists();
    const auto n_queries = static_cast<std::int64_t>(sample.places.size());
    matrix::Dense<std::int32_t> rank(n_queries, n_wanted);  // how many centers are nearer than that of the neighbour's list
    parallel_blocks(context, n_queries, kQueryCells, [&](Block block) {
        const auto order = in_order(n_lists);
        for (std::int64_t q = block.begin; q < block.end; ++q) {
            const auto point = space.points.row(std::int64_t{sample.places[static_cast<std::size_t>(q)]}).first(static_cast<std::size_t>(space.n_dims));
            std::vector<float> distance(static_cast<std::size_t>(n_lists));
            for (std::int64_t l = 0; l < n_lists; ++l) distance[static_cast<std::size_t>(l)] = squared_distance(point, listed.centers.points.row(l).first(point.size()));
            for (std::int64_t j = 0; j < n_wanted; ++j) {
                const float its = distance[static_cast<std::size_t>(listed.list_of(sample.truth.place(q, j)))];
                rank(q, j) = static_cast<std::int32_t>(std::ranges::count_if(distance, [its](float other) { return other < its; }));
            }
        }
    });
    std::vector<std::int32_t> ranks = rank.values;
    const auto at = static_cast<std::ptrdiff_t>(std::min(static_cast<double>(ranks.size() - 1), (recall + kRecallMargin) * static_cast<double>(ranks.size())));
    std::nth_element(ranks.begin(), ranks.begin() + at, ranks.end());
    return ranks[static_cast<std::size_t>(at)] + 1;
}

/// Searches the queries of a block in the lists at the given places of their probes: list by list, so that the queries of a list are the rows of one GEMM.
void search_probes(const SearchSpace& space, const ListedCells& listed, const CandidateLists& probes, matrix::Range ranks, Block block, Tile& tile, CandidateLists& lists) {
    // Queries of list l stand at [begin[l], begin[l + 1]).
    std::vector<std::int64_t> begin(static_cast<std::size_t>(listed.n_lists()) + 1, 0);
    const auto wanted = [&](std::int64_t q) { return probes.place.row(q).subspan(static_cast<std::size_t>(ranks.begin), static_cast<std::size_t>(ranks.size())); };
    for (std::int64_t q = 0; q < block.size(); ++q) {
        for (const std::uint32_t l : wanted(q)) ++begin[std::size_t{l} + 1];
    }
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    std::vector<std::uint32_t> by_list(static_cast<std::size_t>(begin.back()));
    auto next = begin;
    for (std::int64_t q = 0; q < block.size(); ++q) {
        for (const std::uint32_t l : wanted(q)) by_list[static_cast<std::size_t>(next[l]++)] = static_cast<std::uint32_t>(block.begin + q);
    }
    std::vector<Query> queries;
    for (std::int64_t l = 0; l < listed.n_lists(); ++l) {
        const auto end = begin[static_cast<std::size_t>(l) + 1];
        for (auto from = begin[static_cast<std::size_t>(l)]; from < end; from += kQueryCells) {
            const auto mine = std::span(by_list).subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(std::min(kQueryCells, end - from)));
            queries.clear();
            for (const std::uint32_t place : mine) queries.push_back({std::int64_t{place}, place});
            fill_queries(space, mine, tile.queries);
            search_range(space, listed.begin[static_cast<std::size_t>(l)], listed.begin[static_cast<std::size_t>(l) + 1], queries, tile, lists);
        }
    }
}

/// Searches the queries of one block in the lists they probe.
void search_block(const SearchSpace& space, const ListedCells& listed, std::int32_t n_probes, Block block, Tile& tile, CandidateLists& lists) {
    // The lists that each query probes.
    CandidateLists probes(block.size(), n_probes);
    std::vector<std::uint32_t> places;
    std::vector<Query> queries;
    for (std::int64_t from = block.begin; from < block.end; from += kQueryCells) {
        places.clear();
        queries.clear();
        for (std::int64_t place = from; place < std::min(block.end, from + kQueryCells); ++place) {
            places.push_back(static_cast<std::uint32_t>(place));
            queries.push_back({place - block.begin, kNoCell});
        }
        fill_queries(space, places, tile.queries);
        search_range(listed.centers, 0, listed.n_lists(), queries, tile, probes);
    }
    for (std::int64_t q = 0; q < block.size(); ++q) {
        BestScores nearest = probes.row(q);
        sort_best(nearest);
    }
    // The nearest lists of all queries first: afterwards few cells of the others can still enter.
    const std::int32_t n_first = std::min(n_probes, kFirstProbes);
    search_probes(space, listed, probes, {0, n_first}, block, tile, lists);
    search_probes(space, listed, probes, {n_first, n_probes}, block, tile, lists);
    // Lists may hold too few cells between them; such a query compares all.
    for (std::int64_t place = block.begin; place < block.end; ++place) {
        if (lists.count[static_cast<std::size_t>(place)] == lists.place.n_cols) continue;
        lists.count[static_cast<std::size_t>(place)] = 0;
        const auto self = static_cast<std::uint32_t>(place);
        fill_queries(space, {&self, 1}, tile.queries);
        const Query query{place, self};
        search_range(space, 0, space.size(), {&query, 1}, tile, lists);
    }
}

CandidateLists search_lists(const SearchSpace& space, const ListedCells& listed, std::int32_t n_probes, std::int64_t kept, Context& context) {
    CandidateLists lists(space.size(), kept);
    Progress progress(context, "neighbors", space.size(), "cells");
    parallel_blocks(context, space.size(), kListBlockCells, [&](Block block) {
        Tile tile(space.points.n_cols);
        search_block(space, listed, n_probes, block, tile, lists);
        progress.advance(block.size());
    });
    return lists;
}

/// Squared distances of a place's candidates, from differences: exact 0 for duplicates.
void true_distances(const SearchSpace& space, std::int64_t place, std::span<const std::uint32_t> candidates, std::span<float> out) {
    const auto n_dims = static_cast<std::size_t>(space.n_dims);  // the last column is the half norm, no coordinate
    const auto point = space.points.row(place).first(n_dims);
    for (std::size_t j = 0; j < candidates.size(); ++j) out[j] = squared_distance(point, space.points.row(std::int64_t{candidates[j]}).first(n_dims));
}

struct Neighbor {
    float distance;
    std::uint32_t cell;
    bool operator<(const Neighbor& other) const { return distance < other.distance || (distance == other.distance && cell < other.cell); }
};

/// The candidates of one place with true distances, nearest first, equal distances by cell.
std::vector<Neighbor> rank_candidates(const SearchSpace& space, std::int64_t place, std::span<const std::uint32_t> candidates) {
    std::vector<float> squared(candidates.size());
    true_distances(space, place, candidates, squared);
    std::vector<Neighbor> ranked(candidates.size());
    for (std::size_t j = 0; j < candidates.size(); ++j) ranked[j] = {std::sqrt(squared[j]), space.cell_of_place[candidates[j]]};
    std::sort(ranked.begin(), ranked.end());
    return ranked;
}

void fill_result(const SearchSpace& space, const CandidateLists& lists, std::int64_t n_wanted, NeighborsResult& result, Context& context) {
    result.index = matrix::Dense<std::uint32_t>(space.size(), n_wanted);
    result.distance = matrix::Dense<float>(space.size(), n_wanted);
    parallel_blocks(context, space.size(), kBlockCells, [&](Block block) {
        for (std::int64_t place = block.begin; place < block.end; ++place) {
            const auto ranked = rank_candidates(space, place, lists.places(place));
            MORULA_ASSERT(static_cast<std::int64_t>(ranked.size()) >= n_wanted);
            const auto cell = std::int64_t{space.cell_of_place[static_cast<std::size_t>(place)]};
            for (std::int64_t j = 0; j < n_wanted; ++j) {
                result.index(cell, j) = ranked[static_cast<std::size_t>(j)].cell;
                result.distance(cell, j) = ranked[static_cast<std::size_t>(j)].distance;
            }
        }
    });
}

/// Share of the sample's true neighbours found. A cell no farther than the last true neighbour is a true neighbour.
double measure_recall(const SearchSpace& space, const Sample& sample, const NeighborsResult& result) {
    const auto n_queries = static_cast<std::int64_t>(sample.places.size());
    const std::int64_t n_wanted = result.index.n_cols;
    std::int64_t found = 0;
    for (std::int64_t q = 0; q < n_queries; ++q) {
        const auto place = std::int64_t{sample.places[static_cast<std::size_t>(q)]};
        const float last = rank_candidates(space, place, sample.truth.places(q))[static_cast<std::size_t>(n_wanted - 1)].distance;
        const auto distances = result.distance.row(std::int64_t{space.cell_of_place[static_cast<std::size_t>(place)]});
        found += std::ranges::count_if(distances, [last](float distance) { return distance <= last; });
    }
    return static_cast<double>(found) / static_cast<double>(n_queries * n_wanted);
}

void check_options(matrix::DenseView<const float> embedding, const NeighborsOptions& options) {
    if (options.n_neighbors < 2 || options.n_probes.value_or(1) < 1) {
        fail(ErrorCode::usage, fmt::format("neighbors got n_neighbors {} and n_probes {}.", options.n_neighbors, options.n_probes.value_or(1)), "Give at least 2 neighbours and 1 probe.");
    }
    if (embedding.n_rows < options.n_neighbors) {
        invalid_data(fmt::format("There are {} cells, fewer than the {} of a neighbourhood.", embedding.n_rows, options.n_neighbors),
                     fmt::format("Pass --n-neighbors {} or less, or check whether filtering took too many cells.", std::max<std::int64_t>(2, embedding.n_rows / 2)));
    }
    if (embedding.n_rows > std::int64_t{std::numeric_limits<std::uint32_t>::max()}) {
        fail(ErrorCode::unsupported, fmt::format("{} cells are more than neighbors can number.", embedding.n_rows), "Split the cells by tissue or sample.");
    }
}

}  // namespace

NeighborsResult neighbors(matrix::DenseView<const float> embedding, const NeighborsOptions& options, Context& context) {
    check_options(embedding, options);
    require_finite(embedding, "the embedding", context);
    const std::int64_t n_cells = embedding.n_rows;
    const std::int64_t n_wanted = options.n_neighbors - 1;
    const std::int64_t kept = std::min(n_cells - 1, n_wanted + kSpare);
    context.require_memory(n_cells * (4 * (embedding.n_cols + 1) + 24 * kept), "neighbors");

    const bool exact = options.method == NeighborsMethod::exact || (options.method == NeighborsMethod::automatic && n_cells <= kExactNeighborsCells);
    const std::vector<float> mean = column_means(embedding);
    NeighborsResult result;
    if (exact) {
        const std::vector<std::uint32_t> all = in_order(n_cells);
        const SearchSpace space = make_space(embedding, mean, all, context);
        fill_result(space, search_all(space, all, kept, context), n_wanted, result, context);
        result.method = "exact";
        return result;
    }
    const ListedCells listed = make_lists(embedding, mean, options, context);
    const SearchSpace space = make_space(embedding, mean, listed.cell_of_place, context);
    const Sample sample = draw_sample(space, kept, context);
    result.method = "lists";
    result.n_lists = static_cast<std::int32_t>(listed.n_lists());
    result.n_probes = options.n_probes ? std::min(*options.n_probes, result.n_lists) : choose_n_probes(space, listed, sample, n_wanted, options.recall, context);
    fill_result(space, search_lists(space, listed, result.n_probes, kept, context), n_wanted, result, context);
    result.recall = measure_recall(space, sample, result);
    return result;
}

NeighborsResult neighbors_of(matrix::DenseView<const float> embedding, std::span<const std::int64_t> cells, std::int32_t n_neighbors, Context& context) {
    check_options(embedding, {.n_neighbors = n_neighbors});
    require_finite(embedding, "the embedding", context);
    const std::int64_t n_wanted = n_neighbors - 1;
    const std::int64_t kept = std::min(embedding.n_rows - 1, n_wanted + kSpare);
    const SearchSpace space = make_space(embedding, column_means(embedding), in_order(embedding.n_rows), context);
    std::vector<std::uint32_t> places;
    for (const std::int64_t cell : cells) places.push_back(checked_cast<std::uint32_t>(cell));
    const CandidateLists lists = search_all(space, places, kept, context);
    const auto n_queries = static_cast<std::int64_t>(places.size());
    NeighborsResult result{.index = matrix::Dense<std::uint32_t>(n_queries, n_wanted), .distance = matrix::Dense<float>(n_queries, n_wanted), .method = "exact"};
    parallel_blocks(context, n_queries, kBlockCells, [&](Block block) {
        for (std::int64_t q = block.begin; q < block.end; ++q) {
            const auto ranked = rank_candidates(space, std::int64_t{places[static_cast<std::size_t>(q)]}, lists.places(q));
            for (std::int64_t j = 0; j < n_wanted; ++j) {
                result.index(q, j) = ranked[static_cast<std::size_t>(j)].cell;
                result.distance(q, j) = ranked[static_cast<std::size_t>(j)].distance;
            }
        }
    });
    return result;
}

}  // namespace morula::analysis
