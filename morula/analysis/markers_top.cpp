// Reading marker results gene by gene, best first.
#include <algorithm>
#include <cmath>

#include "morula/analysis/markers.hpp"

namespace morula::analysis {
namespace {

/// Larger is better; NaN for a gene that does not qualify.
double merit(const MarkersResult& result, std::int32_t cluster, std::int64_t gene, MarkerOrder order) {
    switch (order) {
        case MarkerOrder::auc: return result.auc(gene, cluster);
        case MarkerOrder::cohens_d: return result.cohens_d(gene, cluster);
        case MarkerOrder::z: return result.z(gene, cluster);
        case MarkerOrder::min_rank: {
            const std::int32_t rank = result.min_rank(gene, cluster);
            return rank > 0 && result.auc(gene, cluster) > 0.5 ? -static_cast<double>(rank) : std::nan("");
        }
    }
    return std::nan("");
}

}  // namespace

MarkerRow marker_row(const MarkersResult& result, std::int32_t cluster, std::int64_t gene) {
    MarkerRow row;
    row.cluster = cluster;
    row.gene = gene;
    row.auc = result.auc(gene, cluster);
    row.min_rank = result.min_rank(gene, cluster);
    row.cohens_d = result.cohens_d(gene, cluster);
    row.log2fc = result.log2fc(gene, cluster);
    row.log2fc_scanpy1 = result.log2fc_scanpy1(gene, cluster);
    row.mean_in = result.mean_in(gene, cluster);
    row.mean_out = result.mean_out(gene, cluster);
    row.pct_in = result.pct_in(gene, cluster);
    row.pct_out = result.pct_out(gene, cluster);
    row.z = result.z(gene, cluster);
    row.log10_p = result.log10_p(gene, cluster);
    row.t = result.t(gene, cluster);
    row.log10_p_t = result.log10_p_t(gene, cluster);
    row.fdr = std::pow(10.0, result.log10_fdr(gene, cluster));
    return row;
}

std::vector<MarkerRow> top_markers(const MarkersResult& result, std::int32_t cluster, std::int64_t n, MarkerOrder order) {
    struct Candidate {
        double merit;
        double auc;
        std::int64_t gene;
    };
    std::vector<Candidate> candidates;
    for (std::int64_t gene = 0; gene < result.auc.n_rows; ++gene) {
        const double value = merit(result, cluster, gene, order);
        if (!std::isnan(value)) candidates.push_back({value, result.auc(gene, cluster), gene});
    }
    const auto kept = static_cast<std::ptrdiff_t>(std::min<std::int64_t>(std::max<std::int64_t>(n, 0), static_cast<std::int64_t>(candidates.size())));
    std::partial_sort(candidates.begin(), candidates.begin() + kept, candidates.end(), [](const Candidate& a, const Candidate& b) {
        if (a.merit != b.merit) return a.merit > b.merit;
        if (a.auc != b.auc) return a.auc > b.auc;
        return a.gene < b.gene;
    });
    std::vector<MarkerRow> rows;
    for (std::ptrdiff_t i = 0; i < kept; ++i) rows.push_back(marker_row(result, cluster, candidates[static_cast<std::size_t>(i)].gene));
    return rows;
}

}  // namespace morula::analysis
