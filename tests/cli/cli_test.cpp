// The program as a user runs it: exit codes, messages, JSON, signals.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "morula/core/file.hpp"
#include "tests/cli/program_test.hpp"

namespace morula {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

using test::Outcome;

class CliTest : public test::ProgramTest {
protected:
    Json json_of(const Outcome& outcome) const {
        const Json json = Json::parse(outcome.out, nullptr, false);
        EXPECT_TRUE(json.is_object()) << outcome.out << outcome.err;
        return json;
    }
};

TEST_F(CliTest, help_leads_with_examples_and_lists_every_command) {
    const Outcome help = morula({"--help"});
    EXPECT_EQ(help.status, 0);
    EXPECT_LT(help.out.find("Examples"), help.out.find("Commands"));
    for (const char* name : {"run", "ingest", "export", "info", "verify", "vacuum", "generate", "doublets", "qc", "pca", "leiden", "umap", "markers", "doctor", "completion"}) {
        EXPECT_NE(help.out.find(std::string("  ") + name + " "), std::string::npos) << name;
    }
    const Outcome run = morula({"run", "--help"});
    EXPECT_EQ(run.status, 0);
    EXPECT_LT(run.out.find("Examples"), run.out.find("Usage"));
    EXPECT_NE(run.out.find("--batch"), std::string::npos);
}

TEST_F(CliTest, typos_get_a_suggestion_and_exit_64) {
    const Outcome command = morula({"rnu"});
    EXPECT_EQ(command.status, 64);
    EXPECT_NE(command.err.find("morula run"), std::string::npos) << command.err;
    const Outcome flag = morula({"run", "x.h5ad", "--ot", "y"});
    EXPECT_EQ(flag.status, 64);
    EXPECT_NE(flag.err.find("--out"), std::string::npos) << flag.err;
    const Outcome value = morula({"run", "x.h5ad", "--out", "y", "--resolution", "high"});
    EXPECT_EQ(value.status, 64);
    EXPECT_NE(value.err.find("--resolution is 'high', but it must be a number"), std::string::npos) << value.err;
    const Outcome choice = morula({"run", "x.h5ad", "--out", "y", "--recipe", "scanpy"});
    EXPECT_EQ(choice.status, 64);
    EXPECT_NE(choice.err.find("morula-1, scanpy-1.11"), std::string::npos) << choice.err;
    const Outcome missing = morula({"ingest", "x.h5ad"});
    EXPECT_EQ(missing.status, 64);
    EXPECT_NE(missing.err.find("--atlas"), std::string::npos) << missing.err;
}

TEST_F(CliTest, an_option_takes_one_word_and_never_the_input_behind_it) {
    ASSERT_EQ(morula({"generate", "--cells", "60", "--genes", "300", "--out", "a.h5ad"}).status, 0);
    fs::copy_file(folder_ / "a.h5ad", folder_ / "b.h5ad");
    const auto before = fs::last_write_time(folder_ / "b.h5ad");
    const Outcome one = morula({"qc", "--out", "x.h5ad", "a.h5ad"});
    EXPECT_EQ(one.status, 0) << one.err;
    EXPECT_TRUE(fs::exists(folder_ / "x.h5ad"));
    const Outcome two = morula({"qc", "a.h5ad", "--out", "y.h5ad", "b.h5ad"});
    EXPECT_EQ(two.status, 64) << two.err;
    EXPECT_EQ(fs::last_write_time(folder_ / "b.h5ad"), before) << "an input was taken for --out";
}

TEST_F(CliTest, errors_are_one_json_object_too) {
    const Outcome outcome = morula({"info", "nothing.h5ad", "--json"});
    EXPECT_EQ(outcome.status, 3);
    const Json json = json_of(outcome);
    EXPECT_EQ(json["error"]["code"], "not_found");
    EXPECT_FALSE(json["error"]["next"].get<std::string>().empty());
}

TEST_F(CliTest, counts_go_into_an_atlas_and_come_out_the_same) {
    make_sample("a.h5ad", "300");
    const Json before = json_of(morula({"info", "a.h5ad", "--json"}));
    EXPECT_EQ(before["n_cells"], 300);
    EXPECT_EQ(before["n_genes"], 1500);
    EXPECT_EQ(morula({"ingest", "a.h5ad", "--atlas", "s.atlas"}).status, 0);
    const Json again = json_of(morula({"ingest", "a.h5ad", "--atlas", "s.atlas", "--json"}));
    EXPECT_EQ(again["datasets"].size(), 1u);
    const Json atlas = json_of(morula({"info", "s.atlas", "--json"}));
    EXPECT_EQ(atlas["datasets"].size(), 1u) << "the same counts are stored once";
    EXPECT_EQ(atlas["nnz"], before["nnz"]);
    EXPECT_EQ(atlas["datasets"][0]["id"], again["datasets"][0]["id"]) << "the content id";
    EXPECT_EQ(atlas["datasets"][0]["counts_id"].get<std::string>().size(), 32u);
    EXPECT_NE(morula({"info", "s.atlas"}).out.find(again["datasets"][0]["id"].get<std::string>()), std::string::npos);
    EXPECT_EQ(json_of(morula({"verify", "s.atlas", "--json"}))["ok"], true);
    EXPECT_EQ(morula({"export", "s.atlas", "--out", "b.h5ad"}).status, 0);
    const Json after = json_of(morula({"info", "b.h5ad", "--json"}));
    EXPECT_EQ(after["nnz"], before["nnz"]);
    EXPECT_EQ(after["n_cells"], 300);
}

TEST_F(CliTest, verify_names_a_damaged_file) {
    make_sample("a.h5ad", "200");
    ASSERT_EQ(morula({"ingest", "a.h5ad", "--atlas", "s.atlas"}).status, 0);
    fs::path victim;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "s.atlas" / "datasets")) {
        if (entry.is_regular_file() && entry.path().string().find("/X/data/") != std::string::npos && entry.path().filename() != "zarr.json") victim = entry.path();
    }
    ASSERT_FALSE(victim.empty());
    std::string bytes = read_text_file(victim, 1 << 26);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    write_text_file(victim, bytes);
    const Outcome refused = morula({"export", "s.atlas", "--out", "b.h5ad"});
    EXPECT_EQ(refused.status, 2);
    EXPECT_NE(refused.err.find("a.h5ad' again"), std::string::npos) << refused.err;
    const Outcome verified = morula({"verify", "s.atlas", "--json"});
    EXPECT_EQ(verified.status, 2) << "so that `morula verify s.atlas && ...` stops";
    const Json report = Json::parse(verified.out);
    EXPECT_EQ(report["ok"], false);
    ASSERT_FALSE(report["damage"].empty());
    EXPECT_NE(report["damage"][0]["file"].get<std::string>().find("X/data"), std::string::npos);
}

TEST_F(CliTest, steps_follow_one_another_by_files) {
    make_sample("a.h5ad", "300");
    const std::vector<std::vector<std::string>> chain = {{"qc", "a.h5ad", "--out", "qc.h5ad"},         {"filter", "qc.h5ad", "--out", "kept.h5ad"},  {"normalize", "kept.h5ad", "--out", "log.h5ad"},
                                                         {"hvg", "log.h5ad", "--n-top", "500", "--out", "hvg.h5ad"}, {"pca", "hvg.h5ad", "--out", "pca.h5ad"}, {"neighbors", "pca.h5ad", "--out", "graph.h5ad"},
                                                         {"leiden", "graph.h5ad", "--out", "clusters.h5ad"}, {"umap", "clusters.h5ad", "--out", "map.h5ad"}, {"markers", "map.h5ad", "--out", "markers.h5ad"}};
    for (const auto& words : chain) {
        const Outcome outcome = morula(words);
        ASSERT_EQ(outcome.status, 0) << words[0] << ": " << outcome.err;
    }
    const Json last = json_of(morula({"info", "markers.h5ad", "--json"}));
    const auto obs = last["obs"].get<std::vector<std::string>>();
    EXPECT_NE(std::find(obs.begin(), obs.end(), "leiden"), obs.end());
    const Outcome early = morula({"leiden", "pca.h5ad", "--out", "no.h5ad"});
    EXPECT_EQ(early.status, 3);
    EXPECT_NE(early.err.find("morula neighbors"), std::string::npos) << early.err;
    EXPECT_FALSE(fs::exists(folder_ / "no.h5ad"));
}

TEST_F(CliTest, doublets_writes_its_table) {
    make_sample("a.h5ad", "300");
    const Outcome outcome = morula({"doublets", "a.h5ad", "--out", "doublets.csv"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(read_text_file(folder_ / "doublets.csv", 1 << 20).rfind("cell,score,call\n", 0), 0u);
}

TEST_F(CliTest, an_interrupt_ends_with_130_and_resume_goes_on) {
    make_sample("a.h5ad", "1500");
    const pid_t child = start({"run", "a.h5ad", "--out", "out", "--threads", "1"});
    while (!fs::exists(folder_ / "out" / "run.json")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ::kill(child, SIGINT);
    const Outcome stopped = finish(child);
    EXPECT_EQ(stopped.status, 130) << stopped.err;
    EXPECT_FALSE(fs::exists(folder_ / "out" / "report.html"));
    const Outcome resumed = morula({"run", "--resume", "--out", "out"});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_TRUE(fs::exists(folder_ / "out" / "report.html"));
}

TEST_F(CliTest, a_killed_run_leaves_a_store_that_opens_and_resumes) {
    make_sample("a.h5ad", "1500");
    for (const int wait_ms : {30, 200, 600}) {
        const pid_t child = start({"run", "a.h5ad", "--out", "out", "--threads", "1"});
        std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
        ::kill(child, SIGKILL);
        finish(child);
        if (fs::exists(folder_ / "out" / "data.atlas" / "CURRENT")) {
            EXPECT_EQ(json_of(morula({"verify", "out/data.atlas", "--json"}))["ok"], true);
        }
        // A quick machine may have come that far: then the file is whole.
        if (fs::exists(folder_ / "out" / "cells.h5ad")) {
            EXPECT_EQ(morula({"info", "out/cells.h5ad"}).status, 0);
        }
    }
    EXPECT_EQ(morula({"run", "a.h5ad", "--out", "out"}).status, 0);
    EXPECT_TRUE(fs::exists(folder_ / "out" / "report.html"));
}

TEST_F(CliTest, two_runs_into_one_folder_do_not_mix) {
    make_sample("a.h5ad", "1500");
    const pid_t first = start({"run", "a.h5ad", "--out", "out", "--threads", "1"});
    while (!fs::exists(folder_ / "out" / "data.atlas" / "CURRENT")) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const pid_t second = start({"run", "a.h5ad", "--out", "out", "--threads", "1"});
    int status = 0;
    ::waitpid(second, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 5) << "the second writer is told to wait";
    EXPECT_EQ(finish(first).status, 0);
    EXPECT_EQ(Json::parse(read_text_file(folder_ / "out" / "run.json", 1 << 24))["status"], "finished");
}

TEST_F(CliTest, a_name_of_two_words_wins_over_its_first_word_which_stays_a_command) {
    EXPECT_EQ(json_of(morula({"generate", "--cells", "5", "--genes", "500", "--out", "one.h5ad", "--json"}))["n_cells"], 5);
    const Json cohort = json_of(morula({"generate", "cohort", "--donors", "4", "--cells", "20", "--genes", "1000", "--cells-sd", "0", "--clone-donors", "1", "--followed", "1", "--out", "two.h5ad", "--json"}));
    EXPECT_EQ(cohort["n_cells"], 100);
    EXPECT_EQ(cohort["n_diseased"], 2);
    EXPECT_EQ(cohort["n_clones"], 3);
    const Outcome info = morula({"info", "two.h5ad"});
    for (const char* word : {"condition", "donor", "true_type", "true_clone", "chromosome"}) EXPECT_NE(info.out.find(word), std::string::npos) << word << info.out;
    for (const std::vector<std::string>& help : {std::vector<std::string>{"generate", "cohort", "--help"}, {"help", "generate", "cohort"}}) {
        const Outcome said = morula(help);
        EXPECT_EQ(said.status, 0);
        EXPECT_NE(said.out.find("--donors"), std::string::npos);
        EXPECT_NE(said.out.find("morula generate cohort --out PATH"), std::string::npos) << said.out;
    }
    EXPECT_NE(morula({"help", "generate"}).out.find("--empty-droplets"), std::string::npos);
    for (const std::vector<std::string>& typo : {std::vector<std::string>{"generate", "cohrt", "--out", "x.h5ad"}, {"genrate", "cohort"}}) {
        const Outcome said = morula(typo);
        EXPECT_EQ(said.status, 64);
        EXPECT_NE(said.err.find("Did you mean `morula generate cohort`?"), std::string::npos) << said.err;
    }
    EXPECT_NE(morula({"generate", "cohort", "--donor", "3"}).err.find("Did you mean --donors?"), std::string::npos);
}

TEST_F(CliTest, completion_and_doctor_answer) {
    const Outcome bash = morula({"completion", "bash"});
    EXPECT_EQ(bash.status, 0);
    EXPECT_NE(bash.out.find("complete -o filenames -F _morula morula"), std::string::npos);
    EXPECT_NE(bash.out.find("generate) names=\"cohort\" ;;"), std::string::npos);
    EXPECT_LT(bash.out.find("\"generate cohort \"*)"), bash.out.find("\"generate \"*)")) << "the longer name is looked for first";
    const Json doctor = json_of(morula({"doctor", "--json"}));
    EXPECT_GE(doctor["threads"], 1);
    EXPECT_EQ(morula({"version"}).status, 0);
}

}  // namespace
}  // namespace morula
