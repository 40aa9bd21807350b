#include "morula/analysis/p_values.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace morula::analysis {
namespace {

/// ln B(a, b), safe to call from many threads.
double log_beta(double a, double b) {
    int sign = 0;
    return ::lgamma_r(a, &sign) + ::lgamma_r(b, &sign) - ::lgamma_r(a + b, &sign);
}

/// Continued fraction of the incomplete beta function (Abramowitz & Stegun 26.5.8) by the modified Lentz method; converges fast for x < (a + 1) / (a + b + 2).
double beta_fraction(double a, double b, double x) {
    constexpr double tiny = 1e-300;
    constexpr int most_terms = 5000;
    double c = 1.0;
    double d = 1.0 - (a + b) * x / (a + 1.0);
    d = 1.0 / (std::abs(d) < tiny ? tiny : d);
    double value = d;
    for (int m = 1; m < most_terms; ++m) {
        const double even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 + even * d;
        c = 1.0 + even / c;
        d = 1.0 / (std::abs(d) < tiny ? tiny : d);
        c = std::abs(c) < tiny ? tiny : c;
        value *= d * c;
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 + odd * d;
        c = 1.0 + odd / c;
        d = 1.0 / (std::abs(d) < tiny ? tiny : d);
        c = std::abs(c) < tiny ? tiny : c;
        value *= d * c;
        if (std::abs(d * c - 1.0) < 1e-15) break;
    }
    return value;
}

/// ln I_x(a, b); x and 1 - x are both given, since one of them may be tiny.
double log_incomplete_beta(double a, double b, double x, double one_minus_x) {
    const double log_front = a * std::log(x) + b * std::log(one_minus_x) - log_beta(a, b);
    if (x < (a + 1.0) / (a + b + 2.0)) return log_front - std::log(a) + std::log(beta_fraction(a, b, x));
    const double rest = std::exp(log_front) * beta_fraction(b, a, one_minus_x) / b;
    return std::log1p(-std::min(rest, 1.0));
}

}  // namespace

double log10_p_normal(double z) {
    const double x = std::abs(z) / std::numbers::sqrt2;
    if (std::isnan(x)) return x;
    if (x < 25.0) return std::log10(std::erfc(x));
    // erfc(x) ~ exp(-x^2) / (x sqrt(pi)) * (1 - 1/(2 x^2) + 3/(4 x^4))
    const double y = 1.0 / (x * x);
    return (-x * x - std::log(x) - 0.5 * std::log(std::numbers::pi) + std::log1p(-0.5 * y + 0.75 * y * y)) / std::numbers::ln10;
}

double log10_p_student(double t, double df) {
    if (std::isnan(t) || !(df > 0.0)) return std::numeric_limits<double>::quiet_NaN();
    if (t == 0.0) return 0.0;
    if (std::isinf(t)) return -std::numeric_limits<double>::infinity();
    const double square = t * t;
    return std::min(0.0, log_incomplete_beta(0.5 * df, 0.5, df / (df + square), square / (df + square)) / std::numbers::ln10);
}

std::vector<double> log10_fdr(std::span<const double> log10_p) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < log10_p.size(); ++i) {
        if (!std::isnan(log10_p[i])) order.push_back(i);
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return log10_p[a] != log10_p[b] ? log10_p[a] < log10_p[b] : a < b; });
    std::vector<double> fdr(log10_p.size(), std::numeric_limits<double>::quiet_NaN());
    const auto n = static_cast<double>(order.size());
    double least = 0.0;
    for (std::size_t rank = order.size(); rank-- > 0;) {
        least = std::min(least, log10_p[order[rank]] + std::log10(n / static_cast<double>(rank + 1)));
        fdr[order[rank]] = least;
    }
    return fdr;
}

}  // namespace morula::analysis
