#include "morula/commands/donor_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"

namespace morula::commands {
namespace {

const ComparisonColumns kColumns{"group", "sick", "well", "donor", "", "type"};

/// Six donors of four cells, the first three well.
class DonorTableTest : public testing::Test {
protected:
    DonorTableTest() {
        std::vector<std::string> cells, donor, group, type, sample, sex;
        std::vector<std::int64_t> age, weight, smokes;
        std::vector<double> depth;
        for (int d = 0; d < 6; ++d) {
            for (int cell = 0; cell < 4; ++cell) {
                cells.push_back("c" + std::to_string(d) + "-" + std::to_string(cell));
                donor.push_back("d" + std::to_string(d));
                group.emplace_back(d < 3 ? "well" : "sick");
                type.emplace_back(cell % 2 == 0 ? "T" : "B");
                sample.push_back("s" + std::to_string(d));
                sex.emplace_back(d == 0 || d == 4 ? "female" : "male");
                age.push_back(d < 3 ? 30 + d : 60 + d);
                weight.push_back(std::vector<std::int64_t>{60, 70, 80, 61, 71, 79}[static_cast<std::size_t>(d)]);
                smokes.push_back(d > 2 ? 1 : d == 0 ? 1 : 0);
                depth.push_back(1.5 * cell);
            }
        }
        dataset_.name = "study";
        dataset_.obs = data::Table(cells);
        dataset_.obs.set("donor", data::to_categorical(donor));
        dataset_.obs.set("group", data::to_categorical(group));
        dataset_.obs.set("type", data::to_categorical(type));
        dataset_.obs.set("sample", data::to_categorical(sample));
        dataset_.obs.set("sex", sex);
        dataset_.obs.set("age", age);
        dataset_.obs.set("weight", weight);
        dataset_.obs.set("smokes", smokes);
        dataset_.obs.set("depth", depth);
        dataset_.obs.set("study", std::vector<std::string>(cells.size(), "one"));
    }
    DonorTable table() { return donor_table(dataset_, kColumns, context_); }
    const DonorColumn& column(const DonorTable& table, const std::string& name) const {
        return *std::find_if(table.columns.begin(), table.columns.end(), [&](const DonorColumn& each) { return each.name == name; });
    }
    data::Dataset dataset_;
    Context context_{{.threads = 1, .memory_bytes = test::kTestMemory}};
};

std::vector<std::string> names_of(const DonorTable& table) {
    std::vector<std::string> names;
    for (const DonorColumn& each : table.columns) names.push_back(each.name);
    return names;
}

TEST_F(DonorTableTest, holds_what_has_one_value_a_donor_and_no_names) {
    const DonorTable found = table();
    EXPECT_EQ(names_of(found), (std::vector<std::string>{"sex", "age", "weight", "smokes"})) << "not sample, depth, study, nor what is compared";
    EXPECT_EQ(found.donor.size(), 6U);
    EXPECT_EQ(found.n_cells, std::vector<std::int64_t>(6, 4));
    EXPECT_EQ(column(found, "sex").texts, (std::vector<std::string>{"female", "male", "male", "male", "female", "male"}));
    EXPECT_EQ(column(found, "age").texts[5], "65");
    EXPECT_EQ(found.n_more, 0);
}

TEST_F(DonorTableTest, says_what_is_even_uneven_and_not_to_be_told_apart) {
    const DonorTable found = table();
    const DonorColumn& sex = column(found, "sex");
    EXPECT_EQ(sex.balance, Balance::even);
    EXPECT_EQ(sex.sentence, "");
    ASSERT_EQ(sex.groups.size(), 2U);
    EXPECT_EQ(sex.groups[0].name + sex.groups[0].in_case + sex.groups[0].in_control, "female11");
    EXPECT_EQ(sex.groups[1].name + sex.groups[1].in_case + sex.groups[1].in_control, "male22");
    const DonorColumn& age = column(found, "age");
    EXPECT_EQ(age.balance, Balance::complete);
    EXPECT_EQ(age.sentence, "'age' does not overlap: 64 (63 to 65) in sick, 31 (30 to 32) in well. What differs may go with it.");
    EXPECT_EQ(column(found, "weight").balance, Balance::even);
    // Two numbers are two groups: 3 of 3 against 1 of 3, V = .71.
    const DonorColumn& smokes = column(found, "smokes");
    EXPECT_EQ(smokes.balance, Balance::strong);
    EXPECT_TRUE(test::contains(smokes.sentence, "'smokes' is uneven: '0' in 0 of 3 sick and 2 of 3 well.")) << smokes.sentence;
    // Means 20 apart, standard deviation 10: uneven, and the ranges overlap.
    std::vector<std::int64_t> weight;
    for (std::size_t cell = 0; cell < 24; ++cell) weight.push_back(std::vector<std::int64_t>{60, 70, 80, 79, 90, 100}[cell / 4]);
    dataset_.obs.set("weight", weight);
    EXPECT_EQ(column(table(), "weight").balance, Balance::strong);
}

TEST_F(DonorTableTest, batches_count_where_donors_have_several_and_stand_first) {
    std::vector<std::string> batch;
    for (std::size_t cell = 0; cell < 24; ++cell) batch.emplace_back(cell / 4 < 3 ? (cell % 2 == 0 ? "plate 1" : "plate 2") : "plate 3");
    dataset_.obs.set("batch", batch);
    const DonorTable found = table();
    EXPECT_EQ(found.columns[0].name, "batch");
    EXPECT_EQ(found.columns[0].texts[0], "plate 1 + plate 2");
    EXPECT_EQ(found.columns[0].balance, Balance::complete) << "it refuses nothing here";
    ASSERT_EQ(found.columns[0].groups.size(), 3U);
    EXPECT_EQ(found.columns[0].groups[0].in_control, "3");
    EXPECT_EQ(found.columns[0].groups[0].in_case, "0");
    // A batch for each donor tells nothing that the donors do not.
    std::vector<std::string> own;
    for (std::size_t cell = 0; cell < 24; ++cell) own.push_back("run " + std::to_string(cell / 4));
    dataset_.obs.set("batch", own);
    EXPECT_EQ(table().columns[0].balance, Balance::even);
}

TEST_F(DonorTableTest, donors_with_both_conditions_are_even_in_what_is_theirs) {
    std::vector<std::string> group;
    for (std::size_t cell = 0; cell < 24; ++cell) group.emplace_back(cell % 2 == 0 ? "well" : "sick");
    dataset_.obs.set("group", data::to_categorical(group));
    dataset_.obs.set("type", data::to_categorical(std::vector<std::string>(24, "T")));
    const DonorTable found = table();
    EXPECT_EQ(found.donor.size(), 12U);
    for (const DonorColumn& each : found.columns) EXPECT_EQ(each.balance, Balance::even) << each.name;
}

TEST_F(DonorTableTest, more_columns_than_a_page_takes_are_counted) {
    for (int i = 0; i < 20; ++i) dataset_.obs.set("site" + std::to_string(i), data::as_categorical(dataset_.obs.at("sex")));
    const DonorTable found = table();
    EXPECT_EQ(found.columns.size(), kMostDonorColumns);
    EXPECT_EQ(found.n_more, 24 - static_cast<std::int64_t>(kMostDonorColumns));
}

}  // namespace
}  // namespace morula::commands
