// What every fuzzer demands of a parser: a value, or an Error that a user can act on. Any other exception ends the fuzzer by itself.
#pragma once

#include "morula/core/error.hpp"

namespace morula::fuzz {

/// Of what was read: ends the fuzzer where it does not hold.
inline void require(bool holds) {
    if (!holds) __builtin_trap();
}

template <class Call>
void expect_value_or_error(const Call& call) {
    try {
        call();
    } catch (const Error& error) {
        if (error.code() == ErrorCode::internal || error.message().empty() || error.next().empty()) __builtin_trap();
    }
}

}  // namespace morula::fuzz
