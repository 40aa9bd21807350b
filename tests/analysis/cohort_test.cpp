#include "morula/analysis/cohort.hpp"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/errors.hpp"

namespace morula::analysis {
namespace {

using test::contains;

/// Samples from lines "donor condition batch".
Cohort cohort(const std::vector<std::array<const char*, 3>>& samples, bool with_donor, bool with_batch) {
    Cohort out;
    out.levels = {"well", "sick"};
    out.contrasts = {difference_of(out.levels, 1, 0)};
    out.source = "study.h5ad";
    out.batch.name = "batch";
    SampleColumn condition{"group", {}, {}, "well"};
    for (const auto& [donor, group, batch] : samples) {
        out.donor.emplace_back(donor);
        out.level.push_back(std::string(group) == "sick" ? 1 : 0);
        condition.texts.emplace_back(group);
        out.batch.texts.emplace_back(batch);
    }
    out.formula = "~";
    if (with_donor) {
        out.donor_term = 0;
        out.terms.push_back({"donor", {}, out.donor, ""});
        out.formula += " donor +";
    }
    if (with_batch) {
        out.terms.push_back(out.batch);
        out.formula += " batch +";
    }
    out.condition_term = static_cast<std::int32_t>(out.terms.size());
    out.terms.push_back(condition);
    out.formula += " group";
    return out;
}

ComparisonPlan plan_of(const Cohort& cohort, const std::vector<std::int64_t>& n_cells, const std::vector<std::int64_t>& n_counts, std::int64_t min_cells) {
    return plan_comparisons(cohort, n_cells, n_counts, min_cells).front();
}

std::string refusal(const Cohort& cohort) {
    const Error error = test::thrown_by([&] { check_cohort(cohort); });
    EXPECT_EQ(error.code(), ErrorCode::invalid_data);
    return error.message();
}

TEST(cohort, what_cannot_be_told_is_refused_with_the_table_that_shows_it) {
    EXPECT_TRUE(contains(refusal(cohort({{"d1", "well", "1"}, {"d1", "sick", "1"}}, false, false)), "one donor"));
    EXPECT_TRUE(contains(refusal(cohort({{"d1", "well", "1"}, {"d2", "sick", "1"}}, false, false)), "one donor in each condition"));
    EXPECT_TRUE(contains(refusal(cohort({{"d1", "well", "1"}, {"d2", "well", "1"}}, false, false)), "no cell has the condition 'sick'"));
    const std::string batch = refusal(cohort({{"d1", "well", "b1"}, {"d2", "well", "b1"}, {"d3", "sick", "b2"}, {"d4", "sick", "b3"}}, false, false));
    EXPECT_TRUE(contains(batch, "confounded with batch 'batch'")) << batch;
    EXPECT_TRUE(contains(batch, "batch   well   sick")) << batch;
    EXPECT_TRUE(contains(batch, "b3         0      1")) << batch;
    const std::string unpaired = refusal(cohort({{"d1", "well", "1"}, {"d2", "well", "1"}, {"d3", "sick", "1"}, {"d4", "sick", "1"}}, true, false));
    EXPECT_TRUE(contains(unpaired, "no donor has both")) << unpaired;
    EXPECT_TRUE(contains(unpaired, "d3         0      1")) << unpaired;
    const std::string twice = refusal(cohort({{"d1", "well", "1"}, {"d1", "sick", "1"}, {"d2", "well", "1"}, {"d3", "sick", "1"}}, false, false));
    EXPECT_TRUE(contains(twice, "'d1' is in both conditions")) << twice;
    const std::string batches = refusal(cohort({{"d1", "well", "1"}, {"d1", "well", "2"}, {"d2", "sick", "1"}, {"d3", "sick", "2"}}, false, true));
    EXPECT_TRUE(contains(batches, "several batches")) << batches;
    EXPECT_NO_THROW(check_cohort(cohort({{"d1", "well", "1"}, {"d2", "well", "2"}, {"d3", "sick", "1"}, {"d4", "sick", "2"}}, false, true)));
}

const std::vector<std::array<const char*, 3>> kSix{{"d1", "well", "1"}, {"d2", "well", "1"}, {"d3", "well", "2"}, {"d4", "sick", "1"}, {"d5", "sick", "2"}, {"d6", "sick", "2"}};

TEST(cohort, three_donors_a_group_are_tested_two_are_exploratory) {
    const std::vector<std::int64_t> counts(6, 1000);
    const ComparisonPlan whole = plan_of(cohort(kSix, false, false), std::vector<std::int64_t>(6, 30), counts, 10);
    EXPECT_EQ(whole.evidence, Evidence::tested);
    EXPECT_EQ(whole.status, "tested");
    EXPECT_EQ(whole.n_case, 3);
    EXPECT_EQ(whole.contrast, (std::vector<double>{0, 1}));
    const ComparisonPlan two = plan_of(cohort(kSix, false, false), std::vector<std::int64_t>{30, 30, 30, 9, 30, 30}, counts, 10);
    EXPECT_EQ(two.evidence, Evidence::exploratory);
    EXPECT_TRUE(contains(two.status, "fewer than 3 donors in a group (2 sick, 3 well)")) << two.status;
    EXPECT_EQ(two.why_not[3], "9 cells, fewer than 10");
    EXPECT_EQ(two.samples, (std::vector<std::int32_t>{0, 1, 2, 4, 5}));
    const ComparisonPlan none = plan_of(cohort(kSix, false, false), std::vector<std::int64_t>{30, 30, 30, 9, 0, 3}, counts, 10);
    EXPECT_EQ(none.evidence, Evidence::none);
    EXPECT_TRUE(contains(none.status, "no donor with enough cells in 'sick'")) << none.status;
    EXPECT_TRUE(none.samples.empty());
}

TEST(cohort, paired_designs_count_pairs) {
    const Cohort paired = cohort({{"d1", "well", "1"}, {"d1", "sick", "1"}, {"d2", "well", "1"}, {"d2", "sick", "1"}, {"d3", "well", "1"}, {"d3", "sick", "1"}, {"d4", "sick", "1"}}, true, false);
    EXPECT_NO_THROW(check_cohort(paired));
    const std::vector<std::int64_t> counts(7, 1000);
    const ComparisonPlan plan = plan_of(paired, std::vector<std::int64_t>(7, 30), counts, 10);
    EXPECT_EQ(plan.evidence, Evidence::tested);
    EXPECT_EQ(plan.n_case, 3);
    EXPECT_EQ(plan.design.n_rows, 6);
    EXPECT_EQ(plan.design.n_cols, 4);
    EXPECT_TRUE(contains(plan.why_not[6], "other condition is missing"));
    const ComparisonPlan short_of = plan_of(paired, std::vector<std::int64_t>{30, 30, 30, 30, 30, 2, 30}, counts, 10);
    EXPECT_TRUE(contains(short_of.status, "fewer than 3 donors with both conditions (2)")) << short_of.status;
    EXPECT_TRUE(contains(short_of.status, "1 residual degree of freedom")) << short_of.status;
    EXPECT_EQ(plan_of(paired, std::vector<std::int64_t>{30, 30, 30, 3, 3, 30, 30}, counts, 10).evidence, Evidence::none) << "one pair leaves nothing to tell variation from";
}

TEST(cohort, a_rank_deficient_design_is_exploratory_and_says_which_column_repeats) {
    // Batches lie within donors: batch adds nothing to donor, the condition can still be told.
    const Cohort nested = cohort({{"d1", "well", "1"}, {"d1", "sick", "1"}, {"d2", "well", "1"}, {"d2", "sick", "1"}, {"d3", "well", "2"}, {"d3", "sick", "2"}, {"d4", "well", "2"}, {"d4", "sick", "2"}}, true, true);
    EXPECT_NO_THROW(check_cohort(nested));
    const ComparisonPlan plan = plan_of(nested, std::vector<std::int64_t>(8, 30), std::vector<std::int64_t>(8, 1000), 10);
    EXPECT_EQ(plan.evidence, Evidence::exploratory);
    EXPECT_TRUE(contains(plan.status, "rank-deficient design (batch=2 repeats other columns)")) << plan.status;
    EXPECT_EQ(plan.design.n_cols, 5);
    EXPECT_EQ(plan.contrast, (std::vector<double>{0, 0, 0, 0, 1}));
}

TEST(cohort, a_type_confounded_among_its_own_donors_is_not_compared) {
    const ComparisonPlan plan = plan_of(cohort(kSix, false, true), std::vector<std::int64_t>{30, 30, 0, 0, 30, 30}, std::vector<std::int64_t>(6, 1000), 10);
    EXPECT_EQ(plan.evidence, Evidence::none);
    EXPECT_TRUE(contains(plan.status, "cannot be told apart from batch")) << plan.status;
}

}  // namespace
}  // namespace morula::analysis
