// Flavors seurat_v3: variance of counts standardized by the LOESS trend of variance on mean, large values clipped (Stuart et al. 2019).
#include <cmath>

#include <fmt/format.h>

#include "morula/analysis/hvg_flavors.hpp"
#include "morula/analysis/loess.hpp"
#include "morula/core/error.hpp"
#include "morula/matrix/tiles.hpp"
#include "morula/matrix/whole_numbers.hpp"

namespace morula::analysis {
namespace {

constexpr float kWholeFrom = 8388608.0f;  // 2^23: from here on every float is a whole number; adding it rounds the fraction of smaller ones away
constexpr float kMostCounts = 4294967296.0f;

/// std::floor without its call (plain x86-64 has no rounding instruction).
bool is_count(float value) { return value >= 0.0f && value <= kMostCounts && (value >= kWholeFrom || (value + kWholeFrom) - kWholeFrom == value); }

void check_row(std::span<const std::uint32_t> genes, std::span<const float> values, std::int64_t cell) {
    for (std::size_t i = 0; i < genes.size(); ++i) {
        if (is_count(values[i])) continue;
        invalid_data(fmt::format("Cell {}, gene {} holds {}, which is not a count; the seurat_v3 flavors need raw counts.", cell, genes[i], values[i]),
                     "Choose the layer with raw counts, or take flavor seurat for log-normalized values.");
    }
}

/// Sums of counts and of squares, side by side for the cache.
std::vector<double> count_sums(const matrix::RowBlockSource& counts, Context& context) {
    return matrix::sum_tiles(counts, 2 * counts.n_cols(), context, [&](const matrix::CsrView& tile, std::int64_t first_row, std::span<double> of_gene) {
        for (std::int64_t r = 0; r < tile.n_rows; ++r) {
            const auto genes = tile.row_indices(r);
            const auto values = tile.row_values(r);
            matrix::WholeNumbers numbers;
            for (const float value : values) numbers.take(value);
            if (!numbers.all_below_2_to(23)) check_row(genes, values, first_row + r);  // larger ones and -0 are counts too
            for (std::size_t i = 0; i < genes.size(); ++i) {
                const double x = static_cast<double>(values[i]);
                const std::size_t at = 2 * static_cast<std::size_t>(genes[i]);
                of_gene[at] += x;
                of_gene[at + 1] += x * x;
            }
        }
    });
}

/// What clipping takes away from the sum and from the sum of squares of each gene: few values reach the limit.
std::vector<double> clipped_away(const matrix::RowBlockSource& counts, const std::vector<double>& limit, Context& context) {
    return matrix::sum_tiles(counts, 2 * counts.n_cols(), context, [&](const matrix::CsrView& tile, std::int64_t, std::span<double> of_gene) {
        for (std::int64_t r = 0; r < tile.n_rows; ++r) {
            const auto genes = tile.row_indices(r);
            const auto values = tile.row_values(r);
            for (std::size_t i = 0; i < genes.size(); ++i) {
                const double x = static_cast<double>(values[i]);
                const double most = limit[genes[i]];
                if (x <= most) continue;
                of_gene[2 * static_cast<std::size_t>(genes[i])] += x - most;
                of_gene[2 * static_cast<std::size_t>(genes[i]) + 1] += x * x - most * most;
            }
        }
    });
}

/// Standard deviation that the trend expects of each gene; 1 for a gene that does not vary.
std::vector<double> expected_sd(const std::vector<double>& mean, const std::vector<double>& variance, double span, Context& context) {
    std::vector<double> x, y;
    std::vector<std::size_t> varying;
    for (std::size_t g = 0; g < mean.size(); ++g) {
        if (!(variance[g] > 0.0)) continue;
        varying.push_back(g);
        x.push_back(std::log10(mean[g]));
        y.push_back(std::log10(variance[g]));
    }
    std::vector<double> sd(mean.size(), 1.0);
    if (varying.empty()) return sd;
    const auto fitted = loess(x, y, span, context);
    for (std::size_t i = 0; i < varying.size(); ++i) sd[varying[i]] = std::sqrt(std::pow(10.0, fitted[i]));
    return sd;
}

}  // namespace

StandardizedGenes standardized_genes(const matrix::RowBlockSource& counts, double span, Context& context) {
    const auto sums = count_sums(counts, context);
    const double n = static_cast<double>(counts.n_rows());
    StandardizedGenes result;
    result.n_cells = counts.n_rows();
    std::vector<double> mean, variance;
    for (std::size_t at = 0; at < sums.size(); at += 2) {
        result.sum.push_back(sums[at]);
        result.sum_of_squares.push_back(sums[at + 1]);
        mean.push_back(sums[at] / n);
        variance.push_back((sums[at + 1] / n - mean.back() * mean.back()) * (n / (n - 1.0)));
    }
    const auto sd = expected_sd(mean, variance, span, context);
    std::vector<double> limit;
    for (std::size_t g = 0; g < mean.size(); ++g) limit.push_back(sd[g] * std::sqrt(n) + mean[g]);
    const auto away = clipped_away(counts, limit, context);
    for (std::size_t g = 0; g < mean.size(); ++g) {
        const double sum = result.sum[g] - away[2 * g];
        const double squares = result.sum_of_squares[g] - away[2 * g + 1];
        result.variance_norm.push_back((1.0 / ((n - 1.0) * sd[g] * sd[g])) * (n * mean[g] * mean[g] + squares - 2.0 * sum * mean[g]));
    }
    return result;
}

}  // namespace morula::analysis
