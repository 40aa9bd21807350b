#include "morula/analysis/de.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "morula/analysis/effect_shrinkage.hpp"
#include "morula/analysis/p_values.hpp"
#include "morula/analysis/quasi_likelihood.hpp"
#include "morula/analysis/tmm.hpp"

namespace morula::analysis {
namespace {

matrix::Dense<double> kept_rows(matrix::DenseView<const double> counts, std::span<const std::int64_t> genes) {
    matrix::Dense<double> out(std::ssize(genes), counts.n_cols);
    for (std::size_t i = 0; i < genes.size(); ++i) std::copy_n(counts.row(genes[i]).begin(), counts.n_cols, out.row(static_cast<std::int64_t>(i)).begin());
    return out;
}

std::vector<double> column_sums(matrix::DenseView<const double> counts) {
    std::vector<double> sums(static_cast<std::size_t>(counts.n_cols), 0.0);
    for (std::int64_t row = 0; row < counts.n_rows; ++row) {
        for (std::size_t s = 0; s < sums.size(); ++s) sums[s] += counts.row(row)[s];
    }
    return sums;
}

}  // namespace

DeResult de(matrix::DenseView<const double> counts, const matrix::Dense<double>& design, std::span<const double> contrast, const DeOptions& options, Context& context) {
    DeResult out;
    const std::vector<std::uint8_t> keep = expressed_genes(counts, design.view(), {.min_count = options.min_count, .min_total_count = options.min_total_count});
    for (std::size_t gene = 0; gene < keep.size(); ++gene) {
        if (keep[gene] != 0) out.gene.push_back(static_cast<std::int64_t>(gene));
    }
    const matrix::Dense<double> kept = kept_rows(counts, out.gene);
    out.library_size = column_sums(kept.view());
    out.factor = tmm_factors(kept.view(), {});
    // A sample without any count of the tested genes has no scale; where there is one, nothing is tested.
    if (std::find(out.library_size.begin(), out.library_size.end(), 0.0) != out.library_size.end()) out.gene.clear();
    if (out.gene.empty()) return out;
    std::vector<double> size;
    for (std::size_t s = 0; s < out.factor.size(); ++s) size.push_back(out.library_size[s] * out.factor[s]);
    QuasiLikelihoodResult test = quasi_likelihood_test({kept.view(), size}, NbDesign(design), contrast, options.recipe == DeRecipe::edger_4 ? Deviances::adjusted : Deviances::raw, context);
    ShrunkenEffects shrunken = shrink_effects(test.log2fc, test.se);
    const double most_df = static_cast<double>(kept.n_rows) * static_cast<double>(design.n_rows - design.n_cols);
    for (const double df : test.residual_df) out.df.push_back(std::min(test.prior_df + df, most_df));
    out.log10_fdr = log10_fdr(test.log10_p);
    out.log2fc = std::move(test.log2fc);
    out.log2fc_shrunk = std::move(shrunken.effect);
    out.se = std::move(test.se);
    out.log10_p = std::move(test.log10_p);
    out.average_log_cpm = std::move(test.average_log_cpm);
    out.common_dispersion = test.common_dispersion;
    out.prior_df = test.prior_df;
    out.shrinkage_scale = shrunken.scale;
    return out;
}

double detectable_log2fc(double se, double df, double log10_p) {
    // t at the two-sided level, and at the one-sided 20 % by which a true effect may fall short.
    return se * (student_quantile(log10_p, df) + student_quantile(std::log10(0.4), df));
}

}  // namespace morula::analysis
