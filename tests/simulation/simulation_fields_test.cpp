// Uptake that saturates, and stirred medium.
#include <gtest/gtest.h>

#include <cmath>

#include "morula/simulation/simulation.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::simulation {
namespace {

/// Three voxels in a row, the outer two held at 40, one cell in the middle.
Model row_of_three(double uptake, double half) {
    Model model;
    model.box = {.n = {3, 1, 1}, .voxel_um = 20.0};
    model.substances = {{.name = "oxygen", .diffusion_um2_per_min = 1000.0, .initial = 10.0}};
    model.pace = {FieldPace::steady};
    model.fixed = {{{model.box.place(0, 0, 0), model.box.place(2, 0, 0)}, {40.0, 40.0}}};
    model.types = {{.name = "cell", .mechanics = {}, .life = standard_life(CycleModel::none), .exchange = {{.uptake_per_min = uptake, .half_uptake = half}}}};
    model.clocks = {.field_min = 0.01, .mechanics_min = 0.1, .life_min = 6.0};
    return model;
}
Agents one_cell() {
    Agents agents;
    add_agent(agents, first_id(0), 0, {30.0, 10.0, 10.0}, 0.0F);
    return agents;
}
double middle_of(const Simulation& simulation) { return simulation.field().values(0)[1]; }

/// 2 D / h^2 (40 - c) = (volume / h^3) u c / (1 + c / half), a quadratic in c.
double closed_form(double uptake, double half) {
    const double in = 2.0 * 1000.0 / 400.0, u = 2494.0 / 8000.0 * uptake;
    // in (40 - c) (half + c) = u half c
    const double b = half - 40.0 + u * half / in;
    return (-b + std::sqrt(b * b + 4.0 * 40.0 * half)) / 2.0;
}

TEST(simulation_fields, uptake_that_saturates_solves_its_quadratic) {
    const auto context = test::make_context(1);
    for (const double uptake : {1.0, 100.0, 10'000.0}) {
        for (const double half : {0.1, 5.0, 500.0}) {
            Simulation simulation(row_of_three(uptake, half), one_cell(), *context);
            simulation.advance(0.1, *context);
            EXPECT_NEAR(middle_of(simulation) / closed_form(uptake, half), 1.0, 1e-4) << uptake << " " << half;
        }
    }
    // Without saturation: in (40 - c) = u c.
    Simulation simulation(row_of_three(100.0, 0.0), one_cell(), *context);
    simulation.advance(0.1, *context);
    EXPECT_NEAR(middle_of(simulation), 5.0 * 40.0 / (5.0 + 2494.0 / 8000.0 * 100.0), 1e-3);
}

TEST(simulation_fields, a_steady_field_is_solved_for_before_anything_moves) {
    const auto context = test::make_context(1);
    const test::TemporaryFolder folder;
    Model model = row_of_three(100.0, 5.0);
    model.types[0].mechanics.speed_um_per_min = 1.0;
    model.perturbations.drugs = {{.substance = 0, .shape = Drug::Shape::curve, .route = Drug::Route::vessels, .points = {{0.0, 0.0}, {60.0, 60.0}}}};
    const auto middle = [](const Simulation& of) { return middle_of(of); };
    Simulation simulation(model, one_cell(), *context);
    EXPECT_NEAR(middle(simulation) / closed_form(100.0, 5.0), 1.0, 1e-4) << "of minute 0";
    // Nothing of the first step is solved for twice, and a state of minute 0 goes on with the same bits.
    const double at_start = middle(simulation);
    simulation.save(folder / "state", "row");
    simulation.advance(0.1, *context);
    EXPECT_EQ(middle(simulation), at_start) << "the next is due when the life clock strikes";
    Simulation again = Simulation::load(model, folder / "state", "row", *context);
    again.advance(12.0, *context);
    simulation.advance(12.0, *context);
    EXPECT_EQ(again.hash(), simulation.hash());
    EXPECT_GT(middle(simulation), 1.1 * at_start) << "the vessels hold more by then";
    // Drugs in the vessels act from minute 0 on.
    model.perturbations.drugs = {{.substance = 0, .route = Drug::Route::vessels, .points = {{0.0, 40.0}}}};
    EXPECT_GT(middle(Simulation(model, one_cell(), *context)), 1.5 * at_start);
    // Beside a stirred medium too, which is fixed anew at each solution.
    model.medium = {40.0};
    model.fixed = {{{model.box.place(0, 0, 0)}, {40.0}}};
    Simulation stirred(model, one_cell(), *context);
    stirred.advance(12.0, *context);
    EXPECT_EQ(stirred.field().values(0)[0], 80.0);
    EXPECT_EQ(stirred.field().values(0)[2], 40.0);
}

TEST(simulation_fields, a_stepped_field_with_saturating_uptake_ends_at_the_steady_one) {
    const auto context = test::make_context(1);
    Model model = row_of_three(100.0, 5.0);
    model.pace = {FieldPace::stepped};
    model.clocks.field_min = 0.001;  // uptake and diffusion take turns: an error of first order in the step
    Simulation simulation(model, one_cell(), *context);
    simulation.advance(6.0, *context);
    EXPECT_NEAR(middle_of(simulation) / closed_form(100.0, 5.0), 1.0, 0.02);
}

TEST(simulation_fields, stirred_medium_reaches_up_to_the_cells) {
    Model model;
    model.box = {.n = {9, 9, 9}, .voxel_um = 20.0};
    model.substances = {{.name = "oxygen", .diffusion_um2_per_min = 1000.0, .initial = 0.0}};
    model.pace = {FieldPace::steady};
    model.medium = {38.0};
    model.types = {{.name = "cell", .mechanics = {}, .life = standard_life(CycleModel::none), .exchange = {{.uptake_per_min = 10.0}}}};
    Agents ball;
    for (std::int64_t i = 0; i < 125; ++i) {
        add_agent(ball, first_id(i), 0, {50.0 + 20.0 * static_cast<double>(i % 5), 50.0 + 20.0 * static_cast<double>(i / 5 % 5), 50.0 + 20.0 * static_cast<double>(i / 25)}, 0.0F);
    }
    const auto context = test::make_context(2);
    Simulation simulation(model, ball, *context);
    simulation.advance(0.1, *context);
    const auto at = [&](std::int64_t x) { return simulation.field().values(0)[static_cast<std::size_t>(model.box.place(x, 4, 4))]; };
    EXPECT_EQ(at(0), 38.0);
    EXPECT_EQ(at(1), 38.0) << "the last voxel without a cell";
    EXPECT_LT(at(2), 38.0);
    EXPECT_LT(at(4), at(3));
    EXPECT_GT(at(4), 0.0);
    model.pace = {FieldPace::stepped};
    EXPECT_EQ(test::error_code([&] { Simulation(model, ball, *context); }), ErrorCode::invalid_data);
}

}  // namespace
}  // namespace morula::simulation
