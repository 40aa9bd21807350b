#include "morula/commands/simulate_seeds.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "morula/report/seeds_report.hpp"
#include "tests/support/contexts.hpp"

namespace morula::commands {
namespace {

Scenario two_types() {
    Scenario scenario;
    scenario.title = "two types";
    scenario.model.substances = {{.name = "oxygen", .unit = "mmHg"}};
    scenario.model.types.resize(2);
    scenario.model.types[0].name = "tumor";
    scenario.model.types[0].life = simulation::standard_life(simulation::CycleModel::live);
    scenario.model.types[1].name = "T cell";
    scenario.model.types[1].life = simulation::standard_life(simulation::CycleModel::none);
    scenario.readouts = {{.name = "flow", .kind = simulation::ReadoutKind::secretion, .substance = 0}};
    return scenario;
}

/// Minutes 0 to n - 1; in minute k the phases of each type hold k cells more than their number.
formats::RawTable composition(const Scenario& scenario, std::int64_t n, std::int64_t more) {
    formats::RawTable table;
    table.names = {"minute", "type", "state", "n"};
    for (std::int64_t minute = 0; minute < n; ++minute) {
        for (const simulation::CellType& type : scenario.model.types) {
            for (std::size_t phase = 0; phase < type.life.phases.size(); ++phase) table.rows.push_back({std::to_string(minute), type.name, type.life.phases[phase].name, std::to_string(minute + more + static_cast<std::int64_t>(phase))});
        }
    }
    return table;
}

formats::RawTable readouts(std::int64_t n, double first) {
    formats::RawTable table;
    table.names = {"minute", "readout", "value", "unit"};
    for (std::int64_t minute = 0; minute < n; ++minute) {
        table.rows.push_back({std::to_string(minute), "flow.flux", fmt::format("{}", first + static_cast<double>(minute)), "nM um3/min"});
        table.rows.push_back({std::to_string(minute), "flow.net", "", "nM um3/min"});
    }
    return table;
}

std::vector<RunSummary> runs_of(std::int64_t n) {
    std::vector<RunSummary> runs(static_cast<std::size_t>(n));
    for (std::size_t k = 0; k < runs.size(); ++k) {
        runs[k].seed = 4 + k;
        runs[k].minutes = 2.0;
    }
    return runs;
}

TEST(SeedsCollector, counts_the_living_by_type_the_dead_together_and_read_outs_each) {
    const auto context = test::make_context(1);
    const Scenario scenario = two_types();
    SeedsCollector collector(scenario, 2, *context);
    for (const std::int64_t more : {10, 20}) collector.add_composition(composition(scenario, 3, more));
    for (const double first : {0.5, 7.5}) collector.add_readouts(readouts(3, first));
    const report::SeedsStory story = collector.finish(runs_of(2));
    std::vector<double> living(2, 0.0);
    double dead = 0.0;
    for (std::size_t type = 0; type < 2; ++type) {
        const auto& phases = scenario.model.types[type].life.phases;
        for (std::size_t phase = 0; phase < phases.size(); ++phase) (phases[phase].is_dead ? dead : living[type]) += 22.0 + static_cast<double>(phase);
    }
    ASSERT_GT(dead, 0.0);
    EXPECT_EQ(story.minute, (std::vector<double>{0.0, 1.0, 2.0}));
    EXPECT_EQ(story.types[0].value[1][2], living[0]);
    EXPECT_EQ(story.types[1].value[1][2], living[1]);
    EXPECT_EQ(story.dead.value[1][2], dead);
    ASSERT_EQ(story.readouts.size(), 2U);
    EXPECT_EQ(story.readouts[0].name, "flow.flux");
    EXPECT_EQ(story.readouts[0].value, (std::vector<std::vector<double>>{{0.5, 1.5, 2.5}, {7.5, 8.5, 9.5}}));
    EXPECT_TRUE(std::isnan(story.readouts[1].value[0][0]));
    EXPECT_EQ(story.seeds[1].page, "seed-5/report.html");
    EXPECT_EQ(story.every, 1);
    EXPECT_FALSE(report::render_seeds(story).empty());
}

TEST(SeedsCollector, keeps_a_bounded_number_of_minutes_and_always_the_last) {
    const auto context = test::make_context(1);
    const Scenario scenario = two_types();
    for (const std::int64_t n : {399, 400, 401, 1000, 4001}) {
        SeedsCollector collector(scenario, 1, *context);
        collector.add_composition(composition(scenario, n, 1));
        collector.add_readouts(readouts(n, 0.0));
        const report::SeedsStory story = collector.finish(runs_of(1));
        EXPECT_LE(std::ssize(story.minute), 400) << n;
        EXPECT_EQ(story.minute.back(), static_cast<double>(n - 1));
        EXPECT_EQ(story.minute[1], static_cast<double>(story.every));
        EXPECT_EQ(story.readouts[0].value[0].size(), story.minute.size());
        EXPECT_EQ(story.readouts[0].value[0].back(), static_cast<double>(n - 1));
        EXPECT_EQ(story.every > 1, n > 400) << n;
    }
}

}  // namespace
}  // namespace morula::commands
