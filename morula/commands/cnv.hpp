// What the parts of `morula cnv` share: its options, the genes with their places, the cells with their parts, and what came of it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "morula/analysis/cnv.hpp"
#include "morula/analysis/cnv_changes.hpp"
#include "morula/commands/derived_columns.hpp"
#include "morula/commands/gene_names.hpp"
#include "morula/core/describe.hpp"
#include "morula/data/dataset.hpp"
#include "morula/formats/text/text_matrix.hpp"
#include "morula/knowledge/gene_order.hpp"
#include "morula/knowledge/gene_table.hpp"

namespace morula::commands {

struct CnvIo {
    std::string input;
    std::optional<std::string> reference_cells;
    std::optional<std::string> cells;
    std::string gene_order;
    std::string arms;
    std::string gene_table;
    std::string donor;
    std::vector<std::string> derive;
    std::string previous;
    std::string layer;
    formats::TextOrientation orientation = formats::TextOrientation::automatic;
    std::string out;
};
constexpr auto describe(const CnvIo*) {
    using O = CnvIo;
    return std::tuple{
        field("input", &O::input, "An h5ad file, a 10x folder or h5 file, a text matrix, or an atlas with one data set.", {.positional = true, .required = true}),
        field("reference_cells", &O::reference_cells, "Normal cells that the others are compared with, by an obs column: COLUMN=VALUE or COLUMN=VALUE,VALUE. Without it nothing is called."),
        field("cells", &O::cells, "Only these other cells are compared, written in the same way; not given: all."),
        field("gene_order", &O::gene_order, "Positions of genes: a table with gene, chromosome, start, end (and arm or cytoband), inferCNV's list, BED or GTF; not given: var columns chromosome, start, end, arm."),
        field("arms", &O::arms, "Arms or cytobands of the chromosomes (UCSC's cytoBand), where the positions name no arms; without either, calls are of whole chromosomes."),
        field("gene_table", &O::gene_table, kGeneTableHelp),
        field("donor", &O::donor, "obs column with the donors: clones are looked for within each."),
        field("derive", &O::derive, kDeriveHelp),
        field("previous", &O::previous, "Folder (or its cnv_segments.csv) that morula cnv wrote for an earlier sample of the same patient: says what is new and what is gone."),
        field("layer", &O::layer, "Matrix with raw counts (X, raw.X or a layer); found by looking when not given."),
        field("orientation", &O::orientation, "Of a text matrix: whether its rows are genes or cells; auto: by looking at the names.", {.choices = "auto|genes-in-rows|cells-in-rows"}),
        field("out", &O::out, "Folder for cnv_cells.csv, cnv_segments.csv, cnv_arms.csv, cnv_clones.csv and run.json.", {.required = true}),
    };
}

/// Raw counts of the data set, or, where there are none, linear values such as TPM, said aloud. Throws invalid_data for log values.
matrix::Matrix linear_values(data::Dataset& dataset, const std::string& layer, Context& context);

/// Positions and arms from the user's files; hash is of both files, "" without.
struct CnvPositions {
    std::optional<knowledge::GeneOrder> order;  // none: var has them
    std::optional<knowledge::ShortArmEnds> arms;
    std::string hash;
    knowledge::GeneTable genes{};               // other names of genes; may know none
};
/// Reads the files that are named; "" for none. Throws not_found, invalid_data.
CnvPositions read_cnv_positions(const std::string& gene_order, const std::string& arms, Context& context);

/// Genes in the order of the genome.
struct PlacedGenes {
    analysis::CnvGenome genome;
    std::vector<std::int64_t> column;  // of the data set
    bool has_arms = false;
    std::int64_t n_masked = 0;
};
/// Finds each gene among the positions (or in var) by id or symbol, whichever finds more, and leaves out: sex chromosomes and mitochondria, chromosomes with fewer than 20 genes, masked loci,
/// and genes without an arm on chromosomes with arms. The MHC is all that lies between its outermost HLA (H2) genes. A chromosome is divided in arms where nine in ten of its genes name one.
/// Throws invalid_data: no positions, or fewer than kFewestCnvGenes genes found, with what each side calls its genes.
PlacedGenes place_genes(const data::Dataset& dataset, const CnvPositions& positions, Context& context);

/// The columns of `values` that have a place, in the order of the genome.
matrix::Matrix in_genome_order(const matrix::Matrix& values, const PlacedGenes& genes);

/// Reads COLUMN=VALUE,VALUE: 1 for the cells with one of the values. Throws usage, not_found with the nearest name.
std::vector<std::uint8_t> cells_of_expression(const data::Dataset& dataset, const std::string& expression, const std::string& flag);

/// Which cells are compared, with which, within what; none and "": all, nothing, everything.
struct CnvChoice {
    std::optional<std::string> reference_cells;
    std::optional<std::string> cells;
    std::string donor;
};

struct CnvCells {
    std::vector<analysis::CnvRole> role;
    std::vector<std::int32_t> donor;
    std::vector<std::string> donor_names;  // one, "", without a donor column
};
CnvCells cnv_cells(const data::Dataset& dataset, const CnvChoice& choice, Context& context);

/// Said where no reference is named.
inline constexpr std::string_view kNoReference =
    "No reference cells are named, so nothing is called: against the mean of all cells a tumour looks normal and normal cells look changed. Name normal cells with --reference-cells.";
/// Says how the tests were calibrated, and warns where that leaves only large changes to be called.
void say_calibration(const analysis::CnvResult& result, Context& context);

/// Everything that is written.
struct CnvOutcome {
    const data::Dataset& dataset;
    const CnvCells& cells;
    const analysis::CnvResult& result;  // empty without a reference
    std::vector<std::string> clone_names;
};
/// "clone-1" ...; with donors "P1-clone-1", numbered within each.
std::vector<std::string> clone_names(const analysis::CnvResult& result, const CnvCells& cells);
/// Names of the files written.
std::vector<std::string> write_cnv(const std::filesystem::path& folder, const CnvOutcome& outcome, Context& context);
std::string cnv_text(const CnvOutcome& outcome);
/// "1p, 19q"
std::string arms_in(const analysis::CnvClone& clone, const analysis::CnvGenome& genome, analysis::CopyState state);
/// Called stretches that are no part of a called arm.
std::int64_t n_stretches(const analysis::CnvClone& clone, const analysis::CnvGenome& genome);

/// Altered and neutral stretches as cnv_segments.csv has them.
std::vector<analysis::CnvSpan> spans_of(const CnvOutcome& outcome);
/// Reads cnv_segments.csv, or that of a folder. Throws not_found, invalid_data with the line.
std::vector<analysis::CnvSpan> read_previous(const std::string& path, Context& context);
void write_changes(const std::filesystem::path& folder, const analysis::CnvChanges& changes);
std::string changes_text(const analysis::CnvChanges& changes);

}  // namespace morula::commands
