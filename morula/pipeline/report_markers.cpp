// Markers, expression and labels of the report.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "morula/analysis/markers.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "morula/matrix/compact_columns.hpp"
#include "morula/pipeline/report_data.hpp"
#include "morula/report/shown_cells.hpp"

namespace morula::pipeline {
namespace {

using commands::uns_map;
using commands::uns_numbers;
using commands::uns_texts;

constexpr std::int64_t kRowsPerCluster = 60;
constexpr std::int64_t kDotsPerCluster = 3;
constexpr std::int64_t kHeatmapPerCluster = 5;
constexpr std::int64_t kMostGenes = 400;
constexpr std::int64_t kExpressionBytes = 12'000'000;

/// Genes to show, each once, in the order they were asked for.
class GeneList {
public:
    void add(std::int64_t gene) {
        if (seen_.insert(gene).second) genes_.push_back(gene);
    }
    const std::vector<std::int64_t>& genes() const { return genes_; }

private:
    std::set<std::int64_t> seen_;
    std::vector<std::int64_t> genes_;
};

report::MarkerRow page_row(const analysis::MarkerRow& row, const std::vector<std::string>& symbols, const std::vector<std::string>& ids, const std::vector<double>& soup) {
    const auto gene = static_cast<std::size_t>(row.gene);
    report::MarkerRow out;
    out.cluster = row.cluster;
    out.gene = symbols[gene];
    out.gene_id = ids[gene];
    out.auc = row.auc;
    out.min_rank = row.min_rank > 0 ? static_cast<double>(row.min_rank) : report::kMissing;
    out.cohens_d = row.cohens_d;
    out.log2fc = row.log2fc;
    out.pct_in = 100.0 * row.pct_in;
    out.pct_out = 100.0 * row.pct_out;
    out.z = row.z;
    out.log10_p = row.log10_p;
    out.fdr = row.fdr;
    out.soup = soup[gene] != 0.0;
    return out;
}

void add_rows(const data::Dataset& kept, const analysis::MarkersResult& markers, report::ReportData& page) {
    const std::vector<std::string> symbols = commands::symbols_of(kept.var);
    const std::vector<std::string> ids = commands::ids_of(kept.var);
    const std::vector<double> soup = data::column_numbers(kept.var.at("soup"));
    page.markers.method = "Each cluster against all other cells on log-normalized values: AUC, pairwise minimum rank, Cohen's d, Wilcoxon rank sum with ties.";
    for (std::int64_t cluster = 0; cluster < markers.auc.n_cols; ++cluster) {
        for (const analysis::MarkerRow& row : analysis::top_markers(markers, static_cast<std::int32_t>(cluster), kRowsPerCluster, analysis::MarkerOrder::auc)) {
            if (row.auc > 0.5) page.markers.rows.push_back(page_row(row, symbols, ids, soup));
        }
    }
}

/// The best genes of a cluster by AUC that the rest expresses in clearly fewer cells: genes of every cell (ribosomal ones) may lead an AUC list and tell a reader nothing.
std::vector<analysis::MarkerRow> telling_genes(const analysis::MarkersResult& markers, std::int32_t cluster) {
    constexpr std::int64_t kLooked = 400;
    constexpr std::size_t kKept = 40;
    constexpr double kPctGap = 0.15;
    std::vector<analysis::MarkerRow> telling;
    std::vector<analysis::MarkerRow> others;
    for (const analysis::MarkerRow& row : analysis::top_markers(markers, cluster, kLooked, analysis::MarkerOrder::auc)) {
        (row.pct_in - row.pct_out >= kPctGap ? telling : others).push_back(row);
    }
    telling.insert(telling.end(), others.begin(), others.end());
    if (telling.size() > kKept) telling.resize(kKept);
    return telling;
}

/// Best genes of each cluster in turn, so that the first genes serve all clusters.
GeneList wanted_genes(const data::Dataset& kept, const analysis::MarkersResult& markers, report::ReportData& page) {
    const std::vector<std::string> symbols = commands::symbols_of(kept.var);
    GeneList wanted;
    std::vector<std::vector<analysis::MarkerRow>> best;
    for (std::int64_t cluster = 0; cluster < markers.auc.n_cols; ++cluster) best.push_back(telling_genes(markers, static_cast<std::int32_t>(cluster)));
    std::set<std::string> dots;
    for (const auto& rows : best) {
        std::int64_t n = 0;
        for (const analysis::MarkerRow& row : rows) {
            const std::string& symbol = symbols[static_cast<std::size_t>(row.gene)];
            if (n >= kDotsPerCluster || row.auc <= 0.5) break;
            if (!dots.insert(symbol).second) continue;
            page.markers.dot_genes.push_back(symbol);
            wanted.add(row.gene);
            ++n;
        }
    }
    const std::vector<std::int64_t> dot_genes = wanted.genes();
    for (std::int64_t cluster = 0; cluster < markers.auc.n_cols; ++cluster) {
        for (const std::int64_t gene : dot_genes) {
            page.markers.dot_mean.push_back(markers.mean_in(gene, cluster));
            page.markers.dot_pct.push_back(100.0 * markers.pct_in(gene, cluster));
        }
    }
    for (const auto& rows : best) {
        for (std::int64_t i = 0; i < std::min<std::int64_t>(kHeatmapPerCluster, static_cast<std::int64_t>(rows.size())); ++i) {
            wanted.add(rows[static_cast<std::size_t>(i)].gene);
            page.markers.heatmap_genes.push_back(symbols[static_cast<std::size_t>(rows[static_cast<std::size_t>(i)].gene)]);
        }
    }
    for (std::size_t rank = 0; rank < 40; ++rank) {
        for (const auto& rows : best) {
            if (rank < rows.size() && static_cast<std::int64_t>(wanted.genes().size()) < kMostGenes) wanted.add(rows[rank].gene);
        }
    }
    return wanted;
}

void add_expression(const data::Dataset& kept, const std::vector<std::int64_t>& wanted, const std::vector<std::int64_t>& shown, report::ReportData& page, Context& context) {
    const auto n_shown = static_cast<std::int64_t>(shown.size());
    const std::int64_t most = std::max<std::int64_t>(20, kExpressionBytes / std::max<std::int64_t>(1, n_shown));
    std::vector<std::int64_t> genes(wanted.begin(), wanted.begin() + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(wanted.size()), static_cast<std::ptrdiff_t>(most)));
    std::vector<std::int64_t> sorted = genes;
    std::sort(sorted.begin(), sorted.end());
    matrix::Matrix values = matrix::select_cols(kept.layers.at("X"), sorted);
    if (n_shown < kept.n_cells()) values = matrix::select_rows(values, shown);
    const matrix::CompactColumns columns(*values, {0, static_cast<std::int64_t>(sorted.size())}, context);
    matrix::ColumnEntries entries;
    const std::vector<std::string> symbols = commands::symbols_of(kept.var);
    const std::vector<std::string> ids = commands::ids_of(kept.var);
    std::vector<float> dense(static_cast<std::size_t>(n_shown));
    for (const std::int64_t gene : genes) {
        const auto place = std::lower_bound(sorted.begin(), sorted.end(), gene) - sorted.begin();
        std::fill(dense.begin(), dense.end(), 0.0f);
        columns.read(place, entries);
        for (std::size_t i = 0; i < entries.rows.size(); ++i) dense[entries.rows[i]] = entries.values[i];
        page.expression.push_back(report::quantize_expression(symbols[static_cast<std::size_t>(gene)], ids[static_cast<std::size_t>(gene)], dense));
    }
}

void add_labels(const data::Dataset& kept, const knowledge::MarkerTable& table, report::ReportData& page) {
    const data::UnsMap& labels = uns_map(kept.uns, "suggested_labels");
    page.labels.source = table.name;
    for (std::size_t cluster = 0; cluster < uns_texts(labels, "label").size(); ++cluster) {
        report::LabelRow row;
        row.cluster = static_cast<std::int32_t>(cluster);
        row.label = uns_texts(labels, "label")[cluster] == "unassigned" ? "" : uns_texts(labels, "label")[cluster];
        row.score = uns_numbers(labels, "score")[cluster];
        row.margin = uns_numbers(labels, "margin")[cluster];
        row.runner_up = uns_texts(labels, "candidates")[cluster];
        const std::string& evidence = uns_texts(labels, "evidence")[cluster];
        if (!evidence.empty()) row.found.push_back(evidence);
        row.reason = uns_texts(labels, "reason")[cluster];
        const std::string& source = uns_texts(labels, "source")[cluster];
        if (!source.empty()) row.reason += fmt::format(" Markers: {}.", source);
        page.labels.rows.push_back(std::move(row));
    }
}

}  // namespace

void add_markers_and_labels(const ReportInput& input, const std::vector<std::int64_t>& shown, report::ReportData& page, Context& context) {
    const data::Dataset& kept = input.state.kept;
    const analysis::MarkersResult markers = commands::stored_markers(kept);
    add_rows(kept, markers, page);
    const GeneList wanted = wanted_genes(kept, markers, page);
    add_expression(kept, wanted.genes(), shown, page, context);
    add_labels(kept, input.table, page);
}

}  // namespace morula::pipeline
