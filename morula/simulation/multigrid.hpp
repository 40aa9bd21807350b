// Steady concentrations: where a substance is fast beside the cells, its field is solved for instead of stepped.
#pragma once

#include <cstdint>
#include <span>

#include "morula/core/context.hpp"
#include "morula/simulation/field.hpp"

namespace morula::simulation {

struct SteadyOptions {
    double tolerance = 1e-10;       // of the residual's 2-norm, relative to that of the right side
    std::int32_t most_rounds = 100;
};

struct SteadyResult {
    std::int32_t rounds = 0;
    double residual = 0.0;  // relative
};

/// Solves 0 = D laplace(c) - (decay + sink) c + source for one substance of the field, from the values that stand there; voxels fixed by Field::fix keep theirs,
/// walls let nothing through. source: concentration a min, of any sign; sink: 1 / min, at least 0; both in grid order.
/// Finite volumes of second order; conjugate gradients with one multigrid W-cycle as the preconditioner (cells joined by 2 along each axis, red-black
/// Gauss-Seidel forward before and backward after, so that it is symmetric; see Trottenberg, Oosterlee & Schueller 2001, Multigrid). The number of rounds does
/// not grow with the grid. Same bits for any number of threads. Memory: about 80 bytes a voxel.
/// Throws invalid_data when nothing takes the substance away, when it does not spread, and when the tolerance is not reached.
SteadyResult solve_steady(Field& field, std::int32_t substance, std::span<const double> source, std::span<const double> sink, const SteadyOptions& options, Context& context);

}  // namespace morula::simulation
