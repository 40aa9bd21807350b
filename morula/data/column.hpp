// One column of obs or var.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace morula::data {

/// Codes into categories; -1 is missing.
struct Categorical {
    std::vector<std::int32_t> codes;
    std::vector<std::string> categories;
    bool ordered = false;
};

/// A column that may lack values, of integers or booleans: present[i] == 0 is missing.
struct NullableIntegers {
    std::vector<std::int64_t> values;
    std::vector<std::uint8_t> present;
};
struct NullableBooleans {
    std::vector<std::uint8_t> values;
    std::vector<std::uint8_t> present;
};
struct Booleans {
    std::vector<std::uint8_t> values;
};

/// Numbers: float64 (NaN is missing), float32 kept as it came, integers; texts; categories.
using Column = std::variant<std::vector<double>, std::vector<float>, std::vector<std::int64_t>, Booleans, std::vector<std::string>, Categorical, NullableIntegers, NullableBooleans>;

std::int64_t column_size(const Column& column);
/// "float64", "float32", "int64", "bool", "text", "categorical", "nullable-int64", "nullable-bool"
std::string column_type(const Column& column);
/// Values as text: integers plain, floats by the shortest text that reads back the same (3 for 3.0), "True" and "False"; missing as "".
std::vector<std::string> column_texts(const Column& column);
/// Values as numbers; missing and non-numeric as NaN.
std::vector<double> column_numbers(const Column& column);
/// Texts to codes; categories sorted by their text, as in pandas; "" is missing.
Categorical to_categorical(const std::vector<std::string>& texts);
/// A categorical column as it is; texts and booleans as above; numbers with their categories in order of size (9 before 10).
Categorical as_categorical(const Column& column);
/// The given rows in the given order; categories stay, used or not.
Column select_column(const Column& column, const std::vector<std::int64_t>& rows);
/// Columns below one another. Where types differ: numbers become float64 (nullable where one is), categories win over numbers and texts over all;
/// booleans beside numbers become texts. Categories stand in order of first appearance and stay ordered only where all parts agree on them.
Column stack_columns(const std::vector<Column>& columns);

}  // namespace morula::data
