#include "morula/simulation/field.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "morula/core/random.hpp"
#include "morula/simulation/voxel_sums.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

using std::numbers::pi;

/// Calls body(x, y, z, value) for every voxel.
template <class Values, class Body>
void for_each_voxel(const Grid& grid, Values&& values, const Body& body) {
    for (std::int64_t z = 0; z < grid.n[2]; ++z) {
        for (std::int64_t y = 0; y < grid.n[1]; ++y) {
            for (std::int64_t x = 0; x < grid.n[0]; ++x) body(x, y, z, values[static_cast<std::size_t>(grid.place(x, y, z))]);
        }
    }
}

double cosine(std::int64_t mode, std::int64_t i, std::int64_t n) {
    return std::cos(pi * static_cast<double>(mode) * (static_cast<double>(i) + 0.5) / static_cast<double>(n));
}

/// What one sweep leaves of a cosine mode: the eigenvalue of the discrete operator with closed walls.
double mode_gain(const Substance& s, const Grid& grid, int axis, std::int64_t mode, double dt) {
    const double coupling = dt * s.diffusion_um2_per_min / (grid.voxel_um * grid.voxel_um);
    const double loss = std::expm1(dt * s.decay_per_min / grid.dimensions());
    return 1.0 / (1.0 + loss + 2.0 * coupling * (1.0 - std::cos(pi * static_cast<double>(mode) / static_cast<double>(grid.n[static_cast<std::size_t>(axis)]))));
}

void expect_modes_decay_exactly(const Grid& grid) {
    const auto context = test::make_context(2);
    const std::vector<Substance> substances{{.name = "oxygen", .diffusion_um2_per_min = 1e5, .decay_per_min = 0.1, .initial = 3.0}, {.name = "ligand", .diffusion_um2_per_min = 600.0, .decay_per_min = 2.0}};
    const double dt = 0.01;
    const int steps = 50;
    Field field(grid, substances, dt, *context);
    const std::array<std::array<std::int64_t, 3>, 2> modes{{{1, 2, 1}, {3, 0, 2}}};
    for (std::int32_t s = 0; s < 2; ++s) {
        const auto& m = modes[static_cast<std::size_t>(s)];
        for_each_voxel(grid, field.values(s), [&](std::int64_t x, std::int64_t y, std::int64_t z, double& c) {
            c += cosine(m[0], x, grid.n[0]) * cosine(m[1], y, grid.n[1]) * (grid.is_flat() ? 1.0 : cosine(m[2], z, grid.n[2]));
        });
    }
    for (int step = 0; step < steps; ++step) field.diffuse(*context);
    for (std::int32_t s = 0; s < 2; ++s) {
        const auto& m = modes[static_cast<std::size_t>(s)];
        double gain = 1.0;
        for (int axis = 0; axis < grid.dimensions(); ++axis) gain *= mode_gain(field.substance(s), grid, axis, m[static_cast<std::size_t>(axis)], dt);
        const double amplitude = std::pow(gain, steps);
        const double mean = field.substance(s).initial * std::exp(-field.substance(s).decay_per_min * dt * steps);
        double worst = 0.0;
        for_each_voxel(grid, field.values(s), [&](std::int64_t x, std::int64_t y, std::int64_t z, double c) {
            const double exact = mean + amplitude * cosine(m[0], x, grid.n[0]) * cosine(m[1], y, grid.n[1]) * (grid.is_flat() ? 1.0 : cosine(m[2], z, grid.n[2]));
            worst = std::max(worst, std::abs(c - exact));
        });
        EXPECT_LT(worst, 1e-12) << field.substance(s).name;
        EXPECT_GT(amplitude, 0.0);
    }
}

TEST(field, modes_in_space_decay_as_the_discrete_solution_says) { expect_modes_decay_exactly(Grid{.n = {21, 18, 13}, .voxel_um = 20.0}); }
TEST(field, modes_in_the_plane_decay_as_the_discrete_solution_says) { expect_modes_decay_exactly(Grid{.n = {37, 70, 1}, .voxel_um = 20.0}); }

TEST(field, error_against_the_continuum_is_of_first_order_in_the_step) {
    const auto context = test::make_context(1);
    const Grid grid{.n = {64, 1, 1}, .voxel_um = 5.0};
    const double k = pi / grid.size_um(0);
    std::vector<double> errors;
    for (const double dt : {0.02, 0.01, 0.005}) {
        Field field(grid, {{.name = "a", .diffusion_um2_per_min = 1000.0}}, dt, *context);
        for_each_voxel(grid, field.values(0), [&](std::int64_t x, std::int64_t, std::int64_t, double& c) { c = cosine(1, x, 64); });
        const double before = field.values(0)[0];
        for (int step = 0; step < static_cast<int>(std::lround(10.0 / dt)); ++step) field.diffuse(*context);
        // The discrete laplacian's eigenvalue, so that what is left is the error in time.
        const double eigenvalue = 2.0 * (1.0 - std::cos(k * 5.0)) / 25.0;
        errors.push_back(std::abs(field.values(0)[0] / before - std::exp(-1000.0 * eigenvalue * 10.0)));
    }
    EXPECT_NEAR(errors[0] / errors[1], 2.0, 0.02);
    EXPECT_NEAR(errors[1] / errors[2], 2.0, 0.02);
}

TEST(field, an_amount_set_free_in_one_voxel_spreads_as_the_kernel_says) {
    const auto context = test::make_context(2);
    const double h = 10.0, diffusion = 1000.0, decay = 0.2, dt = 0.005;
    const std::int64_t n = 41, middle = 20;
    const Grid grid{.n = {n, n, n}, .voxel_um = h};
    Field field(grid, {{.name = "a", .diffusion_um2_per_min = diffusion, .decay_per_min = decay}}, dt, *context);
    const double amount = 7.0;
    field.values(0)[static_cast<std::size_t>(grid.place(middle, middle, middle))] = amount / (h * h * h);
    const int steps = 320;
    for (int step = 0; step < steps; ++step) field.diffuse(*context);
    const double t = steps * dt;
    double worst = 0.0;
    for_each_voxel(grid, field.values(0), [&](std::int64_t x, std::int64_t y, std::int64_t z, double c) {
        const double r2 = h * h * static_cast<double>((x - middle) * (x - middle) + (y - middle) * (y - middle) + (z - middle) * (z - middle));
        if (r2 > 60.0 * 60.0) return;
        const double exact = amount * std::pow(4.0 * pi * diffusion * t, -1.5) * std::exp(-r2 / (4.0 * diffusion * t) - decay * t);
        worst = std::max(worst, std::abs(c / exact - 1.0));
    });
    EXPECT_LT(worst, 0.02);
    EXPECT_NEAR(field.total(0, *context) / (amount * std::exp(-decay * t)), 1.0, 1e-12);
}

/// One sweep as the definition says, line by line, with Gauss elimination of the whole line.
void plain_sweep(const Grid& grid, int axis, double coupling, double loss, const std::vector<double>& is_free, std::vector<double>& values) {
    const auto a = static_cast<std::size_t>(axis);
    for_each_voxel(grid, std::vector<double>(values), [&](std::int64_t x, std::int64_t y, std::int64_t z, double) {
        std::array<std::int64_t, 3> voxel{x, y, z};
        if (voxel[a] != 0) return;
        const std::int64_t n = grid.n[a];
        std::vector<double> diagonal, upper, right;
        const auto at = [&](std::int64_t i) {
            voxel[a] = i;
            return static_cast<std::size_t>(grid.place(voxel[0], voxel[1], voxel[2]));
        };
        for (std::int64_t i = 0; i < n; ++i) {
            const bool free = is_free[at(i)] != 0.0;
            const double lower = free && i > 0 ? -coupling : 0.0;
            double b = free ? 1.0 + loss + coupling * ((i > 0) + (i + 1 < n)) : 1.0;
            double d = values[at(i)];
            if (i > 0) {
                const double factor = lower / diagonal.back();
                b -= factor * upper.back();
                d -= factor * right.back();
            }
            diagonal.push_back(b);
            upper.push_back(free && i + 1 < n ? -coupling : 0.0);
            right.push_back(d);
        }
        double next = 0.0;
        for (std::int64_t i = n - 1; i >= 0; --i) {
            const auto k = static_cast<std::size_t>(i);
            values[at(i)] = next = (right[k] - upper[k] * next) / diagonal[k];
        }
    });
}

void expect_equal_to_plain_sweeps(const Grid& grid, double fixed_share) {
    const auto context = test::make_context(2);
    const Substance substance{.name = "a", .diffusion_um2_per_min = 1000.0, .decay_per_min = 1.5};
    const double dt = 0.05;
    Field field(grid, {substance}, dt, *context);
    Random random(5, Purpose::test, 0, 0);
    std::vector<std::int64_t> places;
    std::vector<double> fixed;
    for_each_voxel(grid, field.values(0), [&](std::int64_t x, std::int64_t y, std::int64_t z, double& c) {
        c = random.uniform();
        // A vessel along y at random places, and one wall that is open.
        if (x == grid.n[0] - 1 || random.uniform() < fixed_share) {
            places.push_back(grid.place(x, y, z));
            fixed.push_back(2.0 + random.uniform());
        }
    });
    field.fix(0, places, fixed, *context);
    std::vector<double> plain(field.values(0).begin(), field.values(0).end());
    std::vector<double> is_free(plain.size(), 1.0);
    for (const std::int64_t place : places) is_free[static_cast<std::size_t>(place)] = 0.0;
    for (int step = 0; step < 5; ++step) {
        field.diffuse(*context);
        for (int axis = 0; axis < grid.dimensions(); ++axis) {
            plain_sweep(grid, axis, dt * 1000.0 / (grid.voxel_um * grid.voxel_um), std::expm1(dt * 1.5 / grid.dimensions()), is_free, plain);
        }
    }
    double worst = 0.0;
    for (std::size_t v = 0; v < plain.size(); ++v) worst = std::max(worst, std::abs(plain[v] - field.values(0)[v]));
    EXPECT_LT(worst, 1e-13);
    for (std::size_t k = 0; k < places.size(); ++k) EXPECT_EQ(field.values(0)[static_cast<std::size_t>(places[k])], fixed[k]);
}

TEST(field, sweeps_equal_gauss_elimination_with_an_open_wall) { expect_equal_to_plain_sweeps(Grid{.n = {19, 13, 9}, .voxel_um = 10.0}, 0.0); }
TEST(field, sweeps_equal_gauss_elimination_with_vessels_anywhere) { expect_equal_to_plain_sweeps(Grid{.n = {19, 13, 9}, .voxel_um = 10.0}, 0.1); }
TEST(field, flat_sweeps_equal_gauss_elimination_with_vessels_anywhere) { expect_equal_to_plain_sweeps(Grid{.n = {30, 41, 1}, .voxel_um = 10.0}, 0.05); }

TEST(field, between_two_fixed_walls_the_profile_becomes_a_line) {
    const auto context = test::make_context(1);
    const Grid grid{.n = {33, 1, 1}, .voxel_um = 10.0};
    Field field(grid, {{.name = "a", .diffusion_um2_per_min = 1000.0}}, 1000.0, *context);
    field.fix(0, std::vector<std::int64_t>{grid.place(0, 0, 0), grid.place(32, 0, 0)}, std::vector<double>{40.0, 8.0}, *context);
    for (int step = 0; step < 30; ++step) field.diffuse(*context);
    for (std::int64_t x = 0; x < 33; ++x) EXPECT_NEAR(field.values(0)[static_cast<std::size_t>(x)], 40.0 - static_cast<double>(x), 1e-9);
    EXPECT_NEAR(field.gradient(0, {0, 0, 0})[0], -0.1, 1e-10);
    EXPECT_NEAR(field.gradient(0, {16, 0, 0})[0], -0.1, 1e-10);
    EXPECT_EQ(field.gradient(0, {16, 0, 0})[1], 0.0);
}

struct Crowd {
    Agents agents;
    std::vector<float> secretion, clearance;

    struct Sums {
        std::vector<double> source, sink;
    };
    Sums sums(const Grid& grid, Context& context) const {
        const auto rates = [&](std::int32_t, std::int64_t begin, std::span<float> in, std::span<float> cleared) {
            std::copy_n(secretion.begin() + begin, in.size(), in.begin());
            std::copy_n(clearance.begin() + begin, cleared.size(), cleared.begin());
        };
        Workspace workspace;
        const VoxelRates all = add_up_voxels(grid, agents, std::vector<std::int32_t>{0}, rates, workspace, context)[0];
        return {{all.source.begin(), all.source.end()}, {all.sink.begin(), all.sink.end()}};
    }
};
Crowd make_crowd(const Grid& grid, std::int64_t n) {
    Crowd crowd;
    for (std::int64_t i = 0; i < n; ++i) {
        Random random(8, Purpose::test, static_cast<std::uint64_t>(i), 1);
        const double x = random.uniform() * grid.size_um(0), y = random.uniform() * grid.size_um(1), z = random.uniform() * grid.size_um(2);
        add_agent(crowd.agents, first_id(i), 0, {x, y, z}, 5.0F);
        crowd.secretion.push_back(static_cast<float>(100.0 * random.uniform()));
        crowd.clearance.push_back(static_cast<float>(3000.0 * random.uniform()));
    }
    return crowd;
}
Crowd one_cell(std::array<double, 3> place, double secretion, double clearance) {
    Crowd crowd{{}, {static_cast<float>(secretion)}, {static_cast<float>(clearance)}};
    add_agent(crowd.agents, first_id(0), 0, place, 5.0F);
    return crowd;
}

/// The plain form of an exchange.
void plain_exchange(Field& field, std::int32_t s, std::span<const double> source, std::span<const double> sink) {
    const Grid& grid = field.grid();
    for (std::int64_t place = 0; place < grid.n_stored(); ++place) {
        const auto v = static_cast<std::size_t>(place);
        double& c = field.values(s)[v];
        if (!field.is_fixed(s, place)) c = (c + field.dt_min() * source[v]) / (1.0 + field.dt_min() * sink[v]);
    }
}

TEST(field, what_agents_and_bulk_give_is_what_the_field_gains) {
    const auto context = test::make_context(2);
    const Grid grid{.n = {20, 11, 6}, .voxel_um = 15.0};
    const double decay = 0.4, dt = 0.02;
    Field field(grid, {{.name = "a", .diffusion_um2_per_min = 5000.0, .decay_per_min = decay, .initial = 0.5}}, dt, *context);
    const Crowd crowd = make_crowd(grid, 500);
    Crowd::Sums all = crowd.sums(grid, *context);
    for (std::int64_t place = 0; place < grid.n_stored(); ++place) {
        if (place % grid.stride() >= grid.n[0]) continue;
        all.source[static_cast<std::size_t>(place)] += 0.03;
        all.sink[static_cast<std::size_t>(place)] += 0.2;
    }
    field.set_exchange(0, all.source, all.sink, *context);
    double expected = field.total(0, *context);
    for (int step = 0; step < 40; ++step) {
        field.exchange(0, *context);
        double rate = 0.0;
        for (std::size_t v = 0; v < all.source.size(); ++v) rate += all.source[v] - all.sink[v] * field.values(0)[v];
        expected += rate * dt * grid.voxel_volume_um3();
        field.diffuse(*context);
        expected *= std::exp(-decay * dt);
        ASSERT_NEAR(field.total(0, *context) / expected, 1.0, 1e-12) << "step " << step;
    }
}

TEST(field, an_agent_alone_brings_its_voxel_to_what_it_aims_at) {
    const auto context = test::make_context(1);
    const Grid grid{.n = {1, 1, 1}, .voxel_um = 10.0};
    Field field(grid, {{.name = "a"}}, 0.1, *context);
    const double volume = 500.0, rate = 2.0, aim = 8.0;
    const Crowd::Sums cell = one_cell({5.0, 5.0, 5.0}, volume * rate * aim, volume * rate).sums(grid, *context);
    field.set_exchange(0, cell.source, cell.sink, *context);
    field.exchange(0, *context);
    // c = (0 + .1 * 8) / (1 + .1 * 1): half of the voxel is the agent, so both rates are halved.
    EXPECT_NEAR(field.values(0)[0], 0.8 / 1.1, 1e-14);
    for (int step = 0; step < 1000; ++step) field.exchange(0, *context);
    EXPECT_NEAR(field.values(0)[0], aim, 1e-12);
}

TEST(field, a_fixed_voxel_keeps_its_value_and_hands_on_what_agents_take) {
    const auto context = test::make_context(1);
    const Grid grid{.n = {3, 1, 1}, .voxel_um = 10.0};
    Field field(grid, {{.name = "a", .diffusion_um2_per_min = 100.0}}, 0.1, *context);
    field.fix(0, std::vector<std::int64_t>{0}, std::vector<double>{38.0}, *context);
    EXPECT_TRUE(field.is_fixed(0, 0));
    EXPECT_FALSE(field.is_fixed(0, 1));
    const Crowd::Sums cell = one_cell({5.0, 5.0, 5.0}, 0.0, 20.0).sums(grid, *context);
    field.set_exchange(0, cell.source, cell.sink, *context);
    field.exchange(0, *context);
    EXPECT_EQ(field.values(0)[0], 38.0);
    field.fix(0, {}, {}, *context);
    EXPECT_FALSE(field.is_fixed(0, 0));
    const double before = field.total(0, *context);
    field.diffuse(*context);
    EXPECT_LT(field.values(0)[0], 38.0);
    EXPECT_NEAR(field.total(0, *context), before, 1e-9);
}

TEST(field, what_is_set_once_acts_as_the_plain_form_does_each_time) {
    const auto context = test::make_context(2);
    const Grid grid{.n = {20, 11, 6}, .voxel_um = 15.0};
    const Crowd::Sums cells = make_crowd(grid, 500).sums(grid, *context);
    Field set(grid, {{.name = "a", .initial = 0.5}}, 0.02, *context), each(grid, {{.name = "a", .initial = 0.5}}, 0.02, *context);
    for (Field* field : {&set, &each}) field->fix(0, std::vector<std::int64_t>{grid.place(1, 2, 3)}, std::vector<double>{7.0}, *context);
    set.exchange(0, *context);
    EXPECT_EQ(set.values(0)[0], 0.5) << "nothing is set";
    set.set_exchange(0, cells.source, cells.sink, *context);
    for (int step = 0; step < 5; ++step) {
        set.exchange(0, *context);
        plain_exchange(each, 0, cells.source, cells.sink);
    }
    for (std::size_t v = 0; v < set.values(0).size(); ++v) ASSERT_NEAR(set.values(0)[v], each.values(0)[v], 1e-14 * each.values(0)[v]);
}

TEST(field, gives_the_same_bits_with_any_number_of_threads) {
    for (const Grid& grid : {Grid{.n = {23, 17, 19}, .voxel_um = 12.0}, Grid{.n = {90, 83, 1}, .voxel_um = 12.0}}) {
        const Crowd crowd = make_crowd(grid, 3000);
        test::same_at_threads({2, 8},
            [&](Context& context) {
                Field field(grid, {{.name = "a", .diffusion_um2_per_min = 2000.0, .decay_per_min = 0.1, .initial = 1.0}, {.name = "b", .diffusion_um2_per_min = 90.0}}, 0.05, context);
                field.fix(1, std::vector<std::int64_t>{grid.place(3, 4, 0), grid.place(4, 4, 0)}, std::vector<double>{1.0, 2.0}, context);
                const Crowd::Sums cells = crowd.sums(grid, context);
                for (const std::int32_t s : {0, 1}) field.set_exchange(s, cells.source, cells.sink, context);
                std::vector<double> all;
                for (int step = 0; step < 4; ++step) {
                    field.exchange(0, context);
                    field.exchange(1, context);
                    all.push_back(field.total(1, context));
                    field.diffuse(context);
                }
                for (const std::int32_t s : {0, 1}) all.insert(all.end(), field.values(s).begin(), field.values(s).end());
                return all;
            },
            [](const std::vector<double>& a, const std::vector<double>& b) { return test::same_bits(a, b); });
    }
}

TEST(field, refuses_what_is_no_substance) {
    const auto context = test::make_context(1);
    const Grid grid{.n = {4, 4, 4}};
    const auto refuses = [&](std::vector<Substance> substances, double dt, std::string_view part) {
        const Error error = test::thrown_by([&] { Field(grid, std::move(substances), dt, *context); });
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        EXPECT_TRUE(test::contains(error.message(), part)) << error.message();
    };
    refuses({{.name = ""}}, 0.1, "no name");
    refuses({{.name = "a"}, {.name = "a"}}, 0.1, "two substances 'a'");
    refuses({{.name = "a", .diffusion_um2_per_min = -1.0}}, 0.1, "diffusion");
    refuses({{.name = "a", .decay_per_min = std::numeric_limits<double>::quiet_NaN()}}, 0.1, "decay");
    refuses({{.name = "a"}}, 0.0, "field step");
    Field field(grid, {{.name = "a"}, {.name = "b"}}, 0.1, *context);
    EXPECT_EQ(field.find("b"), 1);
    const Error unknown = test::thrown_by([&] { field.find("c"); });
    EXPECT_EQ(unknown.code(), ErrorCode::not_found);
    EXPECT_TRUE(test::contains(unknown.next(), "a, b"));
    EXPECT_EQ(test::error_code([&] { field.fix(0, std::vector<std::int64_t>{0}, std::vector<double>{std::numeric_limits<double>::infinity()}, *context); }), ErrorCode::invalid_data);
}

TEST(field, says_what_memory_it_needs_before_it_asks_for_it) {
    Context context({.threads = 1, .memory_bytes = 1'000'000, .events = nullptr, .cancel = nullptr});
    EXPECT_EQ(test::error_code([&] { Field({.n = {100, 100, 100}}, {{.name = "a"}}, 0.1, context); }), ErrorCode::resource_limit);
}

}  // namespace
}  // namespace morula::simulation
