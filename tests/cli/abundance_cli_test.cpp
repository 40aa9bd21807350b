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
    expect_refused(morula({"abundance", "good.csv", "--condition", "conditon", "--case", "a", "--control", "b", "--donor", "donor", "--out", "out"}), 3, "Did you mean 'condition'?");
    expect_refused(morula({"abundance", "good.csv", "--condition", "condition", "--case", "disease", "--control", "healthy", "--donor", "donor", "--out", "out"}), 3, "no value 'disease'");
    expect_refused(compare("good.csv", {"--reference", "Tt"}), 3, "no such cell type");
    write("text.csv", header + "s1,d1,healthy,b1,50,60,70\ns2,d2,diseased,b1,50,many,70\n");
    expect_refused(compare("text.csv", {}), 2, "column 'T'");
    expect_refused(morula({"abundance", "good.csv", "--condition", "condition", "--case", "diseased", "--control", "healthy", "--donor", "condition", "--out", "out"}), 64, "both name 'condition'");
    write("both.csv", header + "s1,d1,healthy,b1,50,60,70\ns2,d1,diseased,b1,40,60,80\ns3,d3,healthy,b1,55,66,71\n");
    expect_refused(compare("both.csv", {"--design", "unpaired"}), 2, "Donor 'd1' has both");
    expect_refused(compare("good.csv", {"--design", "paired"}), 2, "No donor has both");
    // Fewer than three donors: all numbers but fdr, and why.
    write("few.csv", header + "s1,d1,healthy,b1,50,60,70\ns2,d2,healthy,b1,40,60,80\ns3,d3,diseased,b1,55,66,71\ns4,d4,diseased,b1,53,66,71\n");
    ASSERT_EQ(compare("few.csv", {}).status, 0);
    const auto row = rows_by_name(folder_ / "out/abundance.csv").at("B");
    EXPECT_EQ(row[10], "");
    EXPECT_NE(row[8], "");
    EXPECT_NE(row[14].find("exploratory"), std::string::npos);
}

}  // namespace
}  // namespace morula
