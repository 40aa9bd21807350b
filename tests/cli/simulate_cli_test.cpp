// `morula simulate` as a user meets it: the example, the same state with any number of threads, and what is refused.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/cli/program_test.hpp"

namespace morula {
namespace {

using Json = nlohmann::json;

class SimulateCliTest : public test::ProgramTest {
protected:
    /// The example, small: fewer cells, less time, quicker lives.
    void write_scenario() const {
        const std::filesystem::path examples = std::filesystem::path(MORULA_SOURCE_DIR) / "examples" / "tissue";
        std::string text = read_text_file(examples / "oxygen_ball.toml", 1 << 20);
        const auto put = [&](const std::string& from, const std::string& to) {
            const std::size_t at = text.find(from);
            ASSERT_NE(at, std::string::npos) << from;
            text.replace(at, from.size(), to);
        };
        put("until_min = 1440", "until_min = 120");
        put("every_min = 120", "every_min = 30\nsnapshot_every_min = 60");
        put("spheroid_radius_um = 120", "spheroid_radius_um = 45");
        put("size_um = [600, 600, 600]", "size_um = [200, 200, 200]");
        put("origin_um = [-300, -300, -300]", "origin_um = [-100, -100, -100]");
        write_text_file(folder_ / "ball.toml", text);
        write_text_file(folder_ / "oxygen_ball_rules.csv", "tumor,oxygen,increases,cycle entry,0.02,21.5,4,0\n");
    }
    std::string file(const std::string& name) const { return read_text_file(folder_ / name, 1 << 26); }
};

TEST_F(SimulateCliTest, the_example_gives_the_same_state_with_one_and_two_threads) {
    write_scenario();
    std::set<std::string> hashes, tables, snapshots;
    Json json;
    for (const char* threads : {"1", "2"}) {
        const std::string out = std::string("out-") + threads;
        const test::Outcome outcome = morula({"simulate", "ball.toml", "--out", out, "--threads", threads, "--json"});
        ASSERT_EQ(outcome.status, 0) << outcome.err;
        json = Json::parse(outcome.out);
        hashes.insert(json["final_hash"]);
        tables.insert(file(out + "/composition.csv") + file(out + "/events.csv") + file(out + "/readouts.csv"));
        snapshots.insert(file(out + "/snapshots/minute-000120.h5ad"));
        EXPECT_TRUE(std::filesystem::exists(folder_ / out / "snapshots" / "minute-000060.h5ad"));
        const Json record = Json::parse(file(out + "/run.json"));
        EXPECT_EQ(record["results"]["final_hash"], json["final_hash"]);
        EXPECT_GT(record["results"]["agent_steps_per_second"].get<double>(), 0.0);
        EXPECT_GT(record["results"]["bytes_per_agent"].get<double>(), 0.0);
        EXPECT_NE(outcome.err.find("rates are guessed"), std::string::npos) << outcome.err;
    }
    EXPECT_EQ(hashes.size(), 1U);
    EXPECT_EQ(tables.size(), 1U);
    EXPECT_EQ(snapshots.size(), 1U);
    const test::Outcome info = morula({"info", "out-1/snapshots/minute-000120.h5ad", "--json"});
    EXPECT_EQ(info.status, 0) << info.err;
    EXPECT_NE(info.out.find(std::to_string(json["n_cells"].get<int>())), std::string::npos) << info.out;
    EXPECT_GT(json["births"].get<int>(), 10);
    // 5 times, 4 phases; the ball at the start and the cells at the end.
    std::istringstream rows(file("out-1/composition.csv"));
    std::string line;
    std::getline(rows, line);
    EXPECT_EQ(line, "minute,type,state,n");
    int n_rows = 0;
    std::int64_t last = 0;
    for (; std::getline(rows, line); ++n_rows) {
        if (line.starts_with("120,")) last += std::stoll(line.substr(line.rfind(',') + 1));
    }
    EXPECT_EQ(n_rows, 20);
    EXPECT_EQ(last, json["n_cells"].get<std::int64_t>());
    EXPECT_NE(file("out-1/readouts.csv").find("minute,readout,value,unit\n0,oxygen.low,0,1\n0,oxygen.p05,38,mmHg\n"), std::string::npos) << file("out-1/readouts.csv");
    EXPECT_NE(file("out-1/readouts.csv").find("\n120,oxygen.rim,"), std::string::npos);
    EXPECT_NE(file("out-1/rates.csv").find("\"cell_type 'tumor', necrosis\",0.17,1/h,guessed,,0.02,1,"), std::string::npos) << file("out-1/rates.csv");
}

TEST_F(SimulateCliTest, another_seed_gives_another_state_and_until_stops_early) {
    write_scenario();
    std::set<std::string> hashes;
    for (const char* seed : {"1", "2"}) {
        const test::Outcome outcome = morula({"simulate", "ball.toml", "--out", "out", "--seed", seed, "--until", "60", "--json"});
        ASSERT_EQ(outcome.status, 0) << outcome.err;
        const Json json = Json::parse(outcome.out);
        EXPECT_NEAR(json["minutes"].get<double>(), 60.0, 1e-9);
        hashes.insert(json["final_hash"]);
    }
    EXPECT_EQ(hashes.size(), 2U);
}

TEST_F(SimulateCliTest, what_is_wrong_is_named_with_its_line) {
    write_scenario();
    const auto refused = [&](const std::string& rules, int status, const std::string& says) {
        write_text_file(folder_ / "oxygen_ball_rules.csv", rules);
        const test::Outcome outcome = morula({"simulate", "ball.toml", "--out", "out"});
        EXPECT_EQ(outcome.status, status) << outcome.err;
        EXPECT_NE(outcome.err.find(says), std::string::npos) << outcome.err;
        EXPECT_NE(outcome.err.find("Next: "), std::string::npos) << outcome.err;
        EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
    };
    refused("tumor,oxigen,increases,cycle entry,0.02,21.5,4,0\n", 2, "oxygen_ball_rules.csv, line 1: there is no signal 'oxigen'");
    refused("tumor,oxygen,increases,cycle entry,0.02,21.5\n", 2, "6 fields");
    write_text_file(folder_ / "ball.toml", "title = \"x\"\nuntil_min = \n");
    refused("", 2, "ball.toml, line 2");
    const test::Outcome missing = morula({"simulate", "none.toml", "--out", "out"});
    EXPECT_EQ(missing.status, 3) << missing.err;
}

}  // namespace
}  // namespace morula
