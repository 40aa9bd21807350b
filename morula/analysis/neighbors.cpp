#include "morula/analysis/neighbors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "morula/analysis/embedding_check.hpp"
#include "morula/analysis/kmeans.hpp"
#include "morula/analysis/nearest_simd.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/blas.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kQueryCells = 128;       // rows of a score tile
constexpr std::int64_t kCandidateCells = 768;   // columns of a score tile: 384 KB, within the second-level cache
constexpr std::int32_t kSpare = 4;              // kept beyond the wanted ones, because scores are rounded and the final order is by true distance
constexpr std::int64_t kRecallCells = 2000;
constexpr std::int64_t kBlockCells = 512;

/// Cells in search order (their "places"), centred, with half the squared length as one more column:
/// the score |y|^2 / 2 - x.y of candidate y for query x is then one GEMM, and orders candidates as the distance does.
struct SearchSpace {
    matrix::Dense<float> points;             // n_cells x (n_dims + 1)
    std::vector<std::uint32_t> cell_of_place;
    std::int64_t n_dims = 0;

    std::int64_t size() const { return points.n_rows; }
};

/// Candidates of each place: ascending by score, `kept` a row, `count` used.
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
SearchSpace make_space(matrix::DenseView<const float> embedding, std::vector<std::uint32_t> cell_of_place, Context& context) {
    const auto mean = column_means(embedding);
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

/// Offers the places [begin, end) to the queries that the tile holds; rows of `lists` from first_row.
void search_range(const SearchSpace& space, std::span<const std::uint32_t> query_places, std::int64_t begin, std::int64_t end, Tile& tile, CandidateLists& lists,
                  std::int64_t first_row) {
    const std::int64_t width = space.points.n_cols;
    const auto n_queries = static_cast<std::int64_t>(query_places.size());
    for (std::int64_t from = begin; from < end; from += kCandidateCells) {
        const std::int64_t n = std::min(kCandidateCells, end - from);
        matrix::gemm_strided(n_queries, n, width, 1.0F, tile.queries.values.data(), width, matrix::Transpose::no, space.points.values.data() + from * width, width,
                             matrix::Transpose::yes, 0.0F, tile.scores.values.data(), kCandidateCells);
        for (std::int64_t i = 0; i < n_queries; ++i) {
            BestScores best = lists.row(first_row + i);
            keep_best(tile.scores.row(i).first(static_cast<std::size_t>(n)), static_cast<std::uint32_t>(from), query_places[static_cast<std::size_t>(i)], best);
            lists.count[static_cast<std::size_t>(first_row + i)] = best.size;
        }
    }
}

/// All places compared with the given ones.
CandidateLists search_all(const SearchSpace& space, std::span<const std::uint32_t> query_places, std::int64_t kept, Context& context) {
    CandidateLists lists(static_cast<std::int64_t>(query_places.size()), kept);
    Progress progress(context, "neighbors", static_cast<std::int64_t>(query_places.size()), "cells");
    parallel_blocks(context, static_cast<std::int64_t>(query_places.size()), kQueryCells, [&](Block block) {
        Tile tile(space.points.n_cols);
        const auto places = query_places.subspan(static_cast<std::size_t>(block.begin), static_cast<std::size_t>(block.size()));
        fill_queries(space, places, tile.queries);
        search_range(space, places, 0, space.size(), tile, lists, block.begin);
        progress.advance(block.size());
    });
    return lists;
}

/// Cells grouped by list: places [begin[l], begin[l + 1]) belong to list l.
struct ListedCells {
    std::vector<std::int64_t> begin;
    std::vector<std::uint32_t> cell_of_place;
    matrix::Dense<float> centers;
};

ListedCells make_lists(matrix::DenseView<const float> embedding, const NeighborsOptions& options, Context& context) {
    const auto n_lists = static_cast<std::int32_t>(std::max(1.0, std::round(std::sqrt(static_cast<double>(embedding.n_rows)))));
    KMeansResult means = kmeans(embedding, {.n_clusters = n_lists, .max_iterations = 6, .sample_cells_per_cluster = 64, .seed = options.seed}, context);
    ListedCells listed{.begin = std::vector<std::int64_t>(static_cast<std::size_t>(n_lists) + 1, 0),
                       .cell_of_place = std::vector<std::uint32_t>(static_cast<std::size_t>(embedding.n_rows)),
                       .centers = std::move(means.centers)};
    for (const std::int32_t l : means.cluster) ++listed.begin[static_cast<std::size_t>(l) + 1];
    std::partial_sum(listed.begin.begin(), listed.begin.end(), listed.begin.begin());
    auto next = listed.begin;
    for (std::size_t cell = 0; cell < means.cluster.size(); ++cell) {
        listed.cell_of_place[static_cast<std::size_t>(next[static_cast<std::size_t>(means.cluster[cell])]++)] = static_cast<std::uint32_t>(cell);
    }
    return listed;
}

/// For each list the n_probes lists with the nearest centers, itself among them. More are taken while they hold fewer than min_cells together.
std::vector<std::vector<std::int32_t>> choose_probes(const ListedCells& listed, std::int32_t n_probes, std::int64_t min_cells, Context& context) {
    const std::int64_t n_lists = listed.centers.n_rows;
    std::vector<std::vector<std::int32_t>> probes(static_cast<std::size_t>(n_lists));
    parallel_blocks(context, n_lists, 16, [&](Block block) {
        std::vector<std::pair<float, std::int32_t>> order(static_cast<std::size_t>(n_lists));
        for (std::int64_t l = block.begin; l < block.end; ++l) {
            for (std::int64_t other = 0; other < n_lists; ++other) {
                order[static_cast<std::size_t>(other)] = {squared_distance(listed.centers.row(l), listed.centers.row(other)), static_cast<std::int32_t>(other)};
            }
            std::sort(order.begin(), order.end());
            std::int64_t cells = 0;
            for (const auto& [distance, other] : order) {
                auto& chosen = probes[static_cast<std::size_t>(l)];
                if (static_cast<std::int32_t>(chosen.size()) >= n_probes && cells >= min_cells) break;
                const std::int64_t size = listed.begin[static_cast<std::size_t>(other) + 1] - listed.begin[static_cast<std::size_t>(other)];
                if (size == 0) continue;
                chosen.push_back(other);
                cells += size;
            }
        }
    });
    return probes;
}

CandidateLists search_lists(const SearchSpace& space, const ListedCells& listed, std::int32_t n_probes, std::int64_t kept, Context& context) {
    const auto probes = choose_probes(listed, n_probes, kept + 1, context);
    struct Task {
        std::int64_t list;
        std::int64_t begin;
        std::int64_t end;
    };
    std::vector<Task> tasks;
    for (std::int64_t l = 0; l < listed.centers.n_rows; ++l) {
        const std::int64_t end = listed.begin[static_cast<std::size_t>(l) + 1];
        for (std::int64_t from = listed.begin[static_cast<std::size_t>(l)]; from < end; from += kQueryCells) tasks.push_back({l, from, std::min(end, from + kQueryCells)});
    }
    CandidateLists lists(space.size(), kept);
    Progress progress(context, "neighbors", space.size(), "cells");
    parallel_blocks(context, static_cast<std::int64_t>(tasks.size()), 4, [&](Block block) {
        Tile tile(space.points.n_cols);
        std::vector<std::uint32_t> places(static_cast<std::size_t>(kQueryCells));
        for (std::int64_t t = block.begin; t < block.end; ++t) {
            const Task& task = tasks[static_cast<std::size_t>(t)];
            const auto queries = std::span(places).first(static_cast<std::size_t>(task.end - task.begin));
            std::iota(queries.begin(), queries.end(), static_cast<std::uint32_t>(task.begin));
            fill_queries(space, queries, tile.queries);
            for (const std::int32_t probe : probes[static_cast<std::size_t>(task.list)]) {
                search_range(space, queries, listed.begin[static_cast<std::size_t>(probe)], listed.begin[static_cast<std::size_t>(probe) + 1], tile, lists, task.begin);
            }
            progress.advance(task.end - task.begin);
        }
    });
    return lists;
}

/// Places met before by one query; emptied in constant time.
class SeenPlaces {
public:
    explicit SeenPlaces(std::int64_t capacity) : slots_(std::bit_ceil(static_cast<std::size_t>(2 * capacity + 2)), 0) {}
    void clear() { ++stamp_; }
    /// True the first time.
    bool insert(std::uint32_t place) {
        const std::uint64_t wanted = (stamp_ << 32) | place;
        for (std::size_t slot = (place * std::uint64_t{0x9E3779B97F4A7C15} >> 32) & (slots_.size() - 1);; slot = (slot + 1) & (slots_.size() - 1)) {
            if (slots_[slot] == wanted) return false;
            if ((slots_[slot] >> 32) == stamp_) continue;
            slots_[slot] = wanted;
            return true;
        }
    }

private:
    std::vector<std::uint64_t> slots_;
    std::uint64_t stamp_ = 0;
};

/// Squared distances of a place's candidates, from differences: exact 0 for duplicates.
void true_distances(const SearchSpace& space, std::int64_t place, std::span<const std::uint32_t> candidates, std::span<float> out) {
    const auto point = space.points.row(place);
    for (std::size_t j = 0; j < candidates.size(); ++j) {
        // The last column is the half norm, equal for duplicates but no coordinate.
        out[j] = squared_distance(point.first(static_cast<std::size_t>(space.n_dims)), space.points.row(std::int64_t{candidates[j]}).first(static_cast<std::size_t>(space.n_dims)));
    }
}

/// One pass over the neighbours of neighbours; scores become squared distances.
CandidateLists visit_neighbors_of_neighbors(const SearchSpace& space, const CandidateLists& lists, std::int64_t n_visited, Context& context) {
    const std::int64_t kept = lists.place.n_cols;
    CandidateLists better(space.size(), kept);
    parallel_blocks(context, space.size(), kBlockCells, [&](Block block) {
        SeenPlaces seen(kept + n_visited * n_visited + 1);
        std::vector<std::uint32_t> candidates;
        std::vector<float> distances;
        for (std::int64_t place = block.begin; place < block.end; ++place) {
            seen.clear();
            seen.insert(static_cast<std::uint32_t>(place));
            candidates.clear();
            for (const std::uint32_t near : lists.places(place)) {
                if (seen.insert(near)) candidates.push_back(near);
            }
            const std::size_t n_near = std::min(candidates.size(), static_cast<std::size_t>(n_visited));
            for (std::size_t i = 0; i < n_near; ++i) {
                const auto next = lists.places(std::int64_t{candidates[i]});
                for (const std::uint32_t far : next.first(std::min(next.size(), static_cast<std::size_t>(n_visited)))) {
                    if (seen.insert(far)) candidates.push_back(far);
                }
            }
            distances.resize(candidates.size());
            true_distances(space, place, candidates, distances);
            BestScores best = better.row(place);
            for (std::size_t j = 0; j < candidates.size(); ++j) {
                if (distances[j] <= best.threshold()) offer(best, distances[j], candidates[j]);
            }
            better.count[static_cast<std::size_t>(place)] = best.size;
        }
    });
    return better;
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

/// Share of true neighbours found for evenly spread places. A cell no farther than the last true neighbour is a true neighbour.
double measure_recall(const SearchSpace& space, const NeighborsResult& result, std::int64_t kept, Context& context) {
    const std::int64_t n_queries = std::min(space.size(), kRecallCells);
    std::vector<std::uint32_t> places(static_cast<std::size_t>(n_queries));
    for (std::int64_t q = 0; q < n_queries; ++q) places[static_cast<std::size_t>(q)] = static_cast<std::uint32_t>(space.size() * q / n_queries);
    const CandidateLists truth = search_all(space, places, kept, context);
    const std::int64_t n_wanted = result.index.n_cols;
    std::int64_t found = 0;
    for (std::int64_t q = 0; q < n_queries; ++q) {
        const auto place = std::int64_t{places[static_cast<std::size_t>(q)]};
        const auto ranked = rank_candidates(space, place, truth.places(q));
        const float last = ranked[static_cast<std::size_t>(n_wanted - 1)].distance;
        const auto distances = result.distance.row(std::int64_t{space.cell_of_place[static_cast<std::size_t>(place)]});
        found += std::ranges::count_if(distances, [last](float distance) { return distance <= last; });
    }
    return static_cast<double>(found) / static_cast<double>(n_queries * n_wanted);
}

void check_options(matrix::DenseView<const float> embedding, const NeighborsOptions& options) {
    if (options.n_neighbors < 2 || options.n_probes < 1) {
        fail(ErrorCode::usage, fmt::format("neighbors got n_neighbors {} and n_probes {}.", options.n_neighbors, options.n_probes), "Give at least 2 neighbours and 1 probe.");
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
    NeighborsResult result;
    if (exact) {
        std::vector<std::uint32_t> all(static_cast<std::size_t>(n_cells));
        std::iota(all.begin(), all.end(), 0U);
        const SearchSpace space = make_space(embedding, all, context);
        fill_result(space, search_all(space, all, kept, context), n_wanted, result, context);
        result.method = "exact";
        return result;
    }
    ListedCells listed = make_lists(embedding, options, context);
    const SearchSpace space = make_space(embedding, std::move(listed.cell_of_place), context);
    const CandidateLists found = search_lists(space, listed, options.n_probes, kept, context);
    fill_result(space, visit_neighbors_of_neighbors(space, found, n_wanted, context), n_wanted, result, context);
    result.method = "lists";
    result.n_lists = static_cast<std::int32_t>(listed.centers.n_rows);
    result.recall = measure_recall(space, result, kept, context);
    return result;
}

}  // namespace morula::analysis
