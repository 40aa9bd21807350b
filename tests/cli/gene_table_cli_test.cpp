// `morula knowledge add --kind genes` and --gene-table as a user meets them: a matrix of Ensembl ids, sets of symbols.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "tests/cli/program_test.hpp"

namespace morula {
namespace {

using Json = nlohmann::json;
using test::Outcome;

constexpr int kGenes = 300;

std::string id(int gene) { return "ENSG00000" + std::to_string(100000 + gene); }
std::string symbol(int gene) { return "SYM" + std::to_string(gene); }

class GeneTableCliTest : public test::ProgramTest {
protected:
    void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
    /// Made-up counts with genes in rows under their ids; the first 20 genes are high in half of the cells.
    void write_counts() const {
        std::string text = "gene";
        for (int cell = 0; cell < 40; ++cell) text += ",cell" + std::to_string(cell);
        for (int gene = 0; gene < kGenes; ++gene) {
            text += "\n" + id(gene);
            for (int cell = 0; cell < 40; ++cell) text += "," + std::to_string((gene * 7 + cell * 13) % 5 + (gene < 20 && cell < 20 ? 10 : 0));
        }
        write("counts.csv", text + "\n");
    }
    /// HGNC's columns; gene 1 was called OLD1 before, and so on, but genes 2 and 3 were both called TWICE.
    void write_genes() const {
        std::string text = "hgnc_id\tsymbol\talias_symbol\tprev_symbol\tensembl_gene_id\n";
        for (int gene = 0; gene < kGenes; ++gene) {
            text += "HGNC:" + std::to_string(gene) + "\t" + symbol(gene) + "\tALIAS" + std::to_string(gene) + "\t" + (gene == 2 || gene == 3 ? "TWICE" : "OLD" + std::to_string(gene)) + "\t" + id(gene) + "\n";
        }
        write("hgnc.txt", text);
    }
    static std::string set_of(const std::string& name, const std::function<std::string(int)>& gene) {
        std::string line = name + "\tx";
        for (int i = 0; i < 20; ++i) line += "\t" + gene(i);
        return line + "\n";
    }
    Outcome score(const std::string& sets, const std::string& out, std::vector<std::string> more) const {
        std::vector<std::string> arguments{"programmes", "counts.csv", "--sets", sets, "--out", out};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return morula(arguments);
    }
    std::string cells(const std::string& out) const { return read_text_file(folder_ / (out + "/cells.csv"), 1 << 24); }
};

TEST_F(GeneTableCliTest, sets_of_symbols_find_the_genes_of_a_matrix_of_ids) {
    write_counts();
    write_genes();
    write("ids.gmt", set_of("first", id));
    write("symbols.gmt", set_of("first", symbol));
    write("old.gmt", set_of("first", [](int gene) { return gene == 3 ? "TWICE" : (gene % 2 == 0 ? "ALIAS" : "OLD") + std::to_string(gene); }));
    expect_refused(score("symbols.gmt", "out", {}), 2, "--gene-table");
    const Outcome added = morula({"knowledge", "add", "hgnc.txt", "--to", "knowledge", "--licence", "CC0", "--json"});
    ASSERT_EQ(added.status, 0) << added.err;
    const Json record = Json::parse(added.out);
    EXPECT_EQ(record["kind"], "genes") << "found by looking";
    EXPECT_EQ(record["n_genes"], kGenes);
    EXPECT_EQ(record["n_ambiguous"], 1);
    const Json beside = Json::parse(read_text_file(folder_ / "knowledge/genes.json", 1 << 20));
    EXPECT_EQ(beside["licence"], "CC0");
    EXPECT_EQ(beside["source"], "hgnc.txt");
    EXPECT_EQ(beside["source_xxh3_128"].get<std::string>().size(), 32U);

    ASSERT_EQ(score("ids.gmt", "by_id", {}).status, 0);
    for (const std::string table : {"knowledge", "hgnc.txt"}) {
        for (const std::string sets : {"symbols.gmt", "old.gmt"}) {
            const Outcome outcome = score(sets, "mapped", {"--gene-table", table});
            ASSERT_EQ(outcome.status, 0) << outcome.err;
            const bool all = sets == "symbols.gmt";
            EXPECT_EQ(cells("mapped") == cells("by_id"), all);
            EXPECT_NE(outcome.err.find(all ? "20 more genes" : "19 more genes"), std::string::npos) << outcome.err;  // TWICE stands for two genes
        }
    }
    expect_refused(score("symbols.gmt", "out", {"--gene-table", "symbols.gmt"}), 2, "symbols.gmt");
    expect_refused(score("symbols.gmt", "out", {"--gene-table", "nothing"}), 3, "nothing");
}

TEST_F(GeneTableCliTest, positions_by_symbol_place_genes_by_id) {
    write_counts();
    write_genes();
    std::string positions;
    for (int gene = 0; gene < kGenes; ++gene) positions += symbol(gene) + "\tchr" + std::to_string(1 + gene / 100) + "\t" + std::to_string(1000 * gene + 1) + "\t" + std::to_string(1000 * gene + 500) + "\n";
    write("order.tsv", positions);
    expect_refused(morula({"cnv", "counts.csv", "--gene-order", "order.tsv", "--out", "out"}), 2, "--gene-table");
    const Outcome placed = morula({"cnv", "counts.csv", "--gene-order", "order.tsv", "--gene-table", "hgnc.txt", "--out", "cnv"});
    EXPECT_NE(placed.err.find("300 more genes have a place"), std::string::npos) << placed.err;
}

}  // namespace
}  // namespace morula
