#include "morula/analysis/neighborhood_tests.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "morula/analysis/p_values.hpp"
#include "morula/analysis/squeeze_variances.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kPriorCells = 0.5;
constexpr std::int64_t kBlock = 256;

/// ln ratios of a neighbourhood in the plan's units: cases, then controls.
matrix::Dense<double> log_ratios(matrix::DenseView<const double> counts, const std::vector<std::int64_t>& units, std::span<const double> totals, std::span<const double> reference, Context& context) {
    double mean_total = 0.0;
    for (const std::int64_t unit : units) mean_total += totals[static_cast<std::size_t>(unit)] / static_cast<double>(units.size());
    matrix::Dense<double> ratios(counts.n_rows, std::ssize(units));
    parallel_blocks(context, counts.n_rows, kBlock, [&](Block block) {
        for (std::int64_t row = block.begin; row < block.end; ++row) {
            for (std::int64_t i = 0; i < ratios.n_cols; ++i) {
                const std::int64_t unit = units[static_cast<std::size_t>(i)];
                const auto u = static_cast<std::size_t>(unit);
                ratios(row, i) = std::log(counts(row, unit) + kPriorCells * totals[u] / mean_total) - reference[u];
            }
        }
    });
    return ratios;
}

struct Fit {
    double effect = 0.0;
    double variance = 0.0;  // of one unit, or of one difference
};
Fit fit_row(std::span<const double> ratios, std::size_t n_cases, bool is_paired) {
    const std::size_t n_controls = ratios.size() - n_cases;
    Fit fit;
    if (is_paired) {
        const auto n = static_cast<double>(n_cases);
        for (std::size_t i = 0; i < n_cases; ++i) fit.effect += (ratios[i] - ratios[n_cases + i]) / n;
        for (std::size_t i = 0; i < n_cases; ++i) fit.variance += std::pow(ratios[i] - ratios[n_cases + i] - fit.effect, 2) / (n - 1.0);
        return fit;
    }
    double case_mean = 0.0, control_mean = 0.0;
    for (std::size_t i = 0; i < n_cases; ++i) case_mean += ratios[i] / static_cast<double>(n_cases);
    for (std::size_t i = n_cases; i < ratios.size(); ++i) control_mean += ratios[i] / static_cast<double>(n_controls);
    const double df = static_cast<double>(ratios.size()) - 2.0;
    for (std::size_t i = 0; i < ratios.size(); ++i) fit.variance += std::pow(ratios[i] - (i < n_cases ? case_mean : control_mean), 2) / df;
    fit.effect = case_mean - control_mean;
    return fit;
}

}  // namespace

NeighborhoodTests test_neighborhoods(matrix::DenseView<const double> counts, const AbundancePlan& plan, std::span<const double> totals, std::span<const double> reference, Context& context) {
    std::vector<std::int64_t> units = plan.case_rows;
    units.insert(units.end(), plan.control_rows.begin(), plan.control_rows.end());
    const matrix::Dense<double> ratios = log_ratios(counts, units, totals, reference, context);
    const std::size_t n_cases = plan.case_rows.size();
    const auto cases = static_cast<double>(n_cases);
    const auto controls = static_cast<double>(plan.control_rows.size());
    const double df = plan.is_paired ? cases - 1.0 : cases + controls - 2.0;

    const auto n = static_cast<std::size_t>(counts.n_rows);
    NeighborhoodTests out;
    out.log2fc.resize(n);
    out.se.assign(n, kMissing);
    out.p.assign(n, kMissing);
    std::vector<double> variances(n);
    for (std::size_t i = 0; i < n; ++i) {
        const Fit fit = fit_row(ratios.row(static_cast<std::int64_t>(i)), n_cases, plan.is_paired);
        out.log2fc[i] = fit.effect / std::numbers::ln2;
        variances[i] = fit.variance;
    }
    if (df < 1.0) return out;
    const SqueezedVariances squeezed = squeeze_variances(variances, std::vector<double>(n, df), {});
    out.prior_df = squeezed.prior_df;
    out.prior_variance = squeezed.prior.empty() ? kMissing : squeezed.prior[0];
    const double scale = plan.is_paired ? 1.0 / cases : 1.0 / cases + 1.0 / controls;
    for (std::size_t i = 0; i < n; ++i) {
        const double se = std::sqrt(squeezed.posterior[i] * scale);
        out.se[i] = se / std::numbers::ln2;
        // All neighbourhoods together have no more degrees of freedom than they were fitted with.
        const double all_df = std::min(squeezed.prior_df + df, df * static_cast<double>(n));
        if (se > 0.0) out.p[i] = std::pow(10.0, log10_p_student(out.log2fc[i] / out.se[i], all_df));
    }
    return out;
}

}  // namespace morula::analysis
