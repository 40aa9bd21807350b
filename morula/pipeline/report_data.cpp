#include "morula/pipeline/report_data.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>

#include "morula/report/html.hpp"
#include "morula/report/shown_cells.hpp"

namespace morula::pipeline {
namespace {

std::string now_text() { return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()))); }

report::SourceKind source_kind(const std::string& origin) {
    if (origin == "simulated") return report::SourceKind::simulated;
    return origin == "made-up" ? report::SourceKind::made_up : report::SourceKind::real;
}

std::string source_statement(const ReportInput& input) {
    std::string text;
    for (const InputRecord& each : input.record.inputs()) {
        const bool called = each.n_barcodes > each.n_cells;
        text += fmt::format("{}{} {} x {} genes read from {}", text.empty() ? "" : "; ", report::count_text(each.n_barcodes), called ? "barcodes" : "cells", report::count_text(each.n_genes), each.path);
        if (called) text += fmt::format(", {} of them called cells", report::count_text(each.n_cells));
    }
    text += ".";
    if (input.options.origin == "simulated") return "Simulated cells, not measured ones: " + text;
    if (input.options.origin == "made-up") return "Made-up cells, not measured ones: " + text;
    return text;
}

std::int64_t n_used_genes(const data::Table& var) {
    std::int64_t n = 0;
    for (const double enough : data::column_numbers(var.at("in_enough_cells"))) n += enough != 0.0 ? 1 : 0;
    return n;
}

}  // namespace

report::ReportData compose_report(const ReportInput& input, Context& context) {
    report::ReportData page;
    const data::Dataset& kept = input.state.kept;
    page.title = input.options.title.empty() ? input.state.all.name : input.options.title;
    page.created = now_text();
    page.source = {source_kind(input.options.origin), source_statement(input)};
    page.n_cells_in = input.state.all.n_cells();
    page.n_cells_kept = kept.n_cells();
    page.n_genes_in = kept.n_genes();
    page.n_genes_kept = n_used_genes(kept.var);
    const std::vector<std::int64_t> shown = report::shown_cells(kept.n_cells(), report::kMaxShownCells, input.options.seed);
    add_samples_and_quality(input, page);
    add_map_and_clusters(input, shown, page, context);
    add_markers_and_labels(input, shown, page, context);
    add_acquired_changes(input, page);
    add_comparison(input, page);
    add_words(input, page);
    return page;
}

}  // namespace morula::pipeline
