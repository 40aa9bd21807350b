// Everything the report page shows, as plain structs: the pipeline fills them, render_report() draws them.
// A part that was not computed stays empty and its section is left out or says so; nothing here is computed by the page.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "morula/report/comparison.hpp"

namespace morula::report {

inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();  // shown as an empty table cell

/// Where the counts came from. Anything but real is said on every page, and again when the page is printed.
enum class SourceKind { real, simulated, made_up };

struct Source {
    SourceKind kind = SourceKind::real;
    std::string statement;  // one sentence: what the input is and where it came from, for instance "PBMC3k, 10x Genomics, from /data/pbmc3k"
};

enum class Verdict { usable, usable_with_care, not_usable };
enum class Severity { note, care, stop };

/// One of the five things to check. `section` is the id of the section to jump to ("qc", "map", "markers", ...; see kSectionIds in render.hpp), or empty.
struct CheckItem {
    Severity severity = Severity::note;
    std::string title;
    std::string text;
    std::string section;
};

/// Words that open the page; compose_summary() in summary.hpp writes them from facts.
struct Summary {
    Verdict verdict = Verdict::usable;
    std::string paragraph;  // plain text; its last sentence is the verdict
    std::vector<CheckItem> checks;  // five, the most urgent first
};

/// One line of the sample table.
struct SampleRow {
    std::string name;
    std::vector<std::string> metadata;  // same order as SampleTable::metadata_columns; "" where not given
    std::int64_t cells_in = 0;
    std::int64_t cells_kept = 0;
    double median_counts = kMissing;  // of the kept cells
    double median_genes = kMissing;
    double median_pct_mt = kMissing;
    double doublet_share = kMissing;  // 0..1, of the kept cells
    double ambient_share = kMissing;  // 0..1, estimated
};

struct SampleTable {
    std::vector<std::string> metadata_columns;  // donor, condition, batch, ...
    std::vector<SampleRow> rows;
};

/// Cut-offs of one sample for one QC metric, in the metric's own unit; NaN: no cut on that side.
struct CutOff {
    std::int32_t sample = 0;  // index into SampleTable::rows
    std::string metric;       // QcMetric::name
    double low = kMissing;    // cells below are removed
    double high = kMissing;   // cells above are removed
    double flag_high = kMissing;  // cells above are kept and flagged
    std::int64_t n_low = 0;
    std::int64_t n_high = 0;
};

/// One number a cell, over QcData's cells.
struct QcMetric {
    std::string name;   // "total_counts", "n_genes_by_counts", "pct_counts_mt", ...
    std::string title;  // "Counts per cell"
    bool log_scale = false;
    std::vector<float> values;
};

/// QC of every cell that came in, kept or not. Above about 100,000 cells give a sample (see shown_cells.hpp) and set n_cells to the full number.
struct QcData {
    std::int64_t n_cells = 0;                // all cells that came in; may exceed the length of the vectors below
    std::vector<std::int32_t> sample;        // index into SampleTable::rows
    std::vector<std::int32_t> removed;       // 0 = kept, else 1 + index into reasons
    std::vector<std::string> reasons;        // "too few genes", "too many mitochondrial counts", ...
    std::vector<std::int64_t> reason_counts; // cells removed for each reason, of all cells
    std::vector<QcMetric> metrics;
    std::vector<CutOff> cutoffs;
};

/// Barcode rank curve of an unfiltered sample, thinned to some hundred points.
struct KneeCurve {
    std::string sample;
    std::vector<double> rank;    // 1-based, ascending
    std::vector<double> counts;  // same length
    std::vector<double> called;  // same length: share of the barcodes after the point before that were called cells; empty: not known
    double cut_rank = kMissing;  // barcodes up to here were called by their counts alone
    std::int64_t n_called = 0;
    std::string method;          // one sentence
};

struct SexRow {
    std::string sample;
    double xist = kMissing;     // mean counts per 10,000
    double y_genes = kMissing;  // mean summed counts per 10,000 of the Y genes used
    std::string expressed;      // "female", "male", "mixed", "unclear"
    std::string stated;         // from the sample sheet, or ""
    std::string verdict;        // "agrees", "disagrees", "not stated", ...
    bool warning = false;
};

/// A gene suspected of coming from the ambient RNA ("soup") rather than from the cells.
struct SoupGene {
    std::string gene;
    std::string gene_id;
    std::string sample;               // "" where there is one only
    std::string marker_of;            // the cluster that truly expresses it
    double source_cpm = kMissing;     // counts per million there
    double elsewhere_cpm = kMissing;  // in the median of the other clusters
};

/// Dissociation stress (or another score) by group.
struct ScoreRow {
    std::string group;
    std::int64_t cells = 0;
    double mean = kMissing;
    double pct_high = kMissing;  // share of cells above the stated limit, 0..100
};

struct ScoreTable {
    std::string title;
    std::string text;  // what was scored, from which genes, what to make of it
    std::vector<ScoreRow> rows;
};

/// Cells drawn on the map. One entry a shown cell in every vector below.
/// Up to 100,000 cells all are shown; above, give the cells chosen by shown_cells() and the density map of all.
struct MapData {
    std::int64_t n_cells = 0;       // kept cells in all
    std::string sample_statement;   // "" when all are shown, else which sample is drawn, for instance "100,000 of 1,306,127 cells drawn at random, seed 0"
    std::vector<float> x;           // UMAP 1
    std::vector<float> y;           // UMAP 2
    std::vector<std::string> cell_names;  // may be empty
};

/// All kept cells counted on a grid over the map (see density_map() in shown_cells.hpp); empty up to 100,000 cells.
struct DensityMap {
    std::int32_t width = 0;
    std::int32_t height = 0;
    std::vector<float> counts;  // height x width, row 0 = lowest y
    double x_min = 0, x_max = 0, y_min = 0, y_max = 0;
};

/// A column of obs to colour the map by: categorical (codes + categories) or numeric (values). One entry a shown cell.
struct ObsColumn {
    std::string name;   // as in cells.h5ad
    std::string title;  // for people; "" = name
    std::vector<std::int32_t> codes;      // -1 = missing
    std::vector<std::string> categories;  // not empty = categorical
    std::vector<float> values;            // NaN = missing
};

/// Log-normalised expression of one gene in the shown cells, in 256 levels: value = level * scale / 255, level 0 exactly zero. quantize_expression() makes it.
struct GeneExpression {
    std::string gene;
    std::string gene_id;
    float scale = 0.0f;  // the largest value
    std::vector<std::uint8_t> level;
};

struct Clusters {
    std::vector<std::string> names;       // "0", "1", ...; index = code
    std::vector<std::string> labels;      // suggested label or ""; same length
    std::vector<std::int64_t> sizes;      // over all kept cells
    std::vector<std::int64_t> by_sample;  // n_clusters x n_samples, row-major
    std::vector<std::int64_t> doublets;   // flagged cells, or empty
    std::vector<double> removed;          // expected number of removed cells of this cluster's kind, or empty
    double removed_ambient = kMissing;    // removed cells that look like the average of all cells
    double removed_unclear = kMissing;    // removed cells with too few counts to say
    std::vector<std::string> removed_for; // most frequent reason of those; as long as removed
};

/// Variable-gene plot: one point a gene.
struct VariableGenes {
    std::string x_title;  // "Mean expression"
    std::string y_title;  // "Variance, standardised"
    bool log_x = true;
    std::vector<float> x;
    std::vector<float> y;
    std::vector<std::uint8_t> selected;    // 1 = used
    std::vector<std::int32_t> top;         // indices of the genes to name, best first
    std::vector<std::string> top_names;    // same length
    std::string method;                    // one sentence
};

struct Elbow {
    std::vector<double> variance_ratio;  // of component 1, 2, ...; 0..1
    std::int32_t used = 0;               // the first `used` went into the neighbours
};

/// What a leading component is made of.
struct ComponentNote {
    std::int32_t component = 1;  // 1-based
    std::vector<std::string> positive;  // genes of largest positive loading
    std::vector<std::string> negative;
    std::string note;      // "mitochondrial", "ribosomal", "cell cycle", "stress", or ""
    bool warning = false;
};

struct MarkerRow {
    std::int32_t cluster = 0;  // index into Clusters::names
    std::string gene;
    std::string gene_id;
    double auc = kMissing;
    double min_rank = kMissing;  // 1 = best in at least one pairwise comparison
    double cohens_d = kMissing;
    double log2fc = kMissing;
    double pct_in = kMissing;    // 0..100
    double pct_out = kMissing;
    double z = kMissing;
    double log10_p = kMissing;   // log10 of the p value: negative
    double fdr = kMissing;
    bool soup = false;           // also among the soup genes
};

struct Markers {
    std::string method;            // one sentence
    std::vector<MarkerRow> rows;   // best first within a cluster; some 50 to 100 a cluster are plenty, the rest is in markers.csv
    std::vector<std::string> dot_genes;   // columns of the dot plot, some 2 to 4 a cluster
    std::vector<double> dot_mean;         // n_clusters x n_dot_genes: mean log expression
    std::vector<double> dot_pct;          // n_clusters x n_dot_genes: 0..100
    std::vector<std::string> heatmap_genes;  // rows of the heatmap; only those in ReportData::expression are drawn
};

struct LabelRow {
    std::int32_t cluster = 0;
    std::string label;      // "" = unassigned
    double score = kMissing;
    std::string runner_up;
    double margin = kMissing;
    std::vector<std::string> found;      // marker genes seen, best first
    std::vector<std::string> missing;    // expected and not seen
    std::vector<std::string> against;    // genes that speak against it
    std::string reason;     // one sentence, in particular why unassigned
};

struct Labels {
    std::string source;     // cited table, or the user's file
    std::vector<LabelRow> rows;
};

struct ResolutionRow {
    double resolution = 1.0;
    std::int32_t n_clusters = 0;
    double modularity = kMissing;
    double stability = kMissing;  // mean adjusted Rand index over seeds, 0..1
    bool used = false;
};

/// Two neighbouring clusters that lack three genes with AUC >= .7 between them.
struct MergeOffer {
    std::int32_t a = 0;
    std::int32_t b = 0;
    std::int32_t n_genes = 0;   // genes that tell them apart
    std::string best_gene;
    double best_auc = kMissing;
};

struct SensitivityRow {
    std::string change;      // "Resolution 0.5", "Seed 1", "Without flagged doublets"
    std::int32_t n_clusters = 0;
    double ari = kMissing;   // against the clusters shown
    std::string sentence;    // what changes, in words
};

/// Before and after integration.
struct Integration {
    bool done = false;
    std::string text;                      // what was done or why not
    std::vector<std::string> row_names;    // "Mixing of batches (iLISI)", ...
    std::vector<double> before;
    std::vector<double> after;
    std::vector<float> before_x;           // map before, one entry a shown cell; may be empty
    std::vector<float> before_y;
};

struct Parameter {
    std::string step;
    std::string name;
    std::string value;
    std::string default_value;
    std::string help;
};

struct Decision {
    std::string step;
    std::string text;
};

struct Warning {
    Severity severity = Severity::care;
    std::string text;
    std::string section;  // as CheckItem::section
};

struct StepCost {
    std::string name;
    double seconds = 0.0;
    std::int64_t peak_bytes = 0;
    bool cached = false;
};

struct NameValue {
    std::string name;
    std::string value;
};

struct CodeSnippet {
    std::string title;     // "In scanpy (Python)"
    std::string language;  // "python", "r", "shell"
    std::string code;
    std::string note;
};

/// Methods paragraphs, ready for a paper; methods_text.hpp writes them.
struct Methods {
    std::vector<std::string> paragraphs;  // plain text with [1], [2] ...
    std::vector<std::string> references;  // in order of number
};

/// All of the page.
struct ReportData {
    std::string title;       // sample or project name
    std::string created;     // "2026-03-01 14:05 UTC", or "" for a page without a date
    Source source;
    Summary summary;
    std::int64_t n_cells_in = 0;
    std::int64_t n_cells_kept = 0;
    std::int64_t n_genes_in = 0;
    std::int64_t n_genes_kept = 0;
    SampleTable samples;
    std::vector<std::string> sample_sheet_notes;  // confounding and other findings of the sample sheet
    QcData qc;
    std::vector<KneeCurve> knees;
    std::string sex_text;    // which genes were used
    std::vector<SexRow> sex;
    std::string soup_text;
    std::int64_t n_soup_genes = 0;  // all of them
    std::vector<SoupGene> soup;     // the first of them
    std::vector<ScoreTable> scores;  // stress, cell cycle, ...
    MapData map;
    DensityMap density;
    std::vector<ObsColumn> obs;      // the first is shown at the start; it should be the clusters ("leiden")
    std::vector<std::string> obs_left_out;  // columns that cannot be chosen, with the reason: "barcode (text)"
    std::vector<GeneExpression> expression;  // most wanted first: what does not fit the file's size limit is left out from the end
    Clusters clusters;
    VariableGenes variable_genes;
    Elbow elbow;
    std::vector<ComponentNote> components;
    Integration integration;
    Markers markers;
    Labels labels;
    std::vector<ResolutionRow> resolutions;
    std::vector<MergeOffer> merges;
    std::string no_split_text;  // not empty when one homogeneous type was found: "no supported split ..."
    Comparison comparison;      // empty where neither a condition nor copy number was asked for
    std::vector<SensitivityRow> sensitivity;
    std::string recipe;         // "morula-1"
    std::vector<Parameter> parameters;
    std::vector<Decision> decisions;
    std::vector<Warning> warnings;
    Methods methods;
    std::vector<NameValue> versions;  // Morula, libraries, numeric profile, processor
    std::vector<StepCost> steps;
    std::vector<CodeSnippet> snippets;   // load_snippets() makes them
    std::string reproduce;               // shell command
    std::vector<NameValue> outputs;      // file -> what it holds
};

}  // namespace morula::report
