#include "morula/knowledge/regulons.hpp"

#include <gtest/gtest.h>

#include "morula/core/file.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::knowledge {
namespace {

using test::contains;

class RegulonFile : public testing::Test {
protected:
    std::vector<Regulon> read(const std::string& text) {
        write_text_file(folder_ / "regulons.csv", text);
        return read_regulons(folder_ / "regulons.csv", *context_);
    }
    std::string error_of(const std::string& text) {
        return test::error_text([&] { read(text); });
    }
    test::TemporaryFolder folder_;
    std::unique_ptr<Context> context_ = test::make_context(1);
};

TEST_F(RegulonFile, weights_keep_their_sign) {
    const auto regulons = read("source,target,weight,resources\nTP53,CDKN1A,1,x\nMYC,CCND1,+0.5,x\nTP53,MYC,-2,x\n");
    ASSERT_EQ(regulons.size(), 2u);
    EXPECT_EQ(regulons[0].source, "TP53");
    ASSERT_EQ(regulons[0].targets.size(), 2u);
    EXPECT_EQ(regulons[0].targets[1].gene, "MYC");
    EXPECT_EQ(regulons[0].targets[1].weight, -2.0);
    EXPECT_EQ(regulons[1].targets[0].weight, 0.5);
}

TEST_F(RegulonFile, columns_of_dorothea_and_tables_without_weights_are_read) {
    EXPECT_EQ(read("tf\tconfidence\ttarget\tmor\nA\tB\tG1\t-1\n")[0].targets[0].weight, -1.0);
    EXPECT_EQ(read("source,target\nA,G1\n")[0].targets[0].weight, 1.0);
}

TEST_F(RegulonFile, what_is_wrong_is_named_with_its_line) {
    EXPECT_TRUE(contains(error_of("source,weight\nA,1\n"), "has no column 'target'"));
    EXPECT_TRUE(contains(error_of("source,target,weight\nA,G1,0\n"), "line 2, column 'weight': '0' is not a weight"));
    EXPECT_TRUE(contains(error_of("source,target,weight\nA,G1,up\n"), "'up' is not a weight"));
    EXPECT_TRUE(contains(error_of("source,target,weight\nA,G1,inf\n"), "is not a weight"));
    EXPECT_TRUE(contains(error_of("source,target\nA,G1\nB,G1\nA,G1\n"), "line 4, column 'target': 'A' and 'G1' stand on line 2 already"));
    EXPECT_TRUE(contains(error_of("source,target\n,G1\n"), "line 2, column 'source': is empty"));
    EXPECT_TRUE(contains(error_of("source,target\n"), "holds no regulon"));
}

}  // namespace
}  // namespace morula::knowledge
