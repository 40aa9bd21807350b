#include "morula/simulation/profiles.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace morula::simulation {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kFar = std::numeric_limits<double>::infinity();

/// Size of a voxel in the unit of Profile::size.
double voxel_size(const Grid& grid) { return grid.is_flat() ? grid.voxel_um * grid.voxel_um : grid.voxel_volume_um3(); }

double ball_size(const Grid& grid, double radius) { return grid.is_flat() ? std::numbers::pi * radius * radius : 4.0 / 3.0 * std::numbers::pi * radius * radius * radius; }

/// body(place, center) for every voxel, in grid order.
template <class Body>
void for_each_voxel(const Grid& grid, const Body& body) {
    for (std::int64_t z = 0; z < grid.n[2]; ++z) {
        for (std::int64_t y = 0; y < grid.n[1]; ++y) {
            for (std::int64_t x = 0; x < grid.n[0]; ++x) body(grid.place(x, y, z), std::array<double, 3>{grid.center_um(0, x), grid.center_um(1, y), grid.center_um(2, z)});
        }
    }
}

/// In the plane where the grid is flat.
double distance_between(const Grid& grid, const std::array<double, 3>& a, const std::array<double, 3>& b) {
    return grid.is_flat() ? std::hypot(a[0] - b[0], a[1] - b[1]) : std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

double nearest_wall(const Grid& grid, const std::array<double, 3>& from) {
    double nearest = kFar;
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(grid.dimensions()); ++axis) {
        const double low = from[axis] - grid.origin_um[axis];
        nearest = std::min({nearest, low, grid.size_um(static_cast<int>(axis)) - low});
    }
    return std::max(nearest, 0.0);
}

std::array<double, 3> position(const Agents& agents, std::size_t i) { return {agents.x[i], agents.y[i], agents.z[i]}; }

/// Empty shells of whole voxels' thickness; `reach`, the furthest cell's distance or more, lies in the last one.
Profile empty_profile(const Field& field, const CellGroups& groups, double reach, std::int64_t max_shells) {
    const double voxel = field.grid().voxel_um;
    Profile out;
    out.shell_um = voxel * std::max(1.0, std::ceil(reach / voxel / static_cast<double>(max_shells)));
    const auto n = static_cast<std::size_t>(std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(reach / out.shell_um + 1e-9)) + 1, 1, max_shells + 1));
    out.size.assign(n, 0.0);
    out.cells.assign(static_cast<std::size_t>(groups.n_groups), std::vector<std::int64_t>(n, 0));
    out.concentration.assign(static_cast<std::size_t>(field.n_substances()), std::vector<double>(n, 0.0));
    return out;
}

/// The shell of a distance; n_shells where it lies beyond.
std::size_t shell_of(const Profile& profile, double distance) {
    const double shell = std::floor(distance / profile.shell_um);
    return shell < static_cast<double>(profile.size.size()) ? static_cast<std::size_t>(shell) : profile.size.size();
}

/// Sizes by voxel centres and mean concentrations. distance(place, center): of a voxel.
template <class Distance>
void add_voxels(Profile& profile, const Field& field, const Distance& distance, Context& context) {
    context.check_cancelled();
    std::vector<std::int64_t> n_voxels(profile.size.size(), 0);
    for_each_voxel(field.grid(), [&](std::int64_t place, const std::array<double, 3>& center) {
        const std::size_t shell = shell_of(profile, distance(place, center));
        if (shell == profile.size.size()) return;
        ++n_voxels[shell];
        for (std::int32_t s = 0; s < field.n_substances(); ++s) profile.concentration[static_cast<std::size_t>(s)][shell] += field.values(s)[static_cast<std::size_t>(place)];
    });
    for (std::size_t shell = 0; shell < profile.size.size(); ++shell) {
        profile.size[shell] = static_cast<double>(n_voxels[shell]) * voxel_size(field.grid());
        for (std::vector<double>& of_substance : profile.concentration) of_substance[shell] = n_voxels[shell] > 0 ? of_substance[shell] / static_cast<double>(n_voxels[shell]) : kNone;
    }
}

template <class Distance>
void add_cells(Profile& profile, const CellGroups& groups, const Distance& distance) {
    for (std::size_t i = 0; i < groups.group.size(); ++i) {
        if (groups.group[i] < 0) continue;
        const std::size_t shell = std::min(shell_of(profile, distance(i)), profile.size.size() - 1);
        ++profile.cells[static_cast<std::size_t>(groups.group[i])][shell];
    }
}

/// Lower envelope of the parabolas squared[q] + (i - q)^2, in units of voxels; reused from line to line.
class Envelope {
public:
    explicit Envelope(std::int64_t n) : from_(static_cast<std::size_t>(n)), tip_(static_cast<std::size_t>(n)), squared_(static_cast<std::size_t>(n)) {}

    double& squared(std::int64_t i) { return squared_[static_cast<std::size_t>(i)]; }

    /// body(i, value) for i in 0..n - 1; value is infinite where no parabola has a finite tip.
    template <class Body>
    void solve(std::int64_t n, const Body& body) {
        std::size_t n_tips = 0;
        for (std::int64_t q = 0; q < n; ++q) {
            if (!std::isfinite(squared(q))) continue;
            double meets = -kFar;
            while (n_tips > 0 && (meets = crossing(q, tip_[n_tips - 1])) <= from_[n_tips - 1]) --n_tips;  // the first tip rules from -infinity and so stays
            tip_[n_tips] = q;
            from_[n_tips] = meets;
            ++n_tips;
        }
        std::size_t k = 0;
        for (std::int64_t i = 0; i < n; ++i) {
            if (n_tips == 0) {
                body(i, kFar);
                continue;
            }
            while (k + 1 < n_tips && from_[k + 1] < static_cast<double>(i)) ++k;
            const auto away = static_cast<double>(i - tip_[k]);
            body(i, squared(tip_[k]) + away * away);
        }
    }

private:
    double crossing(std::int64_t q, std::int64_t p) {
        const auto a = static_cast<double>(q), b = static_cast<double>(p);
        return ((squared(q) + a * a) - (squared(p) + b * b)) / (2.0 * (a - b));
    }

    std::vector<double> from_;
    std::vector<std::int64_t> tip_;
    std::vector<double> squared_;
};

/// All lines of the grid along one axis: replaces squared distances by those with this axis counted in.
void sweep_axis(const Grid& grid, int axis, std::vector<float>& squared, Context& context) {
    const auto n = grid.n[static_cast<std::size_t>(axis)];
    const int first = axis == 0 ? 1 : 0, second = axis == 2 ? 1 : 2;
    Envelope envelope(n);
    for (std::int64_t b = 0; b < grid.n[static_cast<std::size_t>(second)]; ++b) {
        context.check_cancelled();
        for (std::int64_t a = 0; a < grid.n[static_cast<std::size_t>(first)]; ++a) {
            const auto at = [&](std::int64_t i) {
                std::array<std::int64_t, 3> voxel{};
                voxel[static_cast<std::size_t>(axis)] = i;
                voxel[static_cast<std::size_t>(first)] = a;
                voxel[static_cast<std::size_t>(second)] = b;
                return static_cast<std::size_t>(grid.place(voxel[0], voxel[1], voxel[2]));
            };
            for (std::int64_t i = 0; i < n; ++i) envelope.squared(i) = squared[at(i)];
            envelope.solve(n, [&](std::int64_t i, double value) { squared[at(i)] = static_cast<float>(value); });
        }
    }
}

}  // namespace

double Profile::density(std::size_t group, std::size_t shell, Space space) const {
    if (!(size[shell] > 0.0)) return kNone;
    return static_cast<double>(cells[group][shell]) / size[shell] * (space == Space::flat ? 1e6 : 1e9);
}

std::array<double, 3> center_of_cells(const Grid& grid, const Agents& agents, const CellGroups& groups) {
    std::array<double, 3> sum{};
    std::int64_t n = 0;
    for (std::size_t i = 0; i < groups.group.size(); ++i) {
        if (groups.group[i] < 0) continue;
        const std::array<double, 3> at = position(agents, i);
        for (std::size_t axis = 0; axis < 3; ++axis) sum[axis] += at[axis];
        ++n;
    }
    for (std::size_t axis = 0; axis < 3; ++axis) sum[axis] = n > 0 ? sum[axis] / static_cast<double>(n) : grid.origin_um[axis] + grid.size_um(static_cast<int>(axis)) / 2.0;
    return sum;
}

Profile radial_profile(const Field& field, const Agents& agents, const CellGroups& groups, std::array<double, 3> center, std::int64_t max_shells, Context& context) {
    const Grid& grid = field.grid();
    const double within = nearest_wall(grid, center);
    double reach = within;
    for (std::size_t i = 0; i < groups.group.size(); ++i) {
        if (groups.group[i] >= 0) reach = std::max(reach, distance_between(grid, position(agents, i), center));
    }
    Profile out = empty_profile(field, groups, reach, max_shells);
    add_voxels(out, field, [&](std::int64_t, const std::array<double, 3>& voxel) { return distance_between(grid, voxel, center); }, context);
    add_cells(out, groups, [&](std::size_t i) { return distance_between(grid, position(agents, i), center); });
    for (std::size_t shell = 0; shell < out.size.size(); ++shell) {
        const double inner = static_cast<double>(shell) * out.shell_um, outer = inner + out.shell_um;
        if (outer <= within + 1e-9) out.size[shell] = ball_size(grid, outer) - ball_size(grid, inner);
    }
    return out;
}

std::vector<float> distance_to_voxels(const Grid& grid, std::span<const std::int64_t> places, Context& context) {
    context.require_memory(grid.n_stored() * 4, "distances to fixed voxels");
    std::vector<float> distance(static_cast<std::size_t>(grid.n_stored()), 0.0F);
    for_each_voxel(grid, [&](std::int64_t place, const auto&) { distance[static_cast<std::size_t>(place)] = std::numeric_limits<float>::infinity(); });
    for (const std::int64_t place : places) distance[static_cast<std::size_t>(place)] = 0.0F;
    for (int axis = 0; axis < grid.dimensions(); ++axis) sweep_axis(grid, axis, distance, context);
    for (float& value : distance) value = static_cast<float>(std::sqrt(static_cast<double>(value)) * grid.voxel_um);
    return distance;
}

Profile distance_profile(const Field& field, const Agents& agents, const CellGroups& groups, std::span<const std::int64_t> places, std::int64_t max_shells, Context& context) {
    if (places.empty()) return {};
    const Grid& grid = field.grid();
    const std::vector<float> distance = distance_to_voxels(grid, places, context);
    const double reach = *std::max_element(distance.begin(), distance.end());
    Profile out = empty_profile(field, groups, reach, max_shells);
    add_voxels(out, field, [&](std::int64_t place, const auto&) { return static_cast<double>(distance[static_cast<std::size_t>(place)]); }, context);
    add_cells(out, groups, [&](std::size_t i) {
        return static_cast<double>(distance[static_cast<std::size_t>(grid.place(nearest_voxel(grid, 0, agents.x[i]), nearest_voxel(grid, 1, agents.y[i]), nearest_voxel(grid, 2, agents.z[i])))]);
    });
    return out;
}

}  // namespace morula::simulation
