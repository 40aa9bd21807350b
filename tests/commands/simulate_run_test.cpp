#include "morula/commands/simulate_run.hpp"

#include "tests/commands/scenario_test.hpp"
#include "tests/support/scenario_text.hpp"

namespace morula::commands {
namespace {

struct Nobody final : RunWatcher {
    void look(const simulation::Simulation&, const std::vector<simulation::ReadoutValue>&) override {}
    void end(const simulation::Simulation&, const MovedCells&, double, const std::string&) override {}
    void save(simulation::StateWriter&) const override {}
    void load(simulation::StateReader&) override {}
};

class SimulateRunTest : public ScenarioTest {
protected:
    RunSummary run(const Scenario& scenario, const std::string& out, RunStart start, std::int64_t memory) const {
        Context context({.threads = 1, .memory_bytes = memory, .events = nullptr, .cancel = nullptr});
        Nobody nobody;
        RunProgress progress(context, 1);
        return run_scenario(scenario, {.folder = folder_ / out, .until_min = scenario.until_min, .start = start, .take_folder = [] {}, .watcher = nobody}, 1, progress, 0, context);
    }
    std::string table(const std::string& out, const std::string& name) const { return read_text_file(folder_ / out / name, 1 << 26); }
};

TEST_F(SimulateRunTest, that_outgrows_its_memory_leaves_its_tables_and_goes_on_with_more) {
    // Cells divide about every ten minutes.
    write_text_file(folder_ / "rules.csv", "a,time,increases,cycle entry,0.1,1,4,0\n");
    const std::string text = "rules = \"rules.csv\"\n" + test::scenario_head("growth", 72, test::kTenVoxels) + "[[cell_type]]\nname = \"a\"\ncycle = \"live\"\n[[cells]]\ntype = \"a\"\nspheroid_radius_um = 30\ncenter_um = [100, 100, 100]\n";
    const Scenario scenario = read(text);
    const RunSummary whole = run(scenario, "whole", RunStart::fresh, 1 << 30);
    ASSERT_GT(whole.n_cells, 20 * scenario.start.size());
    const std::int64_t memory = whole.bytes / 4;
    const Error error = test::thrown_by([&] { run(scenario, "out", RunStart::fresh, memory); });
    EXPECT_EQ(error.code(), ErrorCode::resource_limit);
    for (const char* part : {"The simulation has grown to ", "the limit is ", "That was after minute ", " of 72, with ", " born so far, ", "holds the tables so far and a state to go on from"}) EXPECT_TRUE(test::contains(error.message(), part)) << error.message();
    EXPECT_TRUE(test::contains(error.next(), "--resume and more --memory")) << error.next();
    EXPECT_GT(table("out", "events.csv").size(), 1'000U);
    EXPECT_TRUE(table("whole", "events.csv").starts_with(table("out", "events.csv")));
    const RunSummary resumed = run(scenario, "out", RunStart::resumed, 1 << 30);
    EXPECT_EQ(resumed.final_hash, whole.final_hash);
    EXPECT_EQ(table("out", "events.csv"), table("whole", "events.csv"));
}

}  // namespace
}  // namespace morula::commands
