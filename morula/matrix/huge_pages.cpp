#include "morula/matrix/huge_pages.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

namespace morula::matrix {

void prefer_huge_pages(void* begin, std::size_t bytes) {
    constexpr std::size_t kHuge = std::size_t{2} << 20;
    if (bytes < 2 * kHuge) return;
    // Only whole huge pages inside the array; nothing outside it is touched.
    const std::size_t skip = (kHuge - reinterpret_cast<std::uintptr_t>(begin) % kHuge) % kHuge;
    const std::size_t whole = (bytes - skip) / kHuge * kHuge;
    if (whole > 0) static_cast<void>(madvise(static_cast<char*>(begin) + skip, whole, MADV_HUGEPAGE));
}

std::byte* HugeArena::take_bytes(std::size_t n) {
    n = (n + kAlign - 1) / kAlign * kAlign;
    const std::lock_guard lock(mutex_);
    if (n > left_) {
        const std::size_t size = std::max(n, std::clamp(taken_, kLeast, kMost));  // small matrices take little
        taken_ += size;
        pieces_.push_back(std::make_unique_for_overwrite<std::byte[]>(size + kAlign));
        std::byte* begin = pieces_.back().get();
        prefer_huge_pages(begin, size + kAlign);
        next_ = begin + (kAlign - reinterpret_cast<std::uintptr_t>(begin) % kAlign) % kAlign;
        left_ = size;
    }
    left_ -= n;
    return std::exchange(next_, next_ + n);
}

}  // namespace morula::matrix
