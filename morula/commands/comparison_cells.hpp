// The cells that a comparison of conditions is made of, and the donors they come from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"

namespace morula::commands {

/// --batch none: compare although the file's own column "batch" goes together with the condition.
inline constexpr std::string_view kNoBatch = "none";

/// obs columns and values that the user named. batch and cell_type may be empty.
struct ComparisonColumns {
    std::string condition;
    std::string case_name;
    std::string control_name;
    std::string donor;
    std::string batch;  // a column, "none", or empty: then the file's own column "batch" is asked whether it goes together with the condition
    std::string cell_type;
    std::vector<std::string> more_cases = {};  // further values that are compared with the control

    bool names_batch() const { return !batch.empty() && batch != kNoBatch; }
};

/// Values of a column named in a text: the text itself where it is one of them, else its parts between commas (values that hold commas stay whole). Blanks at both ends do not count. Whether each is a value is not asked.
std::vector<std::string> named_values(const data::Dataset& dataset, std::string_view column, std::string_view text);

/// What to do with donors whose cells are in several conditions.
enum class DonorsInBoth {
    keep,    // a design that the user wrote says what they mean
    settle,  // compare within donors, unless donors with one condition outnumber them in every condition: then leave them out
};

/// The side and the donor of each cell that takes part.
struct ComparisonCells {
    std::vector<std::int32_t> side;  // n_cells; 0: control, 1: case, 2 and more: more_cases, -1: takes no part
    data::Categorical donor;
    data::Categorical batch;         // no codes where none is named
    std::int64_t n_both = 0;            // donors with several conditions
    std::vector<std::int64_t> n_only;   // donors with one condition, of each side
    bool takes_part(std::size_t cell) const { return side[cell] >= 0; }
};

/// Cells of other conditions, and without a condition, donor or batch, take no part, and this is said; so are donors that `settle` leaves out, and, where no batch is named, batches of the file's own
/// column "batch" that hold several donors of one condition alone. Blanks at both ends of the values do not count.
/// Throws usage (two equal values, a column that is named for two things), not_found (columns, values; with the nearest name), invalid_data: no cells, a condition column with one value, a condition
/// of which no cell has a donor (a batch); where no batch is named, a condition that cannot be told from the file's own column "batch", with the table that shows it. Whether the donors are enough is asked by analysis::check_donors.
ComparisonCells comparison_cells(const data::Dataset& dataset, const ComparisonColumns& columns, DonorsInBoth policy, Context& context);

/// A donor in a condition: what is counted and compared.
struct ComparisonUnits {
    std::vector<std::string> donor;
    std::vector<std::uint8_t> is_case;
    std::vector<std::int32_t> of_cell;  // n_cells; -1: takes no part
    std::int64_t n_units() const { return std::ssize(donor); }
};

/// Groups of a column, without blanks at both ends of their names; cells without a value, or with a blank one, have the code -1. Throws not_found with the nearest name.
data::Categorical groups_with_gaps(const data::Dataset& dataset, std::string_view column);
/// The same, of a column of cell types that the user named with `flag`: says how many cells have none, and where blanks at the ends of names were left out.
/// Throws invalid_data for a column that cannot name types: numbers with fractions, whole ones that do not run from 0 or 1 as clusters are numbered (ages, days), more than 1,000 values, none.
data::Categorical type_groups(const data::Dataset& dataset, const std::string& column, std::string_view flag, Context& context);

/// The code of a value of `column`, which the user named with `flag`. Throws not_found with the nearest value, invalid_data where the column has one value.
std::int32_t code_of_value(const data::Dataset& dataset, const data::Categorical& groups, const std::string& column, const std::string& value, std::string_view flag);

/// Units of comparison_cells of two conditions in order of the donors' categories, control before case. Throws as that does, and invalid_data for a condition that is confounded with
/// the batch that is named, with the table that shows it.
ComparisonUnits comparison_units(const data::Dataset& dataset, const ComparisonColumns& columns, DonorsInBoth policy, Context& context);

/// Throws invalid_data when a value of `sample` has cells of more than one unit.
void require_samples_within_units(const data::Dataset& dataset, std::string_view sample, const ComparisonColumns& columns, const ComparisonUnits& units);

}  // namespace morula::commands
