#include "morula/analysis/even_sample.hpp"

#include <algorithm>

namespace morula::analysis {

std::vector<std::int64_t> even_sample(std::int64_t n, std::int64_t most) {
    const std::int64_t wanted = std::min(n, most);
    std::vector<std::int64_t> taken(static_cast<std::size_t>(wanted));
    for (std::int64_t i = 0; i < wanted; ++i) taken[static_cast<std::size_t>(i)] = i * n / wanted;
    return taken;
}

}  // namespace morula::analysis
