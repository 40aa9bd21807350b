// Random directions.
#pragma once

#include <array>

#include "morula/core/random.hpp"

namespace morula::simulation {

/// Even on the unit sphere (dimensions 3) or the unit circle in the x-y plane (2). Takes two draws, or one.
std::array<double, 3> random_direction(Random& random, int dimensions);

}  // namespace morula::simulation
