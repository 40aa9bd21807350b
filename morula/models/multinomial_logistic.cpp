#include "morula/models/multinomial_logistic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/models/label_sums_simd.hpp"
#include "morula/models/lbfgs.hpp"

namespace morula::models {
namespace {

constexpr std::int64_t kBlockCells = 256;
constexpr std::int64_t kBlockGenes = 64;

/// The same entries gene by gene, cells ascending.
struct ByGene {
    std::vector<std::int64_t> begin;  // n_genes + 1
    std::vector<std::uint32_t> cell;
    std::vector<float> value;
};

ByGene by_gene(const matrix::CsrView& values) {
    ByGene out;
    out.begin.assign(static_cast<std::size_t>(values.n_cols) + 1, 0);
    for (std::int64_t row = 0; row < values.n_rows; ++row) {
        for (const std::uint32_t gene : values.row_indices(row)) ++out.begin[std::size_t{gene} + 1];
    }
    for (std::size_t gene = 1; gene < out.begin.size(); ++gene) out.begin[gene] += out.begin[gene - 1];
    out.cell.resize(static_cast<std::size_t>(values.nnz()));
    out.value.resize(out.cell.size());
    std::vector<std::int64_t> next(out.begin.begin(), out.begin.end() - 1);
    for (std::int64_t row = 0; row < values.n_rows; ++row) {
        const auto genes = values.row_indices(row);
        const auto numbers = values.row_values(row);
        for (std::size_t i = 0; i < genes.size(); ++i) {
            const auto place = static_cast<std::size_t>(next[genes[i]]++);
            out.cell[place] = static_cast<std::uint32_t>(row);
            out.value[place] = numbers[i];
        }
    }
    return out;
}

/// Mean of each gene; what it is divided by while the optimizer works, its standard deviation in either scaling (columns of one size: components of a PCA, whose
/// variances span a factor of a hundred, would else take hundreds of steps), as a factor, 0 for a constant gene, which has no weight; and how much the square of a
/// weight on that scale counts in the penalty.
struct Scaling {
    std::vector<double> mean;
    std::vector<double> factor;
    std::vector<double> penalty;
};

Scaling scaling_of(const ByGene& genes, std::int64_t n_cells, LogisticScaling wanted) {
    const std::size_t n_genes = genes.begin.size() - 1;
    Scaling scaling{std::vector<double>(n_genes), std::vector<double>(n_genes), std::vector<double>(n_genes, 1.0)};
    const auto n = static_cast<double>(n_cells);
    for (std::size_t gene = 0; gene < n_genes; ++gene) {
        const auto first = static_cast<std::size_t>(genes.begin[gene]);
        const auto last = static_cast<std::size_t>(genes.begin[gene + 1]);
        double sum = 0.0;
        for (std::size_t i = first; i < last; ++i) sum += static_cast<double>(genes.value[i]);
        const double mean = sum / n;
        double squares = (n - static_cast<double>(last - first)) * mean * mean;
        for (std::size_t i = first; i < last; ++i) squares += (static_cast<double>(genes.value[i]) - mean) * (static_cast<double>(genes.value[i]) - mean);
        const double variance = squares / n;
        scaling.mean[gene] = mean;
        if (variance <= 1e-12 * mean * mean) continue;
        scaling.factor[gene] = 1.0 / std::sqrt(variance);
        if (wanted == LogisticScaling::centre) scaling.penalty[gene] = 1.0 / variance;
    }
    return scaling;
}

/// Weights on values as they come: scale folded in, and what centring subtracts moved to the intercepts.
void fold_scaling(std::span<const double> x, const Scaling& scaling, std::int64_t n_labels, matrix::Dense<double>& weights, std::vector<double>& intercept) {
    const auto k = static_cast<std::size_t>(n_labels);
    const std::size_t n_genes = scaling.mean.size();
    std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(n_genes * k), k, intercept.begin());
    for (std::size_t gene = 0; gene < n_genes; ++gene) {
        const auto row = weights.row(static_cast<std::int64_t>(gene));
        for (std::size_t label = 0; label < k; ++label) {
            row[label] = x[gene * k + label] * scaling.factor[gene];
            intercept[label] -= row[label] * scaling.mean[gene];
        }
    }
}

/// Probabilities of a cell in row, which is padded as the weights are, with what is behind the labels zero; returns ln p(label).
double probabilities_of(std::span<const std::uint32_t> ids, std::span<const float> values, const matrix::Dense<double>& weights, std::span<const double> intercept, std::size_t label,
                        std::span<double> row) {
    std::fill(std::copy(intercept.begin(), intercept.end(), row.begin()), row.end(), 0.0);
    add_scaled_rows(ids, values, weights.values.data(), row);
    const auto own = row.first(intercept.size());
    const double most = *std::max_element(own.begin(), own.end());
    const double asked = own[label] - most;
    double sum = 0.0;
    for (double& each : own) sum += each = std::exp(each - most);
    for (double& each : own) each /= sum;
    return asked - std::log(sum);
}

/// Sum of the losses and the penalty, and their gradient, both divided by the number of cells.
class Objective {
public:
    Objective(const matrix::CsrView& values, std::span<const std::int32_t> label, std::int64_t n_labels, const MultinomialLogisticOptions& options, Context& context)
        : values_(values), label_(label), k_(n_labels), l2_(options.l2), context_(context), genes_(by_gene(values)), scaling_(scaling_of(genes_, values.n_rows, options.scaling)),
          weights_(values.n_cols, padded_labels(n_labels)), intercept_(static_cast<std::size_t>(n_labels)), residual_(values.n_rows, padded_labels(n_labels)) {}

    std::int64_t size() const { return (values_.n_cols + 1) * k_; }
    const Scaling& scaling() const { return scaling_; }

    double operator()(std::span<const double> x, std::span<double> gradient) {
        fold_scaling(x, scaling_, k_, weights_, intercept_);
        const double loss = fill_residuals();
        const std::vector<double> total = residual_sums();
        const auto n = static_cast<double>(values_.n_rows);
        parallel_blocks(context_, values_.n_cols, kBlockGenes, [&](Block block) {
            std::vector<double> sums;
            for (std::int64_t gene = block.begin; gene < block.end; ++gene) gene_gradient(gene, total, x, gradient, sums);
        });
        double squares = 0.0;
        const auto n_weights = static_cast<std::size_t>(values_.n_cols * k_);
        const auto k = static_cast<std::size_t>(k_);
        for (std::size_t gene = 0; gene < scaling_.penalty.size(); ++gene) {
            for (std::size_t i = gene * k; i < (gene + 1) * k; ++i) squares += scaling_.penalty[gene] * x[i] * x[i];
        }
        for (std::size_t label = 0; label < total.size(); ++label) gradient[n_weights + label] = total[label] / n;
        return (loss + 0.5 * l2_ * squares) / n;
    }

private:
    /// residual = p - [label]; returns the sum of the losses.
    double fill_residuals() {
        return sum_blocks(context_, values_.n_rows, kBlockCells, [&](Block block) {
            double loss = 0.0;
            for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
                const auto row = residual_.row(cell);
                const auto own = static_cast<std::size_t>(label_[static_cast<std::size_t>(cell)]);
                loss -= probabilities_of(values_.row_indices(cell), values_.row_values(cell), weights_, intercept_, own, row);
                row[own] -= 1.0;
            }
            return loss;
        });
    }
    std::vector<double> residual_sums() const {
        std::vector<double> total(static_cast<std::size_t>(k_), 0.0);
        for (std::int64_t cell = 0; cell < values_.n_rows; ++cell) {
            const auto row = residual_.row(cell);
            for (std::size_t label = 0; label < total.size(); ++label) total[label] += row[label];
        }
        return total;
    }
    /// (sum_i x_ij r_i - mean_j sum_i r_i) times the gene's factor, plus the penalty.
    void gene_gradient(std::int64_t gene, std::span<const double> total, std::span<const double> x, std::span<double> gradient, std::vector<double>& sums) const {
        const auto g = static_cast<std::size_t>(gene);
        const auto k = static_cast<std::size_t>(k_);
        const auto out = gradient.subspan(g * k, k);
        const double scale = scaling_.factor[g] / static_cast<double>(values_.n_rows);
        const auto first = static_cast<std::size_t>(genes_.begin[g]);
        const auto n = static_cast<std::size_t>(genes_.begin[g + 1]) - first;
        sums.assign(static_cast<std::size_t>(residual_.n_cols), 0.0);
        add_scaled_rows(std::span(genes_.cell).subspan(first, n), std::span(genes_.value).subspan(first, n), residual_.values.data(), sums);
        for (std::size_t label = 0; label < k; ++label) {
            out[label] = (sums[label] - scaling_.mean[g] * total[label]) * scale + l2_ * scaling_.penalty[g] * x[g * k + label] / static_cast<double>(values_.n_rows);
        }
    }

    matrix::CsrView values_;
    std::span<const std::int32_t> label_;
    std::int64_t k_;
    double l2_;
    Context& context_;
    ByGene genes_;
    Scaling scaling_;
    matrix::Dense<double> weights_;
    std::vector<double> intercept_;
    matrix::Dense<double> residual_;
};

void check_labels(const matrix::CsrView& values, std::span<const std::int32_t> label, std::int32_t n_labels) {
    if (values.n_rows == 0 || n_labels < 1) invalid_data("No labelled cell is there to learn from.", "Give a reference with labelled cells.");
    if (std::ssize(label) != values.n_rows) invalid_data(fmt::format("There are {} labels for {} cells.", label.size(), values.n_rows), "Give one label a cell.");
    for (std::size_t cell = 0; cell < label.size(); ++cell) {
        if (label[cell] < 0 || label[cell] >= n_labels) invalid_data(fmt::format("Cell {} has the label code {}, outside 0 to {}.", cell, label[cell], n_labels - 1), "Leave cells without a label out.");
    }
}

void check_genes(const MultinomialLogistic& model, std::int64_t n_genes) {
    if (n_genes == model.weights.n_rows) return;
    invalid_data(fmt::format("The cells have {} genes, the label model was fitted on {}.", n_genes, model.weights.n_rows), "Give the genes that the model was fitted on, in their order.");
}

}  // namespace

MultinomialLogistic fit_multinomial_logistic(const matrix::CsrView& values, std::span<const std::int32_t> label, std::int32_t n_labels,
                                             const MultinomialLogisticOptions& options, Context& context) {
    check_labels(values, label, n_labels);
    Objective objective(values, label, n_labels, options, context);
    const LbfgsSettings settings{.max_iterations = options.max_iterations, .tolerance = options.tolerance};
    const LbfgsResult found = minimize_lbfgs(std::vector<double>(static_cast<std::size_t>(objective.size()), 0.0),
                                             [&](std::span<const double> x, std::span<double> gradient) { return objective(x, gradient); }, settings);
    MultinomialLogistic model{matrix::Dense<double>(values.n_cols, n_labels), std::vector<double>(static_cast<std::size_t>(n_labels)), 0.0, found.iterations, found.converged};
    fold_scaling(found.x, objective.scaling(), n_labels, model.weights, model.intercept);
    model.objective = found.value * static_cast<double>(values.n_rows);
    return model;
}

LabelScorer::LabelScorer(const MultinomialLogistic& model) : weights_(model.weights.n_rows, padded_labels(model.weights.n_cols)), intercept_(model.intercept) {
    for (std::int64_t gene = 0; gene < weights_.n_rows; ++gene) std::ranges::copy(model.weights.row(gene), weights_.row(gene).begin());
}

void LabelScorer::score(std::span<const std::uint32_t> ids, std::span<const float> values, std::vector<double>& room, std::span<float> out) const {
    room.resize(static_cast<std::size_t>(weights_.n_cols));
    probabilities_of(ids, values, weights_, intercept_, 0, room);
    for (std::size_t label = 0; label < out.size(); ++label) out[label] = static_cast<float>(room[label]);
}

matrix::Dense<float> label_probabilities(const MultinomialLogistic& model, const matrix::CsrView& values, Context& context) {
    check_genes(model, values.n_cols);
    const LabelScorer scorer(model);
    matrix::Dense<float> out(values.n_rows, model.weights.n_cols);
    parallel_blocks(context, values.n_rows, kBlockCells, [&](Block block) {
        std::vector<double> room;
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) scorer.score(values.row_indices(cell), values.row_values(cell), room, out.row(cell));
    });
    return out;
}

matrix::Dense<float> label_probabilities(const MultinomialLogistic& model, matrix::DenseView<const float> values, Context& context) {
    check_genes(model, values.n_cols);
    const LabelScorer scorer(model);
    std::vector<std::uint32_t> ids(static_cast<std::size_t>(values.n_cols));
    std::iota(ids.begin(), ids.end(), 0U);
    matrix::Dense<float> out(values.n_rows, model.weights.n_cols);
    parallel_blocks(context, values.n_rows, kBlockCells, [&](Block block) {
        std::vector<double> room;
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) scorer.score(ids, values.row(cell), room, out.row(cell));
    });
    return out;
}

}  // namespace morula::models
