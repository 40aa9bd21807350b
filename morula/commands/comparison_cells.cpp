#include "morula/commands/comparison_cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "morula/analysis/sample_checks.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"

namespace morula::commands {
namespace {

std::vector<std::string> values_in_use(const data::Categorical& groups) {
    std::set<std::string> seen;
    for (const std::int32_t code : groups.codes) {
        if (code >= 0) seen.insert(groups.categories[static_cast<std::size_t>(code)]);
    }
    return {seen.begin(), seen.end()};
}

/// -1: takes no part; 0: control; 1: case.
std::vector<std::int32_t> sides_of(const data::Dataset& dataset, const ComparisonColumns& columns, Context& context) {
    const data::Categorical condition = groups_with_gaps(dataset, columns.condition);
    if (columns.case_name == columns.control_name) fail(ErrorCode::usage, fmt::format("--case and --control are both '{}'.", columns.case_name), "Name two values of the condition.");
    const std::int32_t case_code = code_of_value(dataset, condition, columns.condition, columns.case_name, "--case");
    const std::int32_t control_code = code_of_value(dataset, condition, columns.condition, columns.control_name, "--control");
    std::vector<std::int32_t> sides;
    std::int64_t n_others = 0;
    for (const std::int32_t code : condition.codes) {
        sides.push_back(code == case_code ? 1 : code == control_code ? 0 : -1);
        n_others += sides.back() < 0;
    }
    if (n_others > 0) context.events().decision(fmt::format("{}: {} of {} rows are neither {} nor {} and take no part.", dataset.name, n_others, sides.size(), columns.case_name, columns.control_name));
    return sides;
}

std::string confounding_table(const data::Categorical& batch, const ComparisonColumns& columns, const analysis::ConfoundingResult& found) {
    std::string table = fmt::format("{:<20}{:>16}{:>16}", columns.batch, columns.control_name, columns.case_name);
    for (std::size_t b = 0; b < batch.categories.size(); ++b) {
        const auto row = static_cast<std::int64_t>(b);
        if (found.n_units(row, 0) + found.n_units(row, 1) > 0) table += fmt::format("\n{:<20}{:>16}{:>16}", batch.categories[b], found.n_units(row, 0), found.n_units(row, 1));
    }
    return table;
}

/// Donors are counted, once in each batch and condition.
void refuse_confounded(const data::Dataset& dataset, const ComparisonColumns& columns, const ComparisonUnits& units) {
    const data::Categorical batch = groups_with_gaps(dataset, columns.batch);
    std::set<std::pair<std::int32_t, std::int32_t>> seen;
    for (std::size_t cell = 0; cell < units.of_cell.size(); ++cell) {
        if (units.of_cell[cell] >= 0 && batch.codes[cell] >= 0) seen.emplace(units.of_cell[cell], batch.codes[cell]);
    }
    std::vector<std::int32_t> batches, conditions;
    for (const auto& [unit, code] : seen) {
        batches.push_back(code);
        conditions.push_back(units.is_case[static_cast<std::size_t>(unit)]);
    }
    const auto found = analysis::confounding(batches, static_cast<std::int32_t>(batch.categories.size()), conditions, 2);
    if (found.verdict != analysis::Confounding::complete) return;
    invalid_data(fmt::format("{}: '{}' and '{}' cannot be told apart, so no difference can be put down to either. Donors in each:\n{}", dataset.name, columns.condition, columns.batch, confounding_table(batch, columns, found)),
                 "Compare samples that share batches. Without --batch the comparison is made, and its differences may be those of the batches.");
}

}  // namespace

data::Categorical groups_with_gaps(const data::Dataset& dataset, std::string_view column) {
    const data::Column* found = dataset.obs.find(column);
    return found == nullptr ? require_groups(dataset, column) : data::as_categorical(*found);  // the former throws
}

std::int32_t code_of_value(const data::Dataset& dataset, const data::Categorical& groups, const std::string& column, const std::string& value, std::string_view flag) {
    const std::vector<std::string> there = values_in_use(groups);
    if (std::find(there.begin(), there.end(), value) != there.end()) return static_cast<std::int32_t>(std::find(groups.categories.begin(), groups.categories.end(), value) - groups.categories.begin());
    if (there.size() == 1) {
        invalid_data(fmt::format("{}: column '{}' has only one value, '{}', so there is nothing to compare it with.", dataset.name, column, there.front()), "Name another column with --condition, or join the data sets first.");
    }
    const std::string nearest = nearest_name(value, there);
    fail(ErrorCode::not_found, fmt::format("{}: column '{}' has no value '{}' (it has {}).", dataset.name, column, value, fmt::join(there, ", ")),
         nearest.empty() ? fmt::format("Name one of its values with {}.", flag) : fmt::format("Did you mean '{}'?", nearest));
}

ComparisonUnits comparison_units(const data::Dataset& dataset, const ComparisonColumns& columns, Context& context) {
    const std::vector<std::int32_t> sides = sides_of(dataset, columns, context);
    const data::Categorical donor = groups_with_gaps(dataset, columns.donor);
    std::map<std::pair<std::int32_t, std::int32_t>, std::int32_t> number;
    for (std::size_t cell = 0; cell < sides.size(); ++cell) {
        if (sides[cell] < 0) continue;
        if (donor.codes[cell] < 0) invalid_data(fmt::format("{}: cell '{}' has no value in column '{}'.", dataset.name, dataset.obs.index()[cell], columns.donor), "Fill the column, or leave those cells out.");
        number.emplace(std::pair{donor.codes[cell], sides[cell]}, 0);
    }
    ComparisonUnits units;
    for (auto& [key, unit] : number) {
        unit = static_cast<std::int32_t>(units.donor.size());
        units.donor.push_back(donor.categories[static_cast<std::size_t>(key.first)]);
        units.is_case.push_back(static_cast<std::uint8_t>(key.second));
    }
    for (std::size_t cell = 0; cell < sides.size(); ++cell) units.of_cell.push_back(sides[cell] < 0 ? -1 : number.at({donor.codes[cell], sides[cell]}));
    if (!columns.batch.empty()) refuse_confounded(dataset, columns, units);
    return units;
}

void require_samples_within_units(const data::Dataset& dataset, std::string_view sample, const ComparisonColumns& columns, const ComparisonUnits& units) {
    const data::Categorical samples = groups_with_gaps(dataset, sample);
    std::vector<std::int32_t> unit_of_sample(samples.categories.size(), -1);
    for (std::size_t cell = 0; cell < units.of_cell.size(); ++cell) {
        if (units.of_cell[cell] < 0 || samples.codes[cell] < 0) continue;
        std::int32_t& unit = unit_of_sample[static_cast<std::size_t>(samples.codes[cell])];
        if (unit < 0) unit = units.of_cell[cell];
        if (unit == units.of_cell[cell]) continue;
        const auto name = [&](std::int32_t u) { return fmt::format("donor '{}', {}", units.donor[static_cast<std::size_t>(u)], units.is_case[static_cast<std::size_t>(u)] != 0 ? columns.case_name : columns.control_name); };
        invalid_data(fmt::format("{}: sample '{}' holds cells of {} and of {}.", dataset.name, samples.categories[static_cast<std::size_t>(samples.codes[cell])], name(unit), name(units.of_cell[cell])),
                     "Check the columns named with --sample, --donor and --condition; for pooled donors leave out --sample.");
    }
}

}  // namespace morula::commands
