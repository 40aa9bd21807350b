// Negative-binomial generalised linear models with log link, one gene at a time (McCullagh & Nelder 1989; McCarthy, Chen & Smyth 2012).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/matrix/views.hpp"

namespace morula::analysis {

/// A design of full rank, samples x coefficients, prepared for many fits. Where it is a one-way layout (as many distinct rows as coefficients) the fit of each
/// distinct row stands alone, which is much faster.
class NbDesign {
public:
    /// Throws internal when x has not full rank: callers check with orthonormal_basis.
    explicit NbDesign(matrix::Dense<double> x);

    const matrix::Dense<double>& x() const { return x_; }
    std::int64_t n_samples() const { return x_.n_rows; }
    std::int64_t n_coefficients() const { return x_.n_cols; }
    bool is_one_way() const { return one_way_; }
    std::span<const std::int32_t> distinct_row() const { return distinct_row_; }
    /// One-way only: coefficients are this p x p matrix times the log means of the distinct rows.
    const matrix::Dense<double>& from_log_means() const { return from_log_means_; }
    /// One-way only: ln |det| of the distinct rows.
    double log_det_rows() const { return log_det_rows_; }
    /// Else: (X'X)^-1 X', for the first guess.
    const matrix::Dense<double>& pseudo_inverse() const { return pseudo_inverse_; }

private:
    matrix::Dense<double> x_;
    std::vector<std::int32_t> distinct_row_;
    bool one_way_ = false;
    matrix::Dense<double> from_log_means_;
    double log_det_rows_ = 0.0;
    matrix::Dense<double> pseudo_inverse_;
};

/// Fits genes of one design; holds the last fit. One a task.
class NbFitter {
public:
    explicit NbFitter(const NbDesign& design);

    /// Greatest likelihood for variance mu + dispersion mu^2. counts, size: a number a sample; mu = size * exp(x'b). With the log link and a known dispersion
    /// the likelihood is concave: Newton's steps with the observed information, damped where a step would raise the deviance (Levenberg). A sample whose fitted
    /// mean goes to zero keeps a tiny one; one-way layouts fit exactly zero.
    void fit(std::span<const double> counts, std::span<const double> size, double dispersion);
    /// The same from where the last fit ended.
    void refit(std::span<const double> counts, std::span<const double> size, double dispersion);

    std::span<const double> mu() const { return mu_; }
    /// n_coefficients, natural log.
    std::vector<double> coefficients() const;
    /// weights'b and its variance, the latter for a variance function without quasi-dispersion: weights' (X'WX)^-1 weights, W = mu / (1 + dispersion mu).
    double combination(std::span<const double> weights) const;
    double variance(std::span<const double> weights);
    /// How far each sample's count pulls its own fitted mean: the diagonal of the projection onto the columns of W^1/2 X, W = mu / (1 + dispersion mu) at the means of the
    /// last fit, the dispersion as given. n_samples; a sample whose fitted mean is zero has none.
    void leverages(double dispersion, std::span<double> out);
    /// ln det X'WX at the last fit, for the adjusted profile likelihood (Cox & Reid 1987).
    double log_det_information();

private:
    void fit_one_way(bool from_last);
    void fit_general(bool from_last);
    void first_guess();
    /// Finds the mean of one distinct row from its samples.
    double group_mean(std::size_t group, double first_guess) const;
    /// Sets mu_ and eta_; returns the largest change of eta.
    double set_means(std::span<const double> beta);
    enum class Information { observed, expected };
    /// Fills information_ and gradient_ at mu_.
    void score(Information kind);
    /// Solves for step_ at the given damping, or a larger one where that fails, and moves to trial_; returns what the step promises.
    struct Move {
        double decrement = 0.0;
        double eta_change = 0.0;
    };
    Move move(double& damping);
    /// information_ + damping of its diagonal, factored in factor_; false when not positive definite.
    bool factor(double damping);
    void solve(std::span<double> right_side) const;

    const NbDesign& design_;
    std::span<const double> counts_{};
    std::span<const double> size_{};
    double dispersion_ = 0.0;
    std::vector<double> mu_;
    std::vector<double> eta_;
    std::vector<double> beta_;
    std::vector<double> trial_;
    std::vector<double> step_;
    std::vector<double> gradient_;
    std::vector<double> information_;  // p x p, lower triangle
    std::vector<double> factor_;
    std::vector<double> group_mean_;   // one-way: a distinct row's mean at size 1
    std::vector<double> group_sum_;
};

/// Twice the log likelihood lost against a perfect fit: 2 sum [y ln(y/mu) - (y + 1/dispersion) ln((1 + dispersion y) / (1 + dispersion mu))].
double nb_deviance(std::span<const double> counts, std::span<const double> mu, double dispersion);
/// One sample's part of it.
double nb_unit_deviance(double count, double mu, double dispersion);

}  // namespace morula::analysis
