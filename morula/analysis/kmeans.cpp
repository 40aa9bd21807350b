#include "morula/analysis/kmeans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "morula/analysis/nearest_simd.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/random.hpp"
#include "morula/matrix/blas.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kBlockCells = 256;
constexpr std::int32_t kMostDistantStarts = 256;  // above, a careful start costs more than it gains

/// n distinct cells of a seeded order, ascending: one from each of n equal stretches.
std::vector<std::int64_t> spread_cells(std::int64_t n_cells, std::int64_t n, std::uint64_t seed, std::uint32_t step) {
    std::vector<std::int64_t> cells(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t begin = n_cells * i / n;
        const std::int64_t end = n_cells * (i + 1) / n;
        Random random(seed, Purpose::kmeans_start, static_cast<std::uint64_t>(i), step);
        cells[static_cast<std::size_t>(i)] = begin + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(end - begin)));
    }
    return cells;
}

matrix::Dense<float> gather_rows(matrix::DenseView<const float> points, std::span<const std::int64_t> rows) {
    matrix::Dense<float> out(static_cast<std::int64_t>(rows.size()), points.n_cols);
    for (std::size_t i = 0; i < rows.size(); ++i) std::ranges::copy(points.row(rows[i]), out.row(static_cast<std::int64_t>(i)).begin());
    return out;
}

/// k-means++ (Arthur & Vassilvitskii 2007): each next center is a point drawn with a chance that grows with its squared distance to the nearest center so far.
matrix::Dense<float> distant_points(matrix::DenseView<const float> points, std::int64_t n_centers, std::uint64_t seed, Context& context) {
    std::vector<std::int64_t> chosen;
    std::vector<float> nearest(static_cast<std::size_t>(points.n_rows), std::numeric_limits<float>::infinity());
    Random random(seed, Purpose::kmeans_start, 0, 2);
    chosen.push_back(static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(points.n_rows))));
    while (static_cast<std::int64_t>(chosen.size()) < n_centers) {
        const auto center = points.row(chosen.back());
        parallel_blocks(context, points.n_rows, 4 * kBlockCells, [&](Block block) {
            for (std::int64_t i = block.begin; i < block.end; ++i) {
                float& best = nearest[static_cast<std::size_t>(i)];
                best = std::min(best, squared_distance(points.row(i), center));
            }
        });
        double left = random.uniform() * std::accumulate(nearest.begin(), nearest.end(), 0.0);
        std::int64_t next = -1;
        for (std::int64_t i = 0; i < points.n_rows && left >= 0.0; ++i) {
            if (nearest[static_cast<std::size_t>(i)] > 0.0F) next = i;
            left -= static_cast<double>(nearest[static_cast<std::size_t>(i)]);
        }
        // Fewer different points than centers: any point will do.
        chosen.push_back(next >= 0 ? next : static_cast<std::int64_t>(chosen.size()));
    }
    return gather_rows(points, chosen);
}

/// Means of the points of each cluster, added in cell order; an empty cluster keeps its center.
void move_centers(matrix::DenseView<const float> points, std::span<const std::int32_t> cluster, matrix::Dense<float>& centers, Context& context) {
    const auto n_clusters = static_cast<std::size_t>(centers.n_rows);
    std::vector<std::int64_t> begin(n_clusters + 1, 0);
    for (const std::int32_t c : cluster) ++begin[static_cast<std::size_t>(c) + 1];
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    std::vector<std::int64_t> members(cluster.size());
    auto next = begin;
    for (std::size_t cell = 0; cell < cluster.size(); ++cell) members[static_cast<std::size_t>(next[static_cast<std::size_t>(cluster[cell])]++)] = static_cast<std::int64_t>(cell);
    parallel_blocks(context, centers.n_rows, 8, [&](Block block) {
        std::vector<double> sum(static_cast<std::size_t>(points.n_cols));
        for (std::int64_t c = block.begin; c < block.end; ++c) {
            const auto first = begin[static_cast<std::size_t>(c)];
            const auto last = begin[static_cast<std::size_t>(c) + 1];
            if (first == last) continue;
            std::ranges::fill(sum, 0.0);
            for (auto m = first; m < last; ++m) {
                const auto row = points.row(members[static_cast<std::size_t>(m)]);
                for (std::size_t dim = 0; dim < sum.size(); ++dim) sum[dim] += static_cast<double>(row[dim]);
            }
            for (std::size_t dim = 0; dim < sum.size(); ++dim) centers(c, static_cast<std::int64_t>(dim)) = static_cast<float>(sum[dim] / static_cast<double>(last - first));
        }
    });
}

}  // namespace

std::vector<std::int32_t> nearest_centers(matrix::DenseView<const float> points, matrix::DenseView<const float> centers, Context& context) {
    std::vector<float> half_norm(static_cast<std::size_t>(centers.n_rows));
    for (std::int64_t c = 0; c < centers.n_rows; ++c) {
        double sum = 0.0;
        for (const float x : centers.row(c)) sum += static_cast<double>(x) * static_cast<double>(x);
        half_norm[static_cast<std::size_t>(c)] = static_cast<float>(0.5 * sum);
    }
    std::vector<std::int32_t> nearest(static_cast<std::size_t>(points.n_rows));
    parallel_blocks(context, points.n_rows, kBlockCells, [&](Block block) {
        matrix::Dense<float> scores(block.size(), centers.n_rows);
        for (std::int64_t i = 0; i < block.size(); ++i) std::ranges::copy(half_norm, scores.row(i).begin());
        matrix::gemm_strided(block.size(), centers.n_rows, points.n_cols, -1.0F, points.values.data() + block.begin * points.n_cols, points.n_cols,
                             matrix::Transpose::no, centers.values.data(), centers.n_cols, matrix::Transpose::yes, 1.0F, scores.values.data(), centers.n_rows);
        for (std::int64_t i = 0; i < block.size(); ++i) nearest[static_cast<std::size_t>(block.begin + i)] = static_cast<std::int32_t>(lowest(scores.row(i)));
    });
    return nearest;
}

KMeansResult kmeans(matrix::DenseView<const float> points, const KMeansOptions& options, Context& context) {
    if (options.n_clusters < 1 || options.n_clusters > points.n_rows) {
        fail(ErrorCode::usage, fmt::format("k-means cannot make {} clusters of {} cells.", options.n_clusters, points.n_rows), "Ask for at least one cluster and at most one a cell.");
    }
    const std::int64_t n_sample = std::min(points.n_rows, std::int64_t{options.n_clusters} * std::max<std::int64_t>(1, options.sample_cells_per_cluster));
    const auto sample_cells = spread_cells(points.n_rows, n_sample, options.seed, 0);
    const matrix::Dense<float> sample = gather_rows(points, sample_cells);
    KMeansResult result;
    result.centers = options.n_clusters <= kMostDistantStarts ? distant_points(sample.view(), options.n_clusters, options.seed, context)
                                                              : gather_rows(sample.view(), spread_cells(n_sample, options.n_clusters, options.seed, 1));
    std::vector<std::int32_t> last;
    for (std::int32_t iteration = 0; iteration < options.max_iterations; ++iteration) {
        auto cluster = nearest_centers(sample.view(), std::as_const(result.centers).view(), context);
        if (cluster == last) break;
        move_centers(sample.view(), cluster, result.centers, context);
        last = std::move(cluster);
    }
    result.cluster = nearest_centers(points, std::as_const(result.centers).view(), context);
    return result;
}

}  // namespace morula::analysis
