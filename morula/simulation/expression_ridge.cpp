#include "morula/simulation/expression_ridge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/blas.hpp"

namespace morula::simulation {
namespace {

constexpr std::int32_t kMostRounds = 100;
/// Of the mean variance, added to each: levels read off a few dimensions vary in no more directions than these.
constexpr double kSmallest = 1e-3;

/// Mean and standard deviation (divided by n) of each gene.
struct Spread {
    std::vector<double> mean, deviation;
};

Spread spread_of(matrix::DenseView<const float> values) {
    const auto n_genes = static_cast<std::size_t>(values.n_cols);
    const auto n = static_cast<double>(values.n_rows);
    Spread spread{std::vector<double>(n_genes, 0.0), std::vector<double>(n_genes, 0.0)};
    for (std::int64_t cell = 0; cell < values.n_rows; ++cell) {
        const auto row = values.row(cell);
        for (std::size_t gene = 0; gene < n_genes; ++gene) {
            if (!std::isfinite(row[gene])) invalid_data(fmt::format("Level of gene number {} in cell number {} is no number.", gene + 1, cell + 1), "Look for NaN in the data.");
            spread.mean[gene] += static_cast<double>(row[gene]) / n;
        }
    }
    for (std::int64_t cell = 0; cell < values.n_rows; ++cell) {
        const auto row = values.row(cell);
        for (std::size_t gene = 0; gene < n_genes; ++gene) spread.deviation[gene] += std::pow(static_cast<double>(row[gene]) - spread.mean[gene], 2.0) / n;
    }
    for (double& deviation : spread.deviation) deviation = std::sqrt(deviation);
    return spread;
}

void fit_gene(matrix::DenseView<const float> values, const Spread& spread, std::size_t gene, double penalty, RegulatorWeights& fitted) {
    // A regulator that does not vary tells nothing.
    std::vector<std::int32_t>& own = fitted.regulators[gene];
    std::erase_if(own, [&](std::int32_t regulator) { return !(spread.deviation[static_cast<std::size_t>(regulator)] > 0.0); });
    fitted.weights[gene].assign(own.size(), 0.0);
    if (own.empty() || !(spread.deviation[gene] > 0.0)) return;
    const auto k = static_cast<std::int64_t>(own.size());
    matrix::Dense<double> gram(k, k), cross(k, 1);
    std::vector<double> scaled(own.size());
    for (std::int64_t cell = 0; cell < values.n_rows; ++cell) {
        const auto row = values.row(cell);
        for (std::size_t r = 0; r < own.size(); ++r) {
            const auto regulator = static_cast<std::size_t>(own[r]);
            scaled[r] = (static_cast<double>(row[regulator]) - spread.mean[regulator]) / spread.deviation[regulator];
        }
        const double y = static_cast<double>(row[gene]) - spread.mean[gene];
        for (std::int64_t a = 0; a < k; ++a) {
            for (std::int64_t b = 0; b < k; ++b) gram(a, b) += scaled[static_cast<std::size_t>(a)] * scaled[static_cast<std::size_t>(b)];
            cross(a, 0) += scaled[static_cast<std::size_t>(a)] * y;
        }
    }
    const matrix::Dense<double> unpenalized = gram, with_gene = cross;
    for (std::int64_t a = 0; a < k; ++a) gram(a, a) += penalty;
    matrix::solve_spd(std::move(gram), cross);
    double left = static_cast<double>(values.n_rows) * spread.deviation[gene] * spread.deviation[gene];
    const double total = left;
    for (std::int64_t a = 0; a < k; ++a) {
        left -= 2.0 * cross(a, 0) * with_gene(a, 0);
        for (std::int64_t b = 0; b < k; ++b) left += cross(a, 0) * unpenalized(a, b) * cross(b, 0);
        fitted.weights[gene][static_cast<std::size_t>(a)] = cross(a, 0) / spread.deviation[static_cast<std::size_t>(own[static_cast<std::size_t>(a)])];
    }
    fitted.explained[gene] = std::clamp(1.0 - left / total, 0.0, 1.0);
}

}  // namespace

RegulatorWeights fit_regulators(matrix::DenseView<const float> values, const std::vector<std::vector<std::int32_t>>& regulators, const RidgeOptions& options, Context& context) {
    const auto n_genes = static_cast<std::size_t>(values.n_cols);
    MORULA_ASSERT(regulators.size() == n_genes);
    if (values.n_rows < 3) invalid_data(fmt::format("{} cells are too few to fit regulators on.", values.n_rows), "Give data with more cells of the type.");
    if (!(options.penalty > 0.0) || !std::isfinite(options.penalty)) invalid_data(fmt::format("The penalty is {}.", options.penalty), "Give a number above 0.");
    RegulatorWeights fitted{.n_genes = values.n_cols, .regulators = regulators, .weights = std::vector<std::vector<double>>(n_genes), .explained = std::vector<double>(n_genes, 0.0)};
    for (std::size_t gene = 0; gene < n_genes; ++gene) {
        std::vector<std::int32_t>& own = fitted.regulators[gene];
        std::sort(own.begin(), own.end());
        own.erase(std::unique(own.begin(), own.end()), own.end());
        std::erase(own, static_cast<std::int32_t>(gene));
        if (!own.empty() && (own.front() < 0 || own.back() >= values.n_cols)) invalid_data(fmt::format("Gene number {} is regulated by one that is not there.", gene + 1), "Name genes of the data.");
    }
    const Spread spread = spread_of(values);
    parallel_blocks(context, values.n_cols, 1, [&](Block block) {
        for (std::int64_t gene = block.begin; gene < block.end; ++gene) fit_gene(values, spread, static_cast<std::size_t>(gene), options.penalty, fitted);
    });
    return fitted;
}

std::vector<double> carried_change(const RegulatorWeights& weights, std::vector<double> change, std::span<const std::int32_t> held, std::int32_t rounds) {
    MORULA_ASSERT(std::ssize(change) == weights.n_genes);
    if (rounds < 0 || rounds > kMostRounds) invalid_data(fmt::format("A change is to be carried {} rounds.", rounds), fmt::format("Give 0 to {}.", kMostRounds));
    const std::vector<double> done = change;
    for (std::int32_t round = 0; round < rounds; ++round) {
        std::vector<double> next(change.size(), 0.0);
        for (std::size_t gene = 0; gene < change.size(); ++gene) {
            for (std::size_t r = 0; r < weights.regulators[gene].size(); ++r) next[gene] += weights.weights[gene][r] * change[static_cast<std::size_t>(weights.regulators[gene][r])];
        }
        for (const std::int32_t gene : held) next[static_cast<std::size_t>(gene)] = done[static_cast<std::size_t>(gene)];
        change = std::move(next);
    }
    return change;
}

namespace {

/// Of the levels of a type's metacells, each weighed by its measured cells.
struct Cloud {
    std::vector<double> mean;
    matrix::Dense<double> covariance;
};

Cloud cloud_of(const Regulation& regulation, const ExpressionKernel& kernel, std::int32_t type) {
    const std::int64_t n_genes = regulation.levels.n_cols;
    Cloud cloud{std::vector<double>(static_cast<std::size_t>(n_genes), 0.0), matrix::Dense<double>(n_genes, n_genes)};
    const auto n = static_cast<double>(kernel.n_measured(type));
    for (std::int64_t m = kernel.type_begin(type); m < kernel.type_end(type); ++m) {
        for (std::int64_t gene = 0; gene < n_genes; ++gene) cloud.mean[static_cast<std::size_t>(gene)] += static_cast<double>(kernel.n_cells(m)) / n * static_cast<double>(regulation.levels(m, gene));
    }
    for (std::int64_t m = kernel.type_begin(type); m < kernel.type_end(type); ++m) {
        const double share = static_cast<double>(kernel.n_cells(m)) / n;
        for (std::int64_t a = 0; a < n_genes; ++a) {
            const double of_a = share * (static_cast<double>(regulation.levels(m, a)) - cloud.mean[static_cast<std::size_t>(a)]);
            for (std::int64_t b = 0; b < n_genes; ++b) cloud.covariance(a, b) += of_a * (static_cast<double>(regulation.levels(m, b)) - cloud.mean[static_cast<std::size_t>(b)]);
        }
    }
    return cloud;
}

void shift_type(const Regulation& regulation, const ExpressionKernel& kernel, std::int32_t type, std::span<const GeneFactor> factors, std::vector<float>& shift) {
    const std::int64_t n_genes = regulation.levels.n_cols;
    Cloud cloud = cloud_of(regulation, kernel, type);
    std::vector<double> change(static_cast<std::size_t>(n_genes), 0.0);
    std::vector<std::int32_t> held;
    for (const GeneFactor& own : factors) {
        if (own.type != type) continue;
        change[static_cast<std::size_t>(own.gene)] = (own.factor - 1.0) * cloud.mean[static_cast<std::size_t>(own.gene)];
        held.push_back(own.gene);
    }
    if (held.empty()) return;
    change = carried_change(regulation.of_type[static_cast<std::size_t>(type)], std::move(change), held, regulation.rounds);
    double trace = 0.0;
    for (std::int64_t gene = 0; gene < n_genes; ++gene) trace += cloud.covariance(gene, gene);
    if (!(trace > 0.0)) return;  // one metacell: there is nowhere to go
    for (std::int64_t gene = 0; gene < n_genes; ++gene) cloud.covariance(gene, gene) += kSmallest * trace / static_cast<double>(n_genes);
    matrix::Dense<double> pull(n_genes, 1);
    pull.values = change;
    matrix::solve_spd(std::move(cloud.covariance), pull);
    for (std::int64_t m = kernel.type_begin(type); m < kernel.type_end(type); ++m) {
        double sum = 0.0;
        for (std::int64_t gene = 0; gene < n_genes; ++gene) sum += pull(gene, 0) * (static_cast<double>(regulation.levels(m, gene)) - cloud.mean[static_cast<std::size_t>(gene)]);
        shift[static_cast<std::size_t>(m)] = static_cast<float>(regulation.strength * sum);
    }
}

}  // namespace

std::vector<float> shift_of_states(const Regulation& regulation, const ExpressionKernel& kernel, std::span<const GeneFactor> factors) {
    MORULA_ASSERT(regulation.levels.n_rows == kernel.n_metacells() && regulation.levels.n_cols == std::ssize(regulation.genes));
    std::vector<float> shift(static_cast<std::size_t>(kernel.n_metacells()), 0.0F);
    for (std::int32_t type = 0; type < std::min(kernel.n_types(), static_cast<std::int32_t>(regulation.of_type.size())); ++type) {
        if (kernel.has_states(type)) shift_type(regulation, kernel, type, factors, shift);
    }
    return shift;
}

}  // namespace morula::simulation
