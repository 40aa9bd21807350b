#include "morula/analysis/suggested_labels.hpp"

#include <gtest/gtest.h>

#include "tests/support/contexts.hpp"

namespace morula::analysis {
namespace {

knowledge::MarkerTable small_table() {
    return {"test", {{"red", "blood", "", {{"HBA1", 1, false}, {"HBB", 1, false}}}, {"white", "blood", "", {{"PTPRC", 1, false}, {"CD52", 1, false}, {"HBB", 1, true}}}, {"other", "", "", {{"NONE", 1, false}}}}};
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

const std::vector<std::string> kSymbols{"hba1", "HBB", "PTPRC", "CD52"};

TEST(suggested_labels, clear_markers_give_a_label_with_evidence) {
    const std::vector<ClusterLabel> labels = suggested_labels(with_effects({0.9, 0.95, 0.2, 0.3}, {0.1, 0.1, 0.9, 0.8}), kSymbols, small_table(), {});
    EXPECT_EQ(labels[0].label, "red");
    EXPECT_NEAR(labels[0].score, (0.8 + 0.9) / 2.0, 1e-9);
    EXPECT_EQ(labels[0].evidence[0].symbol, "HBB");
    EXPECT_EQ(labels[1].label, "white");
}

TEST(suggested_labels, weak_or_equal_evidence_stays_unassigned_and_says_why) {
    const std::vector<ClusterLabel> labels = suggested_labels(with_effects({0.55, 0.55, 0.5, 0.5}, {0.9, 0.5, 0.85, 0.55}), kSymbols, small_table(), {.min_score = 0.25, .min_margin = 0.2});
    EXPECT_EQ(labels[0].label, "unassigned");
    EXPECT_NE(labels[0].reason.find("is needed"), std::string::npos) << labels[0].reason;
    EXPECT_EQ(labels[1].label, "unassigned");
    EXPECT_NE(labels[1].reason.find("nearly the same"), std::string::npos) << labels[1].reason;
}

TEST(suggested_labels, a_negative_marker_speaks_against_a_type) {
    const auto score_of = [](double hbb) { return suggested_labels(with_effects({0.5, hbb, 0.9, 0.9}, {0.5, 0.5, 0.5, 0.5}), kSymbols, small_table(), {})[0]; };
    EXPECT_EQ(score_of(0.5).label, "white");
    EXPECT_LT(score_of(0.9).candidates.back().score, 0.9);
    EXPECT_NE(score_of(0.95).score, score_of(0.5).score);
}

TEST(suggested_labels, symbols_must_fit_the_genes) {
    EXPECT_EQ(test::error_code([] { suggested_labels(with_effects({0.5}, {0.5}), kSymbols, small_table(), {}); }), ErrorCode::invalid_data);
}

}  // namespace
}  // namespace morula::analysis
