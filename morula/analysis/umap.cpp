#include "morula/analysis/umap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "morula/analysis/embedding_check.hpp"
#include "morula/analysis/umap_simd.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/random.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kBlockCells = 512;
constexpr std::int64_t kManyCells = 10'000;
constexpr std::int32_t kEpochsOfFew = 500;
constexpr std::int32_t kEpochsOfMany = 200;
// Largest coordinate of the start, below kManyCells and from there on. From umap-learn's 10 a layout of 100,000 cells does not spread out in 200 epochs; a few thousand cells that
// start at 40 stay small groups in a wide void; from 50 the layout of a few large groups tears.
constexpr float kStartExtentOfFew = 26.0F;
constexpr float kStartExtentOfMany = 40.0F;
constexpr double kStartNoise = 1e-4;
// Cells that move by all pulls of an epoch at once overshoot where umap-learn's one-by-one moves do not: with its step the layout stays noisy.
// Cross-entropy against the serial algorithm from umap-learn's start, with this share: made-up cells 20k .3703 v .3725, 100k .3583 v .3554, 20k cells made from PBMC3k .3244 v .3211.
constexpr double kStepShare = 0.35;

void check_inputs(matrix::CsrView graph, matrix::DenseView<const float> start, const UmapOptions& options) {
    if (options.n_components < 2 || options.n_components > 3) {
        fail(ErrorCode::usage, fmt::format("UMAP cannot lay out cells in {} dimensions.", options.n_components), "Ask for 2 or 3 components.");
    }
    if (!(options.min_dist >= 0.0) || !(options.spread > 0.0) || options.min_dist > 3.0 * options.spread || !(options.learning_rate > 0.0) || options.negative_sample_rate < 1 ||
        options.n_epochs.value_or(1) < 1) {
        fail(ErrorCode::usage, fmt::format("UMAP got min_dist {}, spread {}, learning_rate {}, negative_sample_rate {}.", options.min_dist, options.spread, options.learning_rate, options.negative_sample_rate),
             "Give a spread of at least a third of min_dist, and positive rates and epochs.");
    }
    if (graph.n_rows != graph.n_cols || graph.n_rows != start.n_rows) {
        invalid_data(fmt::format("The neighbour graph is of {} x {} cells and the start of {}.", graph.n_rows, graph.n_cols, start.n_rows), "Compute neighbours and start from the same cells.");
    }
    if (start.n_cols < options.n_components) {
        invalid_data(fmt::format("The start has {} dimensions, fewer than the {} of the layout.", start.n_cols, options.n_components), "Compute more principal components.");
    }
    if (graph.n_rows > std::int64_t{std::numeric_limits<std::uint32_t>::max()}) fail(ErrorCode::unsupported, "UMAP can number at most 2^32 - 1 cells.", "Lay out a sample of the cells.");
}

/// The first components, scaled to the start's extent, with a little noise that parts equal cells.
matrix::Dense<float> start_positions(matrix::DenseView<const float> start, const UmapOptions& options, Context& context) {
    float largest = 0.0F;
    for (std::int64_t cell = 0; cell < start.n_rows; ++cell) {
        for (std::int64_t dim = 0; dim < options.n_components; ++dim) largest = std::max(largest, std::abs(start(cell, dim)));
    }
    const float scale = largest > 0.0F ? (start.n_rows < kManyCells ? kStartExtentOfFew : kStartExtentOfMany) / largest : 0.0F;
    matrix::Dense<float> positions(start.n_rows, options.n_components);
    parallel_blocks(context, start.n_rows, kBlockCells, [&](Block block) {
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
            Random random(options.seed, Purpose::umap_start, static_cast<std::uint64_t>(cell), 0);
            for (std::int64_t dim = 0; dim < options.n_components; ++dim) positions(cell, dim) = scale * start(cell, dim) + static_cast<float>(kStartNoise * random.normal());
        }
    });
    return positions;
}

/// Weights over the largest: the share of epochs in which an edge pulls.
std::vector<float> edge_rates(matrix::CsrView graph) {
    float largest = 0.0F;
    for (const float weight : graph.values) {
        if (!(weight >= 0.0F) || !std::isfinite(weight)) invalid_data(fmt::format("The neighbour graph has an edge of weight {}.", weight), "Pass connectivities, not distances.");
        largest = std::max(largest, weight);
    }
    std::vector<float> rates(graph.values.size(), 0.0F);
    if (largest > 0.0F) std::ranges::transform(graph.values, rates.begin(), [largest](float weight) { return weight / largest; });
    return rates;
}

std::int64_t largest_degree(matrix::CsrView graph) {
    std::int64_t most = 0;
    for (std::size_t cell = 0; cell < static_cast<std::size_t>(graph.n_rows); ++cell) most = std::max(most, graph.indptr[cell + 1] - graph.indptr[cell]);
    return most;
}

/// -log q and -log(1 - q) of a pair.
struct PairLoss {
    double pull;
    double push;
};
PairLoss pair_loss(std::span<const float> a, std::span<const float> b, UmapCurve curve) {
    double squared = 0.0;
    for (std::size_t dim = 0; dim < a.size(); ++dim) {
        const double difference = static_cast<double>(a[dim]) - static_cast<double>(b[dim]);
        squared += difference * difference;
    }
    const double odds = curve.a * std::pow(squared, curve.b);  // (1 - q) / q
    return {std::log1p(odds), -std::log(std::max(1e-4, odds / (1.0 + odds)))};
}

}  // namespace

UmapCurve fit_umap_curve(double min_dist, double spread) {
    constexpr int kPoints = 300;
    std::array<double, kPoints> x{};
    std::array<double, kPoints> y{};
    for (std::size_t i = 0; i < kPoints; ++i) {
        x[i] = 3.0 * spread * static_cast<double>(i) / (kPoints - 1);
        y[i] = x[i] < min_dist ? 1.0 : std::exp(-(x[i] - min_dist) / spread);
    }
    const auto loss = [&](double a, double b) {
        double sum = 0.0;
        for (std::size_t i = 0; i < kPoints; ++i) {
            const double residual = y[i] - 1.0 / (1.0 + a * std::pow(x[i], 2.0 * b));
            sum += residual * residual;
        }
        return sum;
    };
    // Levenberg-Marquardt on log a and log b, which keeps both positive.
    double a = 1.0;
    double b = 1.0;
    double damping = 1e-3;
    double now = loss(a, b);
    for (int step = 0; step < 200 && damping < 1e12; ++step) {
        double aa = 0.0;
        double ab = 0.0;
        double bb = 0.0;
        double ra = 0.0;
        double rb = 0.0;
        for (std::size_t i = 1; i < kPoints; ++i) {
            const double p = a * std::pow(x[i], 2.0 * b);
            const double q = 1.0 / (1.0 + p);
            const double slope_a = -q * q * p;                                // d q / d log a
            const double slope_b = -q * q * p * 2.0 * b * std::log(x[i]);     // d q / d log b
            const double residual = y[i] - q;
            aa += slope_a * slope_a;
            ab += slope_a * slope_b;
            bb += slope_b * slope_b;
            ra += slope_a * residual;
            rb += slope_b * residual;
        }
        const double daa = aa * (1.0 + damping);
        const double dbb = bb * (1.0 + damping);
        const double determinant = daa * dbb - ab * ab;
        const double next_a = a * std::exp((dbb * ra - ab * rb) / determinant);
        const double next_b = b * std::exp((daa * rb - ab * ra) / determinant);
        const double next = loss(next_a, next_b);
        if (next < now) {
            a = next_a;
            b = next_b;
            now = next;
            damping *= 0.1;
        } else {
            damping *= 10.0;
        }
    }
    return {a, b};
}

UmapResult umap(matrix::CsrView graph, matrix::DenseView<const float> start, const UmapOptions& options, Context& context) {
    check_inputs(graph, start, options);
    require_finite(start, "the start of the layout", context);
    context.require_memory(graph.nnz() * 4 + graph.n_rows * 8 * options.n_components, "umap");

    UmapResult result;
    result.curve = fit_umap_curve(options.min_dist, options.spread);
    result.n_epochs = options.n_epochs.value_or(graph.n_rows < kManyCells ? kEpochsOfFew : kEpochsOfMany);
    result.embedding = start_positions(start, options, context);
    const std::vector<float> rates = edge_rates(graph);
    const umap_detail::LayoutGraph layout{.begin = graph.indptr, .target = graph.indices, .rate = rates};
    const std::int64_t most_edges = largest_degree(graph);
    matrix::Dense<float> moved(graph.n_rows, options.n_components);
    Progress progress(context, "umap", result.n_epochs, "epochs");
    for (std::int32_t epoch = 0; epoch < result.n_epochs; ++epoch) {
        const double left = 1.0 - static_cast<double>(epoch) / static_cast<double>(result.n_epochs);
        const umap_detail::LayoutStep step{.n_dims = options.n_components,
                                           .epoch = epoch,
                                           .negative_sample_rate = options.negative_sample_rate,
                                           .step_length = static_cast<float>(kStepShare * options.learning_rate * left),
                                           .a = static_cast<float>(result.curve.a),
                                           .b = static_cast<float>(result.curve.b),
                                           .key = Random(options.seed, Purpose::umap_negative, 0, static_cast<std::uint32_t>(epoch)).next_u32()};
        parallel_blocks(context, graph.n_rows, kBlockCells, [&](Block block) {
            umap_detail::LayoutScratch scratch(most_edges, options.negative_sample_rate);
            umap_detail::move_cells(layout, step, block, result.embedding.values, moved.values, scratch);
        });
        std::swap(result.embedding.values, moved.values);
        progress.advance(1);
    }
    return result;
}

UmapCrossEntropy umap_cross_entropy(matrix::CsrView graph, matrix::DenseView<const float> embedding, UmapCurve curve, const UmapCrossEntropyOptions& options,
                                    Context& context) {
    if (graph.n_rows != embedding.n_rows) fail(ErrorCode::usage, fmt::format("The graph has {} cells and the layout {}.", graph.n_rows, embedding.n_rows), "Give both of the same cells.");
    const std::int64_t n = graph.n_rows;
    if (n < 2) return {};
    std::vector<std::array<double, 3>> sums(static_cast<std::size_t>((n + kBlockCells - 1) / kBlockCells));
    parallel_blocks(context, n, kBlockCells, [&](Block block) {
        auto& [pull, push, weight_sum] = sums[static_cast<std::size_t>(block.index)];
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
            const auto here = embedding.row(cell);
            const auto others = graph.row_indices(cell);
            const auto weights = graph.row_values(cell);
            double weight = 0.0;
            for (std::size_t e = 0; e < others.size(); ++e) {
                pull += static_cast<double>(weights[e]) * pair_loss(here, embedding.row(std::int64_t{others[e]}), curve).pull;
                weight += static_cast<double>(weights[e]);
            }
            const bool all = n - 1 <= options.samples_per_cell;
            const std::int64_t n_samples = all ? n - 1 : options.samples_per_cell;
            Random random(options.seed, Purpose::umap_negative, static_cast<std::uint64_t>(cell), std::numeric_limits<std::uint32_t>::max());
            double sum = 0.0;
            for (std::int64_t s = 0; s < n_samples; ++s) {
                const std::int64_t other = all ? s : static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n - 1)));
                sum += pair_loss(here, embedding.row(other + (other >= cell ? 1 : 0)), curve).push;
            }
            push += weight * sum / static_cast<double>(n_samples);
            weight_sum += weight;
        }
    });
    UmapCrossEntropy total;
    double weight = 0.0;
    for (const auto& [pull, push, weight_sum] : sums) {
        total.attraction += pull;
        total.repulsion += push;
        weight += weight_sum;
    }
    if (weight <= 0.0) return {};
    total.attraction /= weight;
    total.repulsion *= 0.5 * options.negative_sample_rate / weight;
    return total;
}

}  // namespace morula::analysis
