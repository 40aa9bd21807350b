#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "morula/analysis/harmony_simd.cpp"
#include "morula/analysis/harmony_simd.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "hwy/foreach_target.h"  // compiles this file once a target
//
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace morula::analysis::harmony_detail::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

double soft_memberships_here(std::span<const float> penalty, std::span<float> scores) {
    const hn::ScalableTag<float> d;
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t n = scores.size();
    const std::size_t whole = n - n % lanes;
    auto most = hn::Set(d, -std::numeric_limits<float>::infinity());
    float largest = -std::numeric_limits<float>::infinity();
    for (std::size_t k = 0; k < whole; k += lanes) {
        const auto s = hn::Add(hn::LoadU(d, scores.data() + k), hn::LoadU(d, penalty.data() + k));
        hn::StoreU(s, d, scores.data() + k);
        most = hn::Max(most, s);
    }
    if (whole > 0) largest = hn::GetLane(hn::MaxOfLanes(d, most));
    for (std::size_t k = whole; k < n; ++k) {
        scores[k] += penalty[k];
        largest = std::max(largest, scores[k]);
    }
    const auto shift = hn::Set(d, largest);
    auto sums = hn::Zero(d);
    float sum = 0.0F;
    for (std::size_t k = 0; k < whole; k += lanes) {
        const auto e = hn::Exp(d, hn::Sub(hn::LoadU(d, scores.data() + k), shift));
        hn::StoreU(e, d, scores.data() + k);
        sums = hn::Add(sums, e);
    }
    if (whole > 0) sum = hn::GetLane(hn::SumOfLanes(d, sums));
    for (std::size_t k = whole; k < n; ++k) {
        scores[k] = std::exp(scores[k] - largest);
        sum += scores[k];
    }
    const float scale = 1.0F / sum;
    for (std::size_t k = 0; k < whole; k += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, scores.data() + k), hn::Set(d, scale)), d, scores.data() + k);
    for (std::size_t k = whole; k < n; ++k) scores[k] *= scale;
    return static_cast<double>(largest) + std::log(static_cast<double>(sum));
}

void add_to_here(std::span<const float> values, std::span<double> sums) {
    const hn::ScalableTag<double> d;
    const hn::Rebind<float, decltype(d)> floats;
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t whole = values.size() - values.size() % lanes;
    for (std::size_t k = 0; k < whole; k += lanes) hn::StoreU(hn::Add(hn::LoadU(d, sums.data() + k), hn::PromoteTo(d, hn::LoadU(floats, values.data() + k))), d, sums.data() + k);
    for (std::size_t k = whole; k < values.size(); ++k) sums[k] += static_cast<double>(values[k]);
}

}  // namespace morula::analysis::harmony_detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace morula::analysis::harmony_detail {

HWY_EXPORT(soft_memberships_here);
HWY_EXPORT(add_to_here);

double soft_memberships(std::span<const float> penalty, std::span<float> scores) { return HWY_DYNAMIC_DISPATCH(soft_memberships_here)(penalty, scores); }

double soft_memberships_plain(std::span<const float> penalty, std::span<float> scores) {
    float largest = -std::numeric_limits<float>::infinity();
    for (std::size_t k = 0; k < scores.size(); ++k) {
        scores[k] += penalty[k];
        largest = std::max(largest, scores[k]);
    }
    float sum = 0.0F;
    for (float& score : scores) sum += score = std::exp(score - largest);
    for (float& score : scores) score /= sum;
    return static_cast<double>(largest) + std::log(static_cast<double>(sum));
}

void add_to(std::span<const float> values, std::span<double> sums) { HWY_DYNAMIC_DISPATCH(add_to_here)(values, sums); }

}  // namespace morula::analysis::harmony_detail
#endif
