// Variances of many genes squeezed towards a common value or a trend (Smyth 2004; Phipson et al. 2016 for the trend).
#pragma once

#include <span>
#include <vector>

namespace morula::analysis {

struct SqueezedVariances {
    std::vector<double> prior;      // n, or one value for all where there is no trend: filled for every gene
    std::vector<double> posterior;  // n
    double prior_df = 0.0;          // may be infinite: all genes share the prior
};

/// variance[i] is s^2 with df[i] degrees of freedom (0: none, its value counts for nothing). s^2 / prior is taken as F(df, prior_df); the prior's location and df
/// come from the mean and variance of ln s^2. covariate: empty for one prior, else the log prior is a natural cubic spline of it with 1 + (n >= 3) + (n >= 6) +
/// (n >= 30) degrees of freedom, knots at its quantiles. Zero variances are moved to 1e-5 of the median. Conventions of limma's squeezeVar, not robust.
/// Fewer than 3 genes are not squeezed: prior_df 0.
SqueezedVariances squeeze_variances(std::span<const double> variance, std::span<const double> df, std::span<const double> covariate);

}  // namespace morula::analysis
