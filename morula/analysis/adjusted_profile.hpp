// The profile likelihood of each gene's dispersion, adjusted for the coefficients that were fitted (Cox & Reid 1987).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/analysis/nb_dispersion.hpp"

namespace morula::analysis {

/// The usual grid of dispersions is kGridCentre * 2^x at x = -10, -9, ..., 10.
inline constexpr double kGridCentre = 0.1;
std::vector<double> grid_log2();

/// kGridCentre * 2^log2
double grid_dispersion(double log2);

/// Genes x dispersions (all > 0): log likelihood of the best fit at each dispersion less half of ln det X'WX, up to a constant a gene. Samples that a gene's fit puts at
/// zero are left out of it together with the coefficients that only they tell; a gene without residual degrees of freedom gets zeros.
matrix::Dense<double> adjusted_profiles(const CountTable& table, const NbDesign& design, std::span<const double> dispersions, Context& context);

/// 1 where count and fitted mean are both below 1e-4.
void mark_zero_fits(std::span<const double> counts, std::span<const double> mu, std::span<std::uint8_t> zero);

}  // namespace morula::analysis
