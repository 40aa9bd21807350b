// Mean, median and quantiles of a list of numbers, the one place for them.
#pragma once

#include <span>
#include <vector>

namespace morula::analysis {

/// The middle value, of an even count the mean of the two in the middle; NaN without values. No value may be NaN.
double median(std::vector<double> values);

/// Linear between order statistics (type 7 of Hyndman & Fan 1996): share 0 is the least, 1 the largest value; NaN without values. No value may be NaN.
double quantile(std::vector<double> values, double share);

/// Added in order; NaN without values.
double mean_of(std::span<const double> values);

}  // namespace morula::analysis
