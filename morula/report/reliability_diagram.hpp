// Whether confidences mean what they say, as a drawing of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace morula::report {

/// Calls of like confidence, all shares from 0 to 1; low and high: NaN without an interval.
struct ReliabilityPoint {
    double confidence = 0.0;
    double right = 0.0;
    double low = 0.0;
    double high = 0.0;
    std::int64_t n_cells = 0;
};

/// Share of right calls over confidence, with intervals between donors, the diagonal on which both agree, and bars of how many cells stand behind each point.
/// A whole SVG file with its style, light and dark.
std::string reliability_diagram(const std::vector<ReliabilityPoint>& points);

}  // namespace morula::report
