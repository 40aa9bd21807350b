#include "morula/simulation/readouts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

using Place = std::array<double, 3>;

/// Cells that stay where they are: they neither push nor stick.
CellType still(std::string name, double volume_um3) {
    CellType type{.name = std::move(name), .mechanics = {.repulsion_um_per_min = 0.0, .adhesion_um_per_min = 0.0}, .life = standard_life(CycleModel::none), .exchange = {{}}};
    type.life.volume_um3 = volume_um3;
    type.life.nuclear_um3 = volume_um3 / 5.0;
    return type;
}

/// One substance, field steps as long as those of mechanics.
Model still_model(const Grid& box, Substance substance, std::vector<CellType> types) {
    Model model;
    model.box = box;
    model.substances = {std::move(substance)};
    model.types = std::move(types);
    model.fixed.resize(1);
    model.clocks = {.field_min = 0.1, .mechanics_min = 0.1, .life_min = 6.0};
    return model;
}

void for_each_voxel(const Grid& grid, const std::function<void(Place, std::int64_t place)>& body) {
    for (std::int64_t z = 0; z < grid.n[2]; ++z) {
        for (std::int64_t y = 0; y < grid.n[1]; ++y) {
            for (std::int64_t x = 0; x < grid.n[0]; ++x) body({grid.center_um(0, x), grid.center_um(1, y), grid.center_um(2, z)}, grid.place(x, y, z));
        }
    }
}

double distance(const Grid& grid, Place at) { return std::hypot(at[0], at[1], grid.is_flat() ? 0.0 : at[2]); }

/// Every voxel holds profile(r): what is tested is the read-out alone.
void hold(Model& model, const std::function<double(double r)>& profile) {
    for_each_voxel(model.box, [&](Place at, std::int64_t place) {
        model.fixed[0].places.push_back(place);
        model.fixed[0].concentrations.push_back(profile(distance(model.box, at)));
    });
}

/// One cell in the middle of each voxel between two distances from the origin.
Agents fill(const Grid& box, std::uint16_t type, double from, double to) {
    Agents agents;
    for_each_voxel(box, [&](Place at, std::int64_t) {
        if (distance(box, at) > from && distance(box, at) < to) add_agent(agents, first_id(agents.size()), type, at, 0.0F);
    });
    return agents;
}

Grid around_origin(std::int64_t n, double h) {
    const double from = -0.5 * h * static_cast<double>(n);
    return {.n = {n, n, n}, .voxel_um = h, .origin_um = {from, from, from}};
}

double value(const std::vector<ReadoutValue>& values, std::string_view name) {
    for (const ReadoutValue& each : values) {
        if (each.name == name) return each.value;
    }
    ADD_FAILURE() << name;
    return 0.0;
}

/// x in [low, high] with falling f(x) = y.
double solve(const std::function<double(double)>& f, double y, double low, double high) {
    for (int k = 0; k < 100; ++k) (f(0.5 * (low + high)) > y ? low : high) = 0.5 * (low + high);
    return low;
}

TEST(readouts, oxygenation_of_a_painted_krogh_cylinder_is_that_of_its_closed_form) {
    const auto context = test::make_context(2);
    const double capillary = 8.0, tissue = 60.0, uptake = 20.0, diffusion = 2000.0, inside = 40.0;
    const auto krogh = [&](double r) {
        const double at = std::clamp(r, capillary, tissue);
        return inside + uptake / (4.0 * diffusion) * (at * at - capillary * capillary) - uptake * tissue * tissue / (2.0 * diffusion) * std::log(at / capillary);
    };
    Model model = still_model({.n = {256, 256, 1}, .voxel_um = 0.5, .origin_um = {-64.0, -64.0, 0.0}}, {.name = "oxygen", .unit = "mmHg", .diffusion_um2_per_min = diffusion}, {still("cell", 500.0)});
    hold(model, krogh);
    const Simulation simulation(model, fill(model.box, 0, capillary, tissue), *context);
    const auto area = [](double r, double R) { return R * R - r * r; };
    const double bound = solve(krogh, 15.0, capillary, tissue);
    const auto values = read_out({.name = "o2", .substance = 0, .threshold = 15.0}, simulation, *context);
    EXPECT_EQ(values.front().unit, "1");
    EXPECT_EQ(values.back().unit, "um");
    EXPECT_NEAR(value(values, "o2.low"), area(bound, tissue) / area(capillary, tissue), 0.002);
    for (const auto& [name, share] : {std::pair{"o2.p05", 0.05}, {"o2.p50", 0.5}, {"o2.p95", 0.95}}) {
        // A share of the area lies outside of this radius.
        const double r = std::sqrt(tissue * tissue - share * area(capillary, tissue));
        EXPECT_NEAR(value(values, name), krogh(r), 0.05) << name;
    }
    const Region half{.from_um = {0.0, -64.0, 0.0}, .to_um = {64.0, 64.0, 1.0}};
    EXPECT_NEAR(value(read_out({.name = "o2", .substance = 0, .region = half, .threshold = 15.0}, simulation, *context), "o2.low"), value(values, "o2.low"), 1e-12);
}

TEST(readouts, the_viable_rim_of_a_painted_ball_is_that_of_the_sphere_with_constant_uptake) {
    const auto context = test::make_context(2);
    const double radius = 80.0, core = 50.0;
    for (const bool is_flat : {false, true}) {
        Grid box = around_origin(80, 2.5);
        if (is_flat) box.n[2] = 1;
        Model model = still_model(box, {.name = "oxygen", .unit = "mmHg", .diffusion_um2_per_min = 2000.0}, {still("cell", 500.0)});
        const auto profile = [&](double r) { return 38.0 - 15.0 * (radius * radius - r * r) / (6.0 * 2000.0); };
        hold(model, profile);
        Agents start = fill(box, 0, 0.0, radius);
        const Readout readout{.name = "o2", .substance = 0, .threshold = profile(core)};
        EXPECT_NEAR(value(read_out(readout, Simulation(model, start, *context), *context), "o2.rim"), radius - core, 0.2);
        // The same where the core is dead instead of short of oxygen; the dead do not breathe.
        for (std::size_t i = 0; i < start.id.size(); ++i) {
            begin_life(start, i, model.types[0].life);
            if (distance(box, {start.x[i], start.y[i], start.z[i]}) < core) start.phase[i] = static_cast<std::uint8_t>(model.types[0].life.necrosis);
        }
        const auto values = read_out(readout, Simulation(model, start, *context), *context);
        EXPECT_NEAR(value(values, "o2.rim"), radius - core, 0.2);
        EXPECT_EQ(value(values, "o2.low"), 0.0);
    }
}

/// A cell in each of these voxels takes up a constant amount a volume of tissue: so fast, and half saturated at so little, that it is constant to .3 % wherever there are more than 4 mmHg.
CellType greedy(double uptake_mmhg_per_min, double voxel_um) {
    const double volume = 0.5, half = 0.01;
    CellType type = still("cell", volume);
    type.exchange = {{.uptake_per_min = uptake_mmhg_per_min * std::pow(voxel_um, 3.0) / volume / half, .half_uptake = half}};
    return type;
}

TEST(readouts, oxygenation_of_a_krogh_cylinder_that_cells_breathe_empty_is_that_of_its_closed_form) {
    const auto context = test::make_context(2);
    const double capillary = 8.0, tissue = 60.0, uptake = 20.0, diffusion = 2000.0, inside = 40.0, h = 1.0;
    const auto krogh = [&](double r) { return inside + uptake / (4.0 * diffusion) * (r * r - capillary * capillary) - uptake * tissue * tissue / (2.0 * diffusion) * std::log(r / capillary); };
    Model model = still_model({.n = {128, 128, 1}, .voxel_um = h, .origin_um = {-64.0, -64.0, 0.0}}, {.name = "oxygen", .unit = "mmHg", .diffusion_um2_per_min = diffusion, .initial = inside}, {greedy(uptake, h)});
    model.pace = {FieldPace::steady};
    // Only the blood is held; its profile is carried on into the lumen, so that it passes the wall at the right height.
    for_each_voxel(model.box, [&](Place at, std::int64_t place) {
        if (distance(model.box, at) >= capillary) return;
        model.fixed[0].places.push_back(place);
        model.fixed[0].concentrations.push_back(krogh(distance(model.box, at)));
    });
    const Simulation simulation(model, fill(model.box, 0, capillary, tissue), *context);
    const auto area = [](double r, double R) { return R * R - r * r; };
    const double depth = inside - krogh(tissue), bound = solve(krogh, 15.0, capillary, tissue);
    EXPECT_GT(krogh(tissue), 4.0);
    const auto values = read_out({.name = "o2", .substance = 0, .threshold = 15.0}, simulation, *context);
    EXPECT_NEAR(value(values, "o2.low"), area(bound, tissue) / area(capillary, tissue), 0.02);
    for (const auto& [name, share] : {std::pair{"o2.p05", 0.05}, {"o2.p50", 0.5}, {"o2.p95", 0.95}}) {
        EXPECT_NEAR(value(values, name), krogh(std::sqrt(tissue * tissue - share * area(capillary, tissue))), 0.01 * depth) << name;
    }
}

TEST(readouts, the_rim_of_a_ball_that_breathes_at_a_constant_rate_is_that_of_the_closed_form) {
    const auto context = test::make_context(2);
    const double radius = 80.0, core = 50.0, uptake = 15.0, diffusion = 2000.0, far = 38.0, h = 4.0;
    const auto exact = [&](double r) { return r < radius ? far - uptake * radius * radius / (2.0 * diffusion) + uptake * r * r / (6.0 * diffusion) : far - uptake * std::pow(radius, 3.0) / (3.0 * diffusion * r); };
    Model model = still_model(around_origin(50, h), {.name = "oxygen", .unit = "mmHg", .diffusion_um2_per_min = diffusion, .initial = far}, {greedy(uptake, h)});
    model.pace = {FieldPace::steady};
    // Only what lies outside of 96 um is held.
    for_each_voxel(model.box, [&](Place at, std::int64_t place) {
        if (std::max({std::abs(at[0]), std::abs(at[1]), std::abs(at[2])}) < 96.0) return;
        model.fixed[0].places.push_back(place);
        model.fixed[0].concentrations.push_back(exact(distance(model.box, at)));
    });
    EXPECT_GT(exact(0.0), 10.0);
    const Simulation simulation(model, fill(model.box, 0, 0.0, radius), *context);
    const auto values = read_out({.name = "o2", .substance = 0, .threshold = exact(core)}, simulation, *context);
    EXPECT_NEAR(value(values, "o2.rim"), radius - core, 1.0);
    EXPECT_NEAR(value(values, "o2.low"), std::pow(core / radius, 3.0), 0.015);
    EXPECT_NEAR(value(values, "o2.p50"), exact(radius * std::cbrt(0.5)), 0.01 * (far - exact(0.0)));
}

TEST(readouts, oxygen_in_a_ball_of_cells_that_take_it_up_falls_as_the_closed_form_says) {
    const auto context = test::make_context(2);
    // Uptake in proportion to what is there: sinh(r / l) / r within, a reservoir less a hyperbola outside; l^2 = D over uptake a volume of tissue.
    const double h = 5.0, radius = 70.0, diffusion = 2000.0, volume = 100.0, uptake = 1.5, far = 38.0;
    const double length = std::sqrt(diffusion * h * h * h / (volume * uptake));
    const double inner = far / std::cosh(radius / length) * length;
    const auto exact = [&](double r) {
        if (r < radius) return r < 1e-9 ? inner / length : inner * std::sinh(r / length) / r;
        return far - (far - inner * std::sinh(radius / length) / radius) * radius / r;
    };
    Model model = still_model(around_origin(36, h), {.name = "oxygen", .unit = "mmHg", .diffusion_um2_per_min = diffusion, .initial = far}, {still("cell", volume)});
    model.types[0].exchange = {{.uptake_per_min = uptake}};
    model.pace = {FieldPace::steady};
    for_each_voxel(model.box, [&](Place at, std::int64_t place) {
        if (std::max({std::abs(at[0]), std::abs(at[1]), std::abs(at[2])}) < 85.0) return;
        model.fixed[0].places.push_back(place);
        model.fixed[0].concentrations.push_back(exact(distance(model.box, at)));
    });
    Simulation simulation(model, fill(model.box, 0, 0.0, radius), *context);
    simulation.advance(0.1, *context);
    const auto values = read_out({.name = "o2", .substance = 0, .threshold = exact(0.8 * radius)}, simulation, *context);
    EXPECT_NEAR(value(values, "o2.low"), 0.8 * 0.8 * 0.8, 0.02);
    EXPECT_NEAR(value(values, "o2.rim"), 0.2 * radius, 1.0);
    EXPECT_NEAR(value(values, "o2.p50") / exact(radius * std::cbrt(0.5)), 1.0, 0.01);
    EXPECT_NEAR(value(values, "o2.p05") / exact(radius * std::cbrt(0.05)), 1.0, 0.01);
}

TEST(readouts, a_barrier_with_gaps_conducts_as_paths_side_by_side) {
    const auto context = test::make_context(1);
    const double medium = 600.0, cell = 0.6, thickness = 10.0;
    Model model = still_model({.n = {40, 40, 8}, .voxel_um = 5.0}, {.name = "dextran", .diffusion_um2_per_min = medium}, {still("epithelium", 2494.0), still("other", 2494.0)});
    model.types[0].mechanics.adhesion_reach = 1.0;
    Agents start;
    for (int row = 0; row < 10; ++row) {
        for (int column = 0; column < 10; ++column) add_agent(start, first_id(start.size()), 0, {10.0 + 19.7 * column, 10.0 + 19.9 * row, 20.0}, 0.0F);
    }
    add_agent(start, first_id(1000), 1, {15.0, 20.0, 20.0}, 0.0F);   // of another type
    add_agent(start, first_id(1001), 0, {20.0, 20.0, 32.0}, 0.0F);   // above the layer
    Readout readout{.name = "wall", .kind = ReadoutKind::barrier, .substance = 0, .types = {0}, .region = Region{.from_um = {0.0, 0.0, 15.0}, .to_um = {200.0, 200.0, 25.0}}, .cell_permeability_um_per_min = cell};
    const Simulation simulation(model, start, *context);
    const double radius = static_cast<double>(simulation.agents().radius[0]);
    const auto values = read_out(readout, simulation, *context);
    const double gaps = value(values, "wall.gaps");
    EXPECT_NEAR(gaps, 1.0 - 100.0 * std::numbers::pi * radius * radius / 40'000.0, 0.002);
    const double open = medium / thickness, closed = 1.0 / (thickness / medium + 1.0 / cell);
    EXPECT_NEAR(value(values, "wall.permeability") / (gaps * open + (1.0 - gaps) * closed), 1.0, 1e-12);
    EXPECT_NEAR(value(values, "wall.resistance"), 1.0 / value(values, "wall.permeability") - thickness / medium, 1e-12);
    readout.cell_permeability_um_per_min = 0.0;
    EXPECT_NEAR(value(read_out(readout, simulation, *context), "wall.permeability") / (gaps * open), 1.0, 1e-12);
    // Neighbours that adhere over what lies between them leave no gap; a second layer doubles the resistance.
    readout.cell_permeability_um_per_min = cell;
    model.types[0].mechanics.adhesion_reach = 2.2;
    EXPECT_EQ(value(read_out(readout, Simulation(model, start, *context), *context), "wall.gaps"), 0.0);
    model.types[0].mechanics.adhesion_reach = 20.0;
    Agents two;
    add_agent(two, 1, 0, {100.0, 100.0, 18.0}, 0.0F);
    EXPECT_NEAR(value(read_out(readout, Simulation(model, two, *context), *context), "wall.resistance"), 1.0 / cell, 1e-9);
    add_agent(two, 2, 0, {100.0, 100.0, 22.0}, 0.0F);
    EXPECT_NEAR(value(read_out(readout, Simulation(model, two, *context), *context), "wall.resistance"), 2.0 / cell, 1e-9);
    // The dead do not seal.
    for (std::size_t i = 0; i < two.id.size(); ++i) {
        begin_life(two, i, model.types[0].life);
        two.phase[i] = static_cast<std::uint8_t>(model.types[0].life.apoptosis);
    }
    EXPECT_EQ(value(read_out(readout, Simulation(model, two, *context), *context), "wall.gaps"), 1.0);
    EXPECT_NEAR(value(read_out(readout, Simulation(model, two, *context), *context), "wall.resistance"), 0.0, 1e-12);
}

/// A cell that secretes in the middle of a box, its field as it is in the end.
Simulation point_source(const Grid& box, double diffusion, double decay, Context& context) {
    Model model = still_model(box, {.name = "il6", .unit = "nM", .diffusion_um2_per_min = diffusion, .decay_per_min = decay}, {still("macrophage", 2494.0), still("other", 2494.0)});
    model.types[0].exchange = {{.secretion_per_min = 0.01, .aim = 1e6}};
    model.pace = {FieldPace::steady};
    Agents start;
    add_agent(start, 1, 0, {0.0, 0.0, 0.0}, 0.0F);
    add_agent(start, 2, 1, {50.0, 50.0, 50.0}, 0.0F);
    Simulation simulation(model, start, context);
    simulation.advance(0.1, context);
    return simulation;
}

TEST(readouts, the_load_around_a_point_source_is_that_of_diffusion_with_decay) {
    const auto context = test::make_context(2);
    const double diffusion = 1000.0, decay = 1.6, length = std::sqrt(diffusion / decay);
    const Simulation simulation = point_source(around_origin(75, 4.0), diffusion, decay, *context);
    const double flux = value(read_out({.name = "s", .kind = ReadoutKind::secretion, .substance = 0}, simulation, *context), "s.flux");
    EXPECT_NEAR(flux / (2494.0 * 0.01 * 1e6), 1.0, 0.01);
    // Q / (4 pi D r) exp(-r / sqrt(D / k)) away from the source's own voxel.
    const Grid& box = simulation.model().box;
    for (const double r : {24.0, 48.0, 72.0}) {
        const double c = simulation.field().values(0)[static_cast<std::size_t>(nearest_place(box, {r, 0.0, 0.0}))];
        EXPECT_NEAR(c / (flux / (4.0 * std::numbers::pi * diffusion * r) * std::exp(-r / length)), 1.0, 0.03) << r;
    }
    const auto values = read_out({.name = "il6", .kind = ReadoutKind::cytokine_load, .substance = 0, .types = {0}}, simulation, *context);
    EXPECT_EQ(values[0].unit, "nM um3");
    EXPECT_NEAR(value(values, "il6.total") * decay / flux, 1.0, 2e-6);
    EXPECT_EQ(value(values, "il6.peak"), simulation.field().values(0)[static_cast<std::size_t>(nearest_place(box, {0.0, 0.0, 0.0}))]);
    // Half of the amount lies where (1 + r / l) exp(-r / l) = 1 / 2.
    const double half = solve([](double x) { return (1.0 + x) * std::exp(-x); }, 0.5, 0.0, 10.0);
    EXPECT_NEAR(value(values, "il6.half_radius") / (half * length), 1.0, 0.01);
    // No sources of the type: a load without a half-radius. A region: its part of the load.
    const auto none = read_out({.name = "il6", .kind = ReadoutKind::cytokine_load, .substance = 0, .types = {1}}, simulation, *context);
    EXPECT_TRUE(std::isnan(value(none, "il6.half_radius")));
    EXPECT_EQ(value(none, "il6.total"), value(values, "il6.total"));
    const Region ball{.shape = Region::Shape::ball, .radius_um = half * length};
    EXPECT_NEAR(value(read_out({.name = "il6", .kind = ReadoutKind::cytokine_load, .substance = 0, .region = ball}, simulation, *context), "il6.total") / value(values, "il6.total"), 0.5, 0.02);
}

TEST(readouts, what_a_slab_and_a_shell_exchange_is_in_their_closed_forms) {
    const auto context = test::make_context(2);
    Model model = still_model({.n = {10, 8, 14}, .voxel_um = 5.0}, {.name = "oxygen", .diffusion_um2_per_min = 2000.0}, {still("vessel", 1.0)});
    Readout slab{.name = "lung", .kind = ReadoutKind::exchange, .substance = 0, .region = Region{.from_um = {0.0, 0.0, 0.0}, .to_um = {50.0, 40.0, 20.0}}, .other_region = Region{.from_um = {0.0, 0.0, 50.0}, .to_um = {50.0, 40.0, 70.0}}};
    const auto values = read_out(slab, Simulation(model, {}, *context), *context);
    EXPECT_NEAR(value(values, "lung.area_per_thickness") / (50.0 * 40.0 / 30.0), 1.0, 1e-7);
    EXPECT_NEAR(value(values, "lung.capacity") / (2000.0 * 50.0 * 40.0 / 30.0), 1.0, 1e-7);
    // No vessel: nothing to say. Sides that touch: a voxel apart.
    slab.others = {0};
    EXPECT_TRUE(std::isnan(value(read_out(slab, Simulation(model, {}, *context), *context), "lung.area_per_thickness")));
    slab.others = {};
    slab.other_region->from_um[2] = 20.5;
    EXPECT_NEAR(value(read_out(slab, Simulation(model, {}, *context), *context), "lung.area_per_thickness"), 50.0 * 40.0 / 5.0, 1e-6);
    // An air space of 40 um in a shell of tissue, cells of vessels from 80 um on: 4 pi / (1 / 40 - 1 / 80).
    const double inner = 40.0, outer = 80.0;
    for (const double h : {8.0, 4.0}) {
        Model shell = still_model(around_origin(static_cast<std::int64_t>(200.0 / h), h), {.name = "oxygen", .diffusion_um2_per_min = 2000.0}, {still("vessel", 1.0)});
        const Readout readout{.name = "alveolus", .kind = ReadoutKind::exchange, .substance = 0, .others = {0}, .region = Region{.shape = Region::Shape::ball, .radius_um = inner}};
        const double found = value(read_out(readout, Simulation(shell, fill(shell.box, 0, outer, outer + 2.0 * h), *context), *context), "alveolus.area_per_thickness");
        EXPECT_NEAR(found / (4.0 * std::numbers::pi / (1.0 / inner - 1.0 / outer)), 1.0, h == 8.0 ? 0.05 : 0.02) << h;
    }
}

TEST(readouts, what_cells_secrete_is_what_the_mass_balance_sees) {
    const auto context = test::make_context(2);
    Model model = still_model({.n = {9, 8, 7}, .voxel_um = 20.0}, {.name = "insulin", .initial = 0.3}, {still("beta", 2494.0), still("eats", 1300.0)});
    model.types[0].exchange = {{.secretion_per_min = 2.0, .aim = 7.0}};
    model.types[1].exchange = {{.secretion_per_min = 0.3, .aim = 1.0, .uptake_per_min = 1.7}};
    Agents start;
    for (std::int64_t i = 0; i < 200; ++i) {
        Random random(5, Purpose::test, static_cast<std::uint64_t>(i), 0);
        add_agent(start, first_id(i), static_cast<std::uint16_t>(i % 2), {180.0 * random.uniform(), 160.0 * random.uniform(), 140.0 * random.uniform()}, 0.0F);
    }
    Simulation simulation(model, start, *context);
    // Without diffusion the concentration after a step is the one that its cells met, so that the balance is exact step by step.
    const double before = simulation.field().total(0, *context);
    double came = 0.0, secreted = 0.0, cleared = 0.0;
    for (int step = 1; step <= 30; ++step) {
        simulation.advance(0.1 * step, *context);
        came += 0.1 * value(read_out({.name = "all", .kind = ReadoutKind::secretion, .substance = 0}, simulation, *context), "all.net");
        secreted += 0.1 * value(read_out({.name = "all", .kind = ReadoutKind::secretion, .substance = 0}, simulation, *context), "all.flux");
        cleared += 0.1 * value(read_out({.name = "all", .kind = ReadoutKind::clearance, .substance = 0}, simulation, *context), "all.taken_up");
    }
    const double change = simulation.field().total(0, *context) - before;
    EXPECT_GT(change, 0.1 * before);
    EXPECT_NEAR(came / change, 1.0, 1e-12);
    EXPECT_NEAR((secreted - cleared) / change, 1.0, 1e-6);  // the parts of a float each
    // By hand: one cell.
    Agents one;
    add_agent(one, 1, 0, {10.0, 10.0, 10.0}, 0.0F);
    EXPECT_NEAR(value(read_out({.name = "s", .kind = ReadoutKind::secretion, .substance = 0, .types = {0}}, Simulation(model, one, *context), *context), "s.flux"), 2494.0 * 2.0 * (7.0 - 0.3), 0.01);
    EXPECT_EQ(value(read_out({.name = "s", .kind = ReadoutKind::secretion, .substance = 0, .types = {1}}, Simulation(model, one, *context), *context), "s.flux"), 0.0);
}

TEST(readouts, a_well_mixed_substance_is_halved_after_its_half_life) {
    const auto context = test::make_context(2);
    const double volume = 2494.0, uptake = 2.0, decay = 0.01;
    Model model = still_model({.n = {6, 6, 6}, .voxel_um = 20.0}, {.name = "debris", .diffusion_um2_per_min = 1e7, .decay_per_min = decay, .initial = 5.0}, {still("macrophage", volume)});
    model.types[0].exchange = {{.uptake_per_min = uptake}};
    model.clocks.field_min = 0.002;
    Agents start;
    for (std::int64_t i = 0; i < 10; ++i) add_agent(start, first_id(i), 0, {10.0 + 11.0 * static_cast<double>(i), 60.0, 60.0}, 0.0F);
    Simulation simulation(model, start, *context);
    const Readout readout{.name = "debris", .kind = ReadoutKind::clearance, .substance = 0, .types = {0}};
    const auto values = read_out(readout, simulation, *context);
    const double rate = 10.0 * volume * uptake / 1'728'000.0 + decay;
    const double half_life = value(values, "debris.half_life");
    EXPECT_NEAR(half_life * rate / std::numbers::ln2, 1.0, 1e-6);
    EXPECT_NEAR(value(values, "debris.taken_up"), 10.0 * volume * uptake * 5.0, 0.1);
    EXPECT_TRUE(std::isnan(value(values, "debris.contacts")));
    const double until = std::round(half_life * 10.0) / 10.0;
    simulation.advance(until, *context);
    EXPECT_NEAR(simulation.field().total(0, *context) / 1'728'000.0 / 5.0 * std::exp(rate * until), 1.0, 0.003);
}

TEST(readouts, contacts_are_those_that_a_look_at_all_pairs_finds) {
    Model model = still_model({.n = {6, 6, 6}, .voxel_um = 20.0}, {.name = "a", .diffusion_um2_per_min = 1.0}, {still("effector", 2494.0), still("target", 1000.0)});
    Agents start;
    for (std::int64_t i = 0; i < 150; ++i) {
        Random random(8, Purpose::test, static_cast<std::uint64_t>(i), 0);
        add_agent(start, first_id(i), static_cast<std::uint16_t>(i % 3 == 0 ? 0 : 1), {120.0 * random.uniform(), 120.0 * random.uniform(), 120.0 * random.uniform()}, 0.0F);
        begin_life(start, static_cast<std::size_t>(i), model.types[start.type.back()].life);
        if (i % 5 == 0) start.phase.back() = static_cast<std::uint8_t>(model.types[0].life.apoptosis);
    }
    for (const std::vector<std::uint16_t>& others : {std::vector<std::uint16_t>{1}, std::vector<std::uint16_t>{0, 1}}) {
        std::int64_t pairs = 0;
        for (std::size_t i = 0; i < start.id.size(); ++i) {
            for (std::size_t j = i + 1; j < start.id.size(); ++j) {
                const bool touch = std::hypot(start.x[i] - start.x[j], start.y[i] - start.y[j], start.z[i] - start.z[j]) < static_cast<double>(start.radius[i]) + static_cast<double>(start.radius[j]);
                const auto is_pair = [&](std::size_t a, std::size_t b) { return start.type[a] == 0 && start.phase[a] == 0 && std::find(others.begin(), others.end(), start.type[b]) != others.end(); };
                if (touch && (is_pair(i, j) || is_pair(j, i))) ++pairs;
            }
        }
        ASSERT_GT(pairs, 10);
        const Readout readout{.name = "c", .kind = ReadoutKind::clearance, .substance = 0, .types = {0}, .others = others};
        const double found = test::same_at_1_2_4_threads([&](Context& context) { return value(read_out(readout, Simulation(model, start, context), context), "c.contacts"); }, [](double a, double b) { return a == b; });
        EXPECT_EQ(found, static_cast<double>(pairs));
    }
}

constexpr double volume_of_radius(double r) { return 4.0 / 3.0 * std::numbers::pi * r * r * r; }

/// Cells of radius 50 at these places.
double diameter_of(const Grid& box, const std::vector<Place>& places, Context& context) {
    const Model model = still_model(box, {.name = "a"}, {still("cell", volume_of_radius(50.0))});
    Agents start;
    for (const Place& at : places) add_agent(start, first_id(start.size()), 0, at, 0.0F);
    const auto values = read_out({.name = "body", .kind = ReadoutKind::extent}, Simulation(model, start, context), context);
    EXPECT_EQ(values.front().unit, "um");
    return value(values, "body.diameter");
}

TEST(readouts, the_extent_of_one_ball_is_its_diameter) {
    const auto context = test::make_context(2);
    EXPECT_NEAR(diameter_of(around_origin(40, 20.0), {{31.0, -7.0, 55.0}}, *context), 100.0, 1e-5);
    EXPECT_NEAR(diameter_of({.n = {40, 40, 1}, .voxel_um = 20.0, .origin_um = {-400.0, -400.0, 0.0}}, {{31.0, -7.0, 10.0}}, *context), 100.0, 1e-5);
}

TEST(readouts, the_extent_of_two_balls_that_overlap_is_their_mean_reach) {
    const auto context = test::make_context(2);
    const double r = 50.0, a = 30.0, k = r * r - a * a;
    // A ray at cosine c from the line through both leaves the nearer one at a c + sqrt(r^2 - a^2 (1 - c^2)); c is even on the sphere, an angle on the circle.
    const double solid = a / 2.0 + r / 2.0 + k / (2.0 * a) * std::asinh(a / std::sqrt(k));
    const double flat = 2.0 / std::numbers::pi * (a + r * std::comp_ellint_2(a / r));
    for (std::size_t axis = 0; axis < 3; ++axis) {
        Place one{5.0, -3.0, 10.0}, other = one;
        one[axis] += a;
        other[axis] -= a;
        EXPECT_NEAR(diameter_of(around_origin(40, 20.0), {one, other}, *context) / (2.0 * solid), 1.0, 1e-3) << axis;
        if (axis == 2) continue;
        EXPECT_NEAR(diameter_of({.n = {40, 40, 1}, .voxel_um = 20.0, .origin_um = {-400.0, -400.0, 0.0}}, {one, other}, *context) / (2.0 * flat), 1.0, 1e-3) << axis;
    }
}

TEST(readouts, the_extent_of_a_shell_of_cells_lies_within_the_bounds_of_its_gaps) {
    const auto context = test::make_context(2);
    // 2,000 cells on a spiral on a sphere: no place on it is farther than `gap` from the nearest of them (6.09, measured).
    const double R = 100.0, r = 8.0, gap = 6.1;
    const std::int64_t n = 2'000;
    Model model = still_model(around_origin(20, 20.0), {.name = "a"}, {still("shell", volume_of_radius(r)), still("inside", volume_of_radius(r)), still("stray", volume_of_radius(r))});
    Agents start;
    for (std::int64_t i = 0; i < n; ++i) {
        const double z = 1.0 - (2.0 * static_cast<double>(i) + 1.0) / static_cast<double>(n), across = std::sqrt(1.0 - z * z), angle = 1.0 + 2.399963 * static_cast<double>(i);
        add_agent(start, first_id(start.size()), 0, {R * across * std::cos(angle), R * across * std::sin(angle), R * z}, 0.0F);
    }
    for (const double x : {-60.0, -20.0, 20.0, 60.0}) add_agent(start, first_id(start.size()), 1, {x, 0.0, 0.0}, 0.0F);
    add_agent(start, first_id(start.size()), 2, {180.0, 180.0, 180.0}, 0.0F);
    const auto diameter = [&](std::vector<std::uint16_t> types, std::optional<Region> region) {
        return value(read_out({.name = "body", .kind = ReadoutKind::extent, .types = std::move(types), .region = region}, Simulation(model, start, *context), *context), "body.diameter");
    };
    const double shell = diameter({0}, std::nullopt);
    EXPECT_LT(shell, 2.0 * (R + r));
    EXPECT_GT(shell, 2.0 * (std::sqrt(R * R - gap * gap) + std::sqrt(r * r - gap * gap)));
    EXPECT_NEAR(diameter({0, 1}, std::nullopt), shell, 1e-6) << "what lies inside adds nothing";
    EXPECT_NEAR(diameter({}, Region{.shape = Region::Shape::ball, .radius_um = 150.0}), shell, 1e-6) << "the stray cell lies outside of the region";
    EXPECT_TRUE(std::isnan(diameter({}, Region{.shape = Region::Shape::ball, .center_um = {-180.0, -180.0, -180.0}, .radius_um = 1.0})));
    // The dead belong to the body.
    for (std::size_t i = 0; i < start.id.size(); ++i) {
        begin_life(start, i, model.types[start.type[i]].life);
        start.phase[i] = static_cast<std::uint8_t>(model.types[start.type[i]].life.necrosis);
    }
    EXPECT_NEAR(diameter({0}, std::nullopt), shell, 1e-6);
}

TEST(readouts, are_the_same_with_any_number_of_threads_and_without_cells) {
    const Region layer{.from_um = {-90.0, -90.0, -10.0}, .to_um = {90.0, 90.0, 10.0}};
    const Region ball{.shape = Region::Shape::ball, .radius_um = 20.0};
    for (const auto kind : {ReadoutKind::oxygenation, ReadoutKind::barrier, ReadoutKind::cytokine_load, ReadoutKind::exchange, ReadoutKind::secretion, ReadoutKind::clearance, ReadoutKind::extent}) {
        const Readout readout{.name = "r", .kind = kind, .substance = 0, .others = {1}, .region = kind == ReadoutKind::exchange ? ball : layer, .cell_permeability_um_per_min = 0.1};
        const auto all = [&](Context& context) {
            const Simulation simulation = point_source(around_origin(20, 10.0), 1000.0, 1.6, context);
            check_readout(readout, simulation.model());
            std::vector<double> values;
            for (const ReadoutValue& each : read_out(readout, simulation, context)) values.push_back(each.value);
            return values;
        };
        EXPECT_EQ(test::same_at_1_2_4_threads(all, test::same_bits<double>).size(), readout_names(readout).size());
    }
    const auto context = test::make_context(1);
    const Simulation empty(still_model({.n = {5, 5, 5}, .voxel_um = 20.0}, {.name = "a", .diffusion_um2_per_min = 10.0}, {still("cell", 2494.0)}), {}, *context);
    for (const ReadoutValue& each : read_out({.name = "o2", .substance = 0}, empty, *context)) EXPECT_TRUE(std::isnan(each.value)) << each.name;
    const auto values = read_out({.name = "c", .kind = ReadoutKind::clearance, .substance = 0, .others = {0}}, empty, *context);
    EXPECT_EQ(value(values, "c.taken_up"), 0.0);
    EXPECT_EQ(value(values, "c.contacts"), 0.0);
    EXPECT_TRUE(std::isnan(value(values, "c.half_life")));
}

TEST(readouts, say_what_they_cannot_be) {
    const Model model = still_model({.n = {5, 5, 5}, .voxel_um = 20.0}, {.name = "a"}, {still("cell", 2494.0)});
    const auto refused = [&](const Readout& readout, std::string_view part) {
        const Error error = test::thrown_by([&] { check_readout(readout, model); });
        EXPECT_EQ(error.code(), ErrorCode::invalid_data) << part;
        EXPECT_TRUE(test::contains(error.message(), part)) << error.message();
    };
    const Region box{.from_um = {0.0, 0.0, 40.0}, .to_um = {100.0, 100.0, 60.0}};
    refused({.name = "", .substance = 0}, "name: is missing");
    refused({.name = "x"}, "substance: is not there");
    refused({.name = "x", .substance = 1}, "substance: is not there");
    refused({.name = "x", .substance = 0, .types = {1}}, "cell_types: name one");
    refused({.name = "x", .substance = 0, .threshold = -1.0}, "threshold");
    refused({.name = "x", .substance = 0, .region = Region{.from_um = {0.0, 0.0, 0.0}, .to_um = {0.0, 10.0, 10.0}}}, "without extent");
    refused({.name = "x", .substance = 0, .region = Region{.from_um = {200.0, 0.0, 0.0}, .to_um = {300.0, 10.0, 10.0}}}, "outside the domain");
    refused({.name = "x", .substance = 0, .region = Region{.shape = Region::Shape::ball, .radius_um = std::numeric_limits<double>::quiet_NaN()}}, "radius_um: must be above 0");
    refused({.name = "x", .kind = ReadoutKind::barrier, .substance = 0}, "box of its layer");
    refused({.name = "x", .kind = ReadoutKind::barrier, .substance = 0, .region = box, .axis = 3}, "axis: 3 is not there");
    refused({.name = "x", .kind = ReadoutKind::barrier, .substance = 0, .region = box, .cell_permeability_um_per_min = -1.0}, "cell_permeability: is below 0");
    refused({.name = "x", .kind = ReadoutKind::barrier, .substance = 0, .region = box}, "'a' does not diffuse");
    refused({.name = "x", .kind = ReadoutKind::exchange, .substance = 0, .region = box}, "vessel_types: is missing");
    const Region all{.from_um = {0.0, 0.0, 0.0}, .to_um = {100.0, 100.0, 100.0}}, tiny{.shape = Region::Shape::ball, .center_um = {40.0, 40.0, 40.0}, .radius_um = 0.01};
    refused({.name = "x", .kind = ReadoutKind::exchange, .substance = 0, .region = all, .other_region = box}, "vessel_from_um: begins a region that lies within the lumen's");
    refused({.name = "x", .kind = ReadoutKind::exchange, .substance = 0, .region = box, .other_region = box}, "within the lumen's");
    refused({.name = "x", .kind = ReadoutKind::exchange, .substance = 0, .region = tiny, .other_region = box}, "center_um: begins a region without the centre of a voxel");
    refused({.name = "x", .kind = ReadoutKind::exchange, .substance = 0, .types = {0}, .other_region = tiny}, "vessel_center_um: begins a region without the centre of a voxel");
    refused({.name = "x", .kind = ReadoutKind::exchange, .substance = 0, .types = {0}, .others = {0}}, "vessel_types: are all of the lumen too");
    EXPECT_FALSE(find_fault({.name = "x", .kind = ReadoutKind::exchange, .substance = 0, .region = box, .other_region = all}, model).has_value()) << "what is left of all around the box is a side";
    EXPECT_FALSE(find_fault({.name = "x", .kind = ReadoutKind::exchange, .substance = 0, .types = {0}, .others = {0}, .region = box}, model).has_value()) << "cells of one type, some of them in the lumen";
    EXPECT_EQ(readout_kind_names()[static_cast<std::size_t>(ReadoutKind::clearance)], "clearance");
    EXPECT_EQ(readout_names({.name = "x", .kind = ReadoutKind::barrier}).front(), "x.permeability");
    refused({.name = "x", .kind = ReadoutKind::extent, .types = {1}}, "cell_types: name one");
    EXPECT_FALSE(find_fault({.name = "x", .kind = ReadoutKind::extent}, model).has_value()) << "how far cells reach has nothing to do with a substance";
}

}  // namespace
}  // namespace morula::simulation
