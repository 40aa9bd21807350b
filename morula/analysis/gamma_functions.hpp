// The gamma function's logarithm and its derivatives, for positive numbers; safe to call from many threads.
#pragma once

namespace morula::analysis {

/// ln Gamma(x), x > 0: absolute error below 1e-13 (|ln Gamma| + 1).
double log_gamma(double x);
/// First, second and third derivative of ln Gamma, x > 0; relative error below 1e-13 (digamma near its zero at 1.46: absolute).
double digamma(double x);
double trigamma(double x);
double tetragamma(double x);
/// The x > 0 with trigamma(x) = y, y > 0; infinite for y = 0.
double inverse_trigamma(double y);

}  // namespace morula::analysis
