// The cells that a comparison of two conditions is made of, and the donors they come from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"

namespace morula::commands {

/// obs columns and values that the user named. batch may be empty.
struct ComparisonColumns {
    std::string condition;
    std::string case_name;
    std::string control_name;
    std::string donor;
    std::string batch;
};

/// A donor in a condition: what is counted and compared.
struct ComparisonUnits {
    std::vector<std::string> donor;
    std::vector<std::uint8_t> is_case;
    std::vector<std::int32_t> of_cell;  // n_cells; -1: the cell has another condition
    std::int64_t n_units() const { return std::ssize(donor); }
};

/// Groups of a column; cells without a value have the code -1. Throws not_found with the nearest name.
data::Categorical groups_with_gaps(const data::Dataset& dataset, std::string_view column);

/// The code of a value of `column`, which the user named with `flag`. Throws not_found with the nearest value, invalid_data where the column has one value.
std::int32_t code_of_value(const data::Dataset& dataset, const data::Categorical& groups, const std::string& column, const std::string& value, std::string_view flag);

/// Units in order of the donors' categories, control before case. Cells of other conditions, or without one, take no part, and this is said.
/// Throws usage, not_found (columns, values; with the nearest name), invalid_data: a condition column with one value, cells without a donor, and a condition that
/// is confounded with batch, with the table that shows it.
ComparisonUnits comparison_units(const data::Dataset& dataset, const ComparisonColumns& columns, Context& context);

/// Throws invalid_data when a value of `sample` has cells of more than one unit.
void require_samples_within_units(const data::Dataset& dataset, std::string_view sample, const ComparisonColumns& columns, const ComparisonUnits& units);

}  // namespace morula::commands
