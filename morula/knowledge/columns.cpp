#include "morula/knowledge/columns.hpp"

#include <fmt/format.h>

#include "morula/core/error.hpp"

namespace morula::knowledge {

std::size_t first_column(const formats::RawTable& table, std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
        const std::size_t column = table.find(name);
        if (column != std::string::npos) return column;
    }
    return std::string::npos;
}

std::size_t require_column(const formats::RawTable& table, std::initializer_list<std::string_view> names, std::string_view next) {
    const std::size_t column = first_column(table, names);
    if (column != std::string::npos) return column;
    invalid_data(fmt::format("{}: has no column '{}' (it has {}).", table.path.string(), *names.begin(), fmt::join(table.names, ", ")), std::string(next));
}

const std::string& required_text(const formats::RawTable& table, std::size_t row, std::size_t column, std::string_view next) {
    const std::string& text = table.rows[row][column];
    if (text.empty()) invalid_data(fmt::format("{}: is empty.", table.place(row, column)), std::string(next));
    return text;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(blanks);
    return first == std::string_view::npos ? std::string_view() : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace morula::knowledge
