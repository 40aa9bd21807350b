// Concentrations of diffusing substances on a grid: implicit sweeps along x, y, z, decay, fixed voxels, and what cells and bulk sources exchange.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/simulation/grid.hpp"
#include "morula/simulation/line_sweep_simd.hpp"

namespace morula::simulation {

struct Substance {
    std::string name;
    std::string unit = "nM";            // of its concentration; amounts are in this unit times um^3
    double diffusion_um2_per_min = 0.0;
    double decay_per_min = 0.0;
    double initial = 0.0;
};

/// Advances dc/dt = D laplace(c) - decay c + sources in steps of dt. One step: exchange(), where there is any, then diffuse().
///
/// diffuse() is backward Euler split by direction (locally one-dimensional, Yanenko 1971): stable for any dt, error of first order in dt. The loss of each
/// sweep is exp(decay dt / directions) - 1, so that an even concentration decays by exactly exp(-decay dt). Walls let nothing through, so that each step keeps
/// the amount but for decay, to rounding; fixed voxels (vessels, open walls) keep their value, which every line through them sees.
/// Values are doubles in grid order (Grid::place), entries that belong to no voxel are 0. Results do not depend on threads or SIMD target.
class Field {
public:
    /// Throws invalid_data for a name that is empty or given twice, a negative or missing rate, or dt <= 0; resource_limit where memory is short.
    Field(const Grid& grid, std::vector<Substance> substances, double dt_min, Context& context);

    const Grid& grid() const { return grid_; }
    double dt_min() const { return dt_min_; }
    std::int32_t n_substances() const { return static_cast<std::int32_t>(substances_.size()); }
    const Substance& substance(std::int32_t s) const { return substances_[static_cast<std::size_t>(s)]; }
    /// Number of the substance; throws not_found with the names there are.
    std::int32_t find(std::string_view name) const;
    std::span<const double> values(std::int32_t s) const { return values_[static_cast<std::size_t>(s)]; }
    std::span<double> values(std::int32_t s) { return values_[static_cast<std::size_t>(s)]; }

    /// Fixes voxels (grid places) at concentrations; earlier ones of the substance are freed. 8 bytes a voxel of the grid where there are any.
    void fix(std::int32_t s, std::span<const std::int64_t> places, std::span<const double> concentrations, Context& context);
    bool is_fixed(std::int32_t s, std::int64_t place) const;

    /// Takes what cells and bulk sources do, for the calls of exchange() that follow. source: concentration a min; sink: 1 / min, at least 0; both in grid order.
    void set_exchange(std::int32_t s, std::span<const double> source, std::span<const double> sink, Context& context);
    /// Implicit: c <- (c + dt source) / (1 + dt sink) in every free voxel, as one addition and one multiplication; nothing where none are set.
    void exchange(std::int32_t s, Context& context);
    /// One step of diffusion and decay of all substances, or of some; the others stay as they are.
    void diffuse(Context& context);
    void diffuse(std::span<const std::int32_t> substances, Context& context);

    std::int64_t bytes() const;
    /// Amount in the whole box, concentration times um^3.
    double total(std::int32_t s, Context& context) const;
    /// Concentration a um, by central differences between voxel centres; one-sided at walls.
    std::array<double, 3> gradient(std::int32_t s, std::array<std::int64_t, 3> voxel) const;

private:
    /// The lines of one substance along one axis, kLines side by side to a group; groups whose lines have their fixed voxels at the same places share factors.
    struct AxisPlan {
        double coupling = 0.0;
        double loss = 0.0;
        std::vector<line_sweep::LineFactors> patterns;
        std::vector<std::int32_t> pattern_of;  // one a group, -1: lines differ; empty: pattern 0 for all
    };
    struct Plan {
        std::array<AxisPlan, 3> axis;
        std::vector<double> is_free;  // grid order, 1 or 0; empty: all free
        std::vector<double> add, keep;  // of exchange(): c <- (c + add) keep; empty: none
    };
    class Sweep;

    std::int64_t groups_a_plane(int axis) const;
    std::int64_t n_planes(int axis) const { return axis == 2 ? grid_.n[1] : grid_.n[2]; }
    std::int64_t place_on_line(int axis, std::int64_t plane, std::int64_t line, std::int64_t i) const;
    AxisPlan plan_axis(int axis, const Substance& substance, std::span<const double> is_free) const;
    void plan_group(AxisPlan& plan, int axis, std::int64_t plane, std::int64_t group, std::span<const double> is_free, std::vector<std::vector<std::uint8_t>>& known) const;

    Grid grid_;
    std::vector<Substance> substances_;
    double dt_min_;
    std::vector<std::vector<double>> values_;
    std::vector<Plan> plans_;
};

}  // namespace morula::simulation
