#include "morula/knowledge/regulons.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "morula/core/file.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/real_data.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::knowledge {
namespace {

using test::contains;

class RegulonFile : public testing::Test {
protected:
    std::vector<Regulon> read(const std::string& text, const std::string& confidence) {
        write_text_file(folder_ / "regulons.csv", text);
        return read_regulons(folder_ / "regulons.csv", {confidence}, *context_);
    }
    std::vector<Regulon> read(const std::string& text) { return read(text, ""); }
    std::string error_of(const std::string& text, const std::string& confidence) {
        return test::error_text([&] { read(text, confidence); });
    }
    std::string error_of(const std::string& text) { return error_of(text, ""); }
    static std::vector<std::string> sources(const std::vector<Regulon>& regulons) {
        std::vector<std::string> names;
        for (const Regulon& regulon : regulons) names.push_back(regulon.source);
        return names;
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

TEST_F(RegulonFile, of_dorotheas_levels_a_to_c_are_read_unless_others_are_asked_for) {
    using Names = std::vector<std::string>;
    const std::string table = "tf,confidence,target,mor\nA1,A,G1,1\nB1,B,G1,1\nC1,C,G1,1\nD1,D,G1,1\nE1,E,G1,1\nA1,E,G2,1\n";
    EXPECT_EQ(sources(read(table)), (Names{"A1", "B1", "C1"}));
    EXPECT_EQ(read(table)[0].targets.size(), 1U);
    EXPECT_EQ(sources(read(table, "A")), (Names{"A1"}));
    EXPECT_EQ(sources(read(table, "D, E")), (Names{"D1", "E1", "A1"}));
    EXPECT_EQ(read(table, "A,B,C,D,E")[0].targets.size(), 2U);
    // Levels of another table mean something else: nothing is left out unless it is said.
    const std::string other = "tf,confidence,target\nA1,high,G1\nB1,C,G1\n";
    EXPECT_EQ(sources(read(other)), (Names{"A1", "B1"}));
    EXPECT_EQ(sources(read(other, "high")), (Names{"A1"}));
    EXPECT_TRUE(contains(error_of(table, "F"), "no line has the confidence 'F'"));
    EXPECT_TRUE(contains(error_of(table, "F"), "A,B,C,D,E"));
    EXPECT_TRUE(contains(error_of("tf,confidence,target\nA1,D,G1\nB1,E,G1\n"), "no line has the confidence A, B, C"));
    EXPECT_TRUE(contains(error_of("tf,target\nA1,G1\n", "A"), "has no column 'confidence'"));
}

/// Counted by awk: 1,333 transcription factors and 454,504 lines in all; 271 and 13,223 of confidence A to C; 248 lines of TP53, all A.
TEST_F(RegulonFile, dorotheas_own_table_is_read) {
    MORULA_REAL_DATA(path, "regulons/dorothea_hs.csv.gz");
    const std::vector<Regulon> found = read_regulons(path, {}, *context_);
    EXPECT_EQ(found.size(), 271U);
    std::size_t n = 0;
    for (const Regulon& regulon : found) n += regulon.targets.size();
    EXPECT_EQ(n, 13'223U);
    const auto weight = [&](const std::string& source, const std::string& gene) {
        const auto regulon = std::ranges::find(found, source, &Regulon::source);
        if (regulon == found.end()) return 0.0;
        const auto target = std::ranges::find(regulon->targets, gene, &RegulonTarget::gene);
        return target == regulon->targets.end() ? 0.0 : target->weight;
    };
    EXPECT_EQ(std::ranges::find(found, "TP53", &Regulon::source)->targets.size(), 248U);
    EXPECT_EQ(weight("TP53", "CDKN1A"), 1.0);
    EXPECT_EQ(weight("MYC", "CCND2"), 1.0);
    EXPECT_EQ(weight("MYC", "CDKN1A"), -1.0);
    EXPECT_EQ(weight("ADNP", "ATF7IP"), 0.0) << "its confidence is D";
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
