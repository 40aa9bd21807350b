// Encounters and perturbations of scenarios, through read_scenario.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "morula/commands/scenario.hpp"
#include "morula/commands/scenario_encounters.hpp"
#include "morula/commands/scenario_perturbations.hpp"
#include "morula/core/file.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/scenario_text.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::commands {
namespace {

using namespace simulation;

/// Made up; what is tested follows on line 33.
const std::string kScenario = test::scenario_head("Two kinds of cells", 60.0, test::kTenVoxels) + test::text_of({"drug", "nM", 2000.0, 0.1, 0.0}) + test::measured_rate("walls", 0.0, "nM") + R"(
[[cell_type]]
name = "macrophage"
phagocytosis_dead = { value = 3, unit = "1/h", source = "guessed", prior = [1, 9] }
attack_duration = { value = 6, unit = "s", source = "fitted", fitted_to = "made up" }
damage_repair = { value = 0.01, unit = "1/min", source = "fitted", fitted_to = "made up" }
  [[cell_type.encounter]]
  with = "tumor"
  attack = { value = 0.2, unit = "1/min", source = "fitted", fitted_to = "made up" }
  fusion = { value = 0.001, unit = "1/min", source = "fitted", fitted_to = "made up" }
  [[cell_type.transition]]
  to = "tumor"
  rate = { value = 0.6, unit = "1/h", source = "fitted", fitted_to = "made up" }
[[cell_type]]
name = "tumor"
  [[cell_type.exchange]]
  substance = "drug"
  export = { value = 5, unit = "nM um3/min", source = "fitted", fitted_to = "made up" }
)";

/// Behind what is tested, so that lines stay.
const std::string kOneCell = "[[cells]]\ntype = \"tumor\"\nspheroid_radius_um = 1\ncenter_um = [100, 100, 100]\n";

class ScenarioPerturbationsTest : public testing::Test {
protected:
    Scenario read(const std::string& more) const {
        write_text_file(folder_ / "scenario.toml", kScenario + more + kOneCell);
        return read_scenario(folder_ / "scenario.toml", *test::make_context(1));
    }
    void expect_refusal(const std::string& more, std::string_view part) const {
        const Error error = test::thrown_by([&] { read(more); });
        EXPECT_TRUE(test::contains(error.message(), "scenario.toml, line ")) << error.message();
        EXPECT_TRUE(test::contains(error.message(), part)) << error.message();
    }
    test::TemporaryFolder folder_;
};

TEST_F(ScenarioPerturbationsTest, encounters_are_read_with_their_units) {
    const Scenario scenario = read("");
    const CellEncounters& own = scenario.model.types[0].encounters;
    EXPECT_NEAR(own.eats_dead, 0.05, 1e-15);
    EXPECT_NEAR(own.attack_min, 0.1, 1e-15);
    EXPECT_EQ(own.repair_per_min, 0.01);
    EXPECT_EQ(own.attacks, (std::vector<double>{0.0, 0.2}));
    EXPECT_EQ(own.fuses[1], 0.001);
    EXPECT_NEAR(own.becomes[1], 0.01, 1e-15);
    EXPECT_EQ(scenario.model.types[1].encounters.eats_dead, 0.0);
    EXPECT_EQ(scenario.model.types[1].exchange[0].exported_per_min, 5.0);
    const auto named = [&](std::string_view name) { return std::count_if(scenario.rates.begin(), scenario.rates.end(), [&](const ScenarioRate& rate) { return rate.name == name; }); };
    EXPECT_EQ(named("cell_type 'macrophage', phagocytosis_dead"), 1);
    EXPECT_EQ(named("cell_type 'macrophage', encounter with 'tumor', attack"), 1);
}

TEST_F(ScenarioPerturbationsTest, divisions_and_immunogenicity_are_read) {
    const auto share = [](std::string_view key, double value) { return fmt::format("{} = {{ value = {}, unit = \"1\", source = \"fitted\", fitted_to = \"made up\" }}\n", key, value); };
    const Scenario scenario = read("[[cell_type]]\nname = \"stem\"\ncycle = \"live\"\n[[cell_type.encounter]]\nwith = \"tumor\"\n" + share("immunogenicity", 0.25) + "[[cell_type.division]]\nto = \"macrophage\"\n" + share("share", 0.4));
    const CellEncounters& own = scenario.model.types[2].encounters;
    EXPECT_EQ(own.divides_into, (std::vector<double>{0.4, 0.0, 0.0}));
    EXPECT_EQ(own.immunogenicity, (std::vector<double>{1.0, 0.25, 1.0}));
    EXPECT_TRUE(std::any_of(scenario.rates.begin(), scenario.rates.end(), [](const ScenarioRate& rate) { return rate.name == "cell_type 'stem', division to 'macrophage', share"; }));
}

TEST_F(ScenarioPerturbationsTest, divisions_that_cannot_be_are_refused) {
    const auto share_of = [](std::string_view to, std::string_view value, std::string_view source) {
        return fmt::format("[[cell_type.division]]\nto = \"{}\"\nshare = {{ value = {}, unit = \"1\", {} }}\n", to, value, source);
    };
    const auto division = [&](std::string_view to, std::string_view value) { return share_of(to, value, "source = \"fitted\", fitted_to = \"made up\""); };
    const std::string b_cell = "[[cell_type]]\nname = \"B cell\"\ncycle = \"live\"\n";
    expect_refusal(b_cell + division("B cell", "0.5"), "is the type itself");
    expect_refusal(b_cell + division("tumour", "0.5"), "cell_type 'B cell', division, to: 'tumour' is not known");
    expect_refusal(b_cell + division("tumor", "1.5"), "share, value: 1.5 is beyond what is physical");
    expect_refusal(b_cell + division("tumor", "0.5") + division("macrophage", "0.6"), "share: lets 1.1 of all divisions of 'B cell' be asymmetric");
    expect_refusal(b_cell + division("tumor", "0.5") + division("tumor", "0.1"), "stands in a division before this one");
    expect_refusal("[[cell_type]]\nname = \"B cell\"\n" + division("tumor", "0.5"), "speaks of divisions, and cells of the type have none");
    // Every draw of guesses must be able to run.
    const auto guess = [&](std::string_view to, std::string_view prior) { return share_of(to, "0.2", fmt::format("source = \"guessed\", prior = {}", prior)); };
    expect_refusal(b_cell + guess("tumor", "[0.1, 0.7]") + guess("macrophage", "[0.1, 0.8]"), "share: lets 1.5 of all divisions");
    // All of them, though the sum is a little more than 1.
    std::string four = b_cell;
    for (const auto& [to, value] : {std::pair{"w1", "0.8"}, std::pair{"w2", "0.05"}, std::pair{"w3", "0.05"}, std::pair{"w4", "0.1"}}) four += division(to, value);
    for (const char* name : {"w1", "w2", "w3", "w4"}) four += fmt::format("[[cell_type]]\nname = \"{}\"\n", name);
    EXPECT_EQ(read(four).model.types[2].encounters.divides_into, (std::vector<double>{0.0, 0.0, 0.0, 0.8, 0.05, 0.05, 0.1}));
}

TEST_F(ScenarioPerturbationsTest, encounters_that_cannot_be_are_refused) {
    expect_refusal("[[cell_type]]\nname = \"B cell\"\n[[cell_type.encounter]]\nwith = \"T cell\"\n", "'T cell' is not known");
    expect_refusal("[[cell_type]]\nname = \"B cell\"\n[[cell_type.transition]]\nto = \"B cell\"\nrate = { value = 1, unit = \"1/h\", source = \"fitted\", fitted_to = \"made up\" }\n", "is the type itself");
    expect_refusal("[[cell_type]]\nname = \"B cell\"\n[[cell_type.encounter]]\nwith = \"tumor\"\nattacks = 1\n", "attacks: is not known");
    expect_refusal("[[cell_type]]\nname = \"B cell\"\ndamage = { value = 1e9, unit = \"1/min\", source = \"fitted\", fitted_to = \"made up\" }\n", "beyond what is physical");
}

TEST_F(ScenarioPerturbationsTest, perturbations_are_read) {
    write_text_file(folder_ / "doses.csv", "minute,concentration\n0,5\n20,2.5\n");
    const Scenario scenario = read(R"([[perturbation]]
kind = "knock_out"
type = "tumor"
behavior = "drug uptake"
from_min = 10
until_min = 20
[[perturbation]]
kind = "over_expression"
type = "macrophage"
behavior = "attack tumor"
factor = 3
[[perturbation]]
kind = "silencing"
type = "tumor"
what = "secretion"
from_min = 30
[[perturbation]]
kind = "drug"
substance = "drug"
file = "doses.csv"
half_life = { value = 2, unit = "h", source = "literature", citation = "a paper" }
[[perturbation]]
kind = "drug"
substance = "drug"
shape = "curve"
minutes = [0, 30]
concentrations = [1, 2]
[[perturbation]]
kind = "removal"
type = "tumor"
share = 0.25
minute = 12
[[perturbation]]
kind = "injection"
type = "tumor"
n = 10
minute = 24
center_um = [100, 100, 100]
radius_um = 30
)");
    const Perturbations& all = scenario.model.perturbations;
    ASSERT_EQ(all.factors.size(), 4U);
    EXPECT_EQ(all.factors[0].factor, 0.0);
    EXPECT_EQ(all.factors[0].span.until_min, 20.0);
    EXPECT_EQ(all.factors[1].factor, 3.0);
    EXPECT_EQ(all.factors[1].span.until_min, kNeverEnds);
    EXPECT_EQ(all.factors[2].behavior, "drug secretion");
    EXPECT_EQ(all.factors[3].behavior, "drug export");
    ASSERT_EQ(all.drugs.size(), 2U);
    EXPECT_EQ(all.drugs[0].points, (std::vector<std::array<double, 2>>{{0.0, 5.0}, {20.0, 2.5}}));
    EXPECT_EQ(all.drugs[0].half_life_min, 120.0);
    EXPECT_EQ(all.drugs[1].route, Drug::Route::vessels);
    EXPECT_EQ(all.removals[0].share, 0.25);
    EXPECT_EQ(all.injections[0].n, 10);
    EXPECT_EQ(std::count_if(scenario.rates.begin(), scenario.rates.end(), [](const ScenarioRate& rate) { return rate.name == "perturbation 4 (drug), half_life" && rate.line > 0; }), 1);
    EXPECT_NE(scenario.hash, read("").hash);
}

TEST_F(ScenarioPerturbationsTest, what_contradicts_is_refused_with_its_line) {
    const std::string removal = "[[perturbation]]\nkind = \"removal\"\ntype = \"tumor\"\nminute = 12\n";
    expect_refusal(removal + "[[perturbation]]\nkind = \"injection\"\ntype = \"tumor\"\nn = 4\nminute = 12\ncenter_um = [100, 100, 100]\nradius_um = 9\n", "'tumor' is taken out and put in at minute 12");
    expect_refusal(removal + removal, "line 40: perturbation 2 (removal), minute: 'tumor' is taken out twice at minute 12; the other is perturbation 1 (removal), line 36.");
    const auto drug = [](const std::string& dose) { return "[[perturbation]]\nkind = \"drug\"\nsubstance = \"drug\"\nminutes = [3]\nconcentrations = [" + dose + "]\n"; };
    expect_refusal(drug("1") + drug("2"), "two doses at minute 3: 1 and 2");
    expect_refusal(drug("1, 2"), "has 2 numbers, and minutes has 1");
    expect_refusal("[[perturbation]]\nkind = \"knock_out\"\ntype = \"tumor\"\nbehavior = \"drug intake\"\n", "line 36: perturbation 1 (knock_out), behavior: cell_type 'tumor': there is no behaviour 'drug intake'");
    const std::string knock_out = "[[perturbation]]\nkind = \"knock_out\"\ntype = \"tumor\"\nbehavior = \"drug export\"\n";
    expect_refusal(knock_out + "from_min = -6\n", "line 37: perturbation 1 (knock_out), from_min: is -6");
    expect_refusal(knock_out + "from_min = 10\nuntil_min = 5\n", "line 38: perturbation 1 (knock_out), until_min: is 5");
    expect_refusal(removal + "share = 2\n", "line 37: perturbation 1 (removal), share: is 2");
    expect_refusal("[[perturbation]]\nkind = \"removal\"\ntype = \"tumor\"\nminute = -1\n", "line 36: perturbation 1 (removal), minute: is -1");
    const std::string injection = "[[perturbation]]\nkind = \"injection\"\ntype = \"tumor\"\nminute = 1\ncenter_um = [100, 100, 100]\n";
    expect_refusal(injection + "n = 0\nradius_um = 9\n", "line 38: perturbation 1 (injection), n: is 0");
    expect_refusal(injection + "n = 3\nradius_um = -9\n", "line 39: perturbation 1 (injection), radius_um: is -9");
    expect_refusal("[[perturbation]]\nkind = \"knock_out\"\ntype = \"tumor\"\nbehavior = \"drug uptake\"\nfactor = 2\n", "makes less of a behaviour");
    expect_refusal("[[perturbation]]\nkind = \"over_expression\"\ntype = \"tumor\"\nbehavior = \"drug uptake\"\nfactor = 0.5\n", "makes more of a behaviour");
    expect_refusal("[[perturbation]]\nkind = \"removal\"\ntype = \"tumor\"\n", "minute: is missing");
    expect_refusal("[[perturbation]]\nkind = \"removing\"\n", "'removing' is not known");
    expect_refusal("[[perturbation]]\nkind = \"removal\"\ntype = \"tumour\"\nminute = 1\n", "'tumour' is not known");
    expect_refusal("[[perturbation]]\nkind = \"drug\"\nsubstance = \"drug\"\nfile = \"doses.csv\"\nminutes = [1]\nconcentrations = [1]\n", "stands beside minutes");
    expect_refusal("[[perturbation]]\nkind = \"drug\"\nsubstance = \"drug\"\nminutes = [1]\nconcentrations = [1]\nhalf_life = 3\n", "half_life: has no unit");
}

TEST_F(ScenarioPerturbationsTest, two_that_contradict_are_named_with_both_lines) {
    const std::string head = "[[perturbation]]\nkind = \"drug\"\nsubstance = \"drug\"\n";
    const std::string one = head + "minutes = [\n  1,\n  3,\n]\nconcentrations = [1, 2]\n";
    expect_refusal(one + head + "concentrations = [5]\nminutes = [3]\n", "line 45: perturbation 2 (drug), minutes: 'drug' has two doses at minute 3: 2 and 5; the other is perturbation 1 (drug), line 38.");
    expect_refusal(head + "minutes = [\n  1,\n  1,\n]\nconcentrations = [1, 2]\n", "line 38: perturbation 1 (drug), minutes: 'drug' has two doses at minute 1: 1 and 2; the other is perturbation 1 (drug), line 37.");
    expect_refusal(head + "minutes = [\n  2,\n  1,\n]\nconcentrations = [1, 2]\n", "line 38: perturbation 1 (drug), minutes: the doses of 'drug' are not in the order of time: minute 1 stands after 2");
    expect_refusal(head + "minutes = [1, 2]\nconcentrations = [\n  1,\n  -2,\n]\n", "line 39: perturbation 1 (drug), concentrations: a dose of 'drug' at minute 2 is -2");
    expect_refusal(head + "shape = \"curve\"\nroute = \"bath\"\nminutes = [1]\nconcentrations = [1]\n", "line 37: perturbation 1 (drug), route: 'drug' follows a curve in the bath");
    const auto half_life = [](const char* hours) { return fmt::format("half_life = {{ value = {}, unit = \"h\", source = \"measured\", citation = \"made up\" }}\n", hours); };
    expect_refusal(head + half_life("1") + "minutes = [1]\nconcentrations = [1]\n" + head + half_life("2") + "minutes = [2]\nconcentrations = [1]\n",
                   "line 42: perturbation 2 (drug), half_life: 'drug' has two half-lives, 60 and 120 min; the other is perturbation 1 (drug), line 36.");
    const std::string knock_out = "[[perturbation]]\nkind = \"knock_out\"\ntype = \"tumor\"\nbehavior = \"drug export\"\nuntil_min = 20\n";
    expect_refusal(knock_out + "[[perturbation]]\nkind = \"over_expression\"\nfactor = 3\ntype = \"tumor\"\nbehavior = \"drug export\"\nfrom_min = 10\n",
                   "line 42: perturbation 2 (over_expression), behavior: two act on 'drug export' of 'tumor' at one time, by the factors 0 and 3; the other is perturbation 1 (knock_out), line 36.");
    expect_refusal(knock_out + "[[perturbation]]\nkind = \"silencing\"\ntype = \"tumor\"\n", "line 39: perturbation 2 (silencing), kind: two act on 'drug export' of 'tumor' at one time, by the factors 0 and 0; the other is perturbation 1 (knock_out), line 36.");
    const std::string injection = "[[perturbation]]\nkind = \"injection\"\ntype = \"tumor\"\nn = 4\ncenter_um = [100, 100, 100]\nradius_um = 30\n";
    expect_refusal(injection + "minute = 12\n[[perturbation]]\nkind = \"removal\"\nminute = 12\ntype = \"tumor\"\n",
                   "line 42: perturbation 2 (removal), minute: 'tumor' is taken out and put in at minute 12; the other is perturbation 1 (injection), line 39.");
    expect_refusal("[[perturbation]]\nkind = \"injection\"\ntype = \"tumor\"\nn = 4\nminute = 3\ncenter_um = [10, 100, 100]\nradius_um = 30\n", "line 38: perturbation 1 (injection), center_um: cells of 'tumor' are put into a ball around (10, 100, 100) um");
}

TEST_F(ScenarioPerturbationsTest, doses_of_a_table_are_named_with_its_lines) {
    write_text_file(folder_ / "doses.csv", "minute,concentration\n0,5\n20,2.5\n20,3\n");
    const std::string text = "[[perturbation]]\nkind = \"drug\"\nsubstance = \"drug\"\nfile = \"doses.csv\"\n";
    const std::string message = test::thrown_by([&] { read(text); }).message();
    EXPECT_TRUE(test::contains(message, "doses.csv, line 4: perturbation 1 (drug), file: 'drug' has two doses at minute 20: 2.5 and 3; the other is perturbation 1 (drug), ")) << message;
    EXPECT_TRUE(test::contains(message, "doses.csv, line 3.")) << message;
    write_text_file(folder_ / "doses.csv", "minute,concentration\n0,5\n20,2.5\n");
    expect_refusal(text + "[[perturbation]]\nkind = \"drug\"\nsubstance = \"drug\"\nminutes = [20]\nconcentrations = [1]\n", "line 40: perturbation 2 (drug), minutes: 'drug' has two doses at minute 20: 2.5 and 1; the other is perturbation 1 (drug), ");
    write_text_file(folder_ / "doses.csv", "minute,concentration\n");
    expect_refusal(text, "line 36: perturbation 1 (drug), file: a drug 'drug' is never given");
    write_text_file(folder_ / "doses.csv", "minute,concentration\n0,5,\n20,2.5,\n");
    EXPECT_TRUE(test::contains(test::thrown_by([&] { read(text); }).message(), "doses.csv, line 2: the row has 3 fields"));
}

TEST_F(ScenarioPerturbationsTest, a_table_of_doses_must_hold_numbers) {
    write_text_file(folder_ / "doses.csv", "minute,concentration\n0,much\n");
    const std::string text = "[[perturbation]]\nkind = \"drug\"\nsubstance = \"drug\"\nfile = \"doses.csv\"\n";
    EXPECT_TRUE(test::contains(test::thrown_by([&] { read(text); }).message(), "doses.csv, line 2, column 'concentration': 'much' is no number"));
    write_text_file(folder_ / "doses.csv", "minute,dose\n0,1\n");
    EXPECT_EQ(test::error_code([&] { read(text); }), ErrorCode::not_found);
}

}  // namespace
}  // namespace morula::commands
