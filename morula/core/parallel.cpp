#include "morula/core/parallel.hpp"

#include <atomic>
#include <exception>
#include <limits>
#include <mutex>
#include <vector>

#include "morula/core/error.hpp"
#include "morula/core/thread_pool.hpp"

namespace morula {
namespace {

/// Keeps the exception of the lowest block, so that the same error is reported for any number of threads.
class FirstFailure {
public:
    void keep(std::int64_t block) {
        const std::lock_guard lock(mutex_);
        if (block < block_) {
            block_ = block;
            failure_ = std::current_exception();
            lowest_.store(block, std::memory_order_relaxed);
        }
    }
    /// Blocks above the lowest failure need not run; those below must, one of them may fail too.
    bool needless(std::int64_t block) const { return block > lowest_.load(std::memory_order_relaxed); }
    void rethrow() const {
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    std::mutex mutex_;
    std::atomic<std::int64_t> lowest_{std::numeric_limits<std::int64_t>::max()};
    std::int64_t block_ = std::numeric_limits<std::int64_t>::max();
    std::exception_ptr failure_;
};

}  // namespace

void parallel_blocks(Context& context, std::int64_t n, std::int64_t block_size, const std::function<void(Block)>& body) {
    MORULA_ASSERT(block_size > 0);
    if (n <= 0) return;
    const std::int64_t n_blocks = (n - 1) / block_size + 1;
    const auto run_block = [&](std::int64_t index) {
        context.check_cancelled();
        const std::int64_t begin = index * block_size;
        body({index, begin, std::min(n, begin + block_size)});
    };
    if (n_blocks == 1 || context.threads() == 1 || ThreadPool::inside()) {
        for (std::int64_t index = 0; index < n_blocks; ++index) run_block(index);
        return;
    }
    std::atomic<std::int64_t> next{0};
    FirstFailure failure;
    context.pool().run_on_all([&] {
        for (;;) {
            const std::int64_t index = next.fetch_add(1, std::memory_order_relaxed);
            if (index >= n_blocks) return;
            if (failure.needless(index)) continue;
            try {
                run_block(index);
            } catch (...) {
                failure.keep(index);
            }
        }
    });
    failure.rethrow();
}

double sum_blocks(Context& context, std::int64_t n, std::int64_t block_size, const std::function<double(Block)>& body) {
    MORULA_ASSERT(block_size > 0);
    if (n <= 0) return 0.0;
    std::vector<double> parts(static_cast<std::size_t>((n - 1) / block_size + 1));
    parallel_blocks(context, n, block_size, [&](Block block) { parts[static_cast<std::size_t>(block.index)] = body(block); });
    double total = 0.0;
    for (const double part : parts) total += part;
    return total;
}

}  // namespace morula
