// Differences between conditions for the genes of one cell type, from sums of counts of each donor.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "morula/analysis/expression_filter.hpp"
#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

/// edger-3.40: trended negative-binomial dispersion, quasi-likelihood with raw deviances and zero counts taken off the degrees of freedom.
/// edger-4: one dispersion of the most expressed genes, deviances and degrees of freedom adjusted for small counts.
enum class DeRecipe { edger_3_40, edger_4 };

struct DeOptions {
    DeRecipe recipe = DeRecipe::edger_3_40;
    double min_count = ExpressionRule{}.min_count;
    double min_total_count = ExpressionRule{}.min_total_count;
};
constexpr auto describe(const DeOptions*) {
    return std::tuple{
        field("recipe", &DeOptions::recipe, "Conventions of the test: those of edgeR 3.40, or of edgeR 4 (deviances adjusted for small counts).", {.choices = "edger-3.40|edger-4"}),
        field("min_count", &DeOptions::min_count, "A gene is tested where this many counts, scaled to the median sample, are reached in as many samples as the smaller group has.", {.minimum = 0.0}),
        field("min_total_count", &DeOptions::min_total_count, "Least sum of a tested gene's counts over all samples.", {.minimum = 0.0}),
    };
}

/// One contrast. Effects are log2 of case over control.
struct DeResult {
    std::vector<std::int64_t> gene;        // tested genes, increasing; all vectors below have one entry for each
    std::vector<double> log2fc;
    std::vector<double> log2fc_shrunk;
    std::vector<double> se;
    std::vector<double> log10_p;
    std::vector<double> log10_fdr;         // Benjamini & Hochberg over the tested genes
    std::vector<double> average_log_cpm;
    std::vector<double> df;                // of the test of each gene
    std::vector<double> library_size;      // of each sample, over tested genes
    std::vector<double> factor;            // TMM, of each sample
    double common_dispersion = 0.0;        // edger-4: of the most expressed genes
    double prior_df = 0.0;
    double shrinkage_scale = 0.0;
};

/// Several contrasts at once: whether any of them is not zero. One entry a tested gene.
struct DeTogether {
    std::vector<std::int64_t> gene;
    std::vector<double> f;
    std::vector<double> log10_p;
    std::vector<double> log10_fdr;
    std::int64_t df = 0;                   // of the numerator
};

/// What is asked of one fit.
struct DeQuestions {
    std::vector<std::vector<double>> contrasts;   // one weight a coefficient
    matrix::Dense<double> together;               // contrasts (rows) that are also tested together; none: no such test
};
struct DeAnswers {
    std::vector<DeResult> contrasts;
    DeTogether together;
};

/// counts: genes x samples; design: samples x coefficients, full rank, with residual degrees of freedom.
/// Steps: expressed_genes, tmm_factors on them, quasi_likelihood_fit, which all questions share; for each contrast quasi_likelihood_test, contrast_effects, shrink_effects.
/// Genes that are not expressed have no entry; none may be left.
DeAnswers de(matrix::DenseView<const double> counts, const matrix::Dense<double>& design, const DeQuestions& questions, const DeOptions& options, Context& context);

/// The log2 fold change that a gene with this standard error would have needed to be found with a probability of 80 % at a two-sided p of 10^log10_p.
double detectable_log2fc(double se, double df, double log10_p);

}  // namespace morula::analysis
