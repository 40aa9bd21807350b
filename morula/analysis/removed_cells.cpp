#include "morula/analysis/removed_cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "morula/core/error.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::analysis {
namespace {

constexpr std::int32_t kMaxRounds = 500;
constexpr double kSettled = 1e-7;  // largest change of a share in a round
constexpr std::int64_t kCellsForShares = 20'000;  // shares are a statistic: evenly spread cells tell them
constexpr double kPseudocount = 1.0;  // spread over all genes by the average profile, so that no gene is impossible

/// ln of the share of each gene in each profile, n_genes x n_profiles: a removed cell adds up rows.
using LogProfiles = matrix::Dense<double>;

/// Kept cells that make the profiles, and their clusters: at most `per_cluster` of each, evenly spread.
struct ProfileCells {
    std::vector<std::int64_t> cells;
    std::vector<std::int32_t> cluster;
};

ProfileCells choose_profile_cells(std::span<const std::int32_t> cluster, const std::vector<std::int64_t>& n_kept, std::int64_t per_cluster) {
    ProfileCells chosen;
    std::vector<std::int64_t> seen(n_kept.size(), 0);
    for (std::size_t cell = 0; cell < cluster.size(); ++cell) {
        const auto own = static_cast<std::size_t>(cluster[cell]);
        const std::int64_t wanted = std::min(per_cluster, n_kept[own]);
        // The i-th of n cells is taken where i * wanted / n steps up.
        const std::int64_t i = seen[own]++;
        if ((i + 1) * wanted / n_kept[own] == i * wanted / n_kept[own]) continue;
        chosen.cells.push_back(static_cast<std::int64_t>(cell));
        chosen.cluster.push_back(cluster[cell]);
    }
    return chosen;
}

void check_inputs(const matrix::RowBlockSource& kept, std::span<const std::int32_t> cluster, std::int32_t n_clusters, const matrix::RowBlockSource& removed) {
    if (static_cast<std::int64_t>(cluster.size()) != kept.n_rows()) invalid_data(fmt::format("There are {} cluster codes for {} cells.", cluster.size(), kept.n_rows()), "Give one code a cell.");
    if (kept.n_cols() != removed.n_cols()) invalid_data(fmt::format("Kept cells have {} genes, removed cells {}.", kept.n_cols(), removed.n_cols()), "Give the same genes for both.");
    for (const std::int32_t code : cluster) {
        if (code < 0 || code >= n_clusters) invalid_data(fmt::format("A cluster code is {}, codes go from 0 to {}.", code, n_clusters - 1), "Give codes of the clusters.");
    }
}

LogProfiles log_profiles(const matrix::RowBlockSource& kept, std::span<const std::int32_t> cluster, std::int32_t n_clusters, double ambient_share, Context& context) {
    const std::int64_t n_genes = kept.n_cols();
    const std::vector<double> counts = matrix::sum_tiles(kept, n_genes * n_clusters, context, [&](const matrix::CsrView& tile, std::int64_t first_row, std::span<double> sums) {
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            double* own = sums.data() + std::int64_t{cluster[static_cast<std::size_t>(first_row + row)]} * n_genes;
            const auto genes = tile.row_indices(row);
            const auto values = tile.row_values(row);
            for (std::size_t i = 0; i < genes.size(); ++i) own[genes[i]] += static_cast<double>(values[i]);
        }
    });
    const auto at = [&](std::int64_t profile, std::int64_t gene) { return counts[static_cast<std::size_t>(profile * n_genes + gene)]; };
    std::vector<double> average(static_cast<std::size_t>(n_genes), kPseudocount / static_cast<double>(n_genes));
    std::vector<double> total(static_cast<std::size_t>(n_clusters), 0.0);
    double all = kPseudocount;
    for (std::int64_t profile = 0; profile < n_clusters; ++profile) {
        for (std::int64_t gene = 0; gene < n_genes; ++gene) {
            average[static_cast<std::size_t>(gene)] += at(profile, gene);
            total[static_cast<std::size_t>(profile)] += at(profile, gene);
        }
        all += total[static_cast<std::size_t>(profile)];
    }
    LogProfiles out(n_genes, n_clusters + 1);
    for (std::int64_t gene = 0; gene < n_genes; ++gene) {
        const double soup = average[static_cast<std::size_t>(gene)] / all;
        for (std::int64_t profile = 0; profile < n_clusters; ++profile) {
            const double own = (at(profile, gene) + kPseudocount * soup) / (total[static_cast<std::size_t>(profile)] + kPseudocount);
            out(gene, profile) = std::log((1.0 - ambient_share) * own + ambient_share * soup);
        }
        out(gene, n_clusters) = std::log(soup);
    }
    return out;
}

/// Likelihood of each removed cell under each profile, relative to its best; zeros where it has too few counts.
matrix::Dense<double> likelihoods(const matrix::RowBlockSource& removed, const LogProfiles& profiles, double min_counts, Context& context) {
    matrix::Dense<double> out(removed.n_rows(), profiles.n_cols);
    matrix::for_each_tile(removed, context, [&](const matrix::CsrView& tile, std::int64_t first_row) {
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            const auto likelihood = out.row(first_row + row);
            std::fill(likelihood.begin(), likelihood.end(), 0.0);
            double total = 0.0;
            const auto genes = tile.row_indices(row);
            const auto values = tile.row_values(row);
            for (std::size_t i = 0; i < genes.size(); ++i) {
                const auto count = static_cast<double>(values[i]);
                const auto profile = profiles.row(std::int64_t{genes[i]});
                total += count;
                for (std::size_t p = 0; p < likelihood.size(); ++p) likelihood[p] += count * profile[p];
            }
            const double best = *std::max_element(likelihood.begin(), likelihood.end());
            for (double& value : likelihood) value = total >= min_counts ? std::exp(value - best) : 0.0;
        }
    });
    return out;
}

/// The share of each profile among the cells, by expectation and maximisation; `cells` are rows with a likelihood.
std::vector<double> shares_of(const matrix::Dense<double>& likelihood, const std::vector<std::int64_t>& cells, Context& context) {
    const auto n_profiles = static_cast<std::size_t>(likelihood.n_cols);
    const auto n_cells = static_cast<std::int64_t>(cells.size());
    const std::int64_t n_used = std::min(n_cells, kCellsForShares);
    std::vector<double> share(n_profiles, 1.0 / static_cast<double>(n_profiles));
    for (std::int32_t round = 0; round < kMaxRounds; ++round) {
        context.check_cancelled();
        std::vector<double> expected(n_profiles, 0.0);
        for (std::int64_t i = 0; i < n_used; ++i) {
            const auto row = likelihood.row(cells[static_cast<std::size_t>(i * n_cells / n_used)]);
            double evidence = 0.0;
            for (std::size_t p = 0; p < n_profiles; ++p) evidence += share[p] * row[p];
            for (std::size_t p = 0; p < n_profiles; ++p) expected[p] += share[p] * row[p] / evidence;
        }
        double change = 0.0;
        for (std::size_t p = 0; p < n_profiles; ++p) {
            const double next = expected[p] / static_cast<double>(n_used);
            change = std::max(change, std::abs(next - share[p]));
            share[p] = next;
        }
        if (change < kSettled) break;
    }
    return share;
}

}  // namespace

RemovedCellsResult removed_cells(const matrix::Matrix& kept, std::span<const std::int32_t> cluster, std::int32_t n_clusters, const matrix::RowBlockSource& removed,
                                 const RemovedCellsOptions& options, Context& context) {
    check_inputs(*kept, cluster, n_clusters, removed);
    RemovedCellsResult result;
    result.n_kept.assign(static_cast<std::size_t>(n_clusters), 0);
    result.n_removed.assign(static_cast<std::size_t>(n_clusters), 0.0);
    for (const std::int32_t code : cluster) ++result.n_kept[static_cast<std::size_t>(code)];
    result.probability = matrix::Dense<float>(removed.n_rows(), n_clusters + 1);
    if (removed.n_rows() == 0) return result;

    context.require_memory(removed.n_rows() * (n_clusters + 1) * 12, "placing the removed cells");
    const ProfileCells chosen = choose_profile_cells(cluster, result.n_kept, options.profile_cells);
    const LogProfiles profiles = log_profiles(*matrix::select_rows(kept, chosen.cells), chosen.cluster, n_clusters, options.ambient_share, context);
    const matrix::Dense<double> likelihood = likelihoods(removed, profiles, options.min_counts, context);
    std::vector<std::int64_t> cells;
    for (std::int64_t cell = 0; cell < removed.n_rows(); ++cell) {
        const auto row = likelihood.row(cell);
        if (std::any_of(row.begin(), row.end(), [](double value) { return value > 0.0; })) cells.push_back(cell);
    }
    result.n_too_few_counts = removed.n_rows() - static_cast<std::int64_t>(cells.size());
    if (cells.empty()) return result;
    const std::vector<double> share = shares_of(likelihood, cells, context);
    for (const std::int64_t cell : cells) {
        const auto row = likelihood.row(cell);
        double evidence = 0.0;
        for (std::size_t p = 0; p < share.size(); ++p) evidence += share[p] * row[p];
        for (std::size_t p = 0; p < share.size(); ++p) {
            const double probability = share[p] * row[p] / evidence;
            result.probability(cell, static_cast<std::int64_t>(p)) = static_cast<float>(probability);
            (p < result.n_removed.size() ? result.n_removed[p] : result.n_ambient) += probability;
        }
    }
    return result;
}

}  // namespace morula::analysis
