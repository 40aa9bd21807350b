#include "morula/knowledge/marker_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "morula/core/file.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::knowledge {
namespace {

TEST(marker_table, every_builtin_type_has_markers_and_a_source) {
    const MarkerTable& table = builtin_marker_table();
    EXPECT_EQ(table.types.size(), 40u);
    std::set<std::string> names;
    for (const MarkerType& type : table.types) {
        EXPECT_TRUE(names.insert(type.name).second) << type.name;
        EXPECT_GE(std::count_if(type.genes.begin(), type.genes.end(), [](const MarkerGene& gene) { return !gene.negative; }), 2) << type.name;
        EXPECT_NE(type.source.find("PanglaoDB"), std::string::npos) << type.name;
    }
}

TEST(marker_table, builtin_parents_are_types_of_one_level) {
    const MarkerTable& table = builtin_marker_table();
    std::set<std::string> parents;
    for (const MarkerType& type : table.types) {
        if (type.parent.empty()) continue;
        parents.insert(type.parent);
        const auto parent = std::find_if(table.types.begin(), table.types.end(), [&](const MarkerType& other) { return other.name == type.parent; });
        ASSERT_NE(parent, table.types.end()) << type.name;
        EXPECT_TRUE(parent->parent.empty()) << type.name;
    }
    EXPECT_EQ(parents, (std::set<std::string>{"Monocyte", "T cell"}));
}

class MarkerFile : public testing::Test {
protected:
    std::filesystem::path write(const std::string& text) {
        write_text_file(folder_ / "markers.csv", text);
        return folder_ / "markers.csv";
    }
    test::TemporaryFolder folder_;
};

TEST_F(MarkerFile, weights_and_negatives_are_read) {
    const auto context = test::make_context(1);
    const MarkerTable table = read_marker_table(write("type,gene,weight\nB,MS4A1,2\nB,CD3D,-1\nT,CD3D,\n"), *context);
    ASSERT_EQ(table.types.size(), 2u);
    EXPECT_EQ(table.types[0].genes[0].weight, 2.0);
    EXPECT_TRUE(table.types[0].genes[1].negative);
    EXPECT_EQ(table.types[1].genes[0].weight, 1.0);
}

TEST_F(MarkerFile, parents_are_read_and_need_be_told_once) {
    const auto context = test::make_context(1);
    const MarkerTable table = read_marker_table(write("type,parent,gene\nCD4 T,T,CD4\nCD4 T,,IL7R\nT,,CD3D\nB,,MS4A1\n"), *context);
    ASSERT_EQ(table.types.size(), 3u);
    EXPECT_EQ(table.types[0].parent, "T");
    EXPECT_EQ(table.types[1].parent, "");
    EXPECT_EQ(table.types[2].parent, "");
}

TEST_F(MarkerFile, parents_that_cannot_be_are_named_with_their_line) {
    const auto context = test::make_context(1);
    const auto text_of = [&](const std::string& text) { return test::error_text([&] { read_marker_table(write("type,gene,parent\n" + text), *context); }); };
    EXPECT_NE(text_of("A,G1,\nB,G2,C\n").find("line 3"), std::string::npos);
    EXPECT_NE(text_of("A,G1,\nB,G2,C\n").find("'C' has no markers"), std::string::npos);
    EXPECT_NE(text_of("A,G1,\nC,G1,\nB,G2,A\nB,G3,C\n").find("under 'A' on line 4"), std::string::npos);
    EXPECT_NE(text_of("A,G1,\nB,G2,A\nC,G3,B\n").find("has a parent itself"), std::string::npos);
    EXPECT_NE(text_of("A,G1,A\n").find("has a parent itself"), std::string::npos);
}

TEST_F(MarkerFile, the_hash_tells_edited_tables_of_one_name_apart) {
    const auto context = test::make_context(1);
    const std::string first = hash_of(read_marker_table(write("type,gene,weight\nB,MS4A1,1\n"), *context));
    EXPECT_EQ(hash_of(read_marker_table(write("type,gene,weight\nB,MS4A1,1\n"), *context)), first);
    EXPECT_NE(hash_of(read_marker_table(write("type,gene,weight\nB,MS4A1,2\n"), *context)), first);
    EXPECT_NE(hash_of(read_marker_table(write("type,gene,weight\nB,CD19,1\n"), *context)), first);
}

TEST_F(MarkerFile, bad_lines_are_named) {
    const auto context = test::make_context(1);
    const auto text_of = [&](const std::string& text) { return test::error_text([&] { read_marker_table(write(text), *context); }); };
    EXPECT_NE(text_of("type,gene,weight\nB,MS4A1,much\n").find("line 2"), std::string::npos);
    EXPECT_NE(text_of("type,gene\nB,\n").find("line 2"), std::string::npos);
    EXPECT_NE(text_of("kind,gene\nB,MS4A1\n").find("has no column 'type'"), std::string::npos);
    EXPECT_NE(text_of("type,gene\n").find("names no marker"), std::string::npos);
}

}  // namespace
}  // namespace morula::knowledge
