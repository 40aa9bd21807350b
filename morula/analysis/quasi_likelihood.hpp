// Quasi-likelihood F test of one contrast for every gene (Lund, Nettleton, McCarthy & Smyth 2012).
#pragma once

#include <span>
#include <vector>

#include "morula/analysis/nb_dispersion.hpp"

namespace morula::analysis {

/// What quasi-dispersions are estimated from. raw: deviances of fits at the trended dispersion, on whole degrees of freedom (edgeR 3.40). adjusted: deviances and degrees
/// of freedom adjusted for small counts, at one dispersion of the most expressed genes (edgeR 4; Chen et al. 2025).
enum class Deviances { raw, adjusted };

/// All of n_genes unless said.
struct QuasiLikelihoodResult {
    double common_dispersion = 0.0;
    double average_quasi = 1.0;           // average quasi-dispersion; raw deviances: not estimated
    std::vector<double> dispersion;       // that of the fits. raw: the trend at the gene's abundance; adjusted: common_dispersion / average_quasi
    std::vector<double> tagwise;          // the gene's own, for pictures; the test does not use it; adjusted: none
    double dispersion_prior_df = 0.0;     // raw only
    std::vector<double> average_log_cpm;
    std::vector<double> residual_df;
    std::vector<double> deviance;
    std::vector<double> prior_variance;   // quasi-dispersion of genes of this abundance
    std::vector<double> variance;         // the gene's quasi-dispersion, squeezed
    double prior_df = 0.0;                // may be infinite
    std::vector<double> log2fc;           // with .125 counts added to the average sample, so that empty groups give finite numbers
    std::vector<double> se;               // of log2fc, from the curvature of the quasi-likelihood
    std::vector<double> f;
    std::vector<double> log10_p;
    std::int64_t n_poisson_bounded = 0;   // genes whose p is that of the Poisson likelihood-ratio test, since it is larger; raw only
};

/// counts: genes that are expressed; contrast: one weight a coefficient of the design (case - control: 1 at the case's coefficient).
/// Steps and conventions for raw deviances are those of edgeR 3.40: estimateDisp, glmQLFit (trended dispersion, zero counts taken off the residual df, not robust),
/// glmQLFTest; for adjusted ones those of edgeR 4.4: glmQLFit without dispersions given (legacy = FALSE, not robust), glmQLFTest.
/// Throws internal when the contrast is zero, invalid_data when there are no counts.
QuasiLikelihoodResult quasi_likelihood_test(const CountTable& table, const NbDesign& design, std::span<const double> contrast, Deviances deviances, Context& context);

/// The design without the direction of the contrast: its fits are those with weights'b = 0. No columns when the design has one.
matrix::Dense<double> without_contrast(const matrix::Dense<double>& x, std::span<const double> contrast);

}  // namespace morula::analysis
