#include "morula/analysis/batch_mixing.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "morula/analysis/averages.hpp"
#include "morula/analysis/even_sample.hpp"
#include "morula/analysis/neighbors.hpp"
#include "morula/analysis/p_values.hpp"
#include "morula/analysis/silhouette.hpp"

namespace morula::analysis {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kRefusedBelow = 0.05;
constexpr std::int64_t kFewestCells = 10;
constexpr std::int64_t kFewestTested = 10;
constexpr std::int64_t kMostTested = 70;

struct BatchShares {
    std::vector<double> share;
    std::int32_t n_present = 0;
};
BatchShares shares_of(std::span<const std::int32_t> batch, std::int32_t n_batches) {
    std::vector<std::int64_t> n(static_cast<std::size_t>(n_batches), 0);
    for (const std::int32_t code : batch) ++n[static_cast<std::size_t>(code)];
    BatchShares out;
    for (const std::int64_t cells : n) {
        out.share.push_back(static_cast<double>(cells) / static_cast<double>(batch.size()));
        out.n_present += cells > 0;
    }
    return out;
}

}  // namespace

double batch_test_p(std::span<const std::int64_t> n_in_batch, std::span<const double> share) {
    double n_cells = 0.0;
    for (const std::int64_t n : n_in_batch) n_cells += static_cast<double>(n);
    double statistic = 0.0;
    double df = -1.0;
    for (std::size_t b = 0; b < share.size(); ++b) {
        if (share[b] <= 0.0) continue;
        const double expected = share[b] * n_cells;
        const double difference = static_cast<double>(n_in_batch[b]) - expected;
        if (expected > 0.0) statistic += difference * difference / expected;
        df += 1.0;
    }
    return df < 1.0 ? 1.0 : std::pow(10.0, log10_p_chi_squared(statistic, df));
}

std::int32_t tested_neighbors(std::int64_t n_cells, std::int32_t n_batches) {
    const std::int64_t quarter = n_cells / std::max(1, n_batches) / 4;
    return static_cast<std::int32_t>(std::min(n_cells - 1, std::clamp(quarter, kFewestTested, kMostTested)));
}

double batch_acceptance(matrix::DenseView<const float> embedding, std::span<const std::int32_t> batch, std::int32_t n_batches, std::int64_t max_cells, Context& context) {
    const BatchShares batches = shares_of(batch, n_batches);
    if (batches.n_present < 2 || embedding.n_rows < kFewestCells) return kMissing;
    const std::vector<std::int64_t> cells = even_sample(embedding.n_rows, max_cells);
    const std::int32_t n_tested = tested_neighbors(embedding.n_rows, batches.n_present);
    const NeighborsResult near = neighbors_of(embedding, cells, {.n_neighbors = n_tested + 1, .method = NeighborsMethod::exact}, context);
    std::vector<std::int64_t> n(batches.share.size());
    std::int64_t n_accepted = 0;
    for (std::int64_t row = 0; row < near.index.n_rows; ++row) {
        std::ranges::fill(n, 0);
        for (const std::uint32_t other : near.index.row(row)) ++n[static_cast<std::size_t>(batch[other])];
        n_accepted += batch_test_p(n, batches.share) >= kRefusedBelow;
    }
    return static_cast<double>(n_accepted) / static_cast<double>(cells.size());
}

double batch_silhouette(matrix::DenseView<const float> embedding, std::span<const std::int32_t> batch, std::int32_t n_batches, std::int64_t max_cells, Context& context) {
    const std::int32_t n_present = shares_of(batch, n_batches).n_present;
    if (n_present < 2 || n_present == embedding.n_rows) return kMissing;
    std::vector<double> overlap = silhouette_widths(embedding, batch, n_batches, even_sample(embedding.n_rows, max_cells), context);
    for (double& width : overlap) width = 1.0 - std::abs(width);
    return mean_of(overlap);
}

}  // namespace morula::analysis
