#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "morula/report/charts.hpp"
#include "morula/report/html.hpp"
#include "morula/report/page.hpp"
#include "morula/report/sections.hpp"
#include "morula/report/summary.hpp"

namespace morula::report {
namespace {

std::string severity_name(Severity severity) { return severity == Severity::stop ? "stop" : severity == Severity::care ? "care" : "note"; }
std::string severity_title(Severity severity) { return severity == Severity::stop ? "Problem" : severity == Severity::care ? "Care" : "Note"; }

/// Medians over samples are not medians over cells, so the tiles show them only for a single sample.
std::string tiles(const ReportData& data) {
    std::vector<NameValue> out = {{"cells kept of " + count_text(data.n_cells_in), count_text(data.n_cells_kept)},
                                  {"clusters", count_text(static_cast<std::int64_t>(data.clusters.names.size()))},
                                  {"genes kept of " + count_text(data.n_genes_in), count_text(data.n_genes_kept)}};
    if (data.samples.rows.size() == 1) {
        out.push_back({"counts in the median cell", number_text(data.samples.rows[0].median_counts, 5)});
        out.push_back({"genes in the median cell", number_text(data.samples.rows[0].median_genes, 5)});
    } else {
        out.push_back({"samples", count_text(static_cast<std::int64_t>(data.samples.rows.size()))});
    }
    return tile_list(out);
}

/// "42 %" stays on one line.
std::string unbroken_percents(std::string html) {
    for (std::size_t at = html.find(" %"); at != std::string::npos; at = html.find(" %", at)) html.replace(at, 1, "&nbsp;");
    return html;
}

using Present = std::vector<std::string_view>;

std::string jump(const std::string& section, const Present& present) {
    const bool there = std::find(present.begin(), present.end(), section) != present.end();
    return there ? fmt::format(" <a class=\"jump\" href=\"#{}\">Look</a>", section) : "";
}

std::string check_list(const std::vector<CheckItem>& checks, const Present& present) {
    if (checks.empty()) return "";
    std::string out = "<h3 id=\"checks\">Five things to check</h3><ol class=\"checks\">";
    for (const CheckItem& item : checks) {
        out += fmt::format("<li class=\"{}\"><span class=\"badge\">{}</span><div><strong>{}</strong> {}{}</div></li>", severity_name(item.severity), severity_title(item.severity), escape_html(item.title),
                           escape_html(item.text), jump(item.section, present));
    }
    return out + "</ol>\n";
}

std::string warning_list(const std::vector<Warning>& warnings, const Present& present) {
    if (warnings.empty()) return "";
    std::string out = fmt::format("<details class=\"fold\"><summary>{} from the steps</summary><ul class=\"checks\">", count_of(static_cast<std::int64_t>(warnings.size()), "warning"));
    for (const Warning& warning : warnings) {
        out += fmt::format("<li class=\"{}\"><span class=\"badge\">{}</span><div>{}{}</div></li>", severity_name(warning.severity), severity_title(warning.severity), escape_html(warning.text), jump(warning.section, present));
    }
    return out + "</ul></details>\n";
}

std::string sex_part(const ReportData& data) {
    if (data.sex.empty()) return "";
    HtmlTable table{"Sex check by sample", "sex_check", {{"Sample"}, {"XIST, per 10,000", Align::number}, {"Y genes, per 10,000", Align::number}, {"Expression says"}, {"Sample sheet says"}, {"Check"}}, {}};
    for (const SexRow& row : data.sex) {
        table.rows.push_back({row.sample, number_text(row.xist, 3), number_text(row.y_genes, 3), row.expressed, row.stated.empty() ? "not given" : row.stated, (row.warning ? "⚠ " : "") + row.verdict});
    }
    table.caption_unseen = true;
    return "<h3>Sex check</h3>" + paragraph(data.sex_text) + table_html(table);
}

std::string removal_table(const ReportData& data) {
    if (data.qc.reasons.empty()) return "";
    HtmlTable table{"Cells removed, by reason", "cells_removed", {{"Reason"}, {"Cells", Align::number}, {"Share of all", Align::number}}, {}};
    const double all = static_cast<double>(std::max<std::int64_t>(data.n_cells_in, 1));
    for (std::size_t r = 0; r < data.qc.reasons.size(); ++r) {
        const std::int64_t cells = r < data.qc.reason_counts.size() ? data.qc.reason_counts[r] : 0;
        if (cells == 0) continue;
        table.rows.push_back({data.qc.reasons[r], count_text(cells), share_text(static_cast<double>(cells) / all)});
    }
    return table.rows.empty() ? "<p>No cell was removed.</p>\n" : table_html(table);
}

/// Where the removed cells would belong: clusters of whose kind at least one cell was removed.
std::string removed_kinds(const ReportData& data) {
    const Clusters& clusters = data.clusters;
    if (clusters.removed.empty()) return "";
    HtmlTable table{"Removed cells by the kind of cell they look like", "removed_kinds", {{"Cluster that they resemble"}, {"Cells kept", Align::number}, {"Cells removed, about", Align::number}, {"Share of the kind removed", Align::number}, {"Most for"}}, {}};
    for (std::size_t c = 0; c < clusters.removed.size(); ++c) {
        if (clusters.removed[c] < 0.5) continue;
        table.rows.push_back({cluster_title(clusters, static_cast<std::int32_t>(c)), count_text(clusters.sizes[c]), count_text(std::llround(clusters.removed[c])),
                              share_text(clusters.removed[c] / (clusters.removed[c] + static_cast<double>(clusters.sizes[c]))), clusters.removed_for[c]});
    }
    if (clusters.removed_ambient >= 0.5) table.rows.push_back({"none: like the average of all cells, as debris is", "", count_text(std::llround(clusters.removed_ambient)), "", ""});
    if (clusters.removed_unclear >= 0.5) table.rows.push_back({"none: too few counts to say", "", count_text(std::llround(clusters.removed_unclear)), "", ""});
    if (table.rows.empty()) return "";
    table.caption_unseen = true;
    return "<h3>What kind of cells were removed?</h3><p>Each removed cell was compared with the profiles of the clusters by its counts in variable genes. A kind that lost most of its cells may be a cell type that a cut-off misjudges. "
           "A type that was removed whole has no cluster here: look for it in the plot of the removed cells.</p>" + table_html(table);
}

std::string removed_view() {
    return R"html(<figure class="chart plot" id="removed-view" data-file="removed_cells"><h3>Removed cells among all cells</h3>
<div class="controls"><label>Across <select id="removed-x"></select></label><label>Up <select id="removed-y"></select></label><label>Sample <select id="removed-sample"></select></label></div>
<div class="stage"><canvas id="removed-canvas" tabindex="0" role="img" aria-label="Every cell by two quality measures; removed cells are coloured by reason"></canvas><div class="tip" hidden></div></div>
<div class="legend" id="removed-legend" role="group" aria-label="Reasons; choose one to highlight"></div>
<figcaption>Every cell that came in. If removed cells form a cloud of their own they may be a cell type, not damage: small cells such as platelets have few counts, and muscle or kidney cells have many mitochondria.</figcaption>
<details class="data"><summary>Data table</summary><div class="table-slot"></div></details></figure>
)html";
}

}  // namespace

std::string summary_section(const ReportData& data, const std::vector<std::string_view>& present) {
    const std::string name = data.summary.verdict == Verdict::usable ? "usable" : data.summary.verdict == Verdict::usable_with_care ? "care" : "stop";
    const std::string mark = data.summary.verdict == Verdict::usable ? "✓" : data.summary.verdict == Verdict::usable_with_care ? "!" : "✕";
    std::string verdict(verdict_name(data.summary.verdict));
    verdict[0] = static_cast<char>(verdict[0] - 'a' + 'A');
    std::string out = fmt::format("<div class=\"verdict {}\"><span class=\"mark\" aria-hidden=\"true\">{}</span><span><span class=\"small\">Verdict</span> {}</span></div>\n", name, mark, verdict);
    out += "<p class=\"lead\">" + unbroken_percents(escape_html(data.summary.paragraph)) + "</p>\n";
    out += "<p class=\"source\"><strong>Input.</strong> " + escape_html(data.source.statement) + "</p>\n";
    return out + tiles(data) + check_list(data.summary.checks, present) + warning_list(data.warnings, present);
}

std::string samples_section(const ReportData& data) {
    if (data.samples.rows.empty()) return "";
    HtmlTable table{"Samples", "samples", {{"Sample"}}, {}};
    for (const std::string& column : data.samples.metadata_columns) table.columns.push_back({column});
    for (const char* title : {"Cells in", "Cells kept", "Kept", "Median counts", "Median genes", "Median % mt", "Doublets", "Ambient, at most"}) table.columns.push_back({title, Align::number});
    for (const SampleRow& row : data.samples.rows) {
        std::vector<std::string> cells = {row.name};
        for (std::size_t m = 0; m < data.samples.metadata_columns.size(); ++m) cells.push_back(m < row.metadata.size() ? row.metadata[m] : "");
        cells.insert(cells.end(), {count_text(row.cells_in), count_text(row.cells_kept), share_text(row.cells_in > 0 ? static_cast<double>(row.cells_kept) / static_cast<double>(row.cells_in) : kMissing),
                                   number_text(row.median_counts, 5), number_text(row.median_genes, 5), number_text(row.median_pct_mt, 3), share_text(row.doublet_share), share_text(row.ambient_share)});
        table.rows.push_back(std::move(cells));
    }
    table.caption_unseen = true;
    std::string out = table_html(table);
    for (const std::string& note : data.sample_sheet_notes) out += "<p class=\"callout\">" + escape_html(note) + "</p>\n";
    return out + sex_part(data);
}

std::string qc_section(const ReportData& data) {
    std::string out = removal_table(data);
    if (data.qc.n_cells > std::ssize(data.qc.removed) && !data.qc.removed.empty()) {
        out += fmt::format("<p class=\"hint\">The plots of this section draw {} of the {} cells, taken at random; cut-offs and the table above are of all.</p>\n", count_text(std::ssize(data.qc.removed)), count_text(data.qc.n_cells));
    }
    for (const QcMetric& metric : data.qc.metrics) out += figure_html(qc_figure(data.qc, metric, data.samples));
    if (data.qc.metrics.size() > 1) out += removed_view();
    out += removed_kinds(data);
    for (const KneeCurve& knee : data.knees) out += figure_html(knee_figure(knee));
    return out;
}

std::string ambient_section(const ReportData& data) {
    std::string out;
    if (!data.soup_text.empty() || !data.soup.empty()) out += "<h3>Ambient RNA</h3>" + paragraph(data.soup_text);
    if (!data.soup.empty()) {
        HtmlTable table{"Genes that may come from the soup", "soup_genes", {{"Gene"}, {"Gene id"}, {"Sample"}, {"Truly expressed in cluster"}, {"Counts per million there", Align::number}, {"In the median of the others", Align::number}}, {}};
        for (const SoupGene& gene : data.soup) {
            table.rows.push_back({gene.gene, gene.gene_id, gene.sample, gene.marker_of, number_text(gene.source_cpm, 4), number_text(gene.elsewhere_cpm, 3)});
        }
        if (data.n_soup_genes > static_cast<std::int64_t>(data.soup.size())) out += paragraph(fmt::format("The first {} of {} genes:", data.soup.size(), count_text(data.n_soup_genes)));
        out += table_html(table);
    }
    for (const ScoreTable& score : data.scores) {
        HtmlTable table{score.title, "score_" + score.title, {{"Group"}, {"Cells", Align::number}, {"Mean score", Align::number}, {"Cells above the limit", Align::number}}, {}};
        for (const ScoreRow& row : score.rows) table.rows.push_back({row.group, count_text(row.cells), number_text(row.mean, 3), std::isnan(row.pct_high) ? "" : share_text(row.pct_high / 100.0)});
        table.caption_unseen = true;
        out += "<h3>" + escape_html(score.title) + "</h3>" + paragraph(score.text);
        if (!score.rows.empty()) out += table_html(table);
    }
    return out;
}

}  // namespace morula::report
