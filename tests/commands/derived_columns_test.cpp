#include "morula/commands/derived_columns.hpp"

#include <gtest/gtest.h>

#include "tests/support/contexts.hpp"
#include "tests/support/listener.hpp"

namespace morula::commands {
namespace {

data::Dataset cells() {
    data::Dataset out;
    out.name = "kang.h5ad";
    out.obs = data::Table({"a", "b", "c", "d"});
    out.obs.set("sample_id", data::to_categorical({"ctrl101", "stim101", "ctrl107", "stim107"}));
    out.obs.set("plate", std::vector<std::int64_t>{12, 13, 22, 23});
    return out;
}

std::vector<std::string> texts(const data::Dataset& dataset, const std::string& column) { return data::column_texts(dataset.obs.at(column)); }

TEST(derived_columns, take_what_the_pattern_finds) {
    const auto context = test::make_context(1);
    data::Dataset dataset = cells();
    add_derived_columns(dataset, {"donor=sample_id:[0-9]+", "group=sample_id:^([a-z]+)[0-9]", "row=plate:([0-9])$", "half=row:[23]"}, *context);
    EXPECT_EQ(texts(dataset, "donor"), (std::vector<std::string>{"101", "101", "107", "107"}));
    EXPECT_EQ(texts(dataset, "group"), (std::vector<std::string>{"ctrl", "stim", "ctrl", "stim"}));
    EXPECT_EQ(texts(dataset, "row"), (std::vector<std::string>{"2", "3", "2", "3"}));
    EXPECT_EQ(texts(dataset, "half"), (std::vector<std::string>{"2", "3", "2", "3"})) << "a later column may be made from an earlier one";
}

TEST(derived_columns, commas_of_a_pattern_survive_the_list) {
    // The command line splits lists at commas: {2,3} arrives in two parts.
    const auto columns = parse_derived_columns({"donor=sample_id:[0-9]{2", "3}", "group=sample_id:[a-z]+"});
    ASSERT_EQ(columns.size(), 2U);
    EXPECT_EQ(columns[0].pattern, "[0-9]{2,3}");
    EXPECT_EQ(columns[1].from, "sample_id");
}

TEST(derived_columns, cells_that_do_not_match_have_no_value) {
    const auto context = test::make_context(1);
    data::Dataset dataset = cells();
    add_derived_columns(dataset, {"donor=sample_id:^ctrl([0-9]+)"}, *context);
    EXPECT_EQ(texts(dataset, "donor"), (std::vector<std::string>{"101", "", "107", ""}));
}

TEST(derived_columns, say_what_is_wrong) {
    const auto context = test::make_context(1);
    const auto derive = [&](const std::string& text) {
        return test::thrown_by([&] {
            data::Dataset dataset = cells();
            add_derived_columns(dataset, {text}, *context);
        });
    };
    EXPECT_EQ(derive("donor").code(), ErrorCode::usage);
    EXPECT_EQ(derive("donor=sample_id:").code(), ErrorCode::usage);
    EXPECT_EQ(derive("donor=sample_id:[0-9").code(), ErrorCode::usage);
    EXPECT_EQ(derive("plate=sample_id:[0-9]+").code(), ErrorCode::usage) << "a column is never replaced";
    EXPECT_EQ(derive("donor=sample_id:" + std::string(600, 'a')).code(), ErrorCode::usage);
    const Error missing = derive("donor=sample_ids:[0-9]+");
    EXPECT_EQ(missing.code(), ErrorCode::not_found);
    EXPECT_TRUE(test::contains(missing.next(), "'sample_id'"));
    const Error none = derive("donor=sample_id:X[0-9]+");
    EXPECT_EQ(none.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(test::contains(none.message(), "ctrl101")) << "the values are shown, so that the pattern can be mended";
}

TEST(derived_columns, a_pattern_that_would_never_end_is_refused) {
    const auto context = test::make_context(1);
    for (const char* pattern : {"(a+)+$", "(a|aa)+$", "(a*)*b"}) {
        data::Dataset dataset = cells();
        dataset.obs.set("name", data::to_categorical({std::string(40, 'a') + "1", "b", "c", "d"}));
        const Error error = test::thrown_by([&] { add_derived_columns(dataset, {std::string("x=name:") + pattern}, *context); });
        EXPECT_EQ(error.code(), ErrorCode::usage) << pattern;
        EXPECT_TRUE(test::contains(error.message(), "too many tries on the value 'aaa")) << error.message();
    }
    // What a pattern without repeats in repeats needs is far below the bound, for the longest values too.
    data::Dataset dataset = cells();
    dataset.obs.set("name", data::to_categorical({std::string(1'990, 'a') + "_17", "b_18", "c_19", "d_20"}));
    add_derived_columns(dataset, {"x=name:.*_([0-9]+)$", "y=name:[a-z]+_"}, *context);
    EXPECT_EQ(texts(dataset, "x"), (std::vector<std::string>{"17", "18", "19", "20"}));
}

TEST(derived_columns, values_too_long_to_be_looked_at_are_told_and_cut) {
    test::Listener heard;
    Context context({.threads = 1, .memory_bytes = test::kTestMemory, .events = &heard});
    data::Dataset dataset = cells();
    dataset.obs.set("name", data::to_categorical({std::string(300'000, 'a'), "a1", "a2", "a3"}));
    add_derived_columns(dataset, {"x=name:a[0-9]"}, context);
    EXPECT_EQ(texts(dataset, "x"), (std::vector<std::string>{"", "a1", "a2", "a3"}));
    const std::string said = heard.all_warnings();
    EXPECT_TRUE(test::contains(said, "1 values of 'name' have more than 2000 characters")) << said.substr(0, 500);
    EXPECT_LT(said.size(), 2'000U) << "the value itself is cut";
}

}  // namespace
}  // namespace morula::commands
