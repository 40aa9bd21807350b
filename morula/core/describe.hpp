// describe(): the one description beside each Options struct. Names, help, ranges and choices stand here; defaults are read from the struct.
//
//   struct LeidenOptions { double resolution = 1.0; std::uint64_t seed = 0; };
//   constexpr auto describe(const LeidenOptions*) {
//       return std::tuple{
//           field("resolution", &LeidenOptions::resolution, "Higher gives more clusters.", {.minimum = 0.0, .maximum = 100.0}),
//           field("seed", &LeidenOptions::seed, "Seed of the random choices."),
//       };
//   }
//
// schema_of<LeidenOptions>() fails to compile when a member of the struct is not described.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "morula/core/schema.hpp"

namespace morula {

struct FieldTraits {
    double minimum = -std::numeric_limits<double>::infinity();
    double maximum = std::numeric_limits<double>::infinity();
    std::string_view unit = "";
    std::string_view choices = "";  // "first|second|third", in the order of the enumerators or allowed texts
    bool positional = false;
    bool required = false;
};

template <class Options, class T>
struct Field {
    std::string_view name;
    T Options::*member;
    std::string_view help;
    FieldTraits traits;
};

template <class Options, class T>
constexpr Field<Options, T> field(std::string_view name, T Options::*member, std::string_view help, FieldTraits traits) {
    return {name, member, help, traits};
}
template <class Options, class T>
constexpr Field<Options, T> field(std::string_view name, T Options::*member, std::string_view help) {
    return {name, member, help, {}};
}

namespace detail {

template <class Self>
struct AnyMember {
    template <class T>
        requires(!std::is_same_v<std::remove_cvref_t<T>, Self>)
    operator T() const;
};

template <class T, std::size_t... I>
constexpr bool constructible_with(std::index_sequence<I...>) {
    return requires { T{((void)I, AnyMember<T>{})...}; };
}

template <class T, std::size_t N = 0>
constexpr std::size_t member_count() {
    if constexpr (constructible_with<T>(std::make_index_sequence<N + 1>{})) return member_count<T, N + 1>();
    else return N;
}

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};

std::vector<std::string> split_choices(std::string_view choices);
[[noreturn]] void wrong_type(std::string_view name);

template <class T>
constexpr FieldType field_type(const FieldTraits& traits) {
    if constexpr (is_optional<T>::value) return field_type<typename T::value_type>(traits);
    else if constexpr (std::is_same_v<T, bool>) return FieldType::boolean;
    else if constexpr (std::is_enum_v<T>) return FieldType::choice;
    else if constexpr (std::is_integral_v<T>) return FieldType::integer;
    else if constexpr (std::is_floating_point_v<T>) return FieldType::real;
    else if constexpr (std::is_same_v<T, std::vector<std::string>>) return FieldType::text_list;
    else if constexpr (std::is_same_v<T, std::vector<double>>) return FieldType::real_list;
    else {
        static_assert(std::is_same_v<T, std::string>, "an option must be a bool, number, string, enum, optional, or list of strings or numbers");
        return traits.choices.empty() ? FieldType::text : FieldType::choice;
    }
}

template <class T>
FieldValue to_value(const T& member, const FieldTraits& traits) {
    if constexpr (is_optional<T>::value) return member ? to_value(*member, traits) : FieldValue{};
    else if constexpr (std::is_same_v<T, bool>) return member;
    else if constexpr (std::is_enum_v<T>) return split_choices(traits.choices).at(static_cast<std::size_t>(member));
    else if constexpr (std::is_integral_v<T>) return static_cast<std::int64_t>(member);
    else if constexpr (std::is_floating_point_v<T>) return static_cast<double>(member);
    else return member;
}

template <class T>
void from_value(const FieldValue& value, const FieldTraits& traits, std::string_view name, T& member) {
    if constexpr (is_optional<T>::value) {
        if (std::holds_alternative<std::monostate>(value)) member.reset();
        else from_value(value, traits, name, member.emplace());
    } else if constexpr (std::is_enum_v<T>) {
        const auto choices = split_choices(traits.choices);
        for (std::size_t i = 0; i < choices.size(); ++i) {
            if (choices[i] == std::get<std::string>(value)) member = static_cast<T>(i);
        }
    } else if constexpr (std::is_same_v<T, bool>) {
        member = std::get<bool>(value);
    } else if constexpr (std::is_integral_v<T>) {
        const std::int64_t number = std::get<std::int64_t>(value);
        if (!std::in_range<T>(number)) wrong_type(name);
        member = static_cast<T>(number);
    } else if constexpr (std::is_floating_point_v<T>) {
        member = std::holds_alternative<std::int64_t>(value) ? static_cast<T>(std::get<std::int64_t>(value)) : static_cast<T>(std::get<double>(value));
    } else {
        member = std::get<T>(value);
    }
}

}  // namespace detail

/// Every field with its default, in the order of the description.
template <class Options>
Schema schema_of() {
    constexpr auto fields = describe(static_cast<const Options*>(nullptr));
    static_assert(std::tuple_size_v<decltype(fields)> == detail::member_count<Options>(), "describe() must name every member of the Options struct");
    const Options defaults{};
    Schema schema;
    std::apply([&](const auto&... each) {
        (schema.push_back({.name = std::string(each.name),
                           .help = std::string(each.help),
                           .unit = std::string(each.traits.unit),
                           .type = detail::field_type<std::remove_cvref_t<decltype(defaults.*(each.member))>>(each.traits),
                           .is_optional = detail::is_optional<std::remove_cvref_t<decltype(defaults.*(each.member))>>::value,
                           .is_required = each.traits.required,
                           .is_positional = each.traits.positional,
                           .minimum = each.traits.minimum,
                           .maximum = each.traits.maximum,
                           .choices = detail::split_choices(each.traits.choices),
                           .default_value = detail::to_value(defaults.*(each.member), each.traits)}),
         ...);
    }, fields);
    return schema;
}

/// The values of all fields, for run records and cache keys.
template <class Options>
FieldValues values_of(const Options& options) {
    constexpr auto fields = describe(static_cast<const Options*>(nullptr));
    FieldValues values;
    std::apply([&](const auto&... each) {
        (values.emplace_back(std::string(each.name), detail::to_value(options.*(each.member), each.traits)), ...);
    }, fields);
    return values;
}

/// Throws usage when a field is outside its range: for options that no door has checked.
template <class Options>
void check_fields(const Options& options) {
    const Schema schema = schema_of<Options>();
    for (const auto& [name, value] : values_of(options)) {
        if (!std::holds_alternative<std::monostate>(value)) check_field(find_field(schema, name), value);
    }
}

/// Sets one field after checking its value; throws usage.
template <class Options>
void set_field(Options& options, std::string_view name, const FieldValue& value) {
    const Schema schema = schema_of<Options>();
    check_field(find_field(schema, name), value);
    constexpr auto fields = describe(static_cast<const Options*>(nullptr));
    std::apply([&](const auto&... each) {
        ((each.name == name ? detail::from_value(value, each.traits, each.name, options.*(each.member)) : void()), ...);
    }, fields);
}

/// `base` with the given fields replaced; throws usage.
template <class Options>
Options with_values(Options base, const FieldValues& values) {
    for (const auto& [name, value] : values) set_field(base, name, value);
    return base;
}

}  // namespace morula
