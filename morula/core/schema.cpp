#include "morula/core/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "morula/core/describe.hpp"
#include "morula/core/error.hpp"
#include "morula/core/printable.hpp"

namespace morula {
namespace detail {

std::vector<std::string> split_choices(std::string_view choices) {
    std::vector<std::string> out;
    while (!choices.empty()) {
        const std::size_t bar = choices.find('|');
        out.emplace_back(choices.substr(0, bar));
        choices = bar == std::string_view::npos ? std::string_view() : choices.substr(bar + 1);
    }
    return out;
}

void wrong_type(std::string_view name) { fail(ErrorCode::usage, fmt::format("The value of {} is below 0 or too large.", name), "Give a whole number from 0 on."); }

}  // namespace detail
namespace {

std::string join(const std::vector<std::string>& parts, std::string_view separator) { return fmt::format("{}", fmt::join(parts, separator)); }

[[noreturn]] void bad_value(const FieldSchema& field, std::string_view got, std::string_view wanted) {
    fail(ErrorCode::usage, fmt::format("{} is {}, but it must be {}.", flag_of(field), got.empty() ? "empty" : got, wanted), fmt::format("{}", field.help));
}

std::string range_text(const FieldSchema& field) {
    const bool low = std::isfinite(field.minimum);
    const bool high = std::isfinite(field.maximum);
    const std::string unit = field.unit.empty() ? "" : " " + field.unit;
    if (low && high) return fmt::format("from {:g} to {:g}{}", field.minimum, field.maximum, unit);
    if (low) return fmt::format("at least {:g}{}", field.minimum, unit);
    return fmt::format("at most {:g}{}", field.maximum, unit);
}

void check_range(const FieldSchema& field, double number) {
    if (!(number >= field.minimum && number <= field.maximum)) bad_value(field, fmt::format("{:g}", number), range_text(field));
}

template <class T>
bool parse_number(std::string_view text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
}

FieldValue parse_real_list(const FieldSchema& field, std::string_view text) {
    std::vector<double> numbers;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        double number = 0.0;
        if (!parse_number(text.substr(0, comma), number)) bad_value(field, fmt::format("'{}'", text), "numbers with commas between");
        numbers.push_back(number);
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return numbers;
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        parts.emplace_back(text.substr(0, comma));
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return parts;
}

/// Insertions, deletions, changes, and swaps of neighbours (optimal string alignment): "rnu" is one step from "run".
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            d[i][j] = std::min({d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), d[i - 1][j] + 1, d[i][j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[a.size()][b.size()];
}

}  // namespace

std::string flag_of(const FieldSchema& field) {
    if (field.is_positional) {
        std::string upper = field.name;
        for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        return upper;
    }
    std::string flag = "--" + field.name;
    std::replace(flag.begin(), flag.end(), '_', '-');
    return flag;
}

void check_field(const FieldSchema& field, const FieldValue& value) {
    if (std::holds_alternative<std::monostate>(value)) {
        if (!field.is_optional) bad_value(field, "not given", "given");
        return;
    }
    switch (field.type) {
        case FieldType::boolean:
            if (!std::holds_alternative<bool>(value)) bad_value(field, "something else", "true or false");
            return;
        case FieldType::integer:
            if (!std::holds_alternative<std::int64_t>(value)) bad_value(field, "something else", "a whole number");
            check_range(field, static_cast<double>(std::get<std::int64_t>(value)));
            return;
        case FieldType::real:
            if (std::holds_alternative<std::int64_t>(value)) return check_range(field, static_cast<double>(std::get<std::int64_t>(value)));
            if (!std::holds_alternative<double>(value)) bad_value(field, "something else", "a number");
            check_range(field, std::get<double>(value));
            return;
        case FieldType::text:
            if (!std::holds_alternative<std::string>(value)) bad_value(field, "something else", "a text");
            return;
        case FieldType::choice: {
            if (!std::holds_alternative<std::string>(value)) bad_value(field, "something else", "one of " + join(field.choices, ", "));
            const std::string& text = std::get<std::string>(value);
            if (std::find(field.choices.begin(), field.choices.end(), text) == field.choices.end()) bad_value(field, "'" + text + "'", "one of " + join(field.choices, ", "));
            return;
        }
        case FieldType::text_list:
            if (!std::holds_alternative<std::vector<std::string>>(value)) bad_value(field, "something else", "a list of texts");
            return;
        case FieldType::real_list:
            if (!std::holds_alternative<std::vector<double>>(value)) bad_value(field, "something else", "a list of numbers");
            for (const double number : std::get<std::vector<double>>(value)) check_range(field, number);
            return;
    }
}

FieldValue parse_field(const FieldSchema& field, std::string_view text) {
    FieldValue value;
    switch (field.type) {
        case FieldType::boolean:
            if (text == "true" || text == "yes" || text == "1") value = true;
            else if (text == "false" || text == "no" || text == "0") value = false;
            else bad_value(field, fmt::format("'{}'", text), "true or false");
            break;
        case FieldType::integer: {
            std::int64_t number = 0;
            if (!parse_number(text, number)) {
                const bool is_too_large = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
                bad_value(field, fmt::format("'{}'", text), is_too_large ? fmt::format("a whole number of at most {}", std::numeric_limits<std::int64_t>::max()) : "a whole number");
            }
            value = number;
            break;
        }
        case FieldType::real: {
            double number = 0.0;
            if (!parse_number(text, number)) bad_value(field, fmt::format("'{}'", text), "a number");
            value = number;
            break;
        }
        case FieldType::text:
        case FieldType::choice: value = std::string(text); break;
        case FieldType::text_list: value = split_list(text); break;
        case FieldType::real_list: value = parse_real_list(field, text); break;
    }
    check_field(field, value);
    return value;
}

const FieldSchema& find_field(const Schema& schema, std::string_view name) {
    std::vector<std::string> names;
    for (const FieldSchema& field : schema) {
        if (field.name == name) return field;
        names.push_back(field.name);
    }
    const std::string nearest = nearest_name(name, names);
    fail(ErrorCode::usage, fmt::format("There is no option called '{}'.", name), nearest.empty() ? "Options are: " + join(names, ", ") + "." : "Did you mean '" + nearest + "'?");
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
    std::string best;
    std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
    for (const std::string& candidate : candidates) {
        if (candidate.size() >= name.size() + best_distance) continue;  // too far, and a damaged file's names may be endless
        const std::size_t distance = edit_distance(name, candidate);
        if (distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

std::string listed(const std::vector<std::string>& names) {
    constexpr std::size_t shown = 5;
    const std::size_t n = std::min(names.size(), shown);
    const std::string more = names.size() > n ? fmt::format(" and {} more", names.size() - n) : "";
    std::vector<std::string> first;
    for (std::size_t i = 0; i < n; ++i) first.push_back(name_in_line(names[i]));
    return join(first, ", ") + more;
}

}  // namespace morula
