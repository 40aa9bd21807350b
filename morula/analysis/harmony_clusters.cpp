#include "morula/analysis/harmony_clusters.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "morula/analysis/harmony_simd.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/random.hpp"
#include "morula/matrix/blas.hpp"

namespace morula::analysis::harmony_detail {
namespace {

constexpr std::int64_t kTaskCells = 256;
constexpr std::int64_t kSumCells = 4096;  // cells of one partial sum
constexpr double kLeastExpected = 1e-30;  // keeps the logarithms of an empty cluster finite

void scale_to_unit(std::span<float> row) {
    double norm = 0.0;
    for (const float x : row) norm += static_cast<double>(x) * static_cast<double>(x);
    if (norm <= 0.0) return;
    const double scale = 1.0 / std::sqrt(norm);
    for (float& x : row) x = static_cast<float>(static_cast<double>(x) * scale);
}

}  // namespace

SoftClusters::SoftClusters(const BatchLayout& layout, const ClusterSettings& settings, matrix::Dense<float> centers, matrix::DenseView<const float> unit_cells,
                           Context& context)
    : layout_(layout), settings_(settings), centers_(std::move(centers)), memberships_(unit_cells.n_rows, centers_.n_rows),
      observed_(layout.n_combinations(), centers_.n_rows) {
    for (std::int64_t k = 0; k < centers_.n_rows; ++k) scale_to_unit(centers_.row(k));
    std::vector<std::int64_t> all(static_cast<std::size_t>(unit_cells.n_rows));
    std::iota(all.begin(), all.end(), std::int64_t{0});
    update(all, unit_cells, matrix::Dense<float>(layout.n_combinations(), centers_.n_rows), context);
}

void SoftClusters::pass(matrix::DenseView<const float> unit_cells, Context& context) {
    move_centers(unit_cells, context);
    distance_and_entropy_ = 0.0;
    ++n_passes_;
    for (const auto& places : draw_blocks()) {
        remove(places, context);
        update(places, unit_cells, penalties(), context);
    }
}

void SoftClusters::move_centers(matrix::DenseView<const float> unit_cells, Context& context) {
    const matrix::Dense<double> sums = weighted_sums(layout_, std::as_const(memberships_).view(), unit_cells, context);
    const std::int64_t n = n_clusters();
    for (std::int64_t k = 0; k < n; ++k) {
        for (std::int64_t dim = 0; dim < centers_.n_cols; ++dim) {
            double sum = 0.0;
            for (std::int64_t u = 0; u < layout_.n_combinations(); ++u) sum += sums(u * n + k, dim);
            centers_(k, dim) = static_cast<float>(sum);
        }
        scale_to_unit(centers_.row(k));
    }
}

/// The cells in a seeded order cut into blocks; each block ascends, so that its cells lie by combination.
std::vector<std::vector<std::int64_t>> SoftClusters::draw_blocks() const {
    const std::int64_t n_cells = layout_.n_cells();
    const auto n_blocks = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(1.0 / settings_.block_size)), 1, n_cells);
    std::vector<std::int32_t> block_of_cell(static_cast<std::size_t>(n_cells));
    for (std::int64_t i = 0; i < n_cells; ++i) block_of_cell[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(i * n_blocks / n_cells);
    Random random(settings_.seed, Purpose::harmony_start, n_passes_, 1);
    for (std::size_t i = block_of_cell.size(); i > 1; --i) std::swap(block_of_cell[i - 1], block_of_cell[random.below(i)]);
    std::vector<std::vector<std::int64_t>> blocks(static_cast<std::size_t>(n_blocks));
    for (std::int64_t cell = 0; cell < n_cells; ++cell) blocks[static_cast<std::size_t>(block_of_cell[static_cast<std::size_t>(cell)])].push_back(cell);
    return blocks;
}

/// Runs of one combination, at most kTaskCells long.
std::vector<SoftClusters::Task> SoftClusters::tasks_of(std::span<const std::int64_t> places) const {
    std::vector<Task> tasks;
    const auto n = static_cast<std::int64_t>(places.size());
    std::int64_t combination = 0;
    for (std::int64_t begin = 0; begin < n;) {
        while (places[static_cast<std::size_t>(begin)] >= layout_.begin[static_cast<std::size_t>(combination) + 1]) ++combination;
        const auto last = std::lower_bound(places.begin() + begin, places.end(), layout_.begin[static_cast<std::size_t>(combination) + 1]) - places.begin();
        const std::int64_t end = std::min<std::int64_t>(last, begin + kTaskCells);
        tasks.push_back({combination, begin, end});
        begin = end;
    }
    return tasks;
}

matrix::Dense<double> SoftClusters::observed_levels() const {
    matrix::Dense<double> levels(layout_.n_levels, n_clusters());
    for (std::int64_t u = 0; u < layout_.n_combinations(); ++u) {
        for (const std::int32_t level : layout_.levels[static_cast<std::size_t>(u)]) {
            for (std::int64_t k = 0; k < n_clusters(); ++k) levels(level, k) += observed_(u, k);
        }
    }
    return levels;
}

matrix::Dense<double> SoftClusters::expected() const {
    matrix::Dense<double> levels(layout_.n_levels, n_clusters());
    for (std::int64_t k = 0; k < n_clusters(); ++k) {
        double cells = 0.0;
        for (std::int64_t u = 0; u < layout_.n_combinations(); ++u) cells += observed_(u, k);
        for (std::int64_t level = 0; level < layout_.n_levels; ++level) levels(level, k) = cells * layout_.share_of_level[static_cast<std::size_t>(level)];
    }
    return levels;
}

/// theta * log(E / (O + E)) summed over a combination's levels: what a cluster loses where its batches are already many.
matrix::Dense<float> SoftClusters::penalties() const {
    const matrix::Dense<double> found = observed_levels();
    const matrix::Dense<double> wanted = expected();
    matrix::Dense<float> penalty(layout_.n_combinations(), n_clusters());
    for (std::int64_t u = 0; u < layout_.n_combinations(); ++u) {
        for (std::int64_t k = 0; k < n_clusters(); ++k) {
            double sum = 0.0;
            for (const std::int32_t level : layout_.levels[static_cast<std::size_t>(u)]) {
                // Taking a block away leaves rounding noise around 0 in clusters without cells.
                const double e = std::max(wanted(level, k), kLeastExpected);
                sum += std::log(e / (std::max(found(level, k), 0.0) + e));
            }
            penalty(u, k) = static_cast<float>(settings_.theta * sum);
        }
    }
    return penalty;
}

void SoftClusters::remove(std::span<const std::int64_t> places, Context& context) {
    const std::vector<Task> tasks = tasks_of(places);
    matrix::Dense<double> sums(static_cast<std::int64_t>(tasks.size()), n_clusters());
    parallel_blocks(context, static_cast<std::int64_t>(tasks.size()), 4, [&](Block block) {
        for (std::int64_t t = block.begin; t < block.end; ++t) {
            const Task& task = tasks[static_cast<std::size_t>(t)];
            for (std::int64_t i = task.begin; i < task.end; ++i) add_to(memberships_.row(places[static_cast<std::size_t>(i)]), sums.row(t));
        }
    });
    for (std::size_t t = 0; t < tasks.size(); ++t) {
        for (std::int64_t k = 0; k < n_clusters(); ++k) observed_(tasks[t].combination, k) -= sums(static_cast<std::int64_t>(t), k);
    }
}

void SoftClusters::update(std::span<const std::int64_t> places, matrix::DenseView<const float> unit_cells, const matrix::Dense<float>& penalty, Context& context) {
    const std::vector<Task> tasks = tasks_of(places);
    const std::int64_t n_dims = unit_cells.n_cols;
    const std::int64_t n = n_clusters();
    const auto slope = static_cast<float>(2.0 / settings_.sigma);
    matrix::Dense<double> sums(static_cast<std::int64_t>(tasks.size()), n);
    std::vector<double> log_sums(tasks.size(), 0.0);
    parallel_blocks(context, static_cast<std::int64_t>(tasks.size()), 4, [&](Block block) {
        matrix::Dense<float> cells(kTaskCells, n_dims);
        matrix::Dense<float> scores(kTaskCells, n);
        for (std::int64_t t = block.begin; t < block.end; ++t) {
            const Task& task = tasks[static_cast<std::size_t>(t)];
            const std::int64_t n_cells = task.end - task.begin;
            for (std::int64_t i = 0; i < n_cells; ++i) std::ranges::copy(unit_cells.row(places[static_cast<std::size_t>(task.begin + i)]), cells.row(i).begin());
            // -2 (1 - z.y) / sigma up to the constant, which the scaling takes out.
            matrix::gemm_strided(n_cells, n, n_dims, slope, cells.values.data(), n_dims, matrix::Transpose::no, centers_.values.data(), n_dims, matrix::Transpose::yes, 0.0F,
                                 scores.values.data(), n);
            for (std::int64_t i = 0; i < n_cells; ++i) {
                log_sums[static_cast<std::size_t>(t)] += soft_memberships(penalty.row(task.combination), scores.row(i)) - static_cast<double>(slope);
                std::ranges::copy(scores.row(i), memberships_.row(places[static_cast<std::size_t>(task.begin + i)]).begin());
                add_to(scores.row(i), sums.row(t));
            }
        }
    });
    // With s = -dist / sigma + penalty and R = exp(s - log_sum): sum R dist + sigma sum R log R = sigma (sum R penalty - log_sum).
    for (std::size_t t = 0; t < tasks.size(); ++t) {
        double with_penalty = 0.0;
        for (std::int64_t k = 0; k < n; ++k) {
            const double cells = sums(static_cast<std::int64_t>(t), k);
            observed_(tasks[t].combination, k) += cells;
            with_penalty += cells * static_cast<double>(penalty(tasks[t].combination, k));
        }
        distance_and_entropy_ += settings_.sigma * (with_penalty - log_sums[t]);
    }
}

double SoftClusters::objective() const {
    const matrix::Dense<double> found = observed_levels();
    const matrix::Dense<double> wanted = expected();
    double diversity = 0.0;
    for (std::int64_t level = 0; level < layout_.n_levels; ++level) {
        for (std::int64_t k = 0; k < n_clusters(); ++k) {
            const double e = std::max(wanted(level, k), kLeastExpected);
            const double o = std::max(found(level, k), 0.0);
            diversity += o * std::log((o + e) / e);
        }
    }
    return distance_and_entropy_ + settings_.sigma * settings_.theta * diversity;
}

matrix::Dense<double> weighted_sums(const BatchLayout& layout, matrix::DenseView<const float> memberships, matrix::DenseView<const float> values, Context& context) {
    struct Piece {
        std::int64_t combination;
        std::int64_t begin;
        std::int64_t end;
    };
    std::vector<Piece> pieces;
    for (std::int64_t u = 0; u < layout.n_combinations(); ++u) {
        const std::int64_t last = layout.begin[static_cast<std::size_t>(u) + 1];
        for (std::int64_t begin = layout.begin[static_cast<std::size_t>(u)]; begin < last; begin += kSumCells) pieces.push_back({u, begin, std::min(last, begin + kSumCells)});
    }
    const std::int64_t n_clusters = memberships.n_cols;
    const std::int64_t n_dims = values.n_cols;
    const std::int64_t n_values = n_clusters * n_dims;
    matrix::Dense<float> partial(static_cast<std::int64_t>(pieces.size()), n_values);
    parallel_blocks(context, static_cast<std::int64_t>(pieces.size()), 1, [&](Block block) {
        const Piece& piece = pieces[static_cast<std::size_t>(block.begin)];
        matrix::gemm_strided(n_clusters, n_dims, piece.end - piece.begin, 1.0F, memberships.values.data() + piece.begin * n_clusters, n_clusters, matrix::Transpose::yes,
                             values.values.data() + piece.begin * n_dims, n_dims, matrix::Transpose::no, 0.0F, partial.row(block.begin).data(), n_dims);
    });
    matrix::Dense<double> sums(layout.n_combinations() * n_clusters, n_dims);
    for (std::size_t p = 0; p < pieces.size(); ++p) {
        double* to = sums.values.data() + pieces[p].combination * n_values;
        for (std::int64_t i = 0; i < n_values; ++i) to[i] += static_cast<double>(partial(static_cast<std::int64_t>(p), i));
    }
    return sums;
}

}  // namespace morula::analysis::harmony_detail
