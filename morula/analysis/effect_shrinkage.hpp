// Effects drawn towards zero by how little is known of them, so that a ranking by size is not a ranking by noise.
#pragma once

#include <span>
#include <vector>

namespace morula::analysis {

struct ShrunkenEffects {
    std::vector<double> effect;  // as long as the input; NaN where effect or error is not finite
    double scale = 0.0;          // of the Cauchy prior
};

/// Highest posterior value of each effect under a Cauchy prior around zero and a normal likelihood N(effect, se^2): large effects that are well measured stay
/// nearly as they are, uncertain ones go to zero (Zhu, Ibrahim & Love 2019, who use the whole likelihood where we take its normal approximation).
/// The prior's scale is the square root of the variance A that makes all effects most likely as N(0, A + se^2), as there; at least .001.
ShrunkenEffects shrink_effects(std::span<const double> effect, std::span<const double> se);

/// The same for one effect and a known scale > 0.
double shrink_effect(double effect, double se, double scale);

}  // namespace morula::analysis
