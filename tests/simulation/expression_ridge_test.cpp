#include "morula/simulation/expression_ridge.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "morula/core/random.hpp"
#include "morula/simulation/expression_states.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

constexpr std::int64_t kCells = 4'000;

/// Made up: cells of a linear process whose truth is known. Genes: A, B = .8 A + noise, C = -.5 B + noise, D by itself, E = A + noise and on no list.
matrix::Dense<float> chain() {
    matrix::Dense<float> values(kCells, 5);
    for (std::int64_t c = 0; c < kCells; ++c) {
        Random random(5, Purpose::test, static_cast<std::uint64_t>(c), 0);
        const double a = 3.0 + random.normal(), b = 1.0 + 0.8 * a + 0.5 * random.normal(), with_c = 4.0 - 0.5 * b + 0.5 * random.normal();
        const double all[] = {a, b, with_c, 2.0 + random.normal(), a + 0.1 * random.normal()};
        for (std::int64_t gene = 0; gene < 5; ++gene) values(c, gene) = static_cast<float>(all[gene]);
    }
    return values;
}
const std::vector<std::vector<std::int32_t>> kTrueTable{{}, {0, 3}, {1}, {}, {}};

TEST(expression_ridge, recovers_a_linear_process_whose_table_is_right) {
    const auto context = test::make_context(2);
    const matrix::Dense<float> values = chain();
    const RegulatorWeights fitted = fit_regulators(values.view(), kTrueTable, {}, *context);
    // Standard error of a coefficient: .5 / (sd of the regulator sqrt(4,000)), .008 at most.
    EXPECT_NEAR(fitted.weights[1][0], 0.8, 0.035);
    EXPECT_NEAR(fitted.weights[1][1], 0.0, 0.035);
    EXPECT_NEAR(fitted.weights[2][0], -0.5, 0.035);
    EXPECT_NEAR(fitted.explained[1], 0.64 / (0.64 + 0.25), 0.03);
    EXPECT_TRUE(fitted.weights[4].empty());  // however alike it is: nobody says that A acts on it
    EXPECT_EQ(fitted.explained[4], 0.0);
    // Knock-out of A, 3 less: in truth B falls by 2.4 and C rises by 1.2.
    std::vector<double> change{-3.0, 0.0, 0.0, 0.0, 0.0};
    const std::vector<std::int32_t> held{0};
    const std::vector<double> once = carried_change(fitted, change, held, 1);
    EXPECT_EQ(once[0], -3.0);
    EXPECT_NEAR(once[1], -2.4, 0.1);
    EXPECT_EQ(once[2], 0.0);  // a round further away
    const std::vector<double> thrice = carried_change(fitted, change, held, 3);
    EXPECT_NEAR(thrice[1], -2.4, 0.1);
    EXPECT_NEAR(thrice[2], 1.2, 0.1);
    EXPECT_EQ(thrice[3], 0.0);
    EXPECT_EQ(carried_change(fitted, change, held, 0), change);
}

TEST(expression_ridge, a_table_that_turns_an_arrow_round_gets_the_answer_wrong) {
    // Truth: B does nothing to A. The table says that it does, and nothing in a snapshot speaks against it.
    const auto context = test::make_context(1);
    const RegulatorWeights fitted = fit_regulators(chain().view(), {{1}, {}, {}, {}, {}}, {}, *context);
    const std::vector<double> change = carried_change(fitted, {0.0, -3.4, 0.0, 0.0, 0.0}, std::vector<std::int32_t>{1}, 3);
    RecordProperty("change of A when B is knocked out, in truth 0", std::to_string(change[0]));
    EXPECT_NEAR(change[0], -3.4 * 0.8 / (0.64 + 0.25), 0.2);  // -3.06: cov / var
}

TEST(expression_ridge, what_two_genes_have_in_common_looks_like_one_acting_on_the_other) {
    // Truth: A acts on B and on E, and E does nothing to B.
    const auto context = test::make_context(1);
    const RegulatorWeights fitted = fit_regulators(chain().view(), {{}, {4}, {}, {}, {}}, {}, *context);
    EXPECT_NEAR(fitted.weights[1][0], 0.8 / 1.01, 0.04);
    // With A on the list as well, A takes it all.
    const RegulatorWeights both = fit_regulators(chain().view(), {{}, {0, 4}, {}, {}, {}}, {.penalty = 0.01}, *context);
    EXPECT_NEAR(both.weights[1][0], 0.8, 0.35);
    EXPECT_NEAR(both.weights[1][1], 0.0, 0.35);
}

TEST(expression_ridge, a_snapshot_of_a_rotation_shows_no_arrow_at_all) {
    // Truth: dX = (-X - 3 Y) dt + noise, dY = (3 X - Y) dt + noise: each drives the other, in opposite directions, and the snapshot is a round cloud.
    matrix::Dense<float> values(kCells, 2);
    for (std::int64_t c = 0; c < kCells; ++c) {
        Random random(6, Purpose::test, static_cast<std::uint64_t>(c), 0);
        double x = 0.0, y = 0.0;
        for (int step = 0; step < 400; ++step) {
            const double dx = -x - 3.0 * y, dy = 3.0 * x - y;
            x += 0.01 * dx + 0.1 * random.normal();
            y += 0.01 * dy + 0.1 * random.normal();
        }
        values(c, 0) = static_cast<float>(x);
        values(c, 1) = static_cast<float>(y);
    }
    const auto context = test::make_context(2);
    const RegulatorWeights fitted = fit_regulators(values.view(), {{1}, {0}}, {}, *context);
    RecordProperty("weights of a rotation at 3 a unit of time", std::to_string(fitted.weights[0][0]) + " " + std::to_string(fitted.weights[1][0]));
    EXPECT_NEAR(fitted.weights[0][0], 0.0, 4.0 / std::sqrt(static_cast<double>(kCells)));
    EXPECT_NEAR(fitted.weights[1][0], 0.0, 4.0 / std::sqrt(static_cast<double>(kCells)));
}

TEST(expression_ridge, a_penalty_shrinks_and_one_regulator_is_shrunk_as_the_formula_says) {
    const auto context = test::make_context(1);
    matrix::Dense<float> values(4, 2);
    values.values = {0.0F, 1.0F, 0.0F, 1.0F, 2.0F, 5.0F, 2.0F, 5.0F};  // sd of the regulator 1, slope 2
    const RegulatorWeights fitted = fit_regulators(values.view(), {{}, {0}}, {.penalty = 4.0}, *context);
    EXPECT_NEAR(fitted.weights[1][0], 2.0 * 4.0 / (4.0 + 4.0), 1e-12);
    EXPECT_NEAR(fitted.explained[1], 1.0 - 0.25, 1e-12);
}

TEST(expression_ridge, constant_genes_repeats_and_the_gene_itself_are_left_out) {
    const auto context = test::make_context(1);
    matrix::Dense<float> values(4, 3);
    values.values = {0.0F, 1.0F, 7.0F, 0.0F, 1.0F, 7.0F, 2.0F, 5.0F, 7.0F, 2.0F, 5.0F, 7.0F};
    const RegulatorWeights fitted = fit_regulators(values.view(), {{}, {2, 0, 1, 0}, {0}}, {.penalty = 1e-9}, *context);
    EXPECT_EQ(fitted.regulators[1], std::vector<std::int32_t>{0});
    EXPECT_NEAR(fitted.weights[1][0], 2.0, 1e-6);
    EXPECT_EQ(fitted.weights[2], std::vector<double>{0.0});  // does not vary
    EXPECT_EQ(fitted.explained[2], 0.0);
}

TEST(expression_ridge, same_bits_with_any_number_of_threads) {
    const matrix::Dense<float> values = chain();
    test::same_at_1_2_4_threads([&](Context& context) { return fit_regulators(values.view(), kTrueTable, {}, context); },
                                [](const RegulatorWeights& a, const RegulatorWeights& b) { return a.weights == b.weights && a.explained == b.explained; });
}

TEST(expression_ridge, refuses_what_cannot_be_fitted) {
    const auto context = test::make_context(1);
    matrix::Dense<float> values(4, 2);
    values.values = {0.0F, 1.0F, 1.0F, 2.0F, 2.0F, 5.0F, 3.0F, 5.0F};
    const auto code = [&](const std::vector<std::vector<std::int32_t>>& table, const RidgeOptions& options) { return test::thrown_by([&] { fit_regulators(values.view(), table, options, *context); }).code(); };
    EXPECT_EQ(code({{2}, {}}, {}), ErrorCode::invalid_data);
    EXPECT_EQ(code({{-1}, {}}, {}), ErrorCode::invalid_data);
    EXPECT_EQ(code({{}, {}}, {.penalty = 0.0}), ErrorCode::invalid_data);
    EXPECT_EQ(code({{}, {}}, {.penalty = std::numeric_limits<double>::quiet_NaN()}), ErrorCode::invalid_data);
    const RegulatorWeights fitted = fit_regulators(values.view(), {{}, {0}}, {}, *context);
    EXPECT_EQ(test::thrown_by([&] { carried_change(fitted, {0.0, 0.0}, {}, -1); }).code(), ErrorCode::invalid_data);
    values(2, 0) = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(code({{}, {0}}, {}), ErrorCode::invalid_data);
    values.values.resize(4);
    values.n_rows = 2;
    EXPECT_EQ(code({{}, {0}}, {}), ErrorCode::invalid_data);
}

/// Made up: A = 5 + x, B = 9 - .8 x + noise, C by itself, in an embedding (x, B, C) and many small metacells.
std::shared_ptr<ExpressionModel> cloud(double strength) {
    MeasuredCells cells;
    cells.latent = matrix::Dense<float>(kCells, 3);
    for (std::int64_t c = 0; c < kCells; ++c) {
        Random random(8, Purpose::test, static_cast<std::uint64_t>(c), 0);
        const double x = random.normal(), b = -0.8 * x + 0.6 * random.normal(), own = random.normal();
        for (const auto& [d, value] : {std::pair{0, x}, std::pair{1, b}, std::pair{2, own}}) cells.latent(c, d) = static_cast<float>(value);
        cells.type.push_back(0);
        const auto bin = [](double value) { return static_cast<std::int32_t>(std::clamp(std::floor(2.0 * value) + 6.0, 0.0, 11.0)); };
        cells.metacell.push_back(bin(x) * 144 + bin(b) * 12 + bin(own));
    }
    const ExpressionKernel kernel(cells, {.n_types = 1, .n_neighbors = 12});
    const std::vector<std::string> genes{"A", "B", "C"};
    const auto levels_at = [](std::span<const float> z, std::span<float> out) {
        out[0] = 5.0F + z[0];
        out[1] = 9.0F + z[1];
        out[2] = 4.0F + z[2];
    };
    Regulation regulation{.genes = genes, .of_type = {}, .levels = matrix::Dense<float>(kernel.n_metacells(), 3), .strength = strength, .rounds = 3};
    matrix::Dense<float> measured(kCells, 3);
    for (std::int64_t c = 0; c < kCells; ++c) levels_at(cells.latent.row(c), measured.row(c));
    for (std::int64_t m = 0; m < kernel.n_metacells(); ++m) levels_at(kernel.center(m), regulation.levels.row(m));
    regulation.of_type.push_back(fit_regulators(measured.view(), {{}, {0}, {}}, {}, *test::make_context(1)));
    return std::make_shared<ExpressionModel>(ExpressionModel{.kernel = kernel, .rates = {{.attempts_per_min = 2.0, .relaxation_per_min = 1.0}}, .regulation = regulation});
}

TEST(expression_ridge, a_knock_down_moves_a_normal_cloud_of_states_by_the_change_that_is_carried) {
    const auto context = test::make_context(2);
    const std::shared_ptr<ExpressionModel> model = cloud(1.0);
    ExpressionStates states(model);
    Agents agents;
    const std::int64_t n = 2'000;
    for (std::int64_t i = 0; i < n; ++i) add_agent(agents, first_id(i), 0, {static_cast<double>(i), 0.0, 0.0}, 8.0F);
    const std::vector<Life> lives{standard_life(CycleModel::none)};
    states.settle(agents, 1, *context);
    // A falls by a fifth of 5, so by 1; in truth B rises by .8 and C stays.
    const std::vector<GeneFactor> factors{{.type = 0, .gene = 0, .factor = 0.8}};
    states.set_shift(shift_of_states(*model->regulation, model->kernel, factors));
    for (std::uint32_t strike = 0; strike < 60; ++strike) states.advance(agents, lives, 1, strike, *context);
    std::array<double, 3> mean{};
    std::vector<float> latent(3);
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
        ASSERT_TRUE(states.latent(agents, i, latent));
        for (std::size_t d = 0; d < 3; ++d) mean[d] += static_cast<double>(latent[d]) / static_cast<double>(n);
    }
    RecordProperty("mean of A, B and C, which were 0", std::to_string(mean[0]) + " " + std::to_string(mean[1]) + " " + std::to_string(mean[2]));
    EXPECT_NEAR(mean[0], -1.0, 0.15);
    EXPECT_NEAR(mean[1], 0.8, 0.15);
    EXPECT_NEAR(mean[2], 0.0, 0.15);
}

TEST(expression_ridge, nothing_is_shifted_without_factors_and_strength_scales_the_shift) {
    const std::shared_ptr<ExpressionModel> whole = cloud(1.0), half = cloud(0.5);
    for (const float value : shift_of_states(*whole->regulation, whole->kernel, {})) EXPECT_EQ(value, 0.0F);
    const std::vector<GeneFactor> factors{{.type = 0, .gene = 0, .factor = 0.5}};
    const std::vector<float> a = shift_of_states(*whole->regulation, whole->kernel, factors), b = shift_of_states(*half->regulation, half->kernel, factors);
    for (std::size_t m = 0; m < a.size(); ++m) EXPECT_NEAR(static_cast<double>(b[m]), 0.5 * static_cast<double>(a[m]), 1e-5);
    EXPECT_EQ(shift_of_states(*whole->regulation, whole->kernel, std::vector<GeneFactor>{{.type = 0, .gene = 0, .factor = 1.0}}), std::vector<float>(a.size(), 0.0F));
}

}  // namespace
}  // namespace morula::simulation
