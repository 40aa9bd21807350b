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
    EXPECT_EQ(table.types.size(), 38u);
    std::set<std::string> names;
    for (const MarkerType& type : table.types) {
        EXPECT_TRUE(names.insert(type.name).second) << type.name;
        EXPECT_GE(std::count_if(type.genes.begin(), type.genes.end(), [](const MarkerGene& gene) { return !gene.negative; }), 2) << type.name;
        EXPECT_NE(type.source.find("PanglaoDB"), std::string::npos) << type.name;
    }
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
