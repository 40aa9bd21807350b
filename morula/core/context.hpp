// What may never change an answer: threads, memory, progress, cancellation. Options change the answer; Context does not.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "morula/core/events.hpp"

namespace morula {

class ThreadPool;

struct ContextSettings {
    std::int32_t threads = 0;        // 0: processors this process may use (affinity, cgroup quota, Slurm)
    std::int64_t memory_bytes = 0;   // 0: 70 % of the least of free memory, cgroup and Slurm limits
    EventSink* events = nullptr;     // nullptr: silent; must outlive the Context
    const std::atomic<bool>* cancel = nullptr;  // set by a signal handler or another thread
};

class Context {
public:
    explicit Context(const ContextSettings& settings);
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    std::int32_t threads() const;
    std::int64_t memory_bytes() const { return memory_bytes_; }
    EventSink& events() const { return *events_; }
    ThreadPool& pool() { return *pool_; }
    /// Sends events elsewhere and returns where they went; use EventRedirect.
    EventSink& exchange_events(EventSink& events);

    bool cancelled() const { return cancel_ != nullptr && cancel_->load(std::memory_order_relaxed); }
    /// Throws a cancelled Error. Called once a block by parallel_blocks.
    void check_cancelled() const;

    /// Throws resource_limit when `bytes` cannot fit the budget: names the step, what it needs and what there is.
    void require_memory(std::int64_t bytes, std::string_view step) const;

private:
    std::unique_ptr<ThreadPool> pool_;
    std::unique_ptr<EventSink> silent_;
    EventSink* events_;
    const std::atomic<bool>* cancel_;
    std::int64_t memory_bytes_;
};

/// Sends a Context's events to another sink for as long as it lives.
class EventRedirect {
public:
    EventRedirect(Context& context, EventSink& events) : context_(context), before_(context.exchange_events(events)) {}
    ~EventRedirect() { context_.exchange_events(before_); }
    EventRedirect(const EventRedirect&) = delete;
    EventRedirect& operator=(const EventRedirect&) = delete;

private:
    Context& context_;
    EventSink& before_;
};

/// Reports progress of one loop, at most ten times a second. advance() is safe from any thread.
class Progress {
public:
    Progress(Context& context, std::string_view step, std::int64_t total, std::string_view unit);
    void advance(std::int64_t amount);

private:
    Context& context_;
    std::string step_;
    std::string unit_;
    std::int64_t total_;
    std::atomic<std::int64_t> done_{0};
    std::atomic<std::int64_t> next_report_ms_{100};
    std::int64_t started_ms_;
};

/// Limits of this process, each the least of what the system, the cgroup and Slurm allow.
std::int32_t available_threads();
std::int64_t available_memory_bytes();
/// Resident set high-water mark of this process.
std::int64_t peak_memory_bytes();
/// Processor time of this process and all its threads so far.
double process_cpu_seconds();
/// Keeps memory that was given back for the next block of rows, up to half a gigabyte, instead of returning it page by page: a tenth of a run's processor time went
/// into clearing pages again and again. For programs, at their start; changes no result.
void keep_freed_memory();
/// The other way round, for runs whose arrays grow for hours: what is above a megabyte goes back to the system at once. Kept, the places that arrays had before they grew stayed in use: 20 bytes an agent of a tissue.
void return_freed_memory();
/// "2.5 GB" (decimal units).
std::string format_bytes(std::int64_t bytes);
/// "2G", "800MB", "1.5GiB" -> bytes; throws usage.
std::int64_t parse_bytes(std::string_view text);

}  // namespace morula
