// The opening words of the report: verdict, first paragraph and five things to check, from facts alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "morula/report/report_data.hpp"

namespace morula::report {

/// What compose_summary() needs to know. Shares are 0..1; NaN (kMissing) = not computed.
struct ReportFacts {
    SourceKind source = SourceKind::real;
    std::string title;                  // of the project, for the first sentence; may be empty
    std::int32_t n_samples = 1;
    std::vector<NameValue> skipped_samples;  // left out because they could not be used -> why
    std::int64_t n_cells_in = 0;
    std::int64_t n_cells_kept = 0;
    std::int64_t n_genes_kept = 0;
    double median_counts = kMissing;    // kept cells
    double median_genes = kMissing;
    double median_pct_mt = kMissing;    // 0..100
    std::vector<NameValue> removed;     // reason -> "123"; largest first
    std::string worst_sample;           // sample that lost the largest share of its cells
    double worst_sample_lost = kMissing;
    std::string worst_cluster;          // cluster whose kind of cell lost the largest share
    double worst_cluster_lost = kMissing;
    std::int64_t worst_cluster_removed = 0;
    std::string worst_cluster_reason;   // most frequent reason
    std::int64_t n_doublets = 0;        // flagged, kept
    double doublet_share = kMissing;
    double ambient_share = kMissing;    // largest over samples
    std::string ambient_sample;
    std::int32_t n_clusters = 0;
    std::int32_t n_unassigned = 0;      // clusters without a suggested label
    double unassigned_share = kMissing; // of the kept cells, in those clusters
    std::vector<NameValue> largest_labels;  // label -> "42 %", largest first; for the first paragraph
    bool no_supported_split = false;
    double stability = kMissing;        // mean adjusted Rand index at the resolution used
    double smallest_sensitivity_ari = kMissing;
    std::string smallest_sensitivity_change;
    std::int32_t n_merge_offers = 0;
    std::vector<std::string> odd_components;   // "component 1 is mostly mitochondrial"
    std::vector<std::string> sex_mismatches;   // sample names
    std::vector<std::string> confounded;       // "batch and condition cannot be told apart"
    bool several_batches = false;       // more than one sample or batch
    bool integrated = false;
    std::int32_t n_single_sample_clusters = 0; // clusters with > 90 % of cells from one sample, of several
    double neighbor_recall = kMissing;  // measured; below .9 is a warning
    std::int32_t n_soup_genes = 0;
    std::vector<std::string> soup_genes;       // the first few
    double stress_share = kMissing;     // cells above the stress limit
    std::vector<Warning> warnings;      // others that the steps gave
};

/// Pure: same facts, same words. Always five checks; the verdict is not_usable when any is Severity::stop, usable_with_care when any is care.
Summary compose_summary(const ReportFacts& facts);

/// "usable", "usable with care", "not usable".
std::string_view verdict_name(Verdict verdict);

}  // namespace morula::report
