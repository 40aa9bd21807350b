#include "morula/analysis/gamma_functions.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace morula::analysis {
namespace {

// Asymptotic series (Abramowitz & Stegun 6.1.40, 6.3.18, 6.4.12-14) from here on; smaller arguments are moved up by the recurrence.
constexpr double kAsymptotic = 12.0;
constexpr double kHalfLogTwoPi = 0.91893853320467274178;

}  // namespace

double log_gamma(double x) {
    double shift = 1.0;
    for (; x < kAsymptotic; x += 1.0) shift *= x;
    const double y = 1.0 / (x * x);
    const double series = (1.0 / 12.0 - y * (1.0 / 360.0 - y * (1.0 / 1260.0 - y * (1.0 / 1680.0 - y * (1.0 / 1188.0 - y * (691.0 / 360360.0)))))) / x;
    const double value = (x - 0.5) * std::log(x) - x + kHalfLogTwoPi + series;
    return shift == 1.0 ? value : value - std::log(shift);
}

double digamma(double x) {
    double below = 0.0;
    for (; x < kAsymptotic; x += 1.0) below += 1.0 / x;
    const double y = 1.0 / (x * x);
    const double series = y * (1.0 / 12.0 - y * (1.0 / 120.0 - y * (1.0 / 252.0 - y * (1.0 / 240.0 - y * (1.0 / 132.0 - y * (691.0 / 32760.0))))));
    return std::log(x) - 0.5 / x - series - below;
}

double trigamma(double x) {
    double below = 0.0;
    for (; x < kAsymptotic; x += 1.0) below += 1.0 / (x * x);
    const double y = 1.0 / (x * x);
    const double series = y * (1.0 / 6.0 - y * (1.0 / 30.0 - y * (1.0 / 42.0 - y * (1.0 / 30.0 - y * (5.0 / 66.0 - y * (691.0 / 2730.0))))));
    return below + (1.0 + 0.5 / x + series) / x;
}

double tetragamma(double x) {
    double below = 0.0;
    for (; x < kAsymptotic; x += 1.0) below += 2.0 / (x * x * x);
    const double y = 1.0 / (x * x);
    const double series = y * (0.5 - y * (1.0 / 6.0 - y * (1.0 / 6.0 - y * (0.3 - y * (5.0 / 6.0 - y * (691.0 / 210.0))))));
    return -below - y * (1.0 + 1.0 / x + series);
}

double inverse_trigamma(double y) {
    if (!(y > 0.0)) return std::numeric_limits<double>::infinity();
    // trigamma(x) ~ 1/x^2 below and 1/x above; between, Newton's steps on 1 / trigamma, which is convex, rise to the root from the left of it.
    if (y > 1e7) return 1.0 / std::sqrt(y);
    if (y < 1e-6) return 1.0 / y;
    double x = 0.5 + 1.0 / y;
    for (int i = 0; i < 50; ++i) {
        const double value = trigamma(x);
        const double step = value * (1.0 - value / y) / tetragamma(x);
        x += step;
        if (std::abs(step) < 1e-15 * x) break;
    }
    return x;
}

}  // namespace morula::analysis
