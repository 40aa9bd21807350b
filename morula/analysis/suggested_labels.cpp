#include "morula/analysis/suggested_labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "morula/analysis/gene_scores.hpp"
#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

constexpr double kClearAuc = 0.6;
constexpr double kClearPct = 0.1;
constexpr std::int32_t kFewestMeasured = 2;
constexpr std::size_t kCandidates = 3;

/// A marker of the table at its place among the genes.
struct PlacedGene {
    std::int64_t gene = 0;
    double weight = 1.0;
    bool negative = false;
};
using PlacedType = std::vector<PlacedGene>;

std::vector<PlacedType> place_types(std::span<const std::string> symbols, const knowledge::MarkerTable& table) {
    std::vector<std::string_view> wanted;
    for (const knowledge::MarkerType& type : table.types) {
        for (const knowledge::MarkerGene& gene : type.genes) wanted.push_back(gene.symbol);
    }
    const std::vector<std::int64_t> places = place_genes(symbols, wanted);
    std::vector<PlacedType> placed;
    std::size_t next = 0;
    for (const knowledge::MarkerType& type : table.types) {
        PlacedType genes;
        for (const knowledge::MarkerGene& gene : type.genes) {
            const std::int64_t place = places[next++];
            if (place >= 0) genes.push_back({place, gene.weight, gene.negative});
        }
        placed.push_back(std::move(genes));
    }
    return placed;
}

/// How clearly a gene marks the cluster, -1 to 1; 0 where it was not tested.
double presence(const MarkersResult& markers, std::int64_t gene, std::int64_t cluster) {
    const double auc = markers.auc(gene, cluster);
    if (std::isnan(auc)) return 0.0;
    return (2.0 * auc - 1.0) * std::sqrt(std::max(0.0, static_cast<double>(markers.pct_in(gene, cluster))));
}

LabelCandidate score_type(const MarkersResult& markers, const PlacedType& genes, std::int32_t type, std::int64_t cluster) {
    LabelCandidate candidate;
    candidate.type = type;
    double positive = 0.0;
    double positive_weight = 0.0;
    double negative = 0.0;
    double negative_weight = 0.0;
    for (const PlacedGene& gene : genes) {
        const double value = presence(markers, gene.gene, cluster);
        (gene.negative ? negative : positive) += gene.weight * value;
        (gene.negative ? negative_weight : positive_weight) += gene.weight;
        if (gene.negative) continue;
        ++candidate.n_measured;
        if (markers.auc(gene.gene, cluster) >= kClearAuc && markers.pct_in(gene.gene, cluster) >= kClearPct) ++candidate.n_evidence;
    }
    if (positive_weight > 0.0) candidate.score = positive / positive_weight;
    if (negative_weight > 0.0) candidate.score -= std::max(0.0, negative / negative_weight);
    return candidate;
}

std::vector<LabelEvidence> evidence_of(const MarkersResult& markers, const PlacedType& genes, std::span<const std::string> symbols, std::int64_t cluster) {
    std::vector<LabelEvidence> evidence;
    for (const PlacedGene& gene : genes) {
        const double auc = markers.auc(gene.gene, cluster);
        const double pct = markers.pct_in(gene.gene, cluster);
        if (std::isnan(auc) || auc < kClearAuc || pct < kClearPct) continue;
        evidence.push_back({gene.gene, symbols[static_cast<std::size_t>(gene.gene)], auc, pct, gene.negative});
    }
    std::sort(evidence.begin(), evidence.end(), [](const LabelEvidence& a, const LabelEvidence& b) { return a.auc != b.auc ? a.auc > b.auc : a.gene < b.gene; });
    return evidence;
}

void decide(const SuggestedLabelsOptions& options, const knowledge::MarkerTable& table, ClusterLabel& label) {
    label.label = "unassigned";
    if (label.candidates.empty()) {
        label.reason = "No type of the table has two or more measured markers.";
        return;
    }
    const LabelCandidate& best = label.candidates.front();
    const std::string& name = table.types[static_cast<std::size_t>(best.type)].name;
    const std::int32_t needed = std::min(options.min_evidence, best.n_measured);
    if (best.score < options.min_score) {
        label.reason = fmt::format("The best type, {}, scores {:.2f}; {:.2f} is needed.", name, best.score, options.min_score);
    } else if (label.margin < options.min_margin) {
        label.reason = fmt::format("{} and {} score nearly the same ({:.2f} and {:.2f}).", name, table.types[static_cast<std::size_t>(label.candidates[1].type)].name, best.score, label.candidates[1].score);
    } else if (best.n_evidence < needed) {
        label.reason = fmt::format("Only {} of the {} measured markers of {} are clearly higher here; {} are needed.", best.n_evidence, best.n_measured, name, needed);
    } else {
        label.label = name;
        label.reason = fmt::format("{} of {} measured markers are clearly higher here, {:.2f} ahead of the next type.", best.n_evidence, best.n_measured, label.margin);
    }
}

}  // namespace

std::vector<ClusterLabel> suggested_labels(const MarkersResult& markers, std::span<const std::string> symbols, const knowledge::MarkerTable& table, const SuggestedLabelsOptions& options) {
    if (static_cast<std::int64_t>(symbols.size()) != markers.auc.n_rows) {
        invalid_data(fmt::format("There are {} gene symbols for {} genes.", symbols.size(), markers.auc.n_rows), "Give one symbol a gene.");
    }
    const std::vector<PlacedType> placed = place_types(symbols, table);
    std::vector<ClusterLabel> labels;
    for (std::int64_t cluster = 0; cluster < markers.auc.n_cols; ++cluster) {
        ClusterLabel label;
        for (std::size_t type = 0; type < placed.size(); ++type) {
            const LabelCandidate candidate = score_type(markers, placed[type], static_cast<std::int32_t>(type), cluster);
            if (candidate.n_measured >= kFewestMeasured) label.candidates.push_back(candidate);
        }
        std::sort(label.candidates.begin(), label.candidates.end(), [](const LabelCandidate& a, const LabelCandidate& b) { return a.score != b.score ? a.score > b.score : a.type < b.type; });
        if (!label.candidates.empty()) {
            label.score = label.candidates[0].score;
            label.margin = label.candidates.size() > 1 ? label.score - label.candidates[1].score : label.score + 1.0;
            label.evidence = evidence_of(markers, placed[static_cast<std::size_t>(label.candidates[0].type)], symbols, cluster);
        }
        decide(options, table, label);
        label.candidates.resize(std::min(kCandidates, label.candidates.size()));
        labels.push_back(std::move(label));
    }
    return labels;
}

}  // namespace morula::analysis
