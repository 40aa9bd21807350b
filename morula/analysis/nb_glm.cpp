#include "morula/analysis/nb_glm.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/analysis/least_squares_basis.hpp"
#include "morula/core/error.hpp"
#include "morula/matrix/blas.hpp"

namespace morula::analysis {
namespace {

constexpr int kMostSteps = 200;
// A step is the last when it can raise the likelihood by less than this; Newton's steps square the error, so the fit after it is much closer.
constexpr double kConverged = 1e-12;
// Steps that promise little and move no mean by much are taken without looking whether the deviance fell: so near the top Newton does not overshoot.
constexpr double kSafeDecrement = 1e-2;
constexpr double kSafeChange = 0.5;
constexpr double kSmallestMean = 1e-100;

/// Distinct rows numbered by first appearance; returns their number.
std::int32_t number_rows(const matrix::Dense<double>& x, std::vector<std::int32_t>& number) {
    std::vector<std::int64_t> first;
    for (std::int64_t row = 0; row < x.n_rows; ++row) {
        const auto same = std::find_if(first.begin(), first.end(), [&](std::int64_t other) { return std::equal(x.row(row).begin(), x.row(row).end(), x.row(other).begin()); });
        number.push_back(static_cast<std::int32_t>(same - first.begin()));
        if (same == first.end()) first.push_back(row);
    }
    return static_cast<std::int32_t>(first.size());
}

/// Lower Cholesky factor of an n x n matrix in place; false when it is not positive definite.
bool cholesky(std::span<double> a, std::size_t n) {
    for (std::size_t j = 0; j < n; ++j) {
        double diagonal = a[j * n + j];
        for (std::size_t k = 0; k < j; ++k) diagonal -= a[j * n + k] * a[j * n + k];
        if (!(diagonal > 0.0)) return false;
        diagonal = std::sqrt(diagonal);
        a[j * n + j] = diagonal;
        for (std::size_t i = j + 1; i < n; ++i) {
            double value = a[i * n + j];
            for (std::size_t k = 0; k < j; ++k) value -= a[i * n + k] * a[j * n + k];
            a[i * n + j] = value / diagonal;
        }
    }
    return true;
}

double log_det_of_factor(std::span<const double> factor, std::size_t n) {
    double sum = 0.0;
    for (std::size_t j = 0; j < n; ++j) sum += 2.0 * std::log(factor[j * n + j]);
    return sum;
}

}  // namespace

double nb_unit_deviance(double count, double mu, double dispersion) {
    const double own = count > 0.0 ? count * std::log(count / mu) : 0.0;
    if (dispersion == 0.0) return 2.0 * (own - (count - mu));
    // ln((1 + d y) / (1 + d mu)), without losing a small dispersion to rounding.
    const double log_ratio = std::log1p(dispersion * (count - mu) / (1.0 + dispersion * mu));
    return 2.0 * (own - (count + 1.0 / dispersion) * log_ratio);
}

double nb_deviance(std::span<const double> counts, std::span<const double> mu, double dispersion) {
    double sum = 0.0;
    for (std::size_t i = 0; i < counts.size(); ++i) sum += nb_unit_deviance(counts[i], mu[i], dispersion);
    return std::max(sum, 0.0);
}

NbDesign::NbDesign(matrix::Dense<double> x) : x_(std::move(x)) {
    MORULA_ASSERT(orthonormal_basis(x_.view()).rank() == x_.n_cols);
    const std::int32_t n_distinct = number_rows(x_, distinct_row_);
    one_way_ = n_distinct == x_.n_cols;
    if (!one_way_) {
        matrix::Dense<double> identity(x_.n_rows, x_.n_rows);
        for (std::int64_t i = 0; i < x_.n_rows; ++i) identity(i, i) = 1.0;
        pseudo_inverse_ = matrix::least_squares(x_, identity);
        return;
    }
    matrix::Dense<double> rows(x_.n_cols, x_.n_cols);
    for (std::int64_t row = x_.n_rows; row-- > 0;) std::copy(x_.row(row).begin(), x_.row(row).end(), rows.row(distinct_row_[static_cast<std::size_t>(row)]).begin());
    matrix::Dense<double> identity(x_.n_cols, x_.n_cols);
    matrix::Dense<double> square(x_.n_cols, x_.n_cols);
    for (std::int64_t i = 0; i < x_.n_cols; ++i) identity(i, i) = 1.0;
    matrix::gemm(1.0, rows.view(), matrix::Transpose::yes, rows.view(), matrix::Transpose::no, 0.0, square.view());
    const bool full_rank = cholesky(square.values, static_cast<std::size_t>(x_.n_cols));
    MORULA_ASSERT(full_rank);
    log_det_rows_ = 0.5 * log_det_of_factor(square.values, static_cast<std::size_t>(x_.n_cols));
    from_log_means_ = matrix::least_squares(rows, identity);
}

NbFitter::NbFitter(const NbDesign& design) : design_(design) {
    const auto n = static_cast<std::size_t>(design.n_samples());
    const auto p = static_cast<std::size_t>(design.n_coefficients());
    mu_.resize(n);
    eta_.resize(n);
    for (auto* vector : {&beta_, &trial_, &step_, &gradient_, &group_mean_, &group_sum_}) vector->resize(p);
    information_.resize(p * p);
    factor_.resize(p * p);
}

void NbFitter::fit(std::span<const double> counts, std::span<const double> size, double dispersion) {
    counts_ = counts;
    size_ = size;
    dispersion_ = dispersion;
    if (design_.is_one_way()) fit_one_way(false);
    else fit_general(false);
}

void NbFitter::refit(std::span<const double> counts, std::span<const double> size, double dispersion) {
    counts_ = counts;
    size_ = size;
    dispersion_ = dispersion;
    if (design_.is_one_way()) fit_one_way(true);
    else fit_general(true);
}

/// mu = size * mean. Newton's steps in ln mean, kept between the values that are known to be too low and too high.
double NbFitter::group_mean(std::size_t group, double first_guess) const {
    const std::span<const std::int32_t> row = design_.distinct_row();
    double log_mean = std::log(first_guess);
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
    for (int it = 0; it < kMostSteps; ++it) {
        const double mean = std::exp(log_mean);
        double gradient = 0.0;
        double information = 0.0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            if (static_cast<std::size_t>(row[i]) != group) continue;
            const double mu = mean * size_[i];
            const double shrunk = 1.0 / (1.0 + dispersion_ * mu);
            gradient += (counts_[i] - mu) * shrunk;
            information += mu * (1.0 + dispersion_ * counts_[i]) * shrunk * shrunk;
        }
        const double step = gradient / information;
        if (std::abs(step * gradient) < kConverged) return std::exp(log_mean + step);
        (gradient > 0.0 ? low : high) = log_mean;
        double next = log_mean + std::clamp(step, -3.0, 3.0);
        if (next <= low || next >= high) next = std::isfinite(low) && std::isfinite(high) ? 0.5 * (low + high) : next;
        log_mean = next;
    }
    return std::exp(log_mean);
}

void NbFitter::fit_one_way(bool from_last) {
    const std::span<const std::int32_t> row = design_.distinct_row();
    for (std::size_t g = 0; g < group_mean_.size(); ++g) {
        double total = 0.0;
        double exposure = 0.0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            if (static_cast<std::size_t>(row[i]) != g) continue;
            total += counts_[i];
            exposure += size_[i];
        }
        if (total <= 0.0) group_mean_[g] = 0.0;
        else group_mean_[g] = group_mean(g, from_last && group_mean_[g] > 0.0 ? group_mean_[g] : total / exposure);
    }
    for (std::size_t i = 0; i < counts_.size(); ++i) mu_[i] = group_mean_[static_cast<std::size_t>(row[i])] * size_[i];
}

void NbFitter::first_guess() {
    std::fill(beta_.begin(), beta_.end(), 0.0);
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        const double log_rate = std::log(std::max(counts_[i], 1.0 / 6.0) / size_[i]);
        for (std::size_t k = 0; k < beta_.size(); ++k) beta_[k] += design_.pseudo_inverse()(static_cast<std::int64_t>(k), static_cast<std::int64_t>(i)) * log_rate;
    }
}

double NbFitter::set_means(std::span<const double> beta) {
    double change = 0.0;
    for (std::size_t i = 0; i < mu_.size(); ++i) {
        const std::span<const double> x = design_.x().row(static_cast<std::int64_t>(i));
        double eta = 0.0;
        for (std::size_t k = 0; k < beta.size(); ++k) eta += x[k] * beta[k];
        change = std::max(change, std::abs(eta - eta_[i]));
        eta_[i] = eta;
        mu_[i] = std::max(size_[i] * std::exp(std::min(eta, 300.0)), kSmallestMean);
    }
    return change;
}

void NbFitter::score(Information kind) {
    const std::size_t p = beta_.size();
    std::fill(gradient_.begin(), gradient_.end(), 0.0);
    std::fill(information_.begin(), information_.end(), 0.0);
    for (std::size_t i = 0; i < mu_.size(); ++i) {
        const std::span<const double> x = design_.x().row(static_cast<std::int64_t>(i));
        const double shrunk = 1.0 / (1.0 + dispersion_ * mu_[i]);
        const double expected = mu_[i] * shrunk;
        const double weight = kind == Information::expected ? expected : expected * shrunk * (1.0 + dispersion_ * counts_[i]);
        const double residual = (counts_[i] - mu_[i]) * shrunk;
        for (std::size_t a = 0; a < p; ++a) {
            if (x[a] == 0.0) continue;
            gradient_[a] += x[a] * residual;
            const double scaled = x[a] * weight;
            for (std::size_t b = 0; b <= a; ++b) information_[a * p + b] += scaled * x[b];
        }
    }
}

bool NbFitter::factor(double damping) {
    const std::size_t p = beta_.size();
    factor_ = information_;
    for (std::size_t a = 0; a < p; ++a) factor_[a * p + a] += damping * (information_[a * p + a] + 1e-30);
    return cholesky(factor_, p);
}

void NbFitter::solve(std::span<double> right_side) const {
    const std::size_t p = right_side.size();
    for (std::size_t i = 0; i < p; ++i) {
        for (std::size_t k = 0; k < i; ++k) right_side[i] -= factor_[i * p + k] * right_side[k];
        right_side[i] /= factor_[i * p + i];
    }
    for (std::size_t i = p; i-- > 0;) {
        for (std::size_t k = i + 1; k < p; ++k) right_side[i] -= factor_[k * p + i] * right_side[k];
        right_side[i] /= factor_[i * p + i];
    }
}

NbFitter::Move NbFitter::move(double& damping) {
    while (!factor(damping)) damping = std::max(damping * 10.0, 1e-12);
    step_ = gradient_;
    solve(step_);
    Move out;
    for (std::size_t k = 0; k < step_.size(); ++k) {
        out.decrement += step_[k] * gradient_[k];
        trial_[k] = beta_[k] + step_[k];
    }
    out.eta_change = set_means(trial_);
    return out;
}

void NbFitter::fit_general(bool from_last) {
    if (!from_last) first_guess();
    set_means(beta_);
    double damping = 0.0;
    for (int it = 0; it < kMostSteps; ++it) {
        score(Information::observed);
        Move step = move(damping);
        if (step.decrement >= kSafeDecrement || step.eta_change >= kSafeChange) {
            set_means(beta_);
            const double before = nb_deviance(counts_, mu_, dispersion_);
            set_means(trial_);
            while (!(nb_deviance(counts_, mu_, dispersion_) <= before + 1e-12 * (1.0 + before))) {
                damping = std::max(damping * 10.0, 1e-3);
                set_means(beta_);
                if (damping > 1e12) return;
                step = move(damping);
            }
        }
        std::swap(beta_, trial_);
        damping = damping > 1e-6 ? damping * 0.1 : 0.0;
        if (step.decrement < kConverged) return;
    }
}

std::vector<double> NbFitter::coefficients() const {
    if (!design_.is_one_way()) return beta_;
    std::vector<double> out(group_mean_.size(), 0.0);
    for (std::size_t k = 0; k < out.size(); ++k) {
        for (std::size_t g = 0; g < out.size(); ++g) out[k] += design_.from_log_means()(static_cast<std::int64_t>(k), static_cast<std::int64_t>(g)) * std::log(std::max(group_mean_[g], kSmallestMean));
    }
    return out;
}

double NbFitter::combination(std::span<const double> weights) const {
    const std::vector<double> b = coefficients();
    double sum = 0.0;
    for (std::size_t k = 0; k < b.size(); ++k) sum += weights[k] * b[k];
    return sum;
}

double NbFitter::variance(std::span<const double> weights) {
    score(Information::expected);
    if (!factor(0.0) && !factor(1e-12)) return std::numeric_limits<double>::infinity();
    step_.assign(weights.begin(), weights.end());
    solve(step_);
    double sum = 0.0;
    for (std::size_t k = 0; k < step_.size(); ++k) sum += weights[k] * step_[k];
    return sum;
}

void NbFitter::leverages(double dispersion, std::span<double> out) {
    const auto weight = [&](std::size_t i) { return mu_[i] / (1.0 + dispersion * mu_[i]); };
    if (design_.is_one_way()) {
        std::fill(group_sum_.begin(), group_sum_.end(), 0.0);
        for (std::size_t i = 0; i < mu_.size(); ++i) group_sum_[static_cast<std::size_t>(design_.distinct_row()[i])] += weight(i);
        for (std::size_t i = 0; i < mu_.size(); ++i) out[i] = mu_[i] > 0.0 ? weight(i) / group_sum_[static_cast<std::size_t>(design_.distinct_row()[i])] : 0.0;
        return;
    }
    matrix::Dense<double> scaled = design_.x();
    for (std::size_t i = 0; i < mu_.size(); ++i) {
        for (double& value : scaled.row(static_cast<std::int64_t>(i))) value *= std::sqrt(weight(i));
    }
    const std::vector<double> found = analysis::leverages(orthonormal_basis(scaled.view()));
    std::copy(found.begin(), found.end(), out.begin());
}

double NbFitter::log_det_information() {
    if (design_.is_one_way()) {
        std::fill(group_sum_.begin(), group_sum_.end(), 0.0);
        for (std::size_t i = 0; i < mu_.size(); ++i) group_sum_[static_cast<std::size_t>(design_.distinct_row()[i])] += mu_[i] / (1.0 + dispersion_ * mu_[i]);
        double sum = 2.0 * design_.log_det_rows();
        for (const double information : group_sum_) sum += std::log(std::max(information, kSmallestMean));
        return sum;
    }
    score(Information::expected);
    if (!factor(0.0) && !factor(1e-12)) return -std::numeric_limits<double>::infinity();
    return log_det_of_factor(factor_, beta_.size());
}

}  // namespace morula::analysis
