#include "morula/report/render.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/report/charts.hpp"
#include "morula/report/html.hpp"
#include "morula/report/islands.hpp"
#include "morula/report/page.hpp"
#include "morula/report/sections.hpp"

namespace morula::report {
namespace {

void require_length(std::size_t length, std::size_t expected, std::string_view what) {
    if (length == expected) return;
    fail(ErrorCode::internal, fmt::format("The report's {} has {} entries where {} were expected.", what, length, expected), "Report this as a bug.");
}

void require_codes(const std::vector<std::int32_t>& codes, std::int32_t low, std::size_t end, std::string_view what) {
    for (const std::int32_t code : codes) {
        if (code < low || (code >= 0 && static_cast<std::size_t>(code) >= end)) fail(ErrorCode::internal, fmt::format("The report's {} holds the code {} of {}.", what, code, end), "Report this as a bug.");
    }
}

void check_obs(const ObsColumn& column, std::size_t shown) {
    if (column.categories.empty()) {
        require_length(column.values.size(), shown, "obs column " + column.name);
    } else {
        require_length(column.codes.size(), shown, "obs column " + column.name);
        require_codes(column.codes, -1, column.categories.size(), "obs column " + column.name);
    }
}

void check_qc(const QcData& qc, std::size_t n_samples) {
    for (const QcMetric& metric : qc.metrics) require_length(metric.values.size(), qc.removed.size(), "QC metric " + metric.name);
    require_length(qc.sample.size(), qc.removed.size(), "QC sample column");
    require_codes(qc.sample, 0, std::max<std::size_t>(n_samples, 1), "QC sample column");
    require_codes(qc.removed, 0, qc.reasons.size() + 1, "QC removal column");
}

void check_markers(const ReportData& data) {
    const std::size_t n_clusters = data.clusters.names.size();
    require_length(data.clusters.sizes.size(), n_clusters, "cluster sizes");
    if (!data.clusters.removed.empty()) require_length(data.clusters.removed.size(), n_clusters, "list of removed cells by cluster");
    require_length(data.clusters.removed_for.size(), data.clusters.removed.size(), "list of removed cells by cluster");
    if (n_clusters > 0 && data.clusters.by_sample.size() % n_clusters != 0) require_length(data.clusters.by_sample.size(), n_clusters * data.samples.rows.size(), "cluster-by-sample table");
    require_length(data.markers.dot_mean.size(), data.markers.dot_genes.size() * n_clusters, "dot plot means");
    require_length(data.markers.dot_pct.size(), data.markers.dot_genes.size() * n_clusters, "dot plot shares");
    std::vector<std::int32_t> codes;
    for (const MarkerRow& row : data.markers.rows) codes.push_back(row.cluster);
    require_codes(codes, 0, n_clusters, "marker table");
}

void check(const ReportData& data) {
    const std::size_t shown = data.map.x.size();
    require_length(data.map.y.size(), shown, "map");
    if (!data.map.cell_names.empty()) require_length(data.map.cell_names.size(), shown, "list of cell names");
    if (!data.integration.before_x.empty()) require_length(data.integration.before_x.size(), shown, "map before integration");
    require_length(data.integration.before_y.size(), data.integration.before_x.size(), "map before integration");
    require_length(data.integration.before.size(), data.integration.row_names.size(), "integration table");
    require_length(data.integration.after.size(), data.integration.row_names.size(), "integration table");
    for (const ObsColumn& column : data.obs) check_obs(column, shown);
    for (const GeneExpression& gene : data.expression) require_length(gene.level.size(), shown, "expression of " + gene.gene);
    for (const KneeCurve& knee : data.knees) {
        require_length(knee.counts.size(), knee.rank.size(), "knee curve of " + knee.sample);
        if (!knee.called.empty()) require_length(knee.called.size(), knee.rank.size(), "called barcodes of " + knee.sample);
    }
    require_length(data.variable_genes.y.size(), data.variable_genes.x.size(), "variable-gene plot");
    check_qc(data.qc, data.samples.rows.size());
    check_markers(data);
}

std::string_view source_banner(SourceKind kind) {
    return kind == SourceKind::simulated ? "Simulated sample: these cells were never measured" : kind == SourceKind::made_up ? "Made-up data: these cells were never measured" : "";
}

std::string opening_of(const ReportData& data) {
    return page_opening({data.title, "Cell report", {data.created, data.recipe.empty() ? "" : "recipe " + data.recipe}, std::string(source_banner(data.source.kind))});
}

std::vector<Section> sections_of(const ReportData& data, std::int64_t n_genes) {
    std::vector<Section> sections = {
        {"samples", "Samples", samples_section(data)},
        {"qc", "Quality control", qc_section(data)},
        {"ambient", "Contamination and stress", ambient_section(data)},
        {"map", "Map of the cells", map_section(data)},
        {"clusters", "Clusters", clusters_section(data)},
        {"genes", "Variable genes and components", genes_section(data)},
        {"markers", "Marker genes", markers_section(data, n_genes)},
        {"labels", "Suggested labels", labels_section(data)},
        {"comparison", "Healthy and diseased", comparison_section(data)},
        {"sensitivity", "Sensitivity", sensitivity_section(data)},
        {"methods", "Methods", methods_section(data)},
        {"reuse", "Use the result", reuse_section(data)},
        {"run", "The run", run_section(data)},
    };
    std::erase_if(sections, [](const Section& section) { return section.body.empty(); });
    std::vector<std::string_view> present;
    for (const Section& section : sections) present.push_back(section.id);
    sections.insert(sections.begin(), {"summary", "Summary", summary_section(data, present)});
    return sections;
}

/// Titles of the columns that Morula itself writes.
std::string title_of(const std::string& name) {
    static const std::map<std::string, std::string> titles = {{"leiden", "Cluster"}, {"sample", "Sample"}, {"total_counts", "Counts per cell"}, {"n_genes_by_counts", "Genes per cell"}, {"pct_counts_mt", "Mitochondrial counts, %"},
                                                              {"pct_counts_ribo", "Ribosomal counts, %"}, {"doublet_score", "Doublet score"}, {"predicted_doublet", "Doublet call"}, {"phase", "Cell-cycle phase"}, {"cnv_clone", "Clone by copy number"}, {"cnv_score", "Copy-number score"}};
    const auto found = titles.find(name);
    return found == titles.end() ? name : found->second;
}

/// Columns as readers see them: with titles, and clusters with their suggested labels.
std::vector<ObsColumn> titled_obs(const ReportData& data) {
    std::vector<ObsColumn> out = data.obs;
    for (ObsColumn& column : out) {
        if (column.title.empty() || column.title == column.name) column.title = title_of(column.name);
        if (column.categories.empty() || column.categories != data.clusters.names) continue;
        for (std::size_t c = 0; c < column.categories.size(); ++c) column.categories[c] = cluster_title(data.clusters, static_cast<std::int32_t>(c));
    }
    return out;
}

constexpr std::int64_t kEnvelope = 4096;  // room for the closing tags and the sentence on genes left out

}  // namespace

std::int64_t report_size_limit(std::int64_t n_cells) {
    const double share = std::clamp((static_cast<double>(n_cells) - 3e3) / (1e5 - 3e3), 0.0, 1.0);
    return static_cast<std::int64_t>(5e6 + share * 15e6);
}

std::string render_report(const ReportData& data) {
    check(data);
    const std::int64_t limit = report_size_limit(std::ssize(data.map.x));
    const auto size = [](const std::string& text) { return static_cast<std::int64_t>(text.size()); };
    const std::string fixed = obs_island(titled_obs(data)) + qc_island(data.qc, data.samples) + density_island(data.density) + marker_island(data.markers, data.clusters);
    const std::string opening = opening_of(data);
    const auto body = [&](std::int64_t n_genes) { return page_sections(sections_of(data, n_genes)); };
    // The words do not depend on the genes but for one sentence, for which the envelope leaves room.
    const std::int64_t words = size(opening) + size(body(std::ssize(data.expression))) + size(fixed) + size(page_closing()) + kEnvelope;
    std::string map = map_island(data, CellNames::include);
    if (words + size(map) > limit * 7 / 10) map = map_island(data, CellNames::leave_out);  // genes are worth more than barcodes
    const GeneIsland genes = gene_island(data.expression, limit - words - size(map));
    return opening + body(genes.n_genes) + map + fixed + genes.html + page_closing();
}

void write_report(const ReportData& data, const std::filesystem::path& path) { write_text_file(path, render_report(data)); }

}  // namespace morula::report
