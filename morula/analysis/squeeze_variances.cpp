#include "morula/analysis/squeeze_variances.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/analysis/averages.hpp"
#include "morula/analysis/gamma_functions.hpp"
#include "morula/analysis/least_squares_basis.hpp"
#include "morula/matrix/blas.hpp"

namespace morula::analysis {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Columns that span the natural cubic splines with the given knots (ends first and last): 1, x, and one more for each inner knot. Beyond the ends: straight lines.
/// Any such basis gives the same fit; this one is the truncated powers of Hastie, Tibshirani & Friedman 2009, 5.2.1, on x scaled to [0, 1].
class NaturalSpline {
public:
    explicit NaturalSpline(std::vector<double> knots) : knots_(std::move(knots)), low_(knots_.front()), width_(knots_.back() - knots_.front()) {
        for (double& knot : knots_) knot = (knot - low_) / width_;
    }
    std::int64_t n_columns() const { return std::ssize(knots_); }
    void fill(double x, std::span<double> out) const {
        const double u = (x - low_) / width_;
        const std::size_t last = knots_.size() - 1;
        out[0] = 1.0;
        out[1] = u;
        for (std::size_t k = 0; k + 2 < knots_.size(); ++k) out[k + 2] = power(u, k, last) - power(u, last - 1, last);
    }

private:
    double power(double u, std::size_t k, std::size_t last) const {
        const auto cube = [](double v) { return v > 0.0 ? v * v * v : 0.0; };
        return (cube(u - knots_[k]) - cube(u - knots_[last])) / (knots_[last] - knots_[k]);
    }

    std::vector<double> knots_;
    double low_;
    double width_;
};

/// Knots of the rule in the header for the covariates of the genes that are fitted; fewer than two when there is nothing to follow.
std::vector<double> spline_knots(std::vector<double> covariate) {
    const std::size_t n = covariate.size();
    std::sort(covariate.begin(), covariate.end());
    std::vector<double> distinct = covariate;
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    const std::size_t df = std::min<std::size_t>(1 + (n >= 3 ? 1U : 0U) + (n >= 6 ? 1U : 0U) + (n >= 30 ? 1U : 0U), distinct.size());
    std::vector<double> knots{covariate.front()};
    for (std::size_t k = 1; k + 1 < df; ++k) knots.push_back(quantile(covariate, static_cast<double>(k) / static_cast<double>(df - 1)));
    if (df > 1) knots.push_back(covariate.back());
    return knots;
}

/// ln of the prior's location for every gene, before the bias of ln F is taken off, and the variance left.
struct LogMeans {
    std::vector<double> mean;
    double variance = 0.0;
};

LogMeans common_mean(std::span<const double> values, std::span<const std::size_t> fitted, std::size_t n) {
    double mean = 0.0;
    for (const double value : values) mean += value / static_cast<double>(fitted.size());
    LogMeans out{std::vector<double>(n, mean), 0.0};
    for (const double value : values) out.variance += (value - mean) * (value - mean) / static_cast<double>(fitted.size() - 1);
    return out;
}

LogMeans spline_mean(std::span<const double> values, std::span<const std::size_t> fitted, std::span<const double> covariate, std::vector<double> knots) {
    const NaturalSpline spline(std::move(knots));
    matrix::Dense<double> all(std::ssize(covariate), spline.n_columns());
    for (std::int64_t i = 0; i < all.n_rows; ++i) spline.fill(covariate[static_cast<std::size_t>(i)], all.row(i));
    matrix::Dense<double> x(std::ssize(fitted), spline.n_columns());
    for (std::size_t i = 0; i < fitted.size(); ++i) std::copy_n(all.row(static_cast<std::int64_t>(fitted[i])).begin(), x.n_cols, x.row(static_cast<std::int64_t>(i)).begin());
    const std::vector<std::int64_t> columns = orthonormal_basis(x.view()).columns;
    matrix::Dense<double> y(x.n_rows, 1);
    std::copy(values.begin(), values.end(), y.values.begin());
    const matrix::Dense<double> b = matrix::least_squares(take_columns(x.view(), columns), y);
    LogMeans out{std::vector<double>(covariate.size(), 0.0), 0.0};
    for (std::size_t i = 0; i < covariate.size(); ++i) {
        for (std::size_t k = 0; k < columns.size(); ++k) out.mean[i] += all(static_cast<std::int64_t>(i), columns[k]) * b.values[k];
    }
    for (std::size_t i = 0; i < fitted.size(); ++i) out.variance += (values[i] - out.mean[fitted[i]]) * (values[i] - out.mean[fitted[i]]);
    out.variance /= static_cast<double>(std::ssize(fitted) - std::ssize(columns));
    return out;
}

/// Variances that are not below 1e-5 of their median.
std::vector<double> away_from_zero(std::span<const double> variance, std::span<const std::size_t> fitted) {
    std::vector<double> out;
    for (const std::size_t i : fitted) out.push_back(std::max(variance[i], 0.0));
    const double middle = median(out);
    const double least = 1e-5 * (middle > 0.0 ? middle : 1.0);
    for (double& value : out) value = std::max(value, least);
    return out;
}

SqueezedVariances not_squeezed(std::span<const double> variance) { return {{variance.begin(), variance.end()}, {variance.begin(), variance.end()}, 0.0}; }

}  // namespace

SqueezedVariances squeeze_variances(std::span<const double> variance, std::span<const double> df, std::span<const double> covariate) {
    const std::size_t n = variance.size();
    std::vector<std::size_t> fitted;
    for (std::size_t i = 0; i < n; ++i) {
        if (df[i] > 1e-15 && std::isfinite(variance[i]) && variance[i] > -1e-15) fitted.push_back(i);
    }
    if (n < 3 || fitted.size() < 3) return not_squeezed(variance);
    const std::vector<double> positive = away_from_zero(variance, fitted);
    // ln s^2 less the mean of ln(chi-squared / df): normal enough for least squares.
    std::vector<double> values;
    double noise = 0.0;
    std::vector<double> places;
    for (std::size_t k = 0; k < fitted.size(); ++k) {
        const double half = 0.5 * df[fitted[k]];
        values.push_back(std::log(positive[k]) - digamma(half) + std::log(half));
        noise += trigamma(half) / static_cast<double>(fitted.size());
        if (!covariate.empty()) places.push_back(covariate[fitted[k]]);
    }
    std::vector<double> knots = covariate.empty() ? std::vector<double>() : spline_knots(places);
    const bool has_trend = knots.size() >= 2;
    LogMeans means = has_trend ? spline_mean(values, fitted, covariate, std::move(knots)) : common_mean(values, fitted, n);
    const double spread = means.variance - noise;
    SqueezedVariances out;
    out.prior_df = spread > 0.0 ? 2.0 * inverse_trigamma(spread) : kInfinity;
    const double bias = spread > 0.0 ? digamma(0.5 * out.prior_df) - std::log(0.5 * out.prior_df) : 0.0;
    double mean = 0.0;
    for (const double value : positive) mean += value / static_cast<double>(positive.size());
    for (std::size_t i = 0; i < n; ++i) {
        out.prior.push_back(spread > 0.0 || has_trend ? std::exp(means.mean[i] + bias) : mean);
        const double own = df[i] > 0.0 ? df[i] * variance[i] : 0.0;
        out.posterior.push_back(std::isinf(out.prior_df) ? out.prior[i] : (own + out.prior_df * out.prior[i]) / (df[i] + out.prior_df));
    }
    return out;
}

}  // namespace morula::analysis
