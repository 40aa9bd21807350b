#include "morula/knowledge/gene_table.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/real_data.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::knowledge {
namespace {

class GeneTableTest : public testing::Test {
protected:
    GeneTable read(const std::string& text) const {
        std::ofstream(folder_ / "genes.txt") << text;
        return read_gene_table(folder_ / "genes.txt", *context_);
    }
    std::string refusal(const std::string& text) const {
        return test::error_text([&] { read(text); });
    }
    /// "SYMBOL rank", "ambiguous" or "".
    static std::string told(const GeneTable& table, const std::string& name) {
        const GeneMatch match = table.find(name);
        if (match.gene == kAmbiguous) return "ambiguous";
        if (match.gene < 0) return "";
        return table.genes()[static_cast<std::size_t>(match.gene)].symbol + " " + std::to_string(static_cast<int>(match.rank));
    }

    test::TemporaryFolder folder_;
    std::unique_ptr<Context> context_ = test::make_context(1);
};

// As HGNC's complete set has them: more columns, quotes round several values.
constexpr const char* kHgnc =
    "hgnc_id\tsymbol\tname\talias_symbol\tprev_symbol\tentrez_id\tensembl_gene_id\tuniprot_ids\n"
    "HGNC:6025\tCXCL8\tC-X-C motif\t\"SCYB8|LUCT|IL-8\"\tIL8\t3576\tENSG00000169429\tP10145\n"
    "HGNC:1\tAAA1\tmade up\t\"SHARED|OLDB\"\t\"OLD|OLD1\"\t11\tENSG00000000011\t\n"
    "HGNC:2\tBBB1\tmade up\tSHARED\tOLD\t12\tENSG00000000012\t\n"
    "HGNC:3\tOLDB\tmade up\t\t\t13\t\t\n";

TEST_F(GeneTableTest, a_complete_set_knows_ids_symbols_previous_symbols_and_aliases) {
    const GeneTable table = read(kHgnc);
    EXPECT_EQ(table.genes().size(), 4U);
    EXPECT_EQ(told(table, "ENSG00000169429"), "CXCL8 0");
    EXPECT_EQ(told(table, "ENSG00000169429.11"), "CXCL8 0") << "the version does not count";
    for (const char* id : {"HGNC:6025", "3576", "P10145"}) EXPECT_EQ(told(table, id), "CXCL8 0");
    EXPECT_EQ(told(table, "CXCL8"), "CXCL8 1");
    EXPECT_EQ(told(table, "IL8"), "CXCL8 2");
    EXPECT_EQ(told(table, "IL-8"), "CXCL8 3");
    EXPECT_EQ(told(table, "OLD1"), "AAA1 2");
    EXPECT_EQ(told(table, "nothing"), "");
    EXPECT_EQ(told(table, ""), "");
}

TEST_F(GeneTableTest, names_of_two_genes_are_ambiguous_unless_one_bears_it_today) {
    const GeneTable table = read(kHgnc);
    EXPECT_EQ(told(table, "OLD"), "ambiguous");
    EXPECT_EQ(told(table, "SHARED"), "ambiguous");
    EXPECT_EQ(told(table, "OLDB"), "OLDB 1") << "an alias of AAA1, but the symbol of another gene";
    EXPECT_EQ(table.n_ambiguous(), 2);
}

TEST_F(GeneTableTest, rows_of_one_gene_are_joined_as_biomart_writes_them) {
    const GeneTable table = read("Gene stable ID\tGene name\tGene Synonym\nENSG00000000011\tAAA1\tx1\nENSG00000000011\tAAA1\tx2\nENSG00000000099\tAAA1\t\nENSG00000000012\t\ty\n");
    ASSERT_EQ(table.genes().size(), 1U) << "a gene without a symbol names nothing";
    EXPECT_EQ(table.genes()[0].ids, (std::vector<std::string>{"ENSG00000000011", "ENSG00000000099"}));
    EXPECT_EQ(table.genes()[0].aliases, (std::vector<std::string>{"x1", "x2"}));
    EXPECT_EQ(told(table, "ENSG00000000099"), "AAA1 0");
}

TEST_F(GeneTableTest, columns_without_a_header_and_a_gtf_are_told_by_looking) {
    EXPECT_EQ(told(read("ENSG00000000011\tAAA1\nENSG00000000012\tBBB1\n"), "ENSG00000000012"), "BBB1 0");
    EXPECT_EQ(told(read("AAA1,ENSG00000000011\nBBB1,ENSG00000000012\n"), "ENSG00000000012"), "BBB1 0") << "in either order";
    const GeneTable aliases = read("ENSG00000000011\tAAA1\tx|y\nENSG00000000012\tBBB1\t\n");
    EXPECT_EQ(told(aliases, "y"), "AAA1 3");
    const GeneTable features = read("ENSG00000000011\tAAA1\tGene Expression\nENSG00000000012\tBBB1\tGene Expression\n");
    EXPECT_EQ(told(features, "Gene Expression"), "") << "10x's kind of feature";
    const GeneTable gtf = read("#!genome-build x\n1\tHAVANA\tgene\t1\t9\t.\t+\t.\tgene_id \"ENSG00000000011.4\"; gene_name \"AAA1\";\n1\tHAVANA\texon\t1\t9\t.\t+\t.\tgene_id \"ENSG00000000013\"; gene_name \"C\";\n");
    EXPECT_EQ(told(gtf, "ENSG00000000011"), "AAA1 0");
    EXPECT_EQ(gtf.genes().size(), 1U);
}

TEST_F(GeneTableTest, what_is_written_reads_back_alone_and_from_its_folder) {
    const GeneTable table = read(kHgnc);
    write_gene_table(table, folder_ / "genes.tsv");
    for (const std::filesystem::path& path : {folder_ / "genes.tsv", folder_.path()}) {
        const GeneTable again = read_gene_table(path, *context_);
        ASSERT_EQ(again.genes().size(), table.genes().size());
        for (std::size_t i = 0; i < table.genes().size(); ++i) {
            EXPECT_EQ(again.genes()[i].symbol, table.genes()[i].symbol);
            EXPECT_EQ(again.genes()[i].ids, table.genes()[i].ids);
            EXPECT_EQ(again.genes()[i].other_ids, table.genes()[i].other_ids);
            EXPECT_EQ(again.genes()[i].previous, table.genes()[i].previous);
            EXPECT_EQ(again.genes()[i].aliases, table.genes()[i].aliases);
        }
        EXPECT_EQ(again.n_ambiguous(), 2);
    }
}

TEST_F(GeneTableTest, what_names_no_genes_is_refused_with_the_next_step) {
    EXPECT_TRUE(test::contains(refusal("gene_id\tbiotype\nE1\tx\n"), "has no column 'symbol'"));
    EXPECT_TRUE(test::contains(refusal("AAA1\nBBB1\n"), "1 column"));
    EXPECT_TRUE(test::contains(refusal("symbol\nAAA1\n"), "has a symbol and another name"));
    EXPECT_TRUE(test::contains(refusal(""), "is empty"));
    EXPECT_TRUE(test::contains(refusal("symbol\tids\nA\tE1\nB\n"), "line 3"));
    std::filesystem::create_directory(folder_ / "none");
    EXPECT_TRUE(test::contains(test::error_text([&] { read_gene_table(folder_ / "none", *context_); }), "knowledge add"));
    EXPECT_TRUE(GeneTable().empty());
    EXPECT_EQ(GeneTable().find("CXCL8").gene, -1);
}

TEST_F(GeneTableTest, published_tables_read_as_they_come) {
    MORULA_REAL_DATA(folder, "gene-annotation");
    const GeneTable gencode = read_gene_table(folder / "genes_homo_sapiens.csv.gz", *context_);
    EXPECT_EQ(told(gencode, "ENSG00000169429"), "CXCL8 0");
    EXPECT_GT(gencode.genes().size(), 30000U);
    const GeneTable entrez = read_gene_table(folder / "orghs_entrez_symbol_ensembl.tsv.gz", *context_);
    EXPECT_EQ(told(entrez, "3576"), "CXCL8 0");
    EXPECT_EQ(told(entrez, "ENSG00000169429"), "CXCL8 0");
}

}  // namespace
}  // namespace morula::knowledge
