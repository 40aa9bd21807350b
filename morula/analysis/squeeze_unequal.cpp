#include "morula/analysis/squeeze_unequal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "morula/analysis/averages.hpp"
#include "morula/analysis/gamma_functions.hpp"
#include "morula/analysis/minimize.hpp"
#include "morula/analysis/weighted_lowess.hpp"

namespace morula::analysis {
namespace {

constexpr double kLeastDf = 0.01;
constexpr double kLeastVariance = 1e-12;  // of the median
constexpr double kNoSay = 1e-30;          // weight of genes that only take the course
constexpr double kSmallestSpan = 0.3;
constexpr double kFewGenes = 500.0;
// prior_df / 2 = x / (1 - x) for x in this interval.
constexpr double kLow = 0.5;
constexpr double kHigh = 0.9998;

/// Mean of the logarithm of chi-squared / df with 2 `half` degrees of freedom.
double log_bias(double half) { return digamma(half) - std::log(half); }

/// Genes whose variances are known.
struct Known {
    std::vector<double> variance;
    std::vector<double> half_df;
    std::vector<double> log_course;
};

/// Minus the log likelihood of variances ~ prior x F(df, 2 half_prior), up to what does not depend on half_prior.
double lack_of_fit(const Known& known, double half_prior) {
    const double bias = log_bias(half_prior);
    double sum = 0.0;
    for (std::size_t i = 0; i < known.variance.size(); ++i) {
        const double half = known.half_df[i];
        const double log_prior = known.log_course[i] + bias;
        const double ratio = known.variance[i] / std::exp(log_prior);
        sum += half * log_prior + (half + half_prior) * std::log(half_prior + half * ratio) - half_prior * std::log(half_prior) - log_gamma(half + half_prior) + log_gamma(half_prior);
    }
    return sum;
}

}  // namespace

SqueezedVariances squeeze_unequal_variances(std::span<const double> variance, std::span<const double> df, std::span<const double> covariate) {
    const std::size_t n = variance.size();
    std::vector<double> positive;
    for (std::size_t i = 0; i < n; ++i) {
        if (df[i] >= kLeastDf && variance[i] > 0.0) positive.push_back(variance[i]);
    }
    if (positive.size() < 3) return {{variance.begin(), variance.end()}, {variance.begin(), variance.end()}, 0.0};
    const double least = kLeastVariance * median(positive);

    std::vector<double> values(n, 0.0);
    std::vector<double> weights(n, kNoSay);
    std::size_t n_known = 0;
    for (std::size_t i = 0; i < n; ++i) {
        if (df[i] < kLeastDf) continue;
        values[i] = std::log(std::max(variance[i], least)) - log_bias(0.5 * df[i]);
        weights[i] = 1.0 / trigamma(0.5 * df[i]);
        ++n_known;
    }
    const double share = kFewGenes / static_cast<double>(n_known);
    const std::vector<double> course = weighted_lowess(covariate, values, weights, {.span = share >= 1.0 ? 1.0 : kSmallestSpan + (1.0 - kSmallestSpan) * std::cbrt(share), .robust_rounds = 0, .anchors = LowessAnchors::few});
    Known known;
    for (std::size_t i = 0; i < n; ++i) {
        if (df[i] < kLeastDf) continue;
        known.variance.push_back(std::max(variance[i], least));
        known.half_df.push_back(0.5 * df[i]);
        known.log_course.push_back(course[i]);
    }
    const double place = minimize([&](double x) { return lack_of_fit(known, x / (1.0 - x)); }, kLow, kHigh, std::pow(std::numeric_limits<double>::epsilon(), 0.25));

    SqueezedVariances out;
    const double half_prior = place / (1.0 - place);
    out.prior_df = 2.0 * half_prior;
    for (std::size_t i = 0; i < n; ++i) {
        out.prior.push_back(std::exp(course[i] + log_bias(half_prior)));
        out.posterior.push_back((df[i] * variance[i] + out.prior_df * out.prior[i]) / (df[i] + out.prior_df));
    }
    return out;
}

}  // namespace morula::analysis
