// Columns of several samples below one another: which type the whole gets, and how each part becomes it.
#include <algorithm>
#include <unordered_map>

#include "morula/core/checked_cast.hpp"
#include "morula/data/column.hpp"

namespace morula::data {
namespace {

enum class Kind { booleans, nullable_booleans, integers, nullable_integers, float32, float64, categories, texts };

Kind kind_of(const Column& column) {
    constexpr Kind kOfIndex[] = {Kind::float64, Kind::float32, Kind::integers, Kind::booleans, Kind::texts, Kind::categories, Kind::nullable_integers, Kind::nullable_booleans};
    static_assert(std::variant_size_v<Column> == std::size(kOfIndex));
    return kOfIndex[column.index()];
}

bool is_boolean(Kind kind) { return kind == Kind::booleans || kind == Kind::nullable_booleans; }

/// The narrowest type that holds both without loss of meaning: True beside 3 is neither a number nor a truth value, so text.
Kind wider(Kind a, Kind b) {
    if (a == b) return a;
    const auto [low, high] = std::minmax(a, b);
    if (high == Kind::texts || high == Kind::categories) return high;
    if (is_boolean(low) != is_boolean(high)) return Kind::texts;
    // float32 holds no integer above 2^24.
    if (high == Kind::float32) return Kind::float64;
    return high;
}

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
    to.insert(to.end(), from.begin(), from.end());
}

template <class T>
Column stack_same(const std::vector<Column>& columns) {
    std::vector<T> all;
    for (const Column& column : columns) append(all, std::get<std::vector<T>>(column));
    return all;
}

/// Values and presence, of a column that may or may not be nullable.
template <class Nullable, class Plain>
Column stack_nullable(const std::vector<Column>& columns, const Plain& values_of_plain) {
    Nullable all;
    for (const Column& column : columns) {
        if (const auto* nullable = std::get_if<Nullable>(&column)) {
            append(all.values, nullable->values);
            append(all.present, nullable->present);
        } else {
            append(all.values, values_of_plain(column));
            all.present.resize(all.values.size(), 1);
        }
    }
    return all;
}

/// Categories in order of first appearance; ordered only where all parts agree on them.
Column stack_categories(const std::vector<Column>& columns) {
    Categorical all;
    std::unordered_map<std::string, std::int32_t> code_of;
    bool same = true;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const Categorical part = as_categorical(columns[i]);
        std::vector<std::int32_t> new_code;
        for (const std::string& category : part.categories) {
            const auto [place, is_new] = code_of.emplace(category, checked_cast<std::int32_t>(all.categories.size()));
            if (is_new) all.categories.push_back(category);
            new_code.push_back(place->second);
        }
        for (const std::int32_t code : part.codes) all.codes.push_back(code < 0 ? -1 : new_code[static_cast<std::size_t>(code)]);
        if (i == 0) all.ordered = part.ordered;
        same = same && (part.categories.empty() || (part.ordered == all.ordered && part.categories == all.categories));
    }
    all.ordered = all.ordered && same;
    return all;
}

}  // namespace

Column stack_columns(const std::vector<Column>& columns) {
    if (columns.empty()) return std::vector<std::string>{};
    Kind kind = kind_of(columns.front());
    for (const Column& column : columns) kind = wider(kind, kind_of(column));
    switch (kind) {
        case Kind::categories: return stack_categories(columns);
        case Kind::booleans: {
            Booleans all;
            for (const Column& column : columns) append(all.values, std::get<Booleans>(column).values);
            return all;
        }
        case Kind::nullable_booleans:
            return stack_nullable<NullableBooleans>(columns, [](const Column& column) -> const std::vector<std::uint8_t>& { return std::get<Booleans>(column).values; });
        case Kind::integers: return stack_same<std::int64_t>(columns);
        case Kind::nullable_integers:
            return stack_nullable<NullableIntegers>(
                columns, [](const Column& column) -> const std::vector<std::int64_t>& { return std::get<std::vector<std::int64_t>>(column); });
        case Kind::float32: return stack_same<float>(columns);
        case Kind::float64: {
            std::vector<double> all;
            for (const Column& column : columns) append(all, column_numbers(column));
            return all;
        }
        case Kind::texts: break;
    }
    std::vector<std::string> all;
    for (const Column& column : columns) append(all, column_texts(column));
    return all;
}

}  // namespace morula::data
