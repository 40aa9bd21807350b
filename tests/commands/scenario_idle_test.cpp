// What of a scenario has no effect, and that a run says so.
#include "morula/commands/scenario_idle.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "morula/core/file.hpp"
#include "tests/commands/scenario_test.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/listener.hpp"
#include "tests/support/scenario_text.hpp"

namespace morula::commands {
namespace {

/// Made up; what is tested follows on line 27.
const std::string kOneKind = test::scenario_head("One kind of cells", 12.0, test::kTenVoxels) + test::text_of({"drug", "nM", 2000.0, 0.1, 0.0}) + R"(
[[cell_type]]
name = "tumor"
cycle = "live"

  [[cell_type.exchange]]
  substance = "drug"
  uptake = { value = 1, unit = "1/min", source = "fitted", fitted_to = "made up" }

[[cells]]
type = "tumor"
spheroid_radius_um = 30
center_um = [100, 100, 100]
)";

class ScenarioIdleTest : public ScenarioTest {
protected:
    /// All warnings of reading the scenario and of a run to the minute.
    std::string warnings(const std::string& more, double asked_min) const {
        test::Listener sink;
        Context context({.threads = 1, .memory_bytes = test::kTestMemory, .events = &sink, .cancel = nullptr});
        const Scenario scenario = read(kOneKind + more, context);
        warn_of_idle(scenario, asked_min, last_minute(scenario, asked_min, folder_ / "scenario.toml"), context);
        return sink.all_warnings();
    }
};

TEST_F(ScenarioIdleTest, a_clock_that_never_strikes_is_named) {
    const std::string slow = "[clocks]\nlife_min = 600\n";
    EXPECT_TRUE(test::contains(warnings(slow, 12.0), "scenario.toml: life_min is 600 min and the run ends at minute 12, before its first strike: no cell grows, divides, dies or follows a rule."));
    EXPECT_EQ(warnings(slow, 600.0), "") << "it strikes once";
    EXPECT_EQ(warnings("", 6.0), "");
}

std::string perturbation(const std::string& keys) { return "[[perturbation]]\n" + keys; }

TEST_F(ScenarioIdleTest, what_comes_after_the_end_is_named_with_its_line) {
    const auto removal = [](const std::string& minute) { return perturbation("kind = \"removal\"\ntype = \"tumor\"\nminute = " + minute + "\n"); };
    EXPECT_TRUE(test::contains(warnings(removal("600"), 12.0), "scenario.toml, line 28: perturbation 1 (removal) comes at minute 600, and the run ends at minute 12: it never happens."));
    EXPECT_EQ(warnings(removal("600"), 600.0), "") << "its strike is the last moment of the run";
    EXPECT_EQ(warnings(removal("12"), 12.0), "");
    EXPECT_TRUE(test::contains(warnings(removal("7"), 11.0), "never happens")) << "its strike is at minute 12";
    const auto knock_out = [](const std::string& from) { return perturbation("kind = \"knock_out\"\ntype = \"tumor\"\nbehavior = \"drug uptake\"\nfrom_min = " + from + "\n"); };
    EXPECT_TRUE(test::contains(warnings(knock_out("12"), 12.0), "line 28: perturbation 1 (knock_out) comes at minute 12"));
    EXPECT_EQ(warnings(knock_out("6"), 12.0), "");
    EXPECT_EQ(warnings(knock_out("0"), 12.0), "");
    EXPECT_TRUE(test::contains(warnings(perturbation("kind = \"silencing\"\ntype = \"tumor\"\nfrom_min = 900\n"), 12.0), "(silencing) comes at minute 900"));
    const auto doses = [](const std::string& minutes) { return perturbation("kind = \"drug\"\nsubstance = \"drug\"\nminutes = [" + minutes + "]\nconcentrations = [10, 20]\n"); };
    EXPECT_EQ(warnings(doses("0, 11.95"), 12.0), "");
    EXPECT_TRUE(test::contains(warnings(doses("0, 12"), 12.0), "line 28: perturbation 1 (drug): 1 of its 2 doses come at the end of the run, minute 12, or later"));
    EXPECT_TRUE(test::contains(warnings(doses("600, 900"), 12.0), "it never happens"));
    EXPECT_TRUE(test::contains(warnings(removal("1") + perturbation("kind = \"injection\"\ntype = \"tumor\"\nminute = 90\nn = 1\ncenter_um = [50, 50, 50]\nradius_um = 9\n"), 12.0), "line 32: perturbation 2 (injection)"));
}

TEST_F(ScenarioIdleTest, factors_on_what_cells_do_not_do_are_named) {
    const auto more = [](const std::string& behavior) { return perturbation("kind = \"over_expression\"\ntype = \"tumor\"\nfactor = 3\nbehavior = \"" + behavior + "\"\n"); };
    for (const char* idle : {"migration bias", "migration persistence time", "chemotactic response to drug", "drug secretion", "apoptosis"}) {
        EXPECT_TRUE(test::contains(warnings(more(idle), 12.0), "scenario.toml, line 28: perturbation 1 (over_expression) changes nothing: cells of 'tumor'")) << idle;
    }
    for (const char* done : {"drug uptake", "cycle entry", "cell-cell adhesion"}) EXPECT_EQ(warnings(more(done), 12.0), "") << done;
    EXPECT_TRUE(test::contains(warnings(perturbation("kind = \"silencing\"\ntype = \"tumor\"\nwhat = \"secretion\"\n"), 12.0), "changes nothing"));
    EXPECT_EQ(warnings(perturbation("kind = \"silencing\"\ntype = \"tumor\"\n"), 12.0), "") << "of all that it may be, uptake is there";
    // A rule lets them.
    write_text_file(folder_ / "rules.csv", "tumor,drug,increases,apoptosis,0.01,20,4,0\n");
    test::Listener sink;
    Context context({.threads = 1, .memory_bytes = test::kTestMemory, .events = &sink, .cancel = nullptr});
    read("rules = \"rules.csv\"\n" + kOneKind + more("apoptosis"), context);
    EXPECT_TRUE(sink.warnings.empty()) << sink.all_warnings();
}

TEST_F(ScenarioIdleTest, a_time_that_is_no_number_of_steps_is_named) {
    EXPECT_EQ(warnings("", 12.0), "");
    EXPECT_EQ(warnings("[clocks]\nlife_min = 0.3\n", 0.3), "") << "three steps";
    EXPECT_TRUE(test::contains(warnings("", 12.03), "minute 12.03 is no whole number of steps of 0.1 min; the run ends at minute 12."));
    EXPECT_TRUE(test::contains(warnings("", 0.04), "a run until minute 0.04 makes no step of 0.1 min; it shows the start alone."));
    EXPECT_TRUE(test::contains(warnings("", 0.0), "shows the start alone"));
}

TEST_F(ScenarioIdleTest, a_type_that_nobody_is_or_becomes_is_named) {
    const std::string other = "[[cell_type]]\nname = \"other\"\n";
    EXPECT_TRUE(test::contains(warnings(other, 12.0), "cell_type 'other' has no cells"));
    EXPECT_EQ(warnings(other + perturbation("kind = \"injection\"\ntype = \"other\"\nminute = 6\nn = 1\ncenter_um = [50, 50, 50]\nradius_um = 9\n"), 12.0), "");
    EXPECT_EQ(warnings(other + "[[cell_type]]\nname = \"third\"\n  [[cell_type.transition]]\n  to = \"other\"\n  rate = { value = 1, unit = \"1/h\", source = \"fitted\", fitted_to = \"made up\" }\n[[cells]]\ntype = \"third\"\nspheroid_radius_um = 20\ncenter_um = [40, 40, 40]\n", 12.0), "");
}

}  // namespace
}  // namespace morula::commands
