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
void forces_on_here(const ListedAgents& agents, const float* affinity, std::int64_t n_types, const ForceColumns& out) {
    for (std::int64_t l = 0; l < agents.n; ++l) {
        const ForceRecord& self = agents.records[agents.first + l];
        const float* row = affinity + self.type * affinity_row_size(n_types);
        const Force force = force_on_each(self, agents.records, agents.list + kListGroup * std::int64_t{agents.begin[l]}, std::int64_t{agents.begin[l + 1]} - std::int64_t{agents.begin[l]},
                                          [&](std::uint32_t j) { return row[agents.records[j].type]; });
        out.x[l] = force.x;
        out.y[l] = force.y;
        out.z[l] = force.z;
        out.overlap[l] = force.overlap;
    }
}
#else
// Two groups of neighbours are one vector of eight, or two of four.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
using Slab = hn::CappedTag<float, 8>;
#else
using Slab = hn::CappedTag<float, 4>;
#endif
using Four = hn::CappedTag<float, 4>;
template <class D>
constexpr std::int64_t lanes_of() {
    return static_cast<std::int64_t>(hn::MaxLanes(D()));
}
constexpr std::int64_t kPair = 2 * kListGroup;
constexpr bool kTwoSlabs = lanes_of<Slab>() < kPair;
static_assert(lanes_of<Four>() == kListGroup && lanes_of<Slab>() == (kTwoSlabs ? kListGroup : kPair));

/// Rows a, b, c, e of four columns become four columns, in each block of four.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void turn(D d, V& a, V& b, V& c, V& e) {
    const hn::RepartitionToWide<D> wide;
    const auto ab_low = hn::BitCast(wide, hn::InterleaveLower(d, a, b));
    const auto ab_high = hn::BitCast(wide, hn::InterleaveUpper(d, a, b));
    const auto ce_low = hn::BitCast(wide, hn::InterleaveLower(d, c, e));
    const auto ce_high = hn::BitCast(wide, hn::InterleaveUpper(d, c, e));
    a = hn::BitCast(d, hn::InterleaveLower(wide, ab_low, ce_low));
    b = hn::BitCast(d, hn::InterleaveUpper(wide, ab_low, ce_low));
    c = hn::BitCast(d, hn::InterleaveLower(wide, ab_high, ce_high));
    e = hn::BitCast(d, hn::InterleaveUpper(wide, ab_high, ce_high));
}

/// Four floats from `at` on of the records list[k], and behind them those of list[k + 4] where a vector holds eight.
template <class D>
HWY_INLINE hn::Vec<D> rows(D d, const ForceRecord* records, const std::uint32_t* list, std::int64_t k, std::int64_t at) {
    if constexpr (lanes_of<D>() == kPair) {
        const hn::Half<D> half;
        return hn::Combine(d, hn::Load(half, &records[list[k + 4]].x + at), hn::Load(half, &records[list[k]].x + at));
    } else {
        return hn::Load(d, &records[list[k]].x + at);
    }
}

/// affinity_row of each type.
template <class D>
HWY_INLINE hn::Vec<D> affinities(D d, const float* affinity_row, std::int64_t n_types, hn::Vec<D> type_bits) {
    constexpr std::int64_t kLanes = lanes_of<D>();
    const hn::RebindToSigned<D> di;
    const auto types = hn::BitCast(di, type_bits);
    if (n_types <= kLanes) return hn::TableLookupLanes(hn::LoadU(d, affinity_row), hn::IndicesFromVec(d, types));
    HWY_ALIGN std::int32_t number[kLanes];
    HWY_ALIGN float value[kLanes];
    hn::Store(types, di, number);
    for (std::int64_t l = 0; l < kLanes; ++l) value[l] = affinity_row[number[l]];
    return hn::Load(d, value);
}

template <class D>
struct Sums {
    hn::Vec<D> x, y, z, overlap;
};

template <class D>
HWY_INLINE void add_neighbors(D d, const ForceRecord& self, const ForceRecord* records, const std::uint32_t* list, const float* affinity_row, std::int64_t n_types, Sums<D>& sums) {
    const auto one = hn::Set(d, 1.0F), zero = hn::Zero(d);
    auto x = rows(d, records, list, 0, 0), y = rows(d, records, list, 1, 0), z = rows(d, records, list, 2, 0), radius = rows(d, records, list, 3, 0);
    turn(d, x, y, z, radius);
    auto reach = rows(d, records, list, 0, 4), repulsion = rows(d, records, list, 1, 4), adhesion = rows(d, records, list, 2, 4), type = rows(d, records, list, 3, 4);
    turn(d, reach, repulsion, adhesion, type);
    const auto dx = hn::Sub(hn::Set(d, self.x), x), dy = hn::Sub(hn::Set(d, self.y), y), dz = hn::Sub(hn::Set(d, self.z), z);
    const auto distance = hn::Max(hn::Set(d, 1e-6F), hn::Sqrt(hn::Add(hn::Add(hn::Mul(dx, dx), hn::Mul(dy, dy)), hn::Mul(dz, dz))));
    const auto both_radii = hn::Add(hn::Set(d, self.radius), radius);
    const auto both_reaches = hn::Add(hn::Set(d, self.reach), reach);
    // One division serves three quotients.
    const auto radii_reaches = hn::Mul(both_radii, both_reaches);
    const auto inverse = hn::Div(one, hn::Mul(radii_reaches, distance));
    const auto squared = hn::Mul(distance, distance);
    const auto inside = hn::Max(zero, hn::Sub(one, hn::Mul(inverse, hn::Mul(both_reaches, squared))));
    const auto bound = hn::Max(zero, hn::Sub(one, hn::Mul(inverse, hn::Mul(both_radii, squared))));
    const auto inside_squared = hn::Mul(inside, inside);
    const auto push = hn::Mul(hn::Mul(hn::Set(d, self.repulsion), repulsion), inside_squared);
    const auto pull = hn::Mul(hn::Mul(hn::Mul(hn::Set(d, self.adhesion), adhesion), affinities(d, affinity_row, n_types, type)), hn::Mul(bound, bound));
    const auto per_um = hn::Mul(hn::Sub(push, pull), hn::Mul(inverse, radii_reaches));
    sums.x = hn::Add(sums.x, hn::Mul(per_um, dx));
    sums.y = hn::Add(sums.y, hn::Mul(per_um, dy));
    sums.z = hn::Add(sums.z, hn::Mul(per_um, dz));
    sums.overlap = hn::Add(sums.overlap, inside_squared);
}

/// The eight parts of the pairs of groups and the four of a last group.
HWY_INLINE float total(hn::Vec<Slab> first, [[maybe_unused]] hn::Vec<Slab> second, hn::Vec<Four> last) {
    HWY_ALIGN float part[kPair];
    HWY_ALIGN float more[kListGroup];
    hn::Store(first, Slab(), part);
    if constexpr (kTwoSlabs) hn::Store(second, Slab(), part + kListGroup);
    hn::Store(last, Four(), more);
    const auto of = [&](std::size_t l) { return (part[l] + more[l]) + part[l + 4]; };
    return (of(0) + of(1)) + (of(2) + of(3));
}

void forces_on_here(const ListedAgents& agents, const float* affinity, std::int64_t n_types, const ForceColumns& out) {
    const Slab d;
    const Four four;
    const auto zero = hn::Zero(d);
    const auto four_zero = hn::Zero(four);
    for (std::int64_t l = 0; l < agents.n; ++l) {
        const ForceRecord& self = agents.records[agents.first + l];
        const float* affinity_row = affinity + self.type * affinity_row_size(n_types);
        Sums<Slab> first{zero, zero, zero, zero}, second = first;
        Sums<Four> last{four_zero, four_zero, four_zero, four_zero};
        const std::uint32_t* list = agents.list + kListGroup * std::int64_t{agents.begin[l]};
        const std::uint32_t* const end = agents.list + kListGroup * std::int64_t{agents.begin[l + 1]};
        for (; end - list >= kPair; list += kPair) {
            add_neighbors(d, self, agents.records, list, affinity_row, n_types, first);
            if constexpr (kTwoSlabs) add_neighbors(d, self, agents.records, list + kListGroup, affinity_row, n_types, second);
        }
        if (list < end) add_neighbors(four, self, agents.records, list, affinity_row, n_types, last);
        out.x[l] = total(first.x, second.x, last.x);
        out.y[l] = total(first.y, second.y, last.y);
        out.z[l] = total(first.z, second.z, last.z);
        out.overlap[l] = total(first.overlap, second.overlap, last.overlap);
    }
}
#endif

float move_here(const Motion& motion, std::int64_t begin, std::int64_t end) {
    const hn::ScalableTag<double> d;
    const hn::Rebind<float, decltype(d)> df;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const std::int64_t whole = begin + (end - begin) / lanes * lanes;
    const auto now = hn::Set(d, motion.now), before = hn::Set(d, motion.before);
    auto largest = hn::Set(df, kNoShift);
    for (std::int64_t i = begin; i < whole; i += lanes) {
        auto squared = hn::Zero(df);
        for (std::size_t axis = 0; axis < 3; ++axis) {
            const auto speed = hn::Add(hn::LoadU(df, motion.force[axis] + i), hn::LoadU(df, motion.migration[axis] + i));
            const auto last = hn::LoadU(df, motion.velocity[axis] + i);
            const auto by = hn::Add(hn::Mul(now, hn::PromoteTo(d, speed)), hn::Mul(before, hn::PromoteTo(d, last)));
            auto position = hn::Add(hn::LoadU(d, motion.position[axis] + i), by);
            const auto low = hn::Set(d, motion.low[axis]), high = hn::Set(d, motion.high[axis]);
            position = hn::IfThenElse(hn::Lt(position, low), low, hn::IfThenElse(hn::Lt(high, position), high, position));
            hn::StoreU(position, d, motion.position[axis] + i);
            hn::StoreU(speed, df, motion.velocity[axis] + i);
            const auto far = hn::Sub(hn::DemoteTo(df, hn::Sub(position, hn::Set(d, motion.origin[axis]))), hn::LoadU(df, motion.listed_at[axis] + i));
            squared = hn::Add(squared, hn::Mul(far, far));
        }
        const auto more = hn::Sub(hn::LoadU(df, motion.reach + i), hn::LoadU(df, motion.listed_reach + i));
        largest = hn::Max(largest, hn::Add(hn::Sqrt(squared), more));
    }
    HWY_ALIGN float lane[hn::MaxLanes(df)];
    hn::Store(largest, df, lane);
    float most = move_plain(motion, whole, end);
    for (std::int64_t l = 0; l < lanes; ++l) most = std::max(most, lane[l]);
    return most;
}

}  // namespace morula::simulation::mechanics_simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace morula::simulation::mechanics_simd {

HWY_EXPORT(near_here);
HWY_EXPORT(forces_on_here);
HWY_EXPORT(move_here);

std::int64_t near(const Near& agents, std::int64_t self, std::int64_t begin, std::int64_t end, float skin, std::uint32_t* out) {
    return HWY_DYNAMIC_DISPATCH(near_here)(agents, self, begin, end, skin, out);
}

void forces_on(const ListedAgents& agents, const float* affinity, std::int64_t n_types, const ForceColumns& out) { HWY_DYNAMIC_DISPATCH(forces_on_here)(agents, affinity, n_types, out); }

float move(const Motion& motion, std::int64_t begin, std::int64_t end) { return HWY_DYNAMIC_DISPATCH(move_here)(motion, begin, end); }

float move_plain(const Motion& motion, std::int64_t begin, std::int64_t end) {
    float largest = kNoShift;
    for (std::int64_t i = begin; i < end; ++i) {
        float squared = 0.0F;
        for (std::size_t axis = 0; axis < 3; ++axis) {
            const float speed = motion.force[axis][i] + motion.migration[axis][i];
            double& position = motion.position[axis][i];
            position = std::clamp(position + (motion.now * static_cast<double>(speed) + motion.before * static_cast<double>(motion.velocity[axis][i])), motion.low[axis], motion.high[axis]);
            motion.velocity[axis][i] = speed;
            const float far = static_cast<float>(position - motion.origin[axis]) - motion.listed_at[axis][i];
            squared += far * far;
        }
        largest = std::max(largest, std::sqrt(squared) + (motion.reach[i] - motion.listed_reach[i]));
    }
    return largest;
}

ForceRecord nobody() { return {.x = 1e12F, .y = 1e12F, .z = 1e12F, .radius = 0.0F, .reach = 0.0F, .repulsion = 0.0F, .adhesion = 0.0F, .type = 0}; }

}  // namespace morula::simulation::mechanics_simd
#endif
