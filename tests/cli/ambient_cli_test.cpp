// `morula ambient` as a user meets it: made-up cells with a known share of ambient RNA, real cells, and what is refused.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/cli/program_test.hpp"
#include "tests/support/real_data.hpp"

namespace morula {
namespace {

using Json = nlohmann::json;
using test::Outcome;

class AmbientCliTest : public test::ProgramTest {
protected:
    void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
    /// 1,500 made-up cells of 4 types in one capture, 10 genes of each type silent elsewhere.
    void make_cells(const std::string& name, const std::string& fraction, std::vector<std::string> more) const {
        std::vector<std::string> arguments{"generate", "--cells", "1500", "--genes", "2000", "--types", "4", "--rare-types", "0", "--continuum-fraction", "0", "--mean-counts", "4000", "--damaged-fraction", "0",
                                           "--own-genes", "10", "--ambient-fraction", fraction, "--seed", "7", "--out", name};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Outcome made = morula(arguments);
        ASSERT_EQ(made.status, 0) << made.err;
    }
    /// The genes that only one type expresses, as a table of markers.
    void write_own_genes(const std::string& name) const {
        std::string text = "type,gene\n";
        for (int type = 1; type <= 4; ++type) {
            for (int gene = 1; gene <= 10; ++gene) text += "own" + std::to_string(type) + ",TYPE0" + std::to_string(type) + "-OWN" + (gene < 10 ? "00" : "0") + std::to_string(gene) + "\n";
        }
        write(name, text);
    }
    Json look(const std::string& input, std::vector<std::string> more) const {
        std::vector<std::string> arguments{"ambient", input, "--out", "out", "--json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Outcome outcome = morula(arguments);
        EXPECT_EQ(outcome.status, 0) << outcome.err;
        return outcome.status == 0 ? Json::parse(outcome.out) : Json();
    }
};

TEST_F(AmbientCliTest, a_planted_share_is_met_with_marker_sets_and_bounded_without) {
    write_own_genes("own.csv");
    for (const double planted : {0.05, 0.1, 0.2}) {
        make_cells("cells.h5ad", std::to_string(planted), {});
        const Json by_sets = look("cells.h5ad", {"--clusters", "true_type", "--markers", "own.csv"})["samples"][0];
        EXPECT_EQ(by_sets["from"], "marker sets");
        EXPECT_EQ(by_sets["status"], "estimated");
        EXPECT_EQ(by_sets["profile"], "all cells");
        EXPECT_EQ(by_sets["n_genes"], 40);
        EXPECT_NEAR(by_sets["fraction"].get<double>(), planted, 0.1 * planted + 0.005) << planted;  // programmes are a tenth of the cells' RNA and none of the made-up soup
        EXPECT_LE(by_sets["low"].get<double>(), by_sets["fraction"].get<double>());
        EXPECT_GE(by_sets["high"].get<double>(), by_sets["fraction"].get<double>());
        EXPECT_TRUE(std::filesystem::exists(folder_ / "out/ambient_sets.csv"));
        const Json found = look("cells.h5ad", {"--clusters", "true_type"})["samples"][0];
        EXPECT_EQ(found["from"], "specific genes");
        EXPECT_NEAR(found["fraction"].get<double>(), planted, 0.05) << planted;
        EXPECT_LE(found["low"].get<double>(), planted);
        EXPECT_NE(found["status"].get<std::string>().find("at most"), std::string::npos);
        EXPECT_FALSE(std::filesystem::exists(folder_ / "out/ambient_sets.csv")) << "of the earlier run";
    }
}

TEST_F(AmbientCliTest, an_unfiltered_matrix_shows_its_soup_and_needs_no_clusters) {
    write_own_genes("own.csv");
    make_cells("raw.h5ad", "0.1", {"--empty-droplets", "4000", "--empty-counts", "40"});
    const Json own = look("raw.h5ad", {"--markers", "own.csv"})["samples"][0];
    EXPECT_EQ(own["profile"], "empty droplets");
    EXPECT_GT(own["n_empty"].get<int>(), 3500);
    EXPECT_NEAR(own["n_cells"].get<double>(), 1500, 15);
    EXPECT_NEAR(own["fraction"].get<double>(), 0.1, 0.02);
    // The same droplets for cells that were called before.
    ASSERT_EQ(morula({"call-cells", "raw.h5ad", "--out", "called.h5ad"}).status, 0);
    const Json beside = look("called.h5ad", {"--markers", "own.csv", "--unfiltered", "raw.h5ad"})["samples"][0];
    EXPECT_EQ(beside["fraction"], own["fraction"]);
    EXPECT_EQ(beside["n_empty"], own["n_empty"]);
    // Flags and expected shares.
    bool flagged = false;
    for (const auto& row : test::rows_of(folder_ / "out/ambient_genes.csv")) flagged = flagged || (row[1].find("-OWN") != std::string::npos && row[5] == "true" && row[7] != "");
    EXPECT_TRUE(flagged);
}

TEST_F(AmbientCliTest, two_captures_are_looked_at_one_by_one_and_the_answer_does_not_depend_on_threads) {
    write_own_genes("own.csv");
    make_cells("two.h5ad", "0.1", {"--donors", "2"});
    const Json one = look("two.h5ad", {"--clusters", "true_type", "--markers", "own.csv", "--threads", "1"});
    const std::string genes = read_text_file(folder_ / "out/ambient_genes.csv", 1 << 26);
    const Json four = look("two.h5ad", {"--clusters", "true_type", "--markers", "own.csv", "--threads", "4"});
    EXPECT_EQ(one.dump(), four.dump());
    EXPECT_EQ(genes, read_text_file(folder_ / "out/ambient_genes.csv", 1 << 26));
    ASSERT_EQ(one["samples"].size(), 2U);
    EXPECT_EQ(one["samples"][0]["n_cells"].get<int>() + one["samples"][1]["n_cells"].get<int>(), 1500);
    for (const Json& sample : one["samples"]) EXPECT_NEAR(sample["fraction"].get<double>(), 0.1, 0.02);
    const std::string before = read_text_file(folder_ / "two.h5ad", 1 << 28);
    look("two.h5ad", {"--clusters", "donor"});
    EXPECT_EQ(read_text_file(folder_ / "two.h5ad", 1 << 28), before) << "counts are never changed";
}

TEST_F(AmbientCliTest, where_nothing_can_be_told_there_is_no_number_and_why) {
    write_own_genes("own.csv");
    make_cells("cells.h5ad", "0.1", {});
    const Json one_type = look("cells.h5ad", {"--clusters", "donor"})["samples"][0];
    EXPECT_TRUE(one_type["fraction"].is_null());
    EXPECT_NE(one_type["status"].get<std::string>().find("three are needed"), std::string::npos) << one_type;
    const Json with_sets = look("cells.h5ad", {"--clusters", "donor", "--markers", "own.csv"})["samples"][0];
    EXPECT_TRUE(with_sets["fraction"].is_null()) << "one cluster expresses all sets";
    EXPECT_EQ(test::rows_of(folder_ / "out/ambient.csv")[1][3], "");
    write("missing.csv", "type,gene\nown1,TYPE01-OWN001\nown1,TYPE01-OWN002\nown1,HBB\nred,HBA1\n");
    const Outcome missing = morula({"ambient", "cells.h5ad", "--clusters", "true_type", "--markers", "missing.csv", "--out", "out"});
    EXPECT_EQ(missing.status, 0) << missing.err;
    EXPECT_NE(missing.err.find("2 of its genes were not measured in cells.h5ad: HBA1, HBB"), std::string::npos) << missing.err;
    EXPECT_NE(missing.err.find("sets without a measured gene are left out: red"), std::string::npos) << missing.err;
}

TEST_F(AmbientCliTest, what_cannot_be_looked_at_is_refused_with_the_next_step) {
    write_own_genes("own.csv");
    make_cells("cells.h5ad", "0.1", {});
    expect_refused(morula({"ambient", "cells.h5ad", "--clusters", "true_typ", "--out", "out"}), 3, "Did you mean 'true_type'?");
    expect_refused(morula({"ambient", "cells.h5ad", "--clusters", "true_ambient_fraction", "--out", "out"}), 2, "name no cell types");
    expect_refused(morula({"ambient", "cells.h5ad", "--clusters", "true_type", "--sample", "sampel", "--out", "out"}), 3, "Did you mean 'sample'?");
    expect_refused(morula({"ambient", "cells.h5ad", "--clusters", "true_type", "--unfiltered", "sampel=cells.h5ad", "--unfiltered", "x=cells.h5ad", "--out", "out"}), 3, "no sample 'sampel'");
    write("other.csv", "type,gene\nB,MS4A1\n");
    expect_refused(morula({"ambient", "cells.h5ad", "--clusters", "true_type", "--markers", "other.csv", "--out", "out"}), 2, "0 of its 1 genes");
    ASSERT_EQ(morula({"normalize", "cells.h5ad", "--out", "log.h5ad"}).status, 0);
    expect_refused(morula({"ambient", "log.h5ad", "--layer", "X", "--clusters", "true_type", "--out", "out"}), 2, "X");
    ASSERT_EQ(morula({"generate", "--cells", "30", "--genes", "500", "--out", "few.h5ad"}).status, 0);
    expect_refused(morula({"ambient", "few.h5ad", "--out", "out"}), 2, "--clusters");
    make_cells("raw.h5ad", "0.1", {"--empty-droplets", "4000"});
    expect_refused(morula({"ambient", "raw.h5ad", "--unfiltered", "raw.h5ad", "--out", "out"}), 64, "its own empty droplets");
}

/// No open unfiltered matrix is at hand: PBMC3k is filtered, so the soup is that of its cells.
TEST_F(AmbientCliTest, blood_by_marker_sets_of_its_types) {
    MORULA_REAL_DATA(folder, "pbmc3k");
    write("blood.gmt", "B\tx\tMS4A1\tCD79A\tCD79B\nmonocyte\tx\tLYZ\tS100A8\tS100A9\tCST3\nplatelet\tx\tPF4\tPPBP\nNK\tx\tGNLY\tPRF1\tGZMB\n");
    const Json found = look((folder / "pbmc3k_raw.h5ad").string(), {"--clusters", "classified", "--markers", "blood.gmt"})["samples"][0];
    EXPECT_EQ(found["status"], "estimated") << found;
    EXPECT_GT(found["fraction"].get<double>(), 0.005);
    EXPECT_LT(found["fraction"].get<double>(), 0.08);
}

}  // namespace
}  // namespace morula
