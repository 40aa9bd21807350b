// Activity of gene programmes: linear models of expression on the weights of their genes (ulm, mlm), and enrichment of a list of differences.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

struct ProgrammesOptions {
    std::int64_t min_genes = 5;
    double correlation = 0.01;
};

constexpr auto describe(const ProgrammesOptions*) {
    using O = ProgrammesOptions;
    return std::tuple{
        field("min_genes", &O::min_genes, "A programme with fewer measured genes is left out.", {.minimum = 1.0, .unit = "genes"}),
        field("correlation", &O::correlation, "Correlation between genes of a programme that its enrichment reckons with; 0: independent genes.", {.minimum = 0.0, .maximum = 0.99}),
    };
}

/// A programme as columns of the genes at hand: a gene set (weights 1) or a regulon (signed weights, none 0). Each gene stands once.
struct WeightedGenes {
    std::string name;
    std::vector<std::int64_t> genes;
    std::vector<double> weights;
};

struct ActivityResult {
    matrix::Dense<float> t;  // n_rows x n_programmes
    double df = 0.0;         // of Student's t
};

/// Univariate linear model (decoupler, Badia-i-Mompel et al. 2022): for each row and programme, expression of all genes regressed on the programme's weights (0 for genes outside it) with an
/// intercept; t of the slope, n_genes - 2 degrees of freedom. values: log-normalised rows (cells, pseudobulks) over the genes that take part, zeros included. NaN for a row without variance.
/// Cost: one pass; memory 4 bytes x rows x programmes, asked for first. Throws invalid_data with fewer than three genes, or a programme whose weights are the same for all genes.
ActivityResult ulm(const matrix::RowBlockSource& values, std::span<const WeightedGenes> programmes, Context& context);

/// Multivariate linear model: all programmes at once, so that what programmes share counts once; t of each slope, n_genes - n_programmes - 1 degrees of freedom.
/// Throws invalid_data as ulm, and where a programme follows from the others (named), or there are not more genes than programmes.
ActivityResult mlm(const matrix::RowBlockSource& values, std::span<const WeightedGenes> programmes, Context& context);

/// Enrichment of one programme among signed statistics of genes.
struct Enrichment {
    double effect = 0.0;         // slope: for a gene set, mean of its genes less mean of all others
    double t = 0.0;              // reckoning with correlated genes
    double p = 0.0;
    double p_independent = 0.0;  // of ulm, as if genes were independent: too small where they are not
};

/// ulm on signed statistics (z of a comparison), its variance inflated for genes that move together: by 1 + correlation ((sum |w|)^2 / sum w^2 - 1) for the programme's own genes. For a gene set of
/// m genes this is 1 + (m - 1) correlation, and t is that of limma's cameraPR (Wu & Smyth 2012), whose preset correlation .01 is the default here. Competitive: against the genes outside.
/// NaN where the statistics do not vary. Throws invalid_data with fewer than three genes.
std::vector<Enrichment> enrichment(std::span<const double> statistic, std::span<const WeightedGenes> programmes, double correlation);

/// z of a two-sided p (as log10) with the sign of the effect.
double signed_z(double log10_p, double effect);

}  // namespace morula::analysis
