#include "morula/simulation/directions.hpp"

#include <cmath>
#include <numbers>

namespace morula::simulation {

std::array<double, 3> random_direction(Random& random, int dimensions) {
    const double angle = 2.0 * std::numbers::pi * random.uniform();
    const double z = dimensions == 3 ? 2.0 * random.uniform() - 1.0 : 0.0;
    const double across = std::sqrt(1.0 - z * z);
    return {across * std::cos(angle), across * std::sin(angle), z};
}

}  // namespace morula::simulation
