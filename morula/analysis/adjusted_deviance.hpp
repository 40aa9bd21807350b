// Quasi-dispersions from deviances that are adjusted for small counts (Chen, Chen, Lun, Baldoni & Smyth 2025, edgeR 4).
#pragma once

#include <span>
#include <vector>

#include "morula/analysis/nb_dispersion.hpp"

namespace morula::analysis {

/// Residual degrees of freedom that tell nothing of a gene.
inline constexpr double kHardlyAnyDf = 1e-8;

struct AdjustedDeviances {
    double common_dispersion = 0.0;  // phi, of the most expressed genes
    double average_quasi = 1.0;      // average quasi-dispersion s of expressed genes, at least 1
    double dispersion = 0.0;         // phi / s: that of the fits, for variances s (mu + phi / s mu^2)
    std::vector<double> deviance;    // n_genes, adjusted
    std::vector<double> residual_df; // n_genes, fractional
};

/// Where counts are small, a unit deviance about its true mean has not the mean 1 and the variance 2 of chi-squared with one degree of freedom. Its true moments m and v
/// (nb_deviance_moments at mean mu / s and dispersion phi) make a d, a = 2 m / v, one of chi-squared with a m degrees of freedom; deviance: the sum of a d; residual_df: of
/// a m (1 - leverage). phi: common_dispersion of the genes with the highest average_log_cpm, a share of .02 + .98 (20 / (genes x sqrt(samples - coefficients)))^(1/3).
/// s: 1, then twice what the quasi-dispersions deviance / residual_df at the s before say: their fourth roots' robust course along average_log_cpm (weighted_lowess, half
/// of the genes), its 90 % quantile over genes, to the fourth. Means are fitted at phi until s is known, then at phi / s.
/// Throws invalid_data when no gene has 5 counts.
AdjustedDeviances adjusted_deviances(const CountTable& table, const NbDesign& design, std::span<const double> average_log_cpm, Context& context);

}  // namespace morula::analysis
