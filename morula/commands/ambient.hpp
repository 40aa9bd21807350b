// What the parts of `morula ambient` share: its options, the cells with their clusters and empty droplets, and what came of each sample.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "morula/analysis/ambient.hpp"
#include "morula/analysis/ambient_sets.hpp"
#include "morula/analysis/cell_calling.hpp"
#include "morula/commands/gene_names.hpp"
#include "morula/commands/verb_record.hpp"
#include "morula/core/describe.hpp"
#include "morula/formats/text/text_matrix.hpp"

namespace morula::commands {

struct AmbientIo {
    std::string input;
    std::string clusters;
    std::string markers;
    std::string gene_table;
    std::string sample;
    std::vector<std::string> unfiltered;
    std::string out;
    std::int64_t ambient_below = analysis::CellCallingOptions{}.ambient_below;
    std::string layer;
    formats::TextOrientation orientation = formats::TextOrientation::automatic;
};
constexpr auto describe(const AmbientIo*) {
    using O = AmbientIo;
    return std::tuple{
        field("input", &O::input, "An h5ad file, a 10x folder or h5 file, a text matrix, or an atlas, with raw counts. In an unfiltered matrix cells are called first, and its empty droplets show the soup.", {.positional = true, .required = true}),
        field("clusters", &O::clusters, "obs column with clusters or cell types; not given: leiden where it is there, else clusters are made."),
        field("markers", &O::markers, "Sets of genes that one cell type expresses and the others do not: GMT, or a table with the columns type and gene. Not given: such genes are looked for."),
        field("gene_table", &O::gene_table, kGeneTableHelp),
        field("sample", &O::sample, "obs column with the samples, one a capture; not given: capture or sample, else the whole is one."),
        field("unfiltered", &O::unfiltered, "The unfiltered matrix of the input's sample, whose empty droplets show the soup; with several samples SAMPLE=PATH for each. May be repeated."),
        field("out", &O::out, "Folder for ambient.csv, ambient_genes.csv, ambient_sets.csv and run.json.", {.required = true}),
        field("ambient_below", &O::ambient_below, "Barcodes with at most this many counts are empty droplets.", {.minimum = 1, .maximum = 1e6, .unit = "counts"}),
        field("layer", &O::layer, "Matrix with raw counts (X, raw.X or a layer); found by looking when not given."),
        field("orientation", &O::orientation, "Of a text matrix: whether its rows are genes or cells; auto: by looking at the names.", {.choices = "auto|genes-in-rows|cells-in-rows"}),
    };
}

/// The empty droplets of a sample.
struct EmptyDroplets {
    std::int64_t n = 0;
    std::vector<double> counts;  // of each gene of the cells; empty where there are too few counts to show the soup
};

struct AmbientCells {
    data::Dataset cells;           // gene expression alone, layers["counts"]
    data::Categorical sample;
    data::Categorical cluster;     // -1: takes no part
    std::vector<EmptyDroplets> empty;  // one a sample
};
/// Opens the input, calls cells where it is unfiltered, and finds or makes clusters. Says what it did.
/// Throws usage (both an unfiltered input and --unfiltered, paths without their sample), not_found and invalid_data (columns, samples, too few cells to make clusters), and what reading throws.
AmbientCells open_ambient_cells(const AmbientIo& io, const knowledge::GeneTable& table, VerbRecord& record, Context& context);

/// The sets of a GMT or marker table among the genes of the cells. Genes that were not measured are named in a warning, as are sets without any. No sets where none are given.
/// Throws what reading and find_named_genes throw.
std::vector<analysis::AmbientSet> ambient_sets_of(const std::string& markers, const data::Dataset& cells, const knowledge::GeneTable& table, Context& context);

struct AmbientSample {
    std::string name;
    std::int64_t n_cells = 0;
    std::int64_t n_empty = 0;   // whose counts are the soup; 0: the soup is that of all cells together
    analysis::AmbientResult found;
    std::optional<analysis::AmbientSetsResult> by_sets;

    double fraction() const { return by_sets ? by_sets->share : found.ambient_share; }
    double low() const { return by_sets ? by_sets->low : found.share_low; }
    double high() const { return by_sets ? by_sets->high : found.share_high; }
    std::int64_t n_genes() const { return by_sets ? by_sets->n_genes : found.n_limits; }
    std::string status() const;
};

/// A gene of a sample as it is written.
struct AmbientGeneRow {
    std::int64_t gene = 0;
    double soup_share = 0.0;          // of the soup's counts
    double expected_share = 0.0;      // of the sample's counts of the gene, by soup; NaN without a fraction
    double expected_elsewhere = 0.0;  // the same outside the source cluster; NaN without one
    std::int32_t source = -1;         // cluster
    double source_cpm = 0.0;          // NaN without a source
    double elsewhere_cpm = 0.0;
    std::string why;                  // it is flagged; empty where it is not
};
/// Genes that are flagged or make up a ten-thousandth of the soup or more, the most of the soup first.
std::vector<AmbientGeneRow> ambient_gene_rows(const AmbientSample& sample);

struct AmbientOutcome {
    std::vector<AmbientSample> samples;
    std::vector<std::vector<AmbientGeneRow>> genes;  // one list a sample
    std::vector<std::string> cluster_names;
    std::vector<analysis::AmbientSet> sets;
};
void write_ambient_tables(const std::filesystem::path& folder, const AmbientOutcome& outcome, const data::Table& var, VerbRecord& record);
std::string ambient_text(const AmbientOutcome& outcome, const data::Table& var);
std::string ambient_json(const std::string& out, const AmbientOutcome& outcome, const data::Table& var);

}  // namespace morula::commands
