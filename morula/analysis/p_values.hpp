// Two-sided p values in log space, so that they never underflow, and their false discovery rate.
#pragma once

#include <span>
#include <vector>

namespace morula::analysis {

/// log10 of the two-sided p value of a standard normal z; 0 for z = 0, NaN for NaN.
double log10_p_normal(double z);
/// log10 of the two-sided p value of Student's t with `df` degrees of freedom (> 0).
double log10_p_student(double t, double df);
/// log10 of the upper tail of chi-squared with `df` degrees of freedom (> 0), and of F with df1 and df2 (> 0, may be infinite); 0 for a statistic of 0 or less.
double log10_p_chi_squared(double x, double df);
double log10_p_f(double f, double df1, double df2);
/// The t that Student's t with `df` degrees of freedom exceeds in size with probability 10^log10_p (two-sided); df may be infinite.
double student_quantile(double log10_p, double df);
/// Benjamini & Hochberg 1995 in log space; NaN takes no part and stays NaN.
std::vector<double> log10_fdr(std::span<const double> log10_p);

}  // namespace morula::analysis
