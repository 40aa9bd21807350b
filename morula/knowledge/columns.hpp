// Columns of tables of knowledge, which go by several names, and their fields.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "morula/formats/text/delimited.hpp"

namespace morula::knowledge {

/// The first of the names that the table has; npos where it has none.
std::size_t first_column(const formats::RawTable& table, std::initializer_list<std::string_view> names);
/// The same; throws invalid_data with the columns that are there and `next`.
std::size_t require_column(const formats::RawTable& table, std::initializer_list<std::string_view> names, std::string_view next);
/// A field that may not be empty; throws invalid_data with its place.
const std::string& required_text(const formats::RawTable& table, std::size_t row, std::size_t column, std::string_view next);
/// Without blanks at either end.
std::string_view trimmed(std::string_view text);

}  // namespace morula::knowledge
