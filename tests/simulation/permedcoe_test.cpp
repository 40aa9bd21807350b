// The seven unit tests of the PerMedCoE community benchmark; what they leave open is settled in docs/simulation.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numbers>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "morula/core/file.hpp"
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

/// The curve that Morula gave, beside the oracle's in permedcoe/morula: other versions give the same to the last digits, so that what changes it is seen. MORULA_STORE_CURVES=1 writes it anew.
class OwnCurve {
public:
    OwnCurve(std::string name, std::string columns, std::string about) : name_(std::move(name)), text_("# Simulated by tests/simulation/permedcoe_test.cpp: " + std::move(about) + "\n" + std::move(columns) + "\n") {}
    void add(const std::vector<double>& row) {
        rows_.push_back(row);
        for (std::size_t k = 0; k < row.size(); ++k) text_ += fmt::format("{}{:.10g}", k == 0 ? "" : ",", row[k]);
        text_ += "\n";
    }
    void expect_stored(Context& context) const {
        if (std::getenv("MORULA_STORE_CURVES") != nullptr) write_text_file(std::filesystem::path(MORULA_SOURCE_DIR) / "tests/simulation/fixtures/permedcoe/morula" / (name_ + ".csv"), text_);
        const std::vector<std::vector<double>> stored = curve("morula/" + name_, context);
        ASSERT_EQ(stored.size(), rows_.size()) << name_;
        for (std::size_t r = 0; r < rows_.size(); ++r) {
            for (std::size_t k = 0; k < rows_[r].size(); ++k) EXPECT_NEAR(rows_[r][k], stored[r][k], 1e-6 * std::max(1.0, std::abs(stored[r][k]))) << name_ << ", row " << r << ", column " << k;
        }
    }

private:
    std::string name_;
    std::string text_;
    std::vector<std::vector<double>> rows_;
};

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
    OwnCurve own(name, "minutes,mean_uM,middle_uM", "mean of all voxels, and voxel (6, 6, 6).");
    for (const std::vector<double>& row : curve(name, *context)) {
        simulation.advance(row[0], *context);
        EXPECT_NEAR(mean_of(simulation.field()), row[1], 0.01) << name << ", minute " << row[0];
        EXPECT_NEAR(simulation.field().values(0)[middle], row[2], 0.03) << name << ", minute " << row[0];
        own.add({row[0], mean_of(simulation.field()), simulation.field().values(0)[middle]});
    }
    own.expect_stored(*context);
}

TEST(permedcoe, cells_divide_after_a_fixed_cycle_and_grow_as_measured) {
    const auto context = test::make_context(1);
    Model model;
    model.box = {.n = {10, 10, 10}, .voxel_um = 20.0};
    model.types = {{.name = "cell", .mechanics = {}, .life = cell_cycle(0.0), .exchange = {}}};
    Agents agents;
    add_agent(agents, first_id(0), 0, {100.0, 100.0, 100.0}, 0.0F);
    Simulation simulation(model, agents, *context);
    OwnCurve volumes("cell_cycle_volume", "hours,percent", "relative volume from the start of S on."), numbers("cell_cycle_fixed", "hours,n", "cells from one founder.");
    // Relative volumes by flow cytometry, every half hour from the start of S on.
    for (const std::vector<double>& row : curve("cell_cycle_volume", *context)) {
        simulation.advance(420.0 + 60.0 * row[0], *context);
        ASSERT_EQ(simulation.agents().size(), 1);
        const double relative = 100.0 * volume_of(simulation.agents(), 0) / 2494.0;
        EXPECT_NEAR(relative / row[1], 1.0, 0.03) << row[0] << " h";
        volumes.add({row[0], relative});
        EXPECT_EQ(simulation.agents().phase[0], row[0] < 6.0 ? 1 : 2) << row[0] << " h";
    }
    for (const std::vector<double>& row : curve("cell_cycle_fixed", *context)) {
        if (60.0 * row[0] < simulation.minute()) continue;
        simulation.advance(60.0 * row[0], *context);
        EXPECT_EQ(static_cast<double>(simulation.agents().size()), row[1]) << row[0] << " h";
        numbers.add({row[0], static_cast<double>(simulation.agents().size())});
    }
    volumes.expect_stored(*context);
    numbers.expect_stored(*context);
}

TEST(permedcoe, cycles_of_random_length_follow_the_renewal_equation) {
    const auto context = test::make_context(2);
    // Founders far apart, and nobody pushes: what is asked is the cycle.
    const std::int64_t n = 2000, a_side = 13;
    Model model;
    model.box = {.n = {a_side, a_side, a_side}, .voxel_um = 60.0};
    model.types = {{.name = "cell", .mechanics = {.repulsion_um_per_min = 0.0, .adhesion_um_per_min = 0.0}, .life = cell_cycle(1.0 / 7.0), .exchange = {}}};
    model.clocks = {.field_min = 6.0, .mechanics_min = 6.0, .life_min = 6.0};
    model.seed = 5;
    Agents agents;
    for (std::int64_t i = 0; i < n; ++i) {
        const auto at = [](std::int64_t k) { return 30.0 + 60.0 * static_cast<double>(k); };
        add_agent(agents, first_id(i), 0, {at(i % a_side), at(i / a_side % a_side), at(i / a_side / a_side)}, 0.0F);
    }
    Simulation simulation(model, std::move(agents), *context);
    OwnCurve own("cell_cycle_random", "hours,n", "mean number of cells of 2,000 founders.");
    for (const std::vector<double>& row : curve("cell_cycle_random", *context)) {
        simulation.advance(60.0 * row[0], *context);
        const double mean = static_cast<double>(simulation.agents().size()) / static_cast<double>(n);
        // hours, expected number, its standard deviation between founders
        EXPECT_NEAR(mean, row[1], 4.0 * row[2] / std::sqrt(static_cast<double>(n)) + 1e-9) << row[0] << " h";
        own.add({row[0], mean});
    }
    own.expect_stored(*context);
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

/// In an engine without inertia a force over a friction is a speed by definition. What is left to ask is that a force that acts between cells moves a cell at it: a cell that goes at twice the speed pushes
/// one that does not crawl; half of it is passed on. They start as far apart as that push needs, and so it stays constant.
TEST(permedcoe, a_cell_under_a_constant_force_moves_at_force_over_friction) {
    const auto context = test::make_context(1);
    // 20 pN over 7.2 kg / min: .01 um / min.
    const double speed = 0.01, repulsion = 40.0, apart = 10.0 * (1.0 - std::sqrt(speed / repulsion));
    Model model = movers(2.0 * speed, repulsion, 0.02);
    CellType pushed = model.types[0];
    pushed.name = "pushed";
    pushed.mechanics.speed_um_per_min = 0.0;
    model.types.push_back(pushed);
    Agents agents;
    add_agent(agents, first_id(0), 0, {-25.0, 0.0, 0.0}, 0.0F);
    add_agent(agents, first_id(1), 1, {-25.0 + apart, 0.0, 0.0}, 0.0F);
    Simulation simulation(model, agents, *context);
    OwnCurve own("friction", "seconds,um", "way of a cell that another one pushes.");
    for (const std::vector<double>& row : curve("friction", *context)) {
        simulation.advance(row[0] / 60.0, *context);
        EXPECT_NEAR(x_of(simulation, 1) + 25.0 - apart, row[1], 1e-7) << row[0] << " s";
        EXPECT_NEAR(x_of(simulation, 1) - x_of(simulation, 0), apart, 1e-6) << row[0] << " s";
        own.add({row[0], x_of(simulation, 1) + 25.0 - apart});
    }
    own.expect_stored(*context);
    // Without the one who pushes nothing moves it.
    Agents alone;
    add_agent(alone, first_id(1), 1, {-25.0 + apart, 0.0, 0.0}, 0.0F);
    Simulation unpushed(model, alone, *context);
    unpushed.advance(0.2, *context);
    EXPECT_EQ(x_of(unpushed, 1), -25.0 + apart);
}

TEST(permedcoe, two_cells_push_each_other_to_where_their_forces_balance) {
    const auto context = test::make_context(1);
    Model model = movers(10.0, 40.0, 0.01);
    Agents agents;
    add_agent(agents, first_id(0), 0, {-15.0, 0.0, 0.0}, 0.0F);
    add_agent(agents, first_id(1), 0, {15.0, 0.0, 0.0}, 0.0F);
    Simulation simulation(model, agents, *context);
    OwnCurve own("two_cells", "minutes,x1_um,x2_um", "two cells that go at each other.");
    for (const std::vector<double>& row : curve("two_cells", *context)) {
        simulation.advance(row[0], *context);
        EXPECT_NEAR(x_of(simulation, 0), row[1], 0.01) << row[0] << " min";
        EXPECT_NEAR(x_of(simulation, 1), row[2], 0.01) << row[0] << " min";
        own.add({row[0], x_of(simulation, 0), x_of(simulation, 1)});
    }
    own.expect_stored(*context);
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
    OwnCurve own("chemotaxis", "minutes,um", "a cell that follows a gradient.");
    for (const std::vector<double>& row : curve("chemotaxis", *context)) {
        simulation.advance(row[0], *context);
        EXPECT_NEAR(x_of(simulation, 0), row[1], 1e-3) << row[0] << " min";
        EXPECT_NEAR(simulation.agents().y[0], 3.0, 0.02);
        EXPECT_NEAR(simulation.agents().z[0], -4.0, 0.02);
        own.add({row[0], x_of(simulation, 0)});
    }
    own.expect_stored(*context);
}

}  // namespace
}  // namespace morula::simulation
