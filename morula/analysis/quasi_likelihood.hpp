// Quasi-likelihood F tests for every gene, of one contrast or of several together (Lund, Nettleton, McCarthy & Smyth 2012).
#pragma once

#include <span>
#include <vector>

#include "morula/analysis/nb_dispersion.hpp"

namespace morula::analysis {

/// What quasi-dispersions are estimated from. raw: deviances of fits at the trended dispersion, on whole degrees of freedom (edgeR 3.40). adjusted: deviances and degrees
/// of freedom adjusted for small counts, at one dispersion of the most expressed genes (edgeR 4; Chen et al. 2025).
enum class Deviances { raw, adjusted };

/// What all tests of one table share: dispersions and squeezed quasi-dispersions. All of n_genes unless said.
struct QuasiLikelihoodFit {
    Deviances deviances = Deviances::raw;
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
};

/// Steps and conventions for raw deviances are those of edgeR 3.40: estimateDisp, glmQLFit (trended dispersion, zero counts taken off the residual df, not robust);
/// for adjusted ones those of edgeR 4.4: glmQLFit without dispersions given (legacy = FALSE, not robust). counts: genes that are expressed.
/// Throws invalid_data when there are no counts.
QuasiLikelihoodFit quasi_likelihood_fit(const CountTable& table, const NbDesign& design, Deviances deviances, Context& context);

/// F of the fit against one in which contrasts are zero. All of n_genes unless said.
struct QuasiLikelihoodTest {
    std::vector<double> f;
    std::vector<double> log10_p;
    std::int64_t n_poisson_bounded = 0;   // genes whose p is that of the Poisson likelihood-ratio test, since it is larger; raw deviances only
    std::int64_t df = 0;                  // of the numerator: how many contrasts are independent of one another
};

/// glmQLFTest: whether all contrasts (rows; one weight a coefficient of the design) are zero. One row is a test of one contrast (case - control: 1 at the case's coefficient), several are
/// tested together. fit: of the same table and design. Throws internal when all contrasts are zero, or leave no coefficient.
QuasiLikelihoodTest quasi_likelihood_test(const CountTable& table, const NbDesign& design, const QuasiLikelihoodFit& fit, matrix::DenseView<const double> contrasts, Context& context);

/// Effects of one contrast, n_genes.
struct ContrastEffects {
    std::vector<double> log2fc;           // with .125 counts added to the average sample, so that empty groups give finite numbers
    std::vector<double> se;               // of log2fc, from the curvature of the quasi-likelihood
};
ContrastEffects contrast_effects(const CountTable& table, const NbDesign& design, const QuasiLikelihoodFit& fit, std::span<const double> contrast, Context& context);

/// The design without the directions of the contrasts (rows): its fits are those with contrast'b = 0 for each of them. As many columns fewer as contrasts are independent of one another.
matrix::Dense<double> without_contrasts(const matrix::Dense<double>& x, matrix::DenseView<const double> contrasts);

}  // namespace morula::analysis
