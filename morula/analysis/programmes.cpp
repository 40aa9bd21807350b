#include "morula/analysis/programmes.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "morula/analysis/p_values.hpp"
#include "morula/core/error.hpp"
#include "morula/matrix/blas.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::analysis {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kMostInflation = 1e8;  // of a slope's variance by the other programmes; beyond, nothing can be told apart
constexpr double kNoVariance = 1e-12;   // of the sum of squares

/// Weights gene by gene, and their sums.
struct Design {
    double n_genes;
    std::vector<std::vector<std::pair<std::uint32_t, double>>> of_gene;  // (programme, weight)
    std::vector<double> mean;     // of each programme's weights over all genes
    std::vector<double> squares;  // sum of squares about it
};

Design make_design(std::int64_t n_genes, std::span<const WeightedGenes> programmes) {
    if (n_genes < 3) invalid_data(fmt::format("There are {} genes, and a line through them needs three.", n_genes), "Give all measured genes.");
    Design design{static_cast<double>(n_genes), std::vector<std::vector<std::pair<std::uint32_t, double>>>(static_cast<std::size_t>(n_genes)), {}, {}};
    for (std::size_t k = 0; k < programmes.size(); ++k) {
        const WeightedGenes& programme = programmes[k];
        MORULA_ASSERT(programme.genes.size() == programme.weights.size());
        double sum = 0.0, squares = 0.0;
        for (std::size_t i = 0; i < programme.genes.size(); ++i) {
            MORULA_ASSERT(programme.genes[i] >= 0 && programme.genes[i] < n_genes);
            design.of_gene[static_cast<std::size_t>(programme.genes[i])].emplace_back(static_cast<std::uint32_t>(k), programme.weights[i]);
            sum += programme.weights[i];
            squares += programme.weights[i] * programme.weights[i];
        }
        design.mean.push_back(sum / design.n_genes);
        design.squares.push_back(squares - sum * design.mean.back());
        if (!(design.squares.back() > kNoVariance * squares)) invalid_data(fmt::format("Programme '{}' has the same weight for every gene, so nothing can be set against it.", programme.name), "Leave it out, or give all measured genes.");
    }
    return design;
}

/// Of one row: mean, sum of squares about it, and the sums of products with each programme's weights about their means.
struct RowSums {
    double squares = 0.0;
    double raw_squares = 0.0;
};
RowSums row_sums(const Design& design, std::span<const std::uint32_t> genes, std::span<const float> values, std::span<double> products) {
    std::fill(products.begin(), products.end(), 0.0);
    double sum = 0.0, squares = 0.0;
    for (std::size_t i = 0; i < genes.size(); ++i) {
        const auto y = static_cast<double>(values[i]);
        sum += y;
        squares += y * y;
        for (const auto& [programme, weight] : design.of_gene[genes[i]]) products[programme] += weight * y;
    }
    for (std::size_t k = 0; k < products.size(); ++k) products[k] -= design.mean[k] * sum;
    return {squares - sum * sum / design.n_genes, squares};
}

/// t of a slope: b / se, from the residual sum of squares.
double t_of(double slope, double variance_factor, double residual, double df) {
    if (residual > 0.0) return slope / std::sqrt(variance_factor * residual / df);
    return slope == 0.0 ? kMissing : std::copysign(std::numeric_limits<double>::infinity(), slope);
}

ActivityResult empty_result(std::int64_t n_rows, std::size_t n_programmes, double df, Context& context) {
    context.require_memory(static_cast<std::int64_t>(sizeof(float)) * n_rows * static_cast<std::int64_t>(n_programmes), "activities");
    return {matrix::Dense<float>(n_rows, static_cast<std::int64_t>(n_programmes)), df};
}

/// Inverse of the programmes' sums of products about their means.
matrix::Dense<double> inverse_of_products(const Design& design, std::span<const WeightedGenes> programmes) {
    const auto k = std::ssize(programmes);
    matrix::Dense<double> products(k, k);
    for (const auto& weights : design.of_gene) {
        for (const auto& [a, weight_a] : weights) {
            for (const auto& [b, weight_b] : weights) products(a, b) += weight_a * weight_b;
        }
    }
    matrix::Dense<double> inverse(k, k);
    // Scaled to a unit diagonal, so that weights of any size are alike to the solver.
    std::vector<double> scale;
    for (const double squares : design.squares) scale.push_back(1.0 / std::sqrt(squares));
    const auto s = [&](std::int64_t i) { return scale[static_cast<std::size_t>(i)]; };
    for (std::int64_t a = 0; a < k; ++a) {
        inverse(a, a) = 1.0;
        for (std::int64_t b = 0; b < k; ++b) products(a, b) = (products(a, b) - design.n_genes * design.mean[static_cast<std::size_t>(a)] * design.mean[static_cast<std::size_t>(b)]) * s(a) * s(b);
    }
    for (std::int64_t a = 0; a < k; ++a) {
        for (std::int64_t b = a + 1; b < k; ++b) {
            if (std::abs(products(a, b)) < 1.0 - 1.0 / kMostInflation) continue;
            invalid_data(fmt::format("Programmes '{}' and '{}' have the same genes and weights, so mlm cannot tell them apart.", programmes[static_cast<std::size_t>(a)].name, programmes[static_cast<std::size_t>(b)].name), "Leave one out, or take --method ulm.");
        }
    }
    const std::string next = "Leave out programmes that are made of others, or take --method ulm.";
    try {
        matrix::solve_spd(std::move(products), inverse);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::invalid_data) throw;
        invalid_data("Some programmes follow from others, so mlm cannot tell them apart.", next);
    }
    for (std::int64_t a = 0; a < k; ++a) {
        if (!(inverse(a, a) < kMostInflation)) invalid_data(fmt::format("Programme '{}' follows from the others, so mlm cannot tell them apart.", programmes[static_cast<std::size_t>(a)].name), next);
        for (std::int64_t b = 0; b < k; ++b) inverse(a, b) *= s(a) * s(b);
    }
    return inverse;
}

/// |z| of a two-sided p. sqrt(-2 ln p) is above it, and log p is concave in z, so Newton's steps come down to it without passing it.
double normal_quantile(double log10_p) {
    double z = std::sqrt(-2.0 * std::numbers::ln10 * log10_p);
    for (int i = 0; i < 60; ++i) {
        const double log10_here = log10_p_normal(z);
        const double log_density = std::log(2.0) - 0.5 * z * z - 0.5 * std::log(2.0 * std::numbers::pi);
        const double slope = -std::exp(log_density - log10_here * std::numbers::ln10) / std::numbers::ln10;
        const double step = (log10_here - log10_p) / slope;
        z = std::max(0.0, z - step);
        if (std::abs(step) <= 1e-14 * z) break;
    }
    return z;
}

}  // namespace

ActivityResult ulm(const matrix::RowBlockSource& values, std::span<const WeightedGenes> programmes, Context& context) {
    const Design design = make_design(values.n_cols(), programmes);
    const double df = design.n_genes - 2.0;
    ActivityResult result = empty_result(values.n_rows(), programmes.size(), df, context);
    matrix::for_each_tile(values, context, [&](const matrix::CsrView& tile, std::int64_t first_row) {
        std::vector<double> products(programmes.size());
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            const RowSums sums = row_sums(design, tile.row_indices(row), tile.row_values(row), products);
            const bool varies = sums.squares > kNoVariance * sums.raw_squares;
            for (std::size_t k = 0; k < products.size(); ++k) {
                const double slope = products[k] / design.squares[k];
                result.t(first_row + row, static_cast<std::int64_t>(k)) = static_cast<float>(varies ? t_of(slope, 1.0 / design.squares[k], sums.squares - slope * products[k], df) : kMissing);
            }
        }
    });
    return result;
}

ActivityResult mlm(const matrix::RowBlockSource& values, std::span<const WeightedGenes> programmes, Context& context) {
    const Design design = make_design(values.n_cols(), programmes);
    const auto k = std::ssize(programmes);
    const double df = design.n_genes - static_cast<double>(k) - 1.0;
    if (df < 1.0) invalid_data(fmt::format("{} programmes cannot be fitted at once to {} genes.", k, values.n_cols()), "Give fewer programmes, all measured genes, or --method ulm.");
    context.require_memory(3 * static_cast<std::int64_t>(sizeof(double)) * k * k, "mlm");
    const matrix::Dense<double> inverse = inverse_of_products(design, programmes);
    ActivityResult result = empty_result(values.n_rows(), programmes.size(), df, context);
    matrix::for_each_tile(values, context, [&](const matrix::CsrView& tile, std::int64_t first_row) {
        matrix::Dense<double> products(tile.n_rows, k), slopes(tile.n_rows, k);
        std::vector<RowSums> sums;
        for (std::int64_t row = 0; row < tile.n_rows; ++row) sums.push_back(row_sums(design, tile.row_indices(row), tile.row_values(row), products.row(row)));
        matrix::gemm(1.0, products.view(), matrix::Transpose::no, inverse.view(), matrix::Transpose::no, 0.0, slopes.view());
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            const RowSums& own = sums[static_cast<std::size_t>(row)];
            double residual = own.squares;
            for (std::int64_t j = 0; j < k; ++j) residual -= slopes(row, j) * products(row, j);
            const bool varies = own.squares > kNoVariance * own.raw_squares;
            for (std::int64_t j = 0; j < k; ++j) result.t(first_row + row, j) = static_cast<float>(varies ? t_of(slopes(row, j), inverse(j, j), residual, df) : kMissing);
        }
    });
    return result;
}

std::vector<Enrichment> enrichment(std::span<const double> statistic, std::span<const WeightedGenes> programmes, double correlation) {
    const Design design = make_design(std::ssize(statistic), programmes);
    const double df = design.n_genes - 2.0;
    double mean = 0.0, squares = 0.0;
    for (const double z : statistic) mean += z / design.n_genes;
    for (const double z : statistic) squares += (z - mean) * (z - mean);
    std::vector<Enrichment> out;
    for (std::size_t k = 0; k < programmes.size(); ++k) {
        const WeightedGenes& programme = programmes[k];
        double product = 0.0, weights = 0.0, weight_squares = 0.0;
        for (std::size_t i = 0; i < programme.genes.size(); ++i) {
            product += programme.weights[i] * (statistic[static_cast<std::size_t>(programme.genes[i])] - mean);
            weights += std::abs(programme.weights[i]);
            weight_squares += programme.weights[i] * programme.weights[i];
        }
        Enrichment each;
        each.effect = product / design.squares[k];
        const double independent = squares > 0.0 ? t_of(each.effect, 1.0 / design.squares[k], squares - each.effect * product, df) : kMissing;
        const double inflation = correlation * (weights * weights / weight_squares - 1.0);
        each.t = independent / std::sqrt(1.0 + inflation * design.squares[k] / weight_squares);
        each.p = std::pow(10.0, log10_p_student(each.t, df));
        each.p_independent = std::pow(10.0, log10_p_student(independent, df));
        out.push_back(each);
    }
    return out;
}

double signed_z(double log10_p, double effect) {
    if (std::isnan(log10_p) || std::isnan(effect)) return kMissing;
    constexpr double least = -300.0;  // beyond, a table holds 0
    return std::copysign(normal_quantile(std::max(std::min(log10_p, 0.0), least)), effect);
}

}  // namespace morula::analysis
