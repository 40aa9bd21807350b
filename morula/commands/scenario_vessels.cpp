#include "morula/commands/scenario_vessels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <numbers>

#include "morula/core/error.hpp"

namespace morula::commands::scenario_detail {
namespace {

using namespace simulation;
using Point = std::array<double, 3>;

/// A voxel holds its concentration in its middle, so that voxels act as a vessel that is thinner than one of their volume: by .37 to .41 of a voxel for cross-sections of 1 to 113 voxels, wherever
/// the vessel's middle lies in its voxel.
constexpr double kThinnerByVoxels = 0.4;

/// How far a point is from the middle of a vessel, and how far along it (0 to 1) its foot lies.
struct Foot {
    double distance_um;
    double along;
};

struct Line {
    Point from, to;

    Point at(double along) const { return {from[0] + along * (to[0] - from[0]), from[1] + along * (to[1] - from[1]), from[2] + along * (to[2] - from[2])}; }
    double length_um() const { return std::hypot(to[0] - from[0], to[1] - from[1], to[2] - from[2]); }
    Foot foot_of(const Point& p) const {
        double dot = 0.0;
        for (std::size_t axis = 0; axis < 3; ++axis) dot += (p[axis] - from[axis]) * (to[axis] - from[axis]);
        const double length = length_um();
        const double along = length > 0.0 ? std::clamp(dot / (length * length), 0.0, 1.0) : 0.0;
        const Point q = at(along);
        return {std::hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]), along};
    }
    std::array<Point, 2> box() const {
        std::array<Point, 2> corners{};
        for (std::size_t axis = 0; axis < 3; ++axis) std::tie(corners[0][axis], corners[1][axis]) = std::minmax(from[axis], to[axis]);
        return corners;
    }
};

struct Ring {
    Point center;
    double radius_um;

    Point at(double along) const {
        const double angle = 2.0 * std::numbers::pi * along;
        return {center[0] + radius_um * std::cos(angle), center[1] + radius_um * std::sin(angle), center[2]};
    }
    double length_um() const { return 2.0 * std::numbers::pi * radius_um; }
    Foot foot_of(const Point& p) const { return {std::hypot(std::hypot(p[0] - center[0], p[1] - center[1]) - radius_um, p[2] - center[2]), 0.0}; }
    std::array<Point, 2> box() const { return {Point{center[0] - radius_um, center[1] - radius_um, center[2]}, Point{center[0] + radius_um, center[1] + radius_um, center[2]}}; }
};

/// Places of the voxels with middles within the radius, and of those that the vessel's own middle passes through, with how far along the vessel they lie.
template <class Shape>
std::map<std::int64_t, double> voxels_of(const Shape& shape, double radius_um, const Grid& grid) {
    std::map<std::int64_t, double> voxels;
    const auto n_points = static_cast<std::int64_t>(std::min(1e7, std::ceil(2.0 * shape.length_um() / grid.voxel_um)));
    for (std::int64_t k = 0; k <= n_points; ++k) {
        const double along = n_points == 0 ? 0.0 : static_cast<double>(k) / static_cast<double>(n_points);
        const Point p = shape.at(along);
        if (is_inside(grid, p)) voxels.emplace(grid.place(nearest_voxel(grid, 0, p[0]), nearest_voxel(grid, 1, p[1]), nearest_voxel(grid, 2, p[2])), along);
    }
    const auto [low, high] = shape.box();
    std::array<std::array<std::int64_t, 2>, 3> range{};
    for (int axis = 0; axis < 3; ++axis) {
        const auto a = static_cast<std::size_t>(axis);
        range[a] = {nearest_voxel(grid, axis, low[a] - radius_um), nearest_voxel(grid, axis, high[a] + radius_um)};
    }
    for (std::int64_t z = range[2][0]; z <= range[2][1]; ++z) {
        for (std::int64_t y = range[1][0]; y <= range[1][1]; ++y) {
            for (std::int64_t x = range[0][0]; x <= range[0][1]; ++x) {
                const Foot foot = shape.foot_of({grid.center_um(0, x), grid.center_um(1, y), grid.center_um(2, z)});
                if (foot.distance_um <= radius_um) voxels.insert_or_assign(grid.place(x, y, z), foot.along);
            }
        }
    }
    return voxels;
}

}  // namespace

void read_vessel(Section& section, Model& model) {
    const auto number = static_cast<std::size_t>(substance_number(section, "substance", model));
    const Substance& substance = model.substances[number];
    section.rename_apart(fmt::format("vessel of '{}'", substance.name));
    const double radius = section.has("radius_um") ? section.positive("radius_um") + kThinnerByVoxels * model.box.voxel_um : 0.0;
    const double concentration = section.concentration("concentration", substance.unit);
    double end = concentration;
    const bool is_ring = section.has("ring_radius_um");
    section.require_memory("substance", 64 * model.box.n_voxels(), "the search for the vessel's voxels");
    std::map<std::int64_t, double> voxels;
    if (is_ring) {
        voxels = voxels_of(Ring{.center = section.place("center_um", "[200, 200, 200]"), .radius_um = section.positive("ring_radius_um")}, radius, model.box);
    } else {
        if (section.has("to_concentration")) end = section.concentration("to_concentration", substance.unit);
        voxels = voxels_of(Line{.from = section.place("from_um", "[0, 200, 200]"), .to = section.place("to_um", "[400, 200, 200]")}, radius, model.box);
    }
    if (voxels.empty()) section.refuse(is_ring ? "center_um" : "from_um", "lies outside of the domain", "Move the vessel, or give a larger domain.");
    FixedVoxels& fixed = model.fixed[number];
    for (const auto& [place, along] : voxels) {
        fixed.places.push_back(place);
        fixed.concentrations.push_back(concentration + along * (end - concentration));
    }
    section.done();
}

}  // namespace morula::commands::scenario_detail
