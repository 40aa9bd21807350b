// Made-up counts of any size with the truth beside them: types, a continuum, donors, batches, depth, ambient RNA, doublets, damaged cells.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "morula/analysis/generate_cells.hpp"
#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

/// types: lineages of made-up cell types. homogeneous: one type whose cells differ only in depth, over a tenfold range, so that no split is supported.
/// blood: nine blood types from a table of measured means (tables/blood_means.tsv); the cells are simulated.
enum class GeneratePreset { types, homogeneous, blood };

struct GenerateOptions {
    GeneratePreset preset = GeneratePreset::types;
    std::int64_t cells = 3000;
    std::optional<std::int64_t> genes = std::nullopt;   // types, homogeneous: 20,000; blood: the table's, so not to be given
    std::optional<std::int32_t> types = std::nullopt;   // types: 12; else fixed by the preset, so not to be given
    std::int32_t rare_types = 2;         // of `types`, the last ones
    double rare_fraction = 0.005;        // of the cells, each rare type
    double continuum_fraction = 0.1;     // of the cells, on a path between the first two types
    std::int32_t batches = 1;
    std::int32_t donors = 1;
    double batch_sd = 0.25;              // of ln expression, gene by gene
    double donor_sd = 0.1;
    std::optional<double> mean_counts = std::nullopt;   // types, homogeneous: 6,000; blood: 2,400
    std::optional<double> depth_sd = std::nullopt;      // of ln depth. types: 0.45; blood: 0.3; homogeneous spreads ln depth evenly, so not to be given
    double ambient_fraction = 0.05;      // of a cell's counts, on average
    double doublet_fraction = 0.0;
    double damaged_fraction = 0.02;      // few counts, many of them mitochondrial; homogeneous has none
    std::int64_t empty_droplets = 0;     // barcodes after the cells that hold ambient RNA alone
    double empty_counts = 30.0;          // of an empty droplet, on average
    std::int32_t own_genes = 0;          // of each type, silent in all others; preset types alone
    std::uint64_t seed = 0;
};

constexpr auto describe(const GenerateOptions*) {
    return std::tuple{
        field("preset", &GenerateOptions::preset, "What to simulate: made-up cell types, one homogeneous type with a depth gradient, or a blood sample.",
              {.choices = "types|homogeneous|blood"}),
        field("cells", &GenerateOptions::cells, "Number of cells.", {.minimum = 0.0, .maximum = 1e9}),
        field("genes", &GenerateOptions::genes, "Number of genes (20,000 when not given; preset blood has its own).", {.minimum = 100.0, .maximum = 1e6}),
        field("types", &GenerateOptions::types, "Number of cell types (12 when not given; presets homogeneous and blood have their own).",
              {.minimum = 1.0, .maximum = 1000.0}),
        field("rare_types", &GenerateOptions::rare_types, "How many of the types are rare.", {.minimum = 0.0, .maximum = 1000.0}),
        field("rare_fraction", &GenerateOptions::rare_fraction, "Share of the cells in each rare type.", {.minimum = 0.0, .maximum = 1.0}),
        field("continuum_fraction", &GenerateOptions::continuum_fraction, "Share of the cells on a continuous path between the first two types.",
              {.minimum = 0.0, .maximum = 1.0}),
        field("batches", &GenerateOptions::batches, "Number of batches.", {.minimum = 1.0, .maximum = 10000.0}),
        field("donors", &GenerateOptions::donors, "Number of donors; each belongs to one batch, or spans several when batches outnumber donors.",
              {.minimum = 1.0, .maximum = 10000.0}),
        field("batch_sd", &GenerateOptions::batch_sd, "Strength of the batch effects.", {.minimum = 0.0, .maximum = 3.0, .unit = "ln expression"}),
        field("donor_sd", &GenerateOptions::donor_sd, "Strength of the donor effects.", {.minimum = 0.0, .maximum = 3.0, .unit = "ln expression"}),
        field("mean_counts", &GenerateOptions::mean_counts, "Mean counts of an intact single cell (6,000 when not given; blood 2,400).",
              {.minimum = 1.0, .maximum = 1e6, .unit = "counts"}),
        field("depth_sd", &GenerateOptions::depth_sd, "Spread of the counts of a cell (0.45 when not given; blood 0.3, beside the types' own depths).", {.minimum = 0.0, .maximum = 2.0, .unit = "ln counts"}),
        field("ambient_fraction", &GenerateOptions::ambient_fraction, "Mean share of a cell's counts that come from ambient RNA.", {.minimum = 0.0, .maximum = 0.9}),
        field("doublet_fraction", &GenerateOptions::doublet_fraction, "Share of the barcodes that hold two cells.", {.minimum = 0.0, .maximum = 1.0}),
        field("damaged_fraction", &GenerateOptions::damaged_fraction, "Share of the cells with few, mostly mitochondrial counts.", {.minimum = 0.0, .maximum = 1.0}),
        field("empty_droplets", &GenerateOptions::empty_droplets, "Barcodes without a cell, as in an unfiltered matrix: they hold ambient RNA alone.", {.minimum = 0.0, .maximum = 1e9}),
        field("empty_counts", &GenerateOptions::empty_counts, "Mean counts of an empty droplet.", {.minimum = 0.0, .maximum = 1e6, .unit = "counts"}),
        field("own_genes", &GenerateOptions::own_genes, "Genes of each type that no other type expresses at all, a thousandth of its counts each (preset types).", {.minimum = 0.0, .maximum = 10000.0}),
        field("seed", &GenerateOptions::seed, "Seed of the random choices."),
    };
}

struct GenerateResult {
    matrix::Matrix counts;  // n_barcodes x n_genes, made as it is read: any block, any thread, the same bits; nnz() is an upper bound
    GeneratedCells cells;
    std::vector<std::string> type_names;
    std::vector<std::string> sample_names;
    std::vector<std::string> donor_names;
    std::vector<std::string> batch_names;
    std::vector<std::string> gene_symbols;
    std::vector<std::string> gene_ids;  // "MADEUP00000001"; blood: the symbols
    std::vector<std::int32_t> own_of_type;  // n_genes: the only type that expresses the gene; -1: none alone; empty without own genes
    std::string source;                 // one sentence that says the cells are made up, and from what
};

/// A cell of d counts is d draws from its profiles: type, a programme that cuts across types (up to a fifth of the counts), mitochondrial, ambient.
/// Type profiles are log-normal, raised in genes of the lineage and of the type, and scaled gene by gene by the log-normal effects of batch and donor.
/// An empty droplet draws from the ambient profile of its sample alone: Poisson counts around a log-normal mean (sd 0.5 of ln).
/// The continuum runs from the first type to the second by a profile of its own. A doublet is the sum of two cells of one sample.
/// Cost of reading about 30 ns a count; memory 8 bytes x genes x samples x types, held as long as `counts` lives.
/// Throws usage when an option is given that the preset fixes or fractions exceed 1; resource_limit.
GenerateResult generate(const GenerateOptions& options, Context& context);

}  // namespace morula::analysis
