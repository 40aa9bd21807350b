#include "morula/commands/condition_contrast.hpp"

#include <fmt/format.h>

#include "morula/analysis/cohort.hpp"
#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"

namespace morula::commands {
namespace {

void leave_out_cells_without_counts(const LogCells& cells, const ContrastIo& io, ComparisonUnits& units, Context& context) {
    std::vector<std::int64_t> n_left(static_cast<std::size_t>(units.n_units()), 0);
    std::int64_t n = 0;
    for (std::size_t cell = 0; cell < units.of_cell.size(); ++cell) {
        if (units.of_cell[cell] < 0) continue;
        if (cells.total[cell] > 0.0) {
            ++n_left[static_cast<std::size_t>(units.of_cell[cell])];
            continue;
        }
        units.of_cell[cell] = -1;
        ++n;
    }
    if (n == 0) return;
    std::vector<std::string> empty;
    for (std::size_t unit = 0; unit < n_left.size(); ++unit) {
        if (n_left[unit] == 0) empty.push_back(fmt::format("{} in {}", units.donor[unit], units.is_case[unit] != 0 ? io.case_name : io.control_name));
    }
    const std::string without = empty.empty() ? "" : fmt::format(", and no others are there of {}", listed(empty));
    context.events().warning(fmt::format("{}: {} cells have no counts and take no part in the comparison{}.", cells.dataset.name, n, without));
}

}  // namespace

std::optional<ConditionContrast> find_contrast(const LogCells& cells, const ContrastIo& io, const std::string& cell_type, std::int64_t min_cells, Context& context) {
    const data::Dataset& dataset = cells.dataset;
    const std::pair<std::string_view, const std::string&> needed[] = {{"--condition", io.condition}, {"--case", io.case_name}, {"--control", io.control_name}, {"--donor", io.donor}};
    std::vector<std::string_view> missing;
    for (const auto& [flag, value] : needed) {
        if (value.empty()) missing.push_back(flag);
    }
    if (missing.size() == std::size(needed)) return std::nullopt;
    if (!missing.empty()) fail(ErrorCode::usage, fmt::format("A comparison of conditions also needs {}.", fmt::join(missing, ", ")), "Give --condition, --case, --control and --donor together: donors are the replicates.");
    ConditionContrast out;
    out.columns = {io.condition, io.case_name, io.control_name, io.donor, io.batch, cell_type};
    out.units = comparison_units(dataset, out.columns, io.design == analysis::AbundanceDesign::automatic ? DonorsInBoth::settle : DonorsInBoth::keep, context);
    leave_out_cells_without_counts(cells, io, out.units, context);
    analysis::check_donors(out.units.donor, out.units.is_case, {io.case_name, io.control_name, dataset.name});
    std::vector<double> totals(static_cast<std::size_t>(out.units.n_units()), 0.0);
    for (const std::int32_t unit : out.units.of_cell) {
        if (unit >= 0) totals[static_cast<std::size_t>(unit)] += 1.0;
    }
    out.plan = analysis::plan_abundance({out.units.donor, out.units.is_case}, totals, io.case_name, io.control_name, {.design = io.design, .min_cells = min_cells});
    if (!out.plan.left_out.empty()) context.events().warning(fmt::format("Left out: {}.", fmt::join(out.plan.left_out, "; ")));
    return out;
}

std::vector<std::int32_t> units_by_types(const ComparisonUnits& units, std::span<const std::int32_t> types, std::int32_t n_types) {
    std::vector<std::int32_t> group;
    for (std::size_t cell = 0; cell < types.size(); ++cell) group.push_back(units.of_cell[cell] < 0 || types[cell] < 0 ? -1 : units.of_cell[cell] * n_types + types[cell]);
    return group;
}

std::string donors_text(const analysis::AbundancePlan& plan) {
    const std::string n = fmt::format("{} donor{}", plan.case_rows.size(), plan.case_rows.size() == 1 ? "" : "s");
    return plan.is_paired ? n + ", each compared with itself" : fmt::format("{} against {}", n, plan.control_rows.size());
}

}  // namespace morula::commands
