// The cubic spline through given points, and where it is highest.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace morula::analysis {

/// Splines over the same knots. Ends as in Forsythe, Malcolm & Moler 1977 (ch. 4): the third derivative there is that of the cubic through the four nearest
/// points, which is also R's splinefun(method = "fmm"). At least four knots, strictly increasing.
class SplineKnots {
public:
    explicit SplineKnots(std::vector<double> knots);

    /// The x at which the spline through `values` is highest, looked for on both sides of the highest knot; the first one where knots tie.
    double maximum(std::span<const double> values) const;

private:
    /// Half of a third of the second derivative at each knot.
    std::vector<double> curvatures(std::span<const double> values) const;

    std::vector<double> knots_;
};

}  // namespace morula::analysis
