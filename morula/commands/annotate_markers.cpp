// `annotate` without a reference: clusters of the query, labelled by marker genes.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <numeric>

#include "morula/commands/annotate.hpp"
#include "morula/commands/made_clusters.hpp"
#include "morula/commands/named_genes.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "morula/formats/text/csv_writer.hpp"
#include "morula/knowledge/marker_table.hpp"

namespace morula::commands {
namespace {

/// From counts to labels of clusters, by the steps of `morula run` and their defaults.
data::Dataset labelled_clusters(data::Dataset query, const knowledge::MarkerTable& table, Context& context) {
    query = with_made_clusters(std::move(query), context);
    merge_slots(query, markers_slots(query, {}, "leiden", context));
    merge_slots(query, labels_slots(query, {}, table, context));
    return query;
}

/// The markers by the data set's own symbols; those that it lacks keep their names.
knowledge::MarkerTable in_symbols_of(const data::Dataset& query, knowledge::MarkerTable table, const knowledge::GeneTable& genes, Context& context) {
    std::vector<std::string> names;
    for (const knowledge::MarkerType& type : table.types) {
        for (const knowledge::MarkerGene& gene : type.genes) names.push_back(gene.symbol);
    }
    const NamedGenes found = find_named_genes(query, names, table.name, genes, context);
    const std::vector<std::string> symbols = symbols_of(query.var);
    for (knowledge::MarkerType& type : table.types) {
        for (knowledge::MarkerGene& gene : type.genes) {
            const std::int64_t column = found.find(gene.symbol);
            if (column >= 0) gene.symbol = symbols[static_cast<std::size_t>(column)];
        }
    }
    return table;
}

/// Cluster by cluster, as labels_slots() stored it.
struct ClusterRows {
    std::vector<std::string> label;
    std::vector<double> score;
    std::vector<double> margin;
    std::vector<std::string> reason;
    std::vector<std::string> evidence;
    std::vector<std::string> candidates;
    std::vector<std::string> ontology_id;
};

ClusterRows cluster_rows(const data::Dataset& query, const std::string& ontology_path, Context& context) {
    const data::UnsMap& stored = uns_map(query.uns, "suggested_labels");
    ClusterRows rows{uns_texts(stored, "label"), uns_numbers(stored, "score"), uns_numbers(stored, "margin"), uns_texts(stored, "reason"), uns_texts(stored, "evidence"), uns_texts(stored, "candidates"), {}};
    rows.ontology_id.assign(rows.label.size(), "");
    if (ontology_path.empty()) return rows;
    const knowledge::Ontology ontology = knowledge::read_ontology(ontology_path, context);
    const LabelTerms terms = label_terms(ontology, rows.label, data::Dataset{}, "", "", context);
    for (std::size_t i = 0; i < rows.label.size(); ++i) {
        if (terms.of_label[i]) rows.ontology_id[i] = ontology.term(*terms.of_label[i]).id;
    }
    return rows;
}

void write_clusters(const std::filesystem::path& path, const ClusterRows& rows, const std::vector<std::int64_t>& n_cells) {
    formats::CsvWriter out(path, {"cluster", "n_cells", "label", "score", "margin", "ontology_id", "reason", "evidence", "candidates"});
    for (std::size_t i = 0; i < rows.label.size(); ++i) {
        out.integer(static_cast<std::int64_t>(i)).integer(n_cells[i]).text(rows.label[i]).number(rows.score[i]).number(rows.margin[i]).text(rows.ontology_id[i]);
        out.text(rows.reason[i]).text(rows.evidence[i]).text(rows.candidates[i]).end_row();
    }
    out.commit();
}

}  // namespace

CommandResult annotate_by_markers(const AnnotateIo& io, VerbRecord& record, Context& context) {
    data::Dataset query = open_cells(io.query, io.layer, io.orientation, context);
    add_derived_columns(query, io.derive, context);
    record.add_input(io.query, query);
    knowledge::MarkerTable table = io.markers.empty() ? knowledge::builtin_marker_table() : knowledge::read_marker_table(io.markers, context);
    if (!io.gene_table.empty()) table = in_symbols_of(query, std::move(table), open_gene_table(io.gene_table, context), context);
    context.events().decision(fmt::format("No reference: clusters are labelled by the {}. Scores are no probabilities, and types that the table lacks cannot be named.", table.name));
    const data::Dataset labelled = labelled_clusters(std::move(query), table, context);
    const ClusterRows rows = cluster_rows(labelled, io.ontology, context);
    const data::Categorical cluster = require_groups(labelled, "leiden");
    std::vector<std::int64_t> n_cells(rows.label.size(), 0);
    std::vector<CalledCell> called;
    for (const std::int32_t code : cluster.codes) {
        const auto at = static_cast<std::size_t>(code);
        ++n_cells[at];
        called.push_back({rows.label[at], rows.score[at], rows.label[at], std::numeric_limits<double>::quiet_NaN(), rows.ontology_id[at]});
    }
    const std::filesystem::path folder = io.out;
    make_output_folder(folder, {"labels.csv", "clusters.csv"});
    labels_table(folder, labelled.obs.index(), called, context)->commit();
    write_clusters(folder / "clusters.csv", rows, n_cells);
    for (const char* name : {"labels.csv", "clusters.csv", "run.json"}) record.add_output(name);
    record.add_count("n_cells", static_cast<std::int64_t>(called.size()));
    record.add_count("n_clusters", static_cast<std::int64_t>(rows.label.size()));
    record.add_text("confidence", "uncalibrated score");
    record.write(folder);
    std::string text = fmt::format("{}: {} cells in {} clusters, labelled by the {}.\n\n{:>7} {:>9}  {:<28} {:>6}\n", labelled.name, called.size(), rows.label.size(), table.name, "cluster", "cells", "label", "score");
    for (std::size_t i = 0; i < rows.label.size(); ++i) text += fmt::format("{:>7} {:>9}  {:<28} {:>6.2f}\n", i, n_cells[i], rows.label[i], rows.score[i]);
    return {text + fmt::format("\nConfidence: uncalibrated score. The evidence for each label is in {}.\n", (folder / "clusters.csv").string()), record.summary_json(folder)};
}

}  // namespace morula::commands
