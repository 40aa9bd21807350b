// Mean and median of a list of numbers, the one place for both.
#pragma once

#include <span>
#include <vector>

namespace morula::analysis {

/// The middle value, of an even count the mean of the two in the middle; NaN without values. No value may be NaN.
double median(std::vector<double> values);

/// Added in order; NaN without values.
double mean_of(std::span<const double> values);

}  // namespace morula::analysis
