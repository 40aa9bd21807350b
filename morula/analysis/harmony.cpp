#include "morula/analysis/harmony.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "morula/analysis/embedding_check.hpp"
#include "morula/analysis/harmony_clusters.hpp"
#include "morula/analysis/kmeans.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/blas.hpp"

namespace morula::analysis {
namespace {

using harmony_detail::BatchLayout;
using harmony_detail::SoftClusters;

constexpr std::int64_t kBlockCells = 1024;
constexpr std::int64_t kCellsOfCluster = 30;
constexpr std::int32_t kMostClusters = 100;
constexpr std::size_t kWindow = 3;           // passes whose objectives are compared together
constexpr double kLeastCells = 1e-6;         // a cluster lighter than this corrects nothing
constexpr double kLeastPenalty = 1e-10;

void check_inputs(matrix::DenseView<const float> embedding, std::span<const BatchVariable> batches, const HarmonyOptions& options) {
    if (!(options.theta >= 0.0) || !(options.sigma > 0.0) || !(options.block_size > 0.0) || options.block_size > 1.0 || options.n_clusters.value_or(1) < 1 ||
        options.max_cluster_iterations < 1 || options.lambda.value_or(1.0) <= 0.0 || !(options.alpha > 0.0)) {
        fail(ErrorCode::usage, "An option of Harmony is out of its range.", "Sigma, lambda, alpha and block_size must be above 0, block_size at most 1, theta 0 or more.");
    }
    if (batches.empty()) fail(ErrorCode::usage, "Harmony was given no batch column.", "Name one with --batch.");
    for (const BatchVariable& batch : batches) {
        if (static_cast<std::int64_t>(batch.codes.size()) != embedding.n_rows) {
            fail(ErrorCode::usage, fmt::format("Batch column '{}' has {} cells and the embedding {}.", batch.name, batch.codes.size(), embedding.n_rows), "Give one batch a cell.");
        }
        for (std::size_t cell = 0; cell < batch.codes.size(); ++cell) {
            if (batch.codes[cell] >= 0 && batch.codes[cell] < batch.n_levels) continue;
            invalid_data(fmt::format("Cell {} (counted from 0) has no batch in column '{}'.", cell, batch.name), "Fill the missing batches in, or leave those cells out.");
        }
        if (batch.codes.empty() || std::ranges::all_of(batch.codes, [&](std::int32_t code) { return code == batch.codes.front(); })) {
            invalid_data(fmt::format("All cells have the same batch in column '{}'.", batch.name), "Leave --batch out, or name a column with two batches or more.");
        }
    }
}

BatchLayout make_layout(std::span<const BatchVariable> batches) {
    const std::size_t n_cells = batches.front().codes.size();
    BatchLayout layout;
    std::vector<std::vector<std::int32_t>> numbers;  // of each variable's level among the levels with cells
    for (const BatchVariable& batch : batches) {
        std::vector<std::int64_t> cells(static_cast<std::size_t>(batch.n_levels), 0);
        for (const std::int32_t code : batch.codes) ++cells[static_cast<std::size_t>(code)];
        auto& number = numbers.emplace_back(cells.size(), -1);
        for (std::size_t level = 0; level < cells.size(); ++level) {
            if (cells[level] == 0) continue;
            number[level] = static_cast<std::int32_t>(layout.n_levels++);
            layout.share_of_level.push_back(static_cast<double>(cells[level]) / static_cast<double>(n_cells));
        }
    }
    std::map<std::vector<std::int32_t>, std::vector<std::int64_t>> cells_of;
    std::vector<std::int32_t> levels(batches.size());
    for (std::size_t cell = 0; cell < n_cells; ++cell) {
        for (std::size_t v = 0; v < batches.size(); ++v) levels[v] = numbers[v][static_cast<std::size_t>(batches[v].codes[cell])];
        cells_of[levels].push_back(static_cast<std::int64_t>(cell));
    }
    layout.begin.push_back(0);
    for (auto& [combination, cells] : cells_of) {
        layout.levels.push_back(combination);
        layout.cell_of_place.insert(layout.cell_of_place.end(), cells.begin(), cells.end());
        layout.begin.push_back(static_cast<std::int64_t>(layout.cell_of_place.size()));
    }
    return layout;
}

matrix::Dense<float> sort_cells(matrix::DenseView<const float> embedding, const BatchLayout& layout) {
    matrix::Dense<float> sorted(embedding.n_rows, embedding.n_cols);
    for (std::int64_t place = 0; place < embedding.n_rows; ++place) {
        std::ranges::copy(embedding.row(layout.cell_of_place[static_cast<std::size_t>(place)]), sorted.row(place).begin());
    }
    return sorted;
}

/// Rows scaled to length 1; a row of zeros stays.
void unit_rows(const matrix::Dense<float>& cells, matrix::Dense<float>& unit, Context& context) {
    parallel_blocks(context, cells.n_rows, kBlockCells, [&](Block block) {
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
            double norm = 0.0;
            for (const float x : cells.row(cell)) norm += static_cast<double>(x) * static_cast<double>(x);
            const double scale = norm > 0.0 ? 1.0 / std::sqrt(norm) : 0.0;
            for (std::int64_t dim = 0; dim < cells.n_cols; ++dim) unit(cell, dim) = static_cast<float>(static_cast<double>(cells(cell, dim)) * scale);
        }
    });
}

/// Ridge regression of one cluster on an intercept without penalty and the batch levels: the levels' effects, n_levels x n_dims.
/// sums: n_combinations rows of the cluster. The normal equations are those of the one-hot design, gathered by combination.
matrix::Dense<double> level_effects(const BatchLayout& layout, std::span<const double> cells, const matrix::Dense<double>& sums, std::span<const double> penalty) {
    const std::int64_t n = layout.n_levels + 1;
    const std::int64_t n_dims = sums.n_cols;
    matrix::Dense<double> normal(n, n);
    matrix::Dense<double> right(n, n_dims);
    for (std::int64_t u = 0; u < layout.n_combinations(); ++u) {
        std::vector<std::int64_t> columns{0};
        for (const std::int32_t level : layout.levels[static_cast<std::size_t>(u)]) columns.push_back(level + 1);
        for (const std::int64_t a : columns) {
            for (const std::int64_t b : columns) normal(a, b) += cells[static_cast<std::size_t>(u)];
            for (std::int64_t dim = 0; dim < n_dims; ++dim) right(a, dim) += sums(u, dim);
        }
    }
    for (std::int64_t level = 1; level < n; ++level) normal(level, level) += penalty[static_cast<std::size_t>(level - 1)];
    matrix::solve_spd(std::move(normal), right);
    matrix::Dense<double> effects(layout.n_levels, n_dims);
    std::copy(right.values.begin() + n_dims, right.values.end(), effects.values.begin());
    return effects;
}

/// The same in closed form for one variable, whose normal equations are an arrow: O(n_levels) instead of its cube.
matrix::Dense<double> level_effects_of_one_variable(const BatchLayout& layout, std::span<const double> cells, const matrix::Dense<double>& sums,
                                                    std::span<const double> penalty) {
    const std::int64_t n_dims = sums.n_cols;
    matrix::Dense<double> effects(layout.n_levels, n_dims);
    double weight = 0.0;  // of the intercept, what the levels do not explain
    for (std::size_t u = 0; u < cells.size(); ++u) weight += cells[u] * penalty[u] / (cells[u] + penalty[u]);
    for (std::int64_t dim = 0; dim < n_dims; ++dim) {
        double rest = 0.0;
        for (std::size_t u = 0; u < cells.size(); ++u) rest += sums(static_cast<std::int64_t>(u), dim) * penalty[u] / (cells[u] + penalty[u]);
        const double intercept = rest / weight;
        for (std::size_t u = 0; u < cells.size(); ++u) {
            effects(static_cast<std::int64_t>(u), dim) = (sums(static_cast<std::int64_t>(u), dim) - cells[u] * intercept) / (cells[u] + penalty[u]);
        }
    }
    return effects;
}

/// What to take from a cell of combination u for its membership in cluster k: row u * n_clusters + k.
matrix::Dense<float> corrections(const BatchLayout& layout, const SoftClusters& clusters, const matrix::Dense<float>& cells, const HarmonyOptions& options, Context& context) {
    const std::int64_t n_clusters = clusters.n_clusters();
    const matrix::Dense<double> sums = harmony_detail::weighted_sums(layout, clusters.memberships(), cells.view(), context);
    const matrix::Dense<double> expected = clusters.expected();
    matrix::Dense<float> taken(sums.n_rows, cells.n_cols);
    const bool one_variable = layout.levels.front().size() == 1;
    parallel_blocks(context, n_clusters, 1, [&](Block block) {
        const std::int64_t k = block.begin;
        std::vector<double> in_cluster(static_cast<std::size_t>(layout.n_combinations()));
        matrix::Dense<double> sums_of_cluster(layout.n_combinations(), cells.n_cols);
        double all = 0.0;
        for (std::int64_t u = 0; u < layout.n_combinations(); ++u) {
            in_cluster[static_cast<std::size_t>(u)] = std::max(0.0, clusters.observed()(u, k));
            all += in_cluster[static_cast<std::size_t>(u)];
            std::ranges::copy(sums.row(u * n_clusters + k), sums_of_cluster.row(u).begin());
        }
        if (all < kLeastCells) return;
        std::vector<double> penalty(static_cast<std::size_t>(layout.n_levels));
        for (std::int64_t level = 0; level < layout.n_levels; ++level) {
            penalty[static_cast<std::size_t>(level)] = options.lambda ? *options.lambda : std::max(kLeastPenalty, options.alpha * expected(level, k));
        }
        const matrix::Dense<double> effects = one_variable ? level_effects_of_one_variable(layout, in_cluster, sums_of_cluster, penalty)
                                                           : level_effects(layout, in_cluster, sums_of_cluster, penalty);
        for (std::int64_t u = 0; u < layout.n_combinations(); ++u) {
            for (std::int64_t dim = 0; dim < cells.n_cols; ++dim) {
                double sum = 0.0;
                for (const std::int32_t level : layout.levels[static_cast<std::size_t>(u)]) sum += effects(level, dim);
                taken(u * n_clusters + k, dim) = static_cast<float>(sum);
            }
        }
    });
    return taken;
}

/// corrected = cells - memberships * corrections, combination by combination.
void correct(const BatchLayout& layout, const SoftClusters& clusters, const matrix::Dense<float>& cells, const HarmonyOptions& options, matrix::Dense<float>& corrected,
             Context& context) {
    const matrix::Dense<float> taken = corrections(layout, clusters, cells, options, context);
    const std::int64_t n_clusters = clusters.n_clusters();
    const auto memberships = clusters.memberships();
    corrected.values = cells.values;
    for (std::int64_t u = 0; u < layout.n_combinations(); ++u) {
        const std::int64_t first = layout.begin[static_cast<std::size_t>(u)];
        parallel_blocks(context, layout.begin[static_cast<std::size_t>(u) + 1] - first, kBlockCells, [&](Block block) {
            matrix::gemm_strided(block.size(), cells.n_cols, n_clusters, -1.0F, memberships.values.data() + (first + block.begin) * n_clusters, n_clusters, matrix::Transpose::no,
                                 taken.values.data() + u * n_clusters * cells.n_cols, cells.n_cols, matrix::Transpose::no, 1.0F,
                                 corrected.values.data() + (first + block.begin) * cells.n_cols, cells.n_cols);
        });
    }
}

/// harmonypy's rule: the sum of the last kWindow objectives against the sum one pass earlier.
bool passes_converged(std::span<const double> objectives, double tolerance) {
    if (objectives.size() < kWindow + 1) return false;
    const auto last = objectives.last(kWindow + 1);
    const double before = std::accumulate(last.begin(), last.end() - 1, 0.0);
    const double after = std::accumulate(last.begin() + 1, last.end(), 0.0);
    return (before - after) / std::abs(before) < tolerance;
}

}  // namespace

HarmonyResult harmony(matrix::DenseView<const float> embedding, std::span<const BatchVariable> batches, const HarmonyOptions& options, Context& context) {
    check_inputs(embedding, batches, options);
    require_finite(embedding, "the embedding", context);
    const std::int64_t n_cells = embedding.n_rows;
    const auto by_size = static_cast<std::int32_t>(std::min<double>(kMostClusters, std::round(static_cast<double>(n_cells) / kCellsOfCluster)));
    const auto n_clusters = static_cast<std::int32_t>(std::clamp<std::int64_t>(options.n_clusters.value_or(by_size), 1, n_cells));
    context.require_memory(4 * n_cells * (n_clusters + 4 * embedding.n_cols), "harmony");

    const BatchLayout layout = make_layout(batches);
    const matrix::Dense<float> cells = sort_cells(embedding, layout);
    matrix::Dense<float> corrected = cells;
    matrix::Dense<float> unit(n_cells, embedding.n_cols);
    unit_rows(corrected, unit, context);
    const matrix::DenseView<const float> unit_view = std::as_const(unit).view();
    KMeansResult start = kmeans(unit_view, {.n_clusters = n_clusters, .max_iterations = 25, .seed = options.seed}, context);
    SoftClusters clusters(layout, {.theta = options.theta, .sigma = options.sigma, .block_size = options.block_size, .seed = options.seed}, std::move(start.centers), unit_view,
                          context);
    HarmonyResult result;
    result.objective.push_back(clusters.objective());
    Progress progress(context, "harmony", options.max_iterations, "rounds");
    while (result.iterations < options.max_iterations && !result.converged) {
        std::vector<double> objectives;
        for (std::int32_t pass = 0; pass < options.max_cluster_iterations; ++pass) {
            clusters.pass(unit_view, context);
            objectives.push_back(clusters.objective());
            if (pass > static_cast<std::int32_t>(kWindow) && passes_converged(objectives, options.cluster_tolerance)) break;
        }
        correct(layout, clusters, cells, options, corrected, context);
        unit_rows(corrected, unit, context);
        const double before = result.objective.back();
        result.objective.push_back(objectives.back());
        ++result.iterations;
        result.converged = (before - objectives.back()) / std::abs(before) < options.tolerance;
        progress.advance(1);
    }
    result.embedding = matrix::Dense<float>(n_cells, embedding.n_cols);
    for (std::int64_t place = 0; place < n_cells; ++place) std::ranges::copy(corrected.row(place), result.embedding.row(layout.cell_of_place[static_cast<std::size_t>(place)]).begin());
    return result;
}

}  // namespace morula::analysis
