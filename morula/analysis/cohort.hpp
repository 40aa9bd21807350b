// Which donors a comparison of two conditions rests on, whether it can be made at all, and what it may claim.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "morula/analysis/design.hpp"

namespace morula::analysis {

/// One entry a sample: a donor's cells in one condition (and one batch, where the design has batches). Donors are the replicates.
struct Cohort {
    std::string case_name;
    std::string control_name;
    std::vector<std::string> donor;
    std::vector<std::uint8_t> is_case;
    SampleColumn batch;                // no texts where no batch is known
    std::vector<SampleColumn> terms;   // of the design, in order, the condition among them
    std::int32_t condition_term = 0;
    std::int32_t donor_term = -1;      // -1: donor is not in the design
    std::string formula;               // for messages
    std::string source;                // data set, for messages

    std::int64_t n_samples() const { return std::ssize(donor); }
};

/// Donors that have a sample in both conditions, in order of text.
std::vector<std::string> paired_donors(std::span<const std::string> donor, std::span<const std::uint8_t> is_case);

/// Names for the messages of check_donors.
struct ConditionNames {
    std::string case_name;
    std::string control_name;
    std::string source;  // data set
};
/// Throws invalid_data where donors cannot replicate anything: a condition without donors, one donor, one donor a condition. One entry a donor and condition.
void check_donors(std::span<const std::string> donor, std::span<const std::uint8_t> is_case, const ConditionNames& names);

/// Throws invalid_data where no honest comparison can be made of the cohort as a whole, with the table that shows it: what check_donors refuses, condition confounded with batch, a design with donors when no donor has both conditions, a design without donors when a donor has several
/// samples, a condition that follows from other terms.
void check_cohort(const Cohort& cohort);

enum class Evidence { tested, exploratory, none };

/// What is compared in one cell type.
struct ComparisonPlan {
    Evidence evidence = Evidence::none;
    std::string status;                // "tested", "exploratory: fewer than 3 donors ...", "not compared: ..."
    std::vector<std::int32_t> samples; // those used
    std::vector<std::string> why_not;  // one a sample of the cohort; "" where it is used
    matrix::Dense<double> design;      // of the used samples, full rank
    std::vector<double> contrast;      // case - control
    std::int64_t n_case = 0;           // donors
    std::int64_t n_control = 0;
};

inline constexpr std::int64_t kFewestDonors = 3;
inline constexpr std::int64_t kFewestResidualDf = 2;

/// n_cells, n_counts: of each sample in this cell type. Samples with fewer than min_cells cells, and in paired designs donors with one condition left, are not used.
/// Under 3 donors a group (3 pairs in paired designs), under 2 residual degrees of freedom or with a design of deficient rank: exploratory.
ComparisonPlan plan_comparison(const Cohort& cohort, std::span<const std::int64_t> n_cells, std::span<const std::int64_t> n_counts, std::int64_t min_cells);

}  // namespace morula::analysis
