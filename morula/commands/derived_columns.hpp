// obs columns made on the fly from other columns: --derive donor=sample_id:[0-9]+ .
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"

namespace morula::commands {

/// The help of every --derive option (a std::vector<std::string> of the command's options).
inline constexpr std::string_view kDeriveHelp =
    "Makes an obs column from another one: NAME=COLUMN:PATTERN. The value is the first part in brackets of the regular expression, or all that it finds; may be repeated.";

/// One column to make.
struct DerivedColumn {
    std::string name;     // of the new column
    std::string from;     // obs column it is read from
    std::string pattern;  // regular expression (ECMAScript), searched anywhere in the value
};

/// Reads NAME=COLUMN:PATTERN. A list option is split at its commas, so a part that does not begin with NAME=COLUMN: is put back behind the one before it.
/// Throws usage, with an example.
std::vector<DerivedColumn> parse_derived_columns(const std::vector<std::string>& texts);

/// Adds the columns to obs in the given order (a later one may be made from an earlier one) and says what came of each. Cells whose value does not match
/// have no value, with a warning; so do values of more than 2,000 characters. Throws usage (no regular expression, one that takes too many tries, a column that is there already), not_found (no such column), invalid_data (no value matches).
void add_derived_columns(data::Dataset& dataset, const std::vector<std::string>& texts, Context& context);

}  // namespace morula::commands
