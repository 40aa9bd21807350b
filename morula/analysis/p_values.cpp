#include "morula/analysis/p_values.hpp"

#include <algorithm>
#include <array>
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

/// Integral of exp(-v^2 / 2) beyond w, over exp(-w^2 / 2); w >= 0.
double tail_over_density(double w) {
    if (w < 30.0) return std::sqrt(0.5 * std::numbers::pi) * std::erfc(w / std::numbers::sqrt2) * std::exp(0.5 * w * w);
    const double y = 1.0 / (w * w);
    return (1.0 - y * (1.0 - 3.0 * y * (1.0 - 5.0 * y * (1.0 - 7.0 * y)))) / w;
}

constexpr double kManyDf = 200.0;
constexpr double kSmallShare = 0.5;

/// ln P(|T| > t) for many degrees of freedom, share = ln(1 + t^2 / df) small. With w^2 = df share, the density in w is exp(-w^2 / 2) g(w^2 / df) up to a constant,
/// g(s) = sqrt(s / (1 - exp(-s))); g's power series times the moments of a normal tail is what an incomplete beta function takes hundreds of terms for (Temme 1979,
/// the idea of uniform expansions). Within 1e-12 of the logarithm where it is used.
double log_p_student_many(double df, double share) {
    constexpr std::array<double, 10> g{1.0,           1.0 / 4.0,         1.0 / 96.0,           -1.0 / 384.0,             -1.0 / 10240.0,
                                       19.0 / 368640.0, 79.0 / 61931520.0, -55.0 / 49545216.0, -2339.0 / 118908518400.0, 11813.0 / 475634073600.0};
    const double square = df * share;
    const double w = std::sqrt(square);
    // Moments of exp(-v^2 / 2) beyond w over exp(-w^2 / 2), and over the whole half line: M_2k = w^(2k - 1) + (2k - 1) M_2k-2.
    double moment = tail_over_density(w);
    double whole = std::sqrt(0.5 * std::numbers::pi);
    double power = w;
    double scale = 1.0;
    double tail_sum = moment;
    double whole_sum = whole;
    for (std::size_t k = 1; k < g.size(); ++k) {
        const auto odd = static_cast<double>(2 * k - 1);
        moment = power + odd * moment;
        whole *= odd;
        power *= square;
        scale /= df;
        tail_sum += g[k] * scale * moment;
        whole_sum += g[k] * scale * whole;
    }
    return std::log(tail_sum / whole_sum) - 0.5 * square;
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
    const double share = std::log1p(square / df);
    if (df >= kManyDf && share <= kSmallShare) return std::min(0.0, log_p_student_many(df, share) / std::numbers::ln10);
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
