// A cancellation that comes a while after another: what is under way may come to its end, but not take for ever.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "morula/core/context.hpp"

namespace morula {

/// Its flag is set once the watched Context has been cancelled for longer than `patience`. A thread that sleeps nearly always looks on; it ends with the object. The Context must outlive it.
class DelayedCancel {
public:
    DelayedCancel(const Context& watched, std::chrono::milliseconds patience);
    ~DelayedCancel();
    DelayedCancel(const DelayedCancel&) = delete;
    DelayedCancel& operator=(const DelayedCancel&) = delete;

    /// For ContextSettings::cancel.
    const std::atomic<bool>* flag() const { return &is_due_; }

private:
    void watch(const Context& watched, std::chrono::milliseconds patience);

    std::atomic<bool> is_due_{false};
    std::mutex mutex_;
    std::condition_variable ends_;
    bool has_ended_ = false;
    std::thread watcher_;
};

}  // namespace morula
