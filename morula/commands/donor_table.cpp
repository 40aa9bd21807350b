#include "morula/commands/donor_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>

#include "morula/analysis/sample_checks.hpp"

namespace morula::commands {
namespace {

constexpr double kStrongV = 0.5;
constexpr double kStrongSds = 0.8;
constexpr std::string_view kBatchColumn = "batch";

/// The groups that each unit's cells are in, in order of the groups.
using GroupsOfUnits = std::vector<std::set<std::int32_t>>;

bool holds_numbers(const data::Column& column) {
    const std::string kind = data::column_type(column);
    return kind.starts_with("float") || kind.starts_with("int") || kind == "nullable-int64";
}

/// Each unit's one number, NaN where none is known; none where a unit has several.
std::optional<std::vector<double>> numbers_of_units(const data::Column& column, const ComparisonUnits& units) {
    const std::vector<double> numbers = data::column_numbers(column);
    std::vector<double> out(static_cast<std::size_t>(units.n_units()), std::nan(""));
    for (std::size_t cell = 0; cell < numbers.size(); ++cell) {
        if (units.of_cell[cell] < 0 || std::isnan(numbers[cell])) continue;
        double& own = out[static_cast<std::size_t>(units.of_cell[cell])];
        if (std::isnan(own)) own = numbers[cell];
        if (own != numbers[cell]) return std::nullopt;
    }
    return out;
}

GroupsOfUnits groups_of_units(const data::Categorical& groups, const ComparisonUnits& units) {
    GroupsOfUnits out(static_cast<std::size_t>(units.n_units()));
    for (std::size_t cell = 0; cell < groups.codes.size(); ++cell) {
        if (units.of_cell[cell] >= 0 && groups.codes[cell] >= 0) out[static_cast<std::size_t>(units.of_cell[cell])].insert(groups.codes[cell]);
    }
    return out;
}

std::string number_text(double value) { return std::isnan(value) ? "" : fmt::format("{:.4g}", value); }

/// Numbers of one condition.
struct Side {
    std::vector<double> values;
    double mean() const { return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()); }
    double low() const { return *std::min_element(values.begin(), values.end()); }
    double high() const { return *std::max_element(values.begin(), values.end()); }
    double squares() const {
        const double middle = mean();
        return std::accumulate(values.begin(), values.end(), 0.0, [&](double sum, double value) { return sum + (value - middle) * (value - middle); });
    }
    std::string text() const { return values.empty() ? "not known" : fmt::format("{} ({} to {})", number_text(mean()), number_text(low()), number_text(high())); }
};

DonorColumn number_column(const std::string& name, const std::vector<double>& numbers, const ComparisonUnits& units, const ComparisonColumns& columns) {
    DonorColumn out{name, {}, {}, Balance::even, ""};
    Side sides[2];
    for (std::size_t unit = 0; unit < numbers.size(); ++unit) {
        out.texts.push_back(number_text(numbers[unit]));
        if (!std::isnan(numbers[unit])) sides[units.is_case[unit]].values.push_back(numbers[unit]);
    }
    const Side &controls = sides[0], &cases = sides[1];
    out.groups.push_back({"mean (range)", cases.text(), controls.text()});
    if (cases.values.size() < 2 || controls.values.size() < 2) return out;
    const std::string numbers_text = fmt::format("{} in {}, {} in {}", cases.text(), columns.case_name, controls.text(), columns.control_name);
    const double variance = (cases.squares() + controls.squares()) / static_cast<double>(cases.values.size() + controls.values.size() - 2);
    if (cases.low() > controls.high() || controls.low() > cases.high()) {
        out.balance = Balance::complete;
        out.sentence = fmt::format("'{}' does not overlap: {}. What differs may go with it.", name, numbers_text);
    } else if (std::abs(cases.mean() - controls.mean()) >= kStrongSds * std::sqrt(variance) && variance > 0.0) {
        out.balance = Balance::strong;
        out.sentence = fmt::format("'{}' is uneven: {}.", name, numbers_text);
    }
    return out;
}

DonorColumn group_column(const std::string& name, const data::Categorical& groups, const GroupsOfUnits& of_unit, const ComparisonUnits& units, const ComparisonColumns& columns) {
    DonorColumn out{name, {}, {}, Balance::even, ""};
    std::vector<std::int32_t> codes, sides;
    for (std::size_t unit = 0; unit < of_unit.size(); ++unit) {
        std::vector<std::string> own;
        for (const std::int32_t code : of_unit[unit]) {
            own.push_back(groups.categories[static_cast<std::size_t>(code)]);
            codes.push_back(code);
            sides.push_back(units.is_case[unit]);
        }
        out.texts.push_back(fmt::format("{}", fmt::join(own, " + ")));
    }
    const auto found = analysis::confounding(codes, static_cast<std::int32_t>(groups.categories.size()), sides, 2);
    const double n_control = static_cast<double>(std::count(sides.begin(), sides.end(), 0)), n_case = static_cast<double>(std::count(sides.begin(), sides.end(), 1));
    std::int64_t largest = 0, most_uneven = 0;
    double difference = -1.0;
    for (std::int64_t row = 0; row < found.n_units.n_rows; ++row) {
        const std::int64_t of_controls = found.n_units(row, 0), of_cases = found.n_units(row, 1);
        if (of_controls + of_cases == 0) continue;
        out.groups.push_back({groups.categories[static_cast<std::size_t>(row)], std::to_string(of_cases), std::to_string(of_controls)});
        largest = std::max(largest, of_controls + of_cases);
        const double own = std::abs(static_cast<double>(of_cases) / n_case - static_cast<double>(of_controls) / n_control);
        if (own > difference + 1e-9) {
            difference = own;
            most_uneven = row;
        }
    }
    if (largest < 2) return out;
    if (found.verdict == analysis::Confounding::complete) {
        out.balance = Balance::complete;
        out.sentence = fmt::format("'{}' cannot be told from '{}': no group of it links the conditions. What differs may come from it.", name, columns.condition);
    } else if (found.cramers_v >= kStrongV) {
        out.balance = Balance::strong;
        out.sentence = fmt::format("'{}' is uneven: '{}' in {} of {} {} and {} of {} {}.", name, groups.categories[static_cast<std::size_t>(most_uneven)], found.n_units(most_uneven, 1), n_case, columns.case_name, found.n_units(most_uneven, 0), n_control, columns.control_name);
    }
    return out;
}

/// Whether cells of one donor and condition may differ in a column.
enum class WithinDonors { same, may_differ };

/// None where the column says nothing of donors: several values in one, one value in all, or a name for each.
std::optional<DonorColumn> donor_column(const data::Dataset& dataset, const std::string& name, WithinDonors within, const ComparisonUnits& units, const ComparisonColumns& columns) {
    if (const data::Column& column = *dataset.obs.find(name); within == WithinDonors::same && holds_numbers(column)) {
        const auto numbers = numbers_of_units(column, units);
        if (!numbers) return std::nullopt;
        std::set<double> distinct;
        for (const double number : *numbers) {
            if (!std::isnan(number)) distinct.insert(number);
        }
        if (distinct.size() < 2) return std::nullopt;
        if (distinct.size() > 2) return number_column(name, *numbers, units, columns);  // two numbers are a code for two groups
    }
    const data::Categorical groups = groups_with_gaps(dataset, name);
    const GroupsOfUnits of_unit = groups_of_units(groups, units);
    std::set<std::int32_t> distinct;
    for (const auto& own : of_unit) {
        if (own.size() > 1 && within == WithinDonors::same) return std::nullopt;
        distinct.insert(own.begin(), own.end());
    }
    const std::set<std::string> donors(units.donor.begin(), units.donor.end());
    const bool are_names = distinct.size() > 2 && distinct.size() >= donors.size();
    if (distinct.size() < 2 || (are_names && within == WithinDonors::same)) return std::nullopt;
    return group_column(name, groups, of_unit, units, columns);
}

}  // namespace

DonorTable donor_table(const data::Dataset& dataset, const ComparisonColumns& columns, Context& context) {
    ComparisonColumns without_batch = columns;
    without_batch.batch = kNoBatch;
    const ComparisonUnits units = comparison_units(dataset, without_batch, DonorsInBoth::settle, context);
    DonorTable out;
    out.donor = units.donor;
    out.is_case = units.is_case;
    out.n_cells.assign(units.donor.size(), 0);
    for (const std::int32_t unit : units.of_cell) {
        if (unit >= 0) ++out.n_cells[static_cast<std::size_t>(unit)];
    }
    const std::string batch = columns.names_batch() ? columns.batch : std::string(kBatchColumn);
    const std::set<std::string> others{columns.condition, columns.donor, columns.cell_type};
    std::vector<std::string> names = dataset.obs.names();
    std::stable_partition(names.begin(), names.end(), [&](const std::string& name) { return name == batch; });
    for (const std::string& name : names) {
        if (others.contains(name)) continue;
        std::optional<DonorColumn> column = donor_column(dataset, name, name == batch ? WithinDonors::may_differ : WithinDonors::same, units, columns);
        if (!column) continue;
        if (out.columns.size() < kMostDonorColumns) out.columns.push_back(std::move(*column));
        else ++out.n_more;
    }
    return out;
}

}  // namespace morula::commands
