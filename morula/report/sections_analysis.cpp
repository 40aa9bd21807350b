#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "morula/report/charts.hpp"
#include "morula/report/html.hpp"
#include "morula/report/page.hpp"
#include "morula/report/sections.hpp"

namespace morula::report {
namespace {

std::string merge_part(const ReportData& data) {
    if (data.merges.empty()) return "";
    HtmlTable table{"Neighbouring clusters that hardly differ", "merge_offers", {{"Cluster"}, {"and cluster"}, {"Genes that tell them apart", Align::number}, {"Best gene"}, {"Its AUC", Align::number}}, {}};
    for (const MergeOffer& offer : data.merges) {
        table.rows.push_back({cluster_title(data.clusters, offer.a), cluster_title(data.clusters, offer.b), std::to_string(offer.n_genes), offer.best_gene, number_text(offer.best_auc, 3)});
    }
    return "<h3>Clusters that could be merged</h3><p>These pairs lack three genes with an AUC of at least 0.7 between them. Consider treating each pair as one cell state.</p>" + table_html(table);
}

std::string integration_part(const Integration& integration) {
    if (integration.text.empty() && integration.row_names.empty()) return "";
    std::string out = "<h3>Integration of batches</h3>" + paragraph(integration.text);
    if (integration.row_names.empty()) return out;
    HtmlTable table{"Before and after integration", "integration", {{"Measure"}, {"Before", Align::number}, {"After", Align::number}}, {}};
    for (std::size_t i = 0; i < integration.row_names.size(); ++i) table.rows.push_back({integration.row_names[i], number_text(integration.before[i], 3), number_text(integration.after[i], 3)});
    return out + table_html(table);
}

std::string component_part(const std::vector<ComponentNote>& components) {
    if (components.empty()) return "";
    const auto first = [](const std::vector<std::string>& genes) { return list_text({genes.begin(), genes.begin() + std::min<std::ptrdiff_t>(8, std::ssize(genes))}); };
    HtmlTable table{"What the leading components are made of", "components", {{"Component", Align::number}, {"Genes that pull up"}, {"Genes that pull down"}, {"Remark"}}, {}};
    for (const ComponentNote& note : components) {
        table.rows.push_back({std::to_string(note.component), first(note.positive), first(note.negative), (note.warning ? "⚠ " : "") + (note.note.empty() ? std::string("none") : note.note)});
    }
    return "<h3>Leading components</h3><p>A leading component of mitochondrial, ribosomal, cell-cycle or stress genes is a sign that quality, not cell type, shapes the map.</p>" + table_html(table);
}

/// Best genes of each cluster, for readers and for print.
std::string marker_overview(const ReportData& data) {
    HtmlTable table{"Best markers by cluster", "marker_overview", {{"Cluster"}, {"Cells", Align::number}, {"Best markers (by AUC)"}}, {}};
    for (std::size_t c = 0; c < data.clusters.names.size(); ++c) {
        std::vector<std::string> genes;
        for (const MarkerRow& row : data.markers.rows) {
            if (row.cluster == static_cast<std::int32_t>(c) && genes.size() < 8) genes.push_back(row.gene + (row.soup ? " (soup)" : ""));
        }
        table.rows.push_back({cluster_title(data.clusters, static_cast<std::int32_t>(c)), count_text(data.clusters.sizes[c]), genes.empty() ? "no gene stands out" : fmt::format("{}", fmt::join(genes, ", "))});
    }
    return table_html(table);
}

constexpr std::string_view kMapView = R"html(<figure class="chart plot" id="map-view" data-file="map">
<div class="controls"><label>Colour by <select id="map-color"></select></label>
<label>or gene <input id="map-gene" list="gene-list" autocomplete="off" spellcheck="false" placeholder="name or id"></label><datalist id="gene-list"></datalist>
<label id="map-layer-label" hidden>View <select id="map-layer"></select></label>
<label class="tick-box"><input type="checkbox" id="map-names" checked> Names on the map</label>
<span class="buttons"><button type="button" id="map-lasso" aria-pressed="false" title="Draw around cells to count them (key L)">Lasso</button><button type="button" id="map-in" aria-label="Zoom in" title="Zoom in (key +)">+</button><button type="button" id="map-out" aria-label="Zoom out" title="Zoom out (key −)">−</button><button type="button" id="map-reset" title="Show all (key 0)">Show all</button></span></div>
<div class="map-body"><div class="stage"><canvas id="map-canvas" tabindex="0" role="img" aria-describedby="map-help" aria-label="Map of the cells"></canvas><div class="tip" hidden></div></div>
<div class="legend" id="map-legend" role="group" aria-label="Legend; choose an entry to highlight it"></div></div>
<div class="selection" id="map-selection" role="status" aria-live="polite"></div>
<figcaption><strong>Distances and areas are not quantitative.</strong> Neighbours on the map are similar cells; how far apart two groups lie, and how large a group looks, says little.<span id="map-sample"></span></figcaption>
<p class="hint" id="map-help">Click the map, then wheel or pinch to zoom; drag to move, Shift-drag or Lasso to count cells. Keys: arrows move, + and − zoom, 0 shows all, L lasso.</p>
<details class="data"><summary>Data table</summary><div class="table-slot"></div></details></figure>
)html";

constexpr std::string_view kMarkerViews = R"html(<figure class="chart" id="violin-view" data-file="violin"><h3>Expression of one gene by group</h3>
<div class="controls"><label>Gene <input id="violin-gene" list="gene-list" autocomplete="off" spellcheck="false"></label><label>Grouped by <select id="violin-group"></select></label></div>
<div class="drawing" id="violin-drawing" tabindex="0" role="group" aria-label="Violin plot"></div>
<figcaption>Width: how many cells; bar: middle half; dot: median; percentage: cells that hold the gene at all. Log-normalised counts.</figcaption>
<details class="data"><summary>Data table</summary><div class="table-slot"></div></details></figure>
<figure class="chart plot" id="heatmap-view" data-file="heatmap"><h3>Heatmap of the best markers</h3>
<div class="drawing" tabindex="0" role="group" aria-label="Heatmap"><canvas id="heatmap-canvas" role="img" aria-label="Heatmap: genes by cells, grouped by cluster"></canvas></div>
<figcaption>Rows are genes, columns are cells (at most 40 a cluster, evenly taken), colour is log expression scaled by gene.</figcaption>
<details class="data"><summary>Data table</summary><div class="table-slot"></div></details></figure>
<div class="marker-table" id="marker-table"><h3>All markers</h3>
<div class="controls"><label>Search <input id="marker-search" type="search" autocomplete="off" spellcheck="false" placeholder="gene name or id"></label><label>Cluster <select id="marker-cluster"></select></label>
<label class="tick-box"><input type="checkbox" id="marker-p"> Show p values</label><span class="buttons"><button type="button" id="marker-csv">Download CSV</button></span></div>
<p class="aside" id="p-note" hidden>The p values are descriptive. The clusters were found on the same cells that are tested here, so that even clusters of pure noise would give tiny p values. Rank genes by effect (AUC, minimum rank), and test differences between conditions with donors as replicates.</p>
<div class="table-slot"></div></div>
<noscript><p class="callout">The searchable table, violins and heatmap need scripts; the full table is in markers.csv.</p></noscript>
)html";

}  // namespace

std::string map_section(const ReportData& data) {
    if (data.map.x.empty()) return "";
    return std::string(kMapView) + "<noscript>" + figure_html(map_figure(data.map, data.obs)) + "</noscript>\n" +
           (data.obs_left_out.empty() ? "" : paragraph(fmt::format("Not among the colours: {}. They are in cells.h5ad.", list_text(data.obs_left_out))));
}

std::string clusters_section(const ReportData& data) {
    if (data.clusters.names.empty()) return "";
    return callout(data.no_split_text) + figure_html(cluster_size_figure(data.clusters, data.samples)) + figure_html(resolution_figure(data.resolutions)) + merge_part(data) + integration_part(data.integration);
}

std::string genes_section(const ReportData& data) {
    return figure_html(variable_genes_figure(data.variable_genes)) + figure_html(elbow_figure(data.elbow)) + component_part(data.components);
}

std::string markers_section(const ReportData& data, std::int64_t n_genes) {
    if (data.markers.rows.empty()) return "";
    std::string out = paragraph(data.markers.method);
    out += "<p><strong>AUC</strong>: the chance that a cell of the cluster holds more of the gene than a cell outside (0.5 = no difference, 1 = always). <strong>Minimum rank</strong>: the gene's best rank against any single other cluster (1 = the best gene against at least one).</p>\n";
    out += marker_overview(data) + figure_html(dot_plot_figure(data.markers, data.clusters)) + std::string(kMarkerViews);
    if (n_genes < std::ssize(data.expression)) {
        out += fmt::format("<p class=\"hint\">To keep this file small it holds the expression of {} of {} marker genes; the others are in cells.h5ad.</p>\n", count_text(n_genes), count_text(std::ssize(data.expression)));
    }
    return out;
}

std::string labels_section(const ReportData& data) {
    if (data.labels.rows.empty()) return "";
    HtmlTable table{"Suggested labels, with evidence", "labels", {{"Cluster"}, {"Suggested label"}, {"Score", Align::number}, {"Next best"}, {"Lead", Align::number}, {"Genes found"}, {"Expected, not found"}, {"Against"}, {"Remark"}}, {}};
    for (const LabelRow& row : data.labels.rows) {
        const std::string name = static_cast<std::size_t>(row.cluster) < data.clusters.names.size() ? data.clusters.names[static_cast<std::size_t>(row.cluster)] : std::to_string(row.cluster);
        table.rows.push_back({name, row.label.empty() ? "unassigned" : row.label, number_text(row.score, 3), row.runner_up, number_text(row.margin, 2), fmt::format("{}", fmt::join(row.found, ", ")), fmt::format("{}", fmt::join(row.missing, ", ")),
                              fmt::format("{}", fmt::join(row.against, ", ")), row.reason});
    }
    return "<p>These are suggestions from known marker genes, not measurements. A cluster without clear evidence stays unassigned.</p>" + table_html(table) + (data.labels.source.empty() ? "" : "<p class=\"hint\">Marker table: " + escape_html(data.labels.source) + "</p>\n");
}

std::string sensitivity_section(const ReportData& data) {
    if (data.sensitivity.empty()) return "";
    HtmlTable table{"What changes when the choices change", "sensitivity", {{"Change"}, {"Clusters", Align::number}, {"Agreement (ARI)", Align::number}, {"What changes"}}, {}};
    for (const SensitivityRow& row : data.sensitivity) table.rows.push_back({row.change, std::to_string(row.n_clusters), number_text(row.ari, 3), row.sentence});
    return "<p>Agreement with the clusters shown here: adjusted Rand index, 1 = the same, 0 = no better than chance. A finding that hangs on one of these choices needs other evidence.</p>" + table_html(table);
}

}  // namespace morula::report
