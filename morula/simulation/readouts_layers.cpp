// Read-outs of layers: barrier and exchange.
#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/simulation/multigrid.hpp"
#include "morula/simulation/readouts_parts.hpp"

namespace morula::simulation::readout_detail {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
/// Of the squares into which a layer is cut.
constexpr double kSquaresAVoxel = 8.0;
/// Of the flux; what a table shows.
constexpr double kTolerance = 1e-9;

/// The cross-section of a layer in squares: how many living cells cover the centre of each.
class CrossSection {
public:
    CrossSection(const Readout& readout, const Grid& box, Context& context) : across_{static_cast<std::size_t>((readout.axis + 1) % 3), static_cast<std::size_t>((readout.axis + 2) % 3)} {
        for (std::size_t k = 0; k < 2; ++k) {
            from_[k] = readout.region->from_um[across_[k]];
            const double size = readout.region->to_um[across_[k]] - from_[k];
            n_[k] = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(size * kSquaresAVoxel / box.voxel_um - 1e-9)));
            edge_[k] = size / static_cast<double>(n_[k]);
        }
        context.require_memory(4 * n_[0] * n_[1], "the cross-section of a barrier");
        n_cells_.assign(static_cast<std::size_t>(n_[0] * n_[1]), 0);
    }

    void cover(std::array<double, 3> center, double radius) {
        std::array<std::int64_t, 2> first{}, last{};
        for (std::size_t k = 0; k < 2; ++k) {
            const double at = center[across_[k]] - from_[k];
            first[k] = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor((at - radius) / edge_[k])));
            last[k] = std::min(n_[k] - 1, static_cast<std::int64_t>(std::floor((at + radius) / edge_[k])));
        }
        for (std::int64_t b = first[1]; b <= last[1]; ++b) {
            const double down = from_[1] + (static_cast<double>(b) + 0.5) * edge_[1] - center[across_[1]];
            for (std::int64_t a = first[0]; a <= last[0]; ++a) {
                const double right = from_[0] + (static_cast<double>(a) + 0.5) * edge_[0] - center[across_[0]];
                if (right * right + down * down < radius * radius) ++n_cells_[static_cast<std::size_t>(b * n_[0] + a)];
            }
        }
    }
    const std::vector<std::int32_t>& n_cells() const { return n_cells_; }

private:
    std::array<std::size_t, 2> across_;
    std::array<double, 2> from_{}, edge_{};
    std::array<std::int64_t, 2> n_{};
    std::vector<std::int32_t> n_cells_;
};

/// Voxels of one side of an exchange.
std::vector<std::uint8_t> mark_side(const Simulation& simulation, const std::vector<std::uint16_t>& types, const std::optional<Region>& region) {
    const Grid& grid = simulation.model().box;
    const Agents& agents = simulation.agents();
    std::vector<std::uint8_t> marked(static_cast<std::size_t>(grid.n_stored()), 0);
    const auto center = [&](std::int64_t x, std::int64_t y, std::int64_t z) { return std::array<double, 3>{grid.center_um(0, x), grid.center_um(1, y), grid.center_um(2, z)}; };
    const auto mark_within = [&](std::array<double, 3> at, double reach, const auto& is_inside) {
        std::array<std::int64_t, 3> first{}, last{};
        for (int axis = 0; axis < 3; ++axis) {
            first[static_cast<std::size_t>(axis)] = nearest_voxel(grid, axis, at[static_cast<std::size_t>(axis)] - reach);
            last[static_cast<std::size_t>(axis)] = nearest_voxel(grid, axis, at[static_cast<std::size_t>(axis)] + reach);
        }
        for (std::int64_t z = first[2]; z <= last[2]; ++z) {
            for (std::int64_t y = first[1]; y <= last[1]; ++y) {
                for (std::int64_t x = first[0]; x <= last[0]; ++x) {
                    if (is_inside(center(x, y, z))) marked[static_cast<std::size_t>(grid.place(x, y, z))] = 1;
                }
            }
        }
    };
    if (types.empty()) {
        mark_within(grid.origin_um, std::max({grid.size_um(0), grid.size_um(1), grid.size_um(2)}), [&](std::array<double, 3> at) { return region->contains(at); });
        return marked;
    }
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        if (simulation.is_dead(i) || !is_meant(simulation, i, types, region)) continue;
        const Region outline{.shape = Region::Shape::ball, .center_um = {agents.x[i], agents.y[i], agents.z[i]}, .radius_um = static_cast<double>(agents.radius[i])};
        marked[static_cast<std::size_t>(nearest_place(grid, outline.center_um))] = 1;
        mark_within(outline.center_um, outline.radius_um, [&](std::array<double, 3> at) { return outline.contains(at); });
    }
    return marked;
}

enum Side : std::uint8_t { tissue, lumen, vessel };

/// Calls body(place of the neighbour) for each of a voxel's neighbours.
template <class Body>
void for_neighbors(const Grid& grid, std::array<std::int64_t, 3> at, const Body& body) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
        for (const std::int64_t step : {-1, 1}) {
            std::array<std::int64_t, 3> there = at;
            there[axis] += step;
            if (there[axis] >= 0 && there[axis] < grid.n[axis]) body(static_cast<std::size_t>(grid.place(there[0], there[1], there[2])));
        }
    }
}

template <class Body>
void for_voxels(const Grid& grid, const Body& body) {
    for (std::int64_t z = 0; z < grid.n[2]; ++z) {
        for (std::int64_t y = 0; y < grid.n[1]; ++y) {
            for (std::int64_t x = 0; x < grid.n[0]; ++x) body(std::array<std::int64_t, 3>{x, y, z}, static_cast<std::size_t>(grid.place(x, y, z)));
        }
    }
}

/// What flows from lumen to vessel for a difference of 1 and a diffusion of 1. The sides end at the faces of their voxels, half a voxel from the centre of the tissue's next: each such
/// face conducts twice as well as one between voxels. The field's own face to a fixed voxel is one half of that, a source and a sink in the tissue's voxel the other. Where the sides meet
/// they count as one voxel apart.
double flow_between(const Grid& grid, const std::vector<std::uint8_t>& side, Context& context) {
    const double h = grid.voxel_um;
    Field field(grid, {{.name = "exchange", .diffusion_um2_per_min = 1.0}}, 1.0, context);
    std::vector<std::int64_t> places;
    std::vector<double> held, source(side.size(), 0.0), sink(side.size(), 0.0);
    double direct = 0.0;
    for_voxels(grid, [&](std::array<std::int64_t, 3> at, std::size_t place) {
        if (side[place] != tissue) {
            places.push_back(static_cast<std::int64_t>(place));
            held.push_back(side[place] == lumen ? 1.0 : 0.0);
        }
        for_neighbors(grid, at, [&](std::size_t next) {
            if (side[place] == lumen && side[next] == vessel) direct += h;
            if (side[place] != tissue || side[next] == tissue) return;
            sink[place] += 1.0 / (h * h);
            if (side[next] == lumen) source[place] += 1.0 / (h * h);
        });
    });
    field.fix(0, places, held, context);
    if (static_cast<std::int64_t>(places.size()) < grid.n_voxels()) solve_steady(field, 0, source, sink, {.tolerance = kTolerance}, context);
    double flow = direct;
    for_voxels(grid, [&](std::array<std::int64_t, 3> at, std::size_t place) {
        if (side[place] != tissue) return;
        for_neighbors(grid, at, [&](std::size_t next) {
            if (side[next] == lumen) flow += 2.0 * h * (1.0 - field.values(0)[place]);
        });
    });
    return flow;
}

}  // namespace

std::vector<double> barrier(const Readout& readout, const Simulation& simulation, Context& context) {
    const Agents& agents = simulation.agents();
    const auto axis = static_cast<std::size_t>(readout.axis);
    const double from = readout.region->from_um[axis], to = readout.region->to_um[axis];
    CrossSection section(readout, simulation.model().box, context);
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        const std::array<double, 3> at{agents.x[i], agents.y[i], agents.z[i]};
        if (simulation.is_dead(i) || !is_meant(simulation, i, readout.types, std::nullopt) || at[axis] < from || at[axis] > to) continue;
        section.cover(at, static_cast<double>(agents.radius[i]) * simulation.model().types[agents.type[i]].mechanics.adhesion_reach);
    }
    context.check_cancelled();
    const double of_medium = (to - from) / simulation.field().substance(readout.substance).diffusion_um2_per_min;
    const double n = static_cast<double>(section.n_cells().size());
    double permeability = 0.0, gaps = 0.0;
    for (const std::int32_t cells : section.n_cells()) {
        if (cells == 0) gaps += 1.0;
        permeability += 1.0 / (of_medium + (cells == 0 ? 0.0 : static_cast<double>(cells) / readout.cell_permeability_um_per_min));
    }
    return {permeability / n, gaps / n, n / permeability - of_medium};
}

std::vector<double> exchange(const Readout& readout, const Simulation& simulation, Context& context) {
    context.require_memory(20 * simulation.model().box.n_stored(), "the sides of an exchange");
    std::vector<std::uint8_t> side = mark_side(simulation, readout.types, readout.region);
    const std::vector<std::uint8_t> other = mark_side(simulation, readout.others, readout.other_region);
    bool has_lumen = false, has_vessel = false;
    for (std::size_t v = 0; v < side.size(); ++v) {
        if (side[v] == 0 && other[v] != 0) side[v] = vessel;
        has_lumen = has_lumen || side[v] == lumen;
        has_vessel = has_vessel || side[v] == vessel;
    }
    if (!has_lumen || !has_vessel) return {kNone, kNone};
    const double flow = flow_between(simulation.model().box, side, context);
    return {flow, flow * simulation.field().substance(readout.substance).diffusion_um2_per_min};
}

}  // namespace morula::simulation::readout_detail
