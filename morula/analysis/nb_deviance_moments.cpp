#include "morula/analysis/nb_deviance_moments.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "morula/analysis/gamma_functions.hpp"
#include "morula/analysis/nb_glm.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr double kMostSummed = 2'000.0;
constexpr double kFirstIntegrated = 512.0;
constexpr double kLogLow = -9.25;   // ln 1e-4, rounded down to a point of the table
constexpr double kLogHigh = 20.75;  // ln 1e9, rounded up
constexpr double kPointsOfUnit = 16.0;
constexpr std::int64_t kPointsOfTask = 16;

/// ln x! less Stirling's (x + 1/2) ln x - x + ln(2 pi) / 2, x > 0.
double stirling_error(double x) {
    if (x < 16.0) return log_gamma(x + 1.0) - (x + 0.5) * std::log(x) + x - 0.5 * std::log(2.0 * std::numbers::pi);
    const double square = 1.0 / (x * x);
    return (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - square / 1680.0) * square) * square) / x;
}

/// Probabilities by the saddlepoint form, in which the deviance stands itself (Loader 2000): exp(-d / 2) times what is left at mu = y, free of large terms that cancel.
class Density {
public:
    Density(double mu, double dispersion) : mu_(mu), dispersion_(dispersion), r_(dispersion > 0.0 ? 1.0 / dispersion : 0.0), error_of_r_(dispersion > 0.0 ? stirling_error(r_) : 0.0) {}

    /// Adds weight * probability of y to the sum of probabilities, deviances and squared deviances.
    void add(double y, double weight, std::array<double, 3>& sums) const {
        const double deviance = nb_unit_deviance(y, mu_, dispersion_);
        const double p = weight * std::exp(-0.5 * deviance) * at_own_mean(y);
        sums[0] += p;
        sums[1] += p * deviance;
        sums[2] += p * deviance * deviance;
    }

private:
    double at_own_mean(double y) const {
        if (y == 0.0) return 1.0;
        if (r_ == 0.0) return std::exp(-stirling_error(y)) / std::sqrt(2.0 * std::numbers::pi * y);
        return std::sqrt(r_ / (2.0 * std::numbers::pi * y * (y + r_))) * std::exp(stirling_error(y + r_) - error_of_r_ - stirling_error(y));
    }

    double mu_;
    double dispersion_;
    double r_;
    double error_of_r_;
};

/// Ten points on [-1, 1] and their weights; those below zero mirror them (Abramowitz & Stegun 25.4.30).
constexpr std::array<double, 5> kGaussPoint{0.1488743389816312, 0.4333953941292472, 0.6794095682990244, 0.8650633666889845, 0.9739065285171717};
constexpr std::array<double, 5> kGaussWeight{0.2955242247147529, 0.2692667193099963, 0.2190863625159821, 0.1494513491505806, 0.0666713443086881};

/// The sum over counts from `first` to `last` as the integral from first - 1/2 on, in panels about as wide as the distribution.
void integrate(const Density& density, double first, double last, double panel, std::array<double, 3>& sums) {
    const double low = std::log(first - 0.5);
    const auto n = static_cast<int>(std::ceil((std::log(last) - low) / panel));
    const double half = 0.5 * (std::log(last) - low) / n;
    for (int k = 0; k < n; ++k) {
        const double middle = low + (2.0 * k + 1.0) * half;
        for (std::size_t i = 0; i < kGaussPoint.size(); ++i) {
            for (const double side : {-1.0, 1.0}) {
                const double y = std::exp(middle + side * half * kGaussPoint[i]);
                density.add(y, half * kGaussWeight[i] * y, sums);
            }
        }
    }
    // f(first) + f(first + 1) + ... is the integral from first - 1/2 on plus f'(first - 1/2) / 24 and terms of the third derivative.
    density.add(first, 1.0 / 24.0, sums);
    density.add(first - 1.0, -1.0 / 24.0, sums);
}

}  // namespace

DevianceMoments nb_deviance_moments(double mu, double dispersion) {
    // Chernoff: exp(-40) of the probability lies beyond these in a gamma variate of this dispersion, and in a Poisson variate.
    const double spread = std::sqrt(1.0 / mu + dispersion);
    const double first = std::floor(mu * std::exp(-12.0 * spread - 45.0 * dispersion));
    const double last = std::ceil(mu * (1.0 + 12.0 * spread + 50.0 * (dispersion + 1.0 / mu)));
    const Density density(mu, dispersion);
    std::array<double, 3> sums{};
    if (last - first <= kMostSummed) {
        for (double y = first; y <= last; ++y) density.add(y, 1.0, sums);
    } else {
        for (double y = first; y < kFirstIntegrated; ++y) density.add(y, 1.0, sums);
        integrate(density, std::max(first, kFirstIntegrated), last, std::min(0.5, spread), sums);
    }
    const double mean = sums[1] / sums[0];
    return {mean, std::max(0.0, sums[2] / sums[0] - mean * mean)};
}

DevianceMomentsTable::DevianceMomentsTable(double dispersion, Context& context) : dispersion_(dispersion) {
    // One point more at either end for the cubic.
    const auto n = static_cast<std::int64_t>((kLogHigh - kLogLow) * kPointsOfUnit) + 3;
    log_mean_.resize(static_cast<std::size_t>(n));
    log_variance_.resize(static_cast<std::size_t>(n));
    parallel_blocks(context, n, kPointsOfTask, [&](Block block) {
        for (std::int64_t point = block.begin; point < block.end; ++point) {
            const DevianceMoments moments = nb_deviance_moments(std::exp(kLogLow + static_cast<double>(point - 1) / kPointsOfUnit), dispersion);
            log_mean_[static_cast<std::size_t>(point)] = std::log(moments.mean);
            log_variance_[static_cast<std::size_t>(point)] = std::log(moments.variance);
        }
    });
}

DevianceMoments DevianceMomentsTable::at(double mu) const {
    if (!(mu > 0.0)) return {};
    const double place = (std::log(mu) - kLogLow) * kPointsOfUnit + 1.0;
    const auto n = static_cast<double>(log_mean_.size());
    if (place < 1.0 || place > n - 3.0) return nb_deviance_moments(mu, dispersion_);
    const auto k = static_cast<std::size_t>(place);
    const double t = place - static_cast<double>(k);
    // Lagrange's cubic through the two points on either side.
    const std::array<double, 4> weights{-t * (t - 1.0) * (t - 2.0) / 6.0, (t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0, -(t + 1.0) * t * (t - 2.0) / 2.0, (t + 1.0) * t * (t - 1.0) / 6.0};
    double mean = 0.0;
    double variance = 0.0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        mean += weights[i] * log_mean_[k - 1 + i];
        variance += weights[i] * log_variance_[k - 1 + i];
    }
    return {std::exp(mean), std::exp(variance)};
}

}  // namespace morula::analysis
