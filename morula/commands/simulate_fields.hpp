// Concentrations of every snapshot as Zarr v3.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/simulation/simulation.hpp"

namespace morula::commands {

/// A group with one array for each substance, float32, minute x z x y x (dimension names "minute", "z", "y", "x"), and the coordinates `minute`, `z`, `y`, `x` (um, of voxel
/// centres) as arrays of their own, so that xarray opens it as it is. Attributes of an array: name, unit, voxel_um. Chunks hold one snapshot each, or a slab of it.
class FieldStore {
public:
    /// folder: DIR/fields.zarr. Touches no file.
    FieldStore(std::filesystem::path folder, const simulation::Simulation& simulation);

    /// Writes the fields as snapshot number minutes.size() - 1; minutes: of all snapshots up to this one. A reader sees the earlier snapshots, or these and the new one, at any moment.
    void write(const simulation::Simulation& simulation, const std::vector<double>& minutes, Context& context) const;

    /// Whether all chunks of snapshot `number` are there, of every substance.
    bool holds(const simulation::Grid& grid, std::size_t number) const;

private:
    std::filesystem::path folder_;
    std::vector<std::string> names_;
};

}  // namespace morula::commands
