#include "tests/commands/scenario_test.hpp"

#include <algorithm>
#include <array>

#include "tests/support/listener.hpp"

namespace morula::commands {
namespace {

const std::string kRuleSource = R"(
[[rule_source]]
cell_type = "tumor"
signal = "oxygen"
behavior = "cycle entry"
saturation = { source = "fitted", citation = "diameters of a spheroid" }
half_max = { source = "guessed", prior = [10, 40] }
)";

const ScenarioRate& rate_called(const Scenario& scenario, std::string_view name) {
    const auto found = std::find_if(scenario.rates.begin(), scenario.rates.end(), [&](const ScenarioRate& rate) { return rate.name == name; });
    EXPECT_NE(found, scenario.rates.end()) << name;
    return *found;
}

TEST_F(ScenarioTest, numbers_of_rules_stand_among_the_rates) {
    const Scenario plain = read(kScenario), told = read(kScenario + kRuleSource);
    EXPECT_EQ(plain.rates.size(), read(with("rules = \"rules.csv\"\n", "")).rates.size() + 3);
    const std::string rule = "rule of 'tumor': oxygen increases cycle entry, ";
    for (const char* number : {"saturation", "half_max", "hill_power"}) {
        const ScenarioRate& rate = rate_called(plain, rule + number);
        EXPECT_EQ(rate.source, Evidence::guessed);
        EXPECT_FALSE(rate.prior.has_value()) << "nobody has said within what";
        EXPECT_EQ(line_text(rate), "rules.csv, 1");
    }
    const ScenarioRate &saturation = rate_called(told, rule + "saturation"), &half_max = rate_called(told, rule + "half_max");
    EXPECT_EQ(saturation.source, Evidence::fitted);
    EXPECT_EQ(saturation.citation, "diameters of a spheroid");
    EXPECT_EQ(saturation.value, 0.01);
    EXPECT_EQ(saturation.unit, "1/min");
    EXPECT_EQ(half_max.prior, (std::array<double, 2>{10.0, 40.0}));
    EXPECT_EQ(half_max.unit, "mmHg");
    EXPECT_EQ(rate_called(told, rule + "hill_power").unit, "1");
    EXPECT_EQ(told.unsourced.rules, 1);
    EXPECT_EQ(count_sources(told)[2], count_sources(plain)[2] + 1);
    EXPECT_EQ(told.model.rules[0].half_max, plain.model.rules[0].half_max) << "sources change no number";
}

TEST_F(ScenarioTest, guesses_of_rules_are_drawn_where_they_have_a_prior) {
    write_text_file(folder_ / "scenario.toml", kScenario + kRuleSource);
    const auto context = test::make_context(1);
    const ScenarioSource source(folder_ / "scenario.toml");
    const std::string rule = "rule of 'tumor': oxygen increases cycle entry, ";
    EXPECT_EQ(source.read({{rule + "half_max", 31.0}}, *context).model.rules[0].half_max, 31.0);
    EXPECT_EQ(source.read({}, *context).model.rules[0].half_max, 20.0);
    EXPECT_EQ(test::error_code([&] { source.read({{rule + "saturation", 0.02}}, *context); }), ErrorCode::not_found) << "fitted";
    EXPECT_EQ(test::error_code([&] { source.read({{rule + "hill_power", 2.0}}, *context); }), ErrorCode::not_found) << "without a prior";
}

TEST_F(ScenarioTest, sources_of_rules_that_cannot_be_are_refused_with_their_line) {
    const auto changed = [](std::string_view from, std::string_view to) {
        std::string text = kRuleSource;
        const std::size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return kScenario + text.replace(at, from.size(), to);
    };
    refused(changed("\"oxygen\"", "\"oxigen\""), "line 52: rule_source of 'tumor': oxigen, cycle entry, signal: no rule has 'oxigen' here", "Did you mean 'oxygen'?");
    refused(changed("\"cycle entry\"", "\"apoptosis\""), "line 53: rule_source of 'tumor': oxygen, apoptosis, behavior: no rule has 'apoptosis' here", "as the file of rules does");
    refused(kScenario + kRuleSource + kRuleSource, "line 58: rule_source of 'tumor': oxygen increases cycle entry, cell_type: has a rule_source before this one, on line 51.", "Keep one");
    refused(changed("half_max =", "half_maximum ="), "half_maximum: is not known", "Did you mean 'half_max'?");
    refused(changed("\"fitted\", citation = \"diameters of a spheroid\"", "\"literature\""), "line 54: rule_source of 'tumor': oxygen increases cycle entry, saturation, citation: is missing", "Add citation");
    refused(changed("[10, 40]", "[30, 40]"), "line 55: rule_source of 'tumor': oxygen increases cycle entry, half_max, prior: must be a lowest and a highest value around the guess", "prior = [low, high]");
    refused(changed("source = \"fitted\", citation = \"diameters of a spheroid\"", "source = \"guessed\", prior = [0, 2e6]"), "saturation: has a prior beyond what is physical", "from 0 to 1e+06");
    refused(changed("[10, 40]", "[0, 40]"), "line 55: rule_source of 'tumor': oxygen increases cycle entry, half_max: has a prior that reaches 0", "above 0");
    refused(changed(", prior = [10, 40]", ""), "prior: is missing", "Add prior");
    refused(changed("{ source = \"guessed\", prior = [10, 40] }", "\"guessed\""), "half_max: must be a table", "Write { source");
    std::string without_rules = kScenario + kRuleSource;
    without_rules.replace(without_rules.find("rules = \"rules.csv\"\n"), 20, "");
    refused(without_rules, "cell_type: speaks of a rule, and the scenario names no rules", "Add rules");
}

TEST_F(ScenarioTest, sources_tell_apart_two_rules_of_one_signal) {
    write_text_file(folder_ / "rules.csv", "tumor,oxygen,increases,cycle entry,0.01,20,4,0\ntumor,oxygen,decreases,cycle entry,0,90,4,0\n");
    refused(kScenario + kRuleSource, "line 53: rule_source of 'tumor': oxygen, cycle entry, behavior: is both raised and lowered by this signal", "Add response");
    const std::string up = kRuleSource + "response = \"increases\"\n", down = "[[rule_source]]\ncell_type = \"tumor\"\nsignal = \"oxygen\"\nbehavior = \"cycle entry\"\nresponse = \"decreases\"\nhalf_max = { source = \"measured\", citation = \"made up\" }\n";
    const Scenario scenario = read(kScenario + up + down);
    EXPECT_EQ(rate_called(scenario, "rule of 'tumor': oxygen increases cycle entry, half_max").source, Evidence::guessed);
    EXPECT_EQ(rate_called(scenario, "rule of 'tumor': oxygen decreases cycle entry, half_max").source, Evidence::measured);
    EXPECT_EQ(rate_called(scenario, "rule of 'tumor': oxygen decreases cycle entry, half_max").value, 90.0);
    for (const std::string& twice : {up + up, up + down + kRuleSource + "response = \"increases\"\n"}) refused(kScenario + twice, "oxygen increases cycle entry, cell_type: has a rule_source before this one", "Keep one");
    refused(kScenario + kRuleSource + "response = \"rises\"\n", "response: 'rises' is not known", "increases");
    write_text_file(folder_ / "rules.csv", "tumor,oxygen,increases,cycle entry,0.01,20,4,0\n");
    refused(kScenario + down, "response: no rule says that 'oxygen' decreases 'cycle entry'", "other direction");
    for (const std::string& twice : {up + kRuleSource, kRuleSource + up}) refused(kScenario + twice, "oxygen increases cycle entry, cell_type: has a rule_source before this one", "Keep one");
    write_text_file(folder_ / "rules.csv", "tumor,time,increases,cycle entry,0.01,20,4,0\ntumor,current time,decreases,cycle entry,0,90,4,0\n");
    test::Listener said;
    Context context({.threads = 1, .memory_bytes = test::kTestMemory, .events = &said, .cancel = nullptr});
    write_text_file(folder_ / "scenario.toml", kScenario);
    read_scenario(folder_ / "scenario.toml", context);
    EXPECT_TRUE(test::contains(said.all_warnings(), "rules.csv: 1 behaviour is both raised and lowered by one signal")) << said.all_warnings();
}

TEST_F(ScenarioTest, rules_that_cannot_be_are_refused_with_their_line) {
    const auto wrong = [&](const std::string& rules, std::string_view part) {
        write_text_file(folder_ / "rules.csv", rules);
        refused(kScenario, part, "");
    };
    wrong("tumor,oxygen,increases,cycle entry\n", "rules.csv, line 1: it has 4 fields and a rule has 8");
    wrong("// a remark\n\ntumor,oxygen,increases\n", "rules.csv, line 3: it has 3 fields and a rule has 8");
    wrong("tumor,oxygen,increases,cycle entry,0.01,20,4,0\ntumor,oxygen,increases,apoptosis\n", "rules.csv, line 2: the row has 4 fields");
    wrong("tumor,oxygen,increases,cycle entry,0.01,20,4000,0\n", "line 1, field 7: the Hill power is 4000 and can be 100 at most");
    wrong("tumor,oxygen,increases,cycle entry,0.01,0,4,0\n", "line 1, field 6: the half-max is 0 and must be above 0");
    wrong("tumor,oxygen,increases,cycle entry,nan,20,4,0\n", "line 1, field 5: 'nan' is no number");
    wrong("tumor,oxygen,decreases,cycle entry,-0.01,20,4,0\n", "rules.csv, line 1: the saturation of 'cycle entry' is -0.01, beyond what is physical");
    wrong("tumor,oxygen,increases,cycle entry,1e30,20,4,0\n", "rules.csv, line 1: the saturation of 'cycle entry' is 1e+30, beyond what is physical");
}

}  // namespace
}  // namespace morula::commands
