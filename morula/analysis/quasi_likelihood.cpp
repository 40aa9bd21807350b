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

/// Deviance of the fit without the contrasts less that with them, at the given dispersion of each gene.
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

void keep_variances(SqueezedVariances squeezed, QuasiLikelihoodFit& out) {
    out.prior_variance = std::move(squeezed.prior);
    out.variance = std::move(squeezed.posterior);
    out.prior_df = squeezed.prior_df;
}

/// Whether the squeezed quasi-variance lies below the Poisson variance in any sample.
bool below_poisson(std::span<const double> mu, double dispersion, double variance) {
    return std::any_of(mu.begin(), mu.end(), [&](double mean) { return (1.0 + dispersion * mean) * variance < 1.0; });
}

void test_genes(const CountTable& table, const NbDesign& full, const NbDesign& null, const QuasiLikelihoodFit& fit, QuasiLikelihoodTest& out, Context& context) {
    const double most_df = static_cast<double>(table.counts.n_rows) * static_cast<double>(full.n_samples() - full.n_coefficients());
    const auto df = static_cast<double>(out.df);
    parallel_blocks(context, table.counts.n_rows, kGenesOfTask, [&](Block block) {
        LikelihoodRatio ratio(table, full, null);
        for (std::int64_t gene = block.begin; gene < block.end; ++gene) {
            const auto g = static_cast<std::size_t>(gene);
            out.f[g] = std::max(0.0, ratio(gene, fit.dispersion[g])) / df / fit.variance[g];
            out.log10_p[g] = log10_p_f(out.f[g], df, std::min(fit.prior_df + fit.residual_df[g], most_df));
        }
    });
}

/// No p below that of the Poisson test where the squeezed quasi-variance lies below the Poisson variance.
void bound_by_poisson(const CountTable& table, const NbDesign& full, const NbDesign& null, const QuasiLikelihoodFit& fit, QuasiLikelihoodTest& out, Context& context) {
    std::vector<std::uint8_t> bounded(out.f.size(), 0);
    parallel_blocks(context, table.counts.n_rows, kGenesOfTask, [&](Block block) {
        NbFitter fitter(full);
        LikelihoodRatio ratio(table, full, null);
        for (std::int64_t gene = block.begin; gene < block.end; ++gene) {
            const auto g = static_cast<std::size_t>(gene);
            fitter.fit(table.counts.row(gene), table.size, fit.dispersion[g]);
            if (!below_poisson(fitter.mu(), fit.dispersion[g], fit.variance[g])) continue;
            const double poisson = log10_p_chi_squared(ratio(gene, 0.0), static_cast<double>(out.df));
            if (!(poisson > out.log10_p[g])) continue;
            out.log10_p[g] = poisson;
            bounded[g] = 1;
        }
    });
    out.n_poisson_bounded = std::count(bounded.begin(), bounded.end(), std::uint8_t{1});
}

QuasiLikelihoodFit of_raw_deviances(const CountTable& table, const NbDesign& design, Context& context) {
    NbDispersions dispersions = nb_dispersions(table, design, context);
    QuasiLikelihoodFit out;
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

QuasiLikelihoodFit of_adjusted_deviances(const CountTable& table, const NbDesign& design, Context& context) {
    QuasiLikelihoodFit out;
    out.average_log_cpm = average_log_cpm(table, kPriorCountOfAverage, kDispersionOfAverage, context);
    out.deviances = Deviances::adjusted;
    AdjustedDeviances adjusted = adjusted_deviances(table, design, out.average_log_cpm, context);
    out.common_dispersion = adjusted.common_dispersion;
    out.average_quasi = adjusted.average_quasi;
    out.dispersion.assign(adjusted.deviance.size(), adjusted.dispersion);
    keep_variances(squeeze_unequal_variances(variances(adjusted.deviance, adjusted.residual_df), adjusted.residual_df, out.average_log_cpm), out);
    out.deviance = std::move(adjusted.deviance);
    out.residual_df = std::move(adjusted.residual_df);
    return out;
}

/// Contrasts solved for one coefficient each: b[pivot] = - sum over the others of weight * b[other], where all contrasts are zero.
struct Solved {
    std::vector<std::vector<double>> rows;   // 1 at the row's own pivot, 0 at those of the others
    std::vector<std::size_t> pivots;
};
/// Gauss-Jordan elimination, each time at the largest weight left; contrasts that follow from those before them add nothing.
Solved solve_for_pivots(matrix::DenseView<const double> contrasts) {
    constexpr double tolerance = 1e-9;
    const auto subtract = [](std::vector<double>& from, const std::vector<double>& row, double times) {
        for (std::size_t k = 0; k < from.size(); ++k) from[k] -= times * row[k];
    };
    const auto largest = [](const std::vector<double>& row) { return static_cast<std::size_t>(std::max_element(row.begin(), row.end(), [](double a, double b) { return std::abs(a) < std::abs(b); }) - row.begin()); };
    Solved out;
    for (std::int64_t i = 0; i < contrasts.n_rows; ++i) {
        std::vector<double> row(contrasts.row(i).begin(), contrasts.row(i).end());
        const double before = std::abs(row[largest(row)]);
        for (std::size_t r = 0; r < out.rows.size(); ++r) subtract(row, out.rows[r], row[out.pivots[r]]);
        const std::size_t pivot = largest(row);
        if (!(std::abs(row[pivot]) > tolerance * before)) continue;
        const double scale = row[pivot];
        for (double& weight : row) weight /= scale;
        for (auto& other : out.rows) subtract(other, row, other[pivot]);
        out.rows.push_back(std::move(row));
        out.pivots.push_back(pivot);
    }
    return out;
}

}  // namespace

matrix::Dense<double> without_contrasts(const matrix::Dense<double>& x, matrix::DenseView<const double> contrasts) {
    MORULA_ASSERT(contrasts.n_cols == x.n_cols);
    const Solved solved = solve_for_pivots(contrasts);
    MORULA_ASSERT(!solved.pivots.empty());
    std::vector<std::int64_t> others;
    for (std::int64_t k = 0; k < x.n_cols; ++k) {
        if (std::find(solved.pivots.begin(), solved.pivots.end(), static_cast<std::size_t>(k)) == solved.pivots.end()) others.push_back(k);
    }
    // Where contrasts are differences of groups, whole numbers stay whole: rows of a one-way layout that are now one stay equal in bits, and NbDesign sees it.
    matrix::Dense<double> out = take_columns(x.view(), others);
    for (std::int64_t row = 0; row < x.n_rows; ++row) {
        for (std::size_t k = 0; k < others.size(); ++k) {
            for (std::size_t r = 0; r < solved.rows.size(); ++r) out(row, static_cast<std::int64_t>(k)) -= solved.rows[r][static_cast<std::size_t>(others[k])] * x(row, static_cast<std::int64_t>(solved.pivots[r]));
        }
    }
    return out;
}

QuasiLikelihoodFit quasi_likelihood_fit(const CountTable& table, const NbDesign& design, Deviances deviances, Context& context) {
    return deviances == Deviances::raw ? of_raw_deviances(table, design, context) : of_adjusted_deviances(table, design, context);
}

QuasiLikelihoodTest quasi_likelihood_test(const CountTable& table, const NbDesign& design, const QuasiLikelihoodFit& fit, matrix::DenseView<const double> contrasts, Context& context) {
    const NbDesign null(without_contrasts(design.x(), contrasts));
    MORULA_ASSERT(null.n_coefficients() > 0);
    QuasiLikelihoodTest out;
    out.df = design.n_coefficients() - null.n_coefficients();
    out.f.resize(fit.variance.size());
    out.log10_p.resize(fit.variance.size());
    test_genes(table, design, null, fit, out, context);
    if (fit.deviances == Deviances::raw) bound_by_poisson(table, design, null, fit, out, context);
    return out;
}

ContrastEffects contrast_effects(const CountTable& table, const NbDesign& design, const QuasiLikelihoodFit& fit, std::span<const double> contrast, Context& context) {
    MORULA_ASSERT(std::ssize(contrast) == design.n_coefficients());
    ContrastEffects out{std::vector<double>(fit.variance.size()), std::vector<double>(fit.variance.size())};
    const Augmented more = augment(table.size);
    parallel_blocks(context, table.counts.n_rows, kGenesOfTask, [&](Block block) {
        NbFitter fitter(design);
        std::vector<double> counts(table.size.size());
        for (std::int64_t gene = block.begin; gene < block.end; ++gene) {
            const auto g = static_cast<std::size_t>(gene);
            for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = table.counts.row(gene)[i] + more.added[i];
            fitter.fit(counts, more.size, fit.dispersion[g]);
            out.log2fc[g] = fitter.combination(contrast) / std::numbers::ln2;
            out.se[g] = std::sqrt(fitter.variance(contrast) * fit.variance[g]) / std::numbers::ln2;
        }
    });
    return out;
}

}  // namespace morula::analysis
