#include "morula/analysis/meta_analysis.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "morula/analysis/p_values.hpp"
#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

/// Mean of the effects weighted by 1 / (se^2 + tau2), the sum of weights, and Cochran's Q about that mean.
struct WeightedMean {
    double mean = 0.0;
    double weight = 0.0;
    double q = 0.0;
};
WeightedMean weighted_mean(std::span<const StudyEffect> studies, double tau2) {
    WeightedMean out;
    double sum = 0.0;
    for (const StudyEffect& study : studies) {
        const double weight = 1.0 / (study.se * study.se + tau2);
        out.weight += weight;
        sum += weight * study.effect;
    }
    out.mean = sum / out.weight;
    for (const StudyEffect& study : studies) {
        const double apart = study.effect - out.mean;
        out.q += apart * apart / (study.se * study.se + tau2);
    }
    return out;
}

/// The tau2 at which Q is what chance alone gives, k - 1; 0 where Q is below that already. Q falls as tau2 rises, so halving an interval finds it.
double paule_mandel(std::span<const StudyEffect> studies) {
    const auto expected = static_cast<double>(studies.size() - 1);
    if (weighted_mean(studies, 0.0).q <= expected) return 0.0;
    double low = 0.0, high = 1e-8;
    while (weighted_mean(studies, high).q > expected) {
        low = high;
        high *= 4.0;
    }
    for (int halving = 0; halving < 60; ++halving) {
        const double middle = 0.5 * (low + high);
        (weighted_mean(studies, middle).q > expected ? low : high) = middle;
    }
    return 0.5 * (low + high);
}

/// log10 of the p value of "at most one data set has a change of this sign" (sign: 1 or -1), one-sided.
double log10_p_of_two(std::span<const StudyEffect> studies, double sign) {
    std::vector<double> one_sided;
    for (const StudyEffect& study : studies) {
        const double half = study.log10_p - std::log10(2.0);
        one_sided.push_back(sign * study.effect > 0.0 ? half : std::log10(1.0 - std::pow(10.0, half)));
    }
    std::nth_element(one_sided.begin(), one_sided.begin() + 1, one_sided.end());
    return std::min(0.0, one_sided[1] + std::log10(static_cast<double>(studies.size() - 1)));
}

/// Higgins & Thompson's I2 with the typical variance within data sets.
double share_between(std::span<const StudyEffect> studies, double tau2) {
    double sum = 0.0, squares = 0.0;
    for (const StudyEffect& study : studies) {
        const double weight = 1.0 / (study.se * study.se);
        sum += weight;
        squares += weight * weight;
    }
    const double within = static_cast<double>(studies.size() - 1) * sum / (sum * sum - squares);
    return tau2 / (tau2 + within);
}

}  // namespace

PooledEffect pool_effects(std::span<const StudyEffect> studies) {
    MORULA_ASSERT(studies.size() >= 2);
    const auto df = static_cast<double>(studies.size() - 1);
    const double tau2 = paule_mandel(studies);
    const WeightedMean pooled = weighted_mean(studies, tau2);
    PooledEffect out;
    out.effect = pooled.mean;
    out.se = std::sqrt(std::max(1.0, pooled.q / df) / pooled.weight);
    const double reach = student_quantile(std::log10(0.05), df) * out.se;
    out.low = out.effect - reach;
    out.high = out.effect + reach;
    out.log10_p = log10_p_student(out.effect / out.se, df);
    out.tau = std::sqrt(tau2);
    out.i2 = share_between(studies, tau2);
    out.log10_p_two = std::min(0.0, std::min(log10_p_of_two(studies, 1.0), log10_p_of_two(studies, -1.0)) + std::log10(2.0));
    out.n_positive = std::count_if(studies.begin(), studies.end(), [](const StudyEffect& study) { return study.effect > 0.0; });
    return out;
}

}  // namespace morula::analysis
