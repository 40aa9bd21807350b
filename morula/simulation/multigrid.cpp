#include "morula/simulation/multigrid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::simulation {
namespace {

using Values = std::vector<double>;

constexpr std::int64_t kBlockVoxels = 16'384;
/// Grids of so few voxels are not halved again: sweeps alone solve them.
constexpr std::int64_t kCoarsest = 32;
constexpr int kCoarsestSweeps = 12;

/// One grid of the hierarchy. Row v of the system: diagonal_v c_v - sum over the six faces of face * c_neighbour = right_v. Faces to fixed voxels and through
/// walls are 0 (what a fixed voxel brings stands on the right side).
struct Level {
    std::array<std::int64_t, 3> n{};
    std::array<Values, 3> face;  // face[axis][v]: between v and the next along the axis
    Values diagonal;             // 0: no unknown here
    Values solution, right, residual;

    std::int64_t size() const { return n[0] * n[1] * n[2]; }
    std::array<std::int64_t, 3> step() const { return {1, n[0], n[0] * n[1]}; }
    /// Rows along x that make one task.
    std::int64_t rows_a_task() const { return std::max<std::int64_t>(1, kBlockVoxels / n[0]); }

    /// Sum over faces of face * c_neighbour.
    double from_neighbors(const Values& c, std::int64_t x, std::int64_t y, std::int64_t z) const {
        const auto [sx, sy, sz] = step();
        const std::int64_t v = x + y * sy + z * sz;
        const auto at = [](const Values& values, std::int64_t i) { return values[static_cast<std::size_t>(i)]; };
        double sum = 0.0;
        if (x > 0) sum += at(face[0], v - sx) * at(c, v - sx);
        if (x + 1 < n[0]) sum += at(face[0], v) * at(c, v + sx);
        if (y > 0) sum += at(face[1], v - sy) * at(c, v - sy);
        if (y + 1 < n[1]) sum += at(face[1], v) * at(c, v + sy);
        if (z > 0) sum += at(face[2], v - sz) * at(c, v - sz);
        if (z + 1 < n[2]) sum += at(face[2], v) * at(c, v + sz);
        return sum;
    }
};

Level make_level(std::array<std::int64_t, 3> n) {
    Level level;
    level.n = n;
    const auto size = static_cast<std::size_t>(level.size());
    for (Values* values : {&level.face[0], &level.face[1], &level.face[2], &level.diagonal, &level.solution, &level.right, &level.residual}) values->assign(size, 0.0);
    return level;
}

/// body(x, y, z, v) over all voxels, whole rows to a task.
template <class Body>
void for_rows(const Level& level, Context& context, const Body& body) {
    parallel_blocks(context, level.n[1] * level.n[2], level.rows_a_task(), [&](Block block) {
        for (std::int64_t row = block.begin; row < block.end; ++row) body(row % level.n[1], row / level.n[1], row * level.n[0]);
    });
}

/// Gauss-Seidel over the voxels of one colour: they have no face in common, so any order gives the same bits.
void sweep(Level& level, std::int64_t colour, Context& context) {
    for_rows(level, context, [&](std::int64_t y, std::int64_t z, std::int64_t row) {
        for (std::int64_t x = (colour + y + z) % 2; x < level.n[0]; x += 2) {
            const auto v = static_cast<std::size_t>(row + x);
            if (level.diagonal[v] == 0.0) continue;
            level.solution[v] = (level.right[v] + level.from_neighbors(level.solution, x, y, z)) / level.diagonal[v];
        }
    });
}

/// out = A c
void apply(const Level& level, const Values& c, Values& out, Context& context) {
    for_rows(level, context, [&](std::int64_t y, std::int64_t z, std::int64_t row) {
        for (std::int64_t x = 0; x < level.n[0]; ++x) {
            const auto v = static_cast<std::size_t>(row + x);
            out[v] = level.diagonal[v] == 0.0 ? 0.0 : level.diagonal[v] * c[v] - level.from_neighbors(c, x, y, z);
        }
    });
}

void find_residual(Level& level, Context& context) {
    apply(level, level.solution, level.residual, context);
    parallel_blocks(context, level.size(), kBlockVoxels, [&](Block block) {
        for (auto v = static_cast<std::size_t>(block.begin); v < static_cast<std::size_t>(block.end); ++v) {
            level.residual[v] = level.diagonal[v] == 0.0 ? 0.0 : level.right[v] - level.residual[v];
        }
    });
}

double dot(const Values& a, const Values& b, Context& context) {
    return sum_blocks(context, static_cast<std::int64_t>(a.size()), kBlockVoxels, [&](Block block) {
        double sum = 0.0;
        for (auto v = static_cast<std::size_t>(block.begin); v < static_cast<std::size_t>(block.end); ++v) sum += a[v] * b[v];
        return sum;
    });
}

class Multigrid {
public:
    Multigrid(Level finest, Context& context) : context_(context) {
        levels_.push_back(std::move(finest));
        while (levels_.back().size() > kCoarsest && *std::max_element(levels_.back().n.begin(), levels_.back().n.end()) > 2) levels_.push_back(coarsen(levels_.back()));
    }
    Level& finest() { return levels_.front(); }

    /// finest().solution = an approximate, symmetric and positive inverse of A, times finest().right. Uses finest().residual.
    void precondition() {
        std::fill(finest().solution.begin(), finest().solution.end(), 0.0);
        cycle(0);
    }

private:
    static std::size_t coarse_place(const Level& fine, const Level& coarse, std::int64_t x, std::int64_t y, std::int64_t z) {
        const auto half = [](std::int64_t i, std::int64_t n) { return n == 1 ? 0 : i / 2; };
        return static_cast<std::size_t>((half(z, fine.n[2]) * coarse.n[1] + half(y, fine.n[1])) * coarse.n[0] + half(x, fine.n[0]));
    }

    /// Coarse cells join up to 2 x 2 x 2; what is lost adds up, and a coarse face is the sum of the fine ones at half their steepness (twice the distance).
    static Level coarsen(const Level& fine) {
        std::array<std::int64_t, 3> n{};
        for (std::size_t axis = 0; axis < 3; ++axis) n[axis] = (fine.n[axis] + 1) / 2;
        Level coarse = make_level(n);
        for (std::int64_t z = 0, v = 0; z < fine.n[2]; ++z) {
            for (std::int64_t y = 0; y < fine.n[1]; ++y) {
                for (std::int64_t x = 0; x < fine.n[0]; ++x, ++v) {
                    const auto f = static_cast<std::size_t>(v);
                    const std::size_t c = coarse_place(fine, coarse, x, y, z);
                    // The loss is what the diagonal has beyond the faces; it is added up first, faces follow.
                    if (fine.diagonal[f] == 0.0) continue;
                    double faces = 0.0;
                    const std::array<std::int64_t, 3> at{x, y, z};
                    for (std::size_t axis = 0; axis < 3; ++axis) {
                        if (at[axis] > 0) faces += fine.face[axis][f - static_cast<std::size_t>(fine.step()[axis])];
                        if (at[axis] + 1 == fine.n[axis]) continue;
                        faces += fine.face[axis][f];
                        if (at[axis] % 2 == 1) coarse.face[axis][c] += 0.5 * fine.face[axis][f];
                    }
                    coarse.diagonal[c] += std::max(0.0, fine.diagonal[f] - faces);
                }
            }
        }
        add_faces_to_diagonal(coarse);
        return coarse;
    }

    static void add_faces_to_diagonal(Level& level) {
        for (std::size_t axis = 0; axis < 3; ++axis) {
            const auto step = static_cast<std::size_t>(level.step()[axis]);
            for (std::size_t v = 0; v < level.diagonal.size(); ++v) {
                if (level.face[axis][v] == 0.0) continue;
                level.diagonal[v] += level.face[axis][v];
                level.diagonal[v + step] += level.face[axis][v];
            }
        }
    }

    void smooth(Level& level, int first) {
        sweep(level, first, context_);
        sweep(level, 1 - first, context_);
    }

    void cycle(std::size_t l) {
        Level& level = levels_[l];
        if (l + 1 == levels_.size()) {
            for (int k = 0; k < kCoarsestSweeps; ++k) smooth(level, 0);
            for (int k = 0; k < kCoarsestSweeps; ++k) smooth(level, 1);
            return;
        }
        Level& coarse = levels_[l + 1];
        smooth(level, 0);
        find_residual(level, context_);
        std::fill(coarse.solution.begin(), coarse.solution.end(), 0.0);
        gather(level, coarse);
        for (int visit = 0; visit < 2; ++visit) cycle(l + 1);
        for_rows(level, context_, [&](std::int64_t y, std::int64_t z, std::int64_t row) {
            for (std::int64_t x = 0; x < level.n[0]; ++x) {
                const auto v = static_cast<std::size_t>(row + x);
                if (level.diagonal[v] != 0.0) level.solution[v] += coarse.solution[coarse_place(level, coarse, x, y, z)];
            }
        });
        smooth(level, 1);
    }

    /// coarse.right = sums of the fine residual.
    void gather(const Level& fine, Level& coarse) {
        for_rows(coarse, context_, [&](std::int64_t y, std::int64_t z, std::int64_t row) {
            for (std::int64_t x = 0; x < coarse.n[0]; ++x) {
                double sum = 0.0;
                for (std::int64_t fz = 2 * z; fz < std::min(2 * z + 2, fine.n[2]); ++fz) {
                    for (std::int64_t fy = 2 * y; fy < std::min(2 * y + 2, fine.n[1]); ++fy) {
                        for (std::int64_t fx = 2 * x; fx < std::min(2 * x + 2, fine.n[0]); ++fx) {
                            sum += fine.residual[static_cast<std::size_t>((fz * fine.n[1] + fy) * fine.n[0] + fx)];
                        }
                    }
                }
                coarse.right[static_cast<std::size_t>(row + x)] = sum;
            }
        });
    }

    Context& context_;
    std::vector<Level> levels_;
};

/// The system on the field's own grid; solution holds the field's values.
Level system_of(const Field& field, std::int32_t s, std::span<const double> source, std::span<const double> sink) {
    const Grid& grid = field.grid();
    const Substance& substance = field.substance(s);
    const double coupling = substance.diffusion_um2_per_min / (grid.voxel_um * grid.voxel_um);
    Level level = make_level(grid.n);
    const std::array<std::int64_t, 3> stored_step{1, grid.stride(), grid.stride() * grid.n[1]};
    for (std::int64_t z = 0, v = 0; z < grid.n[2]; ++z) {
        for (std::int64_t y = 0; y < grid.n[1]; ++y) {
            for (std::int64_t x = 0; x < grid.n[0]; ++x, ++v) {
                const auto i = static_cast<std::size_t>(v);
                const std::int64_t place = grid.place(x, y, z);
                const auto stored = static_cast<std::size_t>(place);
                level.solution[i] = field.values(s)[stored];
                if (field.is_fixed(s, place)) continue;
                level.right[i] = source[stored];
                level.diagonal[i] = substance.decay_per_min + sink[stored];
                const std::array<std::int64_t, 3> at{x, y, z};
                for (std::size_t axis = 0; axis < 3; ++axis) {
                    for (const std::int64_t side : {std::int64_t{-1}, std::int64_t{1}}) {
                        if (at[axis] + side < 0 || at[axis] + side >= grid.n[axis]) continue;
                        level.diagonal[i] += coupling;
                        const std::int64_t neighbor = place + side * stored_step[axis];
                        if (field.is_fixed(s, neighbor)) level.right[i] += coupling * field.values(s)[static_cast<std::size_t>(neighbor)];
                        else if (side > 0) level.face[axis][i] = coupling;
                    }
                }
            }
        }
    }
    return level;
}

void check_solvable(const Field& field, std::int32_t s, std::span<const double> sink) {
    const Substance& substance = field.substance(s);
    if (!(substance.diffusion_um2_per_min > 0.0)) {
        invalid_data(fmt::format("'{}' has no steady field: its diffusion constant is 0.", substance.name), "Give a diffusion constant, or step the substance in time.");
    }
    bool is_lost = substance.decay_per_min > 0.0;
    for (std::int64_t v = 0; v < field.grid().n_stored() && !is_lost; ++v) is_lost = sink[static_cast<std::size_t>(v)] > 0.0 || field.is_fixed(s, v);
    if (!is_lost) {
        invalid_data(fmt::format("'{}' has no steady field: nothing takes it away.", substance.name), "Give it a decay, uptake by cells, or voxels of a fixed concentration.");
    }
}

}  // namespace

SteadyResult solve_steady(Field& field, std::int32_t s, std::span<const double> source, std::span<const double> sink, const SteadyOptions& options, Context& context) {
    MORULA_ASSERT(static_cast<std::int64_t>(source.size()) == field.grid().n_stored() && sink.size() == source.size());
    check_solvable(field, s, sink);
    context.require_memory(80 * field.grid().n_voxels(), "the steady field");
    Level system = system_of(field, s, source, sink);
    Values c = system.solution;
    find_residual(system, context);
    const double scale = std::sqrt(dot(system.right, system.right, context));
    // From here on the right side is what is left of it, which the cycles are asked for; their solution is z and their residual's place serves for A p.
    std::swap(system.right, system.residual);
    SteadyResult result;
    result.residual = std::sqrt(dot(system.right, system.right, context));
    if (scale == 0.0) {
        // Neither sources nor fixed voxels: nothing is left.
        for (std::size_t v = 0; v < c.size(); ++v) c[v] = system.diagonal[v] == 0.0 ? c[v] : 0.0;
        result.residual = 0.0;
    }
    const double goal = options.tolerance * scale;
    Multigrid multigrid(std::move(system), context);
    Values& r = multigrid.finest().right;
    Values& ap = multigrid.finest().residual;
    const Values& z = multigrid.finest().solution;
    Values p(c.size(), 0.0);
    double before = 1.0;
    while (result.residual > goal && result.rounds < options.most_rounds) {
        multigrid.precondition();
        const double now = dot(r, z, context);
        const double keep = result.rounds == 0 ? 0.0 : now / before;
        parallel_blocks(context, static_cast<std::int64_t>(p.size()), kBlockVoxels, [&](Block block) {
            for (auto v = static_cast<std::size_t>(block.begin); v < static_cast<std::size_t>(block.end); ++v) p[v] = z[v] + keep * p[v];
        });
        apply(multigrid.finest(), p, ap, context);
        const double far = now / dot(p, ap, context);
        parallel_blocks(context, static_cast<std::int64_t>(p.size()), kBlockVoxels, [&](Block block) {
            for (auto v = static_cast<std::size_t>(block.begin); v < static_cast<std::size_t>(block.end); ++v) {
                c[v] += far * p[v];
                r[v] -= far * ap[v];
            }
        });
        result.residual = std::sqrt(dot(r, r, context));
        before = now;
        ++result.rounds;
    }
    if (!(result.residual <= goal)) {
        invalid_data(fmt::format("The steady field of '{}' was not found in {} rounds: the residual is {:.2g} of the sources.", field.substance(s).name, result.rounds, result.residual / scale),
                     "Look at its rates: something must carry it away (decay, uptake, walls or vessels), and what comes in must be a number. Or step it in time (pace = \"stepped\").");
    }
    result.residual = scale > 0.0 ? result.residual / scale : 0.0;
    const Grid& grid = field.grid();
    for (std::int64_t row = 0; row < grid.n[1] * grid.n[2]; ++row) std::copy_n(c.begin() + row * grid.n[0], grid.n[0], field.values(s).begin() + row * grid.stride());
    return result;
}

}  // namespace morula::simulation
