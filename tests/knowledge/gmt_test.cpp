#include "morula/knowledge/gmt.hpp"

#include <gtest/gtest.h>

#include "morula/core/file.hpp"
#include "tests/support/contexts.hpp"
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

}  // namespace
}  // namespace morula::knowledge
