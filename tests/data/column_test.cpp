#include "morula/data/column.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "morula/core/error.hpp"

namespace morula::data {
namespace {

using Texts = std::vector<std::string>;
using Doubles = std::vector<double>;
using Integers = std::vector<std::int64_t>;

const double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<Column> one_of_each() {
    return {Doubles{3.0, 0.1, kNan}, std::vector<float>{0.1F, 2.0F, 1e-7F}, Integers{-4, 0, 9'007'199'254'740'993}, Booleans{{1, 0, 1}}, Texts{"b", "", "a"},
            Categorical{{1, -1, 0}, {"T cell", "B cell"}, true}, NullableIntegers{{5, 6, 7}, {1, 0, 1}}, NullableBooleans{{1, 1, 0}, {1, 0, 1}}};
}

/// Equality that lets NaN equal itself.
void expect_same_column(const Column& a, const Column& b) {
    ASSERT_EQ(column_type(a), column_type(b));
    EXPECT_EQ(column_texts(a), column_texts(b));
    if (const auto* categorical = std::get_if<Categorical>(&a)) {
        EXPECT_EQ(categorical->codes, std::get<Categorical>(b).codes);
        EXPECT_EQ(categorical->categories, std::get<Categorical>(b).categories);
        EXPECT_EQ(categorical->ordered, std::get<Categorical>(b).ordered);
    }
}

TEST(Column, each_type_knows_its_name_and_size) {
    const Texts types{"float64", "float32", "int64", "bool", "text", "categorical", "nullable-int64", "nullable-bool"};
    const std::vector<Column> columns = one_of_each();
    for (std::size_t i = 0; i < columns.size(); ++i) {
        EXPECT_EQ(column_type(columns[i]), types[i]);
        EXPECT_EQ(column_size(columns[i]), 3);
    }
}

TEST(Column, texts_are_short_and_read_back_the_same) {
    const std::vector<Texts> expected{{"3", "0.1", ""},  {"0.1", "2", "1e-07"},     {"-4", "0", "9007199254740993"}, {"True", "False", "True"},
                                      {"b", "", "a"}, {"B cell", "", "T cell"}, {"5", "", "7"},                   {"True", "", "False"}};
    const std::vector<Column> columns = one_of_each();
    for (std::size_t i = 0; i < columns.size(); ++i) EXPECT_EQ(column_texts(columns[i]), expected[i]) << column_type(columns[i]);
    EXPECT_EQ(column_texts(Doubles{-0.5, 1e300, std::numeric_limits<double>::infinity()}), (Texts{"-0.5", "1e+300", "inf"}));
    const double awkward = 0.1 + 0.2;
    EXPECT_EQ(std::stod(column_texts(Doubles{awkward})[0]), awkward);
}

TEST(Column, numbers_are_read_from_texts_and_missing_ones_are_nan) {
    const Doubles numbers = column_numbers(Texts{"3", " -1.5e2 ", "+7", "", "7 cells", "NA", "0x10"});
    EXPECT_EQ(numbers[0], 3.0);
    EXPECT_EQ(numbers[1], -150.0);
    EXPECT_EQ(numbers[2], 7.0);
    for (std::size_t i = 3; i < numbers.size(); ++i) EXPECT_TRUE(std::isnan(numbers[i])) << i;

    const Doubles of_categories = column_numbers(Categorical{{2, 0, -1, 1}, {"10", "x", "2"}, false});
    EXPECT_EQ(of_categories[0], 2.0);
    EXPECT_EQ(of_categories[1], 10.0);
    EXPECT_TRUE(std::isnan(of_categories[2]));
    EXPECT_TRUE(std::isnan(of_categories[3]));

    EXPECT_EQ(column_numbers(Booleans{{1, 0}}), (Doubles{1.0, 0.0}));
    EXPECT_EQ(column_numbers(std::vector<float>{0.5F}), (Doubles{0.5}));
    const Doubles nullable = column_numbers(NullableIntegers{{5, 6}, {1, 0}});
    EXPECT_EQ(nullable[0], 5.0);
    EXPECT_TRUE(std::isnan(nullable[1]));
}

TEST(Column, categories_of_texts_are_sorted_and_empty_texts_are_missing) {
    const Categorical column = to_categorical({"T", "B", "", "T", "NK"});
    EXPECT_EQ(column.categories, (Texts{"B", "NK", "T"}));
    EXPECT_EQ(column.codes, (std::vector<std::int32_t>{2, 0, -1, 2, 1}));
    EXPECT_FALSE(column.ordered);
    EXPECT_TRUE(to_categorical({}).categories.empty());
}

TEST(Column, categories_of_numbers_are_in_order_of_size) {
    EXPECT_EQ(as_categorical(Integers{10, 9, 100, 9}).categories, (Texts{"9", "10", "100"}));
    EXPECT_EQ(as_categorical(Doubles{2.5, kNan, -1.0}).categories, (Texts{"-1", "2.5"}));
    EXPECT_EQ(as_categorical(Doubles{2.5, kNan, -1.0}).codes, (std::vector<std::int32_t>{1, -1, 0}));
    EXPECT_EQ(as_categorical(Booleans{{1, 0}}).categories, (Texts{"False", "True"}));
    EXPECT_EQ(as_categorical(Texts{"10", "9"}).categories, (Texts{"10", "9"})) << "texts sort as texts, as in pandas";
}

TEST(Column, a_categorical_column_keeps_its_own_order_and_unused_categories) {
    const Categorical stages{{2, 0}, {"late", "middle", "early"}, true};
    const Categorical same = as_categorical(stages);
    EXPECT_EQ(same.categories, stages.categories);
    EXPECT_TRUE(same.ordered);
}

TEST(Column, selected_rows_come_in_the_order_asked_for) {
    for (const Column& column : one_of_each()) {
        const Texts all = column_texts(column);
        const Column picked = select_column(column, {2, 0, 2});
        EXPECT_EQ(column_type(picked), column_type(column));
        EXPECT_EQ(column_texts(picked), (Texts{all[2], all[0], all[2]}));
        EXPECT_EQ(column_size(select_column(column, {})), 0);
        EXPECT_THROW(select_column(column, {3}), Error);
        EXPECT_THROW(select_column(column, {-1}), Error);
    }
}

TEST(Column, stacking_a_type_on_itself_keeps_type_and_values) {
    for (const Column& column : one_of_each()) {
        const Texts once = column_texts(column);
        Texts twice = once;
        twice.insert(twice.end(), once.begin(), once.end());
        const Column stacked = stack_columns({column, column});
        EXPECT_EQ(column_type(stacked), column_type(column));
        EXPECT_EQ(column_texts(stacked), twice);
        expect_same_column(stack_columns({column}), column);
    }
}

struct Mixture {
    std::size_t a;
    std::size_t b;
    const char* type;
};

TEST(Column, stacking_two_types_gives_one_that_holds_both_in_either_order) {
    enum : std::size_t { f64, f32, i64, boolean, text, categorical, nullable_i64, nullable_bool };
    const std::vector<Mixture> mixtures{{f64, f32, "float64"},          {f32, i64, "float64"},           {f64, nullable_i64, "float64"},
                                        {i64, nullable_i64, "nullable-int64"}, {boolean, nullable_bool, "nullable-bool"}, {boolean, i64, "text"},
                                        {nullable_bool, f32, "text"},   {text, f64, "text"},             {text, boolean, "text"},
                                        {text, categorical, "text"},    {categorical, boolean, "categorical"}, {categorical, nullable_i64, "categorical"}};
    const std::vector<Column> columns = one_of_each();
    for (const Mixture& mixture : mixtures) {
        for (const bool swapped : {false, true}) {
            const Column& first = columns[swapped ? mixture.b : mixture.a];
            const Column& second = columns[swapped ? mixture.a : mixture.b];
            const Column stacked = stack_columns({first, second});
            EXPECT_EQ(column_type(stacked), mixture.type) << column_type(first) << " + " << column_type(second);
            EXPECT_EQ(column_size(stacked), 6);
            if (column_type(stacked) == "float64") continue;  // 0.1F has another shortest text as a double
            Texts expected = column_texts(first);
            const Texts below = column_texts(second);
            expected.insert(expected.end(), below.begin(), below.end());
            EXPECT_EQ(column_texts(stacked), expected);
        }
    }
    EXPECT_EQ(column_numbers(stack_columns({std::vector<float>{0.5F}, Integers{16'777'217}})), (Doubles{0.5, 16'777'217.0}));
}

TEST(Column, stacked_categories_are_joined_and_stay_ordered_only_when_all_agree) {
    const Categorical a{{0, 1}, {"x", "y"}, true};
    const Categorical b{{0, 1}, {"y", "z"}, true};
    const auto joined = std::get<Categorical>(stack_columns({a, b}));
    EXPECT_EQ(joined.categories, (Texts{"x", "y", "z"}));
    EXPECT_EQ(joined.codes, (std::vector<std::int32_t>{0, 1, 1, 2}));
    EXPECT_FALSE(joined.ordered);
    EXPECT_TRUE(std::get<Categorical>(stack_columns({a, a})).ordered);
    EXPECT_TRUE(std::get<Categorical>(stack_columns({a, Categorical{{-1}, {}, true}})).ordered) << "a part that lacks the column does not object";
    EXPECT_FALSE(std::get<Categorical>(stack_columns({a, Categorical{{0}, {"x", "y"}, false}})).ordered);
}

}  // namespace
}  // namespace morula::data
