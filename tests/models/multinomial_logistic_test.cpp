#include "morula/models/multinomial_logistic.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>
#include <sstream>

#include "morula/core/random.hpp"
#include "morula/models/lbfgs.hpp"
#include "tests/analysis/made_up.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"

namespace morula::models {
namespace {

std::vector<std::vector<double>> oracle_rows() {
    std::ifstream in(std::string(MORULA_SOURCE_DIR) + "/tests/models/fixtures/multinomial_logistic.csv");
    std::vector<std::vector<double>> rows;
    for (std::string line; std::getline(in, line);) {
        if (line.empty() || line[0] == '#') continue;
        std::stringstream fields(line);
        rows.emplace_back();
        for (std::string field; std::getline(fields, field, ',');) rows.back().push_back(std::stod(field));
    }
    return rows;
}

/// Log counts of the cells [begin, end) of the shared fixture.
matrix::Csr log_cells(std::int64_t begin, std::int64_t end) {
    const matrix::Csr all = analysis::made_up::counts().csr;
    matrix::Csr out;
    out.start(end - begin, all.n_cols);
    for (std::int64_t cell = begin; cell < end; ++cell) {
        for (const std::uint32_t gene : all.view().row_indices(cell)) out.indices.push_back(gene);
        for (const float count : all.view().row_values(cell)) out.values.push_back(static_cast<float>(std::log1p(static_cast<double>(count))));
        out.end_row();
    }
    return out;
}

TEST(lbfgs, finds_the_minimum_of_a_badly_scaled_bowl) {
    const auto bowl = [](std::span<const double> x, std::span<double> gradient) {
        double value = 0.0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double weight = std::pow(10.0, static_cast<double>(i));
            const double away = x[i] - static_cast<double>(i);
            value += 0.5 * weight * away * away;
            gradient[i] = weight * away;
        }
        return value;
    };
    const LbfgsResult found = minimize_lbfgs(std::vector<double>(5, 7.0), bowl, {.max_iterations = 200, .tolerance = 1e-9});
    EXPECT_TRUE(found.converged);
    for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(found.x[i], static_cast<double>(i), 1e-8);
}

TEST(multinomial_logistic, gives_the_probabilities_of_scikit_learn) {
    const auto rows = oracle_rows();
    ASSERT_EQ(rows.size(), 101U);
    std::vector<std::int32_t> label;
    for (std::size_t cell = 0; cell < 200; ++cell) label.push_back(static_cast<std::int32_t>(rows[0][cell]));
    const matrix::Csr train = log_cells(0, 200);
    const matrix::Csr test = log_cells(200, 300);
    const auto context = test::make_context(2);
    const MultinomialLogisticOptions tight{.max_iterations = 300, .tolerance = 1e-8};
    std::size_t first = 0;
    for (const auto& [scaling, l2] : {std::pair{LogisticScaling::standardize, 1.0}, {LogisticScaling::standardize, 50.0}, {LogisticScaling::centre, 1.0}}) {
        MultinomialLogisticOptions options = tight;
        options.scaling = scaling;
        options.l2 = l2;
        const MultinomialLogistic model = fit_multinomial_logistic(train.view(), label, 3, options, *context);
        const matrix::Dense<float> probability = label_probabilities(model, test.view(), *context);
        for (std::int64_t cell = 0; cell < 100; ++cell) {
            for (std::int64_t k = 0; k < 3; ++k) EXPECT_NEAR(probability(cell, k), rows[static_cast<std::size_t>(cell + 1)][first + static_cast<std::size_t>(k)], 2e-5) << cell;
        }
        first += 3;
    }
}

TEST(multinomial_logistic, with_default_tolerance_differs_little_from_the_minimum) {
    const auto rows = oracle_rows();
    std::vector<std::int32_t> label;
    for (std::size_t cell = 0; cell < 200; ++cell) label.push_back(static_cast<std::int32_t>(rows[0][cell]));
    const auto context = test::make_context(1);
    const MultinomialLogistic model = fit_multinomial_logistic(log_cells(0, 200).view(), label, 3, {}, *context);
    EXPECT_TRUE(model.converged);
    const matrix::Dense<float> probability = label_probabilities(model, log_cells(200, 300).view(), *context);
    for (std::int64_t cell = 0; cell < 100; ++cell) {
        for (std::int64_t k = 0; k < 3; ++k) EXPECT_NEAR(probability(cell, k), rows[static_cast<std::size_t>(cell + 1)][static_cast<std::size_t>(k)], 0.01);
    }
}

/// Columns as of a PCA: standard deviations from 30 to .3. Without columns of one size inside, the optimizer took the most steps it may and stopped short.
TEST(multinomial_logistic, converges_soon_where_columns_are_of_very_different_size) {
    constexpr std::int64_t n_columns = 30;
    matrix::Csr cells;
    cells.start(400, n_columns);
    std::vector<std::int32_t> label;
    for (std::int32_t cell = 0; cell < 400; ++cell) {
        label.push_back(cell % 3);
        for (std::int64_t column = 0; column < n_columns; ++column) {
            Random random(8, Purpose::test, static_cast<std::uint64_t>(cell), static_cast<std::uint32_t>(column));
            const double size = 30.0 / (1.0 + 3.4 * static_cast<double>(column));
            const double apart = column < 6 && column % 3 == cell % 3 ? 0.7 : 0.0;
            cells.indices.push_back(static_cast<std::uint32_t>(column));
            cells.values.push_back(static_cast<float>(size * (random.normal() + apart)));
        }
        cells.end_row();
    }
    const auto context = test::make_context(1);
    const MultinomialLogistic model = fit_multinomial_logistic(cells.view(), label, 3, {.scaling = LogisticScaling::centre}, *context);
    EXPECT_TRUE(model.converged);
    EXPECT_LE(model.iterations, 60);
    const MultinomialLogistic exact = fit_multinomial_logistic(cells.view(), label, 3, {.scaling = LogisticScaling::centre, .max_iterations = 5000, .tolerance = 1e-9}, *context);
    EXPECT_NEAR(model.objective, exact.objective, 1e-3);
}

TEST(multinomial_logistic, intercepts_alone_give_the_shares_of_the_labels) {
    matrix::Csr constant;  // one gene that is 2 in every cell tells nothing
    constant.start(10, 1);
    for (int cell = 0; cell < 10; ++cell) {
        constant.indices.push_back(0);
        constant.values.push_back(2.0F);
        constant.end_row();
    }
    const std::vector<std::int32_t> label{0, 0, 0, 0, 0, 0, 0, 1, 1, 1};
    const auto context = test::make_context(1);
    const MultinomialLogistic model = fit_multinomial_logistic(constant.view(), label, 2, {.tolerance = 1e-10}, *context);
    const matrix::Dense<float> probability = label_probabilities(model, constant.view(), *context);
    EXPECT_NEAR(probability(0, 0), 0.7F, 1e-6);
    EXPECT_EQ(model.weights(0, 0), 0.0);
}

TEST(multinomial_logistic, gives_the_same_bits_at_any_thread_count) {
    const matrix::Csr cells = log_cells(0, 300);
    std::vector<std::int32_t> label;
    for (std::int32_t cell = 0; cell < 300; ++cell) label.push_back(cell % 4);
    const auto fit = [&](Context& context) { return fit_multinomial_logistic(cells.view(), label, 4, {}, context); };
    test::same_at_1_2_4_threads(fit, [](const MultinomialLogistic& a, const MultinomialLogistic& b) { return test::same_bits(a.weights.values, b.weights.values) && test::same_bits(a.intercept, b.intercept); });
}

TEST(multinomial_logistic, refuses_what_it_cannot_learn_from) {
    const matrix::Csr cells = log_cells(0, 10);
    const auto context = test::make_context(1);
    const std::vector<std::int32_t> short_label(9, 0);
    EXPECT_EQ(test::error_code([&] { fit_multinomial_logistic(cells.view(), short_label, 2, {}, *context); }), ErrorCode::invalid_data);
    const std::vector<std::int32_t> missing(10, -1);
    EXPECT_EQ(test::error_code([&] { fit_multinomial_logistic(cells.view(), missing, 2, {}, *context); }), ErrorCode::invalid_data);
}

}  // namespace
}  // namespace morula::models
