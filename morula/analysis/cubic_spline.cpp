#include "morula/analysis/cubic_spline.hpp"

#include <algorithm>
#include <cmath>

#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

/// Third divided difference of the four points from `first` on.
double third_difference(std::span<const double> x, std::span<const double> y, std::size_t first) {
    double difference[4];
    for (std::size_t i = 0; i < 4; ++i) difference[i] = y[first + i];
    for (std::size_t order = 1; order < 4; ++order) {
        for (std::size_t i = 0; i + order < 4; ++i) difference[i] = (difference[i + 1] - difference[i]) / (x[first + i + order] - x[first + i]);
    }
    return difference[0];
}

}  // namespace

SplineKnots::SplineKnots(std::vector<double> knots) : knots_(std::move(knots)) { MORULA_ASSERT(knots_.size() >= 4); }

std::vector<double> SplineKnots::curvatures(std::span<const double> values) const {
    const std::size_t n = knots_.size();
    std::vector<double> diagonal(n), above(n), right(n);
    std::vector<double> width(n - 1), slope(n - 1);
    for (std::size_t i = 0; i + 1 < n; ++i) {
        width[i] = knots_[i + 1] - knots_[i];
        slope[i] = (values[i + 1] - values[i]) / width[i];
    }
    // Rows: w[i-1] s[i-1] + 2 (w[i-1] + w[i]) s[i] + w[i] s[i+1] = slope[i] - slope[i-1]; the ends fix the third derivative.
    diagonal[0] = -width[0];
    above[0] = width[0];
    right[0] = width[0] * width[0] * third_difference(knots_, values, 0);
    for (std::size_t i = 1; i + 1 < n; ++i) {
        diagonal[i] = 2.0 * (width[i - 1] + width[i]);
        above[i] = width[i];
        right[i] = slope[i] - slope[i - 1];
    }
    diagonal[n - 1] = -width[n - 2];
    right[n - 1] = -width[n - 2] * width[n - 2] * third_difference(knots_, values, n - 4);
    for (std::size_t i = 1; i < n; ++i) {
        const double factor = width[i - 1] / diagonal[i - 1];
        diagonal[i] -= factor * above[i - 1];
        right[i] -= factor * right[i - 1];
    }
    std::vector<double> out(n);
    for (std::size_t i = n; i-- > 0;) out[i] = (right[i] - (i + 1 < n ? above[i] * out[i + 1] : 0.0)) / diagonal[i];
    return out;
}

double SplineKnots::maximum(std::span<const double> values) const {
    const auto top = static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
    const std::vector<double> s = curvatures(values);
    double best = knots_[top];
    double best_value = values[top];
    for (std::size_t i = top == 0 ? 0 : top - 1; i <= top && i + 1 < knots_.size(); ++i) {
        const double width = knots_[i + 1] - knots_[i];
        // value + b t + c t^2 + d t^3 for t from the left knot; its derivative has a maximum where 2 c + 6 d t < 0.
        const double b = (values[i + 1] - values[i]) / width - width * (s[i + 1] + 2.0 * s[i]);
        const double c = 3.0 * s[i];
        const double d = (s[i + 1] - s[i]) / width;
        const double discriminant = c * c - 3.0 * b * d;
        if (!(discriminant >= 0.0)) continue;
        // The root with the falling derivative, in the form that does not cancel.
        const double root = std::sqrt(discriminant);
        const double t = c <= 0.0 ? b / (-c + root) : (-c - root) / (3.0 * d);
        if (!(t > 0.0 && t < width)) continue;
        const double value = values[i] + t * (b + t * (c + t * d));
        if (value > best_value) {
            best = knots_[i] + t;
            best_value = value;
        }
    }
    return best;
}

}  // namespace morula::analysis
