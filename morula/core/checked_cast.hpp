// Integer conversions that throw instead of wrapping.
#pragma once

#include <string>
#include <utility>

#include "morula/core/error.hpp"

namespace morula {

template <class To, class From>
constexpr To checked_cast(From value) {
    if (!std::in_range<To>(value)) {
        fail(ErrorCode::internal, "The number " + std::to_string(value) + " does not fit the type it must be stored in.", "Report this as a bug.");
    }
    return static_cast<To>(value);
}

/// a * b for non-negative sizes; throws resource_limit on overflow, so that absurd declared sizes end in a sentence.
inline long checked_size_product(long a, long b) {
    long product = 0;
    if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product)) {
        fail(ErrorCode::resource_limit, "A size of " + std::to_string(a) + " x " + std::to_string(b) + " is not possible.", "Check the shape that the file declares.");
    }
    return product;
}

}  // namespace morula
