// `morula programmes` as a user meets it: gene sets, regulons, lists of differences, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/program_test.hpp"

namespace morula {
namespace {

using Json = nlohmann::json;
using test::Outcome;

std::string gene(int number) {
    std::string digits = std::to_string(number);
    return "GENE" + std::string(5 - digits.size(), '0') + digits;
}

std::vector<std::vector<std::string>> rows_of(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::vector<std::vector<std::string>> rows;
    for (std::string line; std::getline(in, line);) {
        rows.emplace_back();
        std::stringstream stream(line);
        for (std::string field; std::getline(stream, field, ',');) rows.back().push_back(field);
        rows.back().resize(std::max(rows.back().size(), rows.front().size()));
    }
    return rows;
}

class ProgrammesCliTest : public test::ProgramTest {
protected:
    void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
    void make_cohort(const std::string& donors) const {
        const Outcome made = morula({"generate", "cohort", "--donors", donors, "--cells", "150", "--genes", "600", "--types", "6", "--mean-counts", "1500", "--seed", "2", "--out", "cells.h5ad"});
        ASSERT_EQ(made.status, 0) << made.err;
        std::string sets, regulons = "source,target,weight\n";
        for (int set = 0; set < 8; ++set) {
            sets += "SET-" + std::to_string(set) + "\tmade up";
            for (int i = 0; i < 12; ++i) {
                const std::string name = gene(1 + 70 * set + 3 * i);
                sets += "\t" + name;
                regulons += "TF-" + std::to_string(set) + "," + name + "," + (i % 4 == 0 ? "-1" : "1") + "\n";
            }
            sets += "\n";
        }
        write("sets.gmt", sets + "SMALL\tleft out\tGENE00001\tGENE00002\n");
        write("regulons.csv", regulons);
    }
    Outcome programmes(std::vector<std::string> more) const {
        std::vector<std::string> arguments{"programmes", "cells.h5ad", "--out", "out"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return morula(arguments);
    }
    static std::vector<std::string> contrast(std::vector<std::string> more) {
        for (const char* word : {"--by", "true_type", "--condition", "condition", "--case", "diseased", "--control", "healthy", "--donor", "donor"}) more.emplace_back(word);
        return more;
    }
    std::string text_of(const std::string& name) const { return read_text_file(folder_ / "out" / name, 1 << 26); }
    void expect_refused(const Outcome& outcome, int status, const std::string& says) const {
        EXPECT_EQ(outcome.status, status) << outcome.err;
        EXPECT_NE(outcome.err.find(says), std::string::npos) << outcome.err;
        EXPECT_NE(outcome.err.find("Next: "), std::string::npos) << outcome.err;
        EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
    }
};

TEST_F(ProgrammesCliTest, gene_sets_are_scored_by_cell_and_compared_by_donor) {
    make_cohort("6");
    const Outcome outcome = programmes(contrast({"--sets", "sets.gmt", "--threads", "1", "--json"}));
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const Json json = Json::parse(outcome.out);
    EXPECT_EQ(json["method"], "score");
    EXPECT_EQ(json["n_programmes"], 8) << "SMALL has two genes";
    EXPECT_EQ(json["contrast_status"], "tested");
    const auto cells = rows_of(folder_ / "out/cells.csv");
    ASSERT_EQ(cells[0].size(), 9u);
    EXPECT_EQ(cells[0][1], "SET-0");
    const auto groups = rows_of(folder_ / "out/groups.csv");
    EXPECT_EQ(groups[0], (std::vector<std::string>{"cell_type", "programme", "n_genes", "n_cells", "mean", "sd", "method"}));
    EXPECT_EQ(groups.size(), 6u * 8u + 1u);
    double n_cells = 0.0;
    for (const auto& row : groups) n_cells += row[1] == "SET-0" ? std::stod(row[3]) : 0.0;
    EXPECT_EQ(n_cells, static_cast<double>(cells.size() - 1));
    // The contrast is of the donors' means, which stand in donors.csv.
    const auto donors = rows_of(folder_ / "out/donors.csv");
    const auto compared = rows_of(folder_ / "out/contrast.csv");
    EXPECT_EQ(compared[0], (std::vector<std::string>{"cell_type", "programme", "value_case", "value_control", "effect", "se", "low", "high", "p", "fdr", "n_case", "n_control", "status"}));
    ASSERT_GT(compared.size(), 20u);
    for (std::size_t i = 1; i < compared.size(); ++i) {
        double sum = 0.0, n = 0.0;
        for (const auto& row : donors) {
            if (row[1] != "diseased" || row[2] != compared[i][0] || row[3] != compared[i][1] || row[5].empty()) continue;
            sum += std::stod(row[5]);
            n += 1.0;
        }
        EXPECT_NEAR(std::stod(compared[i][2]), sum / n, 1e-9);
        EXPECT_EQ(compared[i][10], std::to_string(static_cast<int>(n)));
    }
    const std::string before[] = {text_of("cells.csv"), text_of("contrast.csv")};
    ASSERT_EQ(programmes(contrast({"--sets", "sets.gmt", "--threads", "4"})).status, 0);
    EXPECT_EQ(text_of("cells.csv"), before[0]);
    EXPECT_EQ(text_of("contrast.csv"), before[1]);
}

TEST_F(ProgrammesCliTest, regulons_are_fitted_by_ulm_and_mlm) {
    make_cohort("4");
    const Outcome outcome = programmes(contrast({"--regulons", "regulons.csv", "--json"}));
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(Json::parse(outcome.out)["method"], "ulm");
    const auto compared = rows_of(folder_ / "out/contrast.csv");
    ASSERT_GT(compared.size(), 8u);
    for (std::size_t i = 1; i < compared.size(); ++i) {
        EXPECT_EQ(compared[i][9], "") << "two donors a condition give no fdr";
        EXPECT_NE(compared[i][12].find("exploratory"), std::string::npos);
    }
    const std::string by_ulm = text_of("cells.csv");
    ASSERT_EQ(programmes({"--regulons", "regulons.csv", "--method", "mlm"}).status, 0);
    EXPECT_EQ(rows_of(folder_ / "out/groups.csv")[1][0], "all cells");
    EXPECT_NE(text_of("cells.csv"), by_ulm);
    ASSERT_EQ(programmes({"--regulons", "regulons.csv", "--cells-table", "no", "--out", "other"}).status, 0);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "other/cells.csv"));
}

TEST_F(ProgrammesCliTest, genes_of_a_comparison_are_tested_for_programmes) {
    make_cohort("6");
    const Outcome de = morula({"de", "cells.h5ad", "--condition", "condition", "--case", "diseased", "--control", "healthy", "--donor", "donor", "--cell-type", "true_type", "--out", "de"});
    ASSERT_EQ(de.status, 0) << de.err;
    const Outcome outcome = morula({"programmes", "--differences", "de/de.csv", "--sets", "sets.gmt", "--out", "out"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("correlation of 0.01"), std::string::npos) << outcome.out;
    const auto rows = rows_of(folder_ / "out/enrichment.csv");
    EXPECT_EQ(rows[0], (std::vector<std::string>{"cell_type", "programme", "n_genes", "effect", "t", "p", "fdr", "p_independent", "status"}));
    ASSERT_GT(rows.size(), 8u);
    for (std::size_t i = 1; i < rows.size(); ++i) {
        EXPECT_GE(std::stod(rows[i][5]), std::stod(rows[i][7])) << "correlated genes tell less";
        EXPECT_EQ(rows[i][6].empty(), rows[i][8] != "tested") << rows[i][8];
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out/cells.csv"));
}

TEST_F(ProgrammesCliTest, what_cannot_be_done_is_refused_with_the_next_step) {
    make_cohort("4");
    expect_refused(programmes({}), 64, "needs gene sets or regulons");
    expect_refused(programmes({"--sets", "sets.gmt", "--regulons", "regulons.csv"}), 64, "both given");
    expect_refused(programmes({"--regulons", "regulons.csv", "--method", "score"}), 64, "knows no weights");
    expect_refused(morula({"programmes", "--sets", "sets.gmt", "--out", "out"}), 64, "needs cells or a list of differences");
    write("entrez.gmt", "A\t\t915\t925\t931\t4297\t5788\t919\n");
    expect_refused(programmes({"--sets", "entrez.gmt"}), 2, "The file has Entrez numbers such as '4297', the data set gene symbols such as 'GENE00001'");
    write("mouse.gmt", "A\t\tGene00001\tGene00002\tGene00003\tGene00004\tGene00005\n");
    expect_refused(programmes({"--sets", "mouse.gmt"}), 2, "human and mouse symbols");
    write("csv.gmt", "A,made up,GENE00001\n");
    expect_refused(programmes({"--sets", "csv.gmt"}), 2, "line 1: has 1 field between tabs");
    expect_refused(programmes({"--sets", "sets.gmt", "--min-genes", "100"}), 2, "no programme has 100 genes");
    write("wrong.csv", "gene,logFC\nGENE00001,1\n");
    expect_refused(morula({"programmes", "--differences", "wrong.csv", "--sets", "sets.gmt", "--out", "out"}), 2, "has no column 'cell_type'");
}

}  // namespace
}  // namespace morula
