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

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t") == std::string::npos; }

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

/// Cells without a group take no part.
void leave_out_gaps(const data::Dataset& dataset, const data::Categorical& groups, const std::string& column, std::vector<std::int32_t>& sides, Context& context) {
    std::int64_t n = 0;
    for (std::size_t cell = 0; cell < sides.size(); ++cell) {
        if (sides[cell] < 0 || groups.codes[cell] >= 0) continue;
        sides[cell] = -1;
        ++n;
    }
    if (n > 0) context.events().warning(fmt::format("{}: {} rows of the two conditions have no value in '{}' and take no part.", dataset.name, n, column));
}

/// Bits of the sides on which each donor has cells: 1 control, 2 case.
std::vector<int> sides_of_donors(const ComparisonCells& cells) {
    std::vector<int> bits(cells.donor.categories.size(), 0);
    for (std::size_t cell = 0; cell < cells.side.size(); ++cell) {
        if (cells.takes_part(cell)) bits[static_cast<std::size_t>(cells.donor.codes[cell])] |= cells.side[cell] == 1 ? 2 : 1;
    }
    return bits;
}

void count_donors(ComparisonCells& cells, const std::vector<int>& bits) {
    cells.n_control_only = std::count(bits.begin(), bits.end(), 1);
    cells.n_case_only = std::count(bits.begin(), bits.end(), 2);
    cells.n_both = std::count(bits.begin(), bits.end(), 3);
}

/// One donor with cells on both sides must not turn a study of many people into a comparison within that one.
void settle_donors_in_both(const data::Dataset& dataset, const ComparisonColumns& columns, ComparisonCells& cells, Context& context) {
    if (cells.n_both == 0 || std::min(cells.n_case_only, cells.n_control_only) <= cells.n_both) return;
    const std::vector<int> bits = sides_of_donors(cells);
    std::vector<std::string> names;
    for (std::size_t donor = 0; donor < bits.size(); ++donor) {
        if (bits[donor] == 3) names.push_back(cells.donor.categories[donor]);
    }
    context.events().warning(fmt::format("{}: {} of '{}' with cells in both {} and {} take no part, so that {} and {} donors with one condition can be compared: {}.", dataset.name,
                                         cells.n_both == 1 ? "one donor" : fmt::format("{} donors", cells.n_both), columns.donor, columns.control_name, columns.case_name, cells.n_case_only, cells.n_control_only,
                                         listed(names)));
    for (std::size_t cell = 0; cell < cells.side.size(); ++cell) {
        if (cells.takes_part(cell) && bits[static_cast<std::size_t>(cells.donor.codes[cell])] == 3) cells.side[cell] = -1;
    }
    cells.n_both = 0;
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
void refuse_confounded(const data::Dataset& dataset, const ComparisonColumns& columns, const ComparisonCells& cells, const ComparisonUnits& units) {
    const data::Categorical& batch = cells.batch;
    std::set<std::pair<std::int32_t, std::int32_t>> seen;
    for (std::size_t cell = 0; cell < units.of_cell.size(); ++cell) {
        if (units.of_cell[cell] >= 0) seen.emplace(units.of_cell[cell], batch.codes[cell]);
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
    data::Categorical groups = found == nullptr ? require_groups(dataset, column) : data::as_categorical(*found);  // the former throws
    // A blank is no name: counted as a donor it would make two donors three.
    std::vector<std::int32_t> place;
    std::vector<std::string> named;
    for (const std::string& name : groups.categories) {
        place.push_back(is_blank(name) ? -1 : static_cast<std::int32_t>(named.size()));
        if (!is_blank(name)) named.push_back(name);
    }
    for (std::int32_t& code : groups.codes) code = code < 0 ? -1 : place[static_cast<std::size_t>(code)];
    groups.categories = std::move(named);
    return groups;
}

std::int32_t code_of_value(const data::Dataset& dataset, const data::Categorical& groups, const std::string& column, const std::string& value, std::string_view flag) {
    const std::vector<std::string> there = values_in_use(groups);
    if (std::find(there.begin(), there.end(), value) != there.end()) return static_cast<std::int32_t>(std::find(groups.categories.begin(), groups.categories.end(), value) - groups.categories.begin());
    if (there.size() == 1) {
        invalid_data(fmt::format("{}: column '{}' has only one value, '{}', so there is nothing to compare it with.", dataset.name, column, there.front()), "Name another column with --condition, or join the data sets first.");
    }
    const std::string nearest = nearest_name(value, there);
    fail(ErrorCode::not_found, fmt::format("{}: column '{}' has no value '{}' (it has {}).", dataset.name, column, value, listed(there)),
         nearest.empty() ? fmt::format("Name one of its values with {}.", flag) : fmt::format("Did you mean '{}'?", nearest));
}

ComparisonCells comparison_cells(const data::Dataset& dataset, const ComparisonColumns& columns, DonorsInBoth policy, Context& context) {
    if (columns.donor == columns.condition) {
        fail(ErrorCode::usage, fmt::format("--donor and --condition both name '{}'; donors are the people (animals, cultures) within a condition.", columns.donor), "Name the column with donors with --donor.");
    }
    ComparisonCells cells;
    cells.side = sides_of(dataset, columns, context);
    cells.donor = groups_with_gaps(dataset, columns.donor);
    leave_out_gaps(dataset, cells.donor, columns.donor, cells.side, context);
    if (!columns.batch.empty()) {
        cells.batch = groups_with_gaps(dataset, columns.batch);
        leave_out_gaps(dataset, cells.batch, columns.batch, cells.side, context);
    }
    count_donors(cells, sides_of_donors(cells));
    if (policy == DonorsInBoth::settle) settle_donors_in_both(dataset, columns, cells, context);
    return cells;
}

ComparisonUnits comparison_units(const data::Dataset& dataset, const ComparisonColumns& columns, DonorsInBoth policy, Context& context) {
    const ComparisonCells cells = comparison_cells(dataset, columns, policy, context);
    std::map<std::pair<std::int32_t, std::int32_t>, std::int32_t> number;
    for (std::size_t cell = 0; cell < cells.side.size(); ++cell) {
        if (cells.takes_part(cell)) number.emplace(std::pair{cells.donor.codes[cell], cells.side[cell]}, 0);
    }
    ComparisonUnits units;
    for (auto& [key, unit] : number) {
        unit = static_cast<std::int32_t>(units.donor.size());
        units.donor.push_back(cells.donor.categories[static_cast<std::size_t>(key.first)]);
        units.is_case.push_back(static_cast<std::uint8_t>(key.second));
    }
    for (std::size_t cell = 0; cell < cells.side.size(); ++cell) units.of_cell.push_back(cells.takes_part(cell) ? number.at({cells.donor.codes[cell], cells.side[cell]}) : -1);
    if (!columns.batch.empty()) refuse_confounded(dataset, columns, cells, units);
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
