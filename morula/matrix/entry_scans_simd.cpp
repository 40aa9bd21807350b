#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "morula/matrix/entry_scans_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "morula/matrix/entry_scans.hpp"

HWY_BEFORE_NAMESPACE();
namespace morula::matrix::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Ids = hn::ScalableTag<std::uint32_t>;
using Floats = hn::ScalableTag<float>;
constexpr Ids kIds;
constexpr Floats kFloats;

template <class V>
std::uint32_t or_of_lanes(V bits) {
    HWY_ALIGN std::uint32_t lane[hn::MaxLanes(kIds)];
    hn::Store(bits, kIds, lane);
    std::uint32_t all = 0;
    for (std::size_t i = 0; i < hn::Lanes(kIds); ++i) all |= lane[i];
    return all;
}

std::uint32_t bits_of_any_here(std::span<const std::uint32_t> values) {
    const std::size_t lanes = hn::Lanes(kIds);
    auto bits = hn::Zero(kIds);
    std::size_t i = 0;
    for (; i + lanes <= values.size(); i += lanes) bits = hn::Or(bits, hn::LoadU(kIds, values.data() + i));
    return or_of_lanes(bits) | bits_of_any_plain(values.subspan(i));
}

std::uint32_t bits_of_steps_here(std::span<const std::uint32_t> columns) {
    const std::size_t lanes = hn::Lanes(kIds);
    const auto one = hn::Set(kIds, 1);
    auto bits = hn::Zero(kIds);
    std::size_t i = 1;
    for (; i + lanes <= columns.size(); i += lanes) {
        const auto own = hn::LoadU(kIds, columns.data() + i);
        const auto before = hn::LoadU(kIds, columns.data() + i - 1);
        bits = hn::Or(bits, hn::Or(own, hn::Sub(hn::Sub(own, before), one)));
    }
    return or_of_lanes(bits) | (i < columns.size() ? bits_of_steps_plain(columns.subspan(i - 1)) : 0);
}

bool has_zero_here(std::span<const float> values) {
    const std::size_t lanes = hn::Lanes(kFloats);
    const auto zero = hn::Zero(kFloats);
    auto found = hn::Zero(kIds);
    std::size_t i = 0;
    for (; i + lanes <= values.size(); i += lanes) found = hn::Or(found, hn::BitCast(kIds, hn::VecFromMask(kFloats, hn::Eq(hn::LoadU(kFloats, values.data() + i), zero))));
    return or_of_lanes(found) != 0 || has_zero_plain(values.subspan(i));
}

/// Added to 2^23, a float below it keeps its whole part in its lowest bits, and what comes back after subtracting is the value only where nothing was rounded away.
CountScan scan_counts_here(std::span<const float> values) {
    constexpr std::size_t kAtOnce = 256;  // vectors whose lanes are added as 32-bit numbers: each stays below 2^31
    const std::size_t lanes = hn::Lanes(kFloats);
    const auto shift = hn::Set(kFloats, 8'388'608.0F);
    const auto shift_bits = hn::BitCast(kIds, shift);
    auto differing = hn::Zero(kIds);
    auto numbers = hn::Zero(kIds);
    HWY_ALIGN std::uint32_t lane[hn::MaxLanes(kIds)];
    std::uint64_t total = 0;
    std::size_t i = 0;
    while (i + lanes <= values.size()) {
        const std::size_t end = std::min(values.size() - lanes + 1, i + kAtOnce * lanes);
        auto sum = hn::Zero(kIds);
        for (; i < end; i += lanes) {
            const auto value = hn::LoadU(kFloats, values.data() + i);
            const auto moved = hn::Add(value, shift);
            const auto number = hn::Xor(hn::BitCast(kIds, moved), shift_bits);
            differing = hn::Or(differing, hn::Xor(hn::BitCast(kIds, hn::Sub(moved, shift)), hn::BitCast(kIds, value)));
            numbers = hn::Or(numbers, number);
            sum = hn::Add(sum, number);
        }
        hn::Store(sum, kIds, lane);
        for (std::size_t k = 0; k < lanes; ++k) total += lane[k];
    }
    const CountScan rest = scan_counts_plain(values.subspan(i));
    return {rest.all_small && or_of_lanes(differing) == 0 && or_of_lanes(numbers) >> 23U == 0, total + rest.sum};
}

}  // namespace morula::matrix::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace morula::matrix {

HWY_EXPORT(bits_of_any_here);
HWY_EXPORT(bits_of_steps_here);
HWY_EXPORT(has_zero_here);
HWY_EXPORT(scan_counts_here);

std::uint32_t bits_of_any(std::span<const std::uint32_t> values) { return HWY_DYNAMIC_DISPATCH(bits_of_any_here)(values); }
std::uint32_t bits_of_steps(std::span<const std::uint32_t> columns) { return HWY_DYNAMIC_DISPATCH(bits_of_steps_here)(columns); }
bool has_zero(std::span<const float> values) { return HWY_DYNAMIC_DISPATCH(has_zero_here)(values); }
CountScan scan_counts(std::span<const float> values) { return HWY_DYNAMIC_DISPATCH(scan_counts_here)(values); }

std::uint32_t bits_of_any_plain(std::span<const std::uint32_t> values) {
    std::uint32_t bits = 0;
    for (const std::uint32_t value : values) bits |= value;
    return bits;
}

std::uint32_t bits_of_steps_plain(std::span<const std::uint32_t> columns) {
    std::uint32_t bits = 0;
    for (std::size_t i = 1; i < columns.size(); ++i) bits |= columns[i] | (columns[i] - columns[i - 1] - 1);
    return bits;
}

bool has_zero_plain(std::span<const float> values) {
    return std::any_of(values.begin(), values.end(), [](float value) { return value == 0.0F; });
}

CountScan scan_counts_plain(std::span<const float> values) {
    constexpr float kLimit = 8'388'608.0F;  // 2^23
    CountScan scan;
    for (const float value : values) {
        const bool small = value >= 0.0F && value < kLimit && std::floor(value) == value && !std::signbit(value);
        scan.all_small = scan.all_small && small;
        scan.sum += small ? static_cast<std::uint64_t>(value) : 0;
    }
    return scan;
}

}  // namespace morula::matrix
#endif
