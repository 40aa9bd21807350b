// `morula contribute` as a user meets it: a small niche, the same tables with any number of threads, going on after a stop, and what is refused.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <tuple>

#include "morula/core/hash.hpp"
#include "tests/cli/program_test.hpp"
#include "tests/support/scenario_text.hpp"

namespace morula {
namespace {

using Json = nlohmann::json;

class ContributeCliTest : public test::ProgramTest {
protected:
    /// The example with the cells of its middle and an hour of time.
    void write_scenario() const {
        const std::filesystem::path examples = std::filesystem::path(MORULA_SOURCE_DIR) / "examples" / "tissue";
        std::string text = read_text_file(examples / "niche.toml", 1 << 20);
        const auto put = [&](const std::string& from, const std::string& to) {
            const std::size_t at = text.find(from);
            ASSERT_NE(at, std::string::npos) << from;
            text.replace(at, from.size(), to);
        };
        put("until_min = 720", "until_min = 30");
        put("every_min = 120", "every_min = 30");
        put("size_um = [240, 240, 240]", "size_um = [120, 120, 120]");
        put("origin_um = [-120, -120, -120]", "origin_um = [-60, -60, -60]");
        put("life_min = 6", "life_min = 2");
        write_text_file(folder_ / "niche.toml", text);
        write_text_file(folder_ / "niche_rules.csv", read_text_file(examples / "niche_rules.csv", 1 << 20) + "tumor,pressure,increases,apoptosis,0.002,1,4,0\n");
        std::istringstream cells(read_text_file(examples / "niche_cells.csv", 1 << 20));
        std::string line, kept;
        while (std::getline(cells, line)) {
            double x = 0.0, y = 0.0, z = 0.0;
            const bool is_cell = std::sscanf(line.c_str(), "%lf,%lf,%lf", &x, &y, &z) == 3;
            if (!is_cell || x * x + y * y + z * z < 30.0 * 30.0) kept += line + "\n";
        }
        write_text_file(folder_ / "niche_cells.csv", kept);
    }
    std::vector<std::string> arguments(const std::string& out, const std::string& threads) const {
        return {"contribute", "niche.toml", "--seeds", "2", "--draws", "20", "--readouts", "oxygen.p50,factor", "--interventions", "inert,remove", "--out", out, "--threads", threads, "--json"};
    }
    std::string file(const std::string& name) const { return read_text_file(folder_ / name, 1 << 26); }
    /// Rows of a table as column -> text.
    std::vector<std::map<std::string, std::string>> rows(const std::string& name) const {
        std::istringstream text(file(name));
        std::string line;
        std::vector<std::string> names;
        std::vector<std::map<std::string, std::string>> all;
        while (std::getline(text, line)) {
            std::vector<std::string> fields(1);
            bool is_quoted = false;
            for (const char c : line) {
                if (c == '"') is_quoted = !is_quoted;
                else if (c == ',' && !is_quoted) fields.emplace_back();
                else fields.back() += c;
            }
            if (names.empty()) {
                names = fields;
                continue;
            }
            std::map<std::string, std::string>& row = all.emplace_back();
            for (std::size_t k = 0; k < names.size(); ++k) row[names[k]] = fields.at(k);
        }
        return all;
    }
};

TEST_F(ContributeCliTest, the_table_has_a_row_for_each_type_readout_and_intervention_with_any_number_of_threads) {
    write_scenario();
    std::set<std::string> tables;
    for (const char* threads : {"1", "2", "4"}) {
        const std::string out = std::string("out-") + threads;
        const test::Outcome outcome = morula(arguments(out, threads));
        ASSERT_EQ(outcome.status, 0) << outcome.err;
        EXPECT_NE(outcome.err.find("are too few for the headline interval"), std::string::npos) << outcome.err;
        tables.insert(file(out + "/contribution.csv") + file(out + "/drivers.csv") + file(out + "/runs.csv") + file(out + "/draws.csv"));
        const Json json = Json::parse(outcome.out);
        EXPECT_EQ(json["heading"], "What this scenario implies");
        EXPECT_EQ(json["contributions"].size(), 24U);
        // Each intervention: 8 coalitions at 2 seeds, 4 at 20 draws; what is intact is shared.
        EXPECT_EQ(json["n_runs"], 2 * (2 * 8 + 20 * 4) - 2 - 20);
        EXPECT_GT(json["agent_steps_per_second"].get<double>(), 0.0);
        const Json record = Json::parse(file(out + "/run.json"));
        EXPECT_EQ(record["results"]["n_draws"], 20);
        std::set<std::string> inputs;
        for (const Json& input : record["inputs"]) {
            inputs.insert(input["path"].get<std::string>());
            EXPECT_EQ(input["hash"], hash_of_file(folder_ / input["path"].get<std::string>()));
        }
        EXPECT_EQ(inputs, (std::set<std::string>{"niche.toml", "niche_cells.csv", "niche_rules.csv"}));
    }
    EXPECT_EQ(tables.size(), 1U);
    EXPECT_TRUE(file("out-1/contribution.csv").starts_with("cell_type,readout,intervention,effect,low,high,seed_low,seed_high,shapley,shapley_se,written_in,n_seeds,n_draws\n"));
    EXPECT_NE(file("out-1/report.html").find("What this scenario implies"), std::string::npos);
    EXPECT_EQ(file("out-1/draws.csv").find("initial"), std::string::npos) << "a prior without width";
    EXPECT_NE(file("out-1/draws.csv").find("\n20,"), std::string::npos);
    std::map<std::string, double> effect;
    std::map<std::string, std::string> written_in;
    for (const auto& row : rows("out-1/contribution.csv")) {
        const std::string key = row.at("cell_type") + ", " + row.at("readout") + ", " + row.at("intervention");
        effect[key] = row.at("effect").empty() ? 0.0 : std::stod(row.at("effect"));
        written_in[key] = row.at("written_in");
        EXPECT_EQ(row.at("n_seeds"), row.at("readout") == "factor.half_radius" ? row.at("n_seeds") : "2") << key;
    }
    // Fibroblasts bring the factor, macrophages take it away, tumour cells use oxygen; fibroblasts touch oxygen only through what others do.
    EXPECT_GT(effect.at("fibroblast, factor.total, inert"), 0.0);
    EXPECT_LT(effect.at("macrophage, factor.total, inert"), 0.0);
    EXPECT_LT(effect.at("tumor, oxygen.p50, inert"), 0.0);
    EXPECT_EQ(written_in.at("fibroblast, factor.total, inert"), "true");
    EXPECT_EQ(written_in.at("fibroblast, oxygen.p50, inert"), "false");
    EXPECT_EQ(written_in.at("tumor, oxygen.p50, inert"), "true");
}

// The differences in contribution.csv must be those of the runs that stand beside it.
TEST_F(ContributeCliTest, effects_are_those_of_the_runs_that_are_written) {
    write_scenario();
    const test::Outcome outcome = morula(arguments("out", "2"));
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    std::map<std::string, double> sum;
    for (const auto& row : rows("out/runs.csv")) {
        if (row.at("draw").empty() && row.at("readout") == "factor.total") sum[row.at("intervention") + " " + row.at("on")] += std::stod(row.at("value")) / 2.0;
    }
    for (const auto& row : rows("out/contribution.csv")) {
        if (row.at("readout") != "factor.total") continue;
        const double expected = sum.at("none ") - sum.at(row.at("intervention") + " " + row.at("cell_type"));
        EXPECT_NEAR(std::stod(row.at("effect")), expected, 1e-9 * std::abs(sum.at("none "))) << row.at("cell_type");
    }
    // 16 guessed rates, six of them numbers of rules, each within its prior in every draw.
    EXPECT_EQ(rows("out/draws.csv").size(), 20U * 16U);
    for (const auto& row : rows("out/draws.csv")) {
        if (row.at("rate") != "cell_type 'tumor', cycle_entry") continue;
        EXPECT_GE(std::stod(row.at("value")), 0.0);
        EXPECT_LE(std::stod(row.at("value")), 0.02);
    }
}

TEST_F(ContributeCliTest, a_stopped_study_goes_on_to_the_same_table) {
    write_scenario();
    ASSERT_EQ(morula(arguments("whole", "2")).status, 0);
    std::vector<std::string> again = arguments("part", "1");
    const pid_t child = start(again);
    for (int wait = 0; wait < 400 && !std::filesystem::exists(folder_ / "part"); ++wait) ::usleep(5'000);
    ::usleep(50'000);
    ::kill(child, SIGINT);
    const test::Outcome stopped = finish(child);
    again.push_back("--resume");
    const test::Outcome outcome = morula(again);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(stopped.status, 130) << stopped.err;
    EXPECT_EQ(outcome.err.find("is not there"), std::string::npos) << outcome.err;
    for (const char* name : {"/contribution.csv", "/drivers.csv", "/runs.csv"}) EXPECT_EQ(file(std::string("part") + name), file(std::string("whole") + name)) << name;
}

// Each vessel, and each part of a scenario that shares its name with another, has its own draws.
TEST_F(ContributeCliTest, two_vessels_of_one_substance_are_drawn_each_from_its_prior) {
    write_scenario();
    std::string text = file("niche.toml");
    for (const auto& [x, value, prior] : {std::tuple{"-50", "15", "[10, 20]"}, std::tuple{"50", "85", "[80, 90]"}}) {
        text += "\n[[vessel]]\nsubstance = \"oxygen\"\nfrom_um = [" + std::string(x) + ", 0, -50]\nto_um = [" + x + ", 0, 50]\nconcentration = { value = " + value + ", unit = \"mmHg\", source = \"guessed\", prior = " + prior + " }\n";
    }
    write_text_file(folder_ / "niche.toml", text);
    const test::Outcome outcome = morula({"contribute", "niche.toml", "--seeds", "1", "--draws", "3", "--types", "tumor", "--readouts", "oxygen.p95", "--until", "2", "--out", "out"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("3 draws of 18 guessed rates"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("3 numbers of rules (saturations, half-maxima, Hill powers) have no source"), std::string::npos) << outcome.out;
    int n_first = 0, n_second = 0;
    for (const auto& row : rows("out/draws.csv")) {
        if (!row.at("rate").starts_with("vessel of 'oxygen'")) continue;
        const double value = std::stod(row.at("value"));
        n_first += value >= 10.0 && value <= 20.0 && row.at("rate") == "vessel of 'oxygen', concentration";
        n_second += value >= 80.0 && value <= 90.0 && row.at("rate") == "vessel of 'oxygen' (2), concentration";
    }
    EXPECT_EQ(n_first, 3);
    EXPECT_EQ(n_second, 3);
    EXPECT_NE(file("out/report.html").find("They were held at what the scenario says"), std::string::npos);
}

TEST_F(ContributeCliTest, results_never_take_the_place_of_what_the_scenario_reads) {
    write_scenario();
    std::filesystem::create_directory(folder_ / "own");
    std::string text = file("niche.toml");
    const auto put = [&](const std::string& from, const std::string& to) { text.replace(text.find(from), from.size(), to); };
    put("\"niche_cells.csv\"", "\"runs.csv\"");
    write_text_file(folder_ / "own" / "n.toml", text);
    write_text_file(folder_ / "own" / "runs.csv", file("niche_cells.csv"));
    write_text_file(folder_ / "own" / "niche_rules.csv", file("niche_rules.csv"));
    const auto refused = [&](const std::string& scenario, const std::string& name) {
        const test::Outcome outcome = morula({"contribute", scenario, "--seeds", "1", "--draws", "0", "--until", "2", "--out", "own"});
        EXPECT_EQ(outcome.status, 64) << outcome.err;
        EXPECT_NE(outcome.err.find(name + " is read by the scenario and lies where own keeps its results"), std::string::npos) << outcome.err;
    };
    refused("own/n.toml", "own/runs.csv");
    EXPECT_EQ(file("own/runs.csv"), file("niche_cells.csv"));
    // By a link too, from either side.
    std::filesystem::rename(folder_ / "own" / "runs.csv", folder_ / "own" / "cells.csv");
    std::filesystem::create_symlink("cells.csv", folder_ / "own" / "runs.csv");
    refused("own/n.toml", "own/runs.csv");
    write_text_file(folder_ / "own" / "run.json", file("niche.toml"));
    write_text_file(folder_ / "own" / "niche_cells.csv", file("niche_cells.csv"));
    refused("own/run.json", "own/run.json");
}

TEST_F(ContributeCliTest, a_folder_holds_the_results_of_one_verb) {
    write_scenario();
    const std::vector<std::string> contribute{"contribute", "niche.toml", "--seeds", "1", "--draws", "0", "--until", "2", "--out", "out"}, simulate{"simulate", "niche.toml", "--until", "2", "--out", "out"};
    for (const auto& [first, second, says] : {std::tuple{simulate, contribute, "out holds results of `morula simulate`"}, std::tuple{contribute, simulate, "out holds results of `morula contribute`"}}) {
        ASSERT_EQ(morula(first).status, 0);
        for (const bool has_ended : {true, false}) {
            if (!has_ended) std::filesystem::remove(folder_ / "out" / "run.json");
            const std::string page = file("out/report.html");
            const test::Outcome outcome = morula(second);
            EXPECT_EQ(outcome.status, 64) << outcome.err;
            EXPECT_NE(outcome.err.find(says), std::string::npos) << outcome.err;
            EXPECT_EQ(file("out/report.html"), page);
        }
        std::filesystem::remove_all(folder_ / "out");
    }
}

TEST_F(ContributeCliTest, a_finished_study_goes_on_as_itself_alone) {
    write_scenario();
    const std::vector<std::string> command{"contribute", "niche.toml", "--seeds", "2", "--draws", "0", "--until", "2", "--out", "out"};
    std::vector<std::string> resumes = command;
    resumes.emplace_back("--resume");
    ASSERT_EQ(morula(command).status, 0);
    const std::string table = file("out/contribution.csv"), all_runs = file("out/runs.csv"), scenario = file("niche.toml");
    // The same study: no run is made again.
    const test::Outcome same = morula(resumes);
    EXPECT_EQ(same.status, 0) << same.err;
    const Json results = Json::parse(file("out/run.json"))["results"];
    EXPECT_EQ(results["n_resumed"], results["n_runs"]);
    EXPECT_GT(results["agent_steps_per_second"].get<double>(), 0.0);
    EXPECT_EQ(file("out/contribution.csv") + file("out/runs.csv"), table + all_runs);
    // Another scenario, and one whose runs are gone.
    write_text_file(folder_ / "niche.toml", scenario + "# another\n");
    const test::Outcome other = morula(resumes);
    EXPECT_EQ(other.status, 2) << other.err;
    EXPECT_NE(other.err.find("holds runs of another scenario"), std::string::npos) << other.err;
    std::filesystem::remove(folder_ / "out" / "contribute.state");
    const test::Outcome gone = morula(resumes);
    EXPECT_EQ(gone.status, 64) << gone.err;
    EXPECT_NE(gone.err.find("holds results, and not the runs that they are of"), std::string::npos) << gone.err;
    EXPECT_EQ(file("out/contribution.csv") + file("out/runs.csv"), table + all_runs);
    const test::Outcome anew = morula(command);
    EXPECT_EQ(anew.status, 0) << anew.err;
    EXPECT_NE(anew.err.find("The study in out is begun anew"), std::string::npos) << anew.err;
}

TEST_F(ContributeCliTest, a_perturbation_after_the_end_is_told) {
    write_scenario();
    write_text_file(folder_ / "niche.toml", file("niche.toml") + "\n[[perturbation]]\nkind = \"removal\"\ntype = \"macrophage\"\nminute = 600\n");
    const test::Outcome outcome = morula({"contribute", "niche.toml", "--seeds", "2", "--draws", "0", "--types", "tumor", "--readouts", "oxygen.p50", "--out", "out"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.err.find("niche.toml, line "), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("comes at minute 600, and the run ends at minute 30: it never happens."), std::string::npos) << outcome.err;
}

TEST_F(ContributeCliTest, what_is_wrong_is_named_with_what_to_do) {
    write_scenario();
    const auto refused = [&](const std::vector<std::string>& more, int status, const std::string& says, const std::string& next) {
        std::vector<std::string> words{"contribute", "niche.toml", "--out", "out"};
        words.insert(words.end(), more.begin(), more.end());
        const test::Outcome outcome = morula(words);
        EXPECT_EQ(outcome.status, status) << outcome.err;
        EXPECT_NE(outcome.err.find(says), std::string::npos) << outcome.err;
        EXPECT_NE(outcome.err.find(next), std::string::npos) << outcome.err;
        EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
    };
    refused({"--types", ""}, 64, "--types names nothing", "leave --types out for all");
    refused({"--readouts", ""}, 64, "--readouts names nothing", "leave --readouts out for all");
    refused({"--types", "tumour"}, 3, "there is no cell type 'tumour'", "Did you mean 'tumor'?");
    refused({"--readouts", "oxygen.p51"}, 3, "there is no read-out 'oxygen.p51'", "Did you mean 'oxygen.p50'?");
    refused({"--interventions", "delete"}, 64, "no intervention 'delete'", "inert, remove, silence");
    refused({"--permutations", "3"}, 64, "3 permutations", "even");
    refused({"--memory", "30kB"}, 5, "needs about 37 kB of memory (37440 bytes)", "--memory");
    refused({"--memory", "70kB", "--threads", "2"}, 5, "the runs side by side", "");
    // A rule that goes the wrong way for some of the prior.
    write_text_file(folder_ / "niche.toml", test::without_rule_sources(file("niche.toml")));
    write_text_file(folder_ / "niche_rules.csv", "macrophage,factor,decreases,migration speed,0.29,2,1,0\n");
    refused({}, 2, "of the guessed rates cannot run (", "Narrow the priors");
}

}  // namespace
}  // namespace morula
