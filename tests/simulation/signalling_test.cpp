#include "morula/simulation/signalling.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>

#include "morula/simulation/simulation.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"

namespace morula::simulation {
namespace {

/// Made up: ten metacells in a row, latent 0 to 9, four cells each, of one type. Genes: A = z, B = 9 - z, C = 3 everywhere, D = 2 z.
ExpressionKernel row_kernel() {
    MeasuredCells cells;
    cells.latent = matrix::Dense<float>(40, 1);
    for (std::int64_t c = 0; c < 40; ++c) {
        cells.latent(c, 0) = static_cast<float>(c / 4);
        cells.type.push_back(0);
        cells.metacell.push_back(static_cast<std::int32_t>(c / 4));
    }
    return {std::move(cells), {.n_types = 1, .n_neighbors = 1}};
}

SignallingModel row_signalling() {
    SignallingModel model;
    model.decoder.genes = {"A", "B", "C", "D"};
    model.decoder.weights = matrix::Dense<float>(1, 4);
    model.decoder.weights.values = {1.0F, -1.0F, 0.0F, 2.0F};
    model.decoder.intercept = {0.0F, 9.0F, 3.0F, 0.0F};
    model.links = {{.name = "bath and C", .programme = 0, .substance = 0, .ligand = {}, .receptor = {2}, .half = 5.0},
                   {.name = "bath and the complex of A and B", .programme = 0, .substance = 0, .ligand = {}, .receptor = {0, 1}, .half = 20.0},
                   {.name = "A of neighbours and C", .programme = 1, .substance = -1, .ligand = {0}, .receptor = {2}, .half = 0.5}};
    model.programmes = {{.name = "up", .relaxation_per_min = 0.05, .strength = 1.2, .targets = {0}}, {.name = "felt", .relaxation_per_min = 0.2, .strength = 0.0, .targets = {}}};
    return model;
}

TEST(signalling, reads_levels_off_the_latent_and_cuts_them_at_0) {
    const Signalling signalling(row_signalling(), row_kernel());
    std::array<float, 4> levels{};
    signalling.model().decoder.decode(std::array{-2.0F}, levels);
    EXPECT_EQ(levels, (std::array{0.0F, 11.0F, 3.0F, 0.0F}));
    signalling.relative_levels(std::array{4.5F}, levels);
    EXPECT_EQ(levels, (std::array{0.5F, 0.5F, 1.0F, 0.5F}));
}

TEST(signalling, occupancy_is_that_of_mass_action_and_a_complex_counts_its_least_part) {
    const Signalling signalling(row_signalling(), row_kernel());
    std::array<double, 2> occupancy{};
    // C: 1 * 5 / (5 + 5); A and B: min(.9, .1) * 5 / (20 + 5). Two neighbours at the highest level of A: 2 / (.5 + 2).
    signalling.occupancies(std::array{0.9F, 0.1F, 1.0F, 0.9F}, std::array{5.0}, std::array{2.0F}, occupancy);
    EXPECT_NEAR(occupancy[0], 0.5 + 0.1 * 0.2, 1e-7);
    EXPECT_NEAR(occupancy[1], 0.8, 1e-7);
    signalling.occupancies(std::array{0.9F, 0.1F, 1.0F, 0.9F}, std::array{-1e-9}, std::array{0.0F}, occupancy);
    EXPECT_EQ(occupancy, (std::array{0.0, 0.0}));
}

TEST(signalling, a_receptor_that_was_not_measured_is_at_its_level_in_every_cell) {
    SignallingModel model = row_signalling();
    model.links = {{.name = "bath", .programme = 1, .substance = 0, .ligand = {}, .receptor = {}, .receptor_level = 0.5, .half = 15.0}};
    const Signalling signalling(model, row_kernel());
    std::array<double, 2> occupancy{};
    signalling.occupancies(std::array{0.0F, 0.0F, 0.0F, 0.0F}, std::array{5.0}, {}, occupancy);
    EXPECT_NEAR(occupancy[0], 0.0, 0.0);
    EXPECT_NEAR(occupancy[1], 0.5 * 0.25, 1e-15);
    for (const double level : {0.0, -0.5, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
        model.links[0].receptor_level = level;
        EXPECT_EQ(test::thrown_by([&] { Signalling(model, row_kernel()); }).code(), ErrorCode::invalid_data) << level;
    }
}

TEST(signalling, a_balance_turns_the_tilt_round_below_it) {
    SignallingModel model = row_signalling();
    const Signalling without(model, row_kernel());
    model.programmes[0].balance = 0.4;
    const Signalling with(model, row_kernel());
    EXPECT_NEAR(with.tilt(3, 5, std::array{0.4F, 0.0F}), 0.0, 1e-7);
    EXPECT_NEAR(with.tilt(3, 5, std::array{0.0F, 0.0F}), -without.tilt(3, 5, std::array{0.4F, 0.0F}), 1e-7);
    EXPECT_NEAR(with.tilt(3, 5, std::array{0.9F, 0.0F}), without.tilt(3, 5, std::array{0.5F, 0.0F}), 1e-7);
    model.programmes[0].balance = std::numeric_limits<double>::infinity();
    EXPECT_EQ(test::thrown_by([&] { Signalling(model, row_kernel()); }).code(), ErrorCode::invalid_data);
}

TEST(signalling, scores_are_in_standard_deviations_of_the_type) {
    const Signalling signalling(row_signalling(), row_kernel());
    const double deviation = std::sqrt((100.0 - 1.0) / 12.0);
    for (std::int64_t m = 0; m < 10; ++m) {
        EXPECT_NEAR(static_cast<double>(signalling.score(m, 0)), (static_cast<double>(m) - 4.5) / deviation, 1e-5);
        EXPECT_EQ(signalling.score(m, 1), 0.0F);
    }
    EXPECT_NEAR(signalling.tilt(3, 5, std::array{0.5F, 1.0F}), 1.2 * 0.5 * 2.0 / deviation, 1e-6);
}

std::vector<Life> lives() { return {standard_life(CycleModel::live)}; }

TEST(signalling, programmes_relax_exactly_and_shift_states_to_the_tilted_distribution) {
    const auto context = test::make_context(2);
    const Grid box{.n = {20, 20, 1}, .voxel_um = 20.0};
    Field field(box, {{.name = "bath", .initial = 5.0}}, 0.1, *context);
    SignallingModel with = row_signalling();
    with.links.resize(1);  // occupancy .5 everywhere
    const ExpressionKernel kernel = row_kernel();
    auto model = std::make_shared<ExpressionModel>(ExpressionModel{.kernel = kernel, .rates = {{.attempts_per_min = 0.5, .relaxation_per_min = 1.0}}, .signalling = Signalling(with, kernel)});
    ExpressionStates states(model);
    Agents agents;
    const std::int64_t n = 4'000;
    for (std::int64_t i = 0; i < n; ++i) add_agent(agents, first_id(i), 0, {5.0 * static_cast<double>(i % 80), 5.0 * static_cast<double>(i / 80), 10.0}, 8.0F);
    states.settle(agents, 1, *context);
    const NeighborLists lists(2.0, {1.25F});
    Workspace workspace;
    for (int minute = 1; minute <= 12; ++minute) states.signal(agents, lives(), field, lists, workspace, *context);
    EXPECT_NEAR(static_cast<double>(states.programme(agents, 17, 0)), 0.5 * -std::expm1(-0.05 * 12.0), 1e-6);
    for (int minute = 0; minute < 300; ++minute) states.signal(agents, lives(), field, lists, workspace, *context);
    for (std::uint32_t strike = 0; strike < 200; ++strike) states.advance(agents, lives(), 1, strike, *context);
    // n exp(1.2 * .5 * score)
    std::array<double, 10> expected{}, seen{};
    double total = 0.0;
    for (std::size_t m = 0; m < 10; ++m) total += expected[m] = std::exp(0.6 * static_cast<double>(model->signalling->score(static_cast<std::int64_t>(m), 0)));
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) seen[static_cast<std::size_t>(states.metacell(agents, i))] += 1.0 / static_cast<double>(n);
    for (std::size_t m = 0; m < 10; ++m) {
        const double p = expected[m] / total;
        EXPECT_NEAR(seen[m], p, 4.0 * std::sqrt(p * (1.0 - p) / static_cast<double>(n)));
    }
}

/// A tissue in which cells divide, a rule listens to a programme, and ligands come from the field and from neighbours.
Model tissue() {
    Model model;
    model.box = {.n = {10, 10, 10}, .voxel_um = 20.0};
    model.substances = {{.name = "bath", .diffusion_um2_per_min = 1e3, .decay_per_min = 0.05, .initial = 5.0}};
    CellType grows{.name = "grows", .mechanics = {}, .life = standard_life(CycleModel::live), .exchange = {{.secretion_per_min = 0.5, .aim = 8.0}}};
    grows.life.apoptosis_per_min = 0.02;
    model.types = {grows};
    model.rules = {{.cell_type = "grows", .signal = "programme:felt", .response = knowledge::Response::increases, .behavior = "cycle entry", .saturation = 0.2, .half_max = 0.3, .hill_power = 2.0, .line = 1}};
    model.clocks = {.field_min = 0.1, .mechanics_min = 0.1, .life_min = 0.6};
    const ExpressionKernel kernel = row_kernel();
    SignallingModel signalling = row_signalling();
    signalling.clock_min = 0.2;
    model.expression = std::make_shared<ExpressionModel>(
        ExpressionModel{.kernel = kernel, .rates = {{.attempts_per_min = 0.5, .relaxation_per_min = 1.0}}, .clock_min = 0.4, .signalling = Signalling(signalling, kernel)});
    return model;
}

Agents tissue_start() {
    Agents agents;
    for (std::int64_t i = 0; i < 125; ++i) {
        add_agent(agents, first_id(i), 0, {60.0 + 16.0 * static_cast<double>(i % 5), 60.0 + 16.0 * static_cast<double>(i / 5 % 5), 60.0 + 16.0 * static_cast<double>(i / 25)}, 8.0F);
    }
    return agents;
}

TEST(signalling, in_a_tissue_is_the_same_with_any_number_of_threads_and_drives_a_rule) {
    const auto births = test::same_at_threads({2, 8},
        [](Context& context) {
            Simulation simulation(tissue(), tissue_start(), context);
            simulation.advance(6.0, context);
            float most = 0.0F;
            for (std::size_t i = 0; i < simulation.agents().id.size(); ++i) most = std::max(most, simulation.states()->programme(simulation.agents(), i, 1));
            EXPECT_GT(most, 0.1F);
            return std::pair(simulation.hash(), simulation.tally().births);
        },
        [](const auto& a, const auto& b) { return a == b; });
    const auto context = test::make_context(1);
    Model alone = tissue();
    auto expression = std::make_shared<ExpressionModel>(*alone.expression);
    SignallingModel without = expression->signalling->model();
    without.links.pop_back();  // nobody feels neighbours
    expression->signalling.emplace(without, expression->kernel);
    alone.expression = expression;
    Simulation simulation(alone, tissue_start(), *context);
    simulation.advance(6.0, *context);
    EXPECT_EQ(simulation.states()->programme(simulation.agents(), 0, 1), 0.0F);
    EXPECT_LT(simulation.tally().births, births.second / 2);
}

/// The row in 32 dimensions, all but the first 0.
ExpressionKernel wide_kernel() {
    MeasuredCells cells;
    cells.latent = matrix::Dense<float>(40, 32);
    std::fill(cells.latent.values.begin(), cells.latent.values.end(), 0.0F);
    for (std::int64_t c = 0; c < 40; ++c) {
        cells.latent(c, 0) = static_cast<float>(c / 4);
        cells.type.push_back(0);
        cells.metacell.push_back(static_cast<std::int32_t>(c / 4));
    }
    return {std::move(cells), {.n_types = 1, .n_neighbors = 1}};
}

// What is said before anything is allocated holds states, programmes and what cells show by contact: at least what the run then has, and at most half as much again.
TEST(signalling, memory_is_named_beforehand_with_states_and_programmes) {
    const auto context = test::make_context(2);
    Model model = tissue();
    model.box.n = {23, 23, 23};
    const ExpressionKernel kernel = wide_kernel();
    SignallingModel signalling = row_signalling();
    signalling.clock_min = 0.2;
    signalling.decoder.weights = matrix::Dense<float>(32, 4);
    std::fill(signalling.decoder.weights.values.begin(), signalling.decoder.weights.values.end(), 0.0F);
    const std::array<float, 4> weights{1.0F, -1.0F, 0.0F, 2.0F};
    for (std::int64_t gene = 0; gene < 4; ++gene) signalling.decoder.weights(0, gene) = weights[static_cast<std::size_t>(gene)];
    for (const char* name : {"third", "fourth"}) signalling.programmes.push_back({.name = name, .relaxation_per_min = 0.1});
    model.expression = std::make_shared<ExpressionModel>(
        ExpressionModel{.kernel = kernel, .rates = {{.attempts_per_min = 0.5, .relaxation_per_min = 1.0}}, .clock_min = 0.4, .signalling = Signalling(signalling, kernel)});
    model.types[0].life.phases[0].rate_per_min = 0.0;
    model.types[0].life.apoptosis_per_min = 0.0;
    model.rules.clear();
    Agents start;
    for (std::int64_t i = 0; i < 24 * 24 * 24; ++i) {
        add_agent(start, first_id(i), 0, {40.0 + 16.0 * static_cast<double>(i % 24), 40.0 + 16.0 * static_cast<double>(i / 24 % 24), 40.0 + 16.0 * static_cast<double>(i / 576)}, 8.0F);
    }
    Simulation simulation(model, start, *context);
    simulation.advance(0.6, *context);
    const std::int64_t said = expected_bytes(simulation.model(), 24 * 24 * 24), had = simulation.bytes();
    EXPECT_GE(said, had);
    EXPECT_LE(static_cast<double>(said), 1.5 * static_cast<double>(had));
    // Without states the same tissue needs less by at least what each agent's state takes.
    Model plain = simulation.model();
    plain.expression = nullptr;
    EXPECT_GE(said - expected_bytes(plain, 24 * 24 * 24), 24 * 24 * 24 * (64 + 4 + 16 + 4));
}

TEST(signalling, contact_counts_the_living_who_touch) {
    const auto context = test::make_context(1);
    Model model = tissue();
    model.rules.clear();
    model.types[0].life.apoptosis_per_min = 0.0;
    model.types[0].mechanics = {.repulsion_um_per_min = 0.0, .adhesion_um_per_min = 0.0};
    auto expression = std::make_shared<ExpressionModel>(*model.expression);
    SignallingModel fast = expression->signalling->model();
    fast.programmes[1].relaxation_per_min = 1e3;
    expression->signalling.emplace(fast, expression->kernel);
    expression->rates = {{.attempts_per_min = 0.0, .relaxation_per_min = 0.0}};
    model.expression = expression;
    Agents start;
    const auto radius = static_cast<float>(std::cbrt(2494.0 * 0.75 / 3.14159265));
    for (const double x : {50.0, 60.0, 65.0, 100.0}) add_agent(start, first_id(start.size()), 0, {x, 50.0, 50.0}, radius);
    Simulation simulation(model, start, *context);
    simulation.advance(0.2, *context);
    const Agents& agents = simulation.agents();
    std::array<double, 4> shown{}, felt{};
    for (std::size_t i = 0; i < 4; ++i) {
        const auto own = static_cast<std::size_t>(std::find(agents.id.begin(), agents.id.end(), first_id(static_cast<std::int64_t>(i))) - agents.id.begin());
        float z = 0.0F;
        simulation.states()->latent(agents, own, {&z, 1});
        shown[i] = static_cast<double>(z) / 9.0;
        felt[i] = static_cast<double>(simulation.states()->programme(agents, own, 1));
    }
    const auto occupied = [](double ligand) { return ligand / (0.5 + ligand); };
    EXPECT_NEAR(felt[0], occupied(shown[1] + shown[2]), 1e-4);  // within 2 * 1.25 radii, 21 um
    EXPECT_NEAR(felt[1], occupied(shown[0] + shown[2]), 1e-4);
    EXPECT_EQ(felt[3], 0.0);
    EXPECT_GT(felt[0] + felt[1] + felt[2], 0.0);
}

TEST(signalling, refuses_what_cannot_be) {
    const ExpressionKernel kernel = row_kernel();
    const auto refused = [&](const auto& change, const char* part) {
        SignallingModel model = row_signalling();
        change(model);
        const Error error = test::thrown_by([&] { Signalling(model, kernel); });
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        EXPECT_TRUE(test::contains(error.message(), part)) << error.message();
    };
    refused([](SignallingModel& m) { m.links[0].half = 0.0; }, "bath and C");
    refused([](SignallingModel& m) { m.programmes[0].relaxation_per_min = -1.0; }, "'up'");
    refused([](SignallingModel& m) { m.decoder.intercept[1] = std::numeric_limits<float>::quiet_NaN(); }, "no number");
    refused([](SignallingModel& m) { m.decoder.intercept[2] = -1.0F; }, "receptor 'C'");
    refused([](SignallingModel& m) { m.programmes.resize(17); }, "17 programmes");
}

}  // namespace
}  // namespace morula::simulation
