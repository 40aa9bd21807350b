#include "morula/core/context.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/thread_pool.hpp"

namespace morula {
namespace {

std::int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

constexpr std::int64_t kReportEveryMs = 100;

}  // namespace

Context::Context(const ContextSettings& settings)
    : pool_(std::make_unique<ThreadPool>(settings.threads > 0 ? settings.threads : available_threads())),
      silent_(make_silent_sink()),
      events_(settings.events != nullptr ? settings.events : silent_.get()),
      cancel_(settings.cancel),
      memory_bytes_(settings.memory_bytes > 0 ? settings.memory_bytes : available_memory_bytes() / 10 * 7) {}

Context::~Context() = default;

std::int32_t Context::threads() const { return pool_->size(); }

EventSink& Context::exchange_events(EventSink& events) { return *std::exchange(events_, &events); }

void Context::check_cancelled() const {
    if (cancelled()) fail(ErrorCode::cancelled, "Stopped as asked.", "Run the same command again; `run`, `simulate` and `contribute` go on from where they were with --resume.");
}

void Context::require_memory(std::int64_t bytes, std::string_view step) const {
    if (bytes <= memory_bytes_) return;
    fail(ErrorCode::resource_limit, fmt::format("The step {} needs about {} of memory, the limit is {}.", step, format_bytes(bytes), format_bytes(memory_bytes_)),
         "Raise the limit with --memory, or use a machine with more memory.");
}

Progress::Progress(Context& context, std::string_view step, std::int64_t total, std::string_view unit)
    : context_(context), step_(step), unit_(unit), total_(total), started_ms_(now_ms()) {}

void Progress::advance(std::int64_t amount) {
    const std::int64_t done = done_.fetch_add(amount, std::memory_order_relaxed) + amount;
    const std::int64_t elapsed = now_ms() - started_ms_;
    std::int64_t due = next_report_ms_.load(std::memory_order_relaxed);
    // The one thread that moves the due time reports; the others go on.
    if (elapsed < due || !next_report_ms_.compare_exchange_strong(due, elapsed + kReportEveryMs)) return;
    context_.events().progress({step_, done, total_, unit_, static_cast<double>(elapsed) / 1000.0});
}

}  // namespace morula
