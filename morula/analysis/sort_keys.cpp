#include "morula/analysis/sort_keys.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

namespace morula::analysis {
namespace {

constexpr std::size_t kRadixFrom = 256;
constexpr int kLeastBits = 8;
constexpr int kMostBits = 13;  // 32 KB of counters stay in the first-level cache
constexpr int kMostPasses = 4;  // of 8 bits, for 32

}  // namespace

template <class Key>
void sort_keys(std::vector<Key>& keys, int shift, std::vector<Key>& spare) {
    if (keys.size() < kRadixFrom) {
        std::stable_sort(keys.begin(), keys.end(), [shift](Key a, Key b) { return (a >> shift) < (b >> shift); });
        return;
    }
    const auto value = [shift](Key key) { return static_cast<std::uint32_t>(key >> shift); };
    std::uint32_t lowest = ~0U;
    std::uint32_t highest = 0;
    for (const Key key : keys) {
        lowest = std::min(lowest, value(key));
        highest = std::max(highest, value(key));
    }
    const int n_bits = std::bit_width(highest - lowest);
    // Counters must be emptied and summed: no more of them than there are keys.
    const int most_bits = std::clamp(static_cast<int>(std::bit_width(keys.size())), kLeastBits, kMostBits);
    const int n_passes = (n_bits + most_bits - 1) / most_bits;
    if (n_passes == 0) return;
    const int width = (n_bits + n_passes - 1) / n_passes;
    const std::uint32_t mask = (1U << width) - 1;
    spare.resize(keys.size());
    static_assert(kMostPasses * kLeastBits >= 32);
    std::array<std::uint32_t, 3 << kMostBits> place;  // 3 passes of 13 bits, 4 of 8
    std::fill_n(place.begin(), static_cast<std::size_t>(n_passes) << width, 0U);
    for (const Key key : keys) {
        const std::uint32_t above = value(key) - lowest;
        for (int pass = 0; pass < n_passes; ++pass) ++place[(static_cast<std::size_t>(pass) << width) + (above >> (width * pass) & mask)];
    }
    for (int pass = 0; pass < n_passes; ++pass) {
        std::uint32_t* own = place.data() + (static_cast<std::size_t>(pass) << width);
        std::uint32_t sum = 0;
        for (std::uint32_t digit = 0; digit <= mask; ++digit) sum += std::exchange(own[digit], sum);
        for (const Key key : keys) spare[own[(value(key) - lowest) >> (width * pass) & mask]++] = key;
        keys.swap(spare);
    }
}

template void sort_keys(std::vector<std::uint32_t>&, int, std::vector<std::uint32_t>&);
template void sort_keys(std::vector<std::uint64_t>&, int, std::vector<std::uint64_t>&);

}  // namespace morula::analysis
