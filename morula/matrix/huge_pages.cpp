#include "morula/matrix/huge_pages.hpp"

#include <sys/mman.h>

namespace morula::matrix {

void prefer_huge_pages(void* begin, std::size_t bytes) {
    constexpr std::size_t kHuge = std::size_t{2} << 20;
    if (bytes < 2 * kHuge) return;
    // Only whole huge pages inside the array; nothing outside it is touched.
    const std::size_t skip = (kHuge - reinterpret_cast<std::uintptr_t>(begin) % kHuge) % kHuge;
    const std::size_t whole = (bytes - skip) / kHuge * kHuge;
    if (whole > 0) static_cast<void>(madvise(static_cast<char*>(begin) + skip, whole, MADV_HUGEPAGE));
}

}  // namespace morula::matrix
