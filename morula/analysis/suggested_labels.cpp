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
constexpr const char* kUnassigned = "unassigned";

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

/// One cluster beside the cells it is compared with; both n_genes.
struct Comparison {
    std::vector<double> auc;
    std::vector<double> pct_in;
};

Comparison against_rest(const MarkersResult& markers, std::int64_t cluster) {
    Comparison out;
    for (std::int64_t gene = 0; gene < markers.auc.n_rows; ++gene) {
        out.auc.push_back(markers.auc(gene, cluster));
        out.pct_in.push_back(static_cast<double>(markers.pct_in(gene, cluster)));
    }
    return out;
}

/// How clearly a gene marks the cluster, -1 to 1; 0 where it was not tested.
double presence(const Comparison& cells, std::size_t gene) {
    if (std::isnan(cells.auc[gene])) return 0.0;
    return (2.0 * cells.auc[gene] - 1.0) * std::sqrt(std::max(0.0, cells.pct_in[gene]));
}

LabelCandidate score_type(const Comparison& cells, const PlacedType& genes, std::int32_t type) {
    LabelCandidate candidate;
    candidate.type = type;
    double positive = 0.0;
    double positive_weight = 0.0;
    double negative = 0.0;
    double negative_weight = 0.0;
    for (const PlacedGene& placed : genes) {
        const auto gene = static_cast<std::size_t>(placed.gene);
        const double value = presence(cells, gene);
        (placed.negative ? negative : positive) += placed.weight * value;
        (placed.negative ? negative_weight : positive_weight) += placed.weight;
        if (placed.negative) continue;
        ++candidate.n_measured;
        if (cells.auc[gene] >= kClearAuc && cells.pct_in[gene] >= kClearPct) ++candidate.n_evidence;
    }
    if (positive_weight > 0.0) candidate.score = positive / positive_weight;
    if (negative_weight > 0.0) candidate.score -= std::max(0.0, negative / negative_weight);
    return candidate;
}

std::vector<LabelEvidence> evidence_of(const Comparison& cells, const PlacedType& genes, std::span<const std::string> symbols) {
    std::vector<LabelEvidence> evidence;
    for (const PlacedGene& gene : genes) {
        const double auc = cells.auc[static_cast<std::size_t>(gene.gene)];
        const double pct = cells.pct_in[static_cast<std::size_t>(gene.gene)];
        if (std::isnan(auc) || auc < kClearAuc || pct < kClearPct) continue;
        evidence.push_back({gene.gene, symbols[static_cast<std::size_t>(gene.gene)], auc, pct, gene.negative});
    }
    std::sort(evidence.begin(), evidence.end(), [](const LabelEvidence& a, const LabelEvidence& b) { return a.auc != b.auc ? a.auc > b.auc : a.gene < b.gene; });
    return evidence;
}

/// Where each type of the table belongs.
struct Families {
    std::vector<std::int32_t> of_type;  // parent type, a parent's own number for itself; -1: stands alone
    std::vector<char> is_parent;
};

Families families_of(const knowledge::MarkerTable& table) {
    Families out{std::vector<std::int32_t>(table.types.size(), -1), std::vector<char>(table.types.size(), 0)};
    for (std::size_t type = 0; type < table.types.size(); ++type) {
        if (table.types[type].parent.empty()) continue;
        const auto parent = std::find_if(table.types.begin(), table.types.end(), [&](const knowledge::MarkerType& other) { return other.name == table.types[type].parent; });
        if (parent == table.types.end()) invalid_data(fmt::format("{}: the parent '{}' of '{}' is not in the table.", table.name, table.types[type].parent, table.types[type].name), "Add the parent with its markers.");
        const auto place = static_cast<std::size_t>(parent - table.types.begin());
        out.of_type[type] = out.of_type[place] = static_cast<std::int32_t>(place);
        out.is_parent[place] = 1;
    }
    return out;
}

using Candidates = std::vector<LabelCandidate>;

/// Which parents take part beside all other types; a type's number for that one alone.
constexpr std::int32_t kNoParent = -1;
constexpr std::int32_t kAllParents = -2;

/// The types with enough measured markers, best first.
Candidates rank_types(const Comparison& cells, const std::vector<PlacedType>& placed, const Families& families, std::int32_t parent) {
    Candidates out;
    for (std::size_t type = 0; type < placed.size(); ++type) {
        const auto number = static_cast<std::int32_t>(type);
        if (families.is_parent[type] != 0 && number != parent && parent != kAllParents) continue;
        const LabelCandidate candidate = score_type(cells, placed[type], number);
        if (candidate.n_measured >= kFewestMeasured) out.push_back(candidate);
    }
    std::sort(out.begin(), out.end(), [](const LabelCandidate& a, const LabelCandidate& b) { return a.score != b.score ? a.score > b.score : a.type < b.type; });
    return out;
}

/// How far one side is ahead of the other, and by which types.
struct Lead {
    double by = 0.0;
    std::int32_t best = -1;
    std::int32_t rival = -1;  // -1: there is no other
};

/// The best of those that `mine` says yes to against the best of those that `theirs` does.
template <class Mine, class Theirs>
Lead lead(const Candidates& candidates, const Mine& mine, const Theirs& theirs) {
    const auto best = std::find_if(candidates.begin(), candidates.end(), mine);
    const auto rival = std::find_if(candidates.begin(), candidates.end(), theirs);
    if (best == candidates.end()) return {};
    // As far ahead as a score can be, so that the label hangs on score and evidence alone.
    if (rival == candidates.end()) return {best->score + 1.0, best->type, -1};
    return {best->score - rival->score, best->type, rival->type};
}

Lead smaller(const Lead& a, const Lead& b) { return b.by < a.by ? b : a; }

/// What a label needs, in words where the words do not depend on the family.
class Judge {
public:
    Judge(const SuggestedLabelsOptions& options, const knowledge::MarkerTable& table) : options_(options), table_(table) {}

    const std::string& name(std::int32_t type) const { return table_.types[static_cast<std::size_t>(type)].name; }
    /// Why the candidate is no label; empty where it is one. `too_close` is said when the lead is too small.
    std::string objection(const LabelCandidate& candidate, double lead_by, const std::string& too_close) const {
        const std::int32_t needed = std::min(options_.min_evidence, candidate.n_measured);
        if (candidate.score < options_.min_score) return fmt::format("The best type, {}, scores {:.2f}; {:.2f} is needed.", name(candidate.type), candidate.score, options_.min_score);
        if (lead_by < options_.min_margin) return too_close;
        if (candidate.n_evidence >= needed) return "";
        return fmt::format("Only {} of the {} measured markers of {} are clearly higher here; {} are needed.", candidate.n_evidence, candidate.n_measured, name(candidate.type), needed);
    }
    std::string too_close(const Lead& lead) const {
        return lead.rival < 0 ? "" : fmt::format("{} and {} cannot be told apart (lead {:.2f}, {:.2f} is needed).", name(lead.best), name(lead.rival), lead.by, options_.min_margin);
    }

private:
    const SuggestedLabelsOptions& options_;
    const knowledge::MarkerTable& table_;
};

/// A cluster whose best type has no parent.
ClusterLabel label_alone(Candidates candidates, const Judge& judge) {
    ClusterLabel out;
    out.label = kUnassigned;
    out.candidates = std::move(candidates);
    if (out.candidates.empty()) {
        out.reason = "No type of the table has two or more measured markers.";
        return out;
    }
    const LabelCandidate& best = out.candidates.front();
    out.score = best.score;
    out.margin = out.candidates.size() > 1 ? best.score - out.candidates[1].score : best.score + 1.0;
    const std::string too_close = out.candidates.size() > 1 ? fmt::format("{} and {} score nearly the same ({:.2f} and {:.2f}).", judge.name(best.type), judge.name(out.candidates[1].type), best.score, out.candidates[1].score) : "";
    out.reason = judge.objection(best, out.margin, too_close);
    if (!out.reason.empty()) return out;
    out.label = judge.name(best.type);
    out.reason = fmt::format("{} of {} measured markers are clearly higher here, {:.2f} ahead of the next type.", best.n_evidence, best.n_measured, out.margin);
    return out;
}

/// A cluster of the family of `parent`. by_rest: against all other cells; by_outside: against the cells outside the family.
ClusterLabel label_in_family(const Candidates& by_rest, const Candidates& by_outside, std::int32_t parent, const Families& families, const Judge& judge) {
    const auto in_family = [&](const LabelCandidate& candidate) { return families.of_type[static_cast<std::size_t>(candidate.type)] == parent; };
    const auto is_child = [&](const LabelCandidate& candidate) { return in_family(candidate) && candidate.type != parent; };
    const auto outside = [&](const LabelCandidate& candidate) { return !in_family(candidate); };
    const auto own = std::find_if(by_outside.begin(), by_outside.end(), [&](const LabelCandidate& candidate) { return candidate.type == parent; });
    const auto child = std::find_if(by_outside.begin(), by_outside.end(), is_child);
    const bool has_child = child != by_outside.end();
    const bool has_parent = own != by_outside.end();
    const auto is_this = [&](const LabelCandidate& candidate) { return has_child && candidate.type == child->type; };
    const auto is_sibling = [&](const LabelCandidate& candidate) { return is_child(candidate) && !is_this(candidate); };

    const Lead of_family = smaller(lead(by_rest, in_family, outside), lead(by_outside, in_family, outside));
    const Lead of_child = has_child ? smaller(of_family, smaller(lead(by_rest, is_this, is_sibling), lead(by_outside, is_this, is_sibling))) : Lead{};
    const std::string against_child = has_child ? judge.objection(*child, of_child.by, judge.too_close(of_child)) : "No finer type has two or more measured markers.";
    const std::string against_parent = has_parent ? judge.objection(*own, of_family.by, judge.too_close(of_family)) : "";

    ClusterLabel out;
    out.family = parent;
    out.candidates = by_outside;
    const auto give = [&](const LabelCandidate& candidate, const Lead& lead_of_it) {
        out.label = judge.name(candidate.type);
        out.margin = lead_of_it.by;
        out.reason = fmt::format("{} of {} measured markers are clearly higher than in cells outside the {} clusters, {:.2f} ahead of the next type.", candidate.n_evidence, candidate.n_measured, judge.name(parent), out.margin);
        std::stable_partition(out.candidates.begin(), out.candidates.end(), [&](const LabelCandidate& other) { return other.type == candidate.type; });
    };
    if (against_child.empty()) {
        give(*child, of_child);
    } else if (has_parent && against_parent.empty()) {
        give(*own, of_family);
        out.reason += " " + against_child;
    } else {
        out.label = kUnassigned;
        out.margin = of_family.by;
        out.reason = against_child;
        if (has_parent && against_parent != against_child) out.reason += " " + against_parent;
    }
    out.score = out.candidates.front().score;
    return out;
}

/// The clusters of one family against the cells outside them: AUC, family_genes x n_clusters. Empty where no cell is outside.
matrix::Dense<double> auc_outside(const matrix::RowBlockSource& values, std::span<const std::int32_t> cluster, const std::vector<char>& is_member, Context& context) {
    const auto n_clusters = static_cast<std::int32_t>(is_member.size());
    std::vector<std::int32_t> codes(cluster.begin(), cluster.end());
    bool any_outside = false;
    for (std::int32_t& code : codes) {
        if (code < 0 || is_member[static_cast<std::size_t>(code)] != 0) continue;
        code = n_clusters;
        any_outside = true;
    }
    return any_outside ? auc_against(values, codes, n_clusters + 1, n_clusters, context) : matrix::Dense<double>();
}

/// The same cluster with the AUC of the family's genes exchanged; genes that were not tested stay so.
Comparison against_outside(Comparison cells, const std::vector<std::int64_t>& genes, const matrix::Dense<double>& auc, std::int64_t cluster) {
    for (std::int64_t i = 0; i < auc.n_rows; ++i) {
        double& old = cells.auc[static_cast<std::size_t>(genes[static_cast<std::size_t>(i)])];
        if (!std::isnan(old)) old = auc(i, cluster);
    }
    return cells;
}

void check_sizes(const MarkersResult& markers, const matrix::RowBlockSource& family_values, std::span<const std::int32_t> cluster, std::size_t n_symbols, std::size_t n_family_genes) {
    if (static_cast<std::int64_t>(n_symbols) != markers.auc.n_rows) {
        invalid_data(fmt::format("There are {} gene symbols for {} genes.", n_symbols, markers.auc.n_rows), "Give one symbol a gene.");
    }
    if (family_values.n_cols() != static_cast<std::int64_t>(n_family_genes) || family_values.n_rows() != static_cast<std::int64_t>(cluster.size())) {
        invalid_data(fmt::format("The values of the table's genes are {} x {}; {} cells x {} genes are needed.", family_values.n_rows(), family_values.n_cols(), cluster.size(), n_family_genes), "Give a column for each of family_genes().");
    }
    for (const std::int32_t code : cluster) {
        if (code < -1 || code >= markers.auc.n_cols) invalid_data(fmt::format("A cell has cluster code {}, codes go from 0 to {}.", code, markers.auc.n_cols - 1), "Give the codes that the markers were found with.");
    }
}

}  // namespace

std::vector<std::int64_t> family_genes(std::span<const std::string> symbols, const knowledge::MarkerTable& table) {
    std::vector<std::int64_t> genes;
    if (std::all_of(table.types.begin(), table.types.end(), [](const knowledge::MarkerType& type) { return type.parent.empty(); })) return genes;
    for (const PlacedType& type : place_types(symbols, table)) {
        for (const PlacedGene& gene : type) genes.push_back(gene.gene);
    }
    std::sort(genes.begin(), genes.end());
    genes.erase(std::unique(genes.begin(), genes.end()), genes.end());
    return genes;
}

std::vector<ClusterLabel> suggested_labels(const MarkersResult& markers, const matrix::RowBlockSource& family_values, std::span<const std::int32_t> cluster, std::span<const std::string> symbols,
                                           const knowledge::MarkerTable& table, const SuggestedLabelsOptions& options, Context& context) {
    const std::vector<std::int64_t> genes = family_genes(symbols, table);
    check_sizes(markers, family_values, cluster, symbols.size(), genes.size());
    const std::vector<PlacedType> placed = place_types(symbols, table);
    const Families families = families_of(table);
    const Judge judge(options, table);
    const auto n_clusters = static_cast<std::size_t>(markers.auc.n_cols);

    std::vector<Comparison> cells;
    std::vector<Candidates> by_rest;
    std::vector<std::int32_t> family_of;
    std::vector<ClusterLabel> labels;
    for (std::size_t c = 0; c < n_clusters; ++c) {
        cells.push_back(against_rest(markers, static_cast<std::int64_t>(c)));
        by_rest.push_back(rank_types(cells[c], placed, families, kNoParent));
        labels.push_back(label_alone(by_rest[c], judge));
        family_of.push_back(by_rest[c].empty() ? -1 : families.of_type[static_cast<std::size_t>(by_rest[c].front().type)]);
        if (family_of[c] >= 0 || labels[c].label != kUnassigned) continue;
        // A parent's few broad genes may take a cluster that no type standing alone got, never one from it: dendritic cells hold most genes of monocytes.
        const Candidates with_parents = rank_types(cells[c], placed, families, kAllParents);
        if (with_parents.empty() || families.is_parent[static_cast<std::size_t>(with_parents.front().type)] == 0) continue;
        family_of[c] = with_parents.front().type;
        by_rest[c] = rank_types(cells[c], placed, families, family_of[c]);
    }
    for (std::size_t type = 0; type < placed.size(); ++type) {
        const auto parent = static_cast<std::int32_t>(type);
        std::vector<char> is_member(n_clusters, 0);
        for (std::size_t c = 0; c < n_clusters; ++c) is_member[c] = families.is_parent[type] != 0 && family_of[c] == parent ? 1 : 0;
        if (std::find(is_member.begin(), is_member.end(), 1) == is_member.end()) continue;
        const matrix::Dense<double> auc = auc_outside(family_values, cluster, is_member, context);
        for (std::size_t c = 0; c < n_clusters; ++c) {
            if (is_member[c] == 0) continue;
            cells[c] = against_outside(std::move(cells[c]), genes, auc, static_cast<std::int64_t>(c));
            labels[c] = label_in_family(by_rest[c], rank_types(cells[c], placed, families, parent), parent, families, judge);
        }
    }
    for (std::size_t c = 0; c < n_clusters; ++c) {
        ClusterLabel& label = labels[c];
        if (label.candidates.empty()) continue;
        label.evidence = evidence_of(cells[c], placed[static_cast<std::size_t>(label.candidates.front().type)], symbols);
        label.candidates.resize(std::min(kCandidates, label.candidates.size()));
    }
    return labels;
}

}  // namespace morula::analysis
