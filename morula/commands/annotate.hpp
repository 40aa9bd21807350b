// The verb `annotate`: its options, its two sides as read, and what it writes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "morula/commands/command.hpp"
#include "morula/commands/derived_columns.hpp"
#include "morula/commands/gene_names.hpp"
#include "morula/commands/label_terms.hpp"
#include "morula/commands/verb_record.hpp"
#include "morula/core/file.hpp"
#include "morula/data/dataset.hpp"
#include "morula/formats/text/text_matrix.hpp"
#include "morula/models/annotation.hpp"

namespace morula::commands {

struct AnnotateIo {
    std::string query;
    std::string out;
    std::string reference;
    std::string label;
    std::string donor;
    std::string batch;
    std::vector<std::string> derive;
    std::string ontology;
    std::string terms;
    std::string markers;
    std::string gene_table;
    std::string layer;
    std::string reference_layer;
    formats::TextOrientation orientation = formats::TextOrientation::automatic;
};
constexpr auto describe(const AnnotateIo*) {
    return std::tuple{
        field("query", &AnnotateIo::query, "The cells to label: an h5ad file, a 10x folder or h5 file, a text matrix, or an atlas.", {.positional = true, .required = true}),
        field("out", &AnnotateIo::out, "Folder to write to.", {.required = true}),
        field("reference", &AnnotateIo::reference, "Labelled cells with raw counts, in any format that is read. Not given: labels of clusters from marker genes."),
        field("label", &AnnotateIo::label, "obs column of the reference that holds the labels."),
        field("donor", &AnnotateIo::donor, "obs column of the reference that holds the donors; with 9 or more, confidences and label sets are calibrated."),
        field("batch", &AnnotateIo::batch, "obs column that holds the batches, of the reference and, where it is there, of the query."),
        field("derive", &AnnotateIo::derive, kDeriveHelp),
        field("ontology", &AnnotateIo::ontology, "Cell ontology (OBO, CELLxGENE JSON, or a folder of `morula knowledge add`): labels get ids, and cells between two labels their common parent."),
        field("terms", &AnnotateIo::terms, "Table with the columns label and ontology_id, for labels whose names the ontology does not know."),
        field("markers", &AnnotateIo::markers, "Table of marker genes (columns type, gene), used when there is no reference; not given: the built-in table of human types."),
        field("gene_table", &AnnotateIo::gene_table, kGeneTableHelp),
        field("layer", &AnnotateIo::layer, "Matrix of the query that holds the counts (X, raw.X or a layer); found by looking when not given."),
        field("reference_layer", &AnnotateIo::reference_layer, "The same of the reference."),
        field("orientation", &AnnotateIo::orientation, "Of a text matrix: whether its rows are genes or cells; auto: by looking at the names.", {.choices = "auto|genes-in-rows|cells-in-rows"}),
    };
}

/// Labels, batches and donors of the reference cells that have a label, and the counts of both sides over the genes they share.
struct AnnotateSides {
    data::Dataset reference;    // labelled cells alone
    data::Dataset query;
    data::Categorical label;
    data::Categorical donor;    // no codes: not given
    data::Categorical reference_batch;
    data::Categorical query_batch;
    matrix::Matrix reference_counts;
    matrix::Matrix query_counts;
    std::vector<std::int64_t> genes_of_reference;  // of each shared gene, its column there
};

/// One data set with counts, gene expression alone; several (an atlas, samples of one folder) are joined.
data::Dataset open_cells(const std::string& path, const std::string& layer, formats::TextOrientation orientation, Context& context);
/// Throws what a tired biologist can act on: a label column of numbers, no shared genes, another species, log values alone.
AnnotateSides open_sides(const AnnotateIo& io, VerbRecord& record, Context& context);

/// What a cell is called in the end.
struct CalledCell {
    std::string label;
    double confidence = 0.0;
    std::string label_set;     // joined with "|"
    double novelty_p = 0.0;    // NaN: not known
    std::string ontology_id;
};
/// labels.csv: cell, label, confidence, label_set, novelty_p, ontology_id; commit() puts it in place.
std::unique_ptr<AtomicFile> labels_table(const std::filesystem::path& folder, const std::vector<std::string>& cells, const std::vector<CalledCell>& called, Context& context);

inline constexpr std::string_view kUnlikeReference = "unlike the reference";
inline constexpr std::string_view kNoCounts = "no counts";

/// What each model by itself calls every cell; correlation -1: nothing.
struct ModelCalls {
    std::vector<std::int32_t> nearest;
    std::vector<std::int32_t> in_space;
    std::vector<std::int32_t> logistic;
    std::vector<std::int32_t> correlation;

    /// Nearest cells, logistic regression on counts and rank correlation, as they are compared with each other.
    bool all_agree(std::size_t cell) const { return nearest[cell] == logistic[cell] && nearest[cell] == correlation[cell]; }
};
ModelCalls model_calls(const models::AnnotateResult& result, Context& context);

/// Tables of a labelled query beside labels.csv, and the text for the terminal. opinions.csv is put in place by commit(). Each touches its own files alone: they can be written beside each other.
std::unique_ptr<AtomicFile> opinions_table(const std::filesystem::path& folder, const AnnotateSides& sides, const models::AnnotateResult& result, const ModelCalls& calls, Context& context);
void write_agreement(const std::filesystem::path& folder, const AnnotateSides& sides, const models::AnnotateResult& result, const ModelCalls& calls);
/// Also reliability.svg, where there is a calibration.
void write_reliability(const std::filesystem::path& folder, const AnnotateSides& sides, const models::AnnotateResult& result);
std::string annotate_text(const AnnotateSides& sides, const models::AnnotateResult& result, const std::vector<CalledCell>& called, const ModelCalls& calls);

/// Without a reference: clusters of the query, labelled by marker genes.
CommandResult annotate_by_markers(const AnnotateIo& io, VerbRecord& record, Context& context);

Command annotate_command();

}  // namespace morula::commands
