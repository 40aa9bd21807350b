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
    if (n > left_) open_piece(n);
    left_ -= n;
    return std::exchange(next_, next_ + n);
}

/// The next piece with room for n bytes, a new one where none is left. What is left of those before is not handed out until reuse().
void HugeArena::open_piece(std::size_t n) {
    while (n_open_ < pieces_.size() && pieces_[n_open_].size < n) opened_ += pieces_[n_open_++].size;
    if (n_open_ == pieces_.size()) {
        const std::size_t size = std::max(n, std::clamp(taken_, kLeast, kMost));  // small matrices take little
        taken_ += size;
        pieces_.push_back({std::make_unique_for_overwrite<std::byte[]>(size + kAlign), size});
        prefer_huge_pages(pieces_.back().memory.get(), size + kAlign);
    }
    const Piece& piece = pieces_[n_open_++];
    std::byte* begin = piece.memory.get();
    next_ = begin + (kAlign - reinterpret_cast<std::uintptr_t>(begin) % kAlign) % kAlign;
    left_ = piece.size;
    opened_ += piece.size;
}

void HugeArena::reuse() {
    touched_ = static_cast<std::size_t>(bytes());
    n_open_ = opened_ = left_ = 0;
    next_ = nullptr;
}

std::int64_t HugeArena::bytes() const { return static_cast<std::int64_t>(std::max(touched_, opened_ - left_)); }

}  // namespace morula::matrix
