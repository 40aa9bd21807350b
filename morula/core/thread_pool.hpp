// The threads of a Context. Use parallel_blocks(); nothing else may start work here.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace morula {

class ThreadPool {
public:
    /// n_threads counts the calling thread, so n_threads - 1 are started.
    explicit ThreadPool(std::int32_t n_threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    std::int32_t size() const { return static_cast<std::int32_t>(threads_.size()) + 1; }
    /// Runs work() on every thread, the caller's included, and returns when all have come back. work() must not throw.
    void run_on_all(const std::function<void()>& work);
    /// True on a thread that is inside run_on_all of any pool: nested work runs inline.
    static bool inside();

private:
    void loop();

    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable start_;
    std::condition_variable done_;
    const std::function<void()>* work_ = nullptr;
    std::int64_t round_ = 0;
    std::int32_t running_ = 0;
    std::int32_t started_ = 0;
    bool stopping_ = false;
    std::mutex one_caller_;
};

}  // namespace morula
