// `morula communicate` as a user meets it: a made-up cohort, and what is refused.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/program_test.hpp"

namespace morula {
namespace {

using Json = nlohmann::json;
using test::gene;
using test::Outcome;
using test::rows_of;

class CommunicateCliTest : public test::ProgramTest {
protected:
    void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
    void make_cohort(const std::string& donors) const {
        const Outcome made = morula({"generate", "cohort", "--donors", donors, "--cells", "150", "--genes", "600", "--types", "6", "--mean-counts", "1500", "--seed", "2", "--out", "cells.h5ad"});
        ASSERT_EQ(made.status, 0) << made.err;
        // Every 20th gene with the next; every other receptor is a complex of two.
        std::string pairs = "ligand,receptor\n";
        for (int i = 1; i + 2 < 600; i += 20) pairs += gene(i) + "," + gene(i + 1) + (i % 40 == 1 ? "_" + gene(i + 2) : "") + "\n";
        write("pairs.csv", pairs + "GENE00001,NOT-MEASURED\n");
    }
    Outcome communicate(std::vector<std::string> more) const {
        std::vector<std::string> arguments{"communicate", "cells.h5ad", "--by", "true_type", "--interactions", "pairs.csv", "--out", "out", "--permutations", "200"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return morula(arguments);
    }
    static std::vector<std::string> contrast() { return {"--condition", "condition", "--case", "diseased", "--control", "healthy", "--donor", "donor"}; }
};

TEST_F(CommunicateCliTest, pairs_come_with_their_caveat_and_the_same_at_any_thread_count) {
    make_cohort("6");
    std::vector<std::string> arguments = contrast();
    arguments.insert(arguments.end(), {"--json", "--threads", "1"});
    const Outcome outcome = communicate(arguments);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const Json json = Json::parse(outcome.out);
    EXPECT_EQ(json["called"], "co-expressed known pairs");
    EXPECT_NE(json["caveat"].get<std::string>().find("not whether a protein is made"), std::string::npos);
    EXPECT_EQ(json["n_pairs"], 30);
    EXPECT_EQ(json["n_pairs_in_table"], 31);
    EXPECT_EQ(json["contrast"]["n_case"], 3);
    EXPECT_EQ(json["contrast"]["exploratory"], false);
    const auto rows = rows_of(folder_ / "out/interactions.csv");
    EXPECT_EQ(rows[0], (std::vector<std::string>{"interaction", "pathway", "ligand", "receptor", "sender", "receiver", "ligand_mean", "receptor_mean", "score", "ligand_fraction", "receptor_fraction", "cofactor_factor", "p", "fdr"}));
    ASSERT_EQ(rows.size(), json["n_co_expressed"].get<std::size_t>() + 1);
    ASSERT_GT(rows.size(), 50u);
    for (std::size_t i = 1; i < rows.size(); ++i) {
        EXPECT_NEAR(std::stod(rows[i][8]), 0.5 * (std::stod(rows[i][6]) + std::stod(rows[i][7])), 1e-12);
        EXPECT_GE(std::stod(rows[i][9]), 0.1);
        EXPECT_GE(std::stod(rows[i][12]), 1.0 / 201.0);
        if (i > 1) { EXPECT_GE(std::stod(rows[i][12]), std::stod(rows[i - 1][12])) << "sorted by p"; }
    }
    const auto compared = rows_of(folder_ / "out/contrast.csv");
    ASSERT_EQ(compared.size(), json["contrast"]["n_compared"].get<std::size_t>() + 1);
    ASSERT_GT(compared.size(), 50u);
    for (std::size_t i = 1; i < compared.size(); ++i) EXPECT_NEAR(std::stod(compared[i][8]), std::stod(compared[i][6]) - std::stod(compared[i][7]), 1e-9);
    const Json record = Json::parse(read_text_file(folder_ / "out/run.json", 1 << 20));
    EXPECT_EQ(record["command"], "communicate");
    EXPECT_NE(record["results"]["caveat"].get<std::string>().find("co-expressed known pairs"), std::string::npos);
    const std::string interactions = read_text_file(folder_ / "out/interactions.csv", 1 << 24);
    const std::string contrasts = read_text_file(folder_ / "out/contrast.csv", 1 << 24);
    arguments.back() = "4";
    ASSERT_EQ(communicate(arguments).status, 0);
    EXPECT_EQ(read_text_file(folder_ / "out/interactions.csv", 1 << 24), interactions);
    EXPECT_EQ(read_text_file(folder_ / "out/contrast.csv", 1 << 24), contrasts);
    const Outcome talk = communicate({});
    EXPECT_NE(talk.out.find("co-expressed known pairs, not measured signals"), std::string::npos) << talk.out;
}

TEST_F(CommunicateCliTest, two_donors_a_condition_rank_and_give_no_fdr) {
    make_cohort("4");
    ASSERT_EQ(communicate(contrast()).status, 0);
    const auto rows = rows_of(folder_ / "out/contrast.csv");
    ASSERT_GT(rows.size(), 10u);
    for (std::size_t i = 1; i < rows.size(); ++i) {
        EXPECT_EQ(rows[i][13], "") << "fdr";
        EXPECT_NE(rows[i][16].find("exploratory"), std::string::npos);
    }
}

TEST_F(CommunicateCliTest, what_cannot_be_done_is_refused_with_the_next_step) {
    make_cohort("4");
    expect_refused(communicate({"--condition", "condition", "--case", "diseased"}), 64, "also needs --control, --donor");
    expect_refused(morula({"communicate", "cells.h5ad", "--by", "cell_typ", "--interactions", "pairs.csv", "--out", "out"}), 3, "cell_typ");
    write("pairs.csv", "ligand,receptor\n915,925\n");
    expect_refused(communicate({}), 2, "Entrez numbers such as '915'");
    write("pairs.csv", "partner_a,partner_b\nP01137,complex:TGFbeta_receptor1\n");
    expect_refused(communicate({}), 2, "0 of its 2 genes");
    write("pairs.csv", "ligand,receptor\nGENE00001,NOT-MEASURED\n");
    expect_refused(communicate({}), 2, "of no pair all genes were measured");
    write("pairs.csv", "from,to\nGENE00001,GENE00002\n");
    expect_refused(communicate({}), 2, "has no column 'ligand'");
    write("pairs.csv", "ligand,receptor\nGENE00001,GENE00002\n");
    expect_refused(communicate({"--min-cells", "100000"}), 2, "0 cell types have");
    expect_refused(communicate({"--parts", "nowhere.csv"}), 3, "nowhere.csv");
}

}  // namespace
}  // namespace morula
