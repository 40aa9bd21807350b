#include "morula/models/batch_moves.hpp"

#include <algorithm>
#include <cmath>

#include "morula/analysis/harmony_simd.hpp"
#include "morula/analysis/kmeans.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/blas.hpp"

namespace morula::models {
namespace {

constexpr std::int64_t kBlockCells = 512;
constexpr std::int64_t kCellsOfCluster = 30;
constexpr std::int64_t kMostClusters = 100;
constexpr std::int64_t kClustersAtOnce = 8;  // half a cache line of shares
constexpr float kSigma = 0.1F;
constexpr double kLeastCells = 0.5;
constexpr double kLeastShare = 1e-4;  // of a cell in a cluster; less moves nothing that counts

void scale_to_unit(std::span<const float> from, std::span<float> to) {
    double squares = 0.0;
    for (const float x : from) squares += static_cast<double>(x) * static_cast<double>(x);
    const auto factor = static_cast<float>(squares > 0.0 ? 1.0 / std::sqrt(squares) : 0.0);
    for (std::size_t i = 0; i < from.size(); ++i) to[i] = from[i] * factor;
}

/// Memberships of rows [block) in the clusters, n x n_clusters.
matrix::Dense<float> memberships_of(const Block& block, matrix::DenseView<const float> embedding, const matrix::Dense<float>& centers) {
    matrix::Dense<float> unit(block.size(), embedding.n_cols);
    for (std::int64_t row = 0; row < block.size(); ++row) scale_to_unit(embedding.row(block.begin + row), unit.row(row));
    matrix::Dense<float> share(block.size(), centers.n_rows);
    matrix::gemm(2.0F / kSigma, unit.view(), matrix::Transpose::no, centers.view(), matrix::Transpose::yes, 0.0F, share.view());
    const std::vector<float> no_penalty(static_cast<std::size_t>(centers.n_rows), 0.0F);
    for (std::int64_t row = 0; row < block.size(); ++row) analysis::harmony_detail::soft_memberships(no_penalty, share.row(row));
    return share;
}

std::int32_t batch_of(std::span<const std::int32_t> batch, std::int64_t cell) { return batch.empty() ? 0 : batch[static_cast<std::size_t>(cell)]; }

matrix::Dense<float> unit_centers(matrix::DenseView<const float> cells, std::uint64_t seed, Context& context) {
    matrix::Dense<float> unit(cells.n_rows, cells.n_cols);
    for (std::int64_t row = 0; row < cells.n_rows; ++row) scale_to_unit(cells.row(row), unit.row(row));
    const auto n = static_cast<std::int32_t>(std::clamp<std::int64_t>(cells.n_rows / kCellsOfCluster, 1, kMostClusters));
    matrix::Dense<float> centers = analysis::kmeans(unit.view(), {.n_clusters = n, .seed = seed}, context).centers;
    for (std::int64_t k = 0; k < n; ++k) {
        const std::vector<float> center(centers.row(k).begin(), centers.row(k).end());
        scale_to_unit(center, centers.row(k));
    }
    return centers;
}

/// Sums to means; a light cluster takes the mean of its batch.
void finish_means(std::int64_t n_clusters, std::span<const double> weight, matrix::Dense<double>& move) {
    for (std::int64_t first = 0; first < move.n_rows; first += n_clusters) {
        std::vector<double> of_batch(static_cast<std::size_t>(move.n_cols), 0.0);
        double all = 0.0;
        for (std::int64_t k = 0; k < n_clusters; ++k) {
            all += weight[static_cast<std::size_t>(first + k)];
            for (std::size_t dim = 0; dim < of_batch.size(); ++dim) of_batch[dim] += move.row(first + k)[dim];
        }
        for (std::int64_t k = 0; k < n_clusters; ++k) {
            const double own = weight[static_cast<std::size_t>(first + k)];
            const auto row = move.row(first + k);
            for (std::size_t dim = 0; dim < of_batch.size(); ++dim) row[dim] = own >= kLeastCells ? row[dim] / own : all > 0.0 ? of_batch[dim] / all : 0.0;
        }
    }
}

}  // namespace

BatchMoves learn_moves(matrix::DenseView<const float> before, matrix::DenseView<const float> after, std::span<const std::int32_t> batch, std::int32_t n_batches,
                       std::span<const std::int64_t> rows, std::uint64_t seed, Context& context) {
    BatchMoves out;
    out.centers = unit_centers(before, seed, context);
    const std::int64_t n_clusters = out.centers.n_rows;
    const std::int64_t n_dims = before.n_cols;
    matrix::Dense<float> share(before.n_rows, n_clusters);
    parallel_blocks(context, before.n_rows, kBlockCells, [&](Block block) {
        const matrix::Dense<float> own = memberships_of(block, before, out.centers);
        std::copy(own.values.begin(), own.values.end(), share.row(block.begin).begin());
    });
    out.move = matrix::Dense<double>(n_batches * n_clusters, n_dims);
    std::vector<double> weight(static_cast<std::size_t>(n_batches * n_clusters), 0.0);
    parallel_blocks(context, n_clusters, kClustersAtOnce, [&](Block block) {  // cells in order within each cluster
        for (std::int64_t cell = 0; cell < before.n_rows; ++cell) {
            const std::int64_t first = batch_of(batch, rows[static_cast<std::size_t>(cell)]) * n_clusters;
            for (std::int64_t k = block.begin; k < block.end; ++k) {
                const auto own = static_cast<double>(share(cell, k));
                if (own < kLeastShare) continue;
                weight[static_cast<std::size_t>(first + k)] += own;
                const auto sum = out.move.row(first + k);
                for (std::int64_t dim = 0; dim < n_dims; ++dim) sum[static_cast<std::size_t>(dim)] += own * (static_cast<double>(after(cell, dim)) - static_cast<double>(before(cell, dim)));
            }
        }
    });
    finish_means(n_clusters, weight, out.move);
    return out;
}

matrix::Dense<float> moved(const BatchMoves& moves, matrix::DenseView<const float> embedding, std::span<const std::int32_t> batch, Context& context) {
    matrix::Dense<float> out(embedding.n_rows, embedding.n_cols);
    const std::int64_t n_clusters = moves.centers.n_rows;
    parallel_blocks(context, embedding.n_rows, kBlockCells, [&](Block block) {
        const matrix::Dense<float> share = memberships_of(block, embedding, moves.centers);
        std::vector<double> sum(static_cast<std::size_t>(embedding.n_cols));
        for (std::int64_t row = 0; row < block.size(); ++row) {
            std::fill(sum.begin(), sum.end(), 0.0);
            const std::int64_t first = batch_of(batch, block.begin + row) * n_clusters;
            for (std::int64_t k = 0; k < n_clusters; ++k) {
                const auto own = static_cast<double>(share(row, k));
                if (own < kLeastShare) continue;
                const auto move = moves.move.row(first + k);
                for (std::size_t dim = 0; dim < sum.size(); ++dim) sum[dim] += own * move[dim];
            }
            const auto from = embedding.row(block.begin + row);
            const auto to = out.row(block.begin + row);
            for (std::size_t dim = 0; dim < sum.size(); ++dim) to[dim] = from[dim] + static_cast<float>(sum[dim]);
        }
    });
    return out;
}

}  // namespace morula::models
