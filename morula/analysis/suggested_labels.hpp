// Suggested cell-type labels per cluster from a table of marker genes, with the evidence, or "unassigned".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "morula/analysis/markers.hpp"
#include "morula/core/describe.hpp"
#include "morula/knowledge/marker_table.hpp"

namespace morula::analysis {

struct SuggestedLabelsOptions {
    double min_score = 0.25;
    double min_margin = 0.05;
    std::int32_t min_evidence = 2;  // marker genes clearly higher in the cluster (fewer where the type has fewer)
};

constexpr auto describe(const SuggestedLabelsOptions*) {
    return std::tuple{
        field("min_score", &SuggestedLabelsOptions::min_score, "Lowest score of a suggested label.", {.minimum = -1.0, .maximum = 1.0}),
        field("min_margin", &SuggestedLabelsOptions::min_margin, "Lowest lead over the next type.", {.minimum = 0.0, .maximum = 2.0}),
        field("min_evidence", &SuggestedLabelsOptions::min_evidence, "Marker genes that must be clearly higher in the cluster.", {.minimum = 1, .maximum = 100, .unit = "genes"}),
    };
}

struct LabelEvidence {
    std::int64_t gene = 0;
    std::string symbol;
    double auc = 0.0;
    double pct_in = 0.0;
    bool negative = false;  // its presence speaks against the type
};

struct LabelCandidate {
    std::int32_t type = 0;  // row of MarkerTable::types
    double score = 0.0;     // -1 to 1
    std::int32_t n_measured = 0;  // positive markers measured
    std::int32_t n_evidence = 0;  // positive markers clearly higher in the cluster
};

struct ClusterLabel {
    std::string label;      // a type's name, or "unassigned"
    double score = 0.0;     // of the first candidate
    double margin = 0.0;    // its lead over the next type, the smaller of two comparisons in a family
    std::int32_t family = -1;  // parent type whose clusters were left out of the comparison; -1: all other cells
    std::vector<LabelCandidate> candidates;  // three: the label's type, then the best
    std::vector<LabelEvidence> evidence;     // genes of the first candidate, strongest first
    std::string reason;     // one or two sentences
};

/// Genes whose values suggested_labels() reads: those of the table that `symbols` holds, ascending; empty where no type of the table has a parent.
std::vector<std::int64_t> family_genes(std::span<const std::string> symbols, const knowledge::MarkerTable& table);

/// Score of a type in a cluster: weighted mean over its measured markers of (2 AUC - 1) * sqrt(pct_in), with AUC one-versus-rest, minus the same mean over its
/// negative markers where that is above 0. Types with fewer than two measured markers take no part. A label is given when the score, the lead over the
/// next type, and the number of genes with AUC >= .6 and pct_in >= 10 % all reach their minimum; else "unassigned", with the reason and the candidates.
/// It cannot know types that the table lacks.
///
/// Families. In blood most cells are T cells, so against all other cells no T cell gene stands out. A cluster whose best type has a parent (parents themselves left out,
/// except where no type that stands alone gets the cluster) is therefore scored against the cells outside the clusters of that family (against all other cells where
/// there are none outside). The family must lead every type outside it; a child must lead its siblings too, else the label is the parent where that has score and
/// evidence. A lead is the smaller of two, against all other cells and against the cells outside, so that a family gains score by its comparison, but no lead over others.
/// Clusters whose best type has no parent, and tables without parents, know none of this.
///
/// markers: of all genes. family_values: n_cells x family_genes().size(), log-normalized. cluster: n_cells codes, those of markers. symbols: n_genes; upper and lower
/// case alike. Throws invalid_data when sizes do not fit.
std::vector<ClusterLabel> suggested_labels(const MarkersResult& markers, const matrix::RowBlockSource& family_values, std::span<const std::int32_t> cluster, std::span<const std::string> symbols,
                                           const knowledge::MarkerTable& table, const SuggestedLabelsOptions& options, Context& context);

}  // namespace morula::analysis
