// Real counts for tests: below $MORULA_DATA, else ../shared/data beside the tree.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace morula::test {

/// Empty when it is not there.
inline std::filesystem::path real_data(const std::string& relative) {
    const char* given = std::getenv("MORULA_DATA");
    const std::filesystem::path folder = given != nullptr ? std::filesystem::path(given) : std::filesystem::path(MORULA_SOURCE_DIR) / "../shared/data";
    return std::filesystem::exists(folder / relative) ? folder / relative : std::filesystem::path();
}

}  // namespace morula::test

/// Skips a test whose real data are not here; fails it where CI=true.
#define MORULA_REAL_DATA(variable, relative)                                                                            \
    const std::filesystem::path variable = morula::test::real_data(relative);                                           \
    if (variable.empty()) {                                                                                             \
        if (std::getenv("CI") != nullptr && std::string_view(std::getenv("CI")) == "true") FAIL() << "no " << relative; \
        GTEST_SKIP() << "real data not found: set MORULA_DATA to the folder that holds " << relative;                   \
    }
