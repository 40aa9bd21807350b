#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "morula/simulation/mechanics_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "morula/simulation/mechanics_simd.hpp"

HWY_BEFORE_NAMESPACE();
namespace morula::simulation::mechanics_simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

std::int64_t near_here(const Near& agents, std::int64_t self, std::int64_t begin, std::int64_t end, float skin, std::uint32_t* out) {
    const hn::CappedTag<float, 16> d;
    const hn::RebindToUnsigned<decltype(d)> du;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const auto x = hn::Set(d, agents.x[self]);
    const auto y = hn::Set(d, agents.y[self]);
    const auto z = hn::Set(d, agents.z[self]);
    const auto reach = hn::Set(d, agents.reach[self] + skin);
    const auto last = hn::Set(du, static_cast<std::uint32_t>(end));
    const auto myself = hn::Set(du, static_cast<std::uint32_t>(self));
    std::int64_t count = 0;
    for (std::int64_t j = begin; j < end; j += lanes) {
        const auto dx = hn::Sub(x, hn::LoadU(d, agents.x + j));
        const auto dy = hn::Sub(y, hn::LoadU(d, agents.y + j));
        const auto dz = hn::Sub(z, hn::LoadU(d, agents.z + j));
        const auto both = hn::Add(reach, hn::LoadU(d, agents.reach + j));
        const auto squared = hn::Add(hn::Add(hn::Mul(dx, dx), hn::Mul(dy, dy)), hn::Mul(dz, dz));
        const auto number = hn::Iota(du, static_cast<std::uint32_t>(j));
        const auto is_near = hn::And(hn::RebindMask(du, hn::Lt(squared, hn::Mul(both, both))), hn::And(hn::Lt(number, last), hn::Ne(number, myself)));
        // Compressed in a register: compressing stores are slow on some processors.
        hn::StoreU(hn::Compress(number, is_near), du, out + count);
        count += static_cast<std::int64_t>(hn::CountTrue(du, is_near));
    }
    return count;
}

#if HWY_TARGET == HWY_SCALAR
Force force_on_here(const ForceRecord& self, const ForceRecord* records, const std::uint32_t* list, std::int64_t n_groups, const float* affinity_row) {
    return force_on_plain(self, records, list, n_groups, affinity_row);
}
#else
using Four = hn::CappedTag<float, 4>;
using Floats = hn::Vec<Four>;

/// Rows a, b, c, e of four columns become four columns.
HWY_INLINE void turn(Four d, Floats& a, Floats& b, Floats& c, Floats& e) {
    const hn::RepartitionToWide<Four> wide;
    const auto ab_low = hn::BitCast(wide, hn::InterleaveLower(d, a, b));
    const auto ab_high = hn::BitCast(wide, hn::InterleaveUpper(d, a, b));
    const auto ce_low = hn::BitCast(wide, hn::InterleaveLower(d, c, e));
    const auto ce_high = hn::BitCast(wide, hn::InterleaveUpper(d, c, e));
    a = hn::BitCast(d, hn::InterleaveLower(wide, ab_low, ce_low));
    b = hn::BitCast(d, hn::InterleaveUpper(wide, ab_low, ce_low));
    c = hn::BitCast(d, hn::InterleaveLower(wide, ab_high, ce_high));
    e = hn::BitCast(d, hn::InterleaveUpper(wide, ab_high, ce_high));
}

Force force_on_here(const ForceRecord& self, const ForceRecord* records, const std::uint32_t* list, std::int64_t n_groups, const float* affinity_row) {
    const Four d;
    const auto at_x = hn::Set(d, self.x), at_y = hn::Set(d, self.y), at_z = hn::Set(d, self.z);
    const auto own_radius = hn::Set(d, self.radius), own_reach = hn::Set(d, self.reach);
    const auto own_repulsion = hn::Set(d, self.repulsion), own_adhesion = hn::Set(d, self.adhesion);
    const auto one = hn::Set(d, 1.0F), zero = hn::Zero(d), least = hn::Set(d, 1e-6F);
    auto sum_x = zero, sum_y = zero, sum_z = zero, overlap = zero;
    for (std::int64_t g = 0; g < n_groups; ++g, list += 4) {
        const float* r0 = &records[list[0]].x;
        const float* r1 = &records[list[1]].x;
        const float* r2 = &records[list[2]].x;
        const float* r3 = &records[list[3]].x;
        auto x = hn::Load(d, r0), y = hn::Load(d, r1), z = hn::Load(d, r2), radius = hn::Load(d, r3);
        turn(d, x, y, z, radius);
        auto reach = hn::Load(d, r0 + 4), repulsion = hn::Load(d, r1 + 4), adhesion = hn::Load(d, r2 + 4), type = hn::Load(d, r3 + 4);
        turn(d, reach, repulsion, adhesion, type);
        alignas(16) std::int32_t types[4];
        hn::Store(hn::BitCast(hn::RebindToSigned<Four>(), type), hn::RebindToSigned<Four>(), types);
        alignas(16) const float affinities[4] = {affinity_row[types[0]], affinity_row[types[1]], affinity_row[types[2]], affinity_row[types[3]]};
        const auto dx = hn::Sub(at_x, x), dy = hn::Sub(at_y, y), dz = hn::Sub(at_z, z);
        const auto distance = hn::Max(least, hn::Sqrt(hn::Add(hn::Add(hn::Mul(dx, dx), hn::Mul(dy, dy)), hn::Mul(dz, dz))));
        const auto both_radii = hn::Add(own_radius, radius);
        const auto both_reaches = hn::Add(own_reach, reach);
        // One division serves three quotients.
        const auto radii_reaches = hn::Mul(both_radii, both_reaches);
        const auto inverse = hn::Div(one, hn::Mul(radii_reaches, distance));
        const auto squared = hn::Mul(distance, distance);
        const auto inside = hn::Max(zero, hn::Sub(one, hn::Mul(inverse, hn::Mul(both_reaches, squared))));
        const auto bound = hn::Max(zero, hn::Sub(one, hn::Mul(inverse, hn::Mul(both_radii, squared))));
        const auto inside_squared = hn::Mul(inside, inside);
        const auto push = hn::Mul(hn::Mul(own_repulsion, repulsion), inside_squared);
        const auto pull = hn::Mul(hn::Mul(hn::Mul(own_adhesion, adhesion), hn::Load(d, affinities)), hn::Mul(bound, bound));
        const auto per_um = hn::Mul(hn::Sub(push, pull), hn::Mul(inverse, radii_reaches));
        sum_x = hn::Add(sum_x, hn::Mul(per_um, dx));
        sum_y = hn::Add(sum_y, hn::Mul(per_um, dy));
        sum_z = hn::Add(sum_z, hn::Mul(per_um, dz));
        overlap = hn::Add(overlap, inside_squared);
    }
    const auto total = [&](Floats v) {
        alignas(16) float lane[4];
        hn::Store(v, d, lane);
        return (lane[0] + lane[1]) + (lane[2] + lane[3]);
    };
    return {total(sum_x), total(sum_y), total(sum_z), total(overlap)};
}
#endif

}  // namespace morula::simulation::mechanics_simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace morula::simulation::mechanics_simd {

HWY_EXPORT(near_here);
HWY_EXPORT(force_on_here);

std::int64_t near(const Near& agents, std::int64_t self, std::int64_t begin, std::int64_t end, float skin, std::uint32_t* out) {
    return HWY_DYNAMIC_DISPATCH(near_here)(agents, self, begin, end, skin, out);
}

Force force_on(const ForceRecord& self, const ForceRecord* records, const std::uint32_t* list, std::int64_t n_groups, const float* affinity_row) {
    return HWY_DYNAMIC_DISPATCH(force_on_here)(self, records, list, n_groups, affinity_row);
}

Force force_on_plain(const ForceRecord& self, const ForceRecord* records, const std::uint32_t* list, std::int64_t n_groups, const float* affinity_row) {
    return force_on_each(self, records, list, n_groups, [&](std::uint32_t j) { return affinity_row[records[j].type]; });
}

ForceRecord nobody() { return {.x = 1e12F, .y = 1e12F, .z = 1e12F, .radius = 0.0F, .reach = 0.0F, .repulsion = 0.0F, .adhesion = 0.0F, .type = 0}; }

}  // namespace morula::simulation::mechanics_simd
#endif
