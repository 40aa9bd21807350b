// Uptake that saturates, stirred medium, and sources of the scenario's own.
#include <gtest/gtest.h>

#include <cmath>

#include "morula/simulation/simulation.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"
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

/// A domain without cells in which one substance comes in at 3 nM a min.
Model with_source(Grid box, FieldPace pace, double decay, std::vector<std::int64_t> places) {
    Model model;
    model.box = box;
    model.substances = {{.name = "drug", .diffusion_um2_per_min = 2000.0, .decay_per_min = decay}};
    model.pace = {pace};
    model.types = {{.name = "cell", .mechanics = {}, .life = standard_life(CycleModel::none), .exchange = {}}};
    model.sources = {{.substance = 0, .places = std::move(places), .rate_per_min = 3.0}};
    model.clocks = {.field_min = 0.05, .mechanics_min = 0.1, .life_min = 6.0};
    return model;
}

// c' = r - k c from 0: in the steps of the field, c <- (c + r dt) q with q = exp(-k dt), so c after n steps is r dt q (1 - q^n) / (1 - q); as dt falls, r / k (1 - exp(-k t)).
TEST(simulation_fields, a_source_everywhere_fills_the_domain_as_the_closed_form_says) {
    const auto context = test::make_context(2);
    const Grid box{.n = {7, 5, 3}, .voxel_um = 20.0};
    Simulation simulation(with_source(box, FieldPace::stepped, 0.2, {}), {}, *context);
    simulation.advance(10.0, *context);
    const double q = std::exp(-0.2 * 0.05), exact = 3.0 * 0.05 * q * (1.0 - std::pow(q, 200.0)) / (1.0 - q);
    EXPECT_NEAR(exact / (3.0 / 0.2 * -std::expm1(-2.0)), 1.0, 0.006) << "first order in the step";
    for (std::int64_t x = 0; x < 7; ++x) EXPECT_NEAR(simulation.field().values(0)[static_cast<std::size_t>(box.place(x, 2, 1))] / exact, 1.0, 1e-12);
    EXPECT_NEAR(simulation.field().total(0, *context) / (exact * 105.0 * 8000.0), 1.0, 1e-12);
    // In some voxels alone: without decay the amount is what came in, wherever it has gone.
    Simulation some(with_source(box, FieldPace::stepped, 0.0, {box.place(1, 1, 1), box.place(6, 4, 2)}), {}, *context);
    some.advance(10.0, *context);
    EXPECT_NEAR(some.field().total(0, *context) / (3.0 * 10.0 * 2.0 * 8000.0), 1.0, 1e-12);
    EXPECT_GT(some.field().values(0)[static_cast<std::size_t>(box.place(6, 4, 2))], some.field().values(0)[static_cast<std::size_t>(box.place(6, 0, 0))]);
}

// A steady slab between two walls at 0: c = r / (2 D) (a^2 - x^2) within a source that fills it, a parabola, which the differences have exactly; beside a source of width w in the middle a
// line of slope r w / (2 D).
TEST(simulation_fields, a_steady_source_gives_the_parabola_and_the_lines_of_the_closed_form) {
    const auto context = test::make_context(2);
    const Grid box{.n = {31, 4, 1}, .voxel_um = 20.0};
    const auto slab = [&](std::vector<std::int64_t> places) {
        Model model = with_source(box, FieldPace::steady, 0.0, std::move(places));
        model.fixed.resize(1);
        for (std::int64_t y = 0; y < 4; ++y) {
            for (const std::int64_t x : {0, 30}) {
                model.fixed[0].places.push_back(box.place(x, y, 0));
                model.fixed[0].concentrations.push_back(0.0);
            }
        }
        const Simulation simulation(model, {}, *context);
        std::vector<double> along;
        for (std::int64_t x = 0; x < 31; ++x) along.push_back(simulation.field().values(0)[static_cast<std::size_t>(box.place(x, 2, 0))]);
        return along;
    };
    const std::vector<double> whole = slab({});
    for (std::size_t x = 0; x < 31; ++x) {
        const double from_middle = (static_cast<double>(x) - 15.0) * 20.0;
        EXPECT_NEAR(whole[x], 3.0 / 4000.0 * (300.0 * 300.0 - from_middle * from_middle), 1e-3) << x;
    }
    std::vector<std::int64_t> middle;
    for (std::int64_t y = 0; y < 4; ++y) {
        for (std::int64_t x = 13; x < 18; ++x) middle.push_back(box.place(x, y, 0));
    }
    const std::vector<double> lines = slab(middle);
    for (std::size_t x = 0; x < 12; ++x) EXPECT_NEAR(lines[x + 1] - lines[x], 3.0 * 100.0 / 4000.0 * 20.0, 1e-3) << x;
}

TEST(simulation_fields, a_source_of_what_is_not_there_or_that_takes_away_is_refused) {
    Model model = with_source({.n = {3, 3, 3}, .voxel_um = 20.0}, FieldPace::stepped, 0.1, {});
    model.sources[0].rate_per_min = -1.0;
    EXPECT_EQ(test::error_code([&] { checked(model); }), ErrorCode::invalid_data);
    model.sources[0] = {.substance = 1, .places = {}, .rate_per_min = 1.0};
    EXPECT_EQ(test::error_code([&] { checked(model); }), ErrorCode::invalid_data);
    // A steady substance that only comes in has no steady field.
    Model steady = with_source({.n = {3, 3, 3}, .voxel_um = 20.0}, FieldPace::steady, 0.0, {});
    const Error error = test::thrown_by([&] { Simulation(steady, {}, *test::make_context(1)); });
    EXPECT_TRUE(test::contains(error.message(), "nothing takes it away")) << error.message();
}

}  // namespace
}  // namespace morula::simulation
