// The run-time form of an options description: what the CLI, JSON Schema, web forms, Python keywords and run records loop over.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace morula {

/// monostate: not given (only for fields that are std::optional).
using FieldValue = std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<std::string>, std::vector<double>>;
using FieldValues = std::vector<std::pair<std::string, FieldValue>>;

enum class FieldType { boolean, integer, real, text, choice, text_list, real_list };

struct FieldSchema {
    std::string name;      // snake_case; the CLI flag is --snake-case
    std::string help;
    std::string unit;      // empty: none
    FieldType type = FieldType::text;
    bool is_optional = false;    // may be left without a value
    bool is_required = false;    // the command cannot run without it
    bool is_positional = false;  // an argument, not a flag, on the command line
    double minimum = -std::numeric_limits<double>::infinity();
    double maximum = std::numeric_limits<double>::infinity();
    std::vector<std::string> choices;
    FieldValue default_value;
};
using Schema = std::vector<FieldSchema>;

/// Throws usage when value has the wrong type, is outside the range or is not one of the choices.
void check_field(const FieldSchema& field, const FieldValue& value);
/// Text of a flag or table cell as a value of the field; lists are split at commas. Throws usage.
FieldValue parse_field(const FieldSchema& field, std::string_view text);
/// The field of that name; throws usage with the nearest name when there is none.
const FieldSchema& find_field(const Schema& schema, std::string_view name);
/// "n_neighbors" -> "--n-neighbors"
std::string flag_of(const FieldSchema& field);

/// One JSON object {"name": value, ...} in the given order; not-given values are null.
std::string to_json(const FieldValues& values);
/// Reads such an object; unknown names, wrong types and bad values throw usage.
FieldValues values_from_json(const Schema& schema, std::string_view json);
/// JSON Schema (2020-12) of the options, with title, description, default, minimum, maximum, enum.
std::string to_json_schema(const Schema& schema, std::string_view title);

/// The candidate nearest to `name` (edit distance at most a third of its length), or "".
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);
/// "a, b, c and 12 more": the first names for a message, which should not fill a screen.
std::string listed(const std::vector<std::string>& names);

}  // namespace morula
