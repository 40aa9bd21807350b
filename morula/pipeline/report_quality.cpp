// Samples, quality control, sex, ambient RNA and scores of the report.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "morula/analysis/averages.hpp"
#include "morula/analysis/qc.hpp"
#include "morula/analysis/sample_checks.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "morula/pipeline/report_data.hpp"
#include "morula/report/shown_cells.hpp"

namespace morula::pipeline {
namespace {

using commands::uns_integers;
using commands::uns_map;
using commands::uns_numbers;
using commands::uns_texts;

double median(std::vector<double> values) {
    std::erase_if(values, [](double value) { return std::isnan(value); });
    if (values.empty()) return report::kMissing;
    return analysis::median(std::move(values));
}

std::vector<double> of_sample(const std::vector<double>& values, const data::Categorical& samples, std::size_t sample) {
    std::vector<double> out;
    for (std::size_t cell = 0; cell < values.size(); ++cell) {
        if (samples.codes[cell] == static_cast<std::int32_t>(sample)) out.push_back(values[cell]);
    }
    return out;
}

double mean_of(const std::vector<double>& values) {
    double sum = 0.0;
    std::int64_t n = 0;
    for (const double value : values) {
        if (std::isnan(value)) continue;
        sum += value;
        ++n;
    }
    return n > 0 ? sum / static_cast<double>(n) : report::kMissing;
}

/// obs columns that have one value a sample: donor, condition, batch, ...
std::vector<std::string> metadata_columns(const data::Dataset& all, const data::Categorical& samples) {
    std::vector<std::string> names;
    for (const auto& [name, column] : all.obs.columns()) {
        if (name == "sample" || name == "qc" || !std::holds_alternative<data::Categorical>(column)) continue;
        const auto& groups = std::get<data::Categorical>(column);
        std::vector<std::int32_t> first(samples.categories.size(), -2);
        bool one_each = groups.categories.size() < 200;
        for (std::size_t cell = 0; cell < groups.codes.size() && one_each; ++cell) {
            std::int32_t& seen = first[static_cast<std::size_t>(samples.codes[cell])];
            if (seen == -2) seen = groups.codes[cell];
            one_each = seen == groups.codes[cell];
        }
        if (one_each && names.size() < 8 && (samples.categories.size() > 1 || name == "donor" || name == "condition" || name == "sex")) names.push_back(name);
    }
    return names;
}

std::string value_in_sample(const data::Table& obs, const std::string& column, const data::Categorical& samples, std::size_t sample) {
    const auto& groups = std::get<data::Categorical>(obs.at(column));
    for (std::size_t cell = 0; cell < groups.codes.size(); ++cell) {
        if (samples.codes[cell] == static_cast<std::int32_t>(sample)) return groups.codes[cell] < 0 ? "" : groups.categories[static_cast<std::size_t>(groups.codes[cell])];
    }
    return "";
}

void add_sample_table(const ReportInput& input, report::ReportData& page) {
    const data::Dataset& all = input.state.all;
    const data::Dataset& kept = input.state.kept;
    const data::Categorical in_all = commands::samples_of(all);
    const data::Categorical in_kept = commands::samples_of(kept);
    const data::UnsMap& qc = uns_map(all.uns, "qc");
    const std::vector<double> counts = data::column_numbers(kept.obs.at("total_counts"));
    const std::vector<double> genes = data::column_numbers(kept.obs.at("n_genes_by_counts"));
    const std::vector<double> mt = data::column_numbers(kept.obs.at("pct_counts_mt"));
    const std::vector<double> doublet = data::column_numbers(kept.obs.at("doublet"));
    const std::vector<double>& ambient = uns_numbers(uns_map(kept.uns, "ambient"), "share");
    page.samples.metadata_columns = metadata_columns(all, in_all);
    for (std::size_t s = 0; s < in_all.categories.size(); ++s) {
        report::SampleRow row;
        row.name = in_all.categories[s];
        for (const std::string& column : page.samples.metadata_columns) row.metadata.push_back(value_in_sample(all.obs, column, in_all, s));
        row.cells_in = uns_integers(qc, "n_cells")[s];
        row.cells_kept = uns_integers(qc, "n_kept")[s];
        row.median_counts = median(of_sample(counts, in_kept, s));
        row.median_genes = median(of_sample(genes, in_kept, s));
        row.median_pct_mt = median(of_sample(mt, in_kept, s));
        row.doublet_share = mean_of(of_sample(doublet, in_kept, s));
        row.ambient_share = s < ambient.size() ? ambient[s] : report::kMissing;
        page.samples.rows.push_back(std::move(row));
    }
    if (all.uns.count("confounding") != 0) page.sample_sheet_notes.push_back(commands::uns_text(uns_map(all.uns, "confounding"), "sentence"));
}

std::vector<float> shown_values(const data::Table& obs, const std::string& column, const std::vector<std::int64_t>& cells) {
    const std::vector<double> values = data::column_numbers(obs.at(column));
    std::vector<float> out;
    out.reserve(cells.size());
    for (const std::int64_t cell : cells) out.push_back(static_cast<float>(values[static_cast<std::size_t>(cell)]));
    return out;
}

/// Cells of each sample removed for a reason.
const std::vector<std::int64_t>& n_removed(const data::UnsMap& qc, analysis::QcReason reason) { return uns_integers(qc, "n " + std::string(analysis::qc_reason_name(reason))); }

void add_cutoffs(const data::UnsMap& qc, report::QcData& out) {
    using analysis::QcReason;
    const std::size_t n_samples = uns_texts(qc, "samples").size();
    for (std::size_t s = 0; s < n_samples; ++s) {
        const auto sample = static_cast<std::int32_t>(s);
        out.cutoffs.push_back({sample, "total_counts", uns_numbers(qc, "min_counts")[s], report::kMissing, uns_numbers(qc, "high_counts")[s], n_removed(qc, QcReason::low_counts)[s], 0});
        out.cutoffs.push_back({sample, "n_genes_by_counts", uns_numbers(qc, "min_genes")[s], report::kMissing, uns_numbers(qc, "high_genes")[s],
                               n_removed(qc, QcReason::few_genes)[s] + n_removed(qc, QcReason::low_genes)[s], 0});
        out.cutoffs.push_back({sample, "pct_counts_mt", report::kMissing, uns_numbers(qc, "max_pct_mt")[s], report::kMissing, 0, n_removed(qc, QcReason::mitochondrial)[s]});
    }
}

void add_qc(const ReportInput& input, report::ReportData& page) {
    const data::Dataset& all = input.state.all;
    const std::vector<std::int64_t> cells = report::shown_cells(all.n_cells(), report::kMaxShownCells, input.options.seed);
    const auto& reason = std::get<data::Categorical>(all.obs.at("qc"));
    const data::Categorical samples = commands::samples_of(all);
    report::QcData& qc = page.qc;
    qc.n_cells = all.n_cells();
    qc.reasons.assign(reason.categories.begin() + 1, reason.categories.end());
    qc.reason_counts.assign(qc.reasons.size(), 0);
    for (const std::int32_t code : reason.codes) {
        if (code > 0) ++qc.reason_counts[static_cast<std::size_t>(code - 1)];
    }
    for (const std::int64_t cell : cells) {
        qc.sample.push_back(samples.codes[static_cast<std::size_t>(cell)]);
        qc.removed.push_back(reason.codes[static_cast<std::size_t>(cell)]);
    }
    qc.metrics.push_back({"total_counts", "Counts per cell", true, shown_values(all.obs, "total_counts", cells)});
    qc.metrics.push_back({"n_genes_by_counts", "Genes per cell", true, shown_values(all.obs, "n_genes_by_counts", cells)});
    qc.metrics.push_back({"pct_counts_mt", "Mitochondrial counts (%)", false, shown_values(all.obs, "pct_counts_mt", cells)});
    qc.metrics.push_back({"pct_counts_ribo", "Ribosomal counts (%)", false, shown_values(all.obs, "pct_counts_ribo", cells)});
    add_cutoffs(uns_map(all.uns, "qc"), qc);
}

/// One knee plot a capture whose cells were called here.
void add_knees(const data::Dataset& all, report::ReportData& page) {
    for (const commands::CalledCapture& capture : commands::stored_cell_calling(all.uns)) {
        report::KneeCurve knee;
        knee.sample = capture.name;
        knee.rank = capture.curve.rank;
        knee.counts = capture.curve.total;
        knee.called = capture.curve.called;
        if (capture.n_by_total > 0) knee.cut_rank = static_cast<double>(capture.n_by_total);
        knee.n_called = capture.n_cells;
        const std::string by_profile = capture.n_simulations == 0 ? "" : fmt::format(" Of the others, {} were called because their RNA differs from that of the {} barcodes with at most {} counts (FDR {:g} %).", capture.n_by_profile,
                                                                                  capture.n_ambient_barcodes, capture.ambient_below, 100.0 * capture.fdr);
        knee.method = fmt::format("{} barcodes; left of the line, {} with {:.0f} or more counts were called cells.{} Drawn thick where most barcodes were called; a circle where only some were.", capture.n_barcodes, capture.n_by_total, capture.always_from, by_profile);
        page.knees.push_back(std::move(knee));
    }
}

void add_sex(const data::Dataset& kept, report::ReportData& page) {
    const data::UnsMap& checks = uns_map(kept.uns, "sample_checks");
    page.sex_text = "XIST (female cells) against genes of the male-specific region of the Y chromosome, as counts per 10,000 of the sample.";
    for (std::size_t s = 0; s < uns_texts(checks, "samples").size(); ++s) {
        report::SexRow row;
        row.sample = uns_texts(checks, "samples")[s];
        row.xist = uns_numbers(checks, "xist_per_10k")[s];
        row.y_genes = uns_numbers(checks, "y_per_10k")[s];
        row.expressed = uns_texts(checks, "sex_seen")[s];
        row.stated = uns_texts(checks, "sex_told")[s];
        if (row.stated == "unknown") row.stated.clear();
        row.verdict = uns_texts(checks, "sex_verdict")[s];
        row.warning = row.verdict == "disagrees";
        page.sex.push_back(std::move(row));
    }
}

void add_soup(const data::Dataset& kept, report::ReportData& page) {
    const data::UnsMap& ambient = uns_map(kept.uns, "ambient");
    page.soup_text = "Genes that are strong in one cluster and seen at a low, even level everywhere: probably free RNA of the suspension. Counts are not changed. "
                     "The sample table gives the ambient share of a cell's counts that these genes suggest together, an upper bound.";
    const std::vector<std::string>& genes = uns_texts(ambient, "gene");
    const std::vector<std::string>& labels = uns_texts(uns_map(kept.uns, "suggested_labels"), "label");
    const bool several_samples = commands::samples_of(kept).categories.size() > 1;
    constexpr std::size_t kShownSoup = 200;
    page.n_soup_genes = static_cast<std::int64_t>(genes.size());
    for (std::size_t i = 0; i < std::min(genes.size(), kShownSoup); ++i) {
        report::SoupGene row;
        row.gene = genes[i];
        if (several_samples) row.sample = uns_texts(ambient, "gene_sample")[i];
        const std::int64_t cluster = uns_integers(ambient, "gene_source_cluster")[i];
        const std::string& label = labels[static_cast<std::size_t>(cluster)];
        row.marker_of = label == "unassigned" ? std::to_string(cluster) : fmt::format("{} · {}", cluster, label);
        row.source_cpm = uns_numbers(ambient, "gene_source_cpm")[i];
        row.elsewhere_cpm = uns_numbers(ambient, "gene_elsewhere_cpm")[i];
        page.soup.push_back(std::move(row));
    }
}

report::ScoreTable score_by_cluster(const data::Dataset& kept, const std::string& column, std::string title, std::string text, double high) {
    report::ScoreTable table{std::move(title), std::move(text), {}};
    const data::Categorical leiden = commands::require_groups(kept, "leiden");
    const std::vector<double> values = data::column_numbers(kept.obs.at(column));
    for (std::size_t cluster = 0; cluster < leiden.categories.size(); ++cluster) {
        const std::vector<double> own = of_sample(values, leiden, cluster);
        const auto n_high = std::count_if(own.begin(), own.end(), [&](double value) { return value >= high; });
        table.rows.push_back({"cluster " + leiden.categories[cluster], static_cast<std::int64_t>(own.size()), mean_of(own), own.empty() ? report::kMissing : 100.0 * static_cast<double>(n_high) / static_cast<double>(own.size())});
    }
    return table;
}

}  // namespace

void add_samples_and_quality(const ReportInput& input, report::ReportData& page) {
    const data::Dataset& kept = input.state.kept;
    add_sample_table(input, page);
    add_qc(input, page);
    add_knees(input.state.all, page);
    add_sex(kept, page);
    add_soup(kept, page);
    page.scores.push_back(score_by_cluster(kept, "pct_counts_stress", "Dissociation stress (% of counts)",
                                           fmt::format("Counts in genes that tissue dissociation switches on (van den Brink et al. 2017; O'Flanagan et al. 2019); high means at least {:g} %.", analysis::kStressedPct),
                                           analysis::kStressedPct));
    page.scores.push_back(score_by_cluster(kept, "S_score", "Cell cycle: S score", "Mean of the S-phase genes of Tirosh et al. 2016 minus control genes of like expression; high means above 0.", 1e-9));
    page.scores.push_back(score_by_cluster(kept, "G2M_score", "Cell cycle: G2/M score", "Mean of the G2/M genes of Tirosh et al. 2016 minus control genes of like expression; high means above 0.", 1e-9));
}

}  // namespace morula::pipeline
