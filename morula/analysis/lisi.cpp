#include "morula/analysis/lisi.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/analysis/averages.hpp"
#include "morula/analysis/even_sample.hpp"
#include "morula/analysis/neighbors.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr std::int32_t kTries = 50;
constexpr double kCloseEnough = 1e-5;  // of the entropy
constexpr std::int64_t kBlockCells = 64;

struct Weights {
    std::vector<double> weight;  // not yet adding to one
    double sum = 0.0;
    double entropy = 0.0;
};

void weigh(std::span<const float> distance, double beta, Weights& out) {
    double spread = 0.0;
    out.sum = 0.0;
    out.weight.resize(distance.size());
    for (std::size_t i = 0; i < distance.size(); ++i) {
        const auto d = static_cast<double>(distance[i]);
        out.weight[i] = std::exp(-d * beta);
        out.sum += out.weight[i];
        spread += d * out.weight[i];
    }
    out.entropy = out.sum > 0.0 ? std::log(out.sum) + beta * spread / out.sum : 0.0;
}

/// Bisection for the bandwidth whose entropy is that of the wanted perplexity.
void fit_bandwidth(std::span<const float> distance, double log_perplexity, Weights& out) {
    constexpr double kNone = std::numeric_limits<double>::infinity();
    double beta = 1.0;
    double low = -kNone;
    double high = kNone;
    weigh(distance, beta, out);
    for (std::int32_t t = 0; t < kTries && std::abs(out.entropy - log_perplexity) >= kCloseEnough; ++t) {
        if (out.entropy > log_perplexity) {
            low = beta;
            beta = high == kNone ? beta * 2.0 : (beta + high) / 2.0;
        } else {
            high = beta;
            beta = low == -kNone ? beta / 2.0 : (beta + low) / 2.0;
        }
        weigh(distance, beta, out);
    }
}

double inverse_simpson(std::span<const double> share) {
    double sum = 0.0;
    for (const double s : share) sum += s * s;
    return 1.0 / sum;
}

void check_groups(matrix::DenseView<const float> embedding, std::span<const std::int32_t> group, std::int32_t n_groups) {
    if (static_cast<std::int64_t>(group.size()) != embedding.n_rows) invalid_data(fmt::format("There are {} codes for {} cells.", group.size(), embedding.n_rows), "Give one code a cell.");
    if (embedding.n_rows < 3) invalid_data(fmt::format("Mixing cannot be measured among {} cells.", embedding.n_rows), "Give at least 3 cells.");
    for (const std::int32_t code : group) {
        if (code < 0 || code >= n_groups) invalid_data(fmt::format("A code is {}, codes go from 0 to {}.", code, n_groups - 1), "Give every cell a group.");
    }
}

}  // namespace

LisiResult lisi(matrix::DenseView<const float> embedding, std::span<const std::int32_t> group, std::int32_t n_groups, const LisiOptions& options, Context& context) {
    check_groups(embedding, group, n_groups);
    const std::int64_t n_cells = embedding.n_rows;
    LisiResult result;
    result.cell = even_sample(n_cells, options.max_cells);
    const std::int64_t n_others = std::min(n_cells - 1, static_cast<std::int64_t>(std::llround(3.0 * options.perplexity)));
    const NeighborsResult near = neighbors_of(embedding, result.cell, {.n_neighbors = static_cast<std::int32_t>(n_others) + 1, .method = NeighborsMethod::exact}, context);
    result.lisi.resize(result.cell.size());
    parallel_blocks(context, std::ssize(result.cell), kBlockCells, [&](Block block) {
        Weights weights;
        std::vector<double> share(static_cast<std::size_t>(n_groups));
        for (std::int64_t i = block.begin; i < block.end; ++i) {
            fit_bandwidth(near.distance.row(i), std::log(options.perplexity), weights);
            std::fill(share.begin(), share.end(), 0.0);
            for (std::size_t j = 0; j < weights.weight.size(); ++j) share[static_cast<std::size_t>(group[near.index.row(i)[j]])] += weights.weight[j] / weights.sum;
            result.lisi[static_cast<std::size_t>(i)] = inverse_simpson(share);
        }
    });
    result.median = median(result.lisi);
    std::vector<double> all(static_cast<std::size_t>(n_groups), 0.0);
    for (const std::int32_t code : group) all[static_cast<std::size_t>(code)] += 1.0 / static_cast<double>(n_cells);
    result.expected = inverse_simpson(all);
    return result;
}

}  // namespace morula::analysis
