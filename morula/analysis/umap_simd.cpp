#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "morula/analysis/umap_simd.cpp"
#include "morula/analysis/umap_simd.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "hwy/foreach_target.h"  // compiles this file once a target
//
#include "hwy/highway.h"

#ifndef MORULA_ANALYSIS_UMAP_RANDOM
#define MORULA_ANALYSIS_UMAP_RANDOM
namespace morula::analysis::umap_detail {

inline constexpr std::uint32_t kNextNumber = 0x9E3779B9U;
inline constexpr float kLongestPull = 4.0F;        // umap-learn's clip of each coordinate of a gradient
inline constexpr float kLeastSquared = 1e-12F;     // keeps the powers of equal positions finite
inline constexpr float kRepulsionFloor = 0.001F;   // umap-learn's, against division by nearly nothing

/// A hash of 32 bits with low bias (C. Wellons, "lowbias32"): random numbers by counter, without state.
inline std::uint32_t hash_bits(std::uint32_t h) {
    h ^= h >> 16;
    h *= 0x7feb352dU;
    h ^= h >> 15;
    h *= 0x846ca68bU;
    return h ^ h >> 16;
}

inline std::uint32_t random_cell(std::uint32_t bits, std::uint32_t n_cells) { return static_cast<std::uint32_t>(std::uint64_t{bits} * n_cells >> 32); }

/// The edges of `cell` that pull in this epoch. Each has its own phase, so that they do not all pull in the same epochs.
inline std::size_t active_edges(const LayoutGraph& graph, std::int32_t epoch, std::size_t cell, std::uint32_t* partner) {
    const auto begin = static_cast<std::size_t>(graph.begin[cell]);
    const auto end = static_cast<std::size_t>(graph.begin[cell + 1]);
    std::uint32_t phase_bits = hash_bits(static_cast<std::uint32_t>(cell));
    std::size_t n = 0;
    for (std::size_t e = begin; e < end; ++e, phase_bits += kNextNumber) {
        const float rate = graph.rate[e];
        const float before = static_cast<float>(epoch) * rate + static_cast<float>(phase_bits >> 8) * 0x1p-24F;
        partner[n] = graph.target[e];
        n += static_cast<std::int32_t>(before + rate) != static_cast<std::int32_t>(before) ? 1 : 0;
    }
    return n;
}

}  // namespace morula::analysis::umap_detail
#endif

HWY_BEFORE_NAMESPACE();
namespace morula::analysis::umap_detail::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using FloatTag = hn::ScalableTag<float>;
using IntTag = hn::RebindToSigned<FloatTag>;
using UintTag = hn::RebindToUnsigned<FloatTag>;
using Float = hn::Vec<FloatTag>;

HWY_INLINE Float power(Float x, Float b) {
    const FloatTag d;
    const IntTag di;
    const auto bits = hn::BitCast(di, x);
    const auto exponent = hn::ConvertTo(d, hn::Sub(hn::ShiftRight<23>(bits), hn::Set(di, 127)));
    const auto m = hn::BitCast(d, hn::Or(hn::And(bits, hn::Set(di, 0x7fffff)), hn::Set(di, 0x3f800000)));
    // Minimax polynomials: log2 on [1, 2) to 1.3e-5, 2^t on [0, 1) to 3.8e-6.
    auto log2 = hn::MulAdd(hn::Set(d, 0.04487355F), m, hn::Set(d, -0.41656326F));
    log2 = hn::MulAdd(log2, m, hn::Set(d, 1.63114765F));
    log2 = hn::MulAdd(log2, m, hn::Set(d, -3.55079151F));
    log2 = hn::MulAdd(log2, m, hn::Set(d, 5.09170995F));
    log2 = hn::MulAdd(log2, m, hn::Set(d, -2.80036384F));
    const auto t = hn::Min(hn::Max(hn::Mul(b, hn::Add(log2, exponent)), hn::Set(d, -126.0F)), hn::Set(d, 126.0F));
    const auto whole = hn::Floor(t);
    const auto part = hn::Sub(t, whole);
    auto exp2 = hn::MulAdd(hn::Set(d, 0.01369766F), part, hn::Set(d, 0.05169036F));
    exp2 = hn::MulAdd(exp2, part, hn::Set(d, 0.24163844F));
    exp2 = hn::MulAdd(exp2, part, hn::Set(d, 0.69296612F));
    exp2 = hn::MulAdd(exp2, part, hn::Set(d, 1.0000037F));
    return hn::Mul(exp2, hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, whole), hn::Set(di, 127)))));
}

/// Moves a cell at `here` by `length` times the clipped forces of n partners, whose positions lie in `at`.
template <int kDims, bool kPull>
HWY_INLINE void move_by_forces(const std::array<const float*, 3>& at, std::size_t n, float length, const LayoutStep& step, std::array<float, 3>& here) {
    const FloatTag d;
    const std::size_t lanes = hn::Lanes(d);
    const auto a = hn::Set(d, step.a);
    const auto b = hn::Set(d, step.b);
    const auto one = hn::Set(d, 1.0F);
    const auto x0 = hn::Set(d, here[0]);
    const auto y0 = hn::Set(d, here[1]);
    const auto z0 = hn::Set(d, here[2]);
    const auto factor = hn::Set(d, kPull ? 2.0F * step.a * step.b : -2.0F * step.b);
    const auto low = hn::Set(d, -kLongestPull);
    const auto high = hn::Set(d, kLongestPull);
    auto sum_x = hn::Zero(d);
    auto sum_y = hn::Zero(d);
    auto sum_z = hn::Zero(d);
    for (std::size_t i = 0; i < n; i += lanes) {
        const auto x = hn::Sub(hn::LoadU(d, at[0] + i), x0);
        const auto y = hn::Sub(hn::LoadU(d, at[1] + i), y0);
        auto squared = hn::MulAdd(x, x, hn::MulAdd(y, y, hn::Set(d, kLeastSquared)));
        auto z = hn::Zero(d);
        if constexpr (kDims == 3) {
            z = hn::Sub(hn::LoadU(d, at[2] + i), z0);
            squared = hn::MulAdd(z, z, squared);
        }
        const auto p = power(squared, b);
        const auto below = hn::MulAdd(a, p, one);
        auto strength = kPull ? hn::Div(hn::Mul(factor, p), hn::Mul(squared, below)) : hn::Div(factor, hn::Mul(hn::Add(squared, hn::Set(d, kRepulsionFloor)), below));
        if (n - i < lanes) strength = hn::IfThenElseZero(hn::FirstN(d, n - i), strength);
        sum_x = hn::Add(sum_x, hn::Min(hn::Max(hn::Mul(strength, x), low), high));
        sum_y = hn::Add(sum_y, hn::Min(hn::Max(hn::Mul(strength, y), low), high));
        if constexpr (kDims == 3) sum_z = hn::Add(sum_z, hn::Min(hn::Max(hn::Mul(strength, z), low), high));
    }
    here[0] += length * hn::GetLane(hn::SumOfLanes(d, sum_x));
    here[1] += length * hn::GetLane(hn::SumOfLanes(d, sum_y));
    if constexpr (kDims == 3) here[2] += length * hn::GetLane(hn::SumOfLanes(d, sum_z));
}

template <int kDims>
HWY_INLINE void gather(std::span<const float> positions, std::size_t n, LayoutScratch& scratch) {
    for (std::size_t i = 0; i < n; ++i) {
        const float* from = positions.data() + std::size_t{scratch.partner[i]} * kDims;
        scratch.x[i] = from[0];
        scratch.y[i] = from[1];
        if constexpr (kDims == 3) scratch.z[i] = from[2];
    }
}

template <int kDims>
HWY_INLINE void move_block(const LayoutGraph& graph, const LayoutStep& step, Block cells, std::span<const float> positions, std::span<float> moved, LayoutScratch& scratch) {
    const UintTag du;
    const std::size_t lanes = hn::Lanes(du);
    const auto n_cells = static_cast<std::uint32_t>(graph.begin.size() - 1);
    const std::array<const float*, 3> at{scratch.x.data(), scratch.y.data(), scratch.z.data()};
    const auto numbers = hn::Mul(hn::Iota(du, 0), hn::Set(du, kNextNumber));
    for (auto cell = static_cast<std::size_t>(cells.begin); cell < static_cast<std::size_t>(cells.end); ++cell) {
        std::array<float, 3> here{};
        for (std::size_t dim = 0; dim < kDims; ++dim) here[dim] = positions[cell * kDims + dim];

        const std::size_t n_pulls = active_edges(graph, step.epoch, cell, scratch.partner.data());
        gather<kDims>(positions, n_pulls, scratch);
        move_by_forces<kDims, true>(at, n_pulls, 2.0F * step.step_length, step, here);

        const std::size_t n_pushes = n_pulls * static_cast<std::size_t>(step.negative_sample_rate);
        auto counter = hn::Add(hn::Set(du, hash_bits(step.key ^ hash_bits(static_cast<std::uint32_t>(cell)))), numbers);
        for (std::size_t i = 0; i < n_pushes; i += lanes) {
            auto h = hn::Xor(counter, hn::ShiftRight<16>(counter));
            h = hn::Mul(h, hn::Set(du, 0x7feb352dU));
            h = hn::Xor(h, hn::ShiftRight<15>(h));
            h = hn::Mul(h, hn::Set(du, 0x846ca68bU));
            hn::StoreU(hn::Xor(h, hn::ShiftRight<16>(h)), du, scratch.partner.data() + i);
            counter = hn::Add(counter, hn::Set(du, kNextNumber * static_cast<std::uint32_t>(lanes)));
        }
        for (std::size_t i = 0; i < n_pushes; ++i) scratch.partner[i] = random_cell(scratch.partner[i], n_cells);
        // The cell itself, drawn once in n_cells times, is read at its old place: a push of no direction but its own last move.
        gather<kDims>(positions, n_pushes, scratch);
        move_by_forces<kDims, false>(at, n_pushes, step.step_length, step, here);

        for (std::size_t dim = 0; dim < kDims; ++dim) moved[cell * kDims + dim] = here[dim];
    }
}

void move_cells_here(const LayoutGraph& graph, const LayoutStep& step, Block cells, std::span<const float> positions, std::span<float> moved, LayoutScratch& scratch) {
    if (step.n_dims == 2) move_block<2>(graph, step, cells, positions, moved, scratch);
    else move_block<3>(graph, step, cells, positions, moved, scratch);
}

void powers_here(std::span<const float> x, float b, std::span<float> out) {
    const FloatTag d;
    for (std::size_t i = 0; i < x.size(); ++i) out[i] = hn::GetLane(power(hn::Set(d, x[i]), hn::Set(d, b)));
}

}  // namespace morula::analysis::umap_detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace morula::analysis::umap_detail {

HWY_EXPORT(move_cells_here);
HWY_EXPORT(powers_here);

LayoutScratch::LayoutScratch(std::int64_t largest_degree, std::int32_t negative_sample_rate) {
    constexpr std::size_t kRoomOfVector = 64;  // a whole vector may be written or read past the last partner
    const auto room = static_cast<std::size_t>(largest_degree * std::max(1, negative_sample_rate)) + 2 * kRoomOfVector;
    partner.resize(room);
    x.resize(room);
    y.resize(room);
    z.resize(room);
}

void move_cells(const LayoutGraph& graph, const LayoutStep& step, Block cells, std::span<const float> positions, std::span<float> moved, LayoutScratch& scratch) {
    HWY_DYNAMIC_DISPATCH(move_cells_here)(graph, step, cells, positions, moved, scratch);
}
void powers(std::span<const float> x, float b, std::span<float> out) { HWY_DYNAMIC_DISPATCH(powers_here)(x, b, out); }

void move_cells_plain(const LayoutGraph& graph, const LayoutStep& step, Block cells, std::span<const float> positions, std::span<float> moved) {
    const auto n_cells = static_cast<std::uint32_t>(graph.begin.size() - 1);
    const auto n_dims = static_cast<std::size_t>(step.n_dims);
    std::vector<std::uint32_t> partner;
    for (auto cell = static_cast<std::size_t>(cells.begin); cell < static_cast<std::size_t>(cells.end); ++cell) {
        std::array<float, 3> here{};
        for (std::size_t dim = 0; dim < n_dims; ++dim) here[dim] = positions[cell * n_dims + dim];
        const auto move = [&](std::size_t n, bool pull, float length) {
            std::array<float, 3> force{};
            for (std::size_t i = 0; i < n; ++i) {
                std::array<float, 3> offset{};
                float squared = kLeastSquared;
                for (std::size_t dim = 0; dim < n_dims; ++dim) {
                    offset[dim] = positions[partner[i] * n_dims + dim] - here[dim];
                    squared += offset[dim] * offset[dim];
                }
                const float p = std::pow(squared, step.b);
                const float strength = pull ? 2.0F * step.a * step.b * p / (squared * (step.a * p + 1.0F)) : -2.0F * step.b / ((squared + kRepulsionFloor) * (step.a * p + 1.0F));
                for (std::size_t dim = 0; dim < n_dims; ++dim) force[dim] += std::clamp(strength * offset[dim], -kLongestPull, kLongestPull);
            }
            for (std::size_t dim = 0; dim < n_dims; ++dim) here[dim] += length * force[dim];
        };
        partner.resize(static_cast<std::size_t>(graph.begin[cell + 1] - graph.begin[cell]) + 1);
        const std::size_t n_pulls = active_edges(graph, step.epoch, cell, partner.data());
        move(n_pulls, true, 2.0F * step.step_length);
        const std::size_t n_pushes = n_pulls * static_cast<std::size_t>(step.negative_sample_rate);
        partner.resize(n_pushes);
        std::uint32_t counter = hash_bits(step.key ^ hash_bits(static_cast<std::uint32_t>(cell)));
        for (std::size_t i = 0; i < n_pushes; ++i, counter += kNextNumber) partner[i] = random_cell(hash_bits(counter), n_cells);
        move(n_pushes, false, step.step_length);
        for (std::size_t dim = 0; dim < n_dims; ++dim) moved[cell * n_dims + dim] = here[dim];
    }
}

}  // namespace morula::analysis::umap_detail
#endif
