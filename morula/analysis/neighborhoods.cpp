#include "morula/analysis/neighborhoods.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "morula/analysis/neighbors.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/random.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kCellsAUnit = 5;
constexpr std::int64_t kFewestCells = 30;
constexpr std::int64_t kBlock = 64;

/// Distinct cells at random, rising.
std::vector<std::int64_t> draw_cells(std::int64_t n_cells, std::int64_t n_wanted, std::uint64_t seed) {
    std::vector<std::pair<std::uint64_t, std::int64_t>> keys;
    keys.reserve(static_cast<std::size_t>(n_cells));
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
        Random random(seed, Purpose::neighborhoods, static_cast<std::uint64_t>(cell), 0);
        keys.emplace_back(random.next_u64(), cell);
    }
    std::nth_element(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(n_wanted - 1), keys.end());
    std::vector<std::int64_t> cells;
    for (std::int64_t i = 0; i < n_wanted; ++i) cells.push_back(keys[static_cast<std::size_t>(i)].second);
    std::sort(cells.begin(), cells.end());
    return cells;
}

/// The member nearest to the median position of the members; ties to the first.
std::int64_t most_central(matrix::DenseView<const float> embedding, std::span<const std::int64_t> members) {
    std::vector<float> column(members.size());
    std::vector<double> distance(members.size(), 0.0);
    const auto half = static_cast<std::ptrdiff_t>(members.size() / 2);
    for (std::int64_t dim = 0; dim < embedding.n_cols; ++dim) {
        for (std::size_t i = 0; i < members.size(); ++i) column[i] = embedding(members[i], dim);
        std::nth_element(column.begin(), column.begin() + half, column.end());
        const double median = column[static_cast<std::size_t>(half)];
        for (std::size_t i = 0; i < members.size(); ++i) {
            const double difference = embedding(members[i], dim) - median;
            distance[i] += difference * difference;
        }
    }
    return members[static_cast<std::size_t>(std::min_element(distance.begin(), distance.end()) - distance.begin())];
}

std::vector<std::int64_t> refine(matrix::DenseView<const float> embedding, const std::vector<std::int64_t>& drawn, const NeighborsResult& around, Context& context) {
    std::vector<std::int64_t> refined(drawn.size());
    parallel_blocks(context, std::ssize(drawn), kBlock, [&](Block block) {
        std::vector<std::int64_t> members;
        for (std::int64_t i = block.begin; i < block.end; ++i) {
            members.assign(1, drawn[static_cast<std::size_t>(i)]);
            for (const std::uint32_t cell : around.index.row(i)) members.push_back(cell);
            refined[static_cast<std::size_t>(i)] = most_central(embedding, members);
        }
    });
    std::sort(refined.begin(), refined.end());
    refined.erase(std::unique(refined.begin(), refined.end()), refined.end());
    return refined;
}

}  // namespace

Neighborhoods make_neighborhoods(matrix::DenseView<const float> embedding, std::int64_t n_units, const NeighborhoodsOptions& options, Context& context) {
    check_fields(options);
    const std::int64_t size = options.neighborhood_size ? *options.neighborhood_size : std::max(kFewestCells, kCellsAUnit * n_units);
    if (embedding.n_rows < size) invalid_data(fmt::format("{} cells are fewer than one neighbourhood has ({}).", embedding.n_rows, size), "Lower --neighborhood-size.");
    const auto share = static_cast<std::int64_t>(std::ceil(options.sampled * static_cast<double>(embedding.n_rows)));
    const std::int64_t n_wanted = std::clamp<std::int64_t>(share, 1, std::min<std::int64_t>(options.most_neighborhoods, embedding.n_rows));

    const NeighborsOptions search{.n_neighbors = static_cast<std::int32_t>(size), .seed = options.seed};
    const std::vector<std::int64_t> drawn = draw_cells(embedding.n_rows, n_wanted, options.seed);
    Neighborhoods out;
    out.index_cell = refine(embedding, drawn, neighbors_of(embedding, drawn, search, context), context);
    const NeighborsResult found = neighbors_of(embedding, out.index_cell, search, context);
    out.recall = found.recall;
    out.cells = matrix::Dense<std::uint32_t>(std::ssize(out.index_cell), size);
    for (std::int64_t i = 0; i < out.cells.n_rows; ++i) {
        out.cells(i, 0) = static_cast<std::uint32_t>(out.index_cell[static_cast<std::size_t>(i)]);
        std::copy(found.index.row(i).begin(), found.index.row(i).end(), out.cells.row(i).begin() + 1);
        out.reach.push_back(found.distance.row(i).back());
    }
    return out;
}

matrix::Dense<double> count_neighborhoods(const Neighborhoods& neighborhoods, std::span<const std::int32_t> unit, std::int64_t n_units, Context& context) {
    matrix::Dense<double> counts(neighborhoods.cells.n_rows, n_units);
    parallel_blocks(context, counts.n_rows, kBlock, [&](Block block) {
        for (std::int64_t i = block.begin; i < block.end; ++i) {
            for (const std::uint32_t cell : neighborhoods.cells.row(i)) {
                if (unit[cell] >= 0) counts(i, unit[cell]) += 1.0;
            }
        }
    });
    return counts;
}

std::vector<double> spatial_fdr(std::span<const double> p, std::span<const double> reach) {
    MORULA_ASSERT(p.size() == reach.size());
    double smallest = std::numeric_limits<double>::infinity();
    for (const double each : reach) {
        if (each > 0.0) smallest = std::min(smallest, each);
    }
    const auto weight = [&](std::size_t i) { return std::isinf(smallest) ? 1.0 : 1.0 / std::max(reach[i], smallest); };
    std::vector<std::size_t> order;
    double rest = 0.0;
    for (std::size_t i = 0; i < p.size(); ++i) {
        if (std::isnan(p[i])) continue;
        order.push_back(i);
        rest += weight(i);
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] != p[b] ? p[a] < p[b] : a < b; });
    const double all = rest;
    std::vector<double> fdr(p.size(), std::numeric_limits<double>::quiet_NaN());
    double least = 1.0;
    for (std::size_t rank = order.size(); rank-- > 0;) {
        least = std::min(least, p[order[rank]] * all / rest);
        fdr[order[rank]] = least;
        rest -= weight(order[rank]);
    }
    return fdr;
}

}  // namespace morula::analysis
