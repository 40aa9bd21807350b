#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "morula/analysis/nearest_simd.cpp"
#include "morula/analysis/nearest_simd.hpp"

#include <algorithm>
#include <bit>

#include "hwy/foreach_target.h"  // compiles this file once a target
//
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace morula::analysis::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using FloatTag = hn::ScalableTag<float>;

void keep_best_here(std::span<const float> scores, std::uint32_t first_id, std::uint32_t self, BestScores& best) {
    const FloatTag d;
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t n = scores.size();
    const float* at = scores.data();
    std::uint8_t bits[HWY_MAX_BYTES / sizeof(float) / 8 + 8] = {};
    auto threshold = hn::Set(d, best.limit);

    const auto offer_lanes = [&](std::size_t begin) {
        const auto here = hn::FirstN(d, n - begin);
        hn::StoreMaskBits(d, hn::And(here, hn::Le(hn::MaskedLoad(here, d, at + begin), threshold)), bits);
        for (std::size_t byte = 0; byte * 8 < lanes; ++byte) {
            for (unsigned left = bits[byte]; left != 0; left &= left - 1) {
                const std::size_t j = begin + byte * 8 + static_cast<std::size_t>(std::countr_zero(left));
                const std::uint32_t id = first_id + static_cast<std::uint32_t>(j);
                if (id != self && at[j] <= best.limit) best.offer(at[j], id);
            }
        }
        threshold = hn::Set(d, best.limit);
    };

    std::size_t begin = 0;
    // Nearly every group of four vectors holds nothing to keep: one test for all four.
    for (; begin + 4 * lanes <= n; begin += 4 * lanes) {
        const auto low = hn::Min(hn::Min(hn::LoadU(d, at + begin), hn::LoadU(d, at + begin + lanes)),
                                 hn::Min(hn::LoadU(d, at + begin + 2 * lanes), hn::LoadU(d, at + begin + 3 * lanes)));
        if (hn::AllFalse(d, hn::Le(low, threshold))) continue;
        for (std::size_t part = 0; part < 4; ++part) offer_lanes(begin + part * lanes);
    }
    for (; begin < n; begin += lanes) offer_lanes(begin);
}

/// How many are lower decides who stays: a comparison of all with all in vectors takes a fraction of a selection where they are few.
Scored keep_lowest_here(std::span<Scored> room, std::int32_t wanted) {
    const hn::ScalableTag<Scored> d;
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t n = room.size();
    constexpr std::size_t kMostLanes = HWY_MAX_BYTES / sizeof(Scored);
    HWY_ALIGN Scored all[kFewScored + kMostLanes];
    HWY_ALIGN Scored lower[kFewScored + kMostLanes] = {};
    std::copy(room.begin(), room.end(), all);
    std::fill_n(all + n, lanes, ~Scored{0});
    const auto one = hn::Set(d, Scored{1});
    for (std::size_t first = 0; first < n; first += lanes) {
        const auto own = hn::Load(d, all + first);
        auto count = hn::Zero(d);
        for (std::size_t other = 0; other < n; ++other) count = hn::Add(count, hn::IfThenElseZero(hn::Lt(hn::Set(d, all[other]), own), one));
        hn::Store(count, d, lower + first);
    }
    Scored last = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < n; ++i) {
        if (lower[i] >= static_cast<Scored>(wanted)) continue;
        if (lower[i] + 1 == static_cast<Scored>(wanted)) last = all[i];
        room[at++] = all[i];
    }
    return last;
}

std::int64_t lowest_here(std::span<const float> scores) {
    const FloatTag d;
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t n = scores.size();
    if (n < lanes) return lowest_plain(scores);
    auto low = hn::LoadU(d, scores.data());
    std::size_t begin = lanes;
    for (; begin + lanes <= n; begin += lanes) low = hn::Min(low, hn::LoadU(d, scores.data() + begin));
    float least = hn::GetLane(hn::MinOfLanes(d, low));
    for (; begin < n; ++begin) least = scores[begin] < least ? scores[begin] : least;
    for (std::size_t j = 0; j < n; ++j) {
        if (scores[j] == least) return static_cast<std::int64_t>(j);
    }
    return 0;
}

float squared_distance_here(std::span<const float> a, std::span<const float> b) {
    const FloatTag d;
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t n = a.size();
    auto sum0 = hn::Zero(d);
    auto sum1 = hn::Zero(d);
    std::size_t i = 0;
    for (; i + 2 * lanes <= n; i += 2 * lanes) {
        const auto diff0 = hn::Sub(hn::LoadU(d, a.data() + i), hn::LoadU(d, b.data() + i));
        const auto diff1 = hn::Sub(hn::LoadU(d, a.data() + i + lanes), hn::LoadU(d, b.data() + i + lanes));
        sum0 = hn::MulAdd(diff0, diff0, sum0);
        sum1 = hn::MulAdd(diff1, diff1, sum1);
    }
    for (; i + lanes <= n; i += lanes) {
        const auto diff = hn::Sub(hn::LoadU(d, a.data() + i), hn::LoadU(d, b.data() + i));
        sum0 = hn::MulAdd(diff, diff, sum0);
    }
    float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1)));
    for (; i < n; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

}  // namespace morula::analysis::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace morula::analysis {

HWY_EXPORT(keep_best_here);
HWY_EXPORT(keep_lowest_here);
HWY_EXPORT(lowest_here);
HWY_EXPORT(squared_distance_here);

void keep_best(std::span<const float> scores, std::uint32_t first_id, std::uint32_t self, BestScores& best) {
    HWY_DYNAMIC_DISPATCH(keep_best_here)(scores, first_id, self, best);
}
std::int64_t lowest(std::span<const float> scores) { return HWY_DYNAMIC_DISPATCH(lowest_here)(scores); }
float squared_distance(std::span<const float> a, std::span<const float> b) { return HWY_DYNAMIC_DISPATCH(squared_distance_here)(a, b); }

void BestScores::select() {
    if (size <= wanted) return;
    if (static_cast<std::size_t>(size) <= kFewScored) {
        limit = score_of(HWY_DYNAMIC_DISPATCH(keep_lowest_here)(room.first(static_cast<std::size_t>(size)), wanted));
        size = wanted;
        return;
    }
    const auto last = room.begin() + wanted - 1;
    std::nth_element(room.begin(), last, room.begin() + size);
    size = wanted;
    limit = score_of(*last);
}

void keep_best_plain(std::span<const float> scores, std::uint32_t first_id, std::uint32_t self, BestScores& best) {
    for (std::size_t j = 0; j < scores.size(); ++j) {
        const std::uint32_t id = first_id + static_cast<std::uint32_t>(j);
        if (id != self && scores[j] <= best.limit) best.offer(scores[j], id);
    }
}

std::int64_t lowest_plain(std::span<const float> scores) {
    std::size_t best = 0;
    for (std::size_t j = 1; j < scores.size(); ++j) {
        if (scores[j] < scores[best]) best = j;
    }
    return static_cast<std::int64_t>(best);
}

float squared_distance_plain(std::span<const float> a, std::span<const float> b) {
    float sum = 0.0F;
    for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

}  // namespace morula::analysis
#endif
