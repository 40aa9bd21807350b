#include "morula/analysis/nb_dispersion.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>
#include <string>

#include "morula/analysis/adjusted_profile.hpp"
#include "morula/analysis/cubic_spline.hpp"
#include "morula/analysis/least_squares_basis.hpp"
#include "morula/analysis/local_constant.hpp"
#include "morula/analysis/squeeze_variances.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kGenesOfTask = 64;
constexpr double kFewestCounts = 5.0;
constexpr double kPriorCount = 2.0;

double mean_of(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()); }

matrix::Dense<double> column_of_ones(std::int64_t n) {
    matrix::Dense<double> ones(n, 1);
    std::fill(ones.values.begin(), ones.values.end(), 1.0);
    return ones;
}

/// Share of genes whose likelihoods make the trend at one place.
double trend_span(std::size_t n_genes) {
    constexpr double all = 50.0;
    const auto n = static_cast<double>(n_genes);
    return n <= all ? 1.0 : 0.25 + 0.75 * std::sqrt(all / n);
}

matrix::Dense<double> take_rows(matrix::DenseView<const double> x, std::span<const std::size_t> rows) {
    matrix::Dense<double> out(std::ssize(rows), x.n_cols);
    for (std::size_t i = 0; i < rows.size(); ++i) std::copy_n(x.row(static_cast<std::int64_t>(rows[i])).begin(), x.n_cols, out.row(static_cast<std::int64_t>(i)).begin());
    return out;
}

/// Where each row's spline is highest, as a dispersion.
std::vector<double> highest(matrix::DenseView<const double> likelihood, const SplineKnots& knots, Context& context) {
    std::vector<double> out(static_cast<std::size_t>(likelihood.n_rows));
    parallel_blocks(context, likelihood.n_rows, kGenesOfTask, [&](Block block) {
        for (std::int64_t gene = block.begin; gene < block.end; ++gene) out[static_cast<std::size_t>(gene)] = grid_dispersion(knots.maximum(likelihood.row(gene)));
    });
    return out;
}

/// log2 of the dispersion, from the grid's centre, at which the genes' likelihoods add up to most.
double common_maximum(matrix::DenseView<const double> likelihood, const SplineKnots& knots) {
    std::vector<double> sum(static_cast<std::size_t>(likelihood.n_cols), 0.0);
    for (std::int64_t gene = 0; gene < likelihood.n_rows; ++gene) {
        for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += likelihood.row(gene)[k];
    }
    return knots.maximum(sum);
}

std::vector<double> grid_dispersions(std::span<const double> log2) {
    std::vector<double> out;
    for (const double x : log2) out.push_back(grid_dispersion(x));
    return out;
}

/// Genes with counts enough to take part. Throws invalid_data when there is none.
std::vector<std::size_t> genes_with_counts(const CountTable& table) {
    std::vector<std::size_t> genes;
    for (std::int64_t gene = 0; gene < table.counts.n_rows; ++gene) {
        const std::span<const double> row = table.counts.row(gene);
        if (std::accumulate(row.begin(), row.end(), 0.0) >= kFewestCounts) genes.push_back(static_cast<std::size_t>(gene));
    }
    if (genes.empty()) invalid_data("No gene has 5 counts over all samples, so that nothing can be said of how genes vary.", "Compare cell types with more cells.");
    return genes;
}

/// Gene-wise: own likelihood plus `weight` times the local mean.
std::vector<double> tagwise(const matrix::Dense<double>& own, const matrix::Dense<double>& shared, double weight, const SplineKnots& knots, Context& context) {
    matrix::Dense<double> both(own.n_rows, own.n_cols);
    for (std::size_t i = 0; i < both.values.size(); ++i) both.values[i] = own.values[i] + weight * shared.values[i];
    return highest(both.view(), knots, context);
}

/// The value of the fitted genes at their places; the others get that of the fitted gene with the least expression.
std::vector<double> spread_out(std::span<const double> fitted, std::span<const std::size_t> genes, std::span<const double> abundance) {
    std::size_t least = 0;
    for (std::size_t i = 1; i < genes.size(); ++i) {
        if (abundance[genes[i]] < abundance[genes[least]]) least = i;
    }
    std::vector<double> out(abundance.size(), fitted[least]);
    for (std::size_t i = 0; i < genes.size(); ++i) out[genes[i]] = fitted[i];
    return out;
}

}  // namespace

std::vector<double> average_log_cpm(const CountTable& table, double prior_count, double dispersion, Context& context) {
    const std::size_t n = table.size.size();
    const double mean_size = mean_of(table.size);
    std::vector<double> prior;
    std::vector<double> size;
    for (const double own : table.size) {
        prior.push_back(prior_count * own / mean_size);
        size.push_back(own + 2.0 * prior.back());
    }
    const NbDesign intercept(column_of_ones(static_cast<std::int64_t>(n)));
    std::vector<double> out(static_cast<std::size_t>(table.counts.n_rows));
    parallel_blocks(context, table.counts.n_rows, kGenesOfTask, [&](Block block) {
        NbFitter fitter(intercept);
        std::vector<double> counts(n);
        for (std::int64_t gene = block.begin; gene < block.end; ++gene) {
            for (std::size_t i = 0; i < n; ++i) counts[i] = table.counts.row(gene)[i] + prior[i];
            fitter.fit(counts, size, dispersion);
            out[static_cast<std::size_t>(gene)] = (fitter.coefficients()[0] + std::log(1e6)) / std::numbers::ln2;
        }
    });
    return out;
}

std::vector<double> residual_df(matrix::DenseView<const std::uint8_t> zero, const matrix::Dense<double>& design) {
    std::map<std::string, double> known;  // df of each pattern of zeros
    std::vector<double> out;
    for (std::int64_t gene = 0; gene < zero.n_rows; ++gene) {
        const std::span<const std::uint8_t> row = zero.row(gene);
        const std::string pattern(row.begin(), row.end());
        auto found = known.find(pattern);
        if (found == known.end()) {
            std::vector<std::size_t> left;
            for (std::size_t i = 0; i < row.size(); ++i) {
                if (row[i] == 0) left.push_back(i);
            }
            const std::int64_t rank = left.empty() ? 0 : orthonormal_basis(take_rows(design.view(), left).view()).rank();
            found = known.emplace(pattern, static_cast<double>(std::ssize(left) - rank)).first;
        }
        out.push_back(found->second);
    }
    return out;
}

DevianceFit fit_deviances(const CountTable& table, const NbDesign& design, std::span<const double> dispersion, Context& context) {
    DevianceFit out;
    out.deviance.resize(static_cast<std::size_t>(table.counts.n_rows));
    matrix::Dense<std::uint8_t> zero(table.counts.n_rows, table.counts.n_cols);
    parallel_blocks(context, table.counts.n_rows, kGenesOfTask, [&](Block block) {
        NbFitter fitter(design);
        for (std::int64_t gene = block.begin; gene < block.end; ++gene) {
            const auto g = static_cast<std::size_t>(gene);
            const std::span<const double> counts = table.counts.row(gene);
            fitter.fit(counts, table.size, dispersion[g]);
            out.deviance[g] = nb_deviance(counts, fitter.mu(), dispersion[g]);
            mark_zero_fits(counts, fitter.mu(), zero.row(gene));
        }
    });
    out.residual_df = residual_df(zero.view(), design.x());
    return out;
}

double common_dispersion(const CountTable& table, const NbDesign& design, Context& context) {
    const matrix::Dense<double> counts = take_rows(table.counts, genes_with_counts(table));
    const CountTable fitted{counts.view(), table.size};
    const auto highest_around = [&](double centre, double step) {
        std::vector<double> log2 = grid_log2();
        for (double& x : log2) x = centre + step * x;
        const matrix::Dense<double> profiles = adjusted_profiles(fitted, design, grid_dispersions(log2), context);
        return common_maximum(profiles.view(), SplineKnots(std::move(log2)));
    };
    double best = highest_around(0.0, 1.0);
    // Nothing but Poisson noise: below, the likelihood hardly changes.
    if (best <= grid_log2().front()) best = highest_around(2.0 * grid_log2().front(), 1.0);
    if (best <= 2.0 * grid_log2().front()) return grid_dispersion(3.0 * grid_log2().front());
    return grid_dispersion(highest_around(best, 0.1));
}

NbDispersions nb_dispersions(const CountTable& table, const NbDesign& design, Context& context) {
    const std::vector<std::size_t> genes = genes_with_counts(table);
    const matrix::Dense<double> counts = take_rows(table.counts, genes);
    const CountTable fitted{counts.view(), table.size};
    const SplineKnots knots(grid_log2());
    const matrix::Dense<double> own = adjusted_profiles(fitted, design, grid_dispersions(grid_log2()), context);

    NbDispersions out;
    out.common = grid_dispersion(common_maximum(own.view(), knots));
    out.average_log_cpm = average_log_cpm(table, kPriorCount, out.common, context);
    std::vector<double> abundance;
    for (const std::size_t gene : genes) abundance.push_back(out.average_log_cpm[gene]);
    const matrix::Dense<double> shared = local_constant(own.view(), abundance, trend_span(genes.size()), context);
    const std::vector<double> trended = highest(shared.view(), knots, context);

    const DevianceFit fit = fit_deviances(fitted, design, trended, context);
    std::vector<double> variance;
    for (std::size_t i = 0; i < genes.size(); ++i) variance.push_back(fit.residual_df[i] > 0.0 ? fit.deviance[i] / fit.residual_df[i] : 0.0);
    out.prior_df = squeeze_variances(variance, fit.residual_df, abundance).prior_df;
    const double weight = out.prior_df / static_cast<double>(design.n_samples() - design.n_coefficients());
    out.trended = spread_out(trended, genes, out.average_log_cpm);
    out.tagwise = std::isfinite(weight) ? spread_out(tagwise(own, shared, weight, knots, context), genes, out.average_log_cpm) : out.trended;
    return out;
}

}  // namespace morula::analysis
