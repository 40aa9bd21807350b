#include "morula/simulation/life.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/simulation/mechanics.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

Agents newborns(std::int64_t n, const Life& life) {
    Agents agents;
    for (std::int64_t i = 0; i < n; ++i) {
        add_agent(agents, first_id(i), 0, {20.0 * static_cast<double>(i), 0.0, 0.0}, 1.0F);
        begin_life(agents, static_cast<std::size_t>(i), life);
    }
    return agents;
}

void live(Agents& agents, const Life& life, double dt, std::uint32_t from, std::uint32_t to, Context& context) {
    for (std::uint32_t step = from; step < to; ++step) {
        PopulationEvents events = advance_life(agents, std::span(&life, 1), {}, dt, 5, step, context);
        apply_events(agents, std::move(events), Space::solid, 5, step);
    }
}

Life clockwork(double hours) {
    Life life;
    life.phases.push_back({.name = "cycle", .exit = PhaseExit::after_time, .duration_min = 60.0 * hours, .next = 0, .divides = true, .doubles_target = true});
    return life;
}

TEST(life, a_cycle_of_eighteen_hours_doubles_every_eighteen_hours) {
    const auto context = test::make_context(2);
    const Life life = clockwork(18.0);
    // Seven minutes do not divide the cycle: what is left of a step must count.
    for (const double dt : {6.0, 7.0}) {
        Agents agents = newborns(4, life);
        std::uint32_t step = 0;
        for (const double hours : {17.0, 18.2, 35.5, 36.2, 53.5, 72.2, 89.5}) {
            const auto to = static_cast<std::uint32_t>(hours * 60.0 / dt);
            live(agents, life, dt, step, to, *context);
            step = to;
            EXPECT_EQ(agents.size(), 4 << static_cast<int>(dt * step / (18.0 * 60.0))) << hours;
        }
    }
}

TEST(life, live_cells_multiply_at_their_rate) {
    const auto context = test::make_context(2);
    const Life life = standard_life(CycleModel::live);
    Agents agents = newborns(2000, life);
    live(agents, life, 6.0, 0, 120, *context);
    // A cell divides once a step at most: 2 - exp(-rate dt) a step in the mean. Variance of a Yule process.
    const double growth = std::pow(2.0 - std::exp(-0.0432 / 10.0), 120.0);
    EXPECT_NEAR(static_cast<double>(agents.size()), 2000.0 * growth, 4.0 * std::sqrt(2000.0 * growth * (growth - 1.0)));
    EXPECT_NEAR(growth, std::exp(0.0432 * 12.0), 0.005);
}

TEST(life, ki67_negative_cells_leave_at_their_rate_and_positive_ones_divide_after_their_time) {
    const auto context = test::make_context(2);
    const Life life = standard_life(CycleModel::ki67_basic);
    const std::int64_t n = 5000;
    Agents agents = newborns(n, life);
    live(agents, life, 6.0, 0, 46, *context);
    const auto negative = std::count(agents.phase.begin(), agents.phase.end(), 0);
    const double expected = std::exp(-46.0 * 6.0 / (4.59 * 60.0));
    EXPECT_NEAR(static_cast<double>(negative) / static_cast<double>(n), expected, 4.0 * std::sqrt(expected * (1.0 - expected) / static_cast<double>(n)));
    // The first left in the first step at the earliest, 6 min in: nobody divides in the first 15.5 h.
    live(agents, life, 6.0, 46, 155, *context);
    EXPECT_EQ(agents.size(), n);
    live(agents, life, 6.0, 155, 160, *context);
    EXPECT_GT(agents.size(), n);
}

TEST(life, the_advanced_ki67_model_rests_after_division) {
    const auto context = test::make_context(1);
    const Life life = standard_life(CycleModel::ki67_advanced);
    Agents agents = newborns(1, life);
    agents.phase[0] = 1;
    live(agents, life, 6.0, 0, 130, *context);
    ASSERT_EQ(agents.size(), 2);
    EXPECT_EQ(agents.phase[0], 2);
    EXPECT_EQ(agents.phase[1], 2);
    live(agents, life, 6.0, 130, 155, *context);
    EXPECT_EQ(agents.phase[0], 0);
}

TEST(life, the_reference_cell_has_its_volume_and_radius) {
    const Life life = standard_life(CycleModel::none);
    Agents agents = newborns(1, life);
    EXPECT_NEAR(volume_of(agents, 0), 2494.0, 1e-3);
    EXPECT_NEAR(agents.radius[0], 8.4127F, 1e-4F);
    EXPECT_NEAR(agents.nucleus[0], 135.0F, 1e-4F);
    EXPECT_NEAR(agents.cytoplasm[0], 488.5F, 1e-3F);
    const auto context = test::make_context(1);
    live(agents, life, 6.0, 0, 100, *context);
    EXPECT_NEAR(volume_of(agents, 0), 2494.0, 1e-2);
}

TEST(life, solids_and_fluid_grow_towards_twice_their_size) {
    const auto context = test::make_context(1);
    Life life = standard_life(CycleModel::none);
    Agents agents = newborns(1, life);
    agents.target_nucleus[0] *= 2.0F;
    live(agents, life, 6.0, 0, 50, *context);
    const double hours = 5.0;
    EXPECT_NEAR(static_cast<double>(agents.nucleus[0]), 270.0 - 135.0 * std::exp(-0.33 * hours), 1e-3);
    EXPECT_NEAR(static_cast<double>(agents.cytoplasm[0]), 977.0 - 488.5 * std::exp(-0.27 * hours), 1e-3);
    // Against the three equations in small steps.
    double nucleus = 135.0, cytoplasm = 488.5, fluid = 1870.5;
    const double h = 1e-3;
    for (int step = 0; step < 5000; ++step) {
        fluid += h * 3.0 * (0.75 * (fluid + nucleus + cytoplasm) - fluid);
        nucleus += h * 0.33 * (270.0 - nucleus);
        cytoplasm += h * 0.27 * (977.0 - cytoplasm);
    }
    EXPECT_NEAR(static_cast<double>(agents.fluid[0]), fluid, 0.01 * fluid);
    live(agents, life, 6.0, 50, 600, *context);
    EXPECT_NEAR(volume_of(agents, 0), 2.0 * 2494.0, 0.1);
    EXPECT_NEAR(static_cast<double>(agents.radius[0]), 8.4127 * std::cbrt(2.0), 1e-3);
}

TEST(life, a_division_halves_every_volume) {
    const auto context = test::make_context(1);
    const Life life = clockwork(18.0);
    Agents agents = newborns(1, life);
    live(agents, life, 6.0, 0, 179, *context);
    const double before = volume_of(agents, 0);
    EXPECT_NEAR(static_cast<double>(agents.target_nucleus[0]), 135.0, 1e-3);
    live(agents, life, 6.0, 179, 180, *context);
    ASSERT_EQ(agents.size(), 2);
    EXPECT_NEAR(volume_of(agents, 0) + volume_of(agents, 1), before, 0.01 * before);
    EXPECT_EQ(volume_of(agents, 0), volume_of(agents, 1));
    for (const std::size_t i : {0U, 1U}) EXPECT_NEAR(static_cast<double>(agents.radius[i]), std::cbrt(0.75 * volume_of(agents, i) / 3.14159265358979), 1e-4);
}

TEST(life, dying_cells_die_at_their_rate_shrink_and_are_taken_out) {
    const auto context = test::make_context(2);
    Life life = standard_life(CycleModel::none);
    life.apoptosis_per_min = 1.0 / 600.0;
    const std::int64_t n = 4000;
    Agents agents = newborns(n, life);
    live(agents, life, 6.0, 0, 85, *context);
    const auto alive = std::count(agents.phase.begin(), agents.phase.end(), 0);
    const double expected = std::exp(-85.0 * 6.0 / 600.0);
    EXPECT_NEAR(static_cast<double>(alive) / static_cast<double>(n), expected, 4.0 * std::sqrt(expected * (1.0 - expected) / static_cast<double>(n)));
    // 8.6 h are 86 steps: the first who died leave then.
    EXPECT_EQ(agents.size(), n);
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        EXPECT_LT(volume_of(agents, i), agents.phase[i] == 1 && agents.phase_min[i] > 240.0F ? 500.0 : 2495.0);
    }
    life.apoptosis_per_min = 0.0;
    live(agents, life, 6.0, 85, 175, *context);
    EXPECT_EQ(agents.size(), alive);
}

TEST(life, necrotic_cells_swell_to_twice_their_volume_and_burst) {
    const auto context = test::make_context(1);
    Life life = standard_life(CycleModel::none);
    life.necrosis_per_min = 1e6;
    std::vector<double> burst_at;
    for (const double dt : {6.0, 0.5}) {
        Agents agents = newborns(1, life);
        std::uint32_t step = 0;
        for (; agents.phase[0] != 3; ++step) {
            ASSERT_LT(step, 4000U);
            live(agents, life, dt, step, step + 1, *context);
        }
        EXPECT_NEAR(volume_of(agents, 0), 2.0 * 2494.0, 7.0 * dt);
        burst_at.push_back(dt * step);
        const double before = volume_of(agents, 0);
        live(agents, life, dt, step, step + 10, *context);
        EXPECT_LT(volume_of(agents, 0), before);
    }
    // Fluid comes in at .67 / h of the solids, 623.5 um^3: 2494 um^3 take about 358 min, a little more while the solids wear away.
    EXPECT_NEAR(burst_at[1], 364.0, 6.0);
    EXPECT_NEAR(burst_at[0], burst_at[1], 12.0);
}

TEST(life, growing_tissue_has_the_same_bits_with_any_number_of_threads) {
    Life life = standard_life(CycleModel::ki67_basic);
    life.phases[0].rate_per_min = 0.02;
    life.phases[1].duration_min = 30.0;
    life.apoptosis_per_min = 0.002;
    const Grid box{.n = {30, 30, 30}, .voxel_um = 20.0};
    const Agents last = test::same_at_threads({2, 8},
        [&](Context& context) {
            Agents agents;
            for (std::int64_t i = 0; i < 1500; ++i) {
                add_agent(agents, first_id(i), 0, {200.0 + 15.0 * static_cast<double>(i % 12), 200.0 + 15.0 * static_cast<double>(i / 12 % 12), 200.0 + 15.0 * static_cast<double>(i / 144)}, 1.0F);
                begin_life(agents, static_cast<std::size_t>(i), life);
            }
            Mechanics mechanics(box, {{}}, {}, {});
            for (std::uint32_t step = 0; step < 60; ++step) {
                mechanics.step(agents, nullptr, 8, step, context);
                if (step % 6 != 5) continue;
                PopulationEvents events = advance_life(agents, std::span(&life, 1), {}, 6.0, 8, step, context);
                apply_events(agents, std::move(events), Space::solid, 8, step);
                mechanics.population_changed();
            }
            return agents;
        },
        [](const Agents& a, const Agents& b) { return std::apply([&](const auto... column) { return (test::same_bits(a.*column, b.*column) && ...); }, Agents::columns()); });
    EXPECT_GT(last.size(), 1500);
}

TEST(life, refuses_what_is_no_life) {
    const auto refuses = [](const auto& change, std::string_view part) {
        Life life = standard_life(CycleModel::ki67_basic);
        change(life);
        const Error error = test::thrown_by([&] { check_life(life, "T cell"); });
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        EXPECT_TRUE(test::contains(error.message(), part)) << error.message();
        EXPECT_TRUE(test::contains(error.message(), "'T cell'"));
    };
    refuses([](Life& life) { life.phases.clear(); }, "0 phases");
    refuses([](Life& life) { life.phases[0].rate_per_min = -1.0; }, "the rate of phase 'Ki67-'");
    refuses([](Life& life) { life.phases[1].duration_min = std::numeric_limits<double>::quiet_NaN(); }, "the duration of phase 'Ki67+'");
    refuses([](Life& life) { life.phases[1].volume.fluid_share = 1.5; }, "share of fluid");
    refuses([](Life& life) { life.phases[1].spread = 1.5; }, "the spread of phase 'Ki67+'");
    refuses([](Life& life) { life.phases[0].next = 9; }, "phase number 9");
    refuses([](Life& life) { life.phases[1].next = -1; }, "leads nowhere");
    refuses([](Life& life) { life.necrosis = 99; }, "dying");
    refuses([](Life& life) { life.apoptosis_per_min = -2.0; }, "apoptosis");
    refuses([](Life& life) { life.nuclear_um3 = 3000.0; }, "is no cell");
    for (const CycleModel model : {CycleModel::none, CycleModel::live, CycleModel::ki67_basic, CycleModel::ki67_advanced}) check_life(standard_life(model), "any");
}

}  // namespace
}  // namespace morula::simulation
