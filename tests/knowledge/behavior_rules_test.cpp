#include "morula/knowledge/behavior_rules.hpp"

#include <gtest/gtest.h>

#include "morula/core/file.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::knowledge {
namespace {

std::vector<BehaviorRule> read(const std::string& text) {
    const test::TemporaryFolder folder;
    write_text_file(folder / "rules.csv", text);
    return read_behavior_rules(folder / "rules.csv", *test::make_context(1));
}

TEST(behavior_rules, are_read_with_their_comments_and_spaces) {
    const auto rules = read("// tumour\ntumor,oxygen,increases,cycle entry,0.003333,21.5,4,0\n\n//tumor,oxygen,increases,cycle entry,9,9,9,0\n T cell , contact with tumor ,decreases, migration speed ,0,+1e-1,10,1\r\n");
    ASSERT_EQ(rules.size(), 2U);
    EXPECT_EQ(rules[0].cell_type, "tumor");
    EXPECT_EQ(rules[0].signal, "oxygen");
    EXPECT_EQ(rules[0].response, Response::increases);
    EXPECT_EQ(rules[0].behavior, "cycle entry");
    EXPECT_DOUBLE_EQ(rules[0].saturation, 0.003333);
    EXPECT_DOUBLE_EQ(rules[0].half_max, 21.5);
    EXPECT_DOUBLE_EQ(rules[0].hill_power, 4.0);
    EXPECT_FALSE(rules[0].applies_to_dead);
    EXPECT_EQ(rules[0].line, 2);
    EXPECT_EQ(rules[1].cell_type, "T cell");
    EXPECT_EQ(rules[1].signal, "contact with tumor");
    EXPECT_EQ(rules[1].response, Response::decreases);
    EXPECT_DOUBLE_EQ(rules[1].half_max, 0.1);
    EXPECT_TRUE(rules[1].applies_to_dead);
    EXPECT_EQ(rules[1].line, 5);
}

TEST(behavior_rules, say_where_a_line_is_wrong) {
    const auto refused = [](const std::string& text, std::string_view part) {
        const Error error = test::thrown_by([&] { read(text); });
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        EXPECT_TRUE(test::contains(error.message(), part)) << error.message();
    };
    const std::string good = "a,oxygen,increases,necrosis,1,1,1,0\n";
    refused("", "is empty");
    refused("a,b,c\n", "3 fields");
    refused(good + "a,oxygen,increases\n", "line 2");
    refused(good + ",oxygen,increases,apoptosis,1,1,1,0\n", "line 2, field 1: the cell type is empty");
    refused(good + "a,oxygen,raises,apoptosis,1,1,1,0\n", "line 2, field 3: 'raises'");
    refused(good + "a,oxygen,increases,apoptosis,much,1,1,0\n", "line 2, field 5: 'much' is no number");
    refused(good + "a,oxygen,increases,apoptosis,nan,1,1,0\n", "field 5");
    refused(good + "a,oxygen,increases,apoptosis,1,0,1,0\n", "line 2, field 6: the half-max is 0");
    refused(good + "a,oxygen,increases,apoptosis,1,1,-2,0\n", "field 7: the Hill power is -2");
    refused(good + "a,oxygen,increases,apoptosis,1,1,1,maybe\n", "field 8: 'maybe'");
    refused(good + "b,oxygen,increases,necrosis,0,1,1,0\na,oxygen,increases,necrosis,2,1,1,0\n", "line 3: 'oxygen' increases 'necrosis' of 'a' on line 1 too");
    EXPECT_EQ(test::error_code([] { read_behavior_rules("no such file.csv", *test::make_context(1)); }), ErrorCode::not_found);
}

TEST(behavior_rules, may_raise_and_lower_by_one_signal) {
    const std::vector<BehaviorRule> rules = read("a,matrix,decreases,migration speed,0,.2,2,0\na,matrix,increases,migration speed,2,.23,7,0\n");
    ASSERT_EQ(rules.size(), 2U);
    EXPECT_EQ(rules[0].response, Response::decreases);
    EXPECT_EQ(rules[1].response, Response::increases);
}

}  // namespace
}  // namespace morula::knowledge
