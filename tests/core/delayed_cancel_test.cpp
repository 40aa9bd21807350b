#include "morula/core/delayed_cancel.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace morula {
namespace {

using std::chrono::milliseconds;

bool is_set_within(const std::atomic<bool>& flag, milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (!flag && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(milliseconds(5));
    return flag;
}

TEST(delayed_cancel, comes_after_the_other_and_not_before) {
    std::atomic<bool> asked{false};
    const Context watched({.threads = 1, .memory_bytes = 0, .events = nullptr, .cancel = &asked});
    const DelayedCancel delayed(watched, milliseconds(200));
    EXPECT_FALSE(is_set_within(*delayed.flag(), milliseconds(100))) << "nobody has asked";
    asked = true;
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(is_set_within(*delayed.flag(), milliseconds(20'000)));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(190));
}

TEST(delayed_cancel, ends_at_once_whatever_the_patience) {
    std::atomic<bool> asked{true};
    const Context watched({.threads = 1, .memory_bytes = 0, .events = nullptr, .cancel = &asked});
    const auto begin = std::chrono::steady_clock::now();
    { const DelayedCancel delayed(watched, milliseconds(3'600'000)); }
    EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(60'000));
}

}  // namespace
}  // namespace morula
