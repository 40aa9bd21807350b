// Contexts for tests, and the promise every step makes: the same bits with 1, 2 and 4 threads.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "morula/core/context.hpp"
#include "tests/support/errors.hpp"

namespace morula::test {

inline constexpr std::int64_t kTestMemory = std::int64_t{4} << 30;

/// A silent Context of n threads and 4 GiB.
inline std::unique_ptr<Context> make_context(std::int32_t threads) { return std::make_unique<Context>(ContextSettings{threads, kTestMemory, nullptr, nullptr}); }

/// Equal as bytes: NaN equals itself, 0 differs from -0.
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

/// make(context) with one thread and with each of the given numbers; same(a, b) must hold for all. Returns the result with one thread.
template <class Make, class Same>
auto same_at_threads(std::initializer_list<std::int32_t> others, const Make& make, const Same& same) {
    auto serial = make(*make_context(1));
    for (const std::int32_t threads : others) EXPECT_TRUE(same(serial, make(*make_context(threads)))) << "differs with " << threads << " threads";
    return serial;
}

template <class Make, class Same>
auto same_at_1_2_4_threads(const Make& make, const Same& same) {
    return same_at_threads({2, 4}, make, same);
}

}  // namespace morula::test
