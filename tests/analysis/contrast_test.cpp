#include "morula/analysis/contrast.hpp"

#include <gtest/gtest.h>

#include "tests/support/errors.hpp"

namespace morula::analysis {
namespace {

using test::contains;
using Weights = std::vector<double>;

const std::vector<std::string> kGrades{"healthy", "mild", "severe"};

TEST(contrast, sums_and_differences_of_levels_are_read) {
    const Contrast plain = parse_contrast(" severe-mild ", kGrades);
    EXPECT_EQ(plain.name, "severe-mild");
    EXPECT_EQ(plain.weights, (Weights{0, -1, 1}));
    EXPECT_EQ(parse_contrast("(mild + severe) / 2 - healthy", kGrades).weights, (Weights{-1, 0.5, 0.5}));
    EXPECT_EQ(parse_contrast("0.5*mild + severe*.5 - healthy", kGrades).weights, (Weights{-1, 0.5, 0.5}));
    EXPECT_EQ(parse_contrast("-healthy + severe", kGrades).weights, (Weights{-1, 0, 1}));
    EXPECT_EQ(parse_contrast("severe - mild - (mild - healthy)", kGrades).weights, (Weights{1, -2, 1}));
    EXPECT_EQ(parse_contrast("2*(severe - -mild)/4 - healthy", kGrades).weights, (Weights{-1, 0.5, 0.5}));
    EXPECT_EQ(parse_contrast("severe - (mild + severe + healthy) / 3", kGrades).weights[1], -1.0 / 3.0);
}

TEST(contrast, names_may_hold_signs_blanks_and_numbers) {
    const std::vector<std::string> names{"ER+", "ER", "COVID-19", "healthy control", "6", "12h", "a*b"};
    EXPECT_EQ(parse_contrast("ER+ - ER", names).weights, (Weights{1, -1, 0, 0, 0, 0, 0}));
    EXPECT_EQ(parse_contrast("COVID-19-healthy control", names).weights, (Weights{0, 0, 1, -1, 0, 0, 0}));
    EXPECT_EQ(parse_contrast("`6` - 12h", names).weights, (Weights{0, 0, 0, 0, 1, -1, 0}));
    EXPECT_EQ(parse_contrast("`a*b`-ER", names).weights, (Weights{0, -1, 0, 0, 0, 0, 1}));
}

TEST(contrast, what_compares_nothing_is_refused_with_an_example) {
    const auto message = [](const std::string& text) {
        const Error error = test::thrown_by([&] { parse_contrast(text, kGrades); });
        EXPECT_EQ(error.code(), ErrorCode::usage) << text;
        EXPECT_TRUE(contains(error.next(), "healthy, mild, severe") && contains(error.next(), "'severe - healthy'")) << error.next();
        return error.message();
    };
    EXPECT_TRUE(contains(message("severe"), "add up to 1 and not to 0"));
    EXPECT_TRUE(contains(message("severe + mild - healthy"), "add up to 1"));
    EXPECT_TRUE(contains(message("severe - severe"), "no level is left"));
    EXPECT_TRUE(contains(message("severe - mild + 1"), "the number 1 stands alone"));
    EXPECT_TRUE(contains(message("sever - mild"), "did you mean 'severe'?"));
    EXPECT_TRUE(contains(message("milder - mild"), "'milder' is no level"));
    EXPECT_TRUE(contains(message("severe mild"), "'mild' cannot follow 'severe'"));
    EXPECT_TRUE(contains(message("severe * mild"), "numbers only"));
    EXPECT_TRUE(contains(message("severe / 0 - mild"), "divides by 0"));
    EXPECT_TRUE(contains(message("severe -"), "missing at its end"));
    EXPECT_TRUE(contains(message(""), "missing at its end"));
    EXPECT_TRUE(contains(message("(severe - mild"), "not closed"));
    EXPECT_TRUE(contains(message("`severe - mild"), "backtick"));
    EXPECT_TRUE(contains(message("1"), "no level is left"));
    EXPECT_TRUE(contains(message("99999999999999999999*severe*" + std::string(400, '9') + " - mild"), ""));
    EXPECT_TRUE(contains(message(std::string(200, '(') + "mild"), "too deep"));
    EXPECT_TRUE(contains(message(std::string(20'000, '-') + "mild"), "characters"));
}

TEST(contrast, multiples_ask_the_same) {
    EXPECT_TRUE(same_direction(difference_of(kGrades, 2, 0), parse_contrast("2*healthy - 2*severe", kGrades)));
    EXPECT_FALSE(same_direction(difference_of(kGrades, 2, 0), parse_contrast("severe - mild", kGrades)));
    EXPECT_EQ(difference_of(kGrades, 2, 0).name, "severe - healthy");
}

}  // namespace
}  // namespace morula::analysis
