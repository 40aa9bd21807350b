#include "morula/knowledge/gmt.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "morula/core/file.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/real_data.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::knowledge {
namespace {

using test::contains;

class GmtFile : public testing::Test {
protected:
    std::vector<GmtSet> read(const std::string& text) {
        write_text_file(folder_ / "sets.gmt", text);
        return read_gmt(folder_ / "sets.gmt", *context_);
    }
    std::string error_of(const std::string& text) {
        return test::error_text([&] { read(text); });
    }
    test::TemporaryFolder folder_;
    std::unique_ptr<Context> context_ = test::make_context(1);
};

TEST_F(GmtFile, sets_have_their_name_description_and_genes_in_order) {
    const auto sets = read("A\thttp://a\tG2\tG1\r\n\nB\t\tG3\n");
    ASSERT_EQ(sets.size(), 2u);
    EXPECT_EQ(sets[0].name, "A");
    EXPECT_EQ(sets[0].description, "http://a");
    EXPECT_EQ(sets[0].genes, (std::vector<std::string>{"G2", "G1"}));
    EXPECT_EQ(sets[1].genes, (std::vector<std::string>{"G3"}));
    EXPECT_EQ(sets[1].line, 3);
}

TEST_F(GmtFile, repeats_weights_and_empty_fields_are_no_genes) {
    const auto sets = read("A\tna\tG1,0.5\t\tG1\t G2 \t\n");
    EXPECT_EQ(sets[0].genes, (std::vector<std::string>{"G1", "G2"}));
}

TEST_F(GmtFile, what_is_wrong_is_named_with_its_line) {
    EXPECT_TRUE(contains(error_of("A\tna\tG1\nB,na,G1\n"), "line 2: has 1 field between tabs"));
    EXPECT_TRUE(contains(error_of("A\tna\tG1\n\tna\tG1\n"), "line 2: the gene set has no name"));
    EXPECT_TRUE(contains(error_of("A\tna\t\t\n"), "line 1: the gene set 'A' has no gene"));
    EXPECT_TRUE(contains(error_of("A\tna\tG1\nB\tna\tG1\nA\tna\tG2\n"), "line 3: the gene set 'A' stands on line 1 already"));
    EXPECT_TRUE(contains(error_of("A\tna\tG\xff\n"), "not UTF-8"));
    EXPECT_TRUE(contains(error_of("\n \n"), "holds no gene set"));
}

/// Lines and fields of the publishers' files as wc and awk count them.
TEST_F(GmtFile, publishers_own_files_are_read) {
    MORULA_REAL_DATA(folder, "gene-sets");
    struct Published {
        const char* file;
        std::size_t n_sets;
        std::size_t n_genes;  // of all sets
        const char* set;
        const char* gene;
    };
    for (const Published& each : {Published{"h.all.v7.5.1.symbols.gmt", 50, 7321, "HALLMARK_ANGIOGENESIS", "VCAN"},
                                  Published{"c2.cp.reactome.v7.0.symbols.gmt", 1499, 85'647, "REACTOME_GLYCOGEN_BREAKDOWN_GLYCOGENOLYSIS", "PYGM"},
                                  Published{"enrichr.KEGG_2016.gmt", 293, 25'391, "Glycosaminoglycan biosynthesis - chondroitin sulfate / dermatan sulfate Homo sapiens hsa00532", "XYLT1"},
                                  Published{"orghs_go_bp_all.gmt.gz", 6710, 613'805, "GO:0000002", "POLG2"}}) {
        const std::vector<GmtSet> sets = read_gmt(folder / each.file, *context_);
        EXPECT_EQ(sets.size(), each.n_sets) << each.file;
        std::size_t n = 0;
        for (const GmtSet& set : sets) n += set.genes.size();
        EXPECT_EQ(n, each.n_genes) << each.file;
        const auto named = std::ranges::find(sets, each.set, &GmtSet::name);
        ASSERT_NE(named, sets.end()) << each.set;
        EXPECT_EQ(std::ranges::count(named->genes, each.gene), 1) << each.set;
    }
}

}  // namespace
}  // namespace morula::knowledge
