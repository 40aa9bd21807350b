#include "morula/analysis/design.hpp"

#include <gtest/gtest.h>

#include "tests/support/errors.hpp"

namespace morula::analysis {
namespace {

using test::contains;

TEST(design, formulas_are_read_or_refused_with_an_example) {
    const auto terms = parse_formula(" ~ donor + factor(plate)+`cell line`");
    ASSERT_EQ(terms.size(), 3U);
    EXPECT_EQ(terms[0].column, "donor");
    EXPECT_TRUE(terms[1].as_groups);
    EXPECT_EQ(terms[1].column, "plate");
    EXPECT_EQ(terms[2].column, "cell line");
    EXPECT_EQ(formula_text(terms), "~ donor + factor(plate) + `cell line`");
    for (const char* bad : {"donor + group", "", "~", "~ a + ", "~ 0 + a", "~ a*b", "~ a:b", "~ a + a", "~ log(a)", "~ (1|donor)"}) {
        const Error error = test::thrown_by([&] { parse_formula(bad); });
        EXPECT_EQ(error.code(), ErrorCode::usage) << bad;
        EXPECT_TRUE(contains(error.next(), "~ batch + condition"));
    }
}

TEST(design, groups_are_coded_against_their_reference_and_numbers_are_centred) {
    const std::vector<SampleColumn> terms{{"age", {20, 40, 30}, {}, ""}, {"group", {}, {"stim", "ctrl", "other"}, "ctrl"}};
    const Design design = make_design(terms);
    EXPECT_EQ(design.columns, (std::vector<std::string>{"(intercept)", "age", "group=other", "group=stim"}));
    EXPECT_EQ(design.term, (std::vector<std::int32_t>{-1, 0, 1, 1}));
    EXPECT_EQ(design.group, (std::vector<std::string>{"", "", "other", "stim"}));
    EXPECT_EQ(design.x.values, (std::vector<double>{1, -10, 0, 1, 1, 10, 0, 0, 1, 0, 1, 0}));
    EXPECT_EQ(column_weights(design, {1, {"ctrl", "other", "stim"}, {-1, 0, 1}}), (std::vector<double>{0, 0, 0, 1})) << "the reference needs no column";
    EXPECT_EQ(column_weights(design, {1, {"ctrl", "other", "stim"}, {0, -1, 1}}), (std::vector<double>{0, 0, -1, 1}));
}

TEST(design, confounding_is_traced_to_the_terms_that_cause_it) {
    const std::vector<std::string> group{"a", "a", "b", "b"};
    const SampleColumn tested{"group", {}, group, ""};
    const SampleColumn batch{"batch", {}, {"1", "1", "2", "2"}, ""};
    const SampleColumn half{"half", {}, {"x", "y", "x", "y"}, ""};
    const SampleColumn age{"age", {1, 2, 3, 5}, {}, ""};
    EXPECT_EQ(confounding_terms(std::vector<SampleColumn>{half, batch, age, tested}, {3, {"a", "b"}, {-1, 1}}), (std::vector<std::string>{"batch"}));
    EXPECT_TRUE(confounding_terms(std::vector<SampleColumn>{half, age, tested}, {2, {"a", "b"}, {-1, 1}}).empty());
    // Neither alone, both together: a + b = group.
    const SampleColumn first{"first", {0, 0, 1, 0}, {}, ""};
    const SampleColumn second{"second", {0, 0, 0, 1}, {}, ""};
    EXPECT_EQ(confounding_terms(std::vector<SampleColumn>{first, second, tested}, {2, {"a", "b"}, {-1, 1}}), (std::vector<std::string>{"first", "second"}));
    EXPECT_EQ(cross_table(batch, tested), "  batch      a      b\n  1          2      0\n  2          0      2");
}

TEST(design, of_three_groups_some_contrasts_can_be_told_from_batches_and_some_cannot) {
    // Batch 2 holds all of c and nothing else.
    const SampleColumn group{"group", {}, {"a", "b", "a", "b", "c", "c"}, ""};
    const std::vector<SampleColumn> terms{{"batch", {}, {"1", "1", "1", "1", "2", "2"}, ""}, group};
    const std::vector<std::string> groups{"a", "b", "c"};
    EXPECT_TRUE(confounding_terms(terms, {1, groups, {-1, 1, 0}}).empty());
    EXPECT_EQ(confounding_terms(terms, {1, groups, {-1, 0, 1}}), (std::vector<std::string>{"batch"}));
    EXPECT_EQ(confounding_terms(terms, {1, groups, {-1, 0.5, 0.5}}), (std::vector<std::string>{"batch"}));
}

}  // namespace
}  // namespace morula::analysis
