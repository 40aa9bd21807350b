// Multinomial logistic regression on sparse values: the linear label model.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/views.hpp"

namespace morula::models {

/// standardize: every column is divided by its standard deviation, so that the penalty treats rare and common genes alike. centre: columns keep their size, as components of a PCA should.
enum class LogisticScaling { standardize, centre };

struct MultinomialLogisticOptions {
    LogisticScaling scaling = LogisticScaling::standardize;
    double l2 = 1.0;
    std::int32_t max_iterations = 300;
    double tolerance = 1e-5;
};

constexpr auto describe(const MultinomialLogisticOptions*) {
    return std::tuple{
        field("scaling", &MultinomialLogisticOptions::scaling, "Whether columns are divided by their standard deviation.", {.choices = "standardize|centre"}),
        field("l2", &MultinomialLogisticOptions::l2, "Penalty of the weights of standardized genes (scikit-learn's 1 / C).", {.minimum = 1e-9, .maximum = 1e9}),
        field("max_iterations", &MultinomialLogisticOptions::max_iterations, "Most steps of the optimizer.", {.minimum = 1, .maximum = 100000}),
        field("tolerance", &MultinomialLogisticOptions::tolerance, "Largest entry of the gradient of the mean loss at which the steps end.", {.minimum = 0.0, .maximum = 1.0}),
    };
}

/// Scaling is folded into weights and intercept: the model reads values as they come.
struct MultinomialLogistic {
    matrix::Dense<double> weights;   // n_genes x n_labels
    std::vector<double> intercept;   // n_labels
    double objective = 0.0;          // sum of the losses + l2 / 2 |W|^2
    std::int32_t iterations = 0;
    bool converged = false;
};

/// Minimises the sum over cells of -log p(label) plus l2 / 2 times the squared weights of centred columns (divided by their standard deviation, of n cells, where that is asked); intercepts are free.
/// As scikit-learn's StandardScaler and LogisticRegression(C = 1 / l2) on dense values, but nothing is made dense: subtracting the mean is a constant a label.
/// Genes that are constant get weight 0. Labels without a cell get probability near 0.
/// values: n_cells x n_genes; label: n_cells codes in [0, n_labels). L-BFGS (Nocedal 1980, 10 pairs) with sums of fixed order: the same bits for any thread count.
/// Cost 2 nnz n_labels an iteration, usually 20 to 60 of them. Throws invalid_data when sizes or codes do not fit, or no cell is given.
MultinomialLogistic fit_multinomial_logistic(const matrix::CsrView& values, std::span<const std::int32_t> label, std::int32_t n_labels,
                                             const MultinomialLogisticOptions& options, Context& context);

/// Probabilities of single cells, from any thread.
class LabelScorer {
public:
    explicit LabelScorer(const MultinomialLogistic& model);
    /// ids, values: a cell's entries; room: scratch; out: n_labels, adds to one.
    void score(std::span<const std::uint32_t> ids, std::span<const float> values, std::vector<double>& room, std::span<float> out) const;

private:
    matrix::Dense<double> weights_;  // padded
    std::vector<double> intercept_;
};

/// n_cells x n_labels; rows add to one. Throws invalid_data when the genes do not fit.
matrix::Dense<float> label_probabilities(const MultinomialLogistic& model, const matrix::CsrView& values, Context& context);
matrix::Dense<float> label_probabilities(const MultinomialLogistic& model, matrix::DenseView<const float> values, Context& context);

}  // namespace morula::models
