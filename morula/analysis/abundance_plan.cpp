// Donors into pairs or groups.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "morula/analysis/abundance.hpp"
#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

/// Rows of one donor; -1: none.
struct DonorRows {
    std::int64_t case_row = -1;
    std::int64_t control_row = -1;
};

using Donors = std::map<std::string, DonorRows>;

Donors rows_by_donor(const AbundanceUnits& units, std::span<const double> totals, const std::string& case_name, const std::string& control_name, const AbundanceOptions& options, AbundancePlan& plan) {
    Donors donors;
    for (std::size_t unit = 0; unit < units.donor.size(); ++unit) {
        const bool is_case = units.is_case[unit] != 0;
        if (totals[unit] < static_cast<double>(options.min_cells)) {
            plan.left_out.push_back(fmt::format("{} in {}: {} cells", units.donor[unit], is_case ? case_name : control_name, totals[unit]));
            continue;
        }
        DonorRows& rows = donors[units.donor[unit]];
        std::int64_t& row = is_case ? rows.case_row : rows.control_row;
        MORULA_ASSERT(row < 0);
        row = static_cast<std::int64_t>(unit);
    }
    return donors;
}

std::string left_out_text(const AbundancePlan& plan) { return plan.left_out.empty() ? "" : fmt::format(" Left out: {}.", fmt::join(plan.left_out, "; ")); }

void pair_up(const Donors& donors, const std::string& case_name, const std::string& control_name, AbundancePlan& plan) {
    plan.is_paired = true;
    for (const auto& [name, rows] : donors) {
        if (rows.case_row < 0 || rows.control_row < 0) {
            plan.left_out.push_back(fmt::format("{}: {} alone", name, rows.case_row < 0 ? control_name : case_name));
            continue;
        }
        plan.case_rows.push_back(rows.case_row);
        plan.control_rows.push_back(rows.control_row);
    }
}

}  // namespace

void judge_plan(AbundancePlan& plan) {
    const auto fewest = static_cast<std::int64_t>(std::min(plan.case_rows.size(), plan.control_rows.size()));
    plan.is_exploratory = fewest < kFewestAbundanceDonors;
    plan.status = "tested";
    if (plan.is_exploratory && plan.is_paired) plan.status = fmt::format("exploratory: {} of {} pairs of samples that a test needs", fewest, kFewestAbundanceDonors);
    else if (plan.is_exploratory) plan.status = fmt::format("exploratory: {} and {} donors, and a test needs {} in each condition", plan.case_rows.size(), plan.control_rows.size(), kFewestAbundanceDonors);
}

AbundancePlan plan_abundance(const AbundanceUnits& units, std::span<const double> totals, const std::string& case_name, const std::string& control_name, const AbundanceOptions& options) {
    MORULA_ASSERT(units.donor.size() == units.is_case.size() && units.donor.size() == totals.size());
    AbundancePlan plan;
    const Donors donors = rows_by_donor(units, totals, case_name, control_name, options, plan);
    std::string in_both;
    for (const auto& [name, rows] : donors) {
        if (in_both.empty() && rows.case_row >= 0 && rows.control_row >= 0) in_both = name;
    }
    const std::string more_donors = "Compare more donors; cells of one donor are no replicates.";
    if (donors.size() < 2) {
        invalid_data(fmt::format("There {} with enough cells, and donors are the replicates of a comparison.{}", donors.empty() ? "is no donor" : "is one donor", left_out_text(plan)),
                     donors.empty() ? "Lower --min-cells." : more_donors);
    }
    if (options.design == AbundanceDesign::paired && in_both.empty()) {
        invalid_data(fmt::format("No donor has both {} and {}, so there are no pairs.{}", case_name, control_name, left_out_text(plan)), "Leave out --design paired, or check the donor column.");
    }
    if (options.design == AbundanceDesign::unpaired && !in_both.empty()) {
        invalid_data(fmt::format("Donor '{}' has both {} and {}, but an unpaired design needs each donor in one condition.", in_both, case_name, control_name), "Write --design paired, or check the donor column.");
    }
    if (!in_both.empty()) {
        pair_up(donors, case_name, control_name, plan);
    } else {
        for (const auto& [name, rows] : donors) {
            if (rows.case_row >= 0) plan.case_rows.push_back(rows.case_row);
            else plan.control_rows.push_back(rows.control_row);
        }
    }
    for (const auto& [rows, name] : {std::pair{&plan.case_rows, &case_name}, std::pair{&plan.control_rows, &control_name}}) {
        if (rows->empty()) invalid_data(fmt::format("No donor has enough cells in {}.{}", *name, left_out_text(plan)), "Lower --min-cells, or check the condition column.");
    }
    judge_plan(plan);
    return plan;
}

}  // namespace morula::analysis
