// `morula programmes` as a user meets it: gene sets, regulons, lists of differences, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <algorithm>
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
    std::string text_in(const std::string& name) const { return read_text_file(folder_ / name, 1 << 26); }
    std::string text_of(const std::string& name) const { return read_text_file(folder_ / "out" / name, 1 << 26); }
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

TEST_F(ProgrammesCliTest, regulons_of_low_confidence_take_no_part_unless_asked_for) {
    make_cohort("6");
    std::string table = "tf,confidence,target,mor\n";
    for (int factor = 0; factor < 4; ++factor) {
        for (int i = 0; i < 10; ++i) table += "TF-" + std::to_string(factor) + "," + "ACDE"[factor] + "," + gene(1 + 70 * factor + 3 * i) + ",1\n";
    }
    write("levels.csv", table);
    expect_refused(programmes({"--regulons", "levels.csv", "--confidence", "B"}), 3, "Name some of its levels: A,C,D,E");
    const Outcome known = programmes({"--regulons", "levels.csv", "--json"});
    ASSERT_EQ(known.status, 0) << known.err;
    EXPECT_EQ(Json::parse(known.out)["n_programmes"], 2);
    EXPECT_NE(text_of("run.json").find("20 of 40 lines are read, those of confidence A, B, C"), std::string::npos);
    EXPECT_EQ(Json::parse(programmes({"--regulons", "levels.csv", "--confidence", "A,C,D,E", "--json"}).out)["n_programmes"], 4);
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

TEST_F(ProgrammesCliTest, lists_of_genes_are_tested_for_programmes_they_are_rich_in) {
    make_cohort("6");
    const Outcome de = morula({"de", "cells.h5ad", "--condition", "condition", "--case", "diseased", "--control", "healthy", "--donor", "donor", "--cell-type", "true_type", "--out", "de"});
    ASSERT_EQ(de.status, 0) << de.err;
    // A set of genes that rose in the first type where any did, and every other compared gene as its background.
    const auto compared = rows_of(folder_ / "de/de.csv");
    const auto column = [&](const std::string& name) { return static_cast<std::size_t>(std::find(compared[0].begin(), compared[0].end(), name) - compared[0].begin()); };
    std::string type, background;
    std::vector<std::string> risen;
    for (std::size_t i = 1; i < compared.size(); ++i) {
        const auto& row = compared[i];
        if (row[column("fdr")].empty() || (!type.empty() && row[column("cell_type")] != type)) continue;
        if (std::stod(row[column("fdr")]) > 0.05 || std::stod(row[column("log2fc")]) < 0.0) continue;
        type = row[column("cell_type")];
        risen.push_back(row[column("gene")]);
    }
    ASSERT_GE(risen.size(), 5U) << "the test needs genes that rose";
    std::int64_t n_background = 0;
    for (std::size_t i = 1; i < compared.size(); ++i) {
        if (compared[i][column("cell_type")] != type || compared[i][column("p")].empty()) continue;
        background += compared[i][column("gene")] + "\n";
        ++n_background;
    }
    std::string set = "RISEN\tmade up", list;
    for (const std::string& name : risen) set += "\t" + name, list += name + "\n";
    write("risen.gmt", set + "\n" + text_in("sets.gmt"));
    const Outcome outcome = morula({"programmes", "--differences", "de/de.csv", "--sets", "risen.gmt", "--out", "out"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const auto rows = rows_of(folder_ / "out/overlap.csv");
    EXPECT_EQ(rows[0], (std::vector<std::string>{"cell_type", "list", "programme", "n_genes", "n_listed", "n_background", "n_both", "expected", "p", "fdr", "genes"}));
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row[0] == type && row[1] == "up" && row[2] == "RISEN"; });
    ASSERT_NE(found, rows.end());
    EXPECT_EQ((*found)[6], std::to_string(risen.size()));
    EXPECT_EQ((*found)[5], std::to_string(n_background));
    EXPECT_LT(std::stod((*found)[8]), 1e-5);
    EXPECT_NE(outcome.out.find("genes taken to be independent"), std::string::npos);

    // The same list by hand gives the same numbers.
    write("list.txt", list);
    write("background.txt", background);
    ASSERT_EQ(morula({"programmes", "--genes", "list.txt", "--background", "background.txt", "--sets", "risen.gmt", "--out", "by-hand"}).status, 0);
    const auto by_hand = rows_of(folder_ / "by-hand/overlap.csv");
    EXPECT_EQ(by_hand[1][2], "RISEN");
    for (const std::size_t i : {3U, 4U, 5U, 6U, 7U, 8U, 9U}) EXPECT_EQ(by_hand[1][i], (*found)[i]) << by_hand[0][i];
    EXPECT_FALSE(std::filesystem::exists(folder_ / "by-hand/enrichment.csv"));
}

TEST_F(ProgrammesCliTest, a_set_called_cell_is_a_column_of_its_own) {
    make_cohort("4");
    std::string sets = text_in("sets.gmt");
    sets.replace(0, 5, "cell");
    write("sets.gmt", sets);
    const Outcome outcome = programmes({"--sets", "sets.gmt"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const auto cells = rows_of(folder_ / "out/cells.csv");
    EXPECT_EQ(cells[0][0], "cell");
    EXPECT_EQ(cells[0][1], "cell-1");
    EXPECT_EQ(rows_of(folder_ / "out/groups.csv")[1][1], "cell") << "only the column is called otherwise";
    EXPECT_NE(outcome.err.find("-1, -2 behind them"), std::string::npos) << outcome.err;
}

TEST_F(ProgrammesCliTest, what_cannot_be_done_is_refused_with_the_next_step) {
    make_cohort("4");
    expect_refused(programmes({}), 64, "needs gene sets or regulons");
    expect_refused(programmes({"--sets", "sets.gmt", "--regulons", "regulons.csv"}), 64, "both given");
    expect_refused(programmes({"--regulons", "regulons.csv", "--method", "score"}), 64, "knows no weights");
    expect_refused(programmes({"--sets", "sets.gmt", "--confidence", "A"}), 64, "--confidence is of regulons");
    expect_refused(programmes({"--regulons", "regulons.csv", "--confidence", "A"}), 3, "has no column 'confidence'");
    expect_refused(morula({"programmes", "--sets", "sets.gmt", "--out", "out"}), 64, "needs cells or a list of differences");
    write("entrez.gmt", "A\t\t915\t925\t931\t4297\t5788\t919\n");
    expect_refused(programmes({"--sets", "entrez.gmt"}), 2, "The file has Entrez numbers such as '4297', the data set gene symbols such as 'GENE00001'");
    write("mouse.gmt", "A\t\tGene00001\tGene00002\tGene00003\tGene00004\tGene00005\n");
    expect_refused(programmes({"--sets", "mouse.gmt"}), 2, "human and mouse symbols");
    write("csv.gmt", "A,made up,GENE00001\n");
    expect_refused(programmes({"--sets", "csv.gmt"}), 2, "line 1: has 1 field between tabs");
    expect_refused(programmes({"--sets", "sets.gmt", "--min-genes", "100"}), 2, "no programme has 100 genes");
    expect_refused(morula({"programmes", "--differences", "de.csv", "--sets", "sets.gmt", "--by", "true_type", "--out", "out"}), 64, "--by says something of cells");
    expect_refused(morula({"programmes", "--genes", "list.txt", "--sets", "sets.gmt", "--out", "out"}), 64, "--genes needs --background");
    write("list.txt", "GENE00001\nGENE00002\nABC\n");
    write("background.txt", "GENE00001\nGENE00002\nGENE00003\n");
    expect_refused(morula({"programmes", "--genes", "list.txt", "--background", "background.txt", "--sets", "sets.gmt", "--out", "out"}), 2, "1 of 3 genes are not in background.txt (ABC)");
    write("wrong.csv", "gene,logFC\nGENE00001,1\n");
    expect_refused(morula({"programmes", "--differences", "wrong.csv", "--sets", "sets.gmt", "--out", "out"}), 2, "has no column 'cell_type'");
}

}  // namespace
}  // namespace morula
