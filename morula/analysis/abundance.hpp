// Which cell types are more or less frequent in one condition: a test of log-ratios with donors as the replicates.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

enum class AbundanceDesign { automatic, paired, unpaired };

/// Fewer donors in a condition (pairs, where donors are paired) make a test exploratory.
inline constexpr std::int64_t kFewestAbundanceDonors = 3;

struct AbundanceOptions {
    AbundanceDesign design = AbundanceDesign::automatic;
    std::int64_t min_cells = 50;
    std::int64_t min_type_cells = 20;
    std::int64_t most_arrangements = 200'000;
};

constexpr auto describe(const AbundanceOptions*) {
    using O = AbundanceOptions;
    return std::tuple{
        field("design", &O::design, "paired: donors are compared with themselves; unpaired: each donor has one condition; auto: paired where donors have both.", {.choices = "auto|paired|unpaired"}),
        field("min_cells", &O::min_cells, "A donor with fewer cells in a condition is left out there.", {.minimum = 1.0}),
        field("min_type_cells", &O::min_type_cells, "A type with fewer cells in all is not tested.", {.minimum = 1.0}),
        field("most_arrangements", &O::most_arrangements, "Up to so many ways to swap the conditions p is exact; beyond, from Student's t.", {.minimum = 0.0, .maximum = 1e8}),
    };
}

/// One entry a row of counts: a donor in a condition. A donor stands at most once in a condition.
struct AbundanceUnits {
    std::vector<std::string> donor;
    std::vector<std::uint8_t> is_case;
};

/// Which rows are compared with which.
struct AbundancePlan {
    bool is_paired = false;
    std::vector<std::int64_t> case_rows;     // paired: row i belongs to the same donor as control row i
    std::vector<std::int64_t> control_rows;
    std::vector<std::string> left_out;       // "donor-3 in healthy: 12 cells", "donor-4: healthy alone"
    bool is_exploratory = false;
    std::string status;                      // "tested", or "exploratory: ..."
};

/// totals: cells of each unit. case_name, control_name: for messages.
/// Throws invalid_data where there is no comparison: a condition without donors, one donor in both alone; design unpaired with a donor in both conditions;
/// design paired without a donor in both.
AbundancePlan plan_abundance(const AbundanceUnits& units, std::span<const double> totals, const std::string& case_name, const std::string& control_name, const AbundanceOptions& options);

/// Sets is_exploratory and status of a plan with rows in both conditions, by how many donors (pairs) there are.
void judge_plan(AbundancePlan& plan);

/// A difference of means, case - control.
struct LogRatioTest {
    double effect = 0.0;
    double se = 0.0;       // NaN with fewer than two donors a group
    double low = 0.0;      // 95 % interval by Student's t
    double high = 0.0;
    double p = 0.0;        // exact where there are few arrangements, else p_student; NaN without replicates
    double p_student = 0.0;
    bool is_exact = false;
};

/// Number of arrangements of the conditions that the plan's exact test goes through: 2^pairs, or the ways to choose the cases. Infinite counts as a large number.
double n_arrangements(const AbundancePlan& plan);
/// values: one a unit. Paired: mean of the donors' differences, one-sample t, sign flips. Unpaired: Welch's t, permutations. The share of arrangements whose |t| is
/// at least that observed (with 1e-9 for rounding) is p: exact when the conditions' labels mean nothing.
LogRatioTest test_difference(std::span<const double> values, const AbundancePlan& plan, std::int64_t most_arrangements);

struct TypeAbundance {
    std::int64_t n_cells = 0;       // of the units used
    double share_case = 0.0;        // mean over donors
    double share_control = 0.0;
    std::int64_t seen_case = 0;     // units with cells of the type
    std::int64_t seen_control = 0;
    LogRatioTest test{};            // of ln(cells / reference), NaN where not tested
    double fdr = 0.0;               // NaN in exploratory mode and where not tested
    std::string status;             // "tested", "exploratory: ...", "not tested: ..."
};

struct AbundanceResult {
    std::vector<TypeAbundance> types;
    std::vector<double> reference;  // n_units: ln of what a cell count of the unit is compared with; NaN where left out
    double least_p = 0.0;           // the smallest p that the arrangements allow; 0 where p is Student's
};

/// counts: n_units x n_types cells. Each type is compared with a reference within its unit, since shares add to one: when one type grows, the shares of all others
/// fall. reference_type < 0: the median type (the median over types of the log count's deviation from the type's mean over units, as Anders & Huber 2010 scale
/// libraries), which is right when less than half of the types change; else that type. Half a cell, scaled by the unit's size, is added to each count.
/// A type is tested with min_type_cells in all and cells in as many units, of whichever condition, as are half of the smaller condition: one that only the cases have is tested. The rule
/// asks how many units have the type and not which, so that p stays exact among the types it lets pass. Types in less than half of all units have no part in the median, unless less than
/// two others are there. FDR: Benjamini & Hochberg over the types tested.
/// Throws invalid_data with fewer than two types to test.
AbundanceResult abundance(matrix::DenseView<const double> counts, const AbundancePlan& plan, std::int32_t reference_type, const AbundanceOptions& options, Context& context);

}  // namespace morula::analysis
