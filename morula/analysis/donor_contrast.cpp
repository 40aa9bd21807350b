#include "morula/analysis/donor_contrast.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "morula/analysis/p_values.hpp"

namespace morula::analysis {

bool can_compare(const AbundancePlan& plan) {
    if (plan.is_paired) return plan.case_rows.size() >= 2;
    return !plan.case_rows.empty() && !plan.control_rows.empty();
}

AbundancePlan plan_of_units_with_values(const AbundancePlan& plan, std::span<const std::uint8_t> has_value) {
    AbundancePlan out;
    out.is_paired = plan.is_paired;
    const auto has = [&](std::int64_t unit) { return has_value[static_cast<std::size_t>(unit)] != 0; };
    if (plan.is_paired) {
        for (std::size_t i = 0; i < plan.case_rows.size(); ++i) {
            if (!has(plan.case_rows[i]) || !has(plan.control_rows[i])) continue;
            out.case_rows.push_back(plan.case_rows[i]);
            out.control_rows.push_back(plan.control_rows[i]);
        }
    } else {
        std::copy_if(plan.case_rows.begin(), plan.case_rows.end(), std::back_inserter(out.case_rows), has);
        std::copy_if(plan.control_rows.begin(), plan.control_rows.end(), std::back_inserter(out.control_rows), has);
    }
    if (can_compare(out)) {
        judge_plan(out);
        return out;
    }
    out.is_exploratory = true;
    const auto n_case = std::ssize(out.case_rows);
    out.status = plan.is_paired ? fmt::format("not compared: {} pair{} of samples with cells enough", n_case, n_case == 1 ? "" : "s") : fmt::format("not compared: {} and {} donors with cells enough", n_case, out.control_rows.size());
    return out;
}

std::vector<double> false_discovery_rates(std::span<const double> p) {
    std::vector<double> logs;
    for (const double each : p) logs.push_back(std::log10(each));
    std::vector<double> fdr = log10_fdr(logs);
    for (double& each : fdr) each = std::pow(10.0, each);
    return fdr;
}

}  // namespace morula::analysis
