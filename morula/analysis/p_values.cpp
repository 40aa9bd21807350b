#include "morula/analysis/p_values.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "morula/analysis/gamma_functions.hpp"

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
    const double log_x = x < 0.5 ? std::log(x) : std::log1p(-one_minus_x);
    const double log_rest = one_minus_x < 0.5 ? std::log(one_minus_x) : std::log1p(-x);
    const double log_front = a * log_x + b * log_rest - log_beta(a, b);
    if (x < (a + 1.0) / (a + b + 2.0)) return log_front - std::log(a) + std::log(beta_fraction(a, b, x));
    const double rest = std::exp(log_front) * beta_fraction(b, a, one_minus_x) / b;
    return std::log1p(-std::min(rest, 1.0));
}

/// ln Q(a, x), the upper incomplete gamma function over Gamma(a): series below a + 1, continued fraction (Lentz) above.
double log_upper_gamma(double a, double x) {
    const double log_front = a * std::log(x) - x - log_gamma(a);
    constexpr int most_terms = 10'000;
    if (x < a + 1.0) {
        double term = 1.0 / a;
        double sum = term;
        for (int n = 1; n < most_terms && term > sum * 1e-17; ++n) {
            term *= x / (a + n);
            sum += term;
        }
        return std::log1p(-std::min(std::exp(log_front) * sum, 1.0));
    }
    constexpr double tiny = 1e-300;
    double b = x + 1.0 - a;
    double c = 1.0 / tiny;
    double d = 1.0 / b;
    double value = d;
    for (int n = 1; n < most_terms; ++n) {
        const double an = -n * (n - a);
        b += 2.0;
        d = an * d + b;
        d = 1.0 / (std::abs(d) < tiny ? tiny : d);
        c = b + an / c;
        c = std::abs(c) < tiny ? tiny : c;
        value *= d * c;
        if (std::abs(d * c - 1.0) < 1e-15) break;
    }
    return log_front + std::log(value);
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

double log10_p_chi_squared(double x, double df) {
    if (std::isnan(x) || !(df > 0.0)) return std::numeric_limits<double>::quiet_NaN();
    if (x <= 0.0) return 0.0;
    if (std::isinf(x)) return -x;
    return std::min(0.0, log_upper_gamma(0.5 * df, 0.5 * x) / std::numbers::ln10);
}

double log10_p_f(double f, double df1, double df2) {
    if (std::isnan(f) || !(df1 > 0.0) || !(df2 > 0.0)) return std::numeric_limits<double>::quiet_NaN();
    if (f <= 0.0) return 0.0;
    if (std::isinf(f)) return -f;
    // The difference is below rounding of the logarithms of the gamma function there.
    constexpr double nearly_infinite = 1e8;
    if (df2 > nearly_infinite) return log10_p_chi_squared(df1 * f, df1);
    const double sum = df2 + df1 * f;
    return std::min(0.0, log_incomplete_beta(0.5 * df2, 0.5 * df1, df2 / sum, df1 * f / sum) / std::numbers::ln10);
}

double student_quantile(double log10_p, double df) {
    double low = 0.0;
    double high = 1.0;
    const auto tail = [df](double t) { return log10_p_f(t * t, 1.0, df); };
    while (tail(high) > log10_p && high < 1e150) high *= 2.0;
    for (int i = 0; i < 200 && high - low > 1e-14 * high; ++i) {
        const double middle = 0.5 * (low + high);
        (tail(middle) > log10_p ? low : high) = middle;
    }
    return 0.5 * (low + high);
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
