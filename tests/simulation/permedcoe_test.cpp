// The seven unit tests of the PerMedCoE community benchmark; what they leave open is settled in docs/simulation.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <string>

#include "morula/formats/text/delimited.hpp"
#include "morula/simulation/simulation.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

/// The stored curve: rows of numbers, the first the time.
std::vector<std::vector<double>> curve(const std::string& name, Context& context) {
    const formats::RawTable table = formats::read_rows(std::filesystem::path(MORULA_SOURCE_DIR) / "tests/simulation/fixtures/permedcoe" / (name + ".csv"), {.comment = "#"}, context);
    std::vector<std::vector<double>> rows;
    for (const auto& row : table.rows) {
        rows.emplace_back();
        for (const std::string& text : row) rows.back().push_back(std::stod(text));
    }
    EXPECT_GT(rows.size(), 5U);
    return rows;
}

/// G0/G1 for 7 h, S for 6 h, G2 for 5 h, then two daughters; grows from the start of S on. spread: of G0/G1.
Life cell_cycle(double spread) {
    Life life;
    life.phases = {{.name = "G0/G1", .exit = PhaseExit::after_time, .duration_min = 420.0, .next = 1, .spread = spread},
                   {.name = "S", .exit = PhaseExit::after_time, .duration_min = 360.0, .next = 2, .doubles_target = true},
                   {.name = "G2/M", .exit = PhaseExit::after_time, .duration_min = 300.0, .next = 0, .divides = true}};
    return life;
}

/// A box of 240 um, voxels of 20 um, walls at 10 uM, D = 2,000 um2/min; each sink is a cell of 10 um that clears its voxel at 2 / min.
Model sinks() {
    Model model;
    model.box = {.n = {12, 12, 12}, .voxel_um = 20.0, .origin_um = {-120.0, -120.0, -120.0}};
    model.substances = {{.name = "oxygen", .unit = "uM", .diffusion_um2_per_min = 2000.0, .initial = 10.0}};
    model.fixed.resize(1);
    for (std::int64_t place = 0; place < 12 * 12 * 12; ++place) {
        const std::array<std::int64_t, 3> at{place % 12, place / 12 % 12, place / 144};
        if (std::any_of(at.begin(), at.end(), [](std::int64_t i) { return i == 0 || i == 11; })) model.fixed[0].places.push_back(model.box.place(at[0], at[1], at[2]));
    }
    model.fixed[0].concentrations.assign(model.fixed[0].places.size(), 10.0);
    CellType sink{.name = "sink", .mechanics = {}, .life = standard_life(CycleModel::none), .exchange = {{}}};
    sink.life.volume_um3 = 4.0 / 3.0 * std::numbers::pi * 125.0;
    sink.life.nuclear_um3 = 0.2 * sink.life.volume_um3;
    sink.exchange[0].uptake_per_min = 2.0 * 8000.0 / sink.life.volume_um3;
    model.types = {sink};
    model.clocks = {.field_min = 0.0025, .mechanics_min = 0.1, .life_min = 6.0};
    return model;
}

double mean_of(const Field& field) {
    double sum = 0.0;
    for (const double value : field.values(0)) sum += value;
    return sum / static_cast<double>(field.grid().n_voxels());
}

void expect_concentrations(const std::string& name, Agents cells) {
    const auto context = test::make_context(2);
    Simulation simulation(sinks(), std::move(cells), *context);
    const auto middle = static_cast<std::size_t>(simulation.model().box.place(6, 6, 6));
    for (const std::vector<double>& row : curve(name, *context)) {
        simulation.advance(row[0], *context);
        EXPECT_NEAR(mean_of(simulation.field()), row[1], 0.01) << name << ", minute " << row[0];
        EXPECT_NEAR(simulation.field().values(0)[middle], row[2], 0.03) << name << ", minute " << row[0];
    }
}

TEST(permedcoe, cells_divide_after_a_fixed_cycle_and_grow_as_measured) {
    const auto context = test::make_context(1);
    Model model;
    model.box = {.n = {10, 10, 10}, .voxel_um = 20.0};
    model.types = {{.name = "cell", .mechanics = {}, .life = cell_cycle(0.0), .exchange = {}}};
    Agents agents;
    add_agent(agents, first_id(0), 0, {100.0, 100.0, 100.0}, 0.0F);
    Simulation simulation(model, agents, *context);
    // Relative volumes by flow cytometry, every half hour from the start of S on.
    for (const std::vector<double>& row : curve("cell_cycle_volume", *context)) {
        simulation.advance(420.0 + 60.0 * row[0], *context);
        ASSERT_EQ(simulation.agents().size(), 1);
        const double relative = 100.0 * volume_of(simulation.agents(), 0) / 2494.0;
        EXPECT_NEAR(relative / row[1], 1.0, 0.03) << row[0] << " h";
        EXPECT_EQ(simulation.agents().phase[0], row[0] < 6.0 ? 1 : 2) << row[0] << " h";
    }
    for (const std::vector<double>& row : curve("cell_cycle_fixed", *context)) {
        if (60.0 * row[0] < simulation.minute()) continue;
        simulation.advance(60.0 * row[0], *context);
        EXPECT_EQ(static_cast<double>(simulation.agents().size()), row[1]) << row[0] << " h";
    }
}

TEST(permedcoe, cycles_of_random_length_follow_the_renewal_equation) {
    const auto context = test::make_context(2);
    const Life life = cell_cycle(1.0 / 7.0);
    const std::int64_t n = 2000;
    Agents agents;
    for (std::int64_t i = 0; i < n; ++i) {
        add_agent(agents, first_id(i), 0, {0.0, 0.0, 0.0}, 1.0F);
        begin_life(agents, static_cast<std::size_t>(i), life);
    }
    std::uint32_t step = 0;
    for (const std::vector<double>& row : curve("cell_cycle_random", *context)) {
        for (; 6.0 * static_cast<double>(step) < 60.0 * row[0] - 1e-6; ++step) {
            PopulationEvents events = advance_life(agents, std::span(&life, 1), {}, 6.0, 5, step, *context);
            apply_events(agents, std::move(events), Space::solid, 5, step);
        }
        // hours, expected number, its standard deviation between founders
        EXPECT_NEAR(static_cast<double>(agents.size()) / static_cast<double>(n), row[1], 4.0 * row[2] / std::sqrt(static_cast<double>(n)) + 1e-9) << row[0] << " h";
    }
}

TEST(permedcoe, one_cell_is_a_sink) {
    Agents agents;
    add_agent(agents, first_id(0), 0, {10.0, 10.0, 10.0}, 0.0F);
    expect_concentrations("diffusion_one_sink", agents);
}

TEST(permedcoe, a_thousand_cells_are_sinks) {
    Agents agents;
    for (std::int64_t i = 0; i < 1000; ++i) {
        const auto at = [](std::int64_t k) { return -90.0 + 20.0 * static_cast<double>(k); };
        add_agent(agents, first_id(i), 0, {at(i % 10), at(i / 10 % 10), at(i / 100)}, 0.0F);
    }
    expect_concentrations("diffusion_thousand_sinks", agents);
}

/// Cells of 10 um in a box of 60 um with a substance that falls off from the middle voxels along x.
Model movers(double speed, double repulsion, double step_min) {
    Model model;
    model.box = {.n = {3, 3, 3}, .voxel_um = 20.0, .origin_um = {-30.0, -30.0, -30.0}};
    model.substances = {{.name = "lure", .unit = "uM"}};
    CellType mover{.name = "mover", .mechanics = {.repulsion_um_per_min = repulsion, .adhesion_um_per_min = 0.0, .speed_um_per_min = speed, .persistence_min = 1e9, .bias = 1.0, .chemotaxis_substance = 0},
                   .life = standard_life(CycleModel::none), .exchange = {}};
    mover.life.volume_um3 = 4.0 / 3.0 * std::numbers::pi * 125.0;
    mover.life.nuclear_um3 = 0.2 * mover.life.volume_um3;
    model.types = {mover};
    model.fixed.resize(1);
    for (std::int64_t place = 0; place < 27; ++place) {
        model.fixed[0].places.push_back(model.box.place(place % 3, place / 3 % 3, place / 9));
        model.fixed[0].concentrations.push_back(place % 3 == 1 ? 1.0 : 0.0);
    }
    model.clocks = {.field_min = step_min, .mechanics_min = step_min, .life_min = step_min};
    return model;
}

double x_of(const Simulation& simulation, std::int64_t number) {
    const Agents& agents = simulation.agents();
    return agents.x[static_cast<std::size_t>(std::find(agents.id.begin(), agents.id.end(), first_id(number)) - agents.id.begin())];
}

TEST(permedcoe, a_cell_under_a_constant_force_moves_at_force_over_friction) {
    const auto context = test::make_context(1);
    // 20 pN over 7.2 kg / min: .01 um / min.
    Model model = movers(0.01, 0.0, 0.02);
    Agents agents;
    add_agent(agents, first_id(0), 0, {-15.0, 0.0, 0.0}, 0.0F);
    Simulation simulation(model, agents, *context);
    for (const std::vector<double>& row : curve("friction", *context)) {
        simulation.advance(row[0] / 60.0, *context);
        EXPECT_NEAR(x_of(simulation, 0) + 15.0, row[1], 1e-7) << row[0] << " s";
    }
}

TEST(permedcoe, two_cells_push_each_other_to_where_their_forces_balance) {
    const auto context = test::make_context(1);
    Model model = movers(10.0, 40.0, 0.01);
    Agents agents;
    add_agent(agents, first_id(0), 0, {-15.0, 0.0, 0.0}, 0.0F);
    add_agent(agents, first_id(1), 0, {15.0, 0.0, 0.0}, 0.0F);
    Simulation simulation(model, agents, *context);
    for (const std::vector<double>& row : curve("two_cells", *context)) {
        simulation.advance(row[0], *context);
        EXPECT_NEAR(x_of(simulation, 0), row[1], 0.01) << row[0] << " min";
        EXPECT_NEAR(x_of(simulation, 1), row[2], 0.01) << row[0] << " min";
    }
}

TEST(permedcoe, a_cell_goes_straight_up_a_gradient) {
    const auto context = test::make_context(1);
    Model model = sinks();
    // From 0 at the lowest x to 10 uM at the highest: steady without sinks.
    model.fixed[0] = {};
    for (std::int64_t place = 0; place < 144; ++place) {
        for (const std::int64_t x : {std::int64_t{0}, std::int64_t{11}}) {
            model.fixed[0].places.push_back(model.box.place(x, place % 12, place / 12));
            model.fixed[0].concentrations.push_back(x == 0 ? 0.0 : 10.0);
        }
    }
    model.pace = {FieldPace::steady};
    model.types[0].exchange = {};
    model.types[0].mechanics = {.speed_um_per_min = 1.0, .persistence_min = 0.1, .bias = 1.0, .chemotaxis_substance = 0};
    Agents agents;
    add_agent(agents, first_id(0), 0, {-50.0, 3.0, -4.0}, 0.0F);
    Simulation simulation(model, agents, *context);
    for (const std::vector<double>& row : curve("chemotaxis", *context)) {
        simulation.advance(row[0], *context);
        EXPECT_NEAR(x_of(simulation, 0), row[1], 1e-3) << row[0] << " min";
        EXPECT_NEAR(simulation.agents().y[0], 3.0, 0.02);
        EXPECT_NEAR(simulation.agents().z[0], -4.0, 0.02);
    }
}

}  // namespace
}  // namespace morula::simulation
