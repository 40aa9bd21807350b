// What an organ would be asked for, read from the state of a simulation: oxygenation, barrier, cytokine load, exchange, secretion, clearance, extent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/simulation/simulation.hpp"

namespace morula::simulation {

enum class ReadoutKind { oxygenation, barrier, cytokine_load, exchange, secretion, clearance, extent };
/// "oxygenation", "barrier", "cytokine_load", ... in the order of ReadoutKind.
const std::vector<std::string>& readout_kind_names();

/// A part of the domain: a box between two corners, or a ball; borders belong to it.
struct Region {
    enum class Shape { box, ball };
    Shape shape = Shape::box;
    std::array<double, 3> from_um{};    // box: lower corner
    std::array<double, 3> to_um{};      // box: upper corner
    std::array<double, 3> center_um{};  // ball
    double radius_um = 0.0;             // ball

    bool contains(std::array<double, 3> position_um) const;
};

/// One organ read-out of a scenario. Which fields count depends on the kind; the others are not looked at.
///
/// kind           substance  types (none: all)      others                            numbers
/// oxygenation    yes        whose cells breathe    -                                 threshold
/// barrier        yes        cells of the layer     -                                 axis, cell_permeability; region: the layer with its thickness, must be there
/// cytokine_load  yes        the sources            -                                 -
/// exchange       yes        lumen side             vessel side, must be there        region, other_region: instead of types or within them
/// secretion      yes        who secretes           -                                 -
/// clearance      yes        who takes up, touches  what they touch; none: no contacts  -
/// extent         no         cells of the body  -                                 -
struct Readout {
    std::string name;  // of the scenario's choice; values are called "NAME.part"
    ReadoutKind kind = ReadoutKind::oxygenation;
    std::int32_t substance = -1;
    std::vector<std::uint16_t> types{};
    std::vector<std::uint16_t> others{};
    std::optional<Region> region{};        // without it the whole domain
    std::optional<Region> other_region{};  // of the vessel side
    double threshold = 10.0;               // concentration below which a cell lacks the substance; 10 mmHg is a usual bound of hypoxia
    std::int32_t axis = 2;                 // across the layer: 0 x, 1 y, 2 z
    double cell_permeability_um_per_min = 0.0;  // of one cell of the layer
};

struct ReadoutValue {
    std::string name;    // "NAME.part"
    double value = 0.0;  // NaN where it is not defined, as a percentile of no cells
    std::string unit;
};

struct ReadoutFault {
    std::string key;   // what of the read-out is at fault, as a scenario names it: "substance", "from_um"
    std::string what;  // "lies outside the domain"
    std::string next;
};
/// Why the model cannot give a read-out: no name, a substance, type or axis that is not there, a region outside the domain or without extent, a barrier without region or diffusion,
/// a permeability or threshold that is negative or no number, an exchange without its two sides, or with one that lies within the other.
std::optional<ReadoutFault> find_fault(const Readout& readout, const Model& model);
/// Throws invalid_data where there is a fault.
void check_readout(const Readout& readout, const Model& model);

/// The names that read_out gives, in its order; the first is the headline of its kind.
std::vector<std::string> readout_names(const Readout& readout);

/// Unit of the value number `part` of readout_names.
std::string readout_unit(const Readout& readout, std::size_t part, const Model& model);

/// Values of the state as it is; changes nothing. Same bits for any number of threads. The read-out must pass check_readout. Cells: in the region, of the types. Dead cells neither
/// breathe nor seal nor secrete nor take up. What a cell meets is the concentration of its voxel.
///
/// oxygenation: "low" share of living cells below the threshold; "p05", "p50", "p95" of the concentration at living cells (the lowest value that so many cells do not exceed);
///   "rim" um: how deep the living tissue reaches that has enough, taken as a ball (flat: a disc): R (1 - s^(1/3)) (flat: s^(1/2)), s the share of cells, dead ones included, that
///   are dead or below the threshold, R the radius of an even ball (disc) whose cells lie as far from their centre in the root mean square, R^2 = 5/3 (flat: 2) mean r^2.
///   A measure for spheroids; of other shapes "low" says more.
/// barrier: a layer as resistors. Its cross-section (the region seen along the axis) is cut into squares, eight to a voxel's side; below each lie the medium, of resistance thickness / D, and
///   the living cells whose discs (radius times the type's adhesion_reach: neighbours that adhere close the gap) cover its centre, each of 1 / cell_permeability. "permeability" um/min: the squares
///   side by side, so nothing flows sideways: a lower bound. "gaps": share of squares without a cell. "resistance" min/um: 1 / permeability less that of the medium alone, as a
///   transepithelial resistance is given less that of the empty insert.
/// cytokine_load: "total" amount in the region, "peak" highest concentration of a voxel, "half_radius" um: distance to the nearest voxel with a living source (anywhere) within which
///   half of that amount lies.
/// exchange: "area_per_thickness" um: what flows, per D and difference of concentration, from the lumen (held at 1) to the vessel side (held at 0) through all voxels that belong to neither,
///   from a steady solve; it is area / thickness for flat walls, 4 pi / (1/r - 1/R) for a shell. "capacity" um3/min: times D. Voxels of both sides are those with a living cell of the types, in
///   the region; where no types are given, all voxels whose centre lies in the region. A voxel of both belongs to the lumen.
/// secretion: "flux" amount a min that secretion brings in, sum of volume rate (aim - c) over living cells; "net" the same less what these cells take up: what the mass balance of the
///   field sees of them.
/// clearance: "taken_up" amount a min by uptake of living cells; "half_life" min, ln 2 amount / (taken_up + decay amount), amount that of the whole domain: the half-life of a well-mixed
///   substance; "contacts": pairs of a living cell of `types` and any cell of `others` that touch (closer than the sum of their radii).
/// extent: "diameter" um: twice the mean, over 400 directions spread evenly (flat: in the plane), of where a ray from the mean position of the cells, dead ones included, leaves the last cell
///   that it meets (0 where it meets none). Of a ball it is the diameter; of a flat one that of the disc.
std::vector<ReadoutValue> read_out(const Readout& readout, const Simulation& simulation, Context& context);

}  // namespace morula::simulation
