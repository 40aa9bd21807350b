// Two-sided p values in log space, so that they never underflow, and their false discovery rate.
#pragma once

#include <span>
#include <vector>

namespace morula::analysis {

/// log10 of the two-sided p value of a standard normal z; 0 for z = 0, NaN for NaN.
double log10_p_normal(double z);
/// log10 of the two-sided p value of Student's t with `df` degrees of freedom (> 0).
double log10_p_student(double t, double df);
/// Benjamini & Hochberg 1995 in log space; NaN takes no part and stays NaN.
std::vector<double> log10_fdr(std::span<const double> log10_p);

}  // namespace morula::analysis
