#include "morula/core/thread_pool.hpp"

namespace morula {
namespace {

thread_local bool inside_pool = false;

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

ThreadPool::ThreadPool(std::int32_t n_threads) {
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

void ThreadPool::loop() {
    std::int64_t seen = 0;
    {
        const std::lock_guard lock(mutex_);
        ++started_;
        done_.notify_one();
    }
    for (;;) {
        const std::function<void()>* work = nullptr;
        {
            std::unique_lock lock(mutex_);
            start_.wait(lock, [&] { return stopping_ || round_ != seen; });
            if (stopping_) return;
            seen = round_;
            work = work_;
        }
        {
            const InsideMark mark;
            (*work)();
        }
        const std::lock_guard lock(mutex_);
        if (--running_ == 0) done_.notify_one();
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
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return running_ == 0; });
}

}  // namespace morula
