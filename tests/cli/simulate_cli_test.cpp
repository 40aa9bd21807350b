// `morula simulate` as a user meets it: the example, the same state with any number of threads, and what is refused.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "morula/core/hash.hpp"
#include "tests/cli/program_test.hpp"
#include "tests/support/scenario_text.hpp"

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
        write_text_file(folder_ / "ball.toml", test::without_rule_sources(text));
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
        for (const char* name : {"final_hash", "agent_steps_per_second", "bytes_per_agent"}) EXPECT_EQ(record[name], record["results"][name]) << name;
        ASSERT_EQ(record["inputs"].size(), 2U);
        for (const std::size_t k : {0, 1}) EXPECT_EQ(record["inputs"][k]["hash"], hash_of_file(folder_ / record["inputs"][k]["path"].get<std::string>()));
        EXPECT_EQ(record["inputs"][0]["path"], "oxygen_ball_rules.csv");
        EXPECT_EQ(record["inputs"][1]["path"], "ball.toml");
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
    EXPECT_NE(file("out-1/readouts.csv").find("minute,readout,value,unit\n0,oxygen.low,0,1\n0,oxygen.p05,3"), std::string::npos) << file("out-1/readouts.csv");
    EXPECT_NE(file("out-1/readouts.csv").find("\n120,oxygen.rim,"), std::string::npos);
    EXPECT_NE(file("out-1/rates.csv").find("\"cell_type 'tumor', necrosis\",0.17,1/h,guessed,,0.02,1,"), std::string::npos) << file("out-1/rates.csv");
}

TEST_F(SimulateCliTest, the_first_rows_and_the_first_field_are_those_of_the_solved_field) {
    write_scenario();
    ASSERT_EQ(morula({"simulate", "ball.toml", "--out", "start", "--until", "0"}).status, 0);
    const test::Outcome outcome = morula({"simulate", "ball.toml", "--out", "step", "--until", "0.1"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("Memory: "), std::string::npos) << outcome.out;
    const auto at = [&](const std::string& out, const std::string& minute) {
        std::istringstream rows(file(out + "/readouts.csv"));
        std::string values;
        for (std::string line; std::getline(rows, line);) values += line.starts_with(minute + ",oxygen.p") ? line.substr(minute.size()) + "\n" : "";
        return values;
    };
    EXPECT_EQ(at("start", "0").find(",38,"), std::string::npos) << "38 is what the scenario begins the solver with: " << at("start", "0");
    EXPECT_EQ(at("start", "0"), at("step", "0"));
    EXPECT_EQ(at("step", "0"), at("step", "0.1")) << "the cells of the first step breathe what they start in";
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

/// Files of a run, state/, run.json and the page (which name seconds) apart, with their bytes.
std::map<std::string, std::string> files_of(const std::filesystem::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        const std::string name = std::filesystem::relative(entry.path(), folder).string();
        if (entry.is_regular_file() && !name.starts_with("state/") && name != "run.json" && name != "report.html") files[name] = read_text_file(entry.path(), 1 << 26);
    }
    return files;
}

/// What a page shows of the tissue: all but the last section, which names seconds, and the frames of the player.
std::string shown(const std::string& page) {
    const std::size_t begin = page.find("<section id=\"summary\""), end = page.find("<section id=\"reuse\""), frames = page.find("id=\"data-player\"");
    EXPECT_TRUE(begin < end && end < frames && frames != std::string::npos);
    return page.substr(begin, end - begin) + page.substr(frames);
}

void expect_same_files(const std::map<std::string, std::string>& found, const std::map<std::string, std::string>& expected) {
    std::vector<std::string> names, wanted;
    for (const auto& each : found) names.push_back(each.first);
    for (const auto& each : expected) wanted.push_back(each.first);
    EXPECT_EQ(names, wanted);
    for (const auto& [name, bytes] : expected) {
        const auto at = found.find(name);
        EXPECT_TRUE(at != found.end() && at->second == bytes) << name << " differs";
    }
}

TEST_F(SimulateCliTest, a_run_that_was_stopped_or_killed_goes_on_as_if_it_had_not_been) {
    write_scenario();
    const std::vector<std::string> command{"simulate", "ball.toml", "--json", "--until", "123.4"};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), command.begin(), command.end());
        return more;
    };
    const test::Outcome whole = morula(with({"--out", "whole"}));
    ASSERT_EQ(whole.status, 0) << whole.err;
    const auto expected = files_of(folder_ / "whole");
    EXPECT_EQ(expected.count("snapshots/minute-000000.h5ad"), 1U);
    EXPECT_EQ(expected.count("snapshots/minute-000123.400.h5ad"), 1U);
    EXPECT_NE(expected.at("composition.csv").find("\n123.4,tumor,"), std::string::npos);
    for (const int signal : {SIGINT, SIGKILL}) {
        const std::string out = signal == SIGINT ? "stopped" : "killed";
        int interruptions = 0;
        for (int attempt = 0; attempt < 3; ++attempt) {
            const std::filesystem::path state = folder_ / out / "state" / "run.state";
            const auto before = std::filesystem::exists(state) ? std::filesystem::last_write_time(state) : std::filesystem::file_time_type::min();
            const pid_t child = start(with({"--out", out, "--resume", "--save-every", "0.02"}));
            for (int wait = 0; wait < 2'000 && !(std::filesystem::exists(state) && std::filesystem::last_write_time(state) > before); ++wait) ::usleep(5'000);
            ::kill(child, signal);
            const test::Outcome outcome = finish(child);
            if (outcome.status == 0 || std::filesystem::exists(folder_ / out / "run.json")) break;  // it was quicker
            ++interruptions;
            if (signal == SIGKILL) {
                EXPECT_EQ(outcome.status, 128 + SIGKILL);
                // Nothing, or, where it was killed while putting all in place, the whole.
                if (std::filesystem::exists(folder_ / out / "composition.csv")) {
                    EXPECT_EQ(file(out + "/composition.csv"), expected.at("composition.csv"));
                }
                continue;
            }
            EXPECT_EQ(outcome.status, 130) << outcome.err;
            EXPECT_NE(outcome.err.find("Stopped as asked at minute"), std::string::npos) << outcome.err;
            EXPECT_NE(outcome.err.find("--resume"), std::string::npos) << outcome.err;
            // The tables so far are the first rows of those of the whole run.
            for (const char* name : {"composition.csv", "events.csv", "readouts.csv"}) EXPECT_TRUE(expected.at(name).starts_with(file(out + "/" + name))) << name;
        }
        EXPECT_GE(interruptions, 1);
        const test::Outcome resumed = morula(with({"--out", out, "--resume"}));
        ASSERT_EQ(resumed.status, 0) << resumed.err;
        EXPECT_EQ(Json::parse(resumed.out)["final_hash"], Json::parse(whole.out)["final_hash"]);
        expect_same_files(files_of(folder_ / out), expected);
        EXPECT_TRUE(shown(file(out + "/report.html")) == shown(file("whole/report.html"))) << "the page shows all of the run";
        EXPECT_FALSE(std::filesystem::exists(folder_ / out / "LOCK"));
    }
}

TEST_F(SimulateCliTest, a_step_that_takes_too_long_is_given_up_after_the_first_ctrl_c) {
    // One step of motion with 400,000 field steps of 64,000 voxels: half a minute at best, and the state is saved right before it begins.
    write_text_file(folder_ / "slow.toml",
                    test::scenario_head("slow", 0.4, "size_um = [400, 400, 400]\nvoxel_um = 10") + "[clocks]\nfield_min = 1e-6\nmechanics_min = 0.4\n" + test::text_of({"s", "nM", 100.0, 1.0, 1.0}) +
                        "[[cell_type]]\nname = \"a\"\n[[cells]]\ntype = \"a\"\nspheroid_radius_um = 20\ncenter_um = [200, 200, 200]\n");
    const pid_t child = start({"simulate", "slow.toml", "--out", "out", "--save-every", "0"});
    const std::filesystem::path state = folder_ / "out" / "state" / "run.state";
    for (int wait = 0; wait < 10'000 && !std::filesystem::exists(state); ++wait) ::usleep(5'000);
    ::kill(child, SIGINT);
    const test::Outcome outcome = finish(child);
    EXPECT_EQ(outcome.status, 130) << outcome.err;
    EXPECT_NE(outcome.err.find("Stopped as asked amid a step, after minute 0 of 0.4: it took too long. out holds the tables so far and the last saved state."), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("--resume to go on from that state"), std::string::npos) << outcome.err;
    EXPECT_TRUE(std::filesystem::exists(state));
    EXPECT_NE(file("out/composition.csv").find("\n0,a,"), std::string::npos) << file("out/composition.csv");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out" / "run.json"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out" / "LOCK"));
}

TEST_F(SimulateCliTest, a_run_that_has_ended_goes_on_to_a_later_minute) {
    write_scenario();
    ASSERT_EQ(morula({"simulate", "ball.toml", "--out", "whole"}).status, 0);
    for (const char* until : {"43.3", "70", "120"}) ASSERT_EQ(morula({"simulate", "ball.toml", "--out", "parts", "--until", until, "--resume"}).status, 0);
    expect_same_files(files_of(folder_ / "parts"), files_of(folder_ / "whole"));
    EXPECT_TRUE(shown(file("parts/report.html")) == shown(file("whole/report.html")));
    EXPECT_EQ(Json::parse(file("parts/run.json"))["results"]["final_hash"], Json::parse(file("whole/run.json"))["results"]["final_hash"]);
}

TEST_F(SimulateCliTest, a_state_of_another_run_is_refused) {
    write_scenario();
    ASSERT_EQ(morula({"simulate", "ball.toml", "--out", "out", "--until", "30"}).status, 0);
    const auto before = files_of(folder_ / "out");
    const auto refused = [&](const std::vector<std::string>& more, const std::string& says) {
        std::vector<std::string> words{"simulate", "ball.toml", "--out", "out", "--resume"};
        words.insert(words.end(), more.begin(), more.end());
        const test::Outcome outcome = morula(words);
        EXPECT_EQ(outcome.status, 2) << outcome.err;
        EXPECT_NE(outcome.err.find(says), std::string::npos) << outcome.err;
        EXPECT_NE(outcome.err.find("Next: "), std::string::npos) << outcome.err;
        expect_same_files(files_of(folder_ / "out"), before);
    };
    refused({"--seed", "9"}, "with seed 1, and this is");
    refused({"--until", "12"}, "is at minute 30, and the run is to end at minute 12");
    const std::string scenario = file("ball.toml");
    write_text_file(folder_ / "ball.toml", scenario + "# another\n");
    refused({}, "belongs to scenario");
    write_text_file(folder_ / "ball.toml", scenario);
    const std::string state = file("out/state/run.state");
    write_text_file(folder_ / "out" / "state" / "run.state", state.substr(0, state.size() / 2));
    refused({}, "damaged");
    write_text_file(folder_ / "out" / "state" / "run.state", "morula simulation state 0\n" + state.substr(26));
    refused({}, "another version of Morula");
    write_text_file(folder_ / "out" / "state" / "run.state", state);
    for (const char* table : {"composition", "events", "readouts"}) {
        const std::filesystem::path path = folder_ / "out" / "state" / table;
        const std::string records = read_text_file(path, 1 << 26);
        ASSERT_FALSE(records.empty()) << table;
        std::string damaged = records;
        damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
        write_text_file(path, damaged);
        refused({}, std::string("state/") + table + " is damaged");
        write_text_file(path, records);
    }
    std::filesystem::resize_file(folder_ / "out" / "state" / "composition", 10);
    refused({}, "ends early");
    // Begun anew it stands, and says so.
    const test::Outcome anew = morula({"simulate", "ball.toml", "--out", "out", "--until", "30"});
    EXPECT_EQ(anew.status, 0);
    EXPECT_NE(anew.err.find("begun anew"), std::string::npos) << anew.err;
    expect_same_files(files_of(folder_ / "out"), before);
}

TEST_F(SimulateCliTest, results_never_take_the_place_of_what_the_scenario_reads) {
    write_scenario();
    std::filesystem::create_directory(folder_ / "out");
    const std::string scenario = file("ball.toml");
    write_text_file(folder_ / "out" / "run.json", scenario);
    write_text_file(folder_ / "out" / "oxygen_ball_rules.csv", file("oxygen_ball_rules.csv"));
    std::string moved = scenario;
    moved.replace(moved.find("\"oxygen_ball_rules.csv\""), 23, "\"out/composition.csv\"");
    write_text_file(folder_ / "moved.toml", moved);
    write_text_file(folder_ / "out" / "composition.csv", file("oxygen_ball_rules.csv"));
    for (const char* name : {"out/run.json", "moved.toml"}) {
        const test::Outcome outcome = morula({"simulate", name, "--out", "out", "--until", "12"});
        EXPECT_EQ(outcome.status, 64) << outcome.err;
        EXPECT_NE(outcome.err.find("lies where out keeps its results"), std::string::npos) << outcome.err;
    }
    EXPECT_EQ(file("out/run.json"), scenario);
    EXPECT_EQ(file("out/composition.csv"), file("oxygen_ball_rules.csv"));
}

TEST_F(SimulateCliTest, what_no_run_has_left_is_never_removed) {
    write_scenario();
    const auto put = [&](const std::string& name) {
        std::filesystem::create_directories((folder_ / name).parent_path());
        write_text_file(folder_ / name, "mine");
    };
    // Folders of somebody else, by names that a run would use.
    for (const std::string folder : {"state", "fields.zarr", "seed-1/state", "seed-1/fields.zarr"}) {
        std::filesystem::remove_all(folder_ / "out");
        put("out/" + folder + "/mine");
        std::vector<std::string> words{"simulate", "ball.toml", "--out", "out", "--until", "6"};
        if (folder.starts_with("seed")) words.insert(words.end(), {"--seeds", "1"});
        for (const bool resumes : {false, true}) {
            if (resumes) words.emplace_back("--resume");
            const test::Outcome outcome = morula(words);
            EXPECT_EQ(outcome.status, 64) << folder << outcome.err;
            EXPECT_NE(outcome.err.find("out/" + folder + " is there, and no run of `morula simulate` has left it"), std::string::npos) << outcome.err;
            EXPECT_EQ(file("out/" + folder + "/mine"), "mine");
        }
    }
    // Somebody's files among those of a run.
    std::filesystem::remove_all(folder_ / "out");
    ASSERT_EQ(morula({"simulate", "ball.toml", "--out", "out", "--until", "120"}).status, 0);
    const std::vector<std::string> mine{"out/state/mine", "out/fields.zarr/mine", "out/fields.zarr/oxygen/mine.txt", "out/snapshots/mine.h5ad", "out/mine.csv"};
    for (const std::string& name : mine) put(name);
    const test::Outcome again = morula({"simulate", "ball.toml", "--out", "out", "--until", "6"});
    EXPECT_EQ(again.status, 0) << again.err;
    for (const std::string& name : mine) EXPECT_EQ(file(name), "mine") << name;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out" / "snapshots" / "minute-000120.h5ad"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out" / "fields.zarr" / "oxygen" / "c" / "2"));
}

TEST_F(SimulateCliTest, tables_without_a_state_are_not_gone_on_from_and_not_replaced_in_silence) {
    write_scenario();
    for (const auto& how : {std::vector<std::string>{}, std::vector<std::string>{"--seeds", "2"}}) {
        std::vector<std::string> command{"simulate", "ball.toml", "--out", "out", "--until", "120"};
        command.insert(command.end(), how.begin(), how.end());
        ASSERT_EQ(morula(command).status, 0);
        const std::string run = how.empty() ? "out" : "out/seed-2";
        std::filesystem::remove_all(folder_ / run / "state");
        const auto before = files_of(folder_ / "out");
        command[5] = "6";
        command.emplace_back("--resume");
        const test::Outcome resumed = morula(command);
        EXPECT_EQ(resumed.status, 64) << resumed.err;
        EXPECT_NE(resumed.err.find(run + " holds the tables of a run and no state to go on from"), std::string::npos) << resumed.err;
        expect_same_files(files_of(folder_ / "out"), before);
        command.pop_back();
        const test::Outcome anew = morula(command);
        EXPECT_EQ(anew.status, 0) << anew.err;
        EXPECT_NE(anew.err.find("out held tables of an earlier run, without a state to go on from"), std::string::npos) << anew.err;
        EXPECT_FALSE(std::filesystem::exists(folder_ / run / "snapshots" / "minute-000120.h5ad")) << "of the earlier run";
        EXPECT_FALSE(std::filesystem::exists(folder_ / run / "fields.zarr" / "oxygen" / "c" / "2"));
        std::filesystem::remove_all(folder_ / "out");
    }
}

TEST_F(SimulateCliTest, what_was_taken_away_from_a_run_is_named_when_it_goes_on) {
    write_scenario();
    ASSERT_EQ(morula({"simulate", "ball.toml", "--out", "out", "--until", "60"}).status, 0);
    std::filesystem::remove(folder_ / "out" / "snapshots" / "minute-000000.h5ad");
    std::filesystem::remove(folder_ / "out" / "fields.zarr" / "oxygen" / "c" / "1" / "0" / "0" / "0");
    const test::Outcome outcome = morula({"simulate", "ball.toml", "--out", "out", "--until", "66", "--resume"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.err.find("out: snapshots are gone, of minute 0; they are not made again"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("out: fields.zarr has lost minute 60; it reads as NaN there"), std::string::npos) << outcome.err;
    EXPECT_NE(Json::parse(file("out/run.json"))["warnings"].dump().find("snapshots are gone"), std::string::npos);
}

TEST_F(SimulateCliTest, seeds_run_side_by_side_are_those_that_run_alone) {
    write_scenario();
    const test::Outcome both = morula({"simulate", "ball.toml", "--out", "seeds", "--seed", "5", "--seeds", "2", "--until", "60", "--threads", "2", "--json"});
    ASSERT_EQ(both.status, 0) << both.err;
    EXPECT_EQ(Json::parse(both.out)["n_seeds"], 2);
    std::string rows;
    for (const char* seed : {"5", "6"}) {
        const std::string out = std::string("seed-") + seed;
        const test::Outcome alone = morula({"simulate", "ball.toml", "--out", out, "--seed", seed, "--until", "60", "--json"});
        ASSERT_EQ(alone.status, 0) << alone.err;
        auto expected = files_of(folder_ / out);
        expected.erase("rates.csv");
        expect_same_files(files_of(folder_ / "seeds" / out), expected);
        EXPECT_NE(file("seeds/seeds.csv").find(std::string(seed) + "," + Json::parse(alone.out)["final_hash"].get<std::string>() + ",60,"), std::string::npos) << file("seeds/seeds.csv");
        std::istringstream lines(file(out + "/readouts.csv"));
        std::string line;
        for (std::getline(lines, line); std::getline(lines, line);) rows += std::string(seed) + "," + line + "\n";
    }
    EXPECT_EQ(file("seeds/readouts.csv"), "seed,minute,readout,value,unit\n" + rows);
    const std::string page = file("seeds/report.html");
    for (const char* words : {"<a href=\"seed-5/report.html\">5</a>", "<a href=\"seed-6/report.html\">6</a>", "oxygen.p50", "living cells of tumor"}) EXPECT_NE(page.find(words), std::string::npos) << words;
    EXPECT_TRUE(shown(file("seeds/seed-6/report.html")) == shown(file("seed-6/report.html"))) << "the page of a seed is that of its run alone";
    const test::Outcome on = morula({"simulate", "ball.toml", "--out", "seeds", "--seed", "5", "--seeds", "2", "--until", "120", "--resume"});
    ASSERT_EQ(on.status, 0) << on.err;
    ASSERT_EQ(morula({"simulate", "ball.toml", "--out", "seed-6", "--seed", "6"}).status, 0);
    EXPECT_EQ(file("seeds/seed-6/composition.csv"), file("seed-6/composition.csv"));
}

TEST_F(SimulateCliTest, what_an_earlier_call_left_never_stands_beside_the_results_of_another) {
    write_scenario();
    const auto run = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"simulate", "ball.toml", "--out", "out", "--until", "30"});
        return morula(more);
    };
    const auto there = [&](const std::string& name) { return std::filesystem::exists(folder_ / "out" / name); };
    ASSERT_EQ(run({"--seed", "5", "--seeds", "3"}).status, 0);
    write_text_file(folder_ / "out" / "seed-7" / "notes.txt", "mine");
    std::filesystem::create_directories(folder_ / "out" / "seed-8");  // none of ours
    // To go on with two of three would leave the third behind; as would a run in their midst.
    for (const auto& fewer : {std::vector<std::string>{"--seed", "5", "--seeds", "2", "--resume"}, std::vector<std::string>{"--resume"}}) {
        const test::Outcome outcome = run(fewer);
        EXPECT_EQ(outcome.status, 64) << outcome.err;
        EXPECT_NE(outcome.err.find("seed-7"), std::string::npos) << outcome.err;
        EXPECT_TRUE(there("seed-7/composition.csv"));
    }
    const test::Outcome fewer = run({"--seed", "5", "--seeds", "2"});
    ASSERT_EQ(fewer.status, 0) << fewer.err;
    EXPECT_NE(fewer.err.find("out held runs of other seeds (seed-7); they are removed"), std::string::npos) << fewer.err;
    EXPECT_NE(fewer.err.find("Runs in out are begun anew (seed-5 and seed-6)"), std::string::npos) << fewer.err;
    EXPECT_FALSE(there("seed-7/state") || there("seed-7/composition.csv") || there("seed-7/report.html"));
    EXPECT_EQ(file("out/seed-7/notes.txt"), "mine");
    EXPECT_TRUE(there("seed-8") && there("seed-6/composition.csv"));
    ASSERT_EQ(run({}).status, 0);
    EXPECT_FALSE(there("seed-5") || there("seed-6") || there("seeds.csv"));
    EXPECT_TRUE(there("events.csv") && there("state/run.state"));
    const test::Outcome seeds_after_one = run({"--seeds", "2", "--resume"});
    EXPECT_EQ(seeds_after_one.status, 64) << seeds_after_one.err;
    ASSERT_EQ(run({"--seeds", "2"}).status, 0);
    EXPECT_FALSE(there("events.csv") || there("state") || there("snapshots/minute-000030.h5ad"));
    EXPECT_TRUE(there("seed-2/events.csv") && there("report.html"));
}

TEST_F(SimulateCliTest, a_second_process_in_one_folder_is_refused_and_a_killed_one_blocks_nobody) {
    write_scenario();
    for (const auto& how : {std::vector<std::string>{}, std::vector<std::string>{"--seeds", "2"}}) {
        std::vector<std::string> command{"simulate", "ball.toml", "--out", "out", "--until", "100000"};
        command.insert(command.end(), how.begin(), how.end());
        const pid_t child = start(command);
        const std::filesystem::path sign = folder_ / "out" / (how.empty() ? "state/composition" : "seed-1/state/composition");
        for (int wait = 0; wait < 2'000 && !std::filesystem::exists(sign); ++wait) ::usleep(5'000);
        const test::Outcome second = morula(command);
        EXPECT_EQ(second.status, 5) << second.err;
        EXPECT_NE(second.err.find("out: is being written to by process " + std::to_string(child)), std::string::npos) << second.err;
        EXPECT_EQ(second.err.find("anew"), std::string::npos) << "nothing is begun: " << second.err;
        EXPECT_TRUE(std::filesystem::exists(sign)) << "the first one's files stay";
        ::kill(child, SIGKILL);
        EXPECT_EQ(finish(child).status, 128 + SIGKILL);
        command[5] = "12";
        const test::Outcome third = morula(command);
        EXPECT_EQ(third.status, 0) << third.err;
        EXPECT_FALSE(std::filesystem::exists(folder_ / "out" / "LOCK"));
        std::filesystem::remove_all(folder_ / "out");
    }
}

TEST_F(SimulateCliTest, cells_that_perturbations_move_are_counted) {
    write_scenario();
    write_text_file(folder_ / "ball.toml", file("ball.toml") + "\n[[perturbation]]\nkind = \"injection\"\ntype = \"tumor\"\nminute = 12\nn = 7\ncenter_um = [60, 0, 0]\nradius_um = 20\n"
                                                             "\n[[perturbation]]\nkind = \"removal\"\ntype = \"tumor\"\nminute = 24\nshare = 0.5\n");
    const test::Outcome one = morula({"simulate", "ball.toml", "--out", "out", "--until", "36", "--json"});
    ASSERT_EQ(one.status, 0) << one.err;
    const Json json = Json::parse(one.out);
    const std::string events = file("out/events.csv");
    const auto count = [&](const std::string& event) {
        std::int64_t n = 0;
        for (std::size_t at = events.find("," + event + ","); at != std::string::npos; at = events.find("," + event + ",", at + 1)) ++n;
        return n;
    };
    EXPECT_EQ(json["put_in"], 7);
    EXPECT_EQ(json["taken_out"].get<std::int64_t>(), count("taken_out"));
    EXPECT_GT(json["taken_out"].get<std::int64_t>(), 10);
    const std::string composition = file("out/composition.csv");
    std::int64_t at_start = 0;
    std::istringstream rows(composition);
    for (std::string line; std::getline(rows, line);) at_start += line.starts_with("0,") ? std::stoll(line.substr(line.rfind(',') + 1)) : 0;
    EXPECT_EQ(at_start + json["births"].get<std::int64_t>() + 7 - json["removals"].get<std::int64_t>(), json["n_cells"].get<std::int64_t>());
    EXPECT_NE(file("out/report.html").find("7 put in by a perturbation"), std::string::npos);
    const test::Outcome text = morula({"simulate", "ball.toml", "--out", "seeds", "--until", "36", "--seeds", "2"});
    ASSERT_EQ(text.status, 0) << text.err;
    EXPECT_NE(text.out.find("born, 7 put in, "), std::string::npos) << text.out;
    EXPECT_NE(text.out.find(" taken out)"), std::string::npos) << text.out;
    std::istringstream seeds(file("seeds/seeds.csv"));
    std::string line;
    std::getline(seeds, line);
    EXPECT_EQ(line, "seed,final_hash,minutes,n_cells,births,removals,put_in,taken_out");
    std::getline(seeds, line);
    EXPECT_TRUE(line.ends_with(",7," + std::to_string(json["taken_out"].get<std::int64_t>()))) << line;
}

TEST_F(SimulateCliTest, lineages_tell_who_came_from_whom_and_when_it_went) {
    write_scenario();
    ASSERT_EQ(morula({"simulate", "ball.toml", "--out", "out"}).status, 0);
    std::istringstream rows(file("out/lineages.csv"));
    std::string line;
    std::getline(rows, line);
    EXPECT_EQ(line, "id,parent,type,born,gone");
    std::set<std::string> known{""};
    std::int64_t n_born = 0, n_all = 0;
    for (; std::getline(rows, line); ++n_all) {
        const std::size_t first = line.find(','), second = line.find(',', first + 1);
        EXPECT_EQ(known.count(line.substr(first + 1, second - first - 1)), 1U) << line << ": its mother comes before it";
        EXPECT_TRUE(known.insert(line.substr(0, first)).second) << line;
        n_born += line.find(",tumor,0,") == std::string::npos ? 1 : 0;
    }
    const Json results = Json::parse(file("out/run.json"))["results"];
    EXPECT_EQ(n_born, results["births"].get<std::int64_t>());
    EXPECT_EQ(n_all - results["removals"].get<std::int64_t>(), results["n_cells"].get<std::int64_t>());
}

TEST_F(SimulateCliTest, fields_are_kept_for_each_snapshot) {
    write_scenario();
    ASSERT_EQ(morula({"simulate", "ball.toml", "--out", "out"}).status, 0);
    const Json array = Json::parse(file("out/fields.zarr/oxygen/zarr.json"));
    EXPECT_EQ(array["shape"], Json({3, 10, 10, 10}));
    EXPECT_EQ(array["attributes"]["unit"], "mmHg");
}

TEST_F(SimulateCliTest, a_domain_that_is_too_large_says_how_large) {
    write_scenario();
    std::string text = file("ball.toml");
    const auto refused = [&](const std::string& size, int status, const std::string& says, const std::string& next) {
        std::string other = text;
        other.replace(other.find("[200, 200, 200]"), 15, size);
        write_text_file(folder_ / "large.toml", other);
        const test::Outcome outcome = morula({"simulate", "large.toml", "--out", "out"});
        EXPECT_EQ(outcome.status, status) << outcome.err;
        EXPECT_NE(outcome.err.find(says), std::string::npos) << outcome.err;
        EXPECT_NE(outcome.err.find(next), std::string::npos) << outcome.err;
    };
    refused("[2000000, 2000000, 2000000]", 2, "a domain of 100000 x 100000 x 100000 voxels with 1 substance needs about", "Give a smaller domain, or larger voxels");
    refused("[100000, 100000, 100000]", 5, "memory", "--memory");
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
