#include "morula/analysis/suggested_labels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

knowledge::MarkerTable small_table() {
    return {"test", {{"red", "", "blood", "", {{"HBA1", 1, false}, {"HBB", 1, false}}}, {"white", "", "blood", "", {{"PTPRC", 1, false}, {"CD52", 1, false}, {"HBB", 1, true}}}, {"other", "", "", "", {{"NONE", 1, false}}}}};
}

/// AUC and share of cells of each gene in two clusters.
MarkersResult with_effects(const std::vector<double>& first, const std::vector<double>& second) {
    MarkersResult result;
    const auto n = static_cast<std::int64_t>(first.size());
    result.auc = matrix::Dense<double>(n, 2);
    result.pct_in = matrix::Dense<float>(n, 2);
    for (std::int64_t gene = 0; gene < n; ++gene) {
        result.auc(gene, 0) = first[static_cast<std::size_t>(gene)];
        result.auc(gene, 1) = second[static_cast<std::size_t>(gene)];
        result.pct_in(gene, 0) = result.pct_in(gene, 1) = 1.0f;
    }
    return result;
}

/// Of a table without parents: no values are read.
std::vector<ClusterLabel> labels_of(const MarkersResult& markers, const std::vector<std::string>& symbols, const knowledge::MarkerTable& table, const SuggestedLabelsOptions& options) {
    const auto context = test::make_context(1);
    return suggested_labels(markers, *matrix::make_source({}), {}, symbols, table, options, *context);
}

const std::vector<std::string> kSymbols{"hba1", "HBB", "PTPRC", "CD52"};

TEST(suggested_labels, clear_markers_give_a_label_with_evidence) {
    const std::vector<ClusterLabel> labels = labels_of(with_effects({0.9, 0.95, 0.2, 0.3}, {0.1, 0.1, 0.9, 0.8}), kSymbols, small_table(), {});
    EXPECT_EQ(labels[0].label, "red");
    EXPECT_NEAR(labels[0].score, (0.8 + 0.9) / 2.0, 1e-9);
    EXPECT_EQ(labels[0].evidence[0].symbol, "HBB");
    EXPECT_EQ(labels[1].label, "white");
}

TEST(suggested_labels, weak_or_equal_evidence_stays_unassigned_and_says_why) {
    const std::vector<ClusterLabel> labels = labels_of(with_effects({0.55, 0.55, 0.5, 0.5}, {0.9, 0.5, 0.85, 0.55}), kSymbols, small_table(), {.min_score = 0.25, .min_margin = 0.2});
    EXPECT_EQ(labels[0].label, "unassigned");
    EXPECT_NE(labels[0].reason.find("is needed"), std::string::npos) << labels[0].reason;
    EXPECT_EQ(labels[1].label, "unassigned");
    EXPECT_NE(labels[1].reason.find("nearly the same"), std::string::npos) << labels[1].reason;
}

TEST(suggested_labels, a_negative_marker_speaks_against_a_type) {
    const auto score_of = [](double hbb) { return labels_of(with_effects({0.5, hbb, 0.9, 0.9}, {0.5, 0.5, 0.5, 0.5}), kSymbols, small_table(), {})[0]; };
    EXPECT_EQ(score_of(0.5).label, "white");
    EXPECT_LT(score_of(0.9).candidates.back().score, 0.9);
    EXPECT_NE(score_of(0.95).score, score_of(0.5).score);
}

TEST(suggested_labels, symbols_must_fit_the_genes) {
    EXPECT_EQ(test::error_code([] { labels_of(with_effects({0.5}, {0.5}), kSymbols, small_table(), {}); }), ErrorCode::invalid_data);
}


/// A family with a parent ("round": shared S1-S3) and two children that share S1 and S2 and differ by A (ovals) or B (circles), and a type that stands alone.
knowledge::MarkerTable family_table() {
    return {"test",
            {{"round", "", "", "", {{"S1", 1, false}, {"S2", 1, false}, {"S3", 1, false}}},
             {"oval", "round", "", "", {{"S1", 1, false}, {"S2", 1, false}, {"A1", 1, false}, {"A2", 1, false}}},
             {"circle", "round", "", "", {{"S1", 1, false}, {"S2", 1, false}, {"B1", 1, false}, {"B2", 1, false}}},
             {"square", "", "", "", {{"C1", 1, false}, {"C2", 1, false}}}}};
}
const std::vector<std::string> kFamilySymbols{"S1", "S2", "S3", "A1", "A2", "B1", "B2", "C1", "C2", "HOUSE"};

struct MadeUpCluster {
    std::int64_t n_cells = 0;
    std::vector<double> shares;  // of cells that hold each gene, kFamilySymbols
};

struct MadeUpCells {
    matrix::Csr values;
    std::vector<std::int32_t> cluster;
};

/// Each gene in exactly its share of a cluster's cells, at levels spread alike in all clusters: AUC is then .5 + (share in - share out) / 2.
MadeUpCells made_up_cells(const std::vector<MadeUpCluster>& clusters) {
    MadeUpCells out;
    out.values.n_cols = static_cast<std::int64_t>(kFamilySymbols.size());
    for (std::size_t c = 0; c < clusters.size(); ++c) {
        for (std::int64_t cell = 0; cell < clusters[c].n_cells; ++cell) {
            const double place = (static_cast<double>(cell) + 0.5) / static_cast<double>(clusters[c].n_cells);
            const double level = 1.0 + std::fmod(static_cast<double>(cell) * 0.6180339887498949, 1.0);
            for (std::size_t gene = 0; gene < kFamilySymbols.size(); ++gene) {
                if (place >= clusters[c].shares[gene]) continue;
                out.values.indices.push_back(static_cast<std::uint32_t>(gene));
                out.values.values.push_back(static_cast<float>(level));
            }
            ++out.values.n_rows;
            out.values.indptr.push_back(static_cast<std::int64_t>(out.values.indices.size()));
            out.cluster.push_back(static_cast<std::int32_t>(c));
        }
    }
    return out;
}

std::vector<ClusterLabel> labels_of_cells(const MadeUpCells& cells, const knowledge::MarkerTable& table, Context& context) {
    const matrix::Matrix all = matrix::make_view_source(cells.values.view());
    const auto n_clusters = *std::max_element(cells.cluster.begin(), cells.cluster.end()) + 1;
    const MarkersResult found = markers(*all, cells.cluster, n_clusters, {}, context);
    const matrix::Matrix values = test::read_seven_rows(matrix::select_cols(all, family_genes(kFamilySymbols, table)));
    return suggested_labels(found, *values, cells.cluster, kFamilySymbols, table, {}, context);
}

/// Nine of ten cells are round: most cannot be told apart, some are circles.
const std::vector<MadeUpCluster> kMostlyRound{{600, {0.9, 0.8, 0.7, 0.3, 0.3, 0.3, 0.3, 0.0, 0.0, 0.9}},
                                              {300, {0.9, 0.8, 0.7, 0.05, 0.05, 0.9, 0.9, 0.0, 0.0, 0.9}},
                                              {100, {0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.9, 0.9, 0.9}}};

knowledge::MarkerTable without_parents(knowledge::MarkerTable table) {
    table.types.erase(table.types.begin());
    for (knowledge::MarkerType& type : table.types) type.parent.clear();
    return table;
}

TEST(suggested_labels_families, siblings_that_share_their_markers_end_in_the_parent_and_a_clear_child_stays_a_child) {
    const auto context = test::make_context(1);
    const MadeUpCells cells = made_up_cells(kMostlyRound);
    const std::vector<ClusterLabel> flat = labels_of_cells(cells, without_parents(family_table()), *context);
    EXPECT_EQ(flat[0].label, "unassigned");
    const std::vector<ClusterLabel> labels = labels_of_cells(cells, family_table(), *context);
    EXPECT_EQ(labels[0].label, "round") << labels[0].reason;
    EXPECT_EQ(labels[0].family, 0);
    EXPECT_EQ(labels[0].candidates.front().type, 0);
    EXPECT_EQ(labels[0].evidence.size(), 3u);
    EXPECT_NE(labels[0].reason.find("cannot be told apart"), std::string::npos) << labels[0].reason;
    EXPECT_EQ(labels[1].label, "circle") << labels[1].reason;
    EXPECT_EQ(labels[2].label, "square");
    EXPECT_EQ(labels[2].family, -1);
}

TEST(suggested_labels_families, a_score_in_a_family_is_against_the_cells_outside) {
    const auto context = test::make_context(1);
    const MadeUpCells cells = made_up_cells(kMostlyRound);
    const matrix::Dense<float> dense = test::to_dense(cells.values.view());
    double expected = 0.0;
    for (std::int64_t gene = 0; gene < 3; ++gene) {
        double wins = 0.0;
        double holders = 0.0;
        for (std::int64_t a = 0; a < 600; ++a) {
            holders += dense(a, gene) > 0.0f ? 1.0 : 0.0;
            for (std::int64_t b = 900; b < 1000; ++b) wins += dense(a, gene) > dense(b, gene) ? 1.0 : dense(a, gene) == dense(b, gene) ? 0.5 : 0.0;
        }
        expected += (2.0 * wins / (600.0 * 100.0) - 1.0) * std::sqrt(holders / 600.0) / 3.0;
    }
    EXPECT_NEAR(labels_of_cells(cells, family_table(), *context)[0].score, expected, 1e-6);
}

TEST(suggested_labels_families, a_child_that_its_siblings_clusters_surpass_does_not_get_the_label) {
    // Cluster 0 holds a little more of A than of B, but the other round cluster holds more of A still: against the rest, A speaks against it.
    const auto context = test::make_context(1);
    const MadeUpCells cells = made_up_cells({{400, {0.9, 0.8, 0.7, 0.45, 0.45, 0.25, 0.25, 0.0, 0.0, 0.9}},
                                             {400, {0.9, 0.8, 0.7, 0.95, 0.95, 0.02, 0.02, 0.0, 0.0, 0.9}},
                                             {400, {0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.9, 0.9, 0.9}}});
    const std::vector<ClusterLabel> labels = labels_of_cells(cells, family_table(), *context);
    EXPECT_EQ(labels[0].label, "round") << labels[0].reason;
    EXPECT_EQ(labels[1].label, "oval") << labels[1].reason;
}

TEST(suggested_labels_families, a_family_wins_no_cluster_that_is_as_much_of_another_type) {
    // A cluster of pairs of cells, round and square. Against all others: circle (.34 * .95 + .30 * .89 + 2 * .58 * .95) / 4 = .42, square .44 * .89 = .39, a lead of .03;
    // against the square cells alone circle leads by far.
    const auto context = test::make_context(1);
    std::vector<MadeUpCluster> clusters = kMostlyRound;
    clusters[2].n_cells = 600;
    clusters.push_back({200, {0.9, 0.8, 0.7, 0.3, 0.3, 0.9, 0.9, 0.8, 0.8, 0.9}});
    const std::vector<ClusterLabel> labels = labels_of_cells(made_up_cells(clusters), family_table(), *context);
    EXPECT_EQ(labels[3].label, "unassigned") << labels[3].reason;
    EXPECT_EQ(labels[0].label, "round") << labels[0].reason;
}

TEST(suggested_labels_families, a_parent_takes_no_cluster_from_a_type_that_stands_alone) {
    const auto context = test::make_context(1);
    // The parent's genes mark the squares better than their own do, but none of its children's.
    const MadeUpCells cells = made_up_cells({{300, {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.8, 0.6, 0.9}}, {300, {0.9, 0.9, 0.9, 0.9, 0.9, 0.0, 0.0, 0.1, 0.1, 0.9}}, {600, {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.9}}});
    knowledge::MarkerTable table = family_table();
    table.types[0].genes = {{"C1", 1, false}, {"C1", 1, false}};
    EXPECT_EQ(labels_of_cells(cells, table, *context)[0].label, "square");
    table.types.pop_back();
    EXPECT_EQ(labels_of_cells(cells, table, *context)[0].label, "round");
}

TEST(suggested_labels_families, a_parent_takes_a_cluster_whose_children_hold_only_what_tells_them_apart) {
    const auto context = test::make_context(1);
    knowledge::MarkerTable table = family_table();
    for (const std::size_t child : {1, 2}) table.types[child].genes.erase(table.types[child].genes.begin(), table.types[child].genes.begin() + 2);
    // Of the types that are no parents, square is the best of cluster 0, far below what a label needs.
    const std::vector<ClusterLabel> labels = labels_of_cells(made_up_cells({{300, {0.9, 0.9, 0.9, 0.02, 0.02, 0.02, 0.02, 0.1, 0.1, 0.9}},
                                                                           {300, {0.05, 0.05, 0.05, 0.1, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9}},
                                                                           {3000, {0.05, 0.05, 0.05, 0.1, 0.1, 0.1, 0.1, 0.0, 0.0, 0.9}}}), table, *context);
    EXPECT_EQ(labels[0].label, "round") << labels[0].reason;
    EXPECT_EQ(labels[1].label, "square") << labels[1].reason;
}

TEST(suggested_labels_families, sorted_cells_of_one_family_are_compared_with_each_other) {
    const auto context = test::make_context(1);
    const std::vector<ClusterLabel> labels = labels_of_cells(made_up_cells({{300, {0.9, 0.8, 0.7, 0.95, 0.95, 0.0, 0.0, 0.0, 0.0, 0.9}}, {300, {0.9, 0.8, 0.7, 0.0, 0.0, 0.95, 0.95, 0.0, 0.0, 0.9}}}), family_table(), *context);
    EXPECT_EQ(labels[0].label, "oval") << labels[0].reason;
    EXPECT_EQ(labels[1].label, "circle") << labels[1].reason;
}

TEST(suggested_labels_families, a_table_without_parents_reads_no_values_and_a_type_without_one_keeps_its_numbers) {
    const auto context = test::make_context(1);
    EXPECT_TRUE(family_genes(kFamilySymbols, without_parents(family_table())).empty());
    EXPECT_EQ(family_genes(kFamilySymbols, family_table()).size(), 9u);
    const MadeUpCells cells = made_up_cells(kMostlyRound);
    const ClusterLabel flat = labels_of_cells(cells, without_parents(family_table()), *context)[2];
    const ClusterLabel in_families = labels_of_cells(cells, family_table(), *context)[2];
    EXPECT_EQ(flat.score, in_families.score);
    EXPECT_EQ(flat.margin, in_families.margin);
    EXPECT_EQ(flat.reason, in_families.reason);
}

TEST(suggested_labels_families, labels_do_not_depend_on_threads) {
    const MadeUpCells cells = made_up_cells(kMostlyRound);
    test::same_at_1_2_4_threads([&](Context& context) { return labels_of_cells(cells, family_table(), context); },
                                [](const std::vector<ClusterLabel>& a, const std::vector<ClusterLabel>& b) {
                                    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const ClusterLabel& x, const ClusterLabel& y) { return x.label == y.label && x.score == y.score && x.margin == y.margin && x.reason == y.reason; });
                                });
}

TEST(suggested_labels_families, an_unknown_parent_and_values_of_other_genes_are_refused) {
    const auto context = test::make_context(1);
    const MadeUpCells cells = made_up_cells(kMostlyRound);
    knowledge::MarkerTable table = family_table();
    table.types[1].parent = "flat";
    EXPECT_EQ(test::error_code([&] { labels_of_cells(cells, table, *context); }), ErrorCode::invalid_data);
    const matrix::Matrix all = matrix::make_view_source(cells.values.view());
    const MarkersResult found = markers(*all, cells.cluster, 3, {}, *context);
    EXPECT_EQ(test::error_code([&] { suggested_labels(found, *all, cells.cluster, kFamilySymbols, family_table(), {}, *context); }), ErrorCode::invalid_data);
}

}  // namespace
}  // namespace morula::analysis
