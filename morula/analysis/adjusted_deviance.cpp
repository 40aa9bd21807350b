#include "morula/analysis/adjusted_deviance.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "morula/analysis/averages.hpp"
#include "morula/analysis/nb_deviance_moments.hpp"
#include "morula/analysis/weighted_lowess.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kGenesOfTask = 64;
constexpr double kFewGenes = 20.0;
constexpr double kSmallestShare = 0.02;
constexpr double kHighlyExpressed = 0.9;
constexpr int kRoundsOfAverage = 2;

double share_of_top_genes(const CountTable& table, const NbDesign& design) {
    const double n = static_cast<double>(table.counts.n_rows) * std::sqrt(static_cast<double>(design.n_samples() - design.n_coefficients()));
    return n <= kFewGenes ? 1.0 : kSmallestShare + (1.0 - kSmallestShare) * std::cbrt(kFewGenes / n);
}

double dispersion_of_top_genes(const CountTable& table, const NbDesign& design, std::span<const double> average_log_cpm, Context& context) {
    std::vector<std::int64_t> genes(average_log_cpm.size());
    std::iota(genes.begin(), genes.end(), std::int64_t{0});
    std::stable_sort(genes.begin(), genes.end(), [&](std::int64_t a, std::int64_t b) { return average_log_cpm[static_cast<std::size_t>(a)] > average_log_cpm[static_cast<std::size_t>(b)]; });
    genes.resize(static_cast<std::size_t>(std::ceil(share_of_top_genes(table, design) * static_cast<double>(genes.size()))));
    matrix::Dense<double> counts(std::ssize(genes), table.counts.n_cols);
    for (std::size_t i = 0; i < genes.size(); ++i) std::copy_n(table.counts.row(genes[i]).begin(), counts.n_cols, counts.row(static_cast<std::int64_t>(i)).begin());
    return common_dispersion({counts.view(), table.size}, design, context);
}

/// Fills deviance and residual_df at the average that stands in `out`, for means fitted at a dispersion.
void adjust(const CountTable& table, const NbDesign& design, const DevianceMomentsTable& moments, double of_fit, AdjustedDeviances& out, Context& context) {
    parallel_blocks(context, table.counts.n_rows, kGenesOfTask, [&](Block block) {
        NbFitter fitter(design);
        std::vector<double> leverage(table.size.size());
        for (std::int64_t gene = block.begin; gene < block.end; ++gene) {
            const std::span<const double> counts = table.counts.row(gene);
            fitter.fit(counts, table.size, of_fit);
            fitter.leverages(out.dispersion, leverage);
            double deviance = 0.0;
            double df = 0.0;
            for (std::size_t i = 0; i < counts.size(); ++i) {
                const DevianceMoments own = moments.at(fitter.mu()[i] / out.average_quasi);
                if (!(own.variance > 0.0)) continue;
                const double scale = 2.0 * own.mean / own.variance;
                deviance += scale * nb_unit_deviance(counts[i], fitter.mu()[i], out.dispersion);
                df += scale * own.mean * (1.0 - leverage[i]);
            }
            out.deviance[static_cast<std::size_t>(gene)] = deviance;
            out.residual_df[static_cast<std::size_t>(gene)] = df;
        }
    });
}

double average_quasi_dispersion(const AdjustedDeviances& at, std::span<const double> average_log_cpm) {
    std::vector<double> root;
    for (std::size_t gene = 0; gene < at.deviance.size(); ++gene) root.push_back(at.residual_df[gene] > kHardlyAnyDf ? std::sqrt(std::sqrt(std::max(at.deviance[gene], 0.0) / at.residual_df[gene])) : 0.0);
    const std::vector<double> alike(root.size(), 1.0);
    // Lines through half of the genes, rounded down.
    const double span = root.size() > 1 ? static_cast<double>(root.size() / 2) / static_cast<double>(root.size()) : 1.0;
    const double high = quantile(weighted_lowess(average_log_cpm, root, alike, {.span = span, .robust_rounds = 3, .anchors = LowessAnchors::close}), kHighlyExpressed);
    return std::max(1.0, high * high * high * high);
}

}  // namespace

AdjustedDeviances adjusted_deviances(const CountTable& table, const NbDesign& design, std::span<const double> average_log_cpm, Context& context) {
    AdjustedDeviances out;
    out.deviance.resize(average_log_cpm.size());
    out.residual_df.resize(average_log_cpm.size());
    out.common_dispersion = dispersion_of_top_genes(table, design, average_log_cpm, context);
    const DevianceMomentsTable moments(out.common_dispersion, context);
    out.dispersion = out.common_dispersion;
    adjust(table, design, moments, out.common_dispersion, out, context);
    for (int round = 0; round < kRoundsOfAverage; ++round) {
        out.average_quasi = average_quasi_dispersion(out, average_log_cpm);
        out.dispersion = out.common_dispersion / out.average_quasi;
        // The means are fitted anew for the last round alone.
        adjust(table, design, moments, round + 1 < kRoundsOfAverage ? out.common_dispersion : out.dispersion, out, context);
    }
    return out;
}

}  // namespace morula::analysis
