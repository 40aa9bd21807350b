#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "morula/matrix/widen_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

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

}  // namespace morula::matrix::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace morula::matrix {

HWY_EXPORT(widen_16_to_u32);
HWY_EXPORT(widen_8_to_float);
HWY_EXPORT(widen_16_to_float);

void widen(const std::uint16_t* from, std::int64_t n, std::uint32_t* to) { HWY_DYNAMIC_DISPATCH(widen_16_to_u32)(from, n, to); }
void widen(const std::uint8_t* from, std::int64_t n, float* to) { HWY_DYNAMIC_DISPATCH(widen_8_to_float)(from, n, to); }
void widen(const std::uint16_t* from, std::int64_t n, float* to) { HWY_DYNAMIC_DISPATCH(widen_16_to_float)(from, n, to); }

}  // namespace morula::matrix
#endif
