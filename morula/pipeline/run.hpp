// The main job: counts in, a report, a data set and tables out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "morula/commands/command.hpp"
#include "morula/commands/comparison_cells.hpp"
#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/formats/text/text_matrix.hpp"
#include "morula/pipeline/recipes.hpp"

namespace morula::pipeline {

/// Whether cells are called among the barcodes of an input: where it looks unfiltered, or in every case, or never.
enum class CallCells { automatic, always, never };

enum class MatrixOutput { automatic, full, none };

struct RunOptions {
    std::vector<std::string> input;
    std::string out;
    std::string samples;
    bool skip_failed_samples = false;
    std::string batch;
    std::string condition;
    std::string case_name;
    std::string control_name;
    std::string donor;
    std::string cell_type;
    std::string gene_sets;
    std::string regulons;
    std::string interactions;
    std::vector<std::string> parts;
    std::optional<std::string> reference_cells;
    std::string gene_order;
    std::string arms;
    std::string recipe = std::string(kDefaultRecipe);
    std::string layer;
    formats::TextOrientation orientation = formats::TextOrientation::automatic;
    CallCells call_cells = CallCells::automatic;
    std::optional<std::int64_t> ambient_below;
    analysis::SampleKind kind = analysis::SampleKind::cells;
    std::string markers;
    MatrixOutput matrix = MatrixOutput::automatic;
    std::optional<double> resolution;
    std::optional<std::int32_t> n_neighbors;
    std::optional<analysis::GraphWeights> graph_weights;
    std::optional<std::int32_t> n_components;
    std::optional<std::int32_t> n_top_genes;
    bool umap_3d = false;
    std::string title;
    std::string origin = "measured";
    std::uint64_t seed = 0;
    bool resume = false;

    /// The column that Harmony mixes; "" where none is named, or "none".
    std::string mixed_batch() const { return batch == commands::kNoBatch ? "" : batch; }
};

constexpr auto describe(const RunOptions*) {
    return std::tuple{
        field("input", &RunOptions::input, "Counts: h5ad files, 10x folders or h5 files, text matrices, or an atlas.", {.positional = true}),
        field("out", &RunOptions::out, "Folder for the report and all results; made when it is not there.", {.required = true}),
        field("samples", &RunOptions::samples, "CSV with the columns path, sample and any of donor, condition, batch, sex, ...; in place of INPUT."),
        field("skip_failed_samples", &RunOptions::skip_failed_samples, "Go on without samples that cannot be read, or of which quality control leaves hardly a cell; the report begins with which and why. Without this one such sample ends the run."),
        field("batch", &RunOptions::batch, "Column of obs (or of the sample sheet) to be mixed by Harmony; without it nothing is corrected. none: conditions are compared although the file's own column batch goes together with them."),
        field("condition", &RunOptions::condition, "Column with conditions to compare, donors being the replicates: adds the chapter \"Healthy and diseased\" and differences.csv; with --case, --control and --donor."),
        field("case", &RunOptions::case_name, "Value of the condition that is compared, for instance diseased."),
        field("control", &RunOptions::control_name, "Value that it is compared with, for instance healthy."),
        field("donor", &RunOptions::donor, "Column that names the donor of each cell: for --condition, and for --reference-cells."),
        field("cell_type", &RunOptions::cell_type, "Column with the types that are compared, each on its own; the run's clusters when not given."),
        field("gene_sets", &RunOptions::gene_sets, "Gene sets (GMT) that are compared between the conditions, type by type: programmes.csv and a part of the chapter."),
        field("regulons", &RunOptions::regulons, "Regulons (CSV, TSV: columns source, target, weight) whose activity (t of a linear model on the signed weights) is compared between the conditions, type by type: regulons.csv and a part of the chapter."),
        field("interactions", &RunOptions::interactions, "Table of ligand-receptor pairs (CellPhoneDB's, CellChatDB's, or columns ligand and receptor) that are compared between the conditions: communication.csv and a part of the chapter."),
        field("parts", &RunOptions::parts, "Tables that say what the complexes of --interactions are made of; may be repeated."),
        field("reference_cells", &RunOptions::reference_cells, "Normal cells, by an obs column or the run's own leiden: COLUMN=VALUE or COLUMN=VALUE,VALUE. The others are searched for gained and lost chromosomes against them, within --donor: cnv_cells.csv and other tables, and a part of the chapter \"Healthy and diseased\"."),
        field("gene_order", &RunOptions::gene_order, "Positions of genes for --reference-cells: a table with gene, chromosome, start, end (and arm or cytoband), inferCNV's list, BED or GTF; not given: var columns chromosome, start, end, arm."),
        field("arms", &RunOptions::arms, "Arms or cytobands of the chromosomes (UCSC's cytoBand), where the positions name no arms; without either, calls are of whole chromosomes."),
        field("recipe", &RunOptions::recipe, "Named set of conventions for every step.", {.choices = kRecipeNames}),
        field("layer", &RunOptions::layer, "Matrix that holds the raw counts (X, raw.X or a layer); found by looking when not given."),
        field("orientation", &RunOptions::orientation, "Of a text matrix: whether its rows are genes or cells; auto: by looking at the names.", {.choices = "auto|genes-in-rows|cells-in-rows"}),
        field("call_cells", &RunOptions::call_cells, "Whether cells are called among the barcodes; auto: where most of them are nearly empty, as in raw_feature_bc_matrix.", {.choices = "auto|always|never"}),
        field("ambient_below", &RunOptions::ambient_below, "Barcodes with at most this many counts are empty, when cells are called; not given: the recipe's.", {.minimum = 1, .maximum = 1e6, .unit = "counts"}),
        field("kind", &RunOptions::kind, "Whole cells or nuclei; nuclei are held to less mitochondrial RNA.", {.choices = "cells|nuclei"}),
        field("markers", &RunOptions::markers, "CSV or TSV with the columns type and gene, for suggested labels; a small built-in table when not given."),
        field("matrix", &RunOptions::matrix, "Whether cells.h5ad carries the matrices; auto: up to an estimated 8 GB.", {.choices = "auto|full|none"}),
        field("resolution", &RunOptions::resolution, "Leiden resolution; not given: the recipe's.", {.minimum = 0.0, .maximum = 1000.0}),
        field("n_neighbors", &RunOptions::n_neighbors, "Cells in a neighbourhood; not given: the recipe's.", {.minimum = 2, .maximum = 1000}),
        field("graph_weights", &RunOptions::graph_weights, "Weights of the graph that is clustered: fuzzy as UMAP and scanpy, shared as Seurat; not given: the recipe's.", {.choices = "fuzzy|shared"}),
        field("n_components", &RunOptions::n_components, "Principal components; not given: the recipe's.", {.minimum = 2, .maximum = 1000}),
        field("n_top_genes", &RunOptions::n_top_genes, "Variable genes; not given: the recipe's.", {.minimum = 1}),
        field("umap_3d", &RunOptions::umap_3d, "Lay the cells out in three dimensions too (obsm X_umap_3d in cells.h5ad); the report shows the flat map."),
        field("title", &RunOptions::title, "Title of the report."),
        field("origin", &RunOptions::origin, "Where the counts come from; said on every page when they are not measured.", {.choices = "measured|simulated|made-up"}),
        field("seed", &RunOptions::seed, "Seed of every random choice."),
        field("resume", &RunOptions::resume, "Go on with the run that OUT records; its inputs and options are taken from there."),
    };
}

/// Runs everything and writes OUT/report.html, cells.h5ad, markers.csv, run.json and data.atlas.
commands::CommandResult run(const RunOptions& options, Context& context);

/// The command `morula run`.
commands::Command run_command();

}  // namespace morula::pipeline
