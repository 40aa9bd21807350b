// Profiles of a tissue: how densely cells lie, and how much of each substance there is, against distance from a point or from fixed voxels.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/simulation/agents.hpp"
#include "morula/simulation/field.hpp"
#include "morula/simulation/grid.hpp"

namespace morula::simulation {

/// Shells of equal thickness from 0 on. Sizes: um^3, or um^2 (area in the plane) where the grid is flat.
struct Profile {
    double shell_um = 0.0;
    std::vector<double> size;                        // n_shells: how much of the box each shell holds
    std::vector<std::vector<std::int64_t>> cells;    // [group][shell]
    std::vector<std::vector<double>> concentration;  // [substance][shell]: mean over the voxels whose centres lie in the shell; NaN where none does

    std::int64_t n_shells() const { return static_cast<std::int64_t>(size.size()); }
    /// Cells of a group a mm^3 (a mm^2 where flat); NaN where the shell holds nothing of the box.
    double density(std::size_t group, std::size_t shell, Space space) const;
};

/// Cells of a tissue by group, for instance by type: one code an agent, below n_groups, or -1 for those that are left out.
struct CellGroups {
    std::span<const std::int32_t> group;
    std::int32_t n_groups = 0;
};

/// Mean position of all agents that belong to a group; the middle of the box where there are none.
std::array<double, 3> center_of_cells(const Grid& grid, const Agents& agents, const CellGroups& groups);

/// Around a point, out to the nearest wall or the furthest cell, whichever is further; at most max_shells, no thinner than a voxel. Sizes of shells that lie within
/// the box are exact; those that walls cut are found by counting voxel centres. Cost O(agents + voxels).
Profile radial_profile(const Field& field, const Agents& agents, const CellGroups& groups, std::array<double, 3> center, std::int64_t max_shells, Context& context);

/// Distance of every voxel's centre to the nearest centre of `places` (grid places), um, in grid order; infinite where there are none, 0 in entries that belong to no voxel.
/// Exact: lower envelopes of parabolas along each axis (Felzenszwalb & Huttenlocher 2012, doi 10.4086/toc.2012.v008a019). Memory: 4 bytes a voxel.
std::vector<float> distance_to_voxels(const Grid& grid, std::span<const std::int64_t> places, Context& context);

/// Against distance from the nearest of the voxels; a cell counts where its voxel's centre lies. The voxels themselves are the first shell's. No shell where there are no places.
Profile distance_profile(const Field& field, const Agents& agents, const CellGroups& groups, std::span<const std::int64_t> places, std::int64_t max_shells, Context& context);

}  // namespace morula::simulation
