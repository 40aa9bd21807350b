#include "morula/commands/scenario_cost.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "morula/commands/snapshot.hpp"
#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/listener.hpp"
#include "tests/support/temporary_folder.hpp"

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

Scenario scenario_of_cells(std::int64_t n) {
    Scenario scenario;
    scenario.title = "cells";
    scenario.hash = "abc";
    scenario.model = model();
    scenario.model.pace = {simulation::FieldPace::stepped, simulation::FieldPace::stepped};
    for (std::int64_t i = 0; i < n; ++i) simulation::add_agent(scenario.start, simulation::first_id(i), 0, {10.0 + 9.0 * static_cast<double>(i % 100), 10.0 + 9.0 * static_cast<double>(i / 100 % 100), 500.0}, 0.0F);
    scenario.every_min = 60.0;
    return scenario;
}

TEST(scenario_cost, counts_the_snapshots_of_a_run) {
    Scenario scenario = scenario_of_cells(10);
    EXPECT_EQ(disk_of(scenario, 600.0).n_snapshots, 1) << "the last state alone";
    scenario.snapshot_every_min = 120.0;
    EXPECT_EQ(disk_of(scenario, 600.0).n_snapshots, 6) << "0, 120, 240, 360, 480, 600";
    EXPECT_EQ(disk_of(scenario, 630.0).n_snapshots, 7) << "and the end";
    EXPECT_EQ(disk_of(scenario, 0.0).n_snapshots, 1);
    EXPECT_EQ(disk_of(scenario, 600.0).field_bytes, std::int64_t{6} * 2 * 4 * 1'000'000);
}

TEST(scenario_cost, foretells_the_size_of_a_snapshot) {
    const auto context = test::make_context(1);
    const test::TemporaryFolder folder;
    for (const std::int64_t n : {20, 300, 1'000, 4'000}) {
        Scenario scenario = scenario_of_cells(n);
        const auto compare = [&](double least, double most, const char* whose) {
            const simulation::Simulation simulation(scenario.model, scenario.start, *context);
            formats::write_h5ad(snapshot(simulation, scenario), folder / "cells.h5ad", {}, *context);
            struct stat file{};
            ASSERT_EQ(::stat((folder / "cells.h5ad").c_str(), &file), 0);
            const double taken = static_cast<double>(file.st_blocks) * 512.0, ratio = static_cast<double>(disk_of(scenario, 6.0).cell_bytes) / taken;
            EXPECT_GE(ratio, least) << n << whose << taken << " bytes";
            EXPECT_LE(ratio, most) << n << whose << taken << " bytes";
        };
        compare(0.87, 1.15, " cells of a start take ");
        for (std::size_t i = 0; i < scenario.start.id.size(); ++i) {
            scenario.start.id[i] += std::uint64_t{1} << 63;
            scenario.start.parent[i] = scenario.start.id[i] - 1;
        }
        compare(0.87, 1.15, " cells that have mothers, with long numbers, take ");
    }
}

TEST(scenario_cost, a_disk_without_room_is_refused_before_the_start) {
    const test::TemporaryFolder folder;
    const DiskCost disk{.n_snapshots = 30, .cell_bytes = 2'000'000, .field_bytes = 5'000'000, .state_bytes = 1'000'000};
    const auto check = [&](std::vector<std::filesystem::path> runs, std::int64_t free) { check_disk(disk, runs, free, "far.toml"); };
    check({folder / "a"}, 8'000'000);
    const Error one = test::thrown_by([&] { check({folder / "a"}, 7'999'999); });
    EXPECT_EQ(one.code(), ErrorCode::resource_limit);
    EXPECT_TRUE(test::contains(one.message(), "far.toml: the run needs about 8.0 MB of disk (30 snapshots: cells 2.0 MB, fields 5.0 MB; the state 1.0 MB")) << one.message();
    EXPECT_TRUE(test::contains(one.message(), "8.0 MB are free at " + (folder / "a").string())) << one.message();
    EXPECT_TRUE(test::contains(one.next(), "snapshot_every_min")) << one.next();
    EXPECT_TRUE(test::contains(test::thrown_by([&] { check({folder / "a", folder / "b"}, 15'000'000); }).message(), "each of 2 runs needs about"));
    // What an earlier run has left is replaced, or gone on from.
    std::filesystem::create_directories(folder / "a" / "snapshots");
    write_text_file(folder / "a" / "snapshots" / "minute-000000.h5ad", std::string(1'000'000, 'x'));
    check({folder / "a"}, 7'000'000);
    EXPECT_EQ(test::error_code([&] { check({folder / "a"}, 6'999'999); }), ErrorCode::resource_limit);
}

TEST(scenario_cost, says_durations_as_people_do) {
    EXPECT_EQ(duration_text(0.1), "1 s");
    EXPECT_EQ(duration_text(600.0), "10 min");
    EXPECT_EQ(duration_text(1e5), "27.8 h");
    EXPECT_EQ(duration_text(1e6), "11.6 days");
    EXPECT_EQ(duration_text(6e9), "190 years");
}

TEST(scenario_cost, runs_that_nobody_can_wait_for_are_refused_and_long_ones_warned_of) {
    const auto warned = [](const RunCost& cost) {
        test::Listener warnings;
        Context context({.threads = 1, .memory_bytes = 0, .events = &warnings, .cancel = nullptr});
        check_duration(cost, "far.toml", context);
        return warnings.all_warnings();
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
