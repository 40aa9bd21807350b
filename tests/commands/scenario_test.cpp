#include "tests/commands/scenario_test.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "morula/core/hash.hpp"

namespace morula::commands {
namespace {

TEST_F(ScenarioTest, is_read_with_units_and_sources) {
    const Scenario scenario = read(kScenario);
    const simulation::Model& model = scenario.model;
    EXPECT_EQ(scenario.title, "Two kinds of cells");
    EXPECT_EQ(model.seed, 7U);
    EXPECT_EQ(model.box.n, (std::array<std::int64_t, 3>{10, 10, 10}));
    EXPECT_DOUBLE_EQ(model.substances[0].diffusion_um2_per_min, 120'000.0);
    EXPECT_DOUBLE_EQ(model.substances[0].decay_per_min, 0.1);
    EXPECT_EQ(model.fixed[0].places.size(), 1000U - 512U);
    EXPECT_DOUBLE_EQ(model.clocks.life_min, 6.0);
    ASSERT_EQ(model.types.size(), 2U);
    EXPECT_DOUBLE_EQ(model.types[0].exchange[0].uptake_per_min, 10.0);
    EXPECT_DOUBLE_EQ(model.types[0].life.phases[0].rate_per_min, 0.0432 / 60.0);
    EXPECT_DOUBLE_EQ(model.types[1].mechanics.speed_um_per_min, 1.0);
    EXPECT_DOUBLE_EQ(model.types[1].mechanics.persistence_min, 15.0);
    EXPECT_EQ(model.types[1].mechanics.chemotaxis_substance, 0);
    EXPECT_EQ(model.affinity, (std::vector<double>{1.0, 0.5, 1.0, 1.0}));
    EXPECT_EQ(model.rules.size(), 1U);
    // The ball, then the two of the file.
    const auto n = static_cast<std::size_t>(scenario.start.size());
    EXPECT_GT(n, 20U);
    EXPECT_EQ(scenario.start.type[n - 2], 1);
    EXPECT_EQ(scenario.start.x[n - 1], 40.5);
    for (std::size_t i = 0; i + 2 < n; ++i) EXPECT_LE(std::hypot(scenario.start.x[i] - 100.0, scenario.start.y[i] - 100.0, scenario.start.z[i] - 100.0), 30.0);
    const auto decay = std::find_if(scenario.rates.begin(), scenario.rates.end(), [](const ScenarioRate& rate) { return rate.name == "substance 'oxygen', decay"; });
    ASSERT_NE(decay, scenario.rates.end());
    EXPECT_EQ(decay->source, Evidence::guessed);
    EXPECT_EQ(decay->prior, (std::array<double, 2>{1.0, 20.0}));
    EXPECT_EQ(decay->unit, "1/h");
    EXPECT_EQ(decay->line, 18);
    simulation::Simulation(model, scenario.start, *test::make_context(1));
}

const std::string kTwoVessels = R"(
[[vessel]]
substance = "oxygen"
from_um = [40, 40, 0]
to_um = [40, 40, 200]
concentration = { value = 15, unit = "mmHg", source = "guessed", prior = [10, 20] }

[[vessel]]
substance = "oxygen"
from_um = [160, 160, 0]
to_um = [160, 160, 200]
concentration = { value = 85, unit = "mmHg", source = "guessed", prior = [80, 90] }
)";

TEST_F(ScenarioTest, two_vessels_of_one_substance_have_rates_of_their_own) {
    write_text_file(folder_ / "scenario.toml", kScenario + kTwoVessels);
    const auto context = test::make_context(1);
    const ScenarioSource source(folder_ / "scenario.toml");
    const auto held = [](const Scenario& scenario) {
        std::set<double> concentrations(scenario.model.fixed[0].concentrations.begin(), scenario.model.fixed[0].concentrations.end());
        concentrations.erase(38.0);  // the walls
        return std::vector<double>(concentrations.begin(), concentrations.end());
    };
    const Scenario as_it_stands = source.read({}, *context);
    std::set<std::string> names;
    for (const ScenarioRate& rate : as_it_stands.rates) EXPECT_TRUE(names.insert(rate.name).second) << rate.name;
    EXPECT_EQ(held(as_it_stands), (std::vector<double>{15.0, 85.0}));
    EXPECT_EQ(held(source.read({{"vessel of 'oxygen', concentration", 12.0}}, *context)), (std::vector<double>{12.0, 85.0}));
    EXPECT_EQ(held(source.read({{"vessel of 'oxygen' (2), concentration", 81.0}}, *context)), (std::vector<double>{15.0, 81.0}));
}

TEST_F(ScenarioTest, a_rate_that_stands_twice_is_refused) {
    refused(with("  uptake = {", "  uptake = { value = 3, unit = \"1/min\", source = \"fitted\", fitted_to = \"made up\" }\n\n  [[cell_type.exchange]]\n  substance = \"oxygen\"\n  uptake = {"), "exchange of 'oxygen'", "");
}

TEST_F(ScenarioTest, numbers_without_a_source_are_counted) {
    EXPECT_EQ(read(kScenario).unsourced.all(), 3) << "of one rule";
    EXPECT_EQ(unsourced_text(read(kScenario).unsourced), "3 numbers of rules (saturations, half-maxima, Hill powers) have no source: among the rates each is a guess without a prior, which nobody draws; [[rule_source]] gives them one.");
    EXPECT_EQ(read(with("rules = \"rules.csv\"\n", "")).unsourced.all(), 0);
    write_text_file(folder_ / "doses.csv", "minute,concentration\n10,4\n20,5\n");
    const std::string perturbed = with("type = \"tumor\"\nspheroid", "type = { tumor = 0.75, \"T cell\" = 0.25 }\nspheroid") + R"(
[[perturbation]]
kind = "knock_out"
type = "tumor"
behavior = "apoptosis"

[[perturbation]]
kind = "over_expression"
type = "T cell"
behavior = "apoptosis"
factor = 3

[[perturbation]]
kind = "removal"
type = "tumor"
share = 0.5
minute = 30

[[perturbation]]
kind = "drug"
substance = "oxygen"
file = "doses.csv"
)";
    const Scenario scenario = read(perturbed);
    EXPECT_EQ(scenario.unsourced.rules, 3);
    EXPECT_EQ(scenario.unsourced.perturbations, 4) << "a factor, a share, two doses; a knock-out says that nothing is left";
    EXPECT_EQ(scenario.unsourced.shares, 2);
    EXPECT_TRUE(test::contains(unsourced_text(scenario.unsourced), "gives them one. 6 more numbers have no source and no prior and stand in no table of rates: 4 of perturbations (factors, doses, shares, numbers of cells), 2 of shares of cell types."));
    // No output may take the place of the doses.
    const auto is_doses = [&](const ScenarioFile& file) { return file.path == folder_ / "doses.csv"; };
    EXPECT_TRUE(std::any_of(scenario.files.begin(), scenario.files.end(), is_doses));
    for (const auto& [path, hash] : scenario.files) EXPECT_EQ(hash, hash_of_file(path)) << path;
}

TEST_F(ScenarioTest, texts_and_comments_may_hold_any_letter) {
    EXPECT_EQ(read("\xEF\xBB\xBF" + kScenario).title, "Two kinds of cells");
    EXPECT_EQ(read(with("\"Two kinds of cells\"", "\"\u03b2 cells, 'so' \\\"called\\\"\"  # \u00fcber")).title, "\u03b2 cells, 'so' \"called\"");
    EXPECT_EQ(read(with("\"Two kinds of cells\"", "'\u03b2 \\ \"cells\"'")).title, "\u03b2 \\ \"cells\"");
}

TEST_F(ScenarioTest, letters_in_malformed_lines_are_refused_like_any_other) {
    const auto code = [&](const std::string& text) { return test::error_code([&] { read(text); }); };
    EXPECT_EQ(code(with("seed = 7", "seed = -\"1\u0451in\"")), ErrorCode::invalid_data) << "toml++ is undefined on this letter there";
    EXPECT_EQ(code(with("seed = 7", "seed = \u0451")), ErrorCode::invalid_data);
    EXPECT_EQ(code(with("seed = 7", "seed = \"\xC3\"")), ErrorCode::invalid_data) << "no UTF-8";
    EXPECT_EQ(code(kScenario + "title2 = \"open"), ErrorCode::invalid_data);
    EXPECT_EQ(read(with("\"Two kinds of cells\"", "\"\U0001F9EC \\u03b2\"")).title, "\U0001F9EC \u03b2");
}

TEST_F(ScenarioTest, guesses_are_replaced_by_name_and_in_their_own_unit) {
    read(kScenario);
    const auto context = test::make_context(1);
    const auto path = folder_ / "scenario.toml";
    const ScenarioSource source(path);
    const Scenario as_guessed = source.read({}, *context);
    const Scenario other = source.read({{"substance 'oxygen', decay", 12.0}}, *context);
    EXPECT_DOUBLE_EQ(as_guessed.model.substances[0].decay_per_min, 0.1);
    EXPECT_DOUBLE_EQ(other.model.substances[0].decay_per_min, 0.2);
    EXPECT_EQ(other.hash, as_guessed.hash);
    const auto refused_with = [&](const RateValues& rates, std::string_view part) {
        const Error error = test::thrown_by([&] { source.read(rates, *context); });
        EXPECT_TRUE(test::contains(error.message(), part)) << error.message();
    };
    refused_with({{"substance 'oxygen', decay", -1.0}}, "line 18: substance 'oxygen', decay, value: -1 1/h is beyond what is physical");
    refused_with({{"substance 'oxygen', diffusion", 1.0}}, "no guessed rate 'substance 'oxygen', diffusion'");
    refused(with("prior = [1, 20]", "prior = [-1, 20]"), "decay, prior: -1 1/h is beyond what is physical", "from 0 to");
}

TEST_F(ScenarioTest, files_are_read_once_for_all_values_of_its_guesses) {
    read(kScenario);
    const auto context = test::make_context(1);
    const ScenarioSource source(folder_ / "scenario.toml");
    const Scenario first = source.read({}, *context);
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) std::filesystem::remove(entry.path());
    const Scenario again = source.read({{"substance 'oxygen', decay", 12.0}}, *context);
    EXPECT_DOUBLE_EQ(again.model.substances[0].decay_per_min, 0.2);
    EXPECT_EQ(again.hash, first.hash);
    EXPECT_EQ(again.start.x, first.start.x);
    EXPECT_EQ(again.start.type, first.start.type);
    EXPECT_EQ(again.files, first.files);
    EXPECT_EQ(again.model.rules.size(), first.model.rules.size());
    EXPECT_FALSE(first.model.rules.empty());
}

TEST_F(ScenarioTest, its_hash_is_that_of_all_its_files) {
    const std::string first = read(kScenario).hash;
    EXPECT_EQ(read(kScenario).hash, first);
    EXPECT_NE(read(kScenario + "\n").hash, first);
    write_text_file(folder_ / "cells.csv", "x,y,z,type\n10,20,31,T cell\n");
    EXPECT_NE(read(kScenario).hash, first);
}

TEST_F(ScenarioTest, says_on_which_line_it_is_wrong) {
    refused(with("seed = 7", "seed = "), "scenario.toml, line 3", "TOML");
    refused(with("[domain]", "[=]"), "scenario.toml, line 6", "TOML");
    refused(with("[domain]", std::string("[\0]", 3)), "scenario.toml, line 6", "TOML");
    refused(with("seed = 7", "seed = 7 \xEF\xBB\xAF"), "line 3: a character that is no ASCII", "quotes");
    refused(with("\"Two kinds of cells\"", "\"\"\"Two kinds\nof cells\"\"\""), "line 1: a text over several lines", "one line");
    refused(with("\"Two kinds of cells\"", "\"Two kinds of cells"), "line 1: a quote is not closed", "Close");
    refused(with("seed = 7", "sead = 7"), "line 3: the scenario, sead: is not known", "Did you mean 'seed'?");
    refused(with("until_min = 60\n", ""), "until_min: is missing", "Add until_min");
    refused(with("until_min = 60", "until_min = 1e300"), "line 2: the scenario, until_min: is 1e+300 minutes, outside 1e-06 to 1e+08", "within these bounds");
    refused(with("seed = 7", "every_min = 1e-12"), "every_min: is 1e-12 minutes", "within these bounds");
    refused(with("until_min = 60", "until_min = -1"), "line 2: the scenario, until_min: must be above 0", "above 0");
    refused(with("seed = 7", "every_min = 10\nsnapshot_every_min = 25"), "line 4: the scenario, snapshot_every_min: is no whole multiple of every_min, 10", "whole multiple");
    refused(with("size_um = [200, 200, 200]", "size_um = [200, 210, 200]"), "line 7: domain, size_um: 210 is no whole multiple", "whole multiples");
    refused(with("size_um = [200, 200, 200]", "size_um = [200, 0, 200]"), "line 7: domain, size_um: 0 is no size", "above 0");
    refused(with("size_um = [200, 200, 200]", "size_um = [200, \"wide\", 200]"), "line 7", "[1.0, 2.0]");
    refused(with("\"um2/s\"", "\"furlong2/s\""), "line 17: substance 'oxygen', diffusion, unit: 'furlong2/s' is no unit of it", "um2/min, um2/s");
    refused(with("diffusion = { value = 2000, unit = \"um2/s\", source = \"measured\", citation = \"made up\" }", "diffusion = 2000"), "line 17: substance 'oxygen', diffusion: has no unit and no source", "{ value");
    refused(with("value = 2000", "value = -2000"), "beyond what is physical", "from 0 to");
    refused(with("value = 2000", "value = 2e9"), "beyond what is physical", "from 0 to");
    refused(with(", prior = [1, 20]", ""), "line 18: substance 'oxygen', decay, prior: is missing", "Add prior");
    refused(with("prior = [1, 20]", "prior = [10, 20]"), "prior: must be a lowest and a highest value around the guess", "low, high");
    refused(with(", source = \"measured\", citation = \"made up\" }\ndecay", " }\ndecay"), "source: is missing", "measured");
    refused(with("source = \"measured\"", "source = \"rumour\""), "'rumour' is not known", "measured, literature, fitted, guessed");
    refused(with(", citation = \"a paper\"", ""), "citation: is missing", "Add citation");
    refused(with("initial = { value = 38, unit = \"mmHg\"", "initial = { value = 38, unit = \"nM\""), "'nM' is no unit of it", "mmHg");
    refused(with("cycle = \"live\"", "cycle = \"life\""), "line 24: cell_type 'tumor', cycle: 'life' is not known", "ki67_basic");
    refused(with("follows = \"oxygen\"", "follows = \"lure\""), "'lure' is not known", "oxygen");
    refused(with("follows = \"oxygen\"", "follows = \"oxygen\"\nflees = \"oxygen\""), "stands beside follows", "Keep one");
    refused(with("to = \"T cell\"", "to = \"B cell\""), "'B cell' is not known", "tumor, T cell");
    refused(with("spheroid_radius_um = 30", "spheroid_radius_um = 1e9"), "too large", "smaller");
    refused(kScenario + "\n[weather]\nrain = 1\n", "weather: is not known", "");
    write_text_file(folder_ / "cells.csv", "x,y,z,type\n10,20,30,T cell\n40.5,here,30,tumor\n");
    refused(kScenario, "line 3, column 'y': 'here' is no number", "positions");
    write_text_file(folder_ / "cells.csv", "x,y,z,type\n10,20,30,Tcell\n");
    refused(kScenario, "there is no cell type 'Tcell'", "Did you mean 'T cell'?");
    write_text_file(folder_ / "cells.csv", "x,y,z,type\n");
    refused(kScenario, "cells of 'cells.csv', file: holds no cells", "with cells");
    write_text_file(folder_ / "cells.csv", "x,y,z\n10,20,30\n");
    refused(kScenario, "no column 'type'", "name a type");
    EXPECT_EQ(test::error_code([] { read_scenario("none.toml", *test::make_context(1)); }), ErrorCode::not_found);
}

TEST_F(ScenarioTest, sources_bring_a_substance_in_everywhere_or_in_a_region_and_are_guessed_apart) {
    const std::string rate = "rate = { value = 2, unit = \"mmHg/min\", source = \"guessed\", prior = [1, 4] }\n";
    const std::string everywhere = "[[source]]\nsubstance = \"oxygen\"\n" + rate, box = "[[source]]\nsubstance = \"oxygen\"\nfrom_um = [40, 40, 40]\nto_um = [80, 60, 100]\n" + rate;
    const std::string ball = "[[source]]\nsubstance = \"oxygen\"\ncenter_um = [110, 110, 110]\nradius_um = 21\n" + rate;
    write_text_file(folder_ / "scenario.toml", kScenario + everywhere + box + ball);
    const ScenarioSource source(folder_ / "scenario.toml");
    const Scenario scenario = source.read({{"source of 'oxygen' (2), rate", 3.5}}, *test::make_context(1));
    const std::vector<simulation::BulkSource>& sources = scenario.model.sources;
    ASSERT_EQ(sources.size(), 3U);
    EXPECT_TRUE(sources[0].places.empty());
    EXPECT_EQ(sources[1].places.size(), 2U * 1U * 3U);
    EXPECT_EQ(sources[1].places.front(), scenario.model.box.place(2, 2, 2));
    EXPECT_EQ(sources[2].places.size(), 7U) << "the voxel in the middle and its six neighbours";
    EXPECT_EQ(sources[0].rate_per_min, 2.0);
    EXPECT_EQ(sources[1].rate_per_min, 3.5) << "drawn by itself";
    EXPECT_EQ(std::count_if(scenario.rates.begin(), scenario.rates.end(), [](const ScenarioRate& each) { return each.name.starts_with("source of 'oxygen'") && each.source == Evidence::guessed && each.unit == "mmHg/min"; }), 3);
    const auto refuse = [&](std::string_view from, std::string_view to, std::string_view part, std::string_view next) {
        std::string text = kScenario + box;
        refused(text.replace(text.rfind(from), from.size(), to), part, next);
    };
    refuse("substance = \"oxygen\"", "substance = \"sugar\"", "line 50: source, substance: 'sugar' is not known", "oxygen");
    refuse("mmHg/min", "mmHg", "source of 'oxygen', rate, unit: 'mmHg' is no unit of it", "mmHg/min");
    refuse("value = 2, unit = \"mmHg/min\", source = \"guessed\", prior = [1, 4]", "value = -2, unit = \"mmHg/min\", source = \"guessed\", prior = [-4, 4]", "beyond what is physical", "from 0");
    refuse(", prior = [1, 4]", "", "prior: is missing", "Add prior");
    refuse("[40, 40, 40]", "[400, 400, 400]", "line 51: source of 'oxygen', from_um: holds the middle of no voxel", "everywhere");
    refuse("[40, 40, 40]", "[60, 51, 41]", "line 51: source of 'oxygen', from_um: holds the middle of no voxel", "everywhere");
    refuse("[40, 40, 40]\nto_um = [80, 60, 100]", "[0, 0, 0]\nto_um = [20, 20, 20]", "from_um: lies where walls or vessels hold the concentration", "Move the source");
    refuse("to_um = [80, 60, 100]\n", "", "to_um: is missing", "Add to_um");
    refuse("rate = ", "speed = ", "rate: is missing", "Add rate");
}

TEST_F(ScenarioTest, a_rate_that_claims_evidence_names_it) {
    const std::string measured = "source = \"measured\", citation = \"made up\"", fitted = "value = 60, unit = \"um/h\", source = \"fitted\", fitted_to = \"made up\"";
    refused(with(measured, "source = \"measured\""), "line 17: substance 'oxygen', diffusion, citation: is missing: what is measured says where", "or make it a guess");
    refused(with(measured, "source = \"measured\", citation = \" \""), "diffusion, citation: is blank", "or make the rate a guess");
    refused(with(measured, "source = \"measured\", fitted_to = \"made up\""), "citation: is missing", "citation");
    refused(with("citation = \"a paper\"", "citation = \"\\t\""), "line 28: cell_type 'tumor', exchange of 'oxygen', uptake, citation: is blank", "guess");
    refused(with(fitted, "value = 60, unit = \"um/h\", source = \"fitted\""), "line 32: cell_type 'T cell', speed, fitted_to: is missing: what is fitted says to what", "fitted_to = ");
    refused(with(fitted, "value = 60, unit = \"um/h\", source = \"fitted\", fitted_to = \"  \""), "fitted_to: is blank", "guess");
    const auto reference = [&](const std::string& text) {
        for (const ScenarioRate& rate : read(text).rates) {
            if (rate.name == "cell_type 'T cell', speed") return rate.citation;
        }
        return std::string("none");
    };
    EXPECT_EQ(reference(kScenario), "made up");
    EXPECT_EQ(reference(with(fitted, fitted + ", citation = \"a paper\"")), "made up; a paper");
    EXPECT_EQ(reference(with(fitted, "value = 60, unit = \"um/h\", source = \"fitted\", citation = \"a paper\"")), "a paper");
}

TEST_F(ScenarioTest, what_the_engine_would_refuse_is_refused_with_file_and_line) {
    refused(with("mechanics_min = 0.05", "mechanics_min = 0.07"), "line 12: clocks, field_min: The clocks of fields (line 12) and mechanics (line 11) are 0.05 and 0.07 min", "whole multiple");
    refused(with("mechanics_min = 0.05", "mechanics_min = 0.05\nlife_min = 0.12"), "line 12: clocks, life_min: The clocks of mechanics (line 11) and life (line 12) are 0.05 and 0.12 min", "whole multiple");
    refused(with("mechanics_min = 0.05", "mechanics_min = 0.5\nlife_min = 1"), "line 11: clocks, mechanics_min: is 0.5 min, too long: cells of 'tumor' would overshoot above 0.421 min", "at most 0.421");
    refused(with("name = \"T cell\"", "name = \"tumor\""), "line 31: cell_type 'tumor', name: there is another cell_type of this name, on line 23.", "its own name");
    refused(kScenario + "[[substance]]\nname = \"oxygen\"\n", "line 50: substance 'oxygen', name: there is another substance of this name, on line 15.", "its own name");
    refused(with("cycle = \"live\"", "nucleus = { value = 3000, unit = \"um3\", source = \"measured\", citation = \"made up\" }"), "line 24: cell_type 'tumor', nucleus", "smaller than the cell");
    refused(with("cycle = \"live\"", "adhesion_reach = { value = 0.5, unit = \"1\", source = \"measured\", citation = \"made up\" }"), "line 24: cell_type 'tumor', adhesion_reach: is 0.5 radii", "at least 1");
    refused(with("value = 0.5, unit = \"1\", source = \"fitted\"", "value = 1.5, unit = \"1\", source = \"fitted\""), "bias: is 1.5", "from 0");
    refused(kScenario.substr(0, kScenario.find("[[cell_type]]")), "cell_type: is missing", "[[cell_type]]");
    write_text_file(folder_ / "cells.csv", "x,y,z,type\n10,20,30,T cell\n40.5,20,300,tumor\n");
    refused(kScenario, "cells.csv, line 3: the cell at (40.5, 20, 300) um is outside of the domain, (0, 0, 0) to (200, 200, 200) um", "larger domain");
    write_text_file(folder_ / "cells.csv", "x,y,z,type\n10,20,30,T cell\n\n10,20,30,tumor\n");
    refused(kScenario, "cells.csv, line 4: the cell at (10, 20, 30) um stands where another does, that of ", "move one of them");
    write_text_file(folder_ / "cells.csv", "x,y,z,type\n100,100,100,T cell\n");
    refused(kScenario, "stands where another does, that of " + (folder_ / "scenario.toml").string() + ", line ", "move one of them");
    write_text_file(folder_ / "cells.csv", "x,y,z,type\n10,20,30,T cell\n");
    refused(with("spheroid_radius_um = 30", "spheroid_radius_um = 130"), ": cells of template 'spheroid': the cell at", "larger domain");
}

TEST_F(ScenarioTest, cells_that_mechanics_could_not_tell_apart_are_refused_with_their_number) {
    // 47,413 of them in a ball of 2 um.
    const Error crowd = test::thrown_by([&] { read(with("spheroid_radius_um = 30", "spheroid_radius_um = 2\nspacing_um = 0.1")); });
    EXPECT_EQ(crowd.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(test::contains(crowd.message(), "scenario.toml, line ")) << crowd.message();
    EXPECT_TRUE(test::contains(crowd.message(), "cells of template 'spheroid': the cell at (")) << crowd.message();
    EXPECT_TRUE(test::contains(crowd.message(), "um overlaps 47")) << crowd.message();
    EXPECT_TRUE(test::contains(crowd.message(), "um in the first mechanics step (its radius is 8.41 um); cells fill the room around it 1.7")) << crowd.message();
    EXPECT_TRUE(test::contains(crowd.next(), "spacing_um")) << crowd.next();
    std::string close = "x,y,z,type\n";
    for (int k = 0; k < 60; ++k) close += std::to_string(10.0 + 0.01 * k) + ",20,30,tumor\n";
    write_text_file(folder_ / "cells.csv", close);
    refused(kScenario, "cells.csv, line 2: the cell at (10, 20, 30) um overlaps 59 others, which would push it 2", "further apart");
    write_text_file(folder_ / "cells.csv", "x,y,z,type\n10,20,30,T cell\n");
    const std::string injection = "[[perturbation]]\nkind = \"injection\"\ntype = \"tumor\"\nminute = 6\ncenter_um = [50, 50, 50]\nradius_um = ";
    refused(kScenario + injection + "2\nn = 47000\n", "radius_um: puts 47000 cells so close that one of them overlaps 46999 others", "a larger radius");
    read(kScenario + injection + "40\nn = 60\n");
}

TEST_F(ScenarioTest, a_scenario_in_which_nobody_ever_is_is_refused) {
    std::string text = kScenario.substr(0, kScenario.find("[[cells]]"));
    refused(text, "the scenario, cells: is missing: there are no cells, and nobody puts any in", "Add [[cells]]");
    read(text + "[[perturbation]]\nkind = \"injection\"\ntype = \"tumor\"\nminute = 6\nn = 1\ncenter_um = [50, 50, 50]\nradius_um = 9\n");
}

TEST_F(ScenarioTest, what_stands_twice_is_refused) {
    const std::string exchange = "  [[cell_type.exchange]]\n  substance = \"oxygen\"\n  uptake = { value = 3, unit = \"1/min\", source = \"fitted\", fitted_to = \"made up\" }\n";
    refused(with("[[cell_type]]\nname = \"T cell\"", exchange + "\n[[cell_type]]\nname = \"T cell\""), "line 31: cell_type 'tumor', exchange of 'oxygen', substance: stands in an exchange before this one, on line 27.", "one exchange");
    refused(kScenario + "[[affinity]]\nfrom = \"tumor\"\nto = \"T cell\"\nvalue = { value = 0, unit = \"1\", source = \"fitted\", fitted_to = \"made up\" }\n", "line 51: affinity of 'tumor' for 'T cell', to: stands in an affinity of the same type before this one, on line 39.", "Keep one");
    EXPECT_EQ(read(kScenario + "[[affinity]]\nfrom = \"T cell\"\nto = \"tumor\"\nvalue = { value = 0, unit = \"1\", source = \"fitted\", fitted_to = \"made up\" }\n").model.affinity, (std::vector<double>{1.0, 0.5, 0.0, 1.0}));
    const std::string met = "  [[cell_type.encounter]]\n  with = \"tumor\"\n  attack = { value = 1, unit = \"1/h\", source = \"fitted\", fitted_to = \"made up\" }\n", turned = "  [[cell_type.transition]]\n  to = \"T cell\"\n  rate = { value = 1, unit = \"1/h\", source = \"fitted\", fitted_to = \"made up\" }\n";
    refused(with("[[cell_type]]\nname = \"T cell\"", met + met + "[[cell_type]]\nname = \"T cell\""), "encounter with 'tumor', with: stands in an encounter before this one", "one encounter");
    refused(with("[[cell_type]]\nname = \"T cell\"", turned + turned + "[[cell_type]]\nname = \"T cell\""), "transition to 'T cell', to: stands in a transition before this one", "Keep one");
}

TEST_F(ScenarioTest, sections_of_which_there_is_one_stand_once) {
    refused(with("[domain]\nsize_um = [200, 200, 200]\nvoxel_um = 20", "[[domain]]\nsize_um = [200, 200, 200]\nvoxel_um = 20\n[[domain]]\nsize_um = [400, 400, 400]"), "line 9: a second [domain]; the first stands on line 6.", "Keep one");
    refused(with("[clocks]\nmechanics_min = 0.05", "[[clocks]]\nmechanics_min = 0.05\n[[clocks]]"), "line 12: a second [clocks]; the first stands on line 10.", "Keep one");
}

TEST_F(ScenarioTest, names_that_mean_two_things_in_rules_are_refused_where_they_stand) {
    refused(kScenario + "[[cell_type]]\nname = \"dead cell\"\n", "line 50: cell_type 'dead cell', name: 'contact with dead cell' would mean two things in rules", "another name");
    refused(kScenario + "[[substance]]\nname = \"pressure\"\ndecay = { value = 6, unit = \"1/h\", source = \"measured\", citation = \"made up\" }\ninitial = { value = 0, unit = \"nM\", source = \"measured\", citation = \"made up\" }\n",
            "line 50: substance 'pressure', name: 'pressure' would mean two things in rules", "another name");
}

TEST_F(ScenarioTest, names_can_be_seen) {
    for (const char* name : {"name = \"oxygen\"", "name = \"tumor\""}) {
        refused(with(name, "name = \"  \""), "name: is blank", "a name");
        refused(with(name, "name = \"a\\u0000b\""), "name: holds a control character", "seen");
    }
}

TEST_F(ScenarioTest, a_death_that_is_not_named_is_no_rate) {
    const auto n_deaths = [](const Scenario& scenario) { return std::count_if(scenario.rates.begin(), scenario.rates.end(), [](const ScenarioRate& rate) { return rate.name.ends_with("apoptosis") || rate.name.ends_with("necrosis"); }); };
    EXPECT_EQ(n_deaths(read(kScenario)), 0);
    const Scenario named = read(with("cycle = \"live\"", "cycle = \"live\"\napoptosis = { value = 1, unit = \"1/h\", source = \"fitted\", fitted_to = \"made up\" }"));
    EXPECT_EQ(n_deaths(named), 1);
    EXPECT_NEAR(named.model.types[0].life.apoptosis_per_min, 1.0 / 60.0, 1e-15);
}

TEST_F(ScenarioTest, a_step_too_long_for_what_rules_make_of_repulsion_is_refused_with_their_line) {
    write_text_file(folder_ / "rules.csv", "tumor,oxygen,increases,cycle entry,0.01,20,4,0\ntumor,oxygen,increases,cell-cell repulsion,1000,20,4,0\n");
    refused(kScenario, "rules.csv, line 2: the rule lets the cell-cell repulsion of 'tumor' rise to 1000 um/min, and with that cells would overshoot in mechanics steps of more than 0.00421 min", "a smaller saturation");
    write_text_file(folder_ / "rules.csv", "tumor,oxygen,increases,cell-cell repulsion,40,20,4,0\n");
    read(kScenario);
    const std::string strong = "[[perturbation]]\nkind = \"over_expression\"\ntype = \"tumor\"\nbehavior = \"cell-cell repulsion\"\nfrom_min = 1000\nfactor = 1000\n";
    const auto line = std::count(kScenario.begin(), kScenario.end(), '\n') + 6;
    refused(kScenario + strong, "scenario.toml, line " + std::to_string(line) + ": perturbation, factor: lets the cell-cell repulsion of 'tumor' rise to 40000 um/min", "a smaller factor");
}

TEST_F(ScenarioTest, a_steady_substance_that_nothing_takes_away_is_refused) {
    const auto steady = [](const std::string& decay, const std::string& rest, const std::string& uptake) {
        std::string text = with("name = \"oxygen\"", "name = \"oxygen\"\npace = \"steady\"");
        const auto put = [&](std::string_view from, const std::string& to) { text.replace(text.find(from), from.size(), to); };
        put("decay = { value = 6, unit = \"1/h\", source = \"guessed\", prior = [1, 20] }", "decay = { value = " + decay + ", unit = \"1/h\", source = \"measured\", citation = \"made up\" }");
        put("walls = { value = 38, unit = \"mmHg\", source = \"measured\", citation = \"made up\" }\n", rest);
        put("uptake = { value = 10,", "uptake = { value = " + uptake + ",");
        return text;
    };
    refused(steady("0", "", "0"), "line 16: substance 'oxygen', pace: has no steady field: nothing takes it away", "uptake by cells");
    read(steady("0", "", "10"));
    read(steady("1", "", "0"));
    read(steady("0", "medium = { value = 38, unit = \"mmHg\", source = \"measured\", citation = \"made up\" }\n", "0"));
    std::string still = steady("1", "", "10");
    still.replace(still.find("value = 2000"), 12, "value = 0");
    refused(still, "line 18: substance 'oxygen', diffusion: is 0, and a steady substance must spread", "pace = \"stepped\"");
}

TEST_F(ScenarioTest, a_substance_without_a_diffusion_constant_gets_a_guess_with_a_wide_prior) {
    const std::string text = with("diffusion = { value = 2000, unit = \"um2/s\", source = \"measured\", citation = \"made up\" }\n", "");
    const Scenario scenario = read(text);
    EXPECT_EQ(scenario.model.substances[0].diffusion_um2_per_min, 3'000.0);
    const auto rate = std::find_if(scenario.rates.begin(), scenario.rates.end(), [](const ScenarioRate& one) { return one.name == "substance 'oxygen', diffusion"; });
    ASSERT_NE(rate, scenario.rates.end());
    EXPECT_EQ(rate->source, Evidence::guessed);
    EXPECT_EQ(rate->line, 0);
    EXPECT_EQ(rate->prior, (std::array<double, 2>{60.0, 60'000.0}));
    write_text_file(folder_ / "scenario.toml", text);
    EXPECT_EQ(ScenarioSource(folder_ / "scenario.toml").read({{"substance 'oxygen', diffusion", 70.0}}, *test::make_context(1)).model.substances[0].diffusion_um2_per_min, 70.0);
}

TEST_F(ScenarioTest, memory_is_named_in_bytes_before_it_is_taken) {
    write_text_file(folder_ / "scenario.toml", with("size_um = [200, 200, 200]", "size_um = [20000, 20000, 20000]"));
    Context context({.threads = 1, .memory_bytes = 10'000'000'000, .events = nullptr, .cancel = nullptr});
    const Error error = test::thrown_by([&] { read_scenario(folder_ / "scenario.toml", context); });
    EXPECT_EQ(error.code(), ErrorCode::resource_limit);
    EXPECT_TRUE(test::contains(error.message(), "scenario.toml, line 7: a domain of 1000 x 1000 x 1000 voxels with 1 substance needs about 48 GB of memory (48000000000 bytes), the limit is 10 GB")) << error.message();
}

// One rule for all sizes: a stepped substance with walls takes 48 bytes a voxel.
TEST_F(ScenarioTest, a_domain_that_is_too_large_says_the_same_bytes_a_voxel_whatever_its_size) {
    const auto refusal = [&](const std::string& size) { return test::thrown_by([&] { read(with("size_um = [200, 200, 200]", "size_um = [" + size + ", " + size + ", " + size + "]")); }); };
    for (const auto& [size, says] : {std::pair<std::string, std::string>{"200000", "a domain of 10000 x 10000 x 10000 voxels with 1 substance needs about 48 TB of memory"},
                                     {"2000000", "line 7: domain, size_um: a domain of 100000 x 100000 x 100000 voxels with 1 substance needs about 48 PB of memory, and has more than 2^40 voxels"},
                                     {"1e10", "needs about 6.0e+27 bytes of memory, and has more than 2^40 voxels"}}) {
        const Error error = refusal(size);
        EXPECT_TRUE(test::contains(error.message(), says)) << error.message();
        EXPECT_FALSE(test::contains(error.message(), "0 cells")) << error.message();
    }
    // Where all is read, cells and types are said too.
    write_text_file(folder_ / "scenario.toml", kScenario);
    const Scenario scenario = read(kScenario);
    Context context({.threads = 1, .memory_bytes = simulation::expected_bytes(simulation::checked(scenario.model), scenario.start.size()) - 1, .events = nullptr, .cancel = nullptr});
    const Error error = test::thrown_by([&] { read_scenario(folder_ / "scenario.toml", context); });
    EXPECT_EQ(error.code(), ErrorCode::resource_limit) << error.message();
    EXPECT_TRUE(test::contains(error.message(), fmt::format("a domain of 10 x 10 x 10 voxels with 1 substance, 2 cell types and {} cells needs", scenario.start.size()))) << error.message();
}

TEST_F(ScenarioTest, cell_types_have_a_limit_and_count_as_memory) {
    const auto with_types = [&](int n) {
        std::string text = kScenario;
        for (int k = 0; k < n; ++k) text += "\n[[cell_type]]\nname = \"t" + std::to_string(k) + "\"\n";
        return text;
    };
    const Error error = test::thrown_by([&] { read(with_types(999)); });
    EXPECT_EQ(error.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(test::contains(error.message(), ": cell_type, name: there are 1001 cell types, and at most 1000 can be simulated")) << error.message();
    const auto first_line = std::count(kScenario.begin(), kScenario.end(), '\n') + 1;
    EXPECT_TRUE(test::contains(error.message(), fmt::format("line {}: ", first_line + 3 * 998 + 2))) << error.message() << ": that of the 1001st name";
    write_text_file(folder_ / "scenario.toml", with_types(900));
    Context context({.threads = 1, .memory_bytes = 200'000'000, .events = nullptr, .cancel = nullptr});
    const Error memory = test::thrown_by([&] { read_scenario(folder_ / "scenario.toml", context); });
    EXPECT_EQ(memory.code(), ErrorCode::resource_limit);
    EXPECT_TRUE(test::contains(memory.message(), "a scenario of 902 cell types needs about 610 MB of memory")) << memory.message();
    simulation::Model model = simulation::checked(read(kScenario).model);
    const std::int64_t of_two = simulation::expected_bytes(model, 0);
    model.types.resize(1'000);
    EXPECT_GT(simulation::expected_bytes(model, 0) - of_two, 700'000'000);
}

TEST_F(ScenarioTest, units_of_substances_are_known_ones) {
    const auto in = [&](const std::string& unit) {
        std::string text = kScenario;
        for (std::size_t at = text.find("\"mmHg\""); at != std::string::npos; at = text.find("\"mmHg\"")) text.replace(at, 6, "\"" + unit + "\"");
        return text;
    };
    for (const char* unit : {"nM", "ng/ml", "U/ml", "%", "1"}) EXPECT_EQ(read(in(unit)).model.substances[0].unit, unit);
    refused(in("bogus"), "scenario.toml, line 16: substance 'oxygen', unit: 'bogus' is no unit of a concentration", "nM, ");
}

TEST_F(ScenarioTest, what_is_empty_or_no_finite_number_is_called_so) {
    refused(with("name = \"tumor\"\ncycle", "name = \"\"\ncycle"), "line 23: cell_type, name: is empty", "between the quotes");
    refused(with("source = \"fitted\", fitted_to = \"made up\" }\npersistence", "source = \"fitted\", fitted_to = \"\" }\npersistence"), "fitted_to: is empty", "between the quotes");
    refused(with("until_min = 60", "until_min = nan"), "line 2: the scenario, until_min: is nan, which is no finite number", "finite number");
    refused(with("{ value = 6, unit = \"1/h\"", "{ value = inf, unit = \"1/h\""), "value: is inf, which is no finite number", "finite number");
    refused(with("prior = [1, 20]", "prior = []"), "prior: is an empty list", "[1.0, 2.0]");
}

}  // namespace
}  // namespace morula::commands
