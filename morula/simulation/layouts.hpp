// Where the cells of model tissues stand: spheroid, crypt ring, liver lobule, islet, vessel with wall, alveolus, skin.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/simulation/agents.hpp"

namespace morula::simulation {

/// What all layouts ask: where the tissue's middle is, whether it is flat (then everything stands at the height of the middle), and how far apart neighbours stand.
struct LayoutFrame {
    std::array<double, 3> center_um{};
    Space space = Space::solid;
    double spacing_um = 16.0;
};

/// part: which part of the tissue the cell belongs to; each function names its parts, from 0.
struct PlacedCell {
    std::array<double, 3> position_um{};
    std::int32_t part = 0;
};
using Layout = std::vector<PlacedCell>;

// Cells that fill a space stand in cubic close packing, flat ones in a hexagonal sheet: neighbours exactly spacing_um apart. All throw invalid_data for sizes that are not positive or hold
// no cell, resource_limit where the cells would not fit in memory, and depend on their arguments alone. The shapes are the textbook's, not measured tissue.

/// A ball, or a disc. Part 0.
Layout spheroid_layout(const LayoutFrame& frame, double radius_um, Context& context);

/// One ring of n cells in the plane of x and y: the stem cells at the base of a crypt. Part 0; neighbours spacing_um apart, the first at angle 0.
Layout crypt_ring_layout(const LayoutFrame& frame, std::int64_t n_cells, Context& context);
/// Radius of that ring.
double crypt_ring_radius_um(std::int64_t n_cells, double spacing_um);

/// A hexagonal prism along z around a central vein, a portal triad at each of its six corners; a corner lies on the x axis. Part 0: hepatocytes, everywhere but in the vein and the triads.
struct LobuleSizes {
    double side_um = 400.0;  // from the middle to a corner
    double height_um = 100.0;  // along z; of no meaning where space is flat
    double central_radius_um = 30.0;
    double portal_radius_um = 20.0;
};
Layout lobule_layout(const LayoutFrame& frame, const LobuleSizes& sizes, Context& context);
/// Its six corners, where the portal triads are, in x and y.
std::array<std::array<double, 2>, 6> lobule_corners_um(const LayoutFrame& frame, double side_um);

/// A ball with a core (part 0) and a mantle (part 1) of the thickness, as in the islets of mice.
struct IsletSizes {
    double radius_um = 75.0;
    double mantle_um = 16.0;
};
Layout islet_layout(const LayoutFrame& frame, const IsletSizes& sizes, Context& context);

/// A tube along z: one layer of endothelium (part 0) around the lumen and layers of muscle (part 1) around that. Rings are staggered; where space is flat there is one of each layer.
struct VesselSizes {
    double lumen_radius_um = 40.0;
    double length_um = 200.0;
    std::int64_t muscle_layers = 2;
};
Layout vessel_layout(const LayoutFrame& frame, const VesselSizes& sizes, Context& context);

/// A shell around the air: one layer of epithelium (part 0) at the radius, one of endothelium (part 1) outside of it. Cells stand on a spiral of equal areas (Gonzalez 2010, doi
/// 10.1007/s11004-009-9257-x), so that no two are nearer than four fifths of the spacing; where space is flat, on two rings.
Layout alveolus_layout(const LayoutFrame& frame, double radius_um, Context& context);

/// Layers over a square of the width, from below (along z; along y where space is flat): dermis (part 0, cells two spacings apart, for most of it is matrix), one basal layer (part 1),
/// suprabasal layers (part 2). The middle is that of the whole stack.
struct SkinSizes {
    double width_um = 200.0;
    double dermis_um = 100.0;
    std::int64_t suprabasal_layers = 4;
};
Layout skin_layout(const LayoutFrame& frame, const SkinSizes& sizes, Context& context);

}  // namespace morula::simulation
