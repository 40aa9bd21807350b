// What a call throws.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "morula/core/error.hpp"

namespace morula::test {

/// The Error that the call throws, which must say what is wrong and what to do next. Without one the test fails and the code is internal.
template <class Call>
Error thrown_by(const Call& call) {
    try {
        call();
    } catch (const Error& error) {
        EXPECT_FALSE(error.message().empty());
        EXPECT_FALSE(error.next().empty()) << error.message();
        return error;
    }
    ADD_FAILURE() << "no error was thrown";
    return {ErrorCode::internal, "", ""};
}

template <class Call>
ErrorCode error_code(const Call& call) {
    return thrown_by(call).code();
}

/// The sentence and the advice; "" when nothing is thrown.
template <class Call>
std::string error_text(const Call& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace morula::test
