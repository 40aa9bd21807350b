// Variances with unequal, even fractional, degrees of freedom squeezed towards a trend.
#pragma once

#include <span>

#include "morula/analysis/squeeze_variances.hpp"

namespace morula::analysis {

/// As squeeze_variances, for degrees of freedom that differ much and may lie below 1. s^2 / prior is again taken as F(df, prior_df). The log prior is a smooth course of
/// ln s^2, less the mean of ln(chi-squared / df), along the covariate: weighted_lowess, each gene weighted by 1 / trigamma(df / 2), the inverse of the variance of ln s^2 that
/// its df leave; span .3 + .7 (500 / n)^(1/3), 1 for n <= 500. prior_df has the greatest likelihood between 2 and about 8,100, where it makes no difference any more.
/// Variances are at least 1e-12 of the median of those above zero. Genes with less than .01 df take the course and have no say in it.
/// covariate: one a gene. Conventions of limma 3.62 (squeezeVar with legacy = FALSE, not robust). Fewer than 3 genes are not squeezed: prior_df 0.
SqueezedVariances squeeze_unequal_variances(std::span<const double> variance, std::span<const double> df, std::span<const double> covariate);

}  // namespace morula::analysis
