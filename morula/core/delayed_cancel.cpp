#include "morula/core/delayed_cancel.hpp"

namespace morula {
namespace {

/// A signal handler sets a plain flag and can wake nobody: somebody has to look.
constexpr std::chrono::milliseconds kLookEvery{50};

}  // namespace

DelayedCancel::DelayedCancel(const Context& watched, std::chrono::milliseconds patience) : watcher_([this, &watched, patience] { watch(watched, patience); }) {}

DelayedCancel::~DelayedCancel() {
    {
        const std::lock_guard lock(mutex_);
        has_ended_ = true;
    }
    ends_.notify_all();
    watcher_.join();
}

void DelayedCancel::watch(const Context& watched, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    const auto ended_within = [&](std::chrono::milliseconds time) { return ends_.wait_for(lock, time, [this] { return has_ended_; }); };
    while (!watched.cancelled()) {
        if (ended_within(kLookEvery)) return;
    }
    if (!ended_within(patience)) is_due_ = true;
}

}  // namespace morula
