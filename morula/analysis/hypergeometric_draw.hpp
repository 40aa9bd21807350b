// Random draws from the hypergeometric distribution, in time that does not grow with the number drawn.
#pragma once

#include <cstdint>

#include "morula/core/random.hpp"

namespace morula::analysis {

/// How many of `drawn` items taken without replacement from `population`, of which `marked` are marked, are marked. 0 <= marked, drawn <= population < 2^52.
/// Mean drawn x marked / population. Exact by inversion from the mode outwards while the standard deviation is below 50 (about that many steps); above, a normal
/// number rounded to the nearest integer, which is off by less than 1 % of a standard deviation.
std::int64_t hypergeometric_draw(std::int64_t population, std::int64_t marked, std::int64_t drawn, Random& random);

}  // namespace morula::analysis
