#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "morula/simulation/voxel_places_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <array>

#include "morula/core/error.hpp"
#include "morula/simulation/voxel_places_simd.hpp"

HWY_BEFORE_NAMESPACE();
namespace morula::simulation::voxel_places::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Of whole vectors; returns how many were done. Voxels and places are whole numbers below 2^41, which doubles hold exactly.
std::size_t find_here(const Grid& grid, const std::array<const double*, 3>& position, std::size_t n, std::int64_t* out) {
    const hn::ScalableTag<double> d;
    const hn::RebindToSigned<decltype(d)> di;
    const std::size_t lanes = hn::Lanes(d);
    const auto voxel_um = hn::Set(d, grid.voxel_um);
    const auto row = hn::Set(d, static_cast<double>(grid.stride())), rows_a_plane = hn::Set(d, static_cast<double>(grid.n[1]));
    std::size_t k = 0;
    for (; k + lanes <= n; k += lanes) {
        const auto voxel = [&](std::size_t axis) HWY_ATTR {
            const auto at = hn::Div(hn::Sub(hn::LoadU(d, position[axis] + k), hn::Set(d, grid.origin_um[axis])), voxel_um);
            // What is no number counts as at the lower wall.
            const auto inside = hn::IfThenElseZero(hn::Gt(at, hn::Zero(d)), at);
            return hn::Floor(hn::Min(inside, hn::Set(d, static_cast<double>(grid.n[axis] - 1))));
        };
        const auto place = hn::Add(hn::Mul(hn::Add(hn::Mul(voxel(2), rows_a_plane), voxel(1)), row), voxel(0));
        hn::StoreU(hn::ConvertTo(di, place), di, out + k);
    }
    return k;
}

}  // namespace morula::simulation::voxel_places::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace morula::simulation::voxel_places {

HWY_EXPORT(find_here);

void find(const Grid& grid, std::span<const double> x, std::span<const double> y, std::span<const double> z, std::span<std::int64_t> out) {
    MORULA_ASSERT(x.size() == out.size() && y.size() == out.size() && z.size() == out.size());
    const std::size_t done = HWY_DYNAMIC_DISPATCH(find_here)(grid, {x.data(), y.data(), z.data()}, out.size(), out.data());
    for (std::size_t k = done; k < out.size(); ++k) out[k] = nearest_place(grid, {x[k], y[k], z[k]});
}

}  // namespace morula::simulation::voxel_places
#endif
