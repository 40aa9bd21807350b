#include "morula/simulation/mechanics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

const Grid kBox{.n = {50, 50, 50}, .voxel_um = 10.0};
const Grid kFlatBox{.n = {50, 50, 1}, .voxel_um = 10.0};

Agents crowd(std::int64_t n, double side, int n_types) {
    Agents agents;
    for (std::int64_t i = 0; i < n; ++i) {
        Random random(21, Purpose::test, static_cast<std::uint64_t>(i), 3);
        const auto place = [&] { return 250.0 + side * (random.uniform() - 0.5); };
        const std::array<double, 3> position{place(), place(), place()};
        add_agent(agents, first_id(i), static_cast<std::uint16_t>(i % n_types), position, static_cast<float>(6.0 + 3.0 * random.uniform()));
    }
    return agents;
}

/// Two agents of radius 8 at distance d on a slanted line through the middle.
Agents pair_at(double d, std::uint16_t second_type) {
    Agents agents;
    add_agent(agents, 1, 0, {250.0, 250.0, 250.0}, 8.0F);
    const double step = d / std::sqrt(3.0);
    add_agent(agents, 2, second_type, {250.0 + step, 250.0 + step, 250.0 - step}, 8.0F);
    return agents;
}
double distance(const Agents& agents) {
    return std::hypot(agents.x[0] - agents.x[1], agents.y[0] - agents.y[1], agents.z[0] - agents.z[1]);
}

/// d' = 2 (10 (1 - d / 16)^2 - .4 f (1 - d / 20)^2) by Runge and Kutta's fourth-order formula with tiny steps.
double contact_ode(double d, double minutes, double affinity) {
    const auto speed = [&](double at) {
        const double inside = std::max(0.0, 1.0 - at / 16.0);
        const double bound = std::max(0.0, 1.0 - at / 20.0);
        return 2.0 * (10.0 * inside * inside - 0.4 * affinity * bound * bound);
    };
    const int n = 20'000;
    const double h = minutes / n;
    for (int i = 0; i < n; ++i) {
        const double a = speed(d), b = speed(d + 0.5 * h * a), c = speed(d + 0.5 * h * b), e = speed(d + h * c);
        d += h / 6.0 * (a + 2.0 * b + 2.0 * c + e);
    }
    return d;
}

double contact_after(double d, double minutes, double dt) {
    const auto context = test::make_context(1);
    Mechanics mechanics(kBox, {{}}, {}, {.dt_min = dt});
    Agents agents = pair_at(d, 0);
    for (std::uint32_t step = 0; step < static_cast<std::uint32_t>(std::lround(minutes / dt)); ++step) mechanics.step(agents, nullptr, 0, step, *context);
    return distance(agents);
}

TEST(mechanics, two_cells_in_contact_follow_the_ode) {
    for (const double start : {6.0, 12.0, 18.5}) EXPECT_NEAR(contact_after(start, 4.0, 0.005), contact_ode(start, 4.0, 1.0), 1e-4) << start;
}

TEST(mechanics, the_error_of_contact_is_of_second_order_in_the_step) {
    const double exact = contact_ode(6.0, 2.0, 1.0);
    const double coarse = std::abs(contact_after(6.0, 2.0, 0.1) - exact);
    const double fine = std::abs(contact_after(6.0, 2.0, 0.05) - exact);
    EXPECT_NEAR(coarse / fine, 4.0, 0.8);
}

TEST(mechanics, cells_beyond_reach_do_not_move) {
    EXPECT_NEAR(contact_after(20.1, 5.0, 0.1), 20.1, 1e-12);
    EXPECT_LT(contact_after(19.0, 5.0, 0.1), 19.0);
}

TEST(mechanics, adhesion_follows_the_pair_of_types) {
    const auto context = test::make_context(1);
    // Type 0 likes type 1 by 4, type 1 likes type 0 by .25: their mean is 1. Types 0 and 2 do not stick.
    const std::vector<double> affinity{1.0, 4.0, 0.0, 0.25, 1.0, 1.0, 1.0, 1.0, 1.0};
    for (const auto& [type, strength] : {std::pair{std::uint16_t{1}, 1.0}, {std::uint16_t{2}, 0.0}}) {
        Mechanics mechanics(kBox, {{}, {}, {}}, affinity, {.dt_min = 0.02});
        Agents agents = pair_at(17.0, type);
        for (std::uint32_t step = 0; step < 200; ++step) mechanics.step(agents, nullptr, 0, step, *context);
        EXPECT_NEAR(distance(agents), contact_ode(17.0, 4.0, strength), 2e-4);
    }
}

TEST(mechanics, the_kernel_agrees_with_the_plain_sum) {
    // Neighbours that fill pairs of groups, and those that leave a last group alone; few types, whose affinities are one vector, and many.
    for (const auto& [n_neighbors, n_types] : {std::pair{21U, 3}, {17U, 3}, {17U, 6}, {3U, 3}, {21U, 12}, {17U, 12}}) {
        std::vector<mechanics_simd::ForceRecord> records;
        for (std::size_t i = 0; i <= n_neighbors; ++i) {
            Random random(3, Purpose::test, i, 0);
            const auto u = [&](double scale) { return static_cast<float>(scale * random.uniform()); };
            records.push_back({u(20), u(20), u(20), 5.0F + u(5), 8.0F + u(5), u(4), u(1), static_cast<std::int32_t>(i % static_cast<std::size_t>(n_types))});
        }
        records[0].type = 0;
        records.push_back(mechanics_simd::nobody());
        std::vector<std::uint32_t> list;
        for (std::uint32_t i = 1; i <= n_neighbors; ++i) list.push_back(i);
        while (std::ssize(list) % kListGroup != 0) list.push_back(n_neighbors + 1);
        const auto n_groups = static_cast<std::uint32_t>(std::ssize(list) / kListGroup);
        std::vector<float> affinity(static_cast<std::size_t>(n_types * mechanics_simd::affinity_row_size(n_types)), 100.0F);
        for (std::size_t type = 0; type < static_cast<std::size_t>(n_types); ++type) affinity[type] = 0.5F + 0.25F * static_cast<float>(type);
        // Nobody's neighbours, then those of the list.
        const std::array<std::uint32_t, 3> begin{0, 0, n_groups};
        std::vector<mechanics_simd::ForceRecord> two = records;
        two.insert(two.begin(), records[0]);
        std::vector<std::uint32_t> moved = list;
        for (std::uint32_t& j : moved) ++j;
        std::array<float, 2> x{}, y{}, z{}, overlap{};
        mechanics_simd::forces_on({two.data(), 0, 2, begin.data(), moved.data()}, affinity.data(), n_types, {x.data(), y.data(), z.data(), overlap.data()});
        const auto plain = mechanics_simd::force_on_each(records[0], records.data(), list.data(), n_groups, [&](std::uint32_t j) { return affinity[static_cast<std::size_t>(records[j].type)]; });
        EXPECT_EQ(x[0], 0.0F);
        EXPECT_EQ(overlap[0], 0.0F);
        EXPECT_NEAR(x[1], plain.x, 1e-4F) << n_neighbors << " neighbours of " << n_types << " types";
        EXPECT_NEAR(y[1], plain.y, 1e-4F);
        EXPECT_NEAR(z[1], plain.z, 1e-4F);
        EXPECT_NEAR(overlap[1], plain.overlap, 1e-5F);
        EXPECT_TRUE(n_neighbors < 17 || plain.overlap > 0.1F);
    }
}

TEST(mechanics, the_kernel_of_motion_has_the_bits_of_the_plain_one) {
    const std::size_t n = 37;
    struct State {
        std::vector<double> position[3];
        std::vector<float> velocity[3], force[3], migration[3], listed[3], reach, listed_reach;
    };
    State start;
    for (std::size_t i = 0; i < n; ++i) {
        Random random(5, Purpose::test, i, 0);
        const auto u = [&] { return static_cast<float>(2.0 * random.uniform() - 1.0); };
        for (std::size_t axis = 0; axis < 3; ++axis) {
            start.position[axis].push_back(50.0 * random.uniform());
            start.velocity[axis].push_back(u());
            start.force[axis].push_back(i % 5 == 0 ? 1000.0F * u() : u());
            start.migration[axis].push_back(u());
            start.listed[axis].push_back(25.0F * (u() + 1.0F));
        }
        start.reach.push_back(10.0F + u());
        start.listed_reach.push_back(10.0F + u());
    }
    const auto motion_of = [](State& s) {
        mechanics_simd::Motion motion{.position = {}, .velocity = {}, .force = {}, .migration = {}, .listed_at = {}, .reach = s.reach.data(), .listed_reach = s.listed_reach.data(), .low = {0.0, 0.0, 0.0},
                                      .high = {50.0, 50.0, 50.0}, .origin = {1.5, 2.5, 3.5}, .now = 0.15, .before = -0.05};
        for (std::size_t axis = 0; axis < 3; ++axis) {
            motion.position[axis] = s.position[axis].data();
            motion.velocity[axis] = s.velocity[axis].data();
            motion.force[axis] = s.force[axis].data();
            motion.migration[axis] = s.migration[axis].data();
            motion.listed_at[axis] = s.listed[axis].data();
        }
        return motion;
    };
    State fast = start, plain = start;
    for (const auto& [begin, end] : {std::pair{0, 37}, {3, 20}, {5, 6}, {9, 9}}) {
        EXPECT_EQ(mechanics_simd::move(motion_of(fast), begin, end), mechanics_simd::move_plain(motion_of(plain), begin, end));
        for (std::size_t axis = 0; axis < 3; ++axis) {
            EXPECT_EQ(fast.position[axis], plain.position[axis]);
            EXPECT_EQ(fast.velocity[axis], plain.velocity[axis]);
        }
    }
    EXPECT_NE(fast.position[0], start.position[0]);
    EXPECT_EQ(std::count(fast.position[0].begin(), fast.position[0].end(), 50.0) > 0, true) << "some met the wall";
}

TEST(mechanics, forces_between_cells_add_up_to_nothing) {
    const auto context = test::make_context(2);
    Mechanics mechanics(kBox, {{}, {.repulsion_um_per_min = 6.0, .adhesion_um_per_min = 1.0}}, {1.0, 3.0, 0.2, 1.0}, {});
    Agents agents = crowd(2000, 120.0, 2);
    mechanics.step(agents, nullptr, 0, 0, *context);
    double sum[3] = {}, size = 0.0;
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        sum[0] += static_cast<double>(agents.velocity_x[i]);
        sum[1] += static_cast<double>(agents.velocity_y[i]);
        sum[2] += static_cast<double>(agents.velocity_z[i]);
        size += std::abs(static_cast<double>(agents.velocity_x[i]));
    }
    EXPECT_GT(size, 100.0);
    for (const double component : sum) EXPECT_LT(std::abs(component), 1e-6 * size);
}

TEST(mechanics, pressure_is_one_where_twelve_neighbors_are_as_far_as_in_a_hexagonal_sheet) {
    const auto context = test::make_context(1);
    const double d = 16.0 * std::sqrt(3.14159265358979 / (2.0 * std::sqrt(3.0)));
    Agents agents;
    add_agent(agents, 1, 0, {250.0, 250.0, 250.0}, 8.0F);
    // The twelve nearest of a face-centred cubic packing.
    for (const int a : {-1, 1}) {
        for (const int b : {-1, 1}) {
            const double p = d / std::sqrt(2.0) * a, q = d / std::sqrt(2.0) * b;
            for (const std::array<double, 3>& at : {std::array{p, q, 0.0}, {p, 0.0, q}, {0.0, p, q}}) {
                add_agent(agents, static_cast<std::uint64_t>(agents.size() + 1), 0, {250.0 + at[0], 250.0 + at[1], 250.0 + at[2]}, 8.0F);
            }
        }
    }
    Mechanics(kBox, {{}}, {}, {}).step(agents, nullptr, 0, 0, *context);
    const auto middle = static_cast<std::size_t>(std::find(agents.id.begin(), agents.id.end(), 1U) - agents.id.begin());
    EXPECT_NEAR(agents.pressure[middle], 1.0F, 1e-3F);
    EXPECT_NEAR(agents.x[middle], 250.0, 1e-5);
}

/// Agents that do not touch, all starting in the middle.
Agents walkers(std::int64_t n) {
    Agents agents;
    for (std::int64_t i = 0; i < n; ++i) add_agent(agents, first_id(i), 0, {0.0, 0.0, 0.0}, 1e-3F);
    return agents;
}

TEST(mechanics, a_biased_walk_drifts_as_fast_as_the_closed_form_says) {
    const auto context = test::make_context(2);
    const Grid box{.n = {3, 3, 3}, .voxel_um = 1000.0, .origin_um = {-1500.0, -1500.0, -1500.0}};
    Field field(box, {{.name = "lure"}}, 0.1, *context);
    for (std::int64_t z = 0; z < 3; ++z) {
        for (std::int64_t y = 0; y < 3; ++y) {
            for (std::int64_t x = 0; x < 3; ++x) field.values(0)[static_cast<std::size_t>(box.place(x, y, z))] = 2.0 * static_cast<double>(x);
        }
    }
    for (const double bias : {0.0, 0.3, 0.5, 0.8, 1.0}) {
        for (const double sign : {1.0, -1.0}) {
            Mechanics mechanics(box, {{.repulsion_um_per_min = 0.0, .adhesion_um_per_min = 0.0, .speed_um_per_min = 2.0, .persistence_min = 0.1, .bias = bias, .chemotaxis_substance = 0, .chemotaxis_sign = sign}},
                                {}, {.dt_min = 0.1});
            Agents agents = walkers(100);
            // Apart, so that lists stay short: only the way they go matters.
            for (std::size_t i = 0; i < 100; ++i) agents.y[i] = 8.0 * static_cast<double>(i) - 400.0;
            const std::int64_t n_steps = 100;
            for (std::uint32_t step = 0; step < n_steps; ++step) {
                mechanics.step(agents, &field, 11, step, *context);
            }
            double drift = 0.0;
            for (const double x : agents.x) drift += x / 100.0 / 10.0 / 2.0;
            // Mean of the unit vector of b g + (1 - b) u over the sphere: the slope of the mean of |b g + (1 - b) u| in b.
            const double c = 1.0 - bias;
            const double expected = sign * (bias > c ? 1.0 - c * c / (3.0 * bias * bias) : 2.0 * bias / (3.0 * c));
            EXPECT_NEAR(drift, expected, bias == 1.0 ? 1e-5 : 4.0 * std::sqrt(1.0 / 3.0 / (100.0 * static_cast<double>(n_steps)))) << bias;
        }
    }
}

TEST(mechanics, a_persistent_walk_spreads_as_its_correlation_says) {
    const auto context = test::make_context(2);
    const Grid box{.n = {1, 1, 1}, .voxel_um = 4000.0, .origin_um = {-2000.0, -2000.0, -2000.0}};
    const std::int64_t n_agents = 3000;
    const int n_steps = 60;
    Mechanics mechanics(box, {{.repulsion_um_per_min = 0.0, .adhesion_um_per_min = 0.0, .speed_um_per_min = 3.0, .persistence_min = 1.0}}, {}, {.dt_min = 0.1});
    Agents agents = walkers(n_agents);
    std::map<std::uint64_t, std::array<double, 2>> start;
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        agents.x[i] = static_cast<double>(i % 60) * 60.0 - 1800.0;
        agents.y[i] = static_cast<double>(i / 60) * 70.0 - 1750.0;
        start[agents.id[i]] = {agents.x[i], agents.y[i]};
    }
    for (std::uint32_t step = 0; step < n_steps; ++step) mechanics.step(agents, nullptr, 5, step, *context);
    double spread = 0.0;
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        const auto& place = start.at(agents.id[i]);
        const double far = std::hypot(agents.x[i] - place[0], agents.y[i] - place[1], agents.z[i]);
        spread += far * far / static_cast<double>(n_agents);
    }
    // Each step's velocity counts once in the sum of Adams-Bashforth steps, but the first by 1/2 and the last by 3/2.
    double expected = 0.0;
    const auto weight = [&](int k) { return k == 0 ? 0.5 : k == n_steps - 1 ? 1.5 : 1.0; };
    for (int a = 0; a < n_steps; ++a) {
        for (int b = 0; b < n_steps; ++b) expected += 0.3 * 0.3 * weight(a) * weight(b) * std::pow(0.9, std::abs(a - b));
    }
    EXPECT_NEAR(spread / expected, 1.0, 0.05);
}

TEST(mechanics, walls_stop_agents_and_flat_tissue_stays_flat) {
    const auto context = test::make_context(1);
    Mechanics mechanics(kFlatBox, {{.speed_um_per_min = 50.0, .persistence_min = 100.0}}, {}, {.dt_min = 0.1});
    Agents agents;
    for (std::int64_t i = 0; i < 60; ++i) add_agent(agents, first_id(i), 0, {8.0 * static_cast<double>(i), 250.0, 5.0}, 4.0F);
    for (std::uint32_t step = 0; step < 100; ++step) mechanics.step(agents, nullptr, 3, step, *context);
    bool some_at_wall = false;
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        EXPECT_GE(agents.x[i], 0.0);
        EXPECT_LE(agents.x[i], 500.0);
        EXPECT_EQ(agents.z[i], 5.0);
        some_at_wall = some_at_wall || agents.x[i] == 0.0 || agents.x[i] == 500.0;
    }
    EXPECT_TRUE(some_at_wall);
}

TEST(mechanics, the_skin_changes_the_work_and_not_the_motion) {
    const auto context = test::make_context(2);
    const auto run = [&](double skin, int& n_built) {
        Mechanics mechanics(kBox, {{.speed_um_per_min = 1.0, .persistence_min = 5.0}}, {}, {.dt_min = 0.1, .skin_um = skin});
        Agents agents = crowd(1000, 130.0, 1);
        for (std::uint32_t step = 0; step < 20; ++step) n_built += mechanics.step(agents, nullptr, 2, step, *context).built_lists ? 1 : 0;
        std::vector<std::pair<std::uint64_t, double>> places;
        for (std::size_t i = 0; i < agents.id.size(); ++i) places.emplace_back(agents.id[i], agents.x[i]);
        std::sort(places.begin(), places.end());
        return places;
    };
    int always = 0, seldom = 0;
    const auto a = run(1e-4, always);
    const auto b = run(6.0, seldom);
    EXPECT_EQ(always, 20);
    EXPECT_LT(seldom, 6);
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i].second, b[i].second, 2e-3);
}

TEST(mechanics, gives_the_same_bits_with_any_number_of_threads) {
    test::same_at_threads({2, 8},
        [](Context& context) {
            Field field(kBox, {{.name = "lure"}}, 0.1, context);
            for (std::int64_t v = 0; v < kBox.n_stored(); ++v) field.values(0)[static_cast<std::size_t>(v)] = static_cast<double>(v % 17);
            Mechanics mechanics(kBox, {{}, {.speed_um_per_min = 4.0, .persistence_min = 0.5, .bias = 0.4, .chemotaxis_substance = 0}}, {}, {});
            Agents agents = crowd(4000, 180.0, 2);
            for (std::uint32_t step = 0; step < 25; ++step) {
                mechanics.step(agents, &field, 77, step, context);
                if (step % 10 != 9) continue;
                apply_events(agents, {.dividing = {1, 50, 999}, .leaving = {7, 8}}, Space::solid, 77, step);
                mechanics.population_changed();
            }
            return agents;
        },
        [](const Agents& a, const Agents& b) { return std::apply([&](const auto... column) { return (test::same_bits(a.*column, b.*column) && ...); }, Agents::columns()); });
}

TEST(mechanics, a_step_that_is_too_long_names_the_limit) {
    Agents agents = pair_at(10.0, 0);
    const Mechanics mechanics(kBox, {{}}, {}, {.dt_min = 0.1});
    mechanics.check_step(agents);
    agents.radius[1] = 1.0F;
    const Error error = test::thrown_by([&] { mechanics.check_step(agents); });
    EXPECT_EQ(error.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(test::contains(error.next(), "at most 0.05 min")) << error.what();
}

TEST(mechanics, refuses_what_is_no_rate) {
    const auto refuses = [](const CellMechanics& type, std::vector<double> affinity, const MechanicsOptions& options) {
        EXPECT_EQ(test::error_code([&] { Mechanics(kBox, {type}, affinity, options); }), ErrorCode::invalid_data);
    };
    refuses({.repulsion_um_per_min = -1.0}, {}, {});
    refuses({.adhesion_um_per_min = std::numeric_limits<double>::quiet_NaN()}, {}, {});
    refuses({.adhesion_reach = 0.9}, {}, {});
    refuses({.bias = 1.1}, {}, {});
    refuses({}, {1.0, 1.0}, {});
    refuses({}, {-1.0}, {});
    refuses({}, {}, {.dt_min = 0.0});
    refuses({}, {}, {.skin_um = -2.0});
}

TEST(mechanics, nobody_is_moved) {
    const auto context = test::make_context(2);
    Agents agents;
    Mechanics mechanics(kBox, {{}}, {}, {});
    EXPECT_EQ(mechanics.step(agents, nullptr, 0, 0, *context).largest_shift_um, 0.0F);
}

}  // namespace
}  // namespace morula::simulation
