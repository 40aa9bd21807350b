// Which donors a comparison of conditions rests on, whether it can be made at all, and what it may claim.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "morula/analysis/contrast.hpp"
#include "morula/analysis/design.hpp"

namespace morula::analysis {

/// One entry a sample: a donor's cells in one condition (and one batch, where the design has batches). Donors are the replicates.
struct Cohort {
    std::vector<std::string> levels;     // of the condition: the control, then one case or more
    std::vector<std::int32_t> level;     // of each sample
    std::vector<Contrast> contrasts;     // what is asked: each case against the control, in order, then others
    std::vector<std::string> donor;
    SampleColumn batch;                // no texts where no batch is known
    std::vector<SampleColumn> terms;   // of the design, in order, the condition among them
    std::int32_t condition_term = 0;
    std::int32_t donor_term = -1;      // -1: donor is not in the design
    std::string formula;               // for messages
    std::string source;                // data set, for messages

    std::int64_t n_samples() const { return std::ssize(donor); }
    const std::string& condition(std::size_t sample) const { return levels[static_cast<std::size_t>(level[sample])]; }
};

/// Names for the messages of check_donors.
struct ConditionNames {
    std::string case_name;
    std::string control_name;
    std::string source;  // data set
};
/// Throws invalid_data where donors cannot replicate anything: a condition without donors, one donor, one donor a condition. One entry a donor and condition.
void check_donors(std::span<const std::string> donor, std::span<const std::uint8_t> is_case, const ConditionNames& names);

/// Throws invalid_data where no honest comparison can be made of the cohort as a whole, with the table that shows it: what check_donors refuses, a contrast of conditions that is confounded with batch, a design with donors when no donor has two conditions, a design without donors when a
/// donor has several samples, a contrast that follows from other terms.
void check_cohort(const Cohort& cohort);

enum class Evidence { tested, exploratory, none };

/// What is compared in one cell type by one contrast. All contrasts of a type have the same fit.
struct ComparisonPlan {
    Evidence evidence = Evidence::none;
    std::string status;                // "tested", "exploratory: fewer than 3 donors ...", "not compared: ..."
    std::vector<std::int32_t> samples; // those of the fit; none where nothing is compared
    std::vector<std::string> why_not;  // one a sample of the cohort; "" where it is used
    matrix::Dense<double> design;      // of the used samples, full rank
    std::vector<double> contrast;      // one weight a column of the design
    std::int64_t n_case = 0;           // donors of the levels with positive weights
    std::int64_t n_control = 0;        // of those with negative weights
};

inline constexpr std::int64_t kFewestDonors = 3;
inline constexpr std::int64_t kFewestResidualDf = 2;

/// A plan for each contrast of the cohort. n_cells, n_counts: of each sample in this cell type. Samples with fewer than min_cells cells, and in paired designs donors with one condition left, are not used.
/// Under 3 donors in a level that the contrast weighs (3 donors on both its sides in paired designs), under 2 residual degrees of freedom or with a design of deficient rank: exploratory.
std::vector<ComparisonPlan> plan_comparisons(const Cohort& cohort, std::span<const std::int64_t> n_cells, std::span<const std::int64_t> n_counts, std::int64_t min_cells);

/// The plan of the test over all levels together: what the weakest of the contrasts case - control allows.
struct TogetherPlan {
    Evidence evidence = Evidence::none;
    std::string status;
    std::vector<std::int64_t> n_donors;   // of each level
    matrix::Dense<double> contrasts;      // a row a case
};
/// plans: of plan_comparisons.
TogetherPlan plan_together(const Cohort& cohort, std::span<const ComparisonPlan> plans);

}  // namespace morula::analysis
