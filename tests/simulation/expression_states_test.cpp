#include "morula/simulation/expression_states.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "morula/core/random.hpp"
#include "morula/simulation/simulation.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::simulation {
namespace {

/// Made up: two types, the first with 12 metacells on a ring of radius 10 (uneven numbers of cells, spread 1 and 2), the second with one, in a plane and one more dimension.
MeasuredCells ring_cells() {
    MeasuredCells cells;
    const auto add = [&](std::int32_t type, std::int32_t metacell, float x, float y, float z) {
        for (const float value : {x, y, z}) cells.latent.values.push_back(value);
        cells.type.push_back(type);
        cells.metacell.push_back(metacell);
    };
    Random random(2, Purpose::test, 0, 0);
    for (std::int32_t m = 0; m < 12; ++m) {
        for (std::int32_t c = 0; c < 100 + 40 * (m % 3); ++c) {
            add(0, m, static_cast<float>(10.0 * std::cos(m * 0.5236) + random.normal()), static_cast<float>(10.0 * std::sin(m * 0.5236) + random.normal()), static_cast<float>(2.0 * random.normal()));
        }
    }
    for (std::int32_t c = 0; c < 50; ++c) add(1, 0, static_cast<float>(40.0 + random.normal()), 0.0F, 0.0F);
    cells.latent.n_rows = std::ssize(cells.type);
    cells.latent.n_cols = 3;
    return cells;
}

std::shared_ptr<ExpressionModel> ring_model(StateRates rates) {
    return std::make_shared<ExpressionModel>(ExpressionModel{.kernel = ExpressionKernel(ring_cells(), {.n_types = 3, .n_neighbors = 3}), .rates = {rates, rates, rates}});
}

std::vector<Life> lives() { return std::vector<Life>(3, standard_life(CycleModel::live)); }

Agents agents_of(std::int64_t n, std::uint16_t type) {
    Agents agents;
    for (std::int64_t i = 0; i < n; ++i) add_agent(agents, first_id(i), type, {static_cast<double>(i), 0.0, 0.0}, 8.0F);
    return agents;
}

std::array<float, 3> latent_of(const ExpressionStates& states, const Agents& agents, std::size_t agent) {
    std::array<float, 3> values{};
    states.latent(agents, agent, values);
    return values;
}

TEST(expression_states, start_as_measured_cells_of_their_type) {
    const auto context = test::make_context(1);
    ExpressionStates states(ring_model({}));
    const ExpressionKernel& kernel = states.model().kernel;
    Agents agents = agents_of(40, 1);
    agents.type[5] = 2;  // never measured
    states.settle(agents, 3, *context);
    std::set<float> places;
    for (std::size_t i = 0; i < 40; ++i) {
        const std::array<float, 3> latent = latent_of(states, agents, i);
        EXPECT_EQ(states.metacell(agents, i), i == 5 ? -1 : 12);
        EXPECT_EQ(std::isnan(latent[0]), i == 5);
        if (i == 5) continue;
        float nearest = 1e9F;
        for (std::int64_t c = 0; c < kernel.n_measured(1); ++c) nearest = std::min(nearest, std::abs(kernel.measured(1, c).latent[0] - latent[0]));
        EXPECT_LT(nearest, 0.002F);  // 60 / 65,000
        places.insert(latent[0]);
    }
    EXPECT_GT(places.size(), 15U);
}

TEST(expression_states, at_rest_are_spread_as_the_measured_cells_are) {
    const auto context = test::make_context(2);
    ExpressionStates states(ring_model({.attempts_per_min = 0.01, .relaxation_per_min = 0.02}));
    const ExpressionKernel& kernel = states.model().kernel;
    const std::int64_t n = 4'000;
    Agents agents = agents_of(n, 0);
    states.settle(agents, 1, *context);
    for (std::uint32_t strike = 0; strike < 150; ++strike) states.advance(agents, lives(), 1, strike, *context);
    std::vector<double> seen(12, 0.0);
    double square_z = 0.0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
        seen[static_cast<std::size_t>(states.metacell(agents, i))] += 1.0;
        const auto z = static_cast<double>(latent_of(states, agents, i)[2]);
        square_z += z * z / static_cast<double>(n);
    }
    double measured_z = 0.0;
    for (std::int64_t m = 0; m < 12; ++m) {
        const double share = static_cast<double>(kernel.n_cells(m)) / static_cast<double>(kernel.n_measured(0));
        measured_z += share * std::pow(static_cast<double>(kernel.spread(m)[2]), 2.0);
        EXPECT_NEAR(seen[static_cast<std::size_t>(m)] / static_cast<double>(n), share, 4.0 * std::sqrt(share * (1.0 - share) / static_cast<double>(n)));
    }
    // The centers' own spread in this dimension is small; the guard takes a little of the tails.
    EXPECT_NEAR(square_z, measured_z, 0.08 * measured_z);
    EXPECT_EQ(states.guard().steps, 150 * n);
    EXPECT_LT(states.guard().share(), 0.01);
}

TEST(expression_states, change_as_often_whatever_the_clock) {
    // Two metacells of equal size: an odd number of attempts, (1 - exp(-2 rate t)) / 2 of the cells, is elsewhere.
    MeasuredCells cells;
    cells.latent = matrix::Dense<float>(4, 1);
    cells.latent.values = {0.0F, 0.0F, 5.0F, 5.0F};
    cells.type = {0, 0, 0, 0};
    cells.metacell = {0, 0, 1, 1};
    const auto context = test::make_context(1);
    for (const double clock : {2.0, 6.0, 36.0}) {
        ExpressionStates states(std::make_shared<ExpressionModel>(ExpressionModel{.kernel = ExpressionKernel(cells, {}), .rates = {{.attempts_per_min = 0.02, .relaxation_per_min = 1.0}}, .clock_min = clock}));
        Agents agents = agents_of(8'000, 0);
        states.settle(agents, 1, *context);
        std::vector<std::int64_t> before;
        for (std::size_t i = 0; i < 8'000; ++i) before.push_back(states.metacell(agents, i));
        for (std::uint32_t strike = 0; strike < static_cast<std::uint32_t>(36.0 / clock); ++strike) states.advance(agents, {lives().data(), 1}, 1, strike, *context);
        double moved = 0.0;
        for (std::size_t i = 0; i < 8'000; ++i) moved += before[i] != states.metacell(agents, i) ? 1.0 / 8'000.0 : 0.0;
        const double expected = 0.5 * -std::expm1(-2.0 * 0.02 * 36.0);
        EXPECT_NEAR(moved, expected, 4.0 * std::sqrt(expected * (1.0 - expected) / 8'000.0)) << clock;
    }
}

TEST(expression_states, are_pulled_back_where_no_measured_cell_is) {
    // Two heaps 10 apart, each 1 wide, and the latent on its way: between them nobody was measured.
    MeasuredCells cells;
    cells.latent = matrix::Dense<float>(40, 1);
    for (std::int64_t c = 0; c < 40; ++c) {
        cells.latent(c, 0) = static_cast<float>(c < 20 ? 0 : 10) + (c % 2 == 0 ? 0.5F : -0.5F);
        cells.type.push_back(0);
        cells.metacell.push_back(c < 20 ? 0 : 1);
    }
    const auto context = test::make_context(1);
    ExpressionStates states(std::make_shared<ExpressionModel>(ExpressionModel{.kernel = ExpressionKernel(cells, {}), .rates = {{.attempts_per_min = 0.05, .relaxation_per_min = 0.05}}}));
    ASSERT_EQ(states.model().kernel.known_distance(0), 0.5F);
    Agents agents = agents_of(500, 0);
    states.settle(agents, 1, *context);
    std::int64_t pulls = 0;
    for (std::uint32_t strike = 0; strike < 20; ++strike) {
        states.advance(agents, {lives().data(), 1}, 1, strike, *context);
        pulls += states.guard().last_pulls;
        for (std::size_t i = 0; i < 500; ++i) {
            float latent = 0.0F;
            ASSERT_TRUE(states.latent(agents, i, {&latent, 1}));
            EXPECT_LT(std::min(std::abs(latent), std::abs(latent - 10.0F)), 0.501F);
        }
    }
    EXPECT_EQ(states.guard().pulls, pulls);
    EXPECT_GT(states.guard().share(), 0.01);
    std::int64_t by_agent = 0;
    for (std::size_t i = 0; i < 500; ++i) by_agent += states.pulls(agents, i);
    EXPECT_EQ(by_agent, pulls);
}

TEST(expression_states, cross_gaps_that_nobody_was_measured_in) {
    // Heaps 10 apart and about 1 wide: a quarter of the way in a step leads out of the heap that it comes from and not into the next. Few change, so that nearly all are where they tend to.
    MeasuredCells cells;
    cells.latent = matrix::Dense<float>(600, 1);
    Random random(4, Purpose::test, 0, 0);
    for (std::int64_t c = 0; c < 600; ++c) {
        cells.latent(c, 0) = static_cast<float>(10.0 * static_cast<double>(c / 100) + 0.3 * random.normal());
        cells.type.push_back(0);
        cells.metacell.push_back(static_cast<std::int32_t>(c / 100));
    }
    const auto context = test::make_context(1);
    ExpressionStates states(std::make_shared<ExpressionModel>(ExpressionModel{.kernel = ExpressionKernel(cells, {.n_types = 1, .n_neighbors = 2}), .rates = {{.attempts_per_min = 0.002, .relaxation_per_min = 0.05}}}));
    Agents agents = agents_of(500, 0);
    states.settle(agents, 1, *context);
    double moved = 0.0, away = 0.0;
    std::vector<std::int64_t> start;
    for (std::size_t i = 0; i < 500; ++i) start.push_back(states.metacell(agents, i));
    for (std::uint32_t strike = 0; strike < 200; ++strike) states.advance(agents, {lives().data(), 1}, 1, strike, *context);
    for (std::size_t i = 0; i < 500; ++i) {
        float latent = 0.0F;
        ASSERT_TRUE(states.latent(agents, i, {&latent, 1}));
        moved += states.metacell(agents, i) != start[i] ? 1.0 / 500.0 : 0.0;
        away += std::abs(latent - states.model().kernel.center(states.metacell(agents, i))[0]) > states.model().kernel.known_distance(0) + 0.01F ? 1.0 / 500.0 : 0.0;
    }
    EXPECT_GT(moved, 0.4);
    EXPECT_LT(away, 0.06) << "those that changed within the last few steps: 1.2 % a step";
    EXPECT_LT(states.guard().share(), 0.1);
}

TEST(expression_states, go_to_daughters_and_are_used_again) {
    const auto context = test::make_context(1);
    ExpressionStates states(ring_model({.attempts_per_min = 0.1, .relaxation_per_min = 0.1}));
    Agents agents = agents_of(10, 0);
    states.settle(agents, 1, *context);
    states.advance(agents, lives(), 1, 0, *context);
    const std::array<float, 3> mother = latent_of(states, agents, 4);
    const std::int64_t bytes = states.bytes();
    apply_events(agents, {.dividing = {4, 7}, .leaving = {1, 2}}, Space::solid, 1, 0);
    ASSERT_EQ(agents.size(), 10);
    const auto daughter = static_cast<std::size_t>(std::find(agents.parent.begin(), agents.parent.end(), first_id(4)) - agents.parent.begin());
    EXPECT_EQ(latent_of(states, agents, daughter), mother);  // before it is settled, and after
    states.settle(agents, 1, *context);
    EXPECT_EQ(latent_of(states, agents, daughter), mother);
    EXPECT_EQ(std::set<std::uint32_t>(agents.expression.begin(), agents.expression.end()).size(), 10U);
    EXPECT_EQ(states.bytes(), bytes);  // those of the two that left
    states.advance(agents, lives(), 1, 1, *context);
    const auto own = static_cast<std::size_t>(std::find(agents.id.begin(), agents.id.end(), first_id(4)) - agents.id.begin());
    EXPECT_NE(latent_of(states, agents, daughter), latent_of(states, agents, own));
    // A mother who leaves before her daughters are settled leaves them her state.
    apply_events(agents, {.dividing = {0}, .leaving = {}}, Space::solid, 1, 2);
    const std::array<float, 3> last = latent_of(states, agents, 0);
    apply_events(agents, {.dividing = {}, .leaving = {0}}, Space::solid, 1, 3);
    states.settle(agents, 1, *context);
    EXPECT_EQ(latent_of(states, agents, agents.id.size() - 1), last);
}

TEST(expression_states, follow_the_type_and_stay_with_the_dead) {
    const auto context = test::make_context(1);
    ExpressionStates states(ring_model({.attempts_per_min = 0.1, .relaxation_per_min = 0.1}));
    Agents agents = agents_of(4, 0);
    states.settle(agents, 1, *context);
    agents.type[1] = 1;
    agents.type[2] = 2;
    agents.phase[3] = 1;
    ASSERT_TRUE(lives()[0].phases[1].is_dead);
    const std::array<float, 3> dead = latent_of(states, agents, 3);
    add_agent(agents, first_id(100), 0, {5.0, 5.0, 5.0}, 8.0F);
    states.settle(agents, 1, *context);
    states.advance(agents, lives(), 1, 0, *context);
    EXPECT_LT(states.metacell(agents, 0), 12);
    EXPECT_EQ(states.metacell(agents, 1), 12);
    EXPECT_EQ(states.metacell(agents, 2), -1);
    EXPECT_EQ(latent_of(states, agents, 3), dead);
    EXPECT_GE(states.metacell(agents, 4), 0);
    EXPECT_EQ(states.guard().last_steps, 3);
}

/// Cells that divide and die within minutes, with states on a clock of their own.
Model busy_model() {
    Model model;
    model.box = {.n = {10, 10, 10}, .voxel_um = 20.0};
    CellType grows{.name = "grows", .mechanics = {}, .life = standard_life(CycleModel::live), .exchange = {}};
    grows.life.phases[0].rate_per_min = 0.15;
    grows.life.apoptosis_per_min = 0.05;
    grows.life.phases[1].duration_min = 2.0;
    CellType rests{.name = "rests", .mechanics = {}, .life = standard_life(CycleModel::none), .exchange = {}};
    CellType unknown{.name = "unknown", .mechanics = {}, .life = standard_life(CycleModel::none), .exchange = {}};
    model.types = {grows, rests, unknown};
    model.clocks = {.field_min = 0.1, .mechanics_min = 0.1, .life_min = 0.6};
    auto expression = ring_model({.attempts_per_min = 0.5, .relaxation_per_min = 0.5});
    expression->clock_min = 0.4;
    model.expression = expression;
    model.seed = 9;
    return model;
}

Agents busy_start() {
    Agents agents;
    for (std::int64_t i = 0; i < 125; ++i) {
        add_agent(agents, first_id(i), static_cast<std::uint16_t>(i % 7 == 0 ? 2 : i % 3 == 0 ? 1 : 0), {60.0 + 16.0 * static_cast<double>(i % 5), 60.0 + 16.0 * static_cast<double>(i / 5 % 5), 60.0 + 16.0 * static_cast<double>(i / 25)}, 8.0F);
    }
    return agents;
}

TEST(expression_states, are_the_same_in_a_tissue_with_any_number_of_threads_and_after_any_restart) {
    const std::string hash = test::same_at_threads({2, 8},
        [](Context& context) {
            Simulation simulation(busy_model(), busy_start(), context);
            simulation.advance(5.0, context);
            EXPECT_GT(simulation.tally().births, 20);
            EXPECT_GT(simulation.tally().removals, 5);
            EXPECT_GT(simulation.states()->guard().steps, 1'000);
            return simulation.hash();
        },
        [](const std::string& a, const std::string& b) { return a == b; });
    const auto context = test::make_context(2);
    const test::TemporaryFolder folder;
    Simulation whole(busy_model(), busy_start(), *context);
    for (int step = 0; step < 50; ++step) {
        if (step % 7 == 3) whole.save(folder / ("state-" + std::to_string(step)), "busy");
        whole.advance(0.1 * (step + 1), *context);
    }
    EXPECT_EQ(whole.hash(), hash);
    for (int step = 3; step < 50; step += 7) {
        Simulation resumed = Simulation::load(busy_model(), folder / ("state-" + std::to_string(step)), "busy", *context);
        resumed.advance(5.0, *context);
        EXPECT_EQ(resumed.hash(), hash) << step;
        EXPECT_EQ(resumed.states()->guard().pulls, whole.states()->guard().pulls);
    }
    Model without = busy_model();
    without.expression.reset();
    Simulation other(without, busy_start(), *context);
    other.advance(5.0, *context);
    EXPECT_NE(other.hash(), hash);
    EXPECT_EQ(other.tally().births, whole.tally().births);  // states change nothing else
}

TEST(expression_states, of_another_embedding_are_refused) {
    const auto context = test::make_context(1);
    const test::TemporaryFolder folder;
    Simulation simulation(busy_model(), busy_start(), *context);
    simulation.advance(1.0, *context);
    simulation.save(folder / "state", "busy");
    MeasuredCells cells = ring_cells();
    for (float& value : cells.latent.values) value = -value;
    Model model = busy_model();
    model.expression = std::make_shared<ExpressionModel>(ExpressionModel{.kernel = ExpressionKernel(cells, {.n_types = 3, .n_neighbors = 3}), .rates = model.expression->rates, .clock_min = 0.4});
    const Error error = test::thrown_by([&] { Simulation::load(model, folder / "state", "busy", *context); });
    EXPECT_EQ(error.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(test::contains(error.message(), "another embedding")) << error.message();
    model = busy_model();
    auto expression = ring_model({.attempts_per_min = 1e4});
    EXPECT_EQ(test::error_code([&] { ExpressionStates{expression}; }), ErrorCode::invalid_data);
    expression = ring_model({.attempts_per_min = -1.0});
    EXPECT_EQ(test::error_code([&] { ExpressionStates{expression}; }), ErrorCode::invalid_data);
}

}  // namespace
}  // namespace morula::simulation
