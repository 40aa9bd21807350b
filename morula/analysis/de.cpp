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

/// The genes that are tested, and the scale of each sample over them.
struct Expressed {
    std::vector<std::int64_t> gene;
    matrix::Dense<double> counts;
    std::vector<double> library_size;
    std::vector<double> factor;
    std::vector<double> size;  // library size times factor
};
Expressed find_expressed(matrix::DenseView<const double> counts, const matrix::Dense<double>& design, const DeOptions& options) {
    Expressed out;
    const std::vector<std::uint8_t> keep = expressed_genes(counts, design.view(), {.min_count = options.min_count, .min_total_count = options.min_total_count});
    for (std::size_t gene = 0; gene < keep.size(); ++gene) {
        if (keep[gene] != 0) out.gene.push_back(static_cast<std::int64_t>(gene));
    }
    out.counts = kept_rows(counts, out.gene);
    out.library_size = column_sums(out.counts.view());
    out.factor = tmm_factors(out.counts.view(), {});
    // A sample without any count of the tested genes has no scale; where there is one, nothing is tested.
    if (std::find(out.library_size.begin(), out.library_size.end(), 0.0) != out.library_size.end()) out.gene.clear();
    for (std::size_t s = 0; s < out.factor.size(); ++s) out.size.push_back(out.library_size[s] * out.factor[s]);
    return out;
}

/// What the contrasts share.
DeResult shared_part(const Expressed& expressed, const QuasiLikelihoodFit& fit, const matrix::Dense<double>& design) {
    DeResult out;
    out.gene = expressed.gene;
    out.library_size = expressed.library_size;
    out.factor = expressed.factor;
    const double most_df = static_cast<double>(expressed.counts.n_rows) * static_cast<double>(design.n_rows - design.n_cols);
    for (const double df : fit.residual_df) out.df.push_back(std::min(fit.prior_df + df, most_df));
    out.average_log_cpm = fit.average_log_cpm;
    out.common_dispersion = fit.common_dispersion;
    out.prior_df = fit.prior_df;
    return out;
}

}  // namespace

DeAnswers de(matrix::DenseView<const double> counts, const matrix::Dense<double>& design, const DeQuestions& questions, const DeOptions& options, Context& context) {
    DeAnswers out;
    const Expressed expressed = find_expressed(counts, design, options);
    if (expressed.gene.empty()) {
        DeResult none;
        none.library_size = expressed.library_size;
        none.factor = expressed.factor;
        out.contrasts.assign(questions.contrasts.size(), none);
        return out;
    }
    const CountTable table{expressed.counts.view(), expressed.size};
    const NbDesign prepared(design);
    const QuasiLikelihoodFit fit = quasi_likelihood_fit(table, prepared, options.recipe == DeRecipe::edger_4 ? Deviances::adjusted : Deviances::raw, context);
    const DeResult shared = shared_part(expressed, fit, design);
    for (const std::vector<double>& contrast : questions.contrasts) {
        QuasiLikelihoodTest test = quasi_likelihood_test(table, prepared, fit, {1, std::ssize(contrast), contrast}, context);
        ContrastEffects effects = contrast_effects(table, prepared, fit, contrast, context);
        ShrunkenEffects shrunken = shrink_effects(effects.log2fc, effects.se);
        DeResult& result = out.contrasts.emplace_back(shared);
        result.log10_fdr = log10_fdr(test.log10_p);
        result.log2fc = std::move(effects.log2fc);
        result.log2fc_shrunk = std::move(shrunken.effect);
        result.se = std::move(effects.se);
        result.log10_p = std::move(test.log10_p);
        result.shrinkage_scale = shrunken.scale;
    }
    if (questions.together.n_rows == 0) return out;
    QuasiLikelihoodTest test = quasi_likelihood_test(table, prepared, fit, questions.together.view(), context);
    out.together.gene = expressed.gene;
    out.together.log10_fdr = log10_fdr(test.log10_p);
    out.together.f = std::move(test.f);
    out.together.log10_p = std::move(test.log10_p);
    out.together.df = test.df;
    return out;
}

double detectable_log2fc(double se, double df, double log10_p) {
    // t at the two-sided level, and at the one-sided 20 % by which a true effect may fall short.
    return se * (student_quantile(log10_p, df) + student_quantile(std::log10(0.4), df));
}

}  // namespace morula::analysis
