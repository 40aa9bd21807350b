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

namespace morula::models {
namespace {

constexpr std::int64_t kQueryCells = 128;       // rows of a score tile
constexpr std::int64_t kCandidateCells = 768;   // columns: 384 KB, within the second-level cache
constexpr std::int64_t kSpare = 4;              // kept beyond the wanted ones: scores are rounded, the final order is by true distance
constexpr std::int64_t kRoom = 16;
constexpr std::int64_t kBlockCells = 1024;
constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();

/// Rows with their mean taken away and half the squared length as one more column: |y|^2 / 2 - x.y is then one GEMM and orders as the distance does.
matrix::Dense<float> candidates_of(matrix::DenseView<const float> reference, std::span<const float> mean, Context& context) {
    matrix::Dense<float> out(reference.n_rows, reference.n_cols + 1);
    parallel_blocks(context, reference.n_rows, kBlockCells, [&](Block block) {
        for (std::int64_t row = block.begin; row < block.end; ++row) {
            double squares = 0.0;
            for (std::int64_t dim = 0; dim < reference.n_cols; ++dim) {
                const float x = reference(row, dim) - mean[static_cast<std::size_t>(dim)];
                out(row, dim) = x;
                squares += static_cast<double>(x) * static_cast<double>(x);
            }
            out(row, reference.n_cols) = static_cast<float>(0.5 * squares);
        }
    });
    return out;
}

std::vector<float> column_means(matrix::DenseView<const float> rows) {
    std::vector<double> sum(static_cast<std::size_t>(rows.n_cols), 0.0);
    for (std::int64_t row = 0; row < rows.n_rows; ++row) {
        const auto values = rows.row(row);
        for (std::size_t dim = 0; dim < sum.size(); ++dim) sum[dim] += static_cast<double>(values[dim]);
    }
    std::vector<float> mean(sum.size());
    for (std::size_t dim = 0; dim < sum.size(); ++dim) mean[dim] = static_cast<float>(sum[dim] / static_cast<double>(rows.n_rows));
    return mean;
}

struct Neighbor {
    float distance;
    std::uint32_t place;
    bool operator<(const Neighbor& other) const { return distance < other.distance || (distance == other.distance && place < other.place); }
};

void write_row(matrix::DenseView<const float> reference, std::span<const float> query, analysis::BestScores& best, std::int64_t row, NearestCells& out) {
    best.select();
    std::vector<Neighbor> found;
    for (const analysis::Scored candidate : best.candidates()) {
        const std::uint32_t place = analysis::id_of(candidate);
        found.push_back({std::sqrt(analysis::squared_distance(query, reference.row(std::int64_t{place}))), place});
    }
    std::sort(found.begin(), found.end());
    for (std::int64_t i = 0; i < out.index.n_cols; ++i) {
        out.index(row, i) = found[static_cast<std::size_t>(i)].place;
        out.distance(row, i) = found[static_cast<std::size_t>(i)].distance;
    }
}

enum class Self { none, own_place };

/// One tile of queries against all candidates.
void search_block(const Block& block, matrix::DenseView<const float> reference, const matrix::Dense<float>& candidates, matrix::DenseView<const float> query, std::span<const float> mean,
                  Self self, NearestCells& out) {
    const std::int64_t width = candidates.n_cols;
    const std::int64_t wanted = std::min(out.index.n_cols + kSpare, reference.n_rows - (self == Self::own_place ? 1 : 0));
    matrix::Dense<float> left(block.size(), width);
    for (std::int64_t row = 0; row < block.size(); ++row) {
        for (std::int64_t dim = 0; dim + 1 < width; ++dim) left(row, dim) = mean[static_cast<std::size_t>(dim)] - query(block.begin + row, dim);
        left(row, width - 1) = 1.0F;
    }
    matrix::Dense<float> scores(block.size(), kCandidateCells);
    matrix::Dense<analysis::Scored> room(block.size(), 2 * wanted + kRoom);
    std::vector<analysis::BestScores> best;
    for (std::int64_t row = 0; row < block.size(); ++row) best.push_back({.room = room.row(row), .wanted = static_cast<std::int32_t>(wanted)});
    for (std::int64_t from = 0; from < reference.n_rows; from += kCandidateCells) {
        const std::int64_t n = std::min(kCandidateCells, reference.n_rows - from);
        matrix::gemm_strided(block.size(), n, width, 1.0F, left.values.data(), width, matrix::Transpose::no, candidates.values.data() + from * width, width, matrix::Transpose::yes, 0.0F,
                             scores.values.data(), kCandidateCells);
        for (std::int64_t row = 0; row < block.size(); ++row) {
            const std::uint32_t own = self == Self::own_place ? static_cast<std::uint32_t>(block.begin + row) : kNobody;
            analysis::keep_best(scores.row(row).first(static_cast<std::size_t>(n)), static_cast<std::uint32_t>(from), own, best[static_cast<std::size_t>(row)]);
        }
    }
    for (std::int64_t row = 0; row < block.size(); ++row) write_row(reference, query.row(block.begin + row), best[static_cast<std::size_t>(row)], block.begin + row, out);
}

NearestCells search(matrix::DenseView<const float> reference, matrix::DenseView<const float> query, std::int32_t k, Self self, Context& context) {
    if (reference.n_cols != query.n_cols) {
        invalid_data(fmt::format("The reference has {} dimensions, the query {}.", reference.n_cols, query.n_cols), "Embed both in one space.");
    }
    const std::int64_t there = reference.n_rows - (self == Self::own_place ? 1 : 0);
    if (there < k) invalid_data(fmt::format("The reference has {} cells to compare with; {} nearest ones are wanted.", there, k), "Give a larger reference, or lower --n-neighbors.");
    analysis::require_finite(reference, "the reference's embedding", context);
    analysis::require_finite(query, "the query's embedding", context);
    const std::vector<float> mean = column_means(reference);
    const matrix::Dense<float> candidates = candidates_of(reference, mean, context);
    NearestCells out{matrix::Dense<std::uint32_t>(query.n_rows, k), matrix::Dense<float>(query.n_rows, k)};
    parallel_blocks(context, query.n_rows, kQueryCells, [&](Block block) { search_block(block, reference, candidates, query, mean, self, out); });
    return out;
}

}  // namespace

NearestCells nearest_cells(matrix::DenseView<const float> reference, matrix::DenseView<const float> query, std::int32_t k, Context& context) {
    return search(reference, query, k, Self::none, context);
}

NearestCells nearest_others(matrix::DenseView<const float> cells, std::int32_t k, Context& context) { return search(cells, cells, k, Self::own_place, context); }

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
