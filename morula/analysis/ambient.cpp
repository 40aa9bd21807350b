#include "morula/analysis/ambient.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/analysis/averages.hpp"
#include "morula/analysis/pseudobulk.hpp"
#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kFewestCells = 20;  // of a cluster that takes part
constexpr double kMillion = 1e6;
constexpr double kFewestExpected = 200.0;     // counts that soup alone would give, for a gene to set a limit in a cluster
constexpr std::size_t kDecidingGene = 5;
constexpr double kNormal975 = 1.959963984540054;

/// Counts per million of the clusters that take part, one column a cluster, and of all of them together.
struct Profiles {
    std::vector<std::int32_t> clusters;
    std::vector<std::vector<double>> cpm;
    std::vector<double> total;  // counts of each cluster
    std::vector<double> soup;
};

Profiles profiles_of(const Pseudobulk& clusters) {
    const std::int64_t n_genes = clusters.sums.n_cols;
    Profiles profiles;
    profiles.soup.assign(static_cast<std::size_t>(n_genes), 0.0);
    double soup_total = 0.0;
    for (std::size_t cluster = 0; cluster < clusters.n_cells.size(); ++cluster) {
        if (clusters.n_cells[cluster] < kFewestCells) continue;
        const auto sums = clusters.sums.row(static_cast<std::int64_t>(cluster));
        std::vector<double> cpm(sums.begin(), sums.end());
        double total = 0.0;
        for (std::size_t gene = 0; gene < cpm.size(); ++gene) {
            total += cpm[gene];
            profiles.soup[gene] += cpm[gene];
        }
        soup_total += total;
        if (total <= 0.0) continue;
        for (double& value : cpm) value *= kMillion / total;
        profiles.clusters.push_back(static_cast<std::int32_t>(cluster));
        profiles.cpm.push_back(std::move(cpm));
        profiles.total.push_back(total);
    }
    for (double& value : profiles.soup) value *= soup_total > 0.0 ? kMillion / soup_total : 0.0;
    return profiles;
}

/// Upper end of the 95 % interval of a Poisson mean from a count (Wilson and Hilferty's root of the gamma distribution).
double upper_mean(double count) {
    const double n = count + 1.0;
    return n * std::pow(1.0 - 1.0 / (9.0 * n) + kNormal975 / (3.0 * std::sqrt(n)), 3.0);
}

/// The most soup that each gene allows: its counts where it is rarest, and their upper end, over what soup alone would give.
struct Limits {
    std::vector<double> share;
    std::vector<double> upper;
};

Limits limits_of(const Profiles& profiles) {
    Limits limits;
    for (std::size_t gene = 0; gene < profiles.soup.size(); ++gene) {
        double share = std::numeric_limits<double>::infinity();
        double upper = share;
        for (std::size_t c = 0; c < profiles.cpm.size(); ++c) {
            const double expected = profiles.total[c] * profiles.soup[gene] / kMillion;
            if (expected < kFewestExpected) continue;
            const double count = profiles.total[c] * profiles.cpm[c][gene] / kMillion;
            share = std::min(share, count / expected);
            upper = std::min(upper, upper_mean(count) / expected);
        }
        if (!std::isfinite(share)) continue;
        limits.share.push_back(share);
        limits.upper.push_back(upper);
    }
    std::sort(limits.share.begin(), limits.share.end());
    std::sort(limits.upper.begin(), limits.upper.end());
    return limits;
}

}  // namespace

AmbientResult ambient(const matrix::RowBlockSource& counts, std::span<const std::int32_t> cluster, std::int32_t n_clusters, const AmbientOptions& options, Context& context) {
    if (static_cast<std::int64_t>(cluster.size()) != counts.n_rows()) invalid_data(fmt::format("There are {} cluster codes for {} cells.", cluster.size(), counts.n_rows()), "Give one code a cell.");
    for (const std::int32_t code : cluster) {
        if (code < -1 || code >= n_clusters) invalid_data(fmt::format("A cluster code is {}, codes go from 0 to {}.", code, n_clusters - 1), "Give codes of the clusters.");
    }
    const Profiles profiles = profiles_of(pseudobulk(counts, cluster, n_clusters, context));
    AmbientResult result;
    result.ambient_share = result.share_low = result.share_high = std::numeric_limits<double>::quiet_NaN();
    const std::size_t n = profiles.clusters.size();
    if (n < 3) return result;
    for (std::int64_t gene = 0; gene < counts.n_cols(); ++gene) {
        const auto g = static_cast<std::size_t>(gene);
        std::size_t source = 0;
        for (std::size_t c = 1; c < n; ++c) source = profiles.cpm[c][g] > profiles.cpm[source][g] ? c : source;
        if (profiles.cpm[source][g] < options.min_source_cpm) continue;
        std::vector<double> others;
        SoupGene row;
        for (std::size_t c = 0; c < n; ++c) {
            if (c == source) continue;
            others.push_back(profiles.cpm[c][g]);
            row.n_clusters_seen += profiles.cpm[c][g] > 0.0 ? 1 : 0;
        }
        row.gene = gene;
        row.source_cluster = profiles.clusters[source];
        row.source_cpm = profiles.cpm[source][g];
        row.elsewhere_cpm = median(std::move(others));
        row.soup_cpm = profiles.soup[g];
        row.share = row.elsewhere_cpm / row.soup_cpm;
        if (row.elsewhere_cpm <= 0.0 || row.source_cpm < options.min_fold * row.elsewhere_cpm || row.share > options.max_fraction) continue;
        result.genes.push_back(row);
    }
    std::sort(result.genes.begin(), result.genes.end(), [](const SoupGene& a, const SoupGene& b) { return a.soup_cpm != b.soup_cpm ? a.soup_cpm > b.soup_cpm : a.gene < b.gene; });
    const Limits limits = limits_of(profiles);
    if (limits.share.size() < kDecidingGene || limits.share[kDecidingGene - 1] > options.max_fraction) return result;
    result.ambient_share = limits.share[kDecidingGene - 1];
    result.share_low = limits.share.front();
    result.share_high = limits.upper[kDecidingGene - 1];
    return result;
}

}  // namespace morula::analysis
