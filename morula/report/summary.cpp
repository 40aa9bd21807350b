#include "morula/report/summary.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "morula/report/html.hpp"

namespace morula::report {
namespace {

// Limits of the verdict, argued in docs/report.md. Shares are 0..1.
constexpr std::int64_t kFewestCells = 100;
constexpr double kManyRemoved = 0.3, kMostRemoved = 0.7;
constexpr double kClusterLost = 0.5;
constexpr double kFewGenes = 500, kTooFewGenes = 200;
constexpr double kHighPctMt = 20.0;
constexpr double kManyDoublets = 0.1;
constexpr double kMuchAmbient = 0.2, kMostAmbient = 0.5;
constexpr double kManyStressed = 0.2;
constexpr double kLowStability = 0.6, kLowSensitivity = 0.5;
constexpr double kLowRecall = 0.9;
constexpr double kManyUnassigned = 0.25;
constexpr std::size_t kChecks = 5;

using Checks = std::vector<CheckItem>;

double removed_share(const ReportFacts& facts) {
    return facts.n_cells_in > 0 ? 1.0 - static_cast<double>(facts.n_cells_kept) / static_cast<double>(facts.n_cells_in) : 0.0;
}

/// The first `limit` of `total` items, of which `items` may be only the beginning.
std::string first_of(const std::vector<std::string>& items, std::size_t limit, std::size_t total) {
    std::vector<std::string> first(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(std::min(limit, items.size())));
    if (total > first.size()) first.push_back(fmt::format("{} more", total - first.size()));
    return list_text(first);
}

std::string without_stop(std::string text) {
    if (text.ends_with('.')) text.pop_back();
    return text;
}

void check_cells(const ReportFacts& facts, Checks& checks) {
    const double removed = removed_share(facts);
    if (facts.n_cells_kept < kFewestCells) {
        checks.push_back({Severity::stop, "Hardly any cells are left.", fmt::format("{} passed quality control; clusters and markers of fewer than {} cells mean little. Check that the input is the filtered matrix and that the cut-offs fit this tissue.", count_of(facts.n_cells_kept, "cell"), kFewestCells), "qc"});
    } else if (removed > kManyRemoved) {
        checks.push_back({removed > kMostRemoved ? Severity::stop : Severity::care, fmt::format("{} of the cells were removed.", share_text(removed)), "Look at what was removed: damaged cells, or a cell type that the cut-offs misjudge?", "qc"});
    }
    if (facts.n_samples > 1 && facts.worst_sample_lost > kManyRemoved) {
        checks.push_back({Severity::care, fmt::format("Sample {} lost {} of its cells.", facts.worst_sample, share_text(facts.worst_sample_lost)), "Consider leaving it out, or repeating it, before comparing samples.", "samples"});
    }
    if (facts.worst_cluster_lost > kClusterLost) {
        checks.push_back({Severity::care, fmt::format("{} of the cells like cluster {} were removed.", share_text(facts.worst_cluster_lost), facts.worst_cluster),
                          fmt::format("About {} of them{}. Whole cell types can fail a cut-off, for instance platelets (few counts) or muscle (many mitochondria): look at the cluster's markers before trusting the cut.", count_of(facts.worst_cluster_removed, "cell"),
                                      facts.worst_cluster_reason.empty() ? "" : ", most for " + facts.worst_cluster_reason), "qc"});
    }
}

void check_depth(const ReportFacts& facts, Checks& checks) {
    if (facts.median_genes < kFewGenes) {
        checks.push_back({facts.median_genes < kTooFewGenes ? Severity::stop : Severity::care, fmt::format("The median cell holds only {} genes.", number_text(facts.median_genes, 4)),
                          "Sequencing is shallow or the cells are damaged: fine cell types will not separate.", "qc"});
    }
    if (facts.median_pct_mt > kHighPctMt) {
        checks.push_back({Severity::care, fmt::format("{} % of the median cell's counts are mitochondrial.", number_text(facts.median_pct_mt, 3)), "That is normal in heart, muscle and kidney, and a sign of dying cells elsewhere.", "qc"});
    }
}

void check_contamination(const ReportFacts& facts, Checks& checks) {
    if (facts.doublet_share > kManyDoublets) {
        checks.push_back({Severity::care, fmt::format("{} of the cells look like doublets.", share_text(facts.doublet_share)), "They are flagged, not removed. Colour the map by doublet score: a cluster made of them is no cell type.", "map"});
    }
    if (facts.ambient_share > kMuchAmbient) {
        checks.push_back({facts.ambient_share > kMostAmbient ? Severity::stop : Severity::care, fmt::format("Up to {} of the counts in {} may be ambient RNA.", share_text(facts.ambient_share), facts.ambient_sample.empty() ? "a sample" : facts.ambient_sample),
                          "Marker genes of common cell types will appear everywhere. Correct the counts, or do not trust low levels of the genes listed.", "ambient"});
    } else if (facts.n_soup_genes > 0) {
        checks.push_back({Severity::note, fmt::format("{} may come from ambient RNA.", facts.n_soup_genes == 1 ? "One gene" : fmt::format("{} genes", facts.n_soup_genes)),
                          facts.soup_genes.empty() ? "See the list before calling them markers." : fmt::format("Low levels of {} are likely soup, not expression.", first_of(facts.soup_genes, 4, static_cast<std::size_t>(facts.n_soup_genes))), "ambient"});
    }
    if (facts.stress_share > kManyStressed) {
        checks.push_back({Severity::care, fmt::format("{} of the cells are stressed.", share_text(facts.stress_share)), "Immediate-early and heat-shock genes rise when tissue is taken apart; do not read them as biology.", "ambient"});
    }
}

void check_structure(const ReportFacts& facts, Checks& checks) {
    if (!facts.odd_components.empty()) {
        checks.push_back({Severity::care, "Quality shapes the map.", fmt::format("Of the leading components, {}. Clusters may follow it rather than cell type.", list_text(facts.odd_components)), "genes"});
    }
    if (facts.stability < kLowStability) {
        checks.push_back({Severity::care, "The clusters are not stable.", fmt::format("Other random seeds give other clusters (agreement {}). Use a lower resolution, or read neighbouring clusters as one.", number_text(facts.stability, 2)), "clusters"});
    }
    if (facts.smallest_sensitivity_ari < kLowSensitivity) {
        checks.push_back({Severity::care, "The clusters hang on a choice.", fmt::format("{} changes them much (agreement {}).", facts.smallest_sensitivity_change, number_text(facts.smallest_sensitivity_ari, 2)), "sensitivity"});
    }
    if (facts.neighbor_recall < kLowRecall) {
        checks.push_back({Severity::care, "The neighbours are only approximate.", fmt::format("{} of the true nearest neighbours were found.", share_text(facts.neighbor_recall)), "run"});
    }
    if (facts.n_merge_offers > 0) {
        checks.push_back({Severity::note, fmt::format("{} of clusters hardly differ.", facts.n_merge_offers == 1 ? "One pair" : fmt::format("{} pairs", facts.n_merge_offers)), "They are offered for merging; nothing was merged.", "clusters"});
    }
}

/// Made-up genes have no names that a table could know.
void check_labels(const ReportFacts& facts, Checks& checks) {
    if (facts.source == SourceKind::made_up || !(facts.unassigned_share > kManyUnassigned)) return;
    checks.push_back({Severity::care, fmt::format("{} of {}, {} of the cells, {} no suggested label.", facts.n_unassigned, count_of(facts.n_clusters, "cluster"), share_text(facts.unassigned_share), facts.n_unassigned == 1 ? "has" : "have"),
                      "The table of marker genes may lack the cell types of this tissue (give your own with --markers), or the clusters differ by state rather than by type. The reason of each stands in the table.", "labels"});
}

std::vector<std::string> names_of(const std::vector<NameValue>& entries) {
    std::vector<std::string> names;
    for (const NameValue& entry : entries) names.push_back(entry.name);
    return names;
}

/// "Sample b was", "Samples b and c were"
std::string skipped_words(const ReportFacts& facts) {
    const std::size_t n = facts.skipped_samples.size();
    return fmt::format("{} {} {}", n == 1 ? "Sample" : "Samples", first_of(names_of(facts.skipped_samples), 4, n), n == 1 ? "was" : "were");
}

void check_skipped(const ReportFacts& facts, Checks& checks) {
    if (facts.skipped_samples.empty()) return;
    std::vector<std::string> reasons;
    for (const NameValue& sample : facts.skipped_samples) reasons.push_back(without_stop(sample.value));
    checks.push_back({Severity::care, skipped_words(facts) + " left out.", fmt::format("{}. All that follows is without; a condition that lost a donor lost strength in every comparison.", fmt::join(reasons, "; ")), "samples"});
}

void check_samples(const ReportFacts& facts, Checks& checks) {
    for (const std::string& text : facts.confounded) {
        checks.push_back({Severity::care, "The design is confounded.", text + (text.ends_with('.') ? "" : ".") + " No method can undo that; differences between the groups cannot be told from batch.", "samples"});
    }
    if (!facts.sex_mismatches.empty()) {
        checks.push_back({Severity::care, "Sex does not match the sample sheet.", fmt::format("In {}, XIST and Y genes say otherwise: check for swapped samples.", first_of(facts.sex_mismatches, 4, facts.sex_mismatches.size())), "samples"});
    }
    if (facts.several_batches && facts.n_single_sample_clusters > 0) {
        checks.push_back({facts.n_single_sample_clusters * 3 > facts.n_clusters ? Severity::care : Severity::note,
                          fmt::format("{} almost only from one sample.", facts.n_single_sample_clusters == 1 ? "One cluster comes" : fmt::format("{} clusters come", facts.n_single_sample_clusters)),
                          facts.integrated ? "They stayed apart after integration: a cell state of that sample, or a batch effect." : "That may be batch, not biology; compare with a run that names the batch column (--batch).", "clusters"});
    }
}

/// What is worth a look in any data set, most useful first.
Checks standing_checks(const ReportFacts& facts) {
    Checks checks;
    checks.push_back({Severity::note, "Do the removed cells look like damage?", "If they form a cloud of their own they may be a cell type that the cut-offs misjudge.", "qc"});
    checks.push_back({Severity::note, "Do the labels fit what you know?", facts.n_unassigned > 0 ? fmt::format("{} stayed unassigned. Labels are suggestions from marker genes; check them against the tissue.", count_of(facts.n_unassigned, "cluster")) : "They are suggestions from marker genes; check them against the tissue.", "labels"});
    checks.push_back({Severity::note, "Is a cluster made of doublets?", facts.n_doublets > 0 ? fmt::format("{} flagged and kept. Colour the map by doublet score.", facts.n_doublets == 1 ? "One cell is" : fmt::format("{} cells are", count_text(facts.n_doublets))) : "Colour the map by doublet score; a cluster with markers of two types deserves doubt.", "map"});
    checks.push_back({Severity::note, "Does the number of clusters fit the question?", "The table of resolutions shows how many clusters there would be, and how stable they are.", "clusters"});
    checks.push_back({Severity::note, "Rank markers by effect, not by p value.", "Clusters were found on the same cells, so their p values are descriptive.", "markers"});
    return checks;
}

std::string counts_sentence(const ReportFacts& facts) {
    const std::string kind = facts.source == SourceKind::simulated ? "simulated " : facts.source == SourceKind::made_up ? "made-up " : "";
    const std::string samples = facts.n_samples == 1 ? "one sample" : fmt::format("{} samples", facts.n_samples);
    return fmt::format("{}{} of {} {}cells from {} passed quality control{}.", facts.title.empty() || facts.title.find(':') != std::string::npos ? "" : facts.title + ": ", count_text(facts.n_cells_kept), count_text(facts.n_cells_in), kind, samples,
                       facts.n_cells_in > 0 ? fmt::format(" ({})", share_text(1.0 - removed_share(facts))) : "");
}

std::string skipped_sentence(const ReportFacts& facts) {
    return facts.skipped_samples.empty() ? "" : fmt::format(" {} left out: not usable, as said below.", skipped_words(facts));
}

std::string depth_sentence(const ReportFacts& facts) {
    if (std::isnan(facts.median_counts) || std::isnan(facts.median_genes)) return "";
    const std::string mt = std::isnan(facts.median_pct_mt) ? "" : fmt::format(", {} % of them mitochondrial", number_text(facts.median_pct_mt, 2));
    return fmt::format(" The median cell has {} counts{}, from {} genes.", number_text(facts.median_counts, 5), mt, number_text(facts.median_genes, 5));
}

std::string removal_sentence(const ReportFacts& facts) {
    std::vector<std::string> parts;
    for (const NameValue& reason : facts.removed) {
        if (parts.size() < 3 && !reason.value.empty() && reason.value != "0") parts.push_back(reason.value + " for " + reason.name);
    }
    return parts.empty() ? "" : " Removed were " + list_text(parts) + ".";
}

std::string cluster_sentence(const ReportFacts& facts) {
    if (facts.no_supported_split) return " The cells are of one kind: no split into clusters is supported by the data.";
    if (facts.n_clusters == 0) return "";
    std::vector<std::string> types;
    for (const NameValue& label : facts.largest_labels) {
        if (types.size() < 4) types.push_back(fmt::format("{} ({})", label.name, label.value));
    }
    const std::string clusters = facts.n_clusters == 1 ? " They form one cluster" : fmt::format(" They form {} clusters", facts.n_clusters);
    return types.empty() ? clusters + "." : clusters + ", by their markers mostly " + list_text(types) + ".";
}

/// "The median ..." reads on in lower case; "NK cells ..." and "XIST ..." stay as they are.
std::string continued(const std::string& sentence) {
    const auto between = [](char c, char low, char high) { return c >= low && c <= high; };
    if (sentence.size() < 2 || !between(sentence[0], 'A', 'Z') || !between(sentence[1], 'a', 'z')) return sentence;
    return fmt::format("{}{}", static_cast<char>(sentence[0] - 'A' + 'a'), std::string_view(sentence).substr(1));
}

/// "... usable with care: the median cell holds only 450 genes; ..."
std::string verdict_sentence(const ReportFacts& facts, Verdict verdict, const Checks& checks) {
    const std::string what = facts.source == SourceKind::real ? "data" : facts.source == SourceKind::simulated ? "simulated data" : "made-up data";
    std::vector<std::string> reasons;
    const Severity wanted = verdict == Verdict::not_usable ? Severity::stop : Severity::care;
    for (const CheckItem& item : checks) {
        if (item.severity == wanted && reasons.size() < 3) reasons.push_back(without_stop(item.title));
    }
    for (std::string& reason : reasons) reason = continued(reason);
    if (verdict == Verdict::usable) return fmt::format(" Nothing in the quality measures speaks against the {}: usable.", what);
    const std::string_view words = verdict == Verdict::not_usable ? "not usable" : "usable with care";
    return reasons.empty() ? fmt::format(" The {} are {}.", what, words) : fmt::format(" The {} are {}: {}.", what, words, fmt::join(reasons, "; "));
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
    return verdict == Verdict::usable ? "usable" : verdict == Verdict::usable_with_care ? "usable with care" : "not usable";
}

Summary compose_summary(const ReportFacts& facts) {
    Checks checks;
    check_skipped(facts, checks);
    check_cells(facts, checks);
    check_depth(facts, checks);
    check_samples(facts, checks);
    check_contamination(facts, checks);
    check_structure(facts, checks);
    check_labels(facts, checks);
    for (const Warning& warning : facts.warnings) checks.push_back({warning.severity, warning.text, "", warning.section});
    std::stable_sort(checks.begin(), checks.end(), [](const CheckItem& a, const CheckItem& b) { return a.severity > b.severity; });

    Summary out;
    const Severity worst = checks.empty() ? Severity::note : checks.front().severity;
    out.verdict = worst == Severity::stop ? Verdict::not_usable : worst == Severity::care ? Verdict::usable_with_care : Verdict::usable;
    out.paragraph = counts_sentence(facts) + skipped_sentence(facts) + depth_sentence(facts) + removal_sentence(facts) + cluster_sentence(facts) + verdict_sentence(facts, out.verdict, checks);
    for (CheckItem& item : standing_checks(facts)) checks.push_back(std::move(item));
    checks.resize(kChecks);
    out.checks = std::move(checks);
    return out;
}

}  // namespace morula::report
