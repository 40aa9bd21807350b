#include "morula/simulation/grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "morula/core/checked_cast.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::simulation {
namespace {

constexpr std::int64_t kMostVoxels = std::int64_t{1} << 40;
constexpr std::string_view kTooLarge = "has more than 2^40 voxels";
constexpr std::int64_t kBlockAgents = 16'384;

}  // namespace

void check_grid(const Grid& grid) {
    const auto refuse = [&](std::string_view what) {
        invalid_data(fmt::format("The domain of {} x {} x {} voxels of {} um {}.", grid.n[0], grid.n[1], grid.n[2], grid.voxel_um, what),
                     what == kTooLarge ? "Give a smaller domain, or larger voxels." : "Give a domain of at least one voxel a side, and a voxel size in um above 0.");
    };
    for (const std::int64_t n : grid.n) {
        if (n < 1) refuse("has no voxels");
        if (n > kMostVoxels) refuse(kTooLarge);
    }
    if (!(grid.voxel_um > 0.0) || !std::isfinite(grid.voxel_um)) refuse("has no voxel size");
    for (const double origin : grid.origin_um) {
        if (!std::isfinite(origin)) refuse("has a corner that is no number");
    }
    // Each side is at most 2^40, so two factors at a time cannot overflow unseen.
    if (grid.stride() > kMostVoxels / grid.n[1] || grid.stride() * grid.n[1] > kMostVoxels / grid.n[2]) refuse(kTooLarge);
}

bool is_inside(const Grid& grid, std::array<double, 3> position_um) {
    for (int axis = 0; axis < 3; ++axis) {
        const double from = grid.origin_um[static_cast<std::size_t>(axis)], at = position_um[static_cast<std::size_t>(axis)];
        if (!(at >= from && at <= from + grid.size_um(axis))) return false;
    }
    return true;
}

std::int64_t nearest_place(const Grid& grid, std::array<double, 3> position_um) {
    return grid.place(nearest_voxel(grid, 0, position_um[0]), nearest_voxel(grid, 1, position_um[1]), nearest_voxel(grid, 2, position_um[2]));
}

VoxelBins bin_agents(const Grid& grid, std::span<const double> x, std::span<const double> y, std::span<const double> z, Context& context) {
    const auto n = static_cast<std::int64_t>(x.size());
    MORULA_ASSERT(y.size() == x.size() && z.size() == x.size());
    context.require_memory(4 * grid.n_stored() + 12 * n, "agents by voxel");
    std::vector<std::int64_t> place_of(x.size());
    parallel_blocks(context, n, kBlockAgents, [&](Block block) {
        for (std::int64_t i = block.begin; i < block.end; ++i) {
            const auto a = static_cast<std::size_t>(i);
            place_of[a] = nearest_place(grid, {x[a], y[a], z[a]});
        }
    });
    std::vector<std::uint32_t> next(static_cast<std::size_t>(grid.n_stored()), 0);
    for (const std::int64_t place : place_of) ++next[static_cast<std::size_t>(place)];
    VoxelBins bins;
    std::uint32_t before = 0;
    for (std::size_t place = 0; place < next.size(); ++place) {
        const std::uint32_t here = next[place];
        next[place] = before;
        if (here == 0) continue;
        bins.place.push_back(static_cast<std::int64_t>(place));
        bins.begin.push_back(before);
        before += here;
    }
    bins.begin.push_back(n);
    bins.agent.resize(x.size());
    for (std::size_t a = 0; a < x.size(); ++a) bins.agent[next[static_cast<std::size_t>(place_of[a])]++] = checked_cast<std::uint32_t>(a);
    return bins;
}

}  // namespace morula::simulation
