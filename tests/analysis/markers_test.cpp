#include "morula/analysis/markers.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "morula/analysis/marker_statistics.hpp"
#include "morula/analysis/marker_values.hpp"
#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

/// Dense rows (cells) as a source.
matrix::Csr from_rows(const std::vector<std::vector<float>>& rows) {
    matrix::Csr csr;
    csr.n_rows = static_cast<std::int64_t>(rows.size());
    csr.n_cols = static_cast<std::int64_t>(rows.front().size());
    for (const auto& row : rows) {
        for (std::size_t gene = 0; gene < row.size(); ++gene) {
            if (row[gene] == 0.0f) continue;
            csr.indices.push_back(static_cast<std::uint32_t>(gene));
            csr.values.push_back(row[gene]);
        }
        csr.indptr.push_back(static_cast<std::int64_t>(csr.indices.size()));
    }
    return csr;
}

/// log1p of made-up counts, cells in k groups by turns; the first genes are higher in their own group.
matrix::Csr planted(std::int64_t n_cells, std::int64_t n_genes, std::int32_t k, std::uint64_t seed) {
    matrix::Csr csr = test::random_counts(n_cells, n_genes, 0.9, seed);
    const matrix::CsrView view = csr.view();
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
        for (std::int64_t i = view.indptr[static_cast<std::size_t>(cell)]; i < view.indptr[static_cast<std::size_t>(cell) + 1]; ++i) {
            const auto at = static_cast<std::size_t>(i);
            const bool own = csr.indices[at] < static_cast<std::uint32_t>(k) && csr.indices[at] == static_cast<std::uint32_t>(cell % k);
            csr.values[at] = std::log1p(std::min(csr.values[at], 500.0f) * (own ? 20.0f : 1.0f));
        }
    }
    return csr;
}

std::vector<std::int32_t> by_turns(std::int64_t n_cells, std::int32_t k) {
    std::vector<std::int32_t> codes;
    for (std::int64_t cell = 0; cell < n_cells; ++cell) codes.push_back(static_cast<std::int32_t>(cell % k));
    return codes;
}

/// The same statistics by comparing every pair of cells.
double plain_auc(const matrix::Dense<float>& dense, std::int64_t gene, const std::vector<std::int32_t>& codes, std::int32_t group) {
    double wins = 0.0;
    double pairs = 0.0;
    for (std::int64_t a = 0; a < dense.n_rows; ++a) {
        if (codes[static_cast<std::size_t>(a)] != group) continue;
        for (std::int64_t b = 0; b < dense.n_rows; ++b) {
            if (codes[static_cast<std::size_t>(b)] == group) continue;
            wins += dense(a, gene) > dense(b, gene) ? 1.0 : dense(a, gene) == dense(b, gene) ? 0.5 : 0.0;
            pairs += 1.0;
        }
    }
    return wins / pairs;
}

TEST(markers, a_case_by_hand) {
    // Gene 0: in {3, 2}, out {1, 0, 0}: every pair is won. Ranks 5 + 4 = 9, expected 6; ties: one run of two zeros.
    const matrix::Csr csr = from_rows({{3, 1}, {2, 1}, {1, 1}, {0, 1}, {0, 1}});
    const std::vector<std::int32_t> codes{0, 0, 1, 1, 1};
    const auto context = test::make_context(1);
    const MarkersResult result = markers(*matrix::make_view_source(csr.view()), codes, 2, {}, *context);
    EXPECT_DOUBLE_EQ(result.auc(0, 0), 1.0);
    EXPECT_DOUBLE_EQ(result.auc(0, 1), 0.0);
    const double deviation = std::sqrt((1.0 - 6.0 / 120.0) * 2.0 * 3.0 * 6.0 / 12.0);
    EXPECT_NEAR(result.z(0, 0), 3.0 / deviation, 1e-6);
    EXPECT_NEAR(result.mean_in(0, 0), 2.5, 1e-6);
    EXPECT_NEAR(result.mean_out(0, 0), 1.0 / 3.0, 1e-6);
    EXPECT_NEAR(result.pct_out(0, 0), 1.0 / 3.0, 1e-6);
    // Welch: variances .5 and 1/3; t = (2.5 - 1/3) / sqrt(.25 + 1/9).
    EXPECT_NEAR(result.t(0, 0), (2.5 - 1.0 / 3.0) / std::sqrt(0.25 + 1.0 / 9.0), 1e-5);
    EXPECT_NEAR(result.cohens_d(0, 0), (2.5 - 1.0 / 3.0) / std::sqrt((0.5 + 1.0 / 3.0) / 2.0), 1e-5);
    EXPECT_NEAR(result.log2fc(0, 0), std::log2((std::expm1(3.0) + std::expm1(2.0)) / 2.0 / (std::expm1(1.0) / 3.0)), 1e-5);
    EXPECT_EQ(result.min_rank(0, 0), 1);
    // Gene 1 is the same in every cell.
    EXPECT_DOUBLE_EQ(result.auc(1, 0), 0.5);
    EXPECT_EQ(result.z(1, 0), 0.0f);
    EXPECT_EQ(result.t(1, 0), 0.0f);
    EXPECT_EQ(result.log10_p(1, 0), 0.0f);
}

TEST(markers, auc_against_one_group_is_that_of_its_pairs_of_cells) {
    const matrix::Csr csr = planted(90, 12, 3, 5);
    const matrix::Dense<float> dense = test::to_dense(csr.view());
    std::vector<std::int32_t> codes = by_turns(90, 3);
    codes[4] = -1;
    const auto context = test::make_context(1);
    const matrix::Dense<double> auc = auc_against(*matrix::make_view_source(csr.view()), codes, 4, 2, *context);
    matrix::Dense<float> pair(0, dense.n_cols);
    std::vector<std::int32_t> pair_codes;
    for (std::int64_t cell = 0; cell < 90; ++cell) {
        if (codes[static_cast<std::size_t>(cell)] != 1 && codes[static_cast<std::size_t>(cell)] != 2) continue;
        for (std::int64_t gene = 0; gene < dense.n_cols; ++gene) pair.values.push_back(dense(cell, gene));
        ++pair.n_rows;
        pair_codes.push_back(codes[static_cast<std::size_t>(cell)]);
    }
    for (std::int64_t gene = 0; gene < 12; ++gene) {
        EXPECT_NEAR(auc(gene, 1), plain_auc(pair, gene, pair_codes, 1), 1e-12);
        EXPECT_DOUBLE_EQ(auc(gene, 2), 0.5);
        EXPECT_TRUE(std::isnan(auc(gene, 3)));  // an empty group
    }
}

TEST(markers, auc_equals_comparing_every_pair_of_cells) {
    const matrix::Csr csr = planted(90, 40, 3, 5);
    const std::vector<std::int32_t> codes = by_turns(90, 3);
    const auto context = test::make_context(2);
    const MarkersResult result = markers(*matrix::make_view_source(csr.view()), codes, 3, {}, *context);
    const matrix::Dense<float> dense = test::to_dense(csr.view());
    for (std::int64_t gene = 0; gene < 40; ++gene) {
        for (std::int32_t group = 0; group < 3; ++group) EXPECT_NEAR(result.auc(gene, group), plain_auc(dense, gene, codes, group), 1e-12) << gene << " " << group;
    }
    for (std::int32_t group = 0; group < 3; ++group) {
        EXPECT_EQ(top_markers(result, group, 1, MarkerOrder::auc).at(0).gene, group);
        EXPECT_EQ(top_markers(result, group, 1, MarkerOrder::min_rank).at(0).gene, group);
        EXPECT_EQ(top_markers(result, group, 1, MarkerOrder::z).at(0).gene, group);
    }
}

TEST(markers, pairs_of_clusters_add_up_to_the_rest) {
    // U against the rest is the sum of U against each other cluster.
    const matrix::Csr csr = planted(80, 10, 4, 6);
    const std::vector<std::int32_t> codes = by_turns(80, 4);
    const CellGroups groups{codes, {20, 20, 20, 20}, 80};
    GeneScratch scratch;
    GeneStatistics gene;
    GeneEntries entries;
    for (std::uint32_t cell = 0; cell < 80; ++cell) {
        for (std::size_t i = 0; i < csr.view().row_indices(cell).size(); ++i) {
            if (csr.view().row_indices(cell)[i] != 3) continue;
            entries.rows.push_back(cell);
            entries.values.push_back(csr.view().row_values(cell)[i]);
        }
    }
    gene_statistics(entries, groups, PairwiseWins::wanted, scratch, gene);
    for (std::size_t a = 0; a < 4; ++a) {
        double wins = 0.0;
        for (std::size_t b = 0; b < 4; ++b) wins += a == b ? 0.0 : gene.pair_wins[a * 4 + b];
        EXPECT_DOUBLE_EQ(wins, gene.rank_sum[a] - 20.0 * 21.0 / 2.0);
    }
}

TEST(markers, counts_with_factors_give_the_bits_of_their_log_values) {
    // The way by counts looks up the logs of small ones and computes those of large ones; a copy of the log values takes the other way.
    matrix::Csr csr = planted(300, 60, 3, 9);
    for (std::size_t i = 0; i < csr.values.size(); ++i) csr.values[i] = std::floor(1.0F + csr.values[i] * (i % 37 == 0 ? 90.0F : 2.0F));
    std::vector<double> scale(300);
    for (std::size_t cell = 0; cell < 300; ++cell) scale[cell] = 0.5 + 0.01 * static_cast<double>(cell % 91);
    const auto logs = matrix::log1p_scaled(matrix::make_view_source(csr.view()), scale);
    const auto context = test::make_context(2);
    const matrix::Csr copy = matrix::read_all(*logs, *context);
    const std::vector<std::int32_t> codes = by_turns(300, 3);
    const MarkersResult a = markers(*logs, codes, 3, {}, *context);
    const MarkersResult b = markers(*matrix::make_view_source(copy.view()), codes, 3, {}, *context);
    EXPECT_TRUE(test::same_bits(a.z.values, b.z.values) && test::same_bits(a.t.values, b.t.values) && test::same_bits(a.log2fc.values, b.log2fc.values));
}

TEST(markers, values_of_a_gene_are_logs_whether_they_come_from_counts_or_not) {
    const matrix::Csr csr{2, 3, {0, 2, 3}, {0, 2, 2}, {1.0F, 40.0F, 2.0F}};
    const auto context = test::make_context(1);
    const auto logs = matrix::log1p_scaled(matrix::make_view_source(csr.view()), {0.5, 2.0});
    const matrix::Csr copy = matrix::read_all(*logs, *context);
    const auto copied = matrix::make_view_source(copy.view());
    for (const matrix::RowBlockSource* source : {logs.get(), copied.get()}) {
        const MarkerValues values(*source, *context);
        EXPECT_EQ(&values.source() == source, source == copied.get());
        GeneEntries gene;
        values.read(matrix::CompactColumns(values.source(), {0, 3}, *context), 2, gene);
        EXPECT_EQ(gene.rows, (std::vector<std::uint32_t>{0, 1}));
        for (std::size_t i = 0; i < 2; ++i) EXPECT_FLOAT_EQ(gene.values[i], std::log1p(std::vector<float>{20.0F, 4.0F}[i]));
        EXPECT_NEAR(gene.expm1[0], 20.0, 1e-5);
        EXPECT_NEAR(gene.expm1[1], 4.0, 1e-6);
        EXPECT_EQ(values.genes_per_range(*context), 3);
    }
}

TEST(markers, the_same_bits_for_any_threads_memory_and_reads) {
    const matrix::Csr csr = planted(700, 300, 5, 7);
    const std::vector<std::int32_t> codes = by_turns(700, 5);
    const auto source = matrix::make_view_source(csr.view());
    const auto same = [](const MarkersResult& a, const MarkersResult& b) {
        return test::same_bits(a.z.values, b.z.values) && test::same_bits(a.auc.values, b.auc.values) && test::same_bits(a.t.values, b.t.values) &&
               test::same_bits(a.log10_fdr.values, b.log10_fdr.values) && a.min_rank.values == b.min_rank.values && a.n_genes_up.values == b.n_genes_up.values;
    };
    const MarkersResult serial = test::same_at_1_2_4_threads([&](Context& context) { return markers(*source, codes, 5, {}, context); }, same);
    Context small({.threads = 2, .memory_bytes = 200'000});  // many ranges of genes
    EXPECT_TRUE(same(serial, markers(*source, codes, 5, {}, small)));
}

TEST(markers, shuffled_labels_give_few_false_positives) {
    const matrix::Csr csr = planted(400, 500, 1, 8);
    std::vector<std::int32_t> codes = by_turns(400, 2);
    Random random(3, Purpose::test, 0, 0);
    for (std::size_t i = codes.size() - 1; i > 0; --i) std::swap(codes[i], codes[random.below(i + 1)]);
    const auto context = test::make_context(2);
    const MarkersResult result = markers(*matrix::make_view_source(csr.view()), codes, 2, {}, *context);
    std::int64_t low = 0;
    std::int64_t found = 0;
    for (std::int64_t gene = 0; gene < 500; ++gene) {
        low += result.log10_p(gene, 0) <= std::log10(0.05) ? 1 : 0;
        found += result.log10_fdr(gene, 0) <= std::log10(0.05) ? 1 : 0;
    }
    EXPECT_LE(low, 25 + 2 * 5);  // 5 % of 500 and two standard errors
    EXPECT_LE(found, 3);
}

TEST(markers, empty_clusters_and_cells_left_out) {
    const matrix::Csr csr = planted(30, 10, 2, 9);
    std::vector<std::int32_t> codes = by_turns(30, 2);
    codes[0] = -1;
    const auto context = test::make_context(1);
    const MarkersResult result = markers(*matrix::make_view_source(csr.view()), codes, 3, {}, *context);
    EXPECT_EQ(result.n_cells[0], 14);
    EXPECT_TRUE(std::isnan(result.auc(0, 2)));
    EXPECT_TRUE(std::isnan(result.z(0, 2)));
    EXPECT_TRUE(top_markers(result, 2, 5, MarkerOrder::auc).empty());
}

TEST(markers, wrong_values_are_refused_with_the_way_out) {
    const auto context = test::make_context(1);
    const std::vector<std::int32_t> codes{0, 1};
    for (const float bad : {-1.0f, 4213.0f, std::numeric_limits<float>::quiet_NaN()}) {
        const matrix::Csr csr = from_rows({{bad, 1}, {1, 1}});
        const std::string text = test::error_text([&] { markers(*matrix::make_view_source(csr.view()), codes, 2, {}, *context); });
        EXPECT_NE(text.find("morula normalize"), std::string::npos) << bad << ": " << text;
    }
    const matrix::Csr csr = from_rows({{1, 1}, {1, 1}});
    const std::vector<std::int32_t> wrong{0, 5};
    EXPECT_EQ(test::error_code([&] { markers(*matrix::make_view_source(csr.view()), wrong, 2, {}, *context); }), ErrorCode::invalid_data);
    EXPECT_EQ(test::error_code([&] { markers(*matrix::make_view_source(csr.view()), std::vector<std::int32_t>{0}, 2, {}, *context); }), ErrorCode::invalid_data);
}

TEST(markers, scanpy_leaves_ties_uncorrected) {
    const matrix::Csr csr = from_rows({{3}, {2}, {1}, {0}, {0}});
    const std::vector<std::int32_t> codes{0, 0, 1, 1, 1};
    const auto context = test::make_context(1);
    const MarkersResult result = markers(*matrix::make_view_source(csr.view()), codes, 2, markers_options_scanpy_1_11(), *context);
    EXPECT_NEAR(result.z(0, 0), 3.0 / std::sqrt(3.0), 1e-6);
    EXPECT_EQ(result.min_rank(0, 0), 0);
}

}  // namespace
}  // namespace morula::analysis
