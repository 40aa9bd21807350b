#include "morula/analysis/quasi_likelihood.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "morula/analysis/adjusted_deviance.hpp"
#include "morula/analysis/least_squares_basis.hpp"
#include "morula/analysis/p_values.hpp"
#include "morula/analysis/squeeze_unequal.hpp"
#include "morula/analysis/squeeze_variances.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kGenesOfTask = 64;
constexpr double kPriorCount = 0.125;
// aveLogCPM's own, where no dispersion is known yet.
constexpr double kPriorCountOfAverage = 2.0;
constexpr double kDispersionOfAverage = 0.05;

/// Counts with a little added, in proportion to library size, and the sizes that go with them.
struct Augmented {
    std::vector<double> added;
    std::vector<double> size;
};
Augmented augment(std::span<const double> size) {
    const double mean = std::accumulate(size.begin(), size.end(), 0.0) / static_cast<double>(size.size());
    Augmented out;
    for (const double own : size) {
        out.added.push_back(kPriorCount * own / mean);
        out.size.push_back(own + 2.0 * out.added.back());
    }
    return out;
}

/// Log fold change and its unscaled standard error, both base e.
void estimate_effects(const CountTable& table, const NbDesign& design, std::span<const double> contrast, QuasiLikelihoodResult& out, Context& context) {
    const Augmented more = augment(table.size);
    parallel_blocks(context, table.counts.n_rows, kGenesOfTask, [&](Block block) {
        NbFitter fitter(design);
        std::vector<double> counts(table.size.size());
        for (std::int64_t gene = block.begin; gene < block.end; ++gene) {
            const auto g = static_cast<std::size_t>(gene);
            for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = table.counts.row(gene)[i] + more.added[i];
            fitter.fit(counts, more.size, out.dispersion[g]);
            out.log2fc[g] = fitter.combination(contrast) / std::numbers::ln2;
            out.se[g] = std::sqrt(fitter.variance(contrast) * out.variance[g]) / std::numbers::ln2;
        }
    });
}

/// Deviance of the fit without the contrast less that with it, at the given dispersion of each gene.
class LikelihoodRatio {
public:
    LikelihoodRatio(const CountTable& table, const NbDesign& full, const NbDesign& null) : table_(table), full_(full), null_(null) {}
    double operator()(std::int64_t gene, double dispersion) {
        const std::span<const double> counts = table_.counts.row(gene);
        full_.fit(counts, table_.size, dispersion);
        const double with = nb_deviance(counts, full_.mu(), dispersion);
        null_.fit(counts, table_.size, dispersion);
        return nb_deviance(counts, null_.mu(), dispersion) - with;
    }

private:
    const CountTable& table_;
    NbFitter full_;
    NbFitter null_;
};

std::vector<double> variances(std::span<const double> deviance, std::span<const double> df) {
    std::vector<double> out;
    for (std::size_t g = 0; g < deviance.size(); ++g) out.push_back(df[g] > kHardlyAnyDf ? deviance[g] / df[g] : 0.0);
    return out;
}

void keep_variances(SqueezedVariances squeezed, QuasiLikelihoodResult& out) {
    out.prior_variance = std::move(squeezed.prior);
    out.variance = std::move(squeezed.posterior);
    out.prior_df = squeezed.prior_df;
}

/// Whether the squeezed quasi-variance lies below the Poisson variance in any sample.
bool below_poisson(std::span<const double> mu, double dispersion, double variance) {
    return std::any_of(mu.begin(), mu.end(), [&](double mean) { return (1.0 + dispersion * mean) * variance < 1.0; });
}

void test_genes(const CountTable& table, const NbDesign& full, const NbDesign& null, QuasiLikelihoodResult& out, Context& context) {
    const double most_df = static_cast<double>(table.counts.n_rows) * static_cast<double>(full.n_samples() - full.n_coefficients());
    parallel_blocks(context, table.counts.n_rows, kGenesOfTask, [&](Block block) {
        LikelihoodRatio ratio(table, full, null);
        for (std::int64_t gene = block.begin; gene < block.end; ++gene) {
            const auto g = static_cast<std::size_t>(gene);
            out.f[g] = std::max(0.0, ratio(gene, out.dispersion[g])) / out.variance[g];
            out.log10_p[g] = log10_p_f(out.f[g], 1.0, std::min(out.prior_df + out.residual_df[g], most_df));
        }
    });
}

/// No p below that of the Poisson test where the squeezed quasi-variance lies below the Poisson variance.
void bound_by_poisson(const CountTable& table, const NbDesign& full, const NbDesign& null, QuasiLikelihoodResult& out, Context& context) {
    std::vector<std::uint8_t> bounded(out.f.size(), 0);
    parallel_blocks(context, table.counts.n_rows, kGenesOfTask, [&](Block block) {
        NbFitter fitter(full);
        LikelihoodRatio ratio(table, full, null);
        for (std::int64_t gene = block.begin; gene < block.end; ++gene) {
            const auto g = static_cast<std::size_t>(gene);
            fitter.fit(table.counts.row(gene), table.size, out.dispersion[g]);
            if (!below_poisson(fitter.mu(), out.dispersion[g], out.variance[g])) continue;
            const double poisson = log10_p_chi_squared(ratio(gene, 0.0), 1.0);
            if (!(poisson > out.log10_p[g])) continue;
            out.log10_p[g] = poisson;
            bounded[g] = 1;
        }
    });
    out.n_poisson_bounded = std::count(bounded.begin(), bounded.end(), std::uint8_t{1});
}

/// Dispersions and squeezed variances: all but the test and the effects.
QuasiLikelihoodResult of_raw_deviances(const CountTable& table, const NbDesign& design, Context& context) {
    NbDispersions dispersions = nb_dispersions(table, design, context);
    QuasiLikelihoodResult out;
    out.common_dispersion = dispersions.common;
    out.dispersion = std::move(dispersions.trended);
    out.tagwise = std::move(dispersions.tagwise);
    out.dispersion_prior_df = dispersions.prior_df;
    out.average_log_cpm = std::move(dispersions.average_log_cpm);
    DevianceFit fit = fit_deviances(table, design, out.dispersion, context);
    keep_variances(squeeze_variances(variances(fit.deviance, fit.residual_df), fit.residual_df, out.average_log_cpm), out);
    out.deviance = std::move(fit.deviance);
    out.residual_df = std::move(fit.residual_df);
    return out;
}

QuasiLikelihoodResult of_adjusted_deviances(const CountTable& table, const NbDesign& design, Context& context) {
    QuasiLikelihoodResult out;
    out.average_log_cpm = average_log_cpm(table, kPriorCountOfAverage, kDispersionOfAverage, context);
    AdjustedDeviances adjusted = adjusted_deviances(table, design, out.average_log_cpm, context);
    out.common_dispersion = adjusted.common_dispersion;
    out.average_quasi = adjusted.average_quasi;
    out.dispersion.assign(adjusted.deviance.size(), adjusted.dispersion);
    keep_variances(squeeze_unequal_variances(variances(adjusted.deviance, adjusted.residual_df), adjusted.residual_df, out.average_log_cpm), out);
    out.deviance = std::move(adjusted.deviance);
    out.residual_df = std::move(adjusted.residual_df);
    return out;
}

}  // namespace

matrix::Dense<double> without_contrast(const matrix::Dense<double>& x, std::span<const double> contrast) {
    const auto is_zero = [](double weight) { return weight == 0.0; };
    const auto n_zero = std::count_if(contrast.begin(), contrast.end(), is_zero);
    MORULA_ASSERT(n_zero < std::ssize(contrast));
    if (n_zero + 1 == std::ssize(contrast)) {
        std::vector<std::int64_t> others;
        for (std::size_t k = 0; k < contrast.size(); ++k) {
            if (is_zero(contrast[k])) others.push_back(static_cast<std::int64_t>(k));
        }
        return take_columns(x.view(), others);
    }
    // Coefficients with weights'b = 0 are those of the basis that completes the contrast: columns 2 .. p of an orthonormal basis that begins with it.
    const auto p = std::ssize(contrast);
    matrix::Dense<double> start(p, p + 1);
    for (std::int64_t k = 0; k < p; ++k) {
        start(k, 0) = contrast[static_cast<std::size_t>(k)];
        start(k, k + 1) = 1.0;
    }
    const OrthonormalBasis basis = orthonormal_basis(start.view());
    matrix::Dense<double> out(x.n_rows, p - 1);
    for (std::int64_t row = 0; row < x.n_rows; ++row) {
        for (std::int64_t k = 0; k + 1 < p; ++k) {
            for (std::int64_t j = 0; j < p; ++j) out(row, k) += x(row, j) * basis.q(j, k + 1);
        }
    }
    return out;
}

QuasiLikelihoodResult quasi_likelihood_test(const CountTable& table, const NbDesign& design, std::span<const double> contrast, Deviances deviances, Context& context) {
    MORULA_ASSERT(std::ssize(contrast) == design.n_coefficients() && design.n_coefficients() > 1);
    QuasiLikelihoodResult out = deviances == Deviances::raw ? of_raw_deviances(table, design, context) : of_adjusted_deviances(table, design, context);
    for (auto* vector : {&out.log2fc, &out.se, &out.f, &out.log10_p}) vector->resize(out.variance.size());
    const NbDesign null(without_contrast(design.x(), contrast));
    test_genes(table, design, null, out, context);
    if (deviances == Deviances::raw) bound_by_poisson(table, design, null, out, context);
    estimate_effects(table, design, contrast, out, context);
    return out;
}

}  // namespace morula::analysis
