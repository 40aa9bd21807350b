// Means over made-up cohorts, with how far they are to be trusted.
#pragma once

#include <cmath>
#include <vector>

namespace morula::test {

struct Mean {
    double mean = 0.0;
    double se = 0.0;  // standard error
};

/// Of two values or more.
inline Mean mean_of(const std::vector<double>& values) {
    Mean out;
    const auto n = static_cast<double>(values.size());
    for (const double value : values) out.mean += value / n;
    for (const double value : values) out.se += (value - out.mean) * (value - out.mean);
    out.se = std::sqrt(out.se / (n - 1.0) / n);
    return out;
}

}  // namespace morula::test
