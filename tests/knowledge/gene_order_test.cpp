#include "morula/knowledge/gene_order.hpp"

#include <gtest/gtest.h>

#include "morula/core/file.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/real_data.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::knowledge {
namespace {

class GeneOrderFile : public testing::Test {
protected:
    std::filesystem::path write(const std::string& text) {
        write_text_file(folder_ / "genes.txt", text);
        return folder_ / "genes.txt";
    }
    GeneOrder read(const std::string& text) { return read_gene_order(write(text), *context_); }
    ShortArmEnds read_arms(const std::string& text) { return read_short_arm_ends(write(text), *context_); }
    Error refused(const std::string& text) {
        return test::thrown_by([&] { read(text); });
    }
    test::TemporaryFolder folder_;
    std::unique_ptr<Context> context_ = test::make_context(1);
};

void expect_place(const GenePlace& gene, const GenePlace& wanted) {
    EXPECT_EQ(gene.symbol, wanted.symbol);
    EXPECT_EQ(gene.id, wanted.id);
    EXPECT_EQ(gene.chromosome, wanted.chromosome);
    EXPECT_EQ(gene.start, wanted.start);
    EXPECT_EQ(gene.end, wanted.end);
    EXPECT_EQ(gene.arm, wanted.arm);
}

TEST_F(GeneOrderFile, one_gene_reads_alike_from_every_form) {
    const GenePlace named{"TP53", "TP53", "17", 7661779, 7687550, ""};
    expect_place(read("TP53\tchr17\t7661779\t7687550\n").genes.at(0), named);              // inferCNV
    expect_place(read("chr17\t7661779\t7687550\tTP53\t0\t-\n").genes.at(0), named);        // BED
    expect_place(read("gene,chromosome,start,end\nTP53,17,7661779,7687550\n").genes.at(0), named);
    const GenePlace both{"TP53", "ENSG00000141510", "17", 7661779, 7687550, ""};
    expect_place(read("ensgene\tentrez\tsymbol\tchr\tstart\tend\nENSG00000141510\t7157\tTP53\t17\t7661779\t7687550\n").genes.at(0), both);
    expect_place(read("#!genome-build GRCh38\nchr17\tHAVANA\tgene\t7661779\t7687550\t.\t-\t.\tgene_id \"ENSG00000141510\"; gene_type \"protein_coding\"; gene_name \"TP53\";\n"
                      "chr17\tHAVANA\texon\t7661779\t7661800\t.\t-\t.\tgene_id \"ENSG00000141510\"; gene_name \"TP53\";\n")
                     .genes.at(0),
                 both);
}

TEST_F(GeneOrderFile, arms_come_from_the_table_as_arm_or_cytoband) {
    const GeneOrder order = read("gene,chromosome,start,end,cytoband\nTP53,chr17,7661779,7687550,17p13.1\nBRCA1,chr17,43044295,43125364,q21.31\nMT-CO1,chrM,5904,7445,\n");
    EXPECT_EQ(order.genes.at(0).arm, "17p");
    EXPECT_EQ(order.genes.at(1).arm, "17q");
    EXPECT_EQ(order.genes.at(2).arm, "");
    EXPECT_EQ(order.genes.at(2).chromosome, "MT");
}

TEST_F(GeneOrderFile, arms_come_from_bands_or_arms_of_another_file) {
    GeneOrder order = read("A\tchr1\t100\t200\nB\tchr1\t300\t400\nC\tchr2\t1\t2\nD\tchr13\t1\t9\n");
    // Only the border counts: bands that touch the centromere are enough.
    ShortArmEnds ends = read_arms("chr1\t200\t250\tp11.1\tacen\nchr1\t250\t290\tq11\tacen\nchr13\t5\t900\tq11\tgneg\n");
    EXPECT_EQ(ends.at("1"), 250);
    EXPECT_EQ(ends.at("13"), 5) << "no p band: the first q band";
    set_arms(order, ends);
    EXPECT_EQ(order.genes[0].arm, "1p");
    EXPECT_EQ(order.genes[1].arm, "1q");
    EXPECT_EQ(order.genes[2].arm, "") << "not in the file";
    EXPECT_EQ(order.genes[3].arm, "13q");
    EXPECT_EQ(read_arms("chromosome,start,end,arm\n1,0,250,1p\n1,250,900,1q\n").at("1"), 250);
    EXPECT_EQ(test::error_code([&] { read_arms("chr1\t0\t250\tgpos\n"); }), ErrorCode::invalid_data);
}

TEST_F(GeneOrderFile, what_is_no_gene_position_is_refused_with_its_place) {
    EXPECT_TRUE(test::contains(refused("gene,chromosome,start,end\nA,1,100,200\nB,1,two,400\n").message(), "line 3, column 'start': 'two'"));
    EXPECT_TRUE(test::contains(refused("gene,chromosome,start,end\nA,1,200,100\n").message(), "lies before the start"));
    EXPECT_TRUE(test::contains(refused("gene,start,end\nA,100,200\n").message(), "no column 'chromosome'"));
    EXPECT_TRUE(test::contains(refused("gene,place,from,to\nA,1,x,y\n").message(), "no column 'chromosome'"));
    EXPECT_TRUE(test::contains(refused("gene,chromosome,start,end\nA,1,,\n").message(), "no gene with a place"));
    EXPECT_TRUE(test::contains(refused("\n").message(), "empty"));
    EXPECT_TRUE(test::contains(refused("A\tchr1\t100\t200\nB\tchr1\t-5\t200\n").message(), "line 2"));
}

TEST(gene_order, chromosomes_and_arms_have_one_name) {
    EXPECT_EQ(chromosome_name("chr1"), "1");
    EXPECT_EQ(chromosome_name("chrM"), "MT");
    EXPECT_EQ(chromosome_name("X"), "X");
    EXPECT_TRUE(chromosome_before("2", "10"));
    EXPECT_TRUE(chromosome_before("22", "X"));
    EXPECT_FALSE(chromosome_before("X", "X"));
    EXPECT_EQ(arm_name("1", "chr1p36.33"), "1p");
    EXPECT_EQ(arm_name("1", "q"), "1q");
    EXPECT_EQ(arm_name("11", "11qter"), "11q");
    EXPECT_EQ(arm_name("1", "pale"), "");
    EXPECT_EQ(arm_name("1", ""), "");
}

TEST(gene_order, rearranged_and_inflamed_loci_are_known_by_symbol) {
    for (const char* symbol : {"IGHM", "IGHG1", "IGHV3-23", "IGHD", "IGHEP1", "IGKC", "IGKV1-5", "IGLC2", "IGLL5", "Ighg2b"}) EXPECT_EQ(masked_locus(symbol), MaskedLocus::immunoglobulin) << symbol;
    for (const char* symbol : {"TRAC", "TRBC1", "TRAV12-2", "TRGV9", "TRDC", "TRDD1", "Trbc2"}) EXPECT_EQ(masked_locus(symbol), MaskedLocus::t_cell_receptor) << symbol;
    for (const char* symbol : {"HLA-A", "HLA-DRB1", "H2-K1"}) EXPECT_EQ(masked_locus(symbol), MaskedLocus::mhc) << symbol;
    for (const char* symbol : {"IGHMBP2", "IGF1", "IGSF1", "IGLON5", "TRADD", "TRAPPC1", "TRDMT1", "TRDN", "TRAK1", "JCHAIN", "H2AFZ", "HLX", ""}) EXPECT_EQ(masked_locus(symbol), MaskedLocus::none) << symbol;
}

TEST(gene_order, real_list_of_infercnv) {
    MORULA_REAL_DATA(path, "tumour-oligodendroglioma/gencode_downsampled.EXAMPLE_ONLY_DONT_REUSE.txt");
    const GeneOrder order = read_gene_order(path, *test::make_context(1));
    EXPECT_EQ(order.genes.size(), 10338U);
    expect_place(order.genes.front(), {"WASH7P", "WASH7P", "1", 14363, 29806, ""});
}

}  // namespace
}  // namespace morula::knowledge
