#include "morula/data/table.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/contexts.hpp"

namespace morula::data {
namespace {

using Texts = std::vector<std::string>;
using test::error_code;
using test::error_text;

Table cells() {
    Table table(Texts{"AAAC", "AAAG", "AAAT"});
    table.index_name = "barcode";
    table.set("donor", Texts{"d1", "d2", "d1"});
    table.set("total_counts", std::vector<double>{10.0, 20.0, 30.0});
    return table;
}

TEST(Table, columns_keep_their_order_and_can_be_replaced_and_erased) {
    Table table = cells();
    EXPECT_EQ(table.n_rows(), 3);
    EXPECT_EQ(table.names(), (Texts{"donor", "total_counts"}));
    table.set("batch", std::vector<std::int64_t>{1, 1, 2});
    table.set("donor", Texts{"x", "y", "z"});
    EXPECT_EQ(table.names(), (Texts{"donor", "total_counts", "batch"}));
    EXPECT_EQ(column_texts(table.at("donor")), (Texts{"x", "y", "z"}));
    table.erase("total_counts");
    table.erase("never there");
    EXPECT_EQ(table.names(), (Texts{"donor", "batch"}));
    EXPECT_TRUE(table.has("batch"));
    EXPECT_FALSE(table.has("total_counts"));
    EXPECT_EQ(table.find("total_counts"), nullptr);
}

TEST(Table, a_missing_column_is_answered_with_the_nearest_name) {
    const auto ask = [](const char* name) { return [name] { static_cast<void>(cells().at(name)); }; };
    EXPECT_EQ(error_code(ask("donnor")), ErrorCode::not_found);
    EXPECT_EQ(error_text(ask("donnor")), "There is no column 'donnor'. Next: Did you mean 'donor'?");
    EXPECT_EQ(error_text(ask("cell_type")), "There is no column 'cell_type'. Next: Use one of: donor, total_counts.");
    EXPECT_EQ(error_text([] { static_cast<void>(Table(Texts{"a"}).at("donor")); }), "There is no column 'donor'. Next: There are no columns at all.");
}

TEST(Table, a_column_or_index_of_another_length_is_refused) {
    Table table = cells();
    EXPECT_EQ(error_code([&] { table.set("short", std::vector<double>{1.0}); }), ErrorCode::internal);
    EXPECT_EQ(error_code([&] { table.set_index({"a"}); }), ErrorCode::internal);
    EXPECT_NO_THROW(table.set_index({"a", "b", "c"}));
    EXPECT_EQ(table.index()[2], "c");
}

TEST(Table, selected_rows_carry_index_and_columns) {
    const Table picked = cells().select({2, 0});
    EXPECT_EQ(picked.index(), (Texts{"AAAT", "AAAC"}));
    EXPECT_EQ(picked.index_name, "barcode");
    EXPECT_EQ(picked.names(), cells().names());
    EXPECT_EQ(column_numbers(picked.at("total_counts")), (std::vector<double>{30.0, 10.0}));
    EXPECT_EQ(cells().select({}).n_rows(), 0);
    EXPECT_EQ(cells().select({}).names(), cells().names());
}

TEST(Table, stacked_tables_have_all_columns_and_mark_what_is_missing) {
    Table other(Texts{"CCC"});
    other.set("donor", Categorical{{0}, {"d3"}, false});
    other.set("n_genes", std::vector<std::int64_t>{7});
    other.set("is_doublet", Booleans{{1}});
    const Table stacked = stack_tables({cells(), other});
    EXPECT_EQ(stacked.index(), (Texts{"AAAC", "AAAG", "AAAT", "CCC"}));
    EXPECT_EQ(stacked.index_name, "barcode");
    EXPECT_EQ(stacked.names(), (Texts{"donor", "total_counts", "n_genes", "is_doublet"}));
    EXPECT_EQ(column_texts(stacked.at("donor")), (Texts{"d1", "d2", "d1", "d3"}));
    EXPECT_TRUE(std::isnan(column_numbers(stacked.at("total_counts"))[3]));
    EXPECT_EQ(column_type(stacked.at("n_genes")), "nullable-int64");
    EXPECT_EQ(column_texts(stacked.at("n_genes")), (Texts{"", "", "", "7"}));
    EXPECT_EQ(column_type(stacked.at("is_doublet")), "nullable-bool");
    EXPECT_EQ(column_texts(stacked.at("is_doublet")), (Texts{"", "", "", "True"}));
    EXPECT_EQ(stack_tables({}).n_rows(), 0);
}

TEST(Table, every_type_of_column_survives_a_table_that_lacks_it) {
    const std::vector<Column> columns{std::vector<double>{1.5}, std::vector<float>{2.5F}, std::vector<std::int64_t>{3}, Booleans{{1}}, Texts{"t"}, Categorical{{0}, {"c"}, true},
                                      NullableIntegers{{4}, {1}}, NullableBooleans{{1}, {1}}};
    for (const Column& column : columns) {
        Table with(Texts{"a"});
        with.set("x", column);
        const Table without(Texts{"b"});
        const Texts value = column_texts(column);
        EXPECT_EQ(column_texts(stack_tables({with, without}).at("x")), (Texts{value[0], ""})) << column_type(column);
        EXPECT_EQ(column_texts(stack_tables({without, with}).at("x")), (Texts{"", value[0]})) << column_type(column);
    }
}

// Expected names are what anndata.utils.make_index_unique of anndata 0.13 gives.
TEST(Table, repeated_names_get_suffixes_as_in_anndata) {
    const auto unique = [](Texts names) {
        make_unique(names);
        return names;
    };
    EXPECT_EQ(unique({"a", "a", "b", "a"}), (Texts{"a", "a-1", "b", "a-2"}));
    EXPECT_EQ(unique({"a", "a-1", "a", "a"}), (Texts{"a", "a-1", "a-2", "a-3"}));
    EXPECT_EQ(unique({"x-1", "x", "x", "x-1"}), (Texts{"x-1", "x", "x-2", "x-1-1"}));
    EXPECT_EQ(unique({"", "", ""}), (Texts{"", "-1", "-2"}));
    Texts distinct{"a", "b"};
    EXPECT_EQ(make_unique(distinct), 0);
    EXPECT_EQ(distinct, (Texts{"a", "b"}));
    Texts twice{"a", "a", "b", "b", "b"};
    EXPECT_EQ(make_unique(twice), 3);
}

}  // namespace
}  // namespace morula::data
