#include "morula/commands/comparison_cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>

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

constexpr std::size_t kMostTypes = 1'000;
constexpr std::string_view kOwnBatch = "batch";

std::string without_blanks(const std::string& text) {
    constexpr std::string_view blanks = " \t\r\n\v\f";
    const std::size_t begin = text.find_first_not_of(blanks);
    return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

/// A number in a column that does not number clusters: one with a fraction, or, among whole numbers that do not begin at 0 or 1 or leave out half of those up to the largest (ages, days, counts),
/// the largest. None in other columns.
std::optional<double> no_number_of_a_cluster(const data::Column& column) {
    const std::string kind = data::column_type(column);
    if (kind == "text" || kind == "categorical" || kind.ends_with("bool")) return std::nullopt;
    std::set<double> seen;
    for (const double value : data::column_numbers(column)) {
        if (!std::isfinite(value)) continue;
        if (value != std::floor(value)) return value;
        seen.insert(value);
    }
    const bool are_clusters = seen.empty() || ((*seen.begin() == 0.0 || *seen.begin() == 1.0) && *seen.rbegin() < 2.0 * static_cast<double>(seen.size()));
    return are_clusters ? std::nullopt : std::optional(*seen.rbegin());
}

/// A column's groups, and the names that differ from those in the file.
struct TrimmedGroups {
    data::Categorical groups;
    std::vector<std::string> changed;
    bool is_joined = false;  // whether names became one
};
/// A blank is no name, and 'd1' and 'd1 ' are one: counted as they stand, they would make two donors three.
TrimmedGroups trimmed_groups(const data::Dataset& dataset, std::string_view column) {
    const data::Column* found = dataset.obs.find(column);
    TrimmedGroups out{found == nullptr ? require_groups(dataset, column) : data::as_categorical(*found), {}, false};  // the former throws
    std::vector<std::string>& names = out.groups.categories;
    std::vector<std::string> trimmed;
    for (const std::string& name : names) trimmed.push_back(without_blanks(name));
    if (trimmed == names && std::find(names.begin(), names.end(), "") == names.end()) return out;
    std::vector<std::uint8_t> is_used(names.size(), 0);
    for (const std::int32_t code : out.groups.codes) {
        if (code >= 0) is_used[static_cast<std::size_t>(code)] = 1;
    }
    std::map<std::string, std::int32_t> place_of_name{{"", -1}};
    std::set<std::string> seen;
    std::vector<std::int32_t> place;
    std::vector<std::string> named;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto [at, is_new] = place_of_name.emplace(trimmed[i], static_cast<std::int32_t>(named.size()));
        if (is_new) named.push_back(trimmed[i]);
        place.push_back(at->second);
        if (trimmed[i].empty() || is_used[i] == 0) continue;
        if (trimmed[i] != names[i]) out.changed.push_back(names[i]);
        out.is_joined = !seen.insert(trimmed[i]).second || out.is_joined;
    }
    for (std::int32_t& code : out.groups.codes) code = code < 0 ? -1 : place[static_cast<std::size_t>(code)];
    names = std::move(named);
    return out;
}

/// Groups of a column that is compared, with a word on what was done to their names.
data::Categorical said_groups(const data::Dataset& dataset, std::string_view column, Context& context) {
    TrimmedGroups found = trimmed_groups(dataset, column);
    if (found.changed.empty()) return std::move(found.groups);
    std::vector<std::string> quoted;
    for (const std::string& name : found.changed) quoted.push_back("'" + name + "'");
    const std::string said = fmt::format("{}: blanks at the ends of names in '{}' do not count ({}).", dataset.name, column, listed(quoted));
    if (found.is_joined) context.events().warning(said);
    else context.events().decision(said);
    return std::move(found.groups);
}

/// Names of the sides: the control, the case, further cases.
std::vector<std::string> side_names(const ComparisonColumns& columns) {
    std::vector<std::string> names{columns.control_name, columns.case_name};
    names.insert(names.end(), columns.more_cases.begin(), columns.more_cases.end());
    return names;
}

std::string_view these_conditions(const ComparisonColumns& columns) { return columns.more_cases.empty() ? "the two conditions" : "the conditions"; }

/// The code of each side's value.
std::vector<std::int32_t> codes_of_sides(const data::Dataset& dataset, const data::Categorical& condition, const ComparisonColumns& columns) {
    const std::vector<std::string> names = side_names(columns);
    std::vector<std::int32_t> codes(names.size());
    for (std::size_t k = 1; k < names.size(); ++k) {
        if (names[k] == columns.control_name) fail(ErrorCode::usage, fmt::format("--case and --control are both '{}'.", names[k]), "Name two values of the condition.");
        codes[k] = code_of_value(dataset, condition, columns.condition, names[k], "--case");
        if (std::find(codes.begin() + 1, codes.begin() + static_cast<std::ptrdiff_t>(k), codes[k]) != codes.begin() + static_cast<std::ptrdiff_t>(k)) {
            fail(ErrorCode::usage, fmt::format("--case names '{}' twice.", names[k]), "Name each value of the condition once.");
        }
    }
    codes[0] = code_of_value(dataset, condition, columns.condition, columns.control_name, "--control");
    for (std::size_t k = 1; k < names.size(); ++k) {
        if (codes[k] == codes[0]) fail(ErrorCode::usage, fmt::format("--case '{}' and --control '{}' are one value.", names[k], columns.control_name), "Name two values of the condition; blanks at their ends do not count.");
    }
    return codes;
}

/// -1: takes no part; 0: control; 1 and more: cases.
std::vector<std::int32_t> sides_of(const data::Dataset& dataset, const ComparisonColumns& columns, Context& context) {
    const data::Categorical condition = said_groups(dataset, columns.condition, context);
    const std::vector<std::int32_t> codes = codes_of_sides(dataset, condition, columns);
    std::vector<std::int32_t> side_of_code(condition.categories.size(), -1);
    for (std::size_t k = 0; k < codes.size(); ++k) side_of_code[static_cast<std::size_t>(codes[k])] = static_cast<std::int32_t>(k);
    std::vector<std::int32_t> sides;
    std::int64_t n_others = 0;
    for (const std::int32_t code : condition.codes) {
        sides.push_back(code < 0 ? -1 : side_of_code[static_cast<std::size_t>(code)]);
        n_others += sides.back() < 0;
    }
    if (n_others == 0) return sides;
    const std::string others = columns.more_cases.empty() ? fmt::format("neither {} nor {}", columns.case_name, columns.control_name) : fmt::format("none of {}", fmt::join(side_names(columns), ", "));
    context.events().decision(fmt::format("{}: {} of {} rows are {} and take no part.", dataset.name, n_others, sides.size(), others));
    return sides;
}

/// What a column is named for.
struct Named {
    const std::string& column;
    std::string_view flag;
};

/// Cells without a group take no part; a condition of which none has a group would be gone without a word.
void leave_out_gaps(const data::Dataset& dataset, const data::Categorical& groups, const Named& named, const ComparisonColumns& columns, std::vector<std::int32_t>& sides, Context& context) {
    const std::string& column = named.column;
    const std::vector<std::string> names = side_names(columns);
    std::int64_t n = 0;
    std::vector<std::int64_t> n_there(names.size(), 0), n_left(names.size(), 0);
    for (std::size_t cell = 0; cell < sides.size(); ++cell) {
        if (sides[cell] < 0) continue;
        const auto side = static_cast<std::size_t>(sides[cell]);
        ++n_there[side];
        if (groups.codes[cell] >= 0) {
            ++n_left[side];
            continue;
        }
        sides[cell] = -1;
        ++n;
    }
    const bool is_any_left = std::any_of(n_left.begin(), n_left.end(), [](std::int64_t left) { return left > 0; });
    for (std::size_t side = names.size(); side-- > 0;) {
        if (n_there[side] == 0 || n_left[side] > 0) continue;
        const std::string which = is_any_left ? "'" + names[side] + "'" : std::string(these_conditions(columns));
        invalid_data(fmt::format("{}: no cell of {} has a value in column '{}', named with {}.", dataset.name, which, column, named.flag), fmt::format("Fill the column, or name another one with {}.", named.flag));
    }
    if (n > 0) context.events().warning(fmt::format("{}: {} rows of {} have no value in '{}' and take no part.", dataset.name, n, these_conditions(columns), column));
}

/// The side of each donor.
constexpr std::int32_t kNone = -1;
constexpr std::int32_t kSeveral = -2;
std::vector<std::int32_t> sides_of_donors(const ComparisonCells& cells) {
    std::vector<std::int32_t> sides(cells.donor.categories.size(), kNone);
    for (std::size_t cell = 0; cell < cells.side.size(); ++cell) {
        if (!cells.takes_part(cell)) continue;
        std::int32_t& side = sides[static_cast<std::size_t>(cells.donor.codes[cell])];
        side = side == kNone || side == cells.side[cell] ? cells.side[cell] : kSeveral;
    }
    return sides;
}

void count_donors(ComparisonCells& cells, const ComparisonColumns& columns) {
    const std::vector<std::int32_t> sides = sides_of_donors(cells);
    cells.n_both = std::count(sides.begin(), sides.end(), kSeveral);
    for (std::size_t side = 0; side < side_names(columns).size(); ++side) cells.n_only.push_back(std::count(sides.begin(), sides.end(), static_cast<std::int32_t>(side)));
}

/// One donor with cells of several conditions must not turn a study of many people into a comparison within that one.
void settle_donors_in_both(const data::Dataset& dataset, const ComparisonColumns& columns, ComparisonCells& cells, Context& context) {
    if (cells.n_both == 0 || *std::min_element(cells.n_only.begin(), cells.n_only.end()) <= cells.n_both) return;
    const std::vector<std::int32_t> sides = sides_of_donors(cells);
    std::vector<std::string> names;
    for (std::size_t donor = 0; donor < sides.size(); ++donor) {
        if (sides[donor] == kSeveral) names.push_back(cells.donor.categories[donor]);
    }
    const std::string where = columns.more_cases.empty() ? fmt::format("both {} and {}", columns.control_name, columns.case_name) : "several conditions";
    std::vector<std::string> numbers;
    for (std::size_t side = 1; side <= cells.n_only.size(); ++side) numbers.push_back(std::to_string(cells.n_only[side % cells.n_only.size()]));  // the control last
    context.events().warning(fmt::format("{}: {} of '{}' with cells in {} take no part, so that {} donors with one condition can be compared: {}.", dataset.name,
                                         cells.n_both == 1 ? "one donor" : fmt::format("{} donors", cells.n_both), columns.donor, where, fmt::join(numbers, " and "), listed(names)));
    for (std::size_t cell = 0; cell < cells.side.size(); ++cell) {
        if (cells.takes_part(cell) && sides[static_cast<std::size_t>(cells.donor.codes[cell])] == kSeveral) cells.side[cell] = -1;
    }
    cells.n_both = 0;
}

/// Donors are counted, once in each batch and condition.
analysis::ConfoundingResult confounding_of(const ComparisonCells& cells, const data::Categorical& batch) {
    std::set<std::tuple<std::int32_t, std::int32_t, std::int32_t>> seen;
    for (std::size_t cell = 0; cell < cells.side.size(); ++cell) {
        if (cells.takes_part(cell) && batch.codes[cell] >= 0) seen.emplace(cells.donor.codes[cell], cells.side[cell], batch.codes[cell]);
    }
    std::vector<std::int32_t> batches, conditions;
    for (const auto& [donor, side, code] : seen) {
        batches.push_back(code);
        conditions.push_back(side);
    }
    return analysis::confounding(batches, static_cast<std::int32_t>(batch.categories.size()), conditions, static_cast<std::int32_t>(cells.n_only.size()));
}


std::string confounding_table(const std::string& column, const data::Categorical& batch, const ComparisonColumns& columns, const analysis::ConfoundingResult& found) {
    std::string table = fmt::format("{:<20}", column);
    for (const std::string& name : side_names(columns)) table += fmt::format("{:>16}", name);
    for (std::size_t b = 0; b < batch.categories.size(); ++b) {
        const auto donors = found.n_units.row(static_cast<std::int64_t>(b));
        if (std::all_of(donors.begin(), donors.end(), [](std::int64_t n) { return n == 0; })) continue;
        table += fmt::format("\n{:<20}", batch.categories[b]);
        for (const std::int64_t n : donors) table += fmt::format("{:>16}", n);
    }
    return table;
}

[[noreturn]] void refuse_confounded(const data::Dataset& dataset, const std::string& column, const data::Categorical& batch, const ComparisonColumns& columns, const analysis::ConfoundingResult& found) {
    invalid_data(fmt::format("{}: '{}' and '{}' cannot be told apart, so no difference can be put down to either. Donors in each:\n{}", dataset.name, columns.condition, column, confounding_table(column, batch, columns, found)),
                 fmt::format("Compare samples that share batches. With --batch {} the comparison is made all the same, and what differs may be the batches.", kNoBatch));
}

/// A file that names its batches knows more than the user may have asked. Batches of one donor each are left alone: they differ as donors do, who are the replicates.
void look_at_own_batch(const data::Dataset& dataset, const ComparisonColumns& columns, const ComparisonCells& cells, Context& context) {
    const std::string own(kOwnBatch);
    const bool has_another_use = columns.donor == own || columns.condition == own || columns.cell_type == own;
    if (!columns.batch.empty() || has_another_use || !dataset.obs.has(own)) return;
    const data::Categorical batch = groups_with_gaps(dataset, own);
    const auto found = confounding_of(cells, batch);
    const std::vector<std::string> names = side_names(columns);
    bool holds_several = false;
    std::vector<std::string> one_sided;  // batches of several donors, all of one condition
    for (std::int64_t row = 0; row < found.n_units.n_rows; ++row) {
        const auto donors = found.n_units.row(row);
        const auto most = std::max_element(donors.begin(), donors.end());
        const std::int64_t n = std::accumulate(donors.begin(), donors.end(), std::int64_t{0});
        holds_several = holds_several || n > 1;
        if (n > 1 && *most == n) one_sided.push_back(fmt::format("{}: {} donors, all {}", batch.categories[static_cast<std::size_t>(row)], n, names[static_cast<std::size_t>(most - donors.begin())]));
    }
    if (found.verdict == analysis::Confounding::complete && holds_several) refuse_confounded(dataset, own, batch, columns, found);
    if (found.verdict != analysis::Confounding::partial || one_sided.empty()) return;
    context.events().warning(fmt::format("{}: batches in column '{}' hold one condition alone ({}): a part of what differs may be theirs.", dataset.name, own, listed(one_sided)));
}

}  // namespace

data::Categorical groups_with_gaps(const data::Dataset& dataset, std::string_view column) { return trimmed_groups(dataset, column).groups; }

data::Categorical type_groups(const data::Dataset& dataset, const std::string& column, std::string_view flag, Context& context) {
    const data::Categorical types = said_groups(dataset, column, context);
    const std::string next = fmt::format("Name the column with cell types with {}.", flag);
    if (const std::optional<double> number = no_number_of_a_cluster(*dataset.obs.find(column))) {
        invalid_data(fmt::format("{}: column '{}' holds numbers such as {}, which name no cell types.", dataset.name, column, *number), next + " Numbers of clusters that were left out in part can be stored as text.");
    }
    if (types.categories.size() > kMostTypes) invalid_data(fmt::format("{}: column '{}' has {} values, too many for cell types.", dataset.name, column, types.categories.size()), next);
    const auto n_gaps = std::count(types.codes.begin(), types.codes.end(), -1);
    if (n_gaps > 0 && n_gaps == std::ssize(types.codes)) invalid_data(fmt::format("{}: no cell has a value in column '{}', named with {}.", dataset.name, column, flag), next);
    if (n_gaps > 0) context.events().warning(fmt::format("{}: {} cells without a value in '{}' take no part.", dataset.name, n_gaps, column));
    return types;
}

std::int32_t code_of_value(const data::Dataset& dataset, const data::Categorical& groups, const std::string& column, const std::string& value, std::string_view flag) {
    const std::vector<std::string> there = values_in_use(groups);
    const std::string wanted = without_blanks(value);
    if (std::find(there.begin(), there.end(), wanted) != there.end()) return static_cast<std::int32_t>(std::find(groups.categories.begin(), groups.categories.end(), wanted) - groups.categories.begin());
    if (there.empty()) invalid_data(fmt::format("{}: no cell has a value in column '{}'.", dataset.name, column), "Name another column with --condition.");
    if (there.size() == 1) {
        invalid_data(fmt::format("{}: column '{}' has only one value, '{}', so there is nothing to compare it with.", dataset.name, column, there.front()), "Name another column with --condition, or join the data sets first.");
    }
    const std::string nearest = nearest_name(value, there);
    fail(ErrorCode::not_found, fmt::format("{}: column '{}' has no value '{}' (it has {}).", dataset.name, column, value, listed(there)),
         nearest.empty() ? fmt::format("Name one of its values with {}.", flag) : fmt::format("Did you mean '{}'?", nearest));
}

std::vector<std::string> named_values(const data::Dataset& dataset, std::string_view column, std::string_view text) {
    const std::vector<std::string> there = values_in_use(trimmed_groups(dataset, column).groups);
    const auto is_value = [&](std::string_view part) { return std::find(there.begin(), there.end(), without_blanks(std::string(part))) != there.end(); };
    std::vector<std::string> out;
    for (std::size_t begin = 0; begin <= text.size();) {
        // The longest part from here that is a value; else up to the next comma.
        std::size_t end = text.size();
        while (end > begin && !is_value(text.substr(begin, end - begin))) {
            const std::size_t comma = text.rfind(',', end - 1);
            end = comma == std::string_view::npos || comma < begin ? begin : comma;
        }
        if (end == begin) end = std::min(text.find(',', begin), text.size());
        out.push_back(without_blanks(std::string(text.substr(begin, end - begin))));
        begin = end + 1;
    }
    return out;
}

ComparisonCells comparison_cells(const data::Dataset& dataset, const ComparisonColumns& columns, DonorsInBoth policy, Context& context) {
    if (dataset.n_cells() == 0) invalid_data(fmt::format("{}: holds no cells.", dataset.name), "Check that the file was written to its end.");
    if (columns.donor == columns.condition) {
        fail(ErrorCode::usage, fmt::format("--donor and --condition both name '{}'; donors are the people (animals, cultures) within a condition.", columns.donor), "Name the column with donors with --donor.");
    }
    if (columns.cell_type == columns.donor || columns.cell_type == columns.condition) {
        fail(ErrorCode::usage, fmt::format("The cell types and the {} are both '{}': a type must have cells of both conditions and of several donors.", columns.cell_type == columns.donor ? "donors" : "conditions", columns.cell_type),
             "Name the column with cell types.");
    }
    ComparisonCells cells;
    cells.side = sides_of(dataset, columns, context);
    cells.donor = said_groups(dataset, columns.donor, context);
    leave_out_gaps(dataset, cells.donor, {columns.donor, "--donor"}, columns, cells.side, context);
    if (columns.names_batch()) {
        cells.batch = said_groups(dataset, columns.batch, context);
        leave_out_gaps(dataset, cells.batch, {columns.batch, "--batch"}, columns, cells.side, context);
    }
    count_donors(cells, columns);
    if (policy == DonorsInBoth::settle) settle_donors_in_both(dataset, columns, cells, context);
    look_at_own_batch(dataset, columns, cells, context);
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
    if (!columns.names_batch()) return units;
    const auto found = confounding_of(cells, cells.batch);
    if (found.verdict == analysis::Confounding::complete) refuse_confounded(dataset, columns.batch, cells.batch, columns, found);
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
