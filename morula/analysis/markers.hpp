// Markers: for every gene and cluster, how the cluster differs from all other cells, and pairwise ranks.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

/// Which test gives the p values that are adjusted to an FDR.
enum class MarkerTest { wilcoxon, t_test };
/// The effect by which genes are ranked in each pair of clusters.
enum class PairwiseEffect { auc, cohens_d, none };

/// Defaults are recipe morula-1.
struct MarkersOptions {
    MarkerTest test = MarkerTest::wilcoxon;
    bool tie_correct = true;
    PairwiseEffect pairwise = PairwiseEffect::auc;
};

constexpr auto describe(const MarkersOptions*) {
    return std::tuple{
        field("test", &MarkersOptions::test, "Test whose p values give the FDR; both tests are always reported.", {.choices = "wilcoxon|t_test"}),
        field("tie_correct", &MarkersOptions::tie_correct, "Correct the Wilcoxon variance for ties (scanpy 1.11 does not)."),
        field("pairwise", &MarkersOptions::pairwise, "Effect that ranks genes between every two clusters.", {.choices = "auc|cohens_d|none"}),
    };
}

/// scanpy's rank_genes_groups(method="wilcoxon"): no correction for ties, no pairwise ranks.
MarkersOptions markers_options_scanpy_1_11();

/// Above this many clusters pairwise AUC is not computed; min_rank is then by Cohen's d and n_genes_up stays empty.
inline constexpr std::int32_t kMaxPairwiseAucClusters = 100;
/// AUC from which a gene counts as higher in one cluster of a pair.
inline constexpr double kPairwiseUpAuc = 0.7;

/// All matrices are n_genes x n_clusters. "in" is the cluster, "out" all other cells that have a cluster.
/// NaN where the cluster or the rest is empty; t, log10_p_t and cohens_d also where either has fewer than two cells.
struct MarkersResult {
    std::vector<std::int64_t> n_cells;  // n_clusters
    matrix::Dense<float> z;             // Wilcoxon rank sum, normal approximation, no continuity correction; 0 for a constant gene
    matrix::Dense<float> log10_p;       // two-sided, of z; in log space, so never -infinity
    matrix::Dense<double> auc;          // P(in > out) + P(in = out) / 2
    matrix::Dense<float> t;             // Welch; 0 where both means are equal and both variances 0, +-infinity where only the variances are
    matrix::Dense<float> log10_p_t;     // two-sided, Welch-Satterthwaite degrees of freedom; in log space
    matrix::Dense<float> log10_fdr;     // Benjamini-Hochberg over all genes of the cluster, of the chosen test
    matrix::Dense<float> cohens_d;      // (mean_in - mean_out) / sqrt((var_in + var_out) / 2); 0 where both variances are 0 and means equal
    matrix::Dense<float> log2fc;        // log2((mean expm1 in + 1e-9) / (mean expm1 out + 1e-9)): mean first, then log
    matrix::Dense<float> log2fc_scanpy1;  // log2((expm1(mean in) + 1e-9) / (expm1(mean out) + 1e-9))
    matrix::Dense<float> mean_in;       // of the given (log) values
    matrix::Dense<float> mean_out;
    matrix::Dense<float> pct_in;        // share of cells with a value above 0, 0 to 1
    matrix::Dense<float> pct_out;
    matrix::Dense<std::int32_t> min_rank;  // best rank (from 1) over comparisons with each other cluster; 0 where there is none
    PairwiseEffect min_rank_effect = PairwiseEffect::none;  // what min_rank is by
    matrix::Dense<std::int32_t> n_genes_up;  // n_clusters x n_clusters: genes with pairwise AUC(row over column) >= kPairwiseUpAuc; 0 x 0 without pairwise AUC
};

/// log_values: log-normalized, >= 0; a stored zero is a zero. cluster: n_cells codes in [0, n_clusters), -1 leaves a cell out.
/// Wilcoxon & AUC: exact, ties at their mean rank (Mann & Whitney 1947). Pairwise minimum rank as in scran: for each cluster, genes are ranked by their
/// effect against every other cluster (ties by gene index) and keep their best rank, so that the genes with min_rank <= k hold the k best of each pair.
/// Cluster tests on the cells that made the clusters are descriptive: rank by effect, not by p.
/// Gene-major, in ranges of genes bounded by the memory budget; the same bits for any threads and any budget.
/// Cost O(nnz (log nnz_gene + n_clusters)), memory 4 bytes a non-zero of the range for logs of counts, 7 for other values, and up to 300 bytes a cell.
/// Throws invalid_data when cluster.size() != n_cells, a code is out of range, or a value is negative (scaled data), not finite, or above 50 (counts).
MarkersResult markers(const matrix::RowBlockSource& log_values, std::span<const std::int32_t> cluster, std::int32_t n_clusters, const MarkersOptions& options, Context& context);

/// AUC of each cluster against the cells of cluster `reference`, n_genes x n_clusters; exact, ties count half. NaN where either is empty. Code -1 leaves a cell out.
/// With all clusters of no interest under one code this is AUC against any set of cells. Cost and errors as markers(), memory of the result as markers' auc.
matrix::Dense<double> auc_against(const matrix::RowBlockSource& log_values, std::span<const std::int32_t> cluster, std::int32_t n_clusters, std::int32_t reference, Context& context);

enum class MarkerOrder {
    auc,       // largest AUC first
    min_rank,  // smallest minimum rank first, then largest AUC; only genes with AUC > .5
    cohens_d,  // largest first
    z,         // scanpy's order: largest z first
};

/// One line of markers.csv.
struct MarkerRow {
    std::int32_t cluster = 0;
    std::int64_t gene = 0;  // index
    double auc = 0.0;
    std::int32_t min_rank = 0;
    double cohens_d = 0.0;
    double log2fc = 0.0;
    double log2fc_scanpy1 = 0.0;
    double mean_in = 0.0;
    double mean_out = 0.0;
    double pct_in = 0.0;
    double pct_out = 0.0;
    double z = 0.0;
    double log10_p = 0.0;
    double t = 0.0;
    double log10_p_t = 0.0;
    double fdr = 0.0;  // 10^log10_fdr
};

MarkerRow marker_row(const MarkersResult& result, std::int32_t cluster, std::int64_t gene);
/// The first n genes of a cluster in the given order, ties by gene index; fewer when fewer qualify; none for an empty cluster.
std::vector<MarkerRow> top_markers(const MarkersResult& result, std::int32_t cluster, std::int64_t n, MarkerOrder order);

}  // namespace morula::analysis
