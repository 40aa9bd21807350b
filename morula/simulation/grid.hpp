// The box of a simulated tissue, cut into equal voxels, and which agents lie in which voxel.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"

namespace morula::simulation {

/// Rows of voxels are stored with this many doubles as the unit, so that they can be solved side by side.
inline constexpr std::int64_t kRowUnit = 8;

/// Cubic voxels from the lower corner `origin_um`. n[2] == 1 makes a flat (two-dimensional) tissue, one voxel thick.
struct Grid {
    std::array<std::int64_t, 3> n = {1, 1, 1};
    double voxel_um = 20.0;
    std::array<double, 3> origin_um = {0.0, 0.0, 0.0};

    bool is_flat() const { return n[2] == 1; }
    int dimensions() const { return is_flat() ? 2 : 3; }
    /// Doubles from one row (along x) to the next; those at and beyond n[0] belong to no voxel and hold 0.
    std::int64_t stride() const { return (n[0] + kRowUnit - 1) / kRowUnit * kRowUnit; }
    std::int64_t n_voxels() const { return n[0] * n[1] * n[2]; }
    /// Doubles of an array over voxels.
    std::int64_t n_stored() const { return stride() * n[1] * n[2]; }
    /// Place of a voxel in such an array.
    std::int64_t place(std::int64_t x, std::int64_t y, std::int64_t z) const { return (z * n[1] + y) * stride() + x; }
    /// Position of a voxel's centre along an axis.
    double center_um(int axis, std::int64_t i) const { return origin_um[static_cast<std::size_t>(axis)] + (static_cast<double>(i) + 0.5) * voxel_um; }
    double size_um(int axis) const { return static_cast<double>(n[static_cast<std::size_t>(axis)]) * voxel_um; }
    double voxel_volume_um3() const { return voxel_um * voxel_um * voxel_um; }
};

/// Throws invalid_data for a grid without voxels, of more than 2^40 voxels, or with a voxel size or origin that is no number.
void check_grid(const Grid& grid);

/// The voxel along one axis that holds a position; positions outside the box (and NaN) count as at its walls.
inline std::int64_t nearest_voxel(const Grid& grid, int axis, double position_um) {
    const auto a = static_cast<std::size_t>(axis);
    const double at = (position_um - grid.origin_um[a]) / grid.voxel_um;
    if (!(at > 0.0)) return 0;
    const std::int64_t last = grid.n[a] - 1;
    return at >= static_cast<double>(last) ? last : static_cast<std::int64_t>(at);
}

/// True within the box, its walls included; false for NaN.
bool is_inside(const Grid& grid, std::array<double, 3> position_um);

/// Place (Grid::place) of the voxel that holds a position, the same at walls.
std::int64_t nearest_place(const Grid& grid, std::array<double, 3> position_um);

/// Agents by voxel: those in the voxel at place[k] are agent[begin[k]], ..., agent[begin[k + 1] - 1], in the order of their arrays.
struct VoxelBins {
    std::vector<std::int64_t> place;  // occupied voxels, ascending
    std::vector<std::int64_t> begin;  // place.size() + 1
    std::vector<std::uint32_t> agent;
};

/// Positions in um, one entry an agent. Memory: 4 bytes a voxel and 12 an agent while it works. The result depends on the positions alone.
VoxelBins bin_agents(const Grid& grid, std::span<const double> x, std::span<const double> y, std::span<const double> z, Context& context);

}  // namespace morula::simulation
