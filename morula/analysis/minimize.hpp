// The lowest point of a function of one number on an interval.
#pragma once

#include <functional>

namespace morula::analysis {

/// Brent 1973, chapter 5: parabolas through the three lowest points so far, golden sections where those do not help; the ends themselves are never tried.
/// tolerance: of the place, on top of 1.5e-8 of its size. With several minima one of them. low < high, tolerance > 0; `function` finite.
double minimize(const std::function<double(double)>& function, double low, double high, double tolerance);

}  // namespace morula::analysis
