#include "morula/data/column.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_map>

#include "morula/core/checked_cast.hpp"
#include "morula/core/error.hpp"

namespace morula::data {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

template <class... F>
struct Overload : F... {
    using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

/// Shortest text that reads back as the same number; "3" for 3.0, "" for NaN.
template <class T>
std::string number_text(T value) {
    if constexpr (std::is_floating_point_v<T>) {
        if (std::isnan(value)) return "";
    }
    char buffer[32];
    const std::to_chars_result end = std::to_chars(buffer, buffer + sizeof(buffer), value);
    return std::string(buffer, end.ptr);
}

std::string boolean_text(std::uint8_t value) { return value != 0 ? "True" : "False"; }

double text_number(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    if (!text.empty() && text.front() == '+') text.remove_prefix(1);
    double value = 0.0;
    const std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), value);
    return end.ec == std::errc{} && end.ptr == text.data() + text.size() && !text.empty() ? value : kMissing;
}

/// One U an element of `values`, by `convert`.
template <class U, class T, class F>
std::vector<U> convert_each(const std::vector<T>& values, F convert) {
    std::vector<U> out;
    out.reserve(values.size());
    for (const T& value : values) out.push_back(convert(value));
    return out;
}

template <class U, class Nullable, class F>
std::vector<U> convert_present(const Nullable& column, const U& missing, F convert) {
    std::vector<U> out;
    out.reserve(column.values.size());
    for (std::size_t i = 0; i < column.values.size(); ++i) out.push_back(column.present[i] != 0 ? convert(column.values[i]) : missing);
    return out;
}

template <class U>
std::vector<U> expand(const Categorical& column, const std::vector<U>& of_category, const U& missing) {
    return convert_each<U>(column.codes, [&](std::int32_t code) { return code < 0 ? missing : of_category[static_cast<std::size_t>(code)]; });
}

template <class T>
std::vector<T> pick(const std::vector<T>& values, const std::vector<std::int64_t>& rows) {
    std::vector<T> out;
    out.reserve(rows.size());
    for (const std::int64_t row : rows) {
        MORULA_ASSERT(row >= 0 && row < static_cast<std::int64_t>(values.size()));
        out.push_back(values[static_cast<std::size_t>(row)]);
    }
    return out;
}

/// Texts to codes with the given order of categories; "" and unknown texts are missing.
Categorical code_texts(const std::vector<std::string>& texts, std::vector<std::string> categories) {
    std::unordered_map<std::string_view, std::int32_t> code_of;
    for (std::size_t c = 0; c < categories.size(); ++c) code_of.emplace(categories[c], checked_cast<std::int32_t>(c));
    Categorical out;
    out.codes = convert_each<std::int32_t>(texts, [&](const std::string& text) {
        const auto found = code_of.find(text);
        return found == code_of.end() ? -1 : found->second;
    });
    out.categories = std::move(categories);
    return out;
}

/// The distinct texts, without "", in order of first appearance.
std::vector<std::string> distinct(const std::vector<std::string>& texts) {
    std::unordered_map<std::string_view, bool> seen;
    std::vector<std::string> out;
    for (const std::string& text : texts) {
        if (!text.empty() && seen.emplace(text, true).second) out.push_back(text);
    }
    return out;
}

bool is_number_column(const Column& column) {
    return std::holds_alternative<std::vector<double>>(column) || std::holds_alternative<std::vector<float>>(column) ||
           std::holds_alternative<std::vector<std::int64_t>>(column) || std::holds_alternative<NullableIntegers>(column);
}

}  // namespace

std::int64_t column_size(const Column& column) {
    return std::visit(Overload{[](const Categorical& c) { return static_cast<std::int64_t>(c.codes.size()); },
                               [](const NullableIntegers& c) { return static_cast<std::int64_t>(c.values.size()); },
                               [](const NullableBooleans& c) { return static_cast<std::int64_t>(c.values.size()); },
                               [](const Booleans& c) { return static_cast<std::int64_t>(c.values.size()); },
                               [](const auto& values) { return static_cast<std::int64_t>(values.size()); }},
                      column);
}

std::string column_type(const Column& column) {
    return std::visit(Overload{[](const std::vector<double>&) { return "float64"; }, [](const std::vector<float>&) { return "float32"; },
                               [](const std::vector<std::int64_t>&) { return "int64"; }, [](const Booleans&) { return "bool"; },
                               [](const std::vector<std::string>&) { return "text"; }, [](const Categorical&) { return "categorical"; },
                               [](const NullableIntegers&) { return "nullable-int64"; }, [](const NullableBooleans&) { return "nullable-bool"; }},
                      column);
}

std::vector<std::string> column_texts(const Column& column) {
    return std::visit(Overload{[](const std::vector<std::string>& c) { return c; },
                               [](const Categorical& c) { return expand<std::string>(c, c.categories, ""); },
                               [](const Booleans& c) { return convert_each<std::string>(c.values, boolean_text); },
                               [](const NullableBooleans& c) { return convert_present<std::string>(c, "", boolean_text); },
                               [](const NullableIntegers& c) { return convert_present<std::string>(c, "", number_text<std::int64_t>); },
                               [](const auto& c) { return convert_each<std::string>(c, [](auto value) { return number_text(value); }); }},
                      column);
}

std::vector<double> column_numbers(const Column& column) {
    const auto as_double = [](auto value) { return static_cast<double>(value); };
    return std::visit(Overload{[](const std::vector<std::string>& c) { return convert_each<double>(c, [](const std::string& text) { return text_number(text); }); },
                               [](const Categorical& c) {
                                   return expand(c, convert_each<double>(c.categories, [](const std::string& text) { return text_number(text); }), kMissing);
                               },
                               [&](const Booleans& c) { return convert_each<double>(c.values, as_double); },
                               [&](const NullableBooleans& c) { return convert_present<double>(c, kMissing, as_double); },
                               [&](const NullableIntegers& c) { return convert_present<double>(c, kMissing, as_double); },
                               [&](const auto& c) { return convert_each<double>(c, as_double); }},
                      column);
}

Categorical to_categorical(const std::vector<std::string>& texts) {
    std::vector<std::string> categories = distinct(texts);
    std::sort(categories.begin(), categories.end());
    return code_texts(texts, std::move(categories));
}

Categorical as_categorical(const Column& column) {
    if (const auto* categorical = std::get_if<Categorical>(&column)) return *categorical;
    const std::vector<std::string> texts = column_texts(column);
    if (!is_number_column(column)) return to_categorical(texts);
    std::vector<std::string> categories = distinct(texts);
    // By size, so that batch 10 follows batch 9.
    std::stable_sort(categories.begin(), categories.end(), [](const std::string& a, const std::string& b) { return text_number(a) < text_number(b); });
    return code_texts(texts, std::move(categories));
}

Column select_column(const Column& column, const std::vector<std::int64_t>& rows) {
    return std::visit(Overload{[&](const Categorical& c) -> Column { return Categorical{pick(c.codes, rows), c.categories, c.ordered}; },
                               [&](const Booleans& c) -> Column { return Booleans{pick(c.values, rows)}; },
                               [&](const NullableIntegers& c) -> Column { return NullableIntegers{pick(c.values, rows), pick(c.present, rows)}; },
                               [&](const NullableBooleans& c) -> Column { return NullableBooleans{pick(c.values, rows), pick(c.present, rows)}; },
                               [&](const auto& c) -> Column { return pick(c, rows); }},
                      column);
}

}  // namespace morula::data
