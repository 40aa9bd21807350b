// Scratch that outlives a task: as many pieces as tasks run at once, so that blocks do not pay for fresh memory.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "morula/matrix/block_source.hpp"

namespace morula::matrix {

/// Lends T's (default: CsrScratch) to tasks and takes them back. Contents are whatever the last user left. Lives in one operation.
template <class T = CsrScratch>
class ScratchPool {
public:
    class Lease {
    public:
        Lease(ScratchPool& pool, std::unique_ptr<T> item) : pool_(pool), item_(std::move(item)) {}
        ~Lease() { pool_.give_back(std::move(item_)); }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        T& operator*() { return *item_; }
        T* operator->() { return item_.get(); }

    private:
        ScratchPool& pool_;
        std::unique_ptr<T> item_;
    };

    Lease take() {
        const std::lock_guard lock(mutex_);
        if (free_.empty()) return Lease(*this, std::make_unique<T>());
        std::unique_ptr<T> item = std::move(free_.back());
        free_.pop_back();
        return Lease(*this, std::move(item));
    }

private:
    void give_back(std::unique_ptr<T> item) {
        const std::lock_guard lock(mutex_);
        free_.push_back(std::move(item));
    }

    std::mutex mutex_;
    std::vector<std::unique_ptr<T>> free_;
};

}  // namespace morula::matrix
