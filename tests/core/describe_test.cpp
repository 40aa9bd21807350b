#include "morula/core/describe.hpp"

#include <gtest/gtest.h>

#include "tests/support/errors.hpp"

namespace morula {
namespace {

using test::error_text;

enum class Flavor { first, second };

struct SampleOptions {
    double resolution = 1.5;
    std::int32_t rounds = 3;
    Flavor flavor = Flavor::second;
    std::optional<double> target;
    std::vector<std::string> names{"a", "b"};
    bool fast = false;
    std::uint64_t seed = 7;
    std::string label = "x";
};

constexpr auto describe(const SampleOptions*) {
    return std::tuple{
        field("resolution", &SampleOptions::resolution, "Higher gives more.", {.minimum = 0.0, .maximum = 10.0}),
        field("rounds", &SampleOptions::rounds, "Rounds.", {.minimum = 1}),
        field("flavor", &SampleOptions::flavor, "Which.", {.choices = "first|second"}),
        field("target", &SampleOptions::target, "Target.", {.minimum = 0.0, .unit = "counts"}),
        field("names", &SampleOptions::names, "Names."),
        field("fast", &SampleOptions::fast, "Fast."),
        field("seed", &SampleOptions::seed, "Seed."),
        field("label", &SampleOptions::label, "Label."),
    };
}

TEST(describe, schema_reads_the_defaults_from_the_struct) {
    const Schema schema = schema_of<SampleOptions>();
    ASSERT_EQ(schema.size(), 8u);
    EXPECT_EQ(std::get<double>(schema[0].default_value), 1.5);
    EXPECT_EQ(std::get<std::string>(schema[2].default_value), "second");
    EXPECT_TRUE(std::holds_alternative<std::monostate>(schema[3].default_value));
    EXPECT_TRUE(schema[3].is_optional);
    EXPECT_EQ(schema[3].unit, "counts");
    EXPECT_EQ(flag_of(schema[1]), "--rounds");
}

TEST(describe, values_survive_json) {
    SampleOptions options;
    options.resolution = 2.25;
    options.target = 1e4;
    options.names = {"p", "q", "r"};
    options.fast = true;
    const std::string json = to_json(values_of(options));
    const auto back = with_values(SampleOptions{}, values_from_json(schema_of<SampleOptions>(), json));
    EXPECT_EQ(back.resolution, 2.25);
    EXPECT_EQ(back.target, 1e4);
    EXPECT_EQ(back.names, options.names);
    EXPECT_TRUE(back.fast);
    EXPECT_EQ(back.flavor, Flavor::second);
    EXPECT_EQ(to_json(values_of(back)), json);
}

TEST(describe, texts_become_values_of_the_right_type) {
    const Schema schema = schema_of<SampleOptions>();
    SampleOptions options;
    set_field(options, "rounds", parse_field(find_field(schema, "rounds"), "12"));
    set_field(options, "flavor", parse_field(find_field(schema, "flavor"), "first"));
    set_field(options, "names", parse_field(find_field(schema, "names"), "u,v"));
    EXPECT_EQ(options.rounds, 12);
    EXPECT_EQ(options.flavor, Flavor::first);
    EXPECT_EQ(options.names, (std::vector<std::string>{"u", "v"}));
}

TEST(describe, bad_values_say_what_is_allowed) {
    const Schema schema = schema_of<SampleOptions>();
    EXPECT_NE(error_text([&] { parse_field(find_field(schema, "resolution"), "11"); }).find("from 0 to 10"), std::string::npos);
    EXPECT_NE(error_text([&] { parse_field(find_field(schema, "flavor"), "third"); }).find("one of first, second"), std::string::npos);
    EXPECT_NE(error_text([&] { parse_field(find_field(schema, "rounds"), "2.5"); }).find("a whole number"), std::string::npos);
    EXPECT_NE(error_text([&] { parse_field(find_field(schema, "rounds"), "18446744073709551615"); }).find("a whole number of at most 9223372036854775807"), std::string::npos);
    EXPECT_NE(error_text([&] { find_field(schema, "resolutoin"); }).find("Did you mean 'resolution'?"), std::string::npos);
    EXPECT_NE(error_text([&] { parse_field(find_field(schema, "resolution"), "nan"); }).find("from 0 to 10"), std::string::npos);
    EXPECT_NE(error_text([&] { values_from_json(schema, "{\"colour\": 1}"); }).find("no option called 'colour'"), std::string::npos);
    EXPECT_NE(error_text([&] { values_from_json(schema, "{broken"); }).find("JSON object"), std::string::npos);
}

TEST(describe, integers_that_do_not_fit_are_refused) {
    SampleOptions options;
    EXPECT_THROW(set_field(options, "rounds", std::int64_t{5'000'000'000}), Error);
    EXPECT_EQ(options.rounds, 3);
}

TEST(describe, json_schema_holds_types_ranges_and_choices) {
    const std::string text = to_json_schema(schema_of<SampleOptions>(), "sample");
    EXPECT_NE(text.find("\"enum\""), std::string::npos);
    EXPECT_NE(text.find("\"maximum\": 10.0"), std::string::npos);
    EXPECT_NE(text.find("Unit: counts."), std::string::npos);
}

}  // namespace
}  // namespace morula
