#include "morula/commands/simulate_report.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numeric>
#include <set>

#include "morula/report/simulation_report.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::commands {
namespace {

using simulation::Simulation;

/// n cells of two types in a box of 20 um voxels, each on a lattice of its own place.
Scenario scenario_of(std::int64_t n, double box_um) {
    Scenario scenario;
    scenario.title = "a lattice";
    simulation::Model& model = scenario.model;
    const auto voxels = static_cast<std::int64_t>(box_um / 20.0);
    model.box = {.n = {voxels, voxels, voxels}, .voxel_um = 20.0};
    model.substances = {{.name = "oxygen", .unit = "mmHg", .diffusion_um2_per_min = 1000.0, .initial = 12.5}};
    model.types.resize(2);
    model.types[0].name = "tumor";
    model.types[0].life = simulation::standard_life(simulation::CycleModel::live);
    model.types[1].name = "T cell";
    model.types[1].life = simulation::standard_life(simulation::CycleModel::none);
    model.clocks = {.field_min = 0.25, .mechanics_min = 0.25, .life_min = 6.0};
    model.seed = 3;
    const auto side = static_cast<std::int64_t>(box_um / 18.0) - 1;
    for (std::int64_t i = 0; i < n; ++i) {
        simulation::add_agent(scenario.start, simulation::first_id(i), i % 3 == 0 ? 1 : 0, {20.0 + 18.0 * static_cast<double>(i % side), 20.0 + 18.0 * static_cast<double>(i / side % side), 20.0 + 18.0 * static_cast<double>(i / side / side)}, 8.0F);
    }
    scenario.rates = {{.name = "uptake", .value = 10.0, .unit = "1/min", .source = Evidence::literature, .citation = "a paper", .line = 4}, {.name = "necrosis", .value = 0.1, .unit = "1/h", .source = Evidence::guessed, .prior = std::array{0.01, 1.0}, .line = 5}};
    return scenario;
}

TEST(StoryCollector, tells_what_the_simulation_holds) {
    const auto context = test::make_context(1);
    const Scenario scenario = scenario_of(60, 200.0);
    Simulation simulation(scenario.model, scenario.start, *context);
    StoryCollector collector(scenario, 6.0, *context);
    collector.observe(simulation, {}, *context);
    for (int report = 1; report <= 4; ++report) {
        simulation.advance(6.0 * report, *context);
        collector.observe(simulation, {}, *context);
    }
    const report::SimulationStory story = collector.finish(simulation, *context);
    EXPECT_EQ(story.composition.minute, (std::vector<double>{0.0, 6.0, 12.0, 18.0, 24.0}));
    std::vector<std::int64_t> counts;
    for (const auto& of_type : simulation.composition()) counts.insert(counts.end(), of_type.begin(), of_type.end());
    EXPECT_EQ(story.composition.counts.back(), counts);
    EXPECT_EQ(std::accumulate(story.composition.counts[0].begin(), story.composition.counts[0].end(), std::int64_t{0}), 60);
    ASSERT_EQ(story.player.frames.size(), 5U);
    const report::Frame& last = story.player.frames.back();
    const simulation::Agents& agents = simulation.agents();
    ASSERT_EQ(last.n_cells, agents.size());
    EXPECT_EQ(last.minute, 24.0);
    const simulation::Grid& grid = scenario.model.box;
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        EXPECT_EQ(last.x[i], static_cast<float>(agents.x[i]));
        EXPECT_EQ(last.z[i], static_cast<float>(agents.z[i]));
        EXPECT_EQ(last.radius[i], agents.radius[i]);
        EXPECT_EQ(story.kinds[last.kind[i]].type, scenario.model.types[agents.type[i]].name);
        EXPECT_EQ(story.kinds[last.kind[i]].state, scenario.model.types[agents.type[i]].life.phases[agents.phase[i]].name);
        const auto place = grid.place(nearest_voxel(grid, 0, agents.x[i]), nearest_voxel(grid, 1, agents.y[i]), nearest_voxel(grid, 2, agents.z[i]));
        EXPECT_EQ(last.levels[0][i], static_cast<float>(simulation.field().values(0)[static_cast<std::size_t>(place)]));
    }
    ASSERT_EQ(story.maps.size(), 1U);
    EXPECT_EQ(story.maps[0].values[static_cast<std::size_t>(2 * story.maps[0].nx + 3)], static_cast<float>(simulation.field().values(0)[static_cast<std::size_t>(grid.place(3, 2, 5))]));
    EXPECT_EQ(story.radial.groups[0], "tumor");
    EXPECT_TRUE(story.vessel.density.empty()) << "no voxel is fixed";
    EXPECT_EQ(story.rates[1].source, "guessed");
    EXPECT_EQ(story.rates[1].prior_high, 1.0);
    EXPECT_TRUE(std::isnan(story.rates[0].prior_high));
    EXPECT_EQ(story.player.sample_statement, "");
}

TEST(StoryCollector, goes_on_from_a_saved_state_as_if_it_had_seen_all) {
    const auto context = test::make_context(1);
    const test::TemporaryFolder folder;
    const Scenario scenario = scenario_of(60, 200.0);
    constexpr std::int64_t kReports = 2 * report::kMostFrames + 5;
    const auto page_of = [&](std::int64_t saved_after) {
        Simulation simulation(scenario.model, scenario.start, *context);
        auto collector = std::make_unique<StoryCollector>(scenario, 2.0, *context);
        for (std::int64_t report = 0; report <= kReports; ++report) {
            const auto moment = static_cast<double>(report);
            simulation.advance(2.0 * moment, *context);
            collector->observe(simulation, {{"oxygen.low", 0.5 + moment, "1"}, {"oxygen.p50", report % 2 == 0 ? std::nan("") : 12.0, "mmHg"}}, *context);
            if (report != saved_after) continue;
            simulation::StateWriter out;
            collector->save(out);
            out.save(folder / "story");
            simulation::StateReader in(folder / "story");
            collector = std::make_unique<StoryCollector>(scenario, 2.0, *context);
            collector->load(in);
            EXPECT_TRUE(in.at_end());
        }
        return report::render_simulation(collector->finish(simulation, *context));
    };
    const std::string whole = page_of(-1);
    for (const std::int64_t saved_after : {std::int64_t{0}, std::int64_t{7}, report::kMostFrames + 3, kReports}) EXPECT_TRUE(page_of(saved_after) == whole) << saved_after;
}

TEST(StoryCollector, keeps_every_second_moment_once_there_are_too_many_and_always_the_last) {
    const auto context = test::make_context(1);
    const Scenario scenario = scenario_of(3, 100.0);
    Simulation simulation(scenario.model, scenario.start, *context);
    StoryCollector collector(scenario, 1.0, *context);
    constexpr int kReports = 2 * report::kMostFrames + 3;
    collector.observe(simulation, {}, *context);
    for (int report = 1; report <= kReports; ++report) {
        simulation.advance(report, *context);
        collector.observe(simulation, {}, *context);
    }
    const report::SimulationStory story = collector.finish(simulation, *context);
    EXPECT_LE(std::ssize(story.player.frames), report::kMostFrames + 1);
    EXPECT_EQ(story.player.every_min, 4.0);
    for (std::size_t k = 0; k + 1 < story.player.frames.size(); ++k) EXPECT_EQ(story.player.frames[k].minute, 4.0 * static_cast<double>(k));
    EXPECT_EQ(story.player.frames.back().minute, static_cast<double>(kReports));
    EXPECT_EQ(story.composition.every, 1) << "rows of counts are small";
    EXPECT_EQ(std::ssize(story.composition.minute), kReports + 1);
}

TEST(StoryCollector, draws_the_same_cells_in_every_frame_above_the_cap) {
    const auto context = test::make_context(1);
    const Scenario scenario = scenario_of(report::kMostFrameCells + 1000, 620.0);
    const Simulation simulation(scenario.model, scenario.start, *context);
    StoryCollector collector(scenario, 1.0, *context);
    collector.observe(simulation, {}, *context);
    collector.observe(simulation, {}, *context);
    const report::SimulationStory story = collector.finish(simulation, *context);
    const report::Frame& frame = story.player.frames[0];
    EXPECT_EQ(std::ssize(frame.x), report::kMostFrameCells);
    EXPECT_EQ(frame.n_cells, report::kMostFrameCells + 1000);
    EXPECT_EQ(frame.x, story.player.frames[1].x);
    EXPECT_NE(story.player.sample_statement.find("20,000"), std::string::npos);
    // A third of all cells is of the second type; of 20,000 drawn from 21,000 without replacement the spread of that share is below .1 %.
    const auto n_second = std::count_if(frame.kind.begin(), frame.kind.end(), [&](std::uint16_t kind) { return story.kinds[kind].type == "T cell"; });
    EXPECT_NEAR(static_cast<double>(n_second) / static_cast<double>(frame.kind.size()), 1.0 / 3.0, 0.005);
    std::set<std::array<float, 3>> places;
    for (std::size_t i = 0; i < frame.x.size(); ++i) places.insert({frame.x[i], frame.y[i], frame.z[i]});
    EXPECT_EQ(std::ssize(places), report::kMostFrameCells) << "no cell twice";
}

TEST(StoryCollector, keeps_read_outs_as_one_series_each) {
    const auto context = test::make_context(1);
    const Scenario scenario = scenario_of(5, 100.0);
    Simulation simulation(scenario.model, scenario.start, *context);
    StoryCollector collector(scenario, 6.0, *context);
    collector.observe(simulation, {{"oxygen.low", 0.5, "share"}, {"oxygen.p50", 12.0, "mmHg"}}, *context);
    simulation.advance(6.0, *context);
    collector.observe(simulation, {{"oxygen.low", 0.25, "share"}, {"oxygen.p50", 13.0, "mmHg"}}, *context);
    const report::SimulationStory story = collector.finish(simulation, *context);
    ASSERT_EQ(story.readouts.size(), 2U);
    EXPECT_EQ(story.readouts[0].name, "oxygen.low");
    EXPECT_EQ(story.readouts[1].unit, "mmHg");
    EXPECT_EQ(story.readouts[1].value, (std::vector<double>{12.0, 13.0}));
    EXPECT_EQ(story.readouts[1].minute, (std::vector<double>{0.0, 6.0}));
}

TEST(StoryCollector, calls_fixed_voxels_at_the_walls_walls_and_others_vessels) {
    const auto context = test::make_context(1);
    Scenario scenario = scenario_of(5, 100.0);
    const simulation::Grid& grid = scenario.model.box;
    scenario.model.fixed = {{{grid.place(0, 2, 2)}, {38.0}}};
    for (const auto& [place, name] : {std::pair{grid.place(0, 2, 2), "nearest open wall"}, std::pair{grid.place(1, 2, 2), "nearest vessel"}}) {
        scenario.model.fixed[0].places = {place};
        const Simulation simulation(scenario.model, scenario.start, *context);
        StoryCollector collector(scenario, 1.0, *context);
        collector.observe(simulation, {}, *context);
        const report::SimulationStory story = collector.finish(simulation, *context);
        EXPECT_EQ(story.vessel_name, name);
        ASSERT_FALSE(story.vessel.level.empty());
        EXPECT_EQ(story.vessel.level[0][0], 38.0) << "the fixed voxel itself";
    }
}

}  // namespace
}  // namespace morula::commands
