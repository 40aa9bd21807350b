#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "morula/matrix/widen_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <bit>

#include "morula/matrix/widen.hpp"

HWY_BEFORE_NAMESPACE();
namespace morula::matrix::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void widen_16_to_u32(const std::uint16_t* from, std::int64_t n, std::uint32_t* to) {
    const hn::ScalableTag<std::uint32_t> wide;
    const hn::Rebind<std::uint16_t, decltype(wide)> narrow;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(wide));
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) hn::StoreU(hn::PromoteTo(wide, hn::LoadU(narrow, from + i)), wide, to + i);
    for (; i < n; ++i) to[i] = from[i];
}

template <class Narrow>
void widen_to_float(const Narrow* from, std::int64_t n, float* to) {
    const hn::ScalableTag<float> floats;
    const hn::RebindToSigned<decltype(floats)> wide;
    const hn::Rebind<Narrow, decltype(floats)> narrow;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(floats));
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) hn::StoreU(hn::ConvertTo(floats, hn::PromoteTo(wide, hn::LoadU(narrow, from + i))), floats, to + i);
    for (; i < n; ++i) to[i] = static_cast<float>(from[i]);
}

void widen_8_to_float(const std::uint8_t* from, std::int64_t n, float* to) { widen_to_float(from, n, to); }
void widen_16_to_float(const std::uint16_t* from, std::int64_t n, float* to) { widen_to_float(from, n, to); }

std::int64_t narrow_to_8(const float* from, std::int64_t n, std::uint8_t* to) {
    constexpr std::int32_t kOther = 255;
    const hn::ScalableTag<float> floats;
    const hn::RebindToSigned<decltype(floats)> wide;
    const hn::Rebind<std::uint8_t, decltype(floats)> bytes;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(floats));
    const auto limit = hn::Set(floats, static_cast<float>(kOther));
    std::int64_t n_other = 0;
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        const auto value = hn::LoadU(floats, from + i);
        const auto in_range = hn::IfThenElseZero(hn::And(hn::Gt(value, hn::Zero(floats)), hn::Lt(value, limit)), value);
        const auto code = hn::ConvertTo(wide, in_range);
        const auto same = hn::Eq(hn::BitCast(wide, hn::ConvertTo(floats, code)), hn::BitCast(wide, value));
        hn::StoreU(hn::DemoteTo(bytes, hn::IfThenElse(same, code, hn::Set(wide, kOther))), bytes, to + i);
        n_other += lanes - static_cast<std::int64_t>(hn::CountTrue(wide, same));
    }
    for (; i < n; ++i) {
        const float in_range = from[i] > 0.0F && from[i] < static_cast<float>(kOther) ? from[i] : 0.0F;
        const auto code = static_cast<std::int32_t>(in_range);
        const bool same = std::bit_cast<std::uint32_t>(static_cast<float>(code)) == std::bit_cast<std::uint32_t>(from[i]);
        to[i] = static_cast<std::uint8_t>(same ? code : kOther);
        n_other += same ? 0 : 1;
    }
    return n_other;
}

}  // namespace morula::matrix::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace morula::matrix {

HWY_EXPORT(widen_16_to_u32);
HWY_EXPORT(widen_8_to_float);
HWY_EXPORT(widen_16_to_float);
HWY_EXPORT(narrow_to_8);

void widen(const std::uint16_t* from, std::int64_t n, std::uint32_t* to) { HWY_DYNAMIC_DISPATCH(widen_16_to_u32)(from, n, to); }
void widen(const std::uint8_t* from, std::int64_t n, float* to) { HWY_DYNAMIC_DISPATCH(widen_8_to_float)(from, n, to); }
void widen(const std::uint16_t* from, std::int64_t n, float* to) { HWY_DYNAMIC_DISPATCH(widen_16_to_float)(from, n, to); }

std::int64_t narrow(const float* from, std::int64_t n, std::uint8_t* to) { return HWY_DYNAMIC_DISPATCH(narrow_to_8)(from, n, to); }

}  // namespace morula::matrix
#endif
