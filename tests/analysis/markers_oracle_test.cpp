// Markers against scanpy, scipy and mpmath (oracles/markers.py), and against plain loops over all pairs of cells.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "morula/analysis/markers.hpp"
#include "tests/analysis/fixture.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

struct Cells {
    matrix::Csr values;
    std::vector<std::int32_t> cluster;
    std::int32_t n_clusters = 0;
};

Cells read_cells(const std::string& name, std::int64_t n_genes) {
    Cells cells;
    cells.values.n_cols = n_genes;
    for (const auto& row : fixture::rows("markers/" + name + "_cells.csv")) {
        cells.cluster.push_back(std::stoi(row[0]));
        cells.n_clusters = std::max(cells.n_clusters, cells.cluster.back() + 1);
        fixture::push_cell(row, 1, cells.values);
    }
    return cells;
}

Cells small_cells() { return read_cells("small", 120); }
Cells deep_cells() { return read_cells("deep", 4); }

/// One line of answers.csv: a gene and a cluster.
struct Answer {
    std::int64_t gene = 0;
    std::int32_t cluster = 0;
    double z, z_uncorrected, log10_p, log10_fdr, auc, t, log10_p_t, log10_fdr_t, cohens_d, log2fc, log2fc_scanpy1, pct_in, pct_out;
};

std::vector<Answer> answers(const std::string& name) {
    std::vector<Answer> result;
    for (const auto& row : fixture::rows("markers/answers.csv")) {
        if (row[0] != name) continue;
        const auto number = [&](std::size_t column) { return std::stod(row.at(column)); };
        result.push_back({std::stoll(row[1]), std::stoi(row[2]), number(3), number(4), number(5), number(6), number(7), number(8), number(9), number(10), number(11), number(12), number(13), number(14), number(15)});
    }
    return result;
}

/// Equal to `relative` of the expected value, or to `absolute` near zero; infinities and NaN only equal themselves.
::testing::AssertionResult near(double found, double expected, double relative, double absolute) {
    const bool same = std::isnan(expected) ? std::isnan(found) : std::isinf(expected) ? found == expected : std::abs(found - expected) <= std::max(absolute, relative * std::abs(expected));
    if (same) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "found " << found << ", expected " << expected;
}

void expect_answers(const std::string& name, const Cells& cells) {
    const auto context = test::make_context(2);
    const auto source = matrix::make_view_source(cells.values.view());
    const MarkersResult result = markers(*source, cells.cluster, cells.n_clusters, {}, *context);
    const MarkersResult by_t = markers(*source, cells.cluster, cells.n_clusters, {.test = MarkerTest::t_test}, *context);
    const MarkersResult uncorrected = markers(*source, cells.cluster, cells.n_clusters, markers_options_scanpy_1_11(), *context);
    const std::vector<Answer> expected = answers(name);
    ASSERT_EQ(expected.size(), static_cast<std::size_t>(cells.values.n_cols) * static_cast<std::size_t>(cells.n_clusters));
    for (const Answer& answer : expected) {
        SCOPED_TRACE(name + ": gene " + std::to_string(answer.gene) + ", cluster " + std::to_string(answer.cluster));
        const auto of = [&](const matrix::Dense<float>& matrix) { return static_cast<double>(matrix(answer.gene, answer.cluster)); };
        EXPECT_TRUE(near(of(result.z), answer.z, 1e-6, 1e-7)) << "z";
        EXPECT_TRUE(near(of(uncorrected.z), answer.z_uncorrected, 1e-6, 1e-7)) << "z without tie correction";
        EXPECT_TRUE(near(result.auc(answer.gene, answer.cluster), answer.auc, 1e-9, 0.0)) << "auc";
        EXPECT_TRUE(near(of(result.log10_p), answer.log10_p, 1e-6, 1e-7)) << "log10_p";
        EXPECT_TRUE(near(of(result.log10_fdr), answer.log10_fdr, 1e-6, 1e-7)) << "log10_fdr";
        EXPECT_TRUE(near(of(result.t), answer.t, 1e-6, 1e-7)) << "t";
        EXPECT_TRUE(near(of(result.log10_p_t), answer.log10_p_t, 1e-6, 1e-7)) << "log10_p_t";
        EXPECT_TRUE(near(of(by_t.log10_fdr), answer.log10_fdr_t, 1e-6, 1e-7)) << "log10_fdr of t";
        EXPECT_TRUE(near(of(result.cohens_d), answer.cohens_d, 1e-6, 1e-7)) << "cohens_d";
        EXPECT_TRUE(near(of(result.log2fc), answer.log2fc, 1e-6, 1e-6)) << "log2fc";
        EXPECT_TRUE(near(of(result.log2fc_scanpy1), answer.log2fc_scanpy1, 1e-6, 1e-6)) << "log2fc_scanpy1";
        EXPECT_TRUE(near(of(result.pct_in), answer.pct_in, 1e-6, 0.0)) << "pct_in";
        EXPECT_TRUE(near(of(result.pct_out), answer.pct_out, 1e-6, 0.0)) << "pct_out";
    }
}

TEST(markers_oracle, every_statistic_equals_scanpy_and_scipy_with_ties_and_clusters_of_one_and_two_cells) { expect_answers("small", small_cells()); }

TEST(markers_oracle, p_values_that_underflow_keep_their_logarithm) {
    expect_answers("deep", deep_cells());
    // The fixture must hold what a double cannot.
    const std::vector<Answer> expected = answers("deep");
    EXPECT_TRUE(std::any_of(expected.begin(), expected.end(), [](const Answer& answer) { return answer.log10_p < -330.0; }));
    EXPECT_TRUE(std::any_of(expected.begin(), expected.end(), [](const Answer& answer) { return answer.log10_p_t < -330.0; }));
}

/// The values of one gene in one cluster.
std::vector<double> values_of(const matrix::Dense<float>& dense, const Cells& cells, std::int64_t gene, std::int32_t cluster) {
    std::vector<double> values;
    for (std::int64_t cell = 0; cell < dense.n_rows; ++cell) {
        if (cells.cluster[static_cast<std::size_t>(cell)] == cluster) values.push_back(static_cast<double>(dense(cell, gene)));
    }
    return values;
}

/// Pairs that a wins over b, ties one half, by comparing each with each.
double plain_auc(const std::vector<double>& a, const std::vector<double>& b) {
    double wins = 0.0;
    for (const double x : a) {
        for (const double y : b) wins += x > y ? 1.0 : x == y ? 0.5 : 0.0;
    }
    return wins / (static_cast<double>(a.size()) * static_cast<double>(b.size()));
}

/// From the deviations from the means, so independent of sums of squares; NaN with fewer than two values on a side.
double plain_cohens_d(const std::vector<double>& a, const std::vector<double>& b) {
    double mean[2] = {0.0, 0.0};
    double variance[2] = {0.0, 0.0};
    const std::vector<double>* sides[2] = {&a, &b};
    for (int side = 0; side < 2; ++side) {
        const auto n = static_cast<double>(sides[side]->size());
        if (n < 2.0) return std::nan("");
        for (const double x : *sides[side]) mean[side] += x / n;
        for (const double x : *sides[side]) variance[side] += (x - mean[side]) * (x - mean[side]) / (n - 1.0);
        if (std::all_of(sides[side]->begin(), sides[side]->end(), [&](double x) { return x == sides[side]->front(); })) variance[side] = 0.0;
    }
    const double pooled = std::sqrt((variance[0] + variance[1]) / 2.0);
    if (pooled == 0.0) return a.front() == b.front() ? 0.0 : std::copysign(INFINITY, a.front() - b.front());
    return (mean[0] - mean[1]) / pooled;
}

/// effect[a][b][gene] of every ordered pair of clusters.
using PlainEffects = std::vector<std::vector<std::vector<double>>>;
template <class Effect>
PlainEffects plain_effects(const Cells& cells, const Effect& effect) {
    const matrix::Dense<float> dense = test::to_dense(cells.values.view());
    const auto k = static_cast<std::size_t>(cells.n_clusters);
    PlainEffects effects(k, std::vector<std::vector<double>>(k));
    for (std::size_t a = 0; a < k; ++a) {
        for (std::size_t b = 0; b < k; ++b) {
            for (std::int64_t gene = 0; gene < dense.n_cols; ++gene) {
                effects[a][b].push_back(effect(values_of(dense, cells, gene, static_cast<std::int32_t>(a)), values_of(dense, cells, gene, static_cast<std::int32_t>(b))));
            }
        }
    }
    return effects;
}

/// 1 + the genes that are better; of equally good ones those with a smaller index. Effects that differ by rounding only count as equal.
std::int32_t plain_min_rank(const PlainEffects& effects, std::size_t a, std::size_t gene) {
    std::int32_t best = 0;
    for (std::size_t b = 0; b < effects.size(); ++b) {
        const std::vector<double>& effect = effects[a][b];
        if (a == b || std::isnan(effect[gene])) continue;
        std::int32_t rank = 1;
        for (std::size_t other = 0; other < effect.size(); ++other) {
            const bool equal = effect[other] == effect[gene] || std::abs(effect[other] - effect[gene]) < 1e-9;
            rank += (equal ? other < gene : effect[other] > effect[gene]) ? 1 : 0;
        }
        if (best == 0 || rank < best) best = rank;
    }
    return best;
}

TEST(markers_oracle, minimum_ranks_and_telling_genes_equal_a_plain_loop_over_all_pairs) {
    const Cells cells = small_cells();
    const auto source = matrix::make_view_source(cells.values.view());
    const auto context = test::make_context(2);
    const auto k = static_cast<std::size_t>(cells.n_clusters);
    const MarkersResult by_auc = markers(*source, cells.cluster, cells.n_clusters, {}, *context);
    const MarkersResult by_d = markers(*source, cells.cluster, cells.n_clusters, {.pairwise = PairwiseEffect::cohens_d}, *context);
    EXPECT_EQ(by_auc.min_rank_effect, PairwiseEffect::auc);
    EXPECT_EQ(by_d.min_rank_effect, PairwiseEffect::cohens_d);
    const PlainEffects auc = plain_effects(cells, plain_auc);
    const PlainEffects d = plain_effects(cells, plain_cohens_d);
    for (std::size_t a = 0; a < k; ++a) {
        for (std::size_t gene = 0; gene < static_cast<std::size_t>(cells.values.n_cols); ++gene) {
            SCOPED_TRACE("gene " + std::to_string(gene) + ", cluster " + std::to_string(a));
            EXPECT_EQ(by_auc.min_rank(static_cast<std::int64_t>(gene), static_cast<std::int64_t>(a)), plain_min_rank(auc, a, gene));
            EXPECT_EQ(by_d.min_rank(static_cast<std::int64_t>(gene), static_cast<std::int64_t>(a)), plain_min_rank(d, a, gene));
        }
        for (std::size_t b = 0; b < k; ++b) {
            const auto up = std::count_if(auc[a][b].begin(), auc[a][b].end(), [](double value) { return value >= kPairwiseUpAuc - 1e-9; });
            EXPECT_EQ(by_auc.n_genes_up(static_cast<std::int64_t>(a), static_cast<std::int64_t>(b)), a == b ? 0 : up) << a << " over " << b;
        }
    }
    EXPECT_EQ(by_d.min_rank(2, 4), 0) << "a cluster of one cell has no Cohen's d";
}

TEST(markers_oracle, a_cluster_of_one_cell_has_ranks_but_no_variance) {
    const Cells cells = small_cells();
    const auto context = test::make_context(1);
    const MarkersResult result = markers(*matrix::make_view_source(cells.values.view()), cells.cluster, cells.n_clusters, {}, *context);
    EXPECT_EQ(result.n_cells[4], 1);
    for (std::int64_t gene = 0; gene < cells.values.n_cols; ++gene) {
        EXPECT_TRUE(std::isfinite(result.z(gene, 4)) && std::isfinite(result.log10_p(gene, 4)) && std::isfinite(result.log10_fdr(gene, 4)));
        EXPECT_TRUE(std::isnan(result.t(gene, 4)) && std::isnan(result.log10_p_t(gene, 4)) && std::isnan(result.cohens_d(gene, 4)));
        EXPECT_GT(result.min_rank(gene, 4), 0);
    }
}

TEST(markers_oracle, the_same_bits_for_any_threads_and_seven_rows_at_a_time) {
    const Cells cells = small_cells();
    const auto source = matrix::make_view_source(cells.values.view());
    const auto same = [](const MarkersResult& a, const MarkersResult& b) {
        bool equal = a.n_cells == b.n_cells && test::same_bits(a.auc.values, b.auc.values) && a.min_rank.values == b.min_rank.values && a.n_genes_up.values == b.n_genes_up.values;
        for (const auto matrix : {&MarkersResult::z, &MarkersResult::log10_p, &MarkersResult::t, &MarkersResult::log10_p_t, &MarkersResult::log10_fdr, &MarkersResult::cohens_d, &MarkersResult::log2fc,
                                  &MarkersResult::log2fc_scanpy1, &MarkersResult::mean_in, &MarkersResult::mean_out, &MarkersResult::pct_in, &MarkersResult::pct_out}) {
            equal = equal && test::same_bits((a.*matrix).values, (b.*matrix).values);
        }
        return equal;
    };
    for (const MarkersOptions& options : {MarkersOptions{}, MarkersOptions{.test = MarkerTest::t_test, .pairwise = PairwiseEffect::cohens_d}}) {
        const MarkersResult serial = test::same_at_1_2_4_threads([&](Context& context) { return markers(*source, cells.cluster, cells.n_clusters, options, context); }, same);
        const auto context = test::make_context(2);
        EXPECT_TRUE(same(serial, markers(*test::read_seven_rows(source), cells.cluster, cells.n_clusters, options, *context)));
        Context tight({.threads = 2, .memory_bytes = 300'000});  // many ranges of genes
        EXPECT_TRUE(same(serial, markers(*source, cells.cluster, cells.n_clusters, options, tight)));
    }
}

}  // namespace
}  // namespace morula::analysis
