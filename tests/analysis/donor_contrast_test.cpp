#include "morula/analysis/donor_contrast.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/errors.hpp"

namespace morula::analysis {
namespace {

using Rows = std::vector<std::int64_t>;

AbundancePlan plan_of(Rows cases, Rows controls, bool is_paired) {
    AbundancePlan plan;
    plan.case_rows = std::move(cases);
    plan.control_rows = std::move(controls);
    plan.is_paired = is_paired;
    return plan;
}

TEST(donor_contrast, units_without_a_value_are_left_out_and_pairs_whole) {
    const std::vector<std::uint8_t> has{1, 1, 1, 1, 0, 1, 1, 1};
    const AbundancePlan unpaired = plan_of_units_with_values(plan_of({0, 1, 2, 3}, {4, 5, 6, 7}, false), has);
    EXPECT_EQ(unpaired.case_rows, (Rows{0, 1, 2, 3}));
    EXPECT_EQ(unpaired.control_rows, (Rows{5, 6, 7}));
    EXPECT_EQ(unpaired.status, "tested");
    const AbundancePlan paired = plan_of_units_with_values(plan_of({0, 1, 2, 3}, {4, 5, 6, 7}, true), has);
    EXPECT_EQ(paired.case_rows, (Rows{1, 2, 3}));
    EXPECT_EQ(paired.control_rows, (Rows{5, 6, 7}));
    EXPECT_FALSE(paired.is_exploratory);
}

TEST(donor_contrast, what_is_left_decides_what_may_be_said) {
    const AbundancePlan plan = plan_of({0, 1, 2}, {3, 4, 5}, false);
    const AbundancePlan few = plan_of_units_with_values(plan, std::vector<std::uint8_t>{1, 1, 0, 1, 1, 1});
    EXPECT_TRUE(few.is_exploratory);
    EXPECT_TRUE(can_compare(few));
    EXPECT_TRUE(test::contains(few.status, "exploratory: 2 and 3 donors"));
    const AbundancePlan none = plan_of_units_with_values(plan, std::vector<std::uint8_t>{0, 0, 0, 1, 1, 1});
    EXPECT_FALSE(can_compare(none));
    EXPECT_EQ(none.status, "not compared: 0 and 3 donors with cells enough");
    const AbundancePlan one_pair = plan_of_units_with_values(plan_of({0, 1, 2}, {3, 4, 5}, true), std::vector<std::uint8_t>{1, 0, 1, 1, 1, 0});
    EXPECT_FALSE(can_compare(one_pair));
    EXPECT_EQ(one_pair.status, "not compared: 1 pair of samples with cells enough");
}

TEST(donor_contrast, false_discovery_rates_by_hand) {
    const double missing = std::numeric_limits<double>::quiet_NaN();
    const std::vector<double> p{0.01, missing, 0.04, 0.03};
    const std::vector<double> fdr = false_discovery_rates(p);
    EXPECT_NEAR(fdr[0], 0.03, 1e-12);
    EXPECT_TRUE(std::isnan(fdr[1]));
    EXPECT_NEAR(fdr[2], 0.04, 1e-12);
    EXPECT_NEAR(fdr[3], 0.04, 1e-12);
}

}  // namespace
}  // namespace morula::analysis
