// `morula simulate` with states of measured cells, from the counts to a snapshot that opens as an experiment.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/cli/program_test.hpp"
#include "tests/support/scenario_text.hpp"

namespace morula {
namespace {

using Json = nlohmann::json;

class StatesCliTest : public test::ProgramTest {};

const std::string kScenario = "every_min = 30\n" + test::scenario_head("Made-up cells and their states", 60.0, test::kTenVoxels) + R"([[cell_type]]
name = "any"

[[cells]]
type = "any"
spheroid_radius_um = 50
center_um = [100, 100, 100]

[expression]
data = "p.h5ad"
cell_type = "true_type"
attempts = { value = 0.5, unit = "1/h", source = "guessed", prior = [0.1, 10] }
relaxation = { value = 1, unit = "1/h", source = "guessed", prior = [0.1, 10] }
genes = ["GENE00001"]

  [[expression.labels]]
  type = "any"
  labels = ["type-01"]
)";

TEST_F(StatesCliTest, a_run_says_that_transitions_are_hypotheses_and_its_snapshot_is_an_experiment) {
    ASSERT_EQ(morula({"generate", "--cells", "300", "--genes", "400", "--types", "3", "--out", "c.h5ad"}).status, 0);
    for (const std::vector<std::string>& step : {std::vector<std::string>{"normalize", "c.h5ad", "--out", "n.h5ad"}, {"hvg", "n.h5ad", "--out", "v.h5ad"}, {"pca", "v.h5ad", "--n-components", "12", "--out", "p.h5ad"}}) {
        const test::Outcome done = morula(step);
        ASSERT_EQ(done.status, 0) << done.err;
    }
    write_text_file(folder_ / "scenario.toml", kScenario);
    std::set<std::string> hashes;
    for (const char* threads : {"1", "2"}) {
        const test::Outcome outcome = morula({"simulate", "scenario.toml", "--out", "out", "--threads", threads, "--json"});
        ASSERT_EQ(outcome.status, 0) << outcome.err;
        EXPECT_NE(outcome.err.find("ransitions are hypotheses; only states are measured"), std::string::npos) << outcome.err;
        const Json json = Json::parse(outcome.out);
        hashes.insert(json["final_hash"]);
        EXPECT_EQ(json["states"], "transitions are hypotheses; only states are measured");
        EXPECT_GT(json["n_metacells"].get<int>(), 2);
        EXPECT_GE(json["share_unlike_data"].get<double>(), 0.0);
    }
    EXPECT_EQ(hashes.size(), 1U);
    // The snapshot goes on like any experiment.
    const test::Outcome again = morula({"neighbors", "out/snapshots/minute-000060.h5ad", "--embedding", "X_latent", "--out", "k.h5ad"});
    EXPECT_EQ(again.status, 0) << again.err;
    // More than one step in a hundred that leads to where no measured cell is: said by the run, in its record and on its page alike.
    std::string text = kScenario;
    text.replace(text.find("attempts = { value = 0.5"), 24, "cells_a_metacell = 3\nattempts = { value = 10");
    write_text_file(folder_ / "fast.toml", text);
    const test::Outcome fast = morula({"simulate", "fast.toml", "--out", "fast", "--json"});
    ASSERT_EQ(fast.status, 0) << fast.err;
    const Json record = Json::parse(fast.out);
    ASSERT_GT(record["share_unlike_data"].get<double>(), 0.01);
    const std::string sentence = record["unlike_measured_cells"];
    EXPECT_NE(sentence.find("unlike any measured cell"), std::string::npos) << sentence;
    EXPECT_NE(fast.err.find(sentence), std::string::npos) << fast.err;
    for (const char* file : {"fast/run.json", "fast/report.html"}) EXPECT_NE(read_text_file(folder_ / file, 64 << 20).find(sentence), std::string::npos) << file;
    // What is experimental runs when asked to, and never in a table of contributions.
    write_text_file(folder_ / "regulons.csv", "source,target,weight\nGENE00001,GENE00002,1\n");
    write_text_file(folder_ / "ridge.toml", std::string(kScenario) + "\n[expression.ridge]\nregulons = \"regulons.csv\"\ngenes = [\"GENE00001\", \"GENE00002\"]\n"
                                                                     "strength = { value = 1, unit = \"1\", source = \"guessed\", prior = [0, 1] }\n");
    const test::Outcome refused = morula({"simulate", "ridge.toml", "--out", "ridge"});
    EXPECT_EQ(refused.status, 6) << refused.err;
    EXPECT_NE(refused.err.find("--experimental"), std::string::npos) << refused.err;
    const test::Outcome asked = morula({"simulate", "ridge.toml", "--out", "ridge", "--experimental"});
    EXPECT_EQ(asked.status, 0) << asked.err;
    EXPECT_NE(asked.err.find("no rate is learned"), std::string::npos) << asked.err;
    EXPECT_EQ(morula({"contribute", "ridge.toml", "--seeds", "1", "--out", "table"}).status, 6);
    // A knocked-out gene shifts states, and a run that goes on from a saved state ends in the same bits, from before the shift as from amid it.
    write_text_file(folder_ / "ridge.toml", read_text_file(folder_ / "ridge.toml", 1 << 16) + "[[perturbation]]\nkind = \"knock_out\"\ntype = \"any\"\ngene = \"GENE00001\"\nfrom_min = 20\n");
    const auto hash_of = [&](const std::vector<std::string>& more) {
        std::vector<std::string> command{"simulate", "ridge.toml", "--experimental", "--json"};
        command.insert(command.end(), more.begin(), more.end());
        const test::Outcome outcome = morula(command);
        EXPECT_EQ(outcome.status, 0) << outcome.err;
        return outcome.status == 0 ? Json::parse(outcome.out)["final_hash"].get<std::string>() : "";
    };
    const std::string whole = hash_of({"--out", "whole"});
    for (const char* minute : {"12.3", "24", "41.7"}) hash_of({"--out", "parts", "--resume", "--until", minute});
    EXPECT_EQ(morula({"simulate", "ridge.toml", "--out", "parts", "--resume"}).status, 6) << "what is experimental must be asked for again";
    EXPECT_EQ(hash_of({"--out", "parts", "--resume"}), whole);
    EXPECT_EQ(read_text_file(folder_ / "parts/snapshots/minute-000060.h5ad", 1 << 26), read_text_file(folder_ / "whole/snapshots/minute-000060.h5ad", 1 << 26));
}

}  // namespace
}  // namespace morula
