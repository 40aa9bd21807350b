// `morula abundance` as a user meets it: the Kang donors, a made-up cohort, and what is refused.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/program_test.hpp"
#include "tests/support/real_data.hpp"

namespace morula {
namespace {

using Json = nlohmann::json;
using test::Outcome;

/// Rows of a CSV by the text of the first column.
std::map<std::string, std::vector<std::string>> rows_by_name(const std::filesystem::path& path) {
    std::map<std::string, std::vector<std::string>> rows;
    for (std::vector<std::string>& row : test::rows_of(path)) rows[row[0]] = row;
    return rows;
}

class AbundanceCliTest : public test::ProgramTest {
protected:
    void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
    Outcome compare(const std::string& input, std::vector<std::string> more) const {
        std::vector<std::string> arguments{"abundance", input, "--condition", "condition", "--case", "diseased", "--control", "healthy", "--donor", "donor", "--out", "out"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return morula(arguments);
    }
};

TEST_F(AbundanceCliTest, eight_donors_of_kang_equal_scipy) {
    MORULA_REAL_DATA(folder, "kang-ifnb");
    const Outcome outcome = morula({"abundance", (folder / "composition_count_ctrl.csv").string(), (folder / "composition_count_stim.csv").string(), "--derive", "condition=sample:^[a-z]+", "--derive", "donor=sample:[0-9]+", "--condition",
                                    "condition", "--case", "stim", "--control", "ctrl", "--donor", "donor", "--out", "kang", "--json"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const Json json = Json::parse(outcome.out);
    EXPECT_EQ(json["design"], "paired");
    EXPECT_EQ(json["n_case"], 8);
    EXPECT_EQ(json["least_p"], 2.0 / 256.0);
    EXPECT_EQ(json["exploratory"], false);
    // From scipy 1.18 by oracles/abundance.py: all eight donors lose CD14+ monocytes relative to the median type.
    std::ifstream fixture(std::string(MORULA_SOURCE_DIR) + "/tests/analysis/fixtures/abundance.csv");
    std::size_t n_compared = 0;
    for (std::string line; std::getline(fixture, line);) {
        if (line.rfind("type,kang,", 0) != 0) continue;
        std::vector<double> numbers;
        std::stringstream stream(line.substr(10));
        for (std::string field; std::getline(stream, field, ',');) numbers.push_back(std::stod(field));
        const Json& type = json["types"][static_cast<std::size_t>(numbers[0])];
        EXPECT_NEAR(type["log_ratio"].get<double>(), numbers[1], 1e-9) << line;
        EXPECT_NEAR(type["p"].get<double>(), numbers[3], 1e-9);
        EXPECT_NEAR(type["low"].get<double>(), numbers[4], 1e-6);
        ++n_compared;
    }
    EXPECT_EQ(n_compared, 8U);
    EXPECT_EQ(rows_by_name(folder_ / "kang/abundance.csv").at("CD14+ Monocytes")[13], "exact sign flips");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "kang/neighbourhoods.csv"));
}

/// The made-up cohort that no method can tell: every verb that compares conditions refuses it with the table, however the batch came to be known.
TEST_F(AbundanceCliTest, a_cohort_whose_condition_decides_the_batch_is_refused_unless_told_otherwise) {
    ASSERT_EQ(morula({"generate", "cohort", "--donors", "8", "--batches", "2", "--confounding", "1", "--cells", "150", "--genes", "600", "--out", "cells.h5ad"}).status, 0);
    write("sets.gmt", "SET\tmade up\tG1\tG2\n");
    write("pairs.csv", "ligand,receptor\nG1,G2\n");
    for (std::vector<std::string> words : {std::vector<std::string>{"de", "cells.h5ad", "--cell-type", "true_type"}, {"abundance", "cells.h5ad", "--cell-type", "true_type"}, {"communicate", "cells.h5ad", "--by", "true_type", "--interactions", "pairs.csv"},
                                           {"programmes", "cells.h5ad", "--sets", "sets.gmt", "--by", "true_type"}}) {
        words.insert(words.end(), {"--condition", "condition", "--case", "diseased", "--control", "healthy", "--donor", "donor", "--out", "out"});
        const Outcome refused = morula(words);
        EXPECT_EQ(refused.status, 2) << words[0];
        EXPECT_NE(refused.err.find("'condition' and 'batch' cannot be told apart"), std::string::npos) << words[0] << refused.err;
        EXPECT_NE(refused.err.find("batch-02"), std::string::npos) << "the table\n" << refused.err;
        EXPECT_NE(refused.err.find("--batch none"), std::string::npos) << refused.err;
        if (words[0] != "de" && words[0] != "abundance") continue;
        words.insert(words.end(), {"--batch", "none"});
        const Outcome made = morula(words);
        EXPECT_EQ(made.status, 0) << words[0] << made.err;
    }
}

/// Donors whose cells mix, as after integration; a change of state would show as neighbourhoods too.
TEST_F(AbundanceCliTest, a_made_up_cohort_gives_types_and_neighbourhoods) {
    ASSERT_EQ(morula({"generate", "cohort", "--donors", "12", "--cells", "250", "--genes", "1000", "--mean-counts", "1500", "--composition-effect", "1.5", "--state-types", "0", "--donor-sd", "0", "--sample-sd", "0", "--seed", "3", "--out", "cells.h5ad"}).status, 0);
    for (const std::vector<std::string>& step : {std::vector<std::string>{"normalize", "cells.h5ad", "--out", "n.h5ad"}, {"hvg", "n.h5ad", "--out", "v.h5ad"}, {"pca", "v.h5ad", "--out", "p.h5ad"}}) {
        const Outcome done = morula(step);
        ASSERT_EQ(done.status, 0) << done.err;
    }
    const Outcome outcome = compare("p.h5ad", {"--cell-type", "true_type", "--sample", "sample"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const auto types = rows_by_name(folder_ / "out/abundance.csv");
    EXPECT_LT(std::stod(types.at("type-02")[10]), 0.05);
    EXPECT_NEAR(std::stod(types.at("type-02")[4]), 1.5, 0.5);
    EXPECT_NEAR(std::stod(types.at("type-03")[4]), -1.5, 0.5);
    double planted_found = 0.0, planted = 0.0, others = 0.0, others_found = 0.0;
    for (const auto& [name, row] : rows_by_name(folder_ / "out/neighbourhoods.csv")) {
        if (name == "neighbourhood") continue;
        const bool is_planted = row[2] == "type-02" || row[2] == "type-03";
        (is_planted ? planted : others) += 1.0;
        (is_planted ? planted_found : others_found) += std::stod(row[10]) <= 0.05;
    }
    EXPECT_GT(planted, 10.0);
    EXPECT_GT(planted_found / planted, 0.7);
    EXPECT_LT(others_found / others, 0.1);
    EXPECT_NE(outcome.out.find("dissociation"), std::string::npos) << outcome.out;
    const std::string first = Json::parse(compare("p.h5ad", {"--cell-type", "true_type", "--threads", "1", "--json"}).out).dump();
    EXPECT_EQ(first, Json::parse(compare("p.h5ad", {"--cell-type", "true_type", "--threads", "4", "--json"}).out).dump());
}

TEST_F(AbundanceCliTest, a_type_of_the_diseased_alone_is_told) {
    std::string table = "sample,donor,condition,B,T,NK,new\n";
    for (int donor = 0; donor < 10; ++donor) {
        const std::string n = std::to_string(donor);
        table += "s" + n + ",d" + n + (donor < 4 ? ",diseased," : ",healthy,") + std::to_string(100 + donor * 7 % 11) + "," + std::to_string(200 + donor * 5 % 13) + "," + std::to_string(150 + donor * 3 % 7) + (donor < 4 ? ",126\n" : ",0\n");
    }
    write("new.csv", table);
    const Outcome outcome = compare("new.csv", {});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("new: in 4 of 4 diseased samples"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("and in none of 6 healthy"), std::string::npos);
    EXPECT_EQ(outcome.out.find("0 of 4 types differ"), std::string::npos);
    const auto row = rows_by_name(folder_ / "out/abundance.csv").at("new");
    EXPECT_EQ(row[14], "tested");
    EXPECT_LE(std::stod(row[10]), 0.05);
    EXPECT_EQ(row[15], "4");
    EXPECT_EQ(row[16], "0");
}

TEST_F(AbundanceCliTest, what_cannot_be_compared_is_refused_with_the_next_step) {
    const std::string header = "sample,donor,condition,batch,B,T,NK\n";
    write("one.csv", header + "s1,d1,healthy,b1,50,60,70\ns2,d1,diseased,b1,50,60,70\n");
    expect_refused(compare("one.csv", {}), 2, "one donor");
    write("each.csv", header + "s1,d1,healthy,b1,50,60,70\ns2,d2,diseased,b1,50,60,70\n");
    expect_refused(compare("each.csv", {}), 2, "one donor in each condition");
    write("same.csv", header + "s1,d1,healthy,b1,50,60,70\ns2,d2,healthy,b1,50,60,70\n");
    expect_refused(compare("same.csv", {}), 2, "only one value, 'healthy'");
    write("good.csv", header + "s1,d1,healthy,b1,50,60,70\ns2,d2,healthy,b1,40,60,80\ns3,d3,healthy,b1,55,66,71\ns4,d4,diseased,b2,50,60,70\ns5,d5,diseased,b2,60,61,77\ns6,d6,diseased,b2,51,64,72\n");
    expect_refused(compare("good.csv", {"--batch", "batch"}), 2, "cannot be told apart");
    EXPECT_NE(compare("good.csv", {"--batch", "batch"}).err.find("b2"), std::string::npos) << "the table shows it";
    expect_refused(compare("good.csv", {}), 2, "--batch none");
    expect_refused(morula({"abundance", "good.csv", "--condition", "conditon", "--case", "a", "--control", "b", "--donor", "donor", "--out", "out"}), 3, "Did you mean 'condition'?");
    expect_refused(morula({"abundance", "good.csv", "--condition", "condition", "--case", "disease", "--control", "healthy", "--donor", "donor", "--out", "out"}), 3, "no value 'disease'");
    expect_refused(compare("good.csv", {"--batch", "none", "--reference", "Tt"}), 3, "no such cell type");
    write("text.csv", header + "s1,d1,healthy,b1,50,60,70\ns2,d2,diseased,b1,50,many,70\n");
    expect_refused(compare("text.csv", {}), 2, "column 'T'");
    expect_refused(morula({"abundance", "good.csv", "--condition", "condition", "--case", "diseased", "--control", "healthy", "--donor", "condition", "--out", "out"}), 64, "both name 'condition'");
    write("both.csv", header + "s1,d1,healthy,b1,50,60,70\ns2,d1,diseased,b1,40,60,80\ns3,d3,healthy,b1,55,66,71\n");
    expect_refused(compare("both.csv", {"--design", "unpaired"}), 2, "Donor 'd1' has both");
    expect_refused(compare("good.csv", {"--batch", "none", "--design", "paired"}), 2, "No donor has both");
    // Fewer than three donors: all numbers but fdr, and why.
    write("few.csv", header + "s1,d1,healthy,b1,50,60,70\ns2,d2,healthy,b1,40,60,80\ns3,d3,diseased,b1,55,66,71\ns4,d4,diseased,b1,53,66,71\n");
    ASSERT_EQ(compare("few.csv", {}).status, 0);
    const auto row = rows_by_name(folder_ / "out/abundance.csv").at("B");
    EXPECT_EQ(row[10], "");
    EXPECT_NE(row[8], "");
    EXPECT_NE(row[14].find("exploratory"), std::string::npos);
    EXPECT_EQ(compare("good.csv", {"--batch", "none"}).status, 0) << "the user knows better";
}

}  // namespace
}  // namespace morula
