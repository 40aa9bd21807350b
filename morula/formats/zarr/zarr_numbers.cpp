#include "morula/formats/zarr/zarr_numbers.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "morula/matrix/whole_numbers.hpp"

namespace morula::formats {
namespace {

/// float to uint8 or uint16: nearly every stored value passes here.
template <class S>
bool store_small(std::span<const float> values, std::byte* out) {
    matrix::WholeNumbers numbers;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto stored = static_cast<S>(numbers.take(values[i]));
        std::memcpy(out + i * sizeof(S), &stored, sizeof(S));
    }
    return numbers.all_below_2_to(std::numeric_limits<S>::digits);
}

template <class S, class T>
bool store_values(std::span<const T> values, std::byte* out) {
    if constexpr (std::is_same_v<T, float> && std::is_unsigned_v<S> && sizeof(S) <= 2) return store_small<S>(values, out);
    bool fits = true;
    // The limits of S are powers of two, so exact as T.
    constexpr T kLowest = static_cast<T>(std::numeric_limits<S>::min());
    [[maybe_unused]] const T limit = std::is_floating_point_v<T> ? static_cast<T>(std::ldexp(1.0, std::numeric_limits<S>::digits)) : T{0};
    for (std::size_t i = 0; i < values.size(); ++i) {
        S stored{};
        if constexpr (std::is_integral_v<S> && std::is_floating_point_v<T>) {
            const bool in_range = values[i] >= kLowest && values[i] < limit;
            stored = static_cast<S>(in_range ? values[i] : T{0});
            fits &= in_range && static_cast<T>(stored) == values[i] && (stored != 0 || !std::signbit(values[i]));
        } else if constexpr (std::is_integral_v<S>) {
            fits = fits && std::in_range<S>(values[i]);
            stored = static_cast<S>(values[i]);
        } else {
            stored = static_cast<S>(values[i]);
            if constexpr (!std::is_same_v<S, T>) fits = fits && (static_cast<T>(stored) == values[i] || values[i] != values[i]);
        }
        std::memcpy(out + i * sizeof(S), &stored, sizeof(S));
    }
    return fits;
}

template <class T, class S>
bool load_values(const std::byte* bytes, std::int64_t n, T* out) {
    bool fits = true;
    for (std::int64_t i = 0; i < n; ++i) {
        S value;
        std::memcpy(&value, bytes + i * static_cast<std::int64_t>(sizeof(S)), sizeof(S));
        if constexpr (std::is_integral_v<T> && std::is_floating_point_v<S>) {
            // Only whole numbers within T; the limits are powers of two, so exact as S.
            const bool whole = value == std::trunc(value) && value >= static_cast<S>(std::numeric_limits<T>::min()) &&
                               value < std::ldexp(S{1}, std::numeric_limits<T>::digits);
            fits = fits && whole;
            out[i] = whole ? static_cast<T>(value) : T{0};
        } else {
            if constexpr (std::is_integral_v<T> && !std::is_same_v<T, S>) fits = fits && std::in_range<T>(value);
            out[i] = static_cast<T>(value);
        }
    }
    return fits;
}

/// Calls body with a value of the C++ type of `type`; false for text.
template <class Body>
bool with_type(ZarrType type, const Body& body) {
    switch (type) {
        case ZarrType::boolean:
        case ZarrType::uint8: return body(std::uint8_t{});
        case ZarrType::int8: return body(std::int8_t{});
        case ZarrType::int16: return body(std::int16_t{});
        case ZarrType::int32: return body(std::int32_t{});
        case ZarrType::int64: return body(std::int64_t{});
        case ZarrType::uint16: return body(std::uint16_t{});
        case ZarrType::uint32: return body(std::uint32_t{});
        case ZarrType::uint64: return body(std::uint64_t{});
        case ZarrType::float32: return body(float{});
        case ZarrType::float64: return body(double{});
        case ZarrType::text: break;
    }
    return false;
}

}  // namespace

template <class T>
bool numbers_to_bytes(ZarrType type, std::span<const T> values, std::byte* out) {
    return with_type(type, [&](auto stored) { return store_values<decltype(stored)>(values, out); });
}

template <class T>
bool bytes_to_numbers(ZarrType type, const std::byte* bytes, std::int64_t n, T* out) {
    return with_type(type, [&](auto stored) { return load_values<T, decltype(stored)>(bytes, n, out); });
}

#define MORULA_NUMBERS(T)                                                               \
    template bool numbers_to_bytes(ZarrType, std::span<const T>, std::byte*);           \
    template bool bytes_to_numbers(ZarrType, const std::byte*, std::int64_t, T*)
MORULA_NUMBERS(std::uint8_t);
MORULA_NUMBERS(std::int32_t);
MORULA_NUMBERS(std::int64_t);
MORULA_NUMBERS(std::uint32_t);
MORULA_NUMBERS(float);
MORULA_NUMBERS(double);
#undef MORULA_NUMBERS

}  // namespace morula::formats
