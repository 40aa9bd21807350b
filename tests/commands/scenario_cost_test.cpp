#include "morula/commands/scenario_cost.hpp"

#include <gtest/gtest.h>

#include <string>

#include "morula/core/error.hpp"
#include "morula/core/events.hpp"
#include "tests/support/contexts.hpp"

namespace morula::commands {
namespace {

simulation::Model model() {
    simulation::Model model{.box = {.n = {100, 100, 100}, .voxel_um = 10.0}, .substances = {}, .pace = {}, .fixed = {}, .types = {}, .affinity = {}, .rules = {}, .clocks = {}, .expression = {}};
    model.substances = {{.name = "oxygen", .diffusion_um2_per_min = 1e5, .decay_per_min = 1.0}, {.name = "lure", .diffusion_um2_per_min = 1e3, .decay_per_min = 1.0}};
    model.pace = {simulation::FieldPace::steady, simulation::FieldPace::stepped};
    model.types.push_back({.name = "a", .mechanics = {}, .life = simulation::standard_life(simulation::CycleModel::none), .exchange = {}});
    return model;
}

TEST(scenario_cost, counts_the_steps_of_each_clock) {
    const RunCost cost = cost_of(model(), 1'000, 600.0);
    EXPECT_EQ(cost.mechanics_steps, 6'000.0);
    EXPECT_EQ(cost.field_steps, 60'000.0);
    EXPECT_EQ(cost.solutions, 101.0) << "at the start and at each strike of the life clock";
    EXPECT_GT(cost.memory_bytes, 16'000'000);
    simulation::Model followed = model();
    followed.types[0].mechanics.chemotaxis_substance = 0;
    EXPECT_EQ(cost_of(followed, 1'000, 600.0).solutions, 6'000.0);
    // Twice the cells, twice their share of the time; a million steps of a million agents are 62,500 s at 16 M agent-steps/s.
    const auto seconds = [](std::int64_t n) { return cost_of(model(), n, 1e5).seconds; };
    EXPECT_NEAR(seconds(2'000'000) - seconds(1'000'000), 62'500.0, 1.0);
}

TEST(scenario_cost, says_durations_as_people_do) {
    EXPECT_EQ(duration_text(0.1), "1 s");
    EXPECT_EQ(duration_text(600.0), "10 min");
    EXPECT_EQ(duration_text(1e5), "27.8 h");
    EXPECT_EQ(duration_text(1e6), "11.6 days");
    EXPECT_EQ(duration_text(6e9), "190 years");
}

TEST(scenario_cost, runs_that_nobody_can_wait_for_are_refused_and_long_ones_warned_of) {
    struct Warnings final : EventSink {
        void step_started(std::string_view) override {}
        void progress(const ProgressReport&) override {}
        void step_finished(const StepReport&) override {}
        void warning(std::string_view text) override { texts += std::string(text) + "\n"; }
        void decision(std::string_view) override {}
        std::string texts;
    };
    const auto warned = [](const RunCost& cost) {
        Warnings warnings;
        Context context({.threads = 1, .memory_bytes = 0, .events = &warnings, .cancel = nullptr});
        check_duration(cost, "far.toml", context);
        return warnings.texts;
    };
    EXPECT_EQ(warned(cost_of(model(), 1'000, 600.0)), "");
    const std::string days = warned(cost_of(model(), 1'000'000, 1e6));
    EXPECT_TRUE(test::contains(days, "far.toml: 1e+06 min, 694.4 days of the tissue's own time, would take about")) << days;
    EXPECT_TRUE(test::contains(days, "an estimate")) << days;
    EXPECT_TRUE(test::contains(days, "Is that meant?")) << days;
    simulation::Model idle = model();
    idle.substances.clear();
    idle.pace.clear();
    EXPECT_TRUE(test::contains(warned(cost_of(idle, 1, 1e8)), "190 years of the tissue's own time")) << "quick to compute, but what tissue lives so long?";
    const Error refused = test::thrown_by([&] { warned(cost_of(model(), 1'000'000, 1e8)); });
    EXPECT_EQ(refused.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(test::contains(refused.message(), "years on two cores (an estimate for the cells of the start: 1e+09 steps of motion")) << refused.message();
    EXPECT_TRUE(test::contains(refused.next(), "--until")) << refused.next();
}

}  // namespace
}  // namespace morula::commands
