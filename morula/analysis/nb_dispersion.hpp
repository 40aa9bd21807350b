// How much more than Poisson genes vary between replicates: common, trended and gene-wise negative-binomial dispersions (McCarthy, Chen & Smyth 2012).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/analysis/nb_glm.hpp"
#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

/// Counts of genes (rows) in samples (columns), and the effective library size of each sample (all > 0).
struct CountTable {
    matrix::DenseView<const double> counts;
    std::span<const double> size;
};

/// log2 counts per million of each gene at `size` of the average sample: one mean fitted with the given dispersion after prior_count, scaled to each sample, is added.
std::vector<double> average_log_cpm(const CountTable& table, double prior_count, double dispersion, Context& context);

/// Residual degrees of freedom of each gene when samples whose fitted mean and count are zero tell nothing: those left, less the rank of the design on them.
/// zero: genes x samples, 1 where the fit is zero.
std::vector<double> residual_df(matrix::DenseView<const std::uint8_t> zero, const matrix::Dense<double>& design);

/// One gene's fit at its own dispersion.
struct DevianceFit {
    std::vector<double> deviance;     // n_genes
    std::vector<double> residual_df;  // n_genes
};
/// Deviance and residual df of every gene; dispersion: one a gene.
DevianceFit fit_deviances(const CountTable& table, const NbDesign& design, std::span<const double> dispersion, Context& context);

/// The one dispersion at which the adjusted profile likelihoods of all genes with 5 counts add up to most (Cox & Reid 1987): the highest of 21 dispersions .1 x 2^-10 ...
/// .1 x 2^10, then of 21 around it; where it is the lowest, 2^-10 of that is tried, and .1 x 2^-30 stands for less than .1 x 2^-20. Throws invalid_data when no gene has 5 counts.
double common_dispersion(const CountTable& table, const NbDesign& design, Context& context);

struct NbDispersions {
    double common = 0.0;
    std::vector<double> trended;  // n_genes
    std::vector<double> tagwise;  // n_genes
    double prior_df = 0.0;        // may be infinite: tagwise is the trend
    std::vector<double> average_log_cpm;  // n_genes, at the common dispersion
};
/// Cox-Reid adjusted profile likelihoods on 21 dispersions .1 x 2^-10 ... .1 x 2^10, their sum (common), their local mean along average_log_cpm (trended) and the
/// gene's own plus prior_df / residual df times the local mean (tagwise), each highest on a cubic spline. Genes with fewer than 5 counts take no part and get
/// the trend of the least expressed one that does. Conventions of edgeR 3.40's estimateDisp with its defaults; numbers agree to about 1e-5.
/// Throws invalid_data when no gene has 5 counts.
NbDispersions nb_dispersions(const CountTable& table, const NbDesign& design, Context& context);

}  // namespace morula::analysis
