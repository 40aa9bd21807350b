#include "morula/core/thread_pool.hpp"

#include <chrono>

#include "morula/core/context.hpp"

namespace morula {
namespace {

/// Waking a sleeper takes tens of microseconds, and many steps start hundreds of short rounds one after the other: that long a thread stays awake for the next.
constexpr std::chrono::microseconds kLookOut{100};
constexpr int kLooksBetweenClocks = 32;

thread_local bool inside_pool = false;

void pause_briefly() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

class InsideMark {
public:
    InsideMark() : before_(inside_pool) { inside_pool = true; }
    ~InsideMark() { inside_pool = before_; }
    InsideMark(const InsideMark&) = delete;
    InsideMark& operator=(const InsideMark&) = delete;

private:
    bool before_;
};

}  // namespace

ThreadPool::ThreadPool(std::int32_t n_threads) : has_processors_(n_threads <= available_threads()) {
    for (std::int32_t i = 1; i < n_threads; ++i) threads_.emplace_back([this] { loop(); });
    // A process may be forked right after this (to look at a file in a child): a thread that is still starting could hold a lock of the C library
    // or of a sanitizer, which nobody would ever release in the child.
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return started_ == static_cast<std::int32_t>(threads_.size()); });
}

ThreadPool::~ThreadPool() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    start_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

bool ThreadPool::inside() { return inside_pool; }

template <class Happened>
void ThreadPool::look_out(const Happened& happened) const {
    if (!has_processors_) return;  // somebody else may need this one
    const auto end = std::chrono::steady_clock::now() + kLookOut;
    do {
        for (int look = 0; look < kLooksBetweenClocks; ++look) {
            if (happened()) return;
            pause_briefly();
        }
    } while (std::chrono::steady_clock::now() < end);
}

void ThreadPool::loop() {
    std::int64_t seen = 0;
    {
        const std::lock_guard lock(mutex_);
        ++started_;
        done_.notify_one();
    }
    const auto called = [&] { return stopping_.load() || round_.load() != seen; };
    for (;;) {
        look_out(called);
        if (!called()) {
            std::unique_lock lock(mutex_);
            start_.wait(lock, called);
        }
        if (stopping_.load()) return;
        seen = round_.load();
        {
            const InsideMark mark;
            (*work_)();
        }
        if (running_.fetch_sub(1) == 1) {
            const std::lock_guard lock(mutex_);
            done_.notify_one();
        }
    }
}

void ThreadPool::run_on_all(const std::function<void()>& work) {
    const std::lock_guard only_one(one_caller_);
    {
        const std::lock_guard lock(mutex_);
        work_ = &work;
        running_ = static_cast<std::int32_t>(threads_.size());
        ++round_;
    }
    start_.notify_all();
    {
        const InsideMark mark;
        work();
    }
    const auto all_back = [&] { return running_.load() == 0; };
    look_out(all_back);
    if (all_back()) return;
    std::unique_lock lock(mutex_);
    done_.wait(lock, all_back);
}

}  // namespace morula
