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

constexpr double kMillion = 1e6;
constexpr double kFewestExpected = 200.0;     // counts that soup alone would give, for a gene to set a limit in a cluster
constexpr std::size_t kDecidingGene = 5;
constexpr double kNormal975 = 1.959963984540054;

/// Counts per million of the clusters that take part, one column a cluster, and of all of them together.
struct Profiles {
    std::vector<std::int32_t> clusters;
    std::vector<std::vector<double>> cpm;
    std::vector<double> total;  // counts of each cluster
    std::vector<double> counts;
    std::vector<double> soup;
};

/// Counts per million; zeros where there are none.
std::vector<double> per_million(std::span<const double> counts) {
    double total = 0.0;
    for (const double count : counts) total += count;
    std::vector<double> cpm(counts.begin(), counts.end());
    for (double& value : cpm) value *= total > 0.0 ? kMillion / total : 0.0;
    return cpm;
}

Profiles profiles_of(const Pseudobulk& clusters, std::span<const double> empty) {
    Profiles profiles;
    profiles.counts.assign(static_cast<std::size_t>(clusters.sums.n_cols), 0.0);
    for (std::size_t cluster = 0; cluster < clusters.n_cells.size(); ++cluster) {
        if (clusters.n_cells[cluster] < kFewestAmbientCells) continue;
        const auto sums = clusters.sums.row(static_cast<std::int64_t>(cluster));
        std::vector<double> cpm(sums.begin(), sums.end());
        double total = 0.0;
        for (std::size_t gene = 0; gene < cpm.size(); ++gene) {
            total += cpm[gene];
            profiles.counts[gene] += cpm[gene];
        }
        if (total <= 0.0) continue;
        for (double& value : cpm) value *= kMillion / total;
        profiles.clusters.push_back(static_cast<std::int32_t>(cluster));
        profiles.cpm.push_back(std::move(cpm));
        profiles.total.push_back(total);
    }
    profiles.soup = per_million(empty.empty() ? std::span<const double>(profiles.counts) : empty);
    return profiles;
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
            upper = std::min(upper, upper_poisson_mean(count, kNormal975) / expected);
        }
        if (!std::isfinite(share)) continue;
        limits.share.push_back(share);
        limits.upper.push_back(upper);
    }
    std::sort(limits.share.begin(), limits.share.end());
    std::sort(limits.upper.begin(), limits.upper.end());
    return limits;
}

/// The soup genes among all; n_clusters of at least three.
std::vector<SoupGene> soup_genes(const Profiles& profiles, const AmbientOptions& options) {
    std::vector<SoupGene> genes;
    const std::size_t n = profiles.clusters.size();
    for (std::size_t g = 0; g < profiles.soup.size(); ++g) {
        std::size_t source = 0;
        for (std::size_t c = 1; c < n; ++c) source = profiles.cpm[c][g] > profiles.cpm[source][g] ? c : source;
        if (profiles.cpm[source][g] < options.min_source_cpm) continue;
        std::vector<double> others;
        SoupGene row;
        for (std::size_t c = 0; c < n; ++c) {
            if (c == source) continue;
            others.push_back(profiles.cpm[c][g]);
            row.n_clusters_seen += profiles.cpm[c][g] > 0.0 ? 1 : 0;
            row.counts_elsewhere += profiles.cpm[c][g] * profiles.total[c] / kMillion;
            row.total_elsewhere += profiles.total[c];
        }
        row.gene = static_cast<std::int64_t>(g);
        row.source_cluster = profiles.clusters[source];
        row.source_cpm = profiles.cpm[source][g];
        row.elsewhere_cpm = median(std::move(others));
        row.soup_cpm = profiles.soup[g];
        row.share = row.elsewhere_cpm / row.soup_cpm;
        if (row.elsewhere_cpm <= 0.0 || row.source_cpm < options.min_fold * row.elsewhere_cpm || !(row.share <= options.max_fraction)) continue;
        genes.push_back(row);
    }
    std::sort(genes.begin(), genes.end(), [](const SoupGene& a, const SoupGene& b) { return a.soup_cpm != b.soup_cpm ? a.soup_cpm > b.soup_cpm : a.gene < b.gene; });
    return genes;
}

void set_share(const Profiles& profiles, const AmbientOptions& options, AmbientResult& result) {
    const Limits limits = limits_of(profiles);
    result.n_limits = std::ssize(limits.share);
    if (limits.share.size() < kDecidingGene) {
        result.why_not = fmt::format("of {} genes soup alone would give {} counts in a cluster; {} are needed", limits.share.size(), kFewestExpected, kDecidingGene);
    } else if (limits.share[kDecidingGene - 1] > options.max_fraction) {
        result.why_not = fmt::format("no gene is silent in a cluster (the limit would be {:.0f} %), as among cells of one kind", 100.0 * limits.share[kDecidingGene - 1]);
    } else {
        result.ambient_share = limits.share[kDecidingGene - 1];
        result.share_low = limits.share.front();
        result.share_high = limits.upper[kDecidingGene - 1];
    }
}

}  // namespace

double upper_poisson_mean(double count, double z) {
    const double n = count + 1.0;
    return n * std::pow(1.0 - 1.0 / (9.0 * n) + z / (3.0 * std::sqrt(n)), 3.0);
}

double lower_poisson_mean(double count, double z) {
    if (count <= 0.0) return 0.0;
    return count * std::pow(std::max(0.0, 1.0 - 1.0 / (9.0 * count) - z / (3.0 * std::sqrt(count))), 3.0);
}

AmbientResult ambient(const matrix::RowBlockSource& counts, std::span<const std::int32_t> cluster, std::int32_t n_clusters, std::span<const double> empty, const AmbientOptions& options, Context& context) {
    if (static_cast<std::int64_t>(cluster.size()) != counts.n_rows()) invalid_data(fmt::format("There are {} cluster codes for {} cells.", cluster.size(), counts.n_rows()), "Give one code a cell.");
    for (const std::int32_t code : cluster) {
        if (code < -1 || code >= n_clusters) invalid_data(fmt::format("A cluster code is {}, codes go from 0 to {}.", code, n_clusters - 1), "Give codes of the clusters.");
    }
    if (!empty.empty() && std::ssize(empty) != counts.n_cols()) invalid_data(fmt::format("The soup's profile has {} genes, the cells {}.", empty.size(), counts.n_cols()), "Give a profile of the same genes.");
    const Profiles profiles = profiles_of(pseudobulk(counts, cluster, n_clusters, context), empty);
    AmbientResult result;
    result.ambient_share = result.share_low = result.share_high = std::numeric_limits<double>::quiet_NaN();
    result.n_clusters = static_cast<std::int32_t>(profiles.clusters.size());
    result.counts = profiles.counts;
    result.soup = profiles.soup;
    for (double& share : result.soup) share /= kMillion;
    if (result.n_clusters < 3) {
        result.why_not = fmt::format("{} clusters have {} cells or more; three are needed", result.n_clusters, kFewestAmbientCells);
        return result;
    }
    result.genes = soup_genes(profiles, options);
    set_share(profiles, options, result);
    return result;
}

}  // namespace morula::analysis
