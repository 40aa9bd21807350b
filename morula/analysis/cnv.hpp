// Acquired gains and losses of chromosomes from expression: clones, their segments and arms, and how far each cell carries them.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "morula/analysis/cnv_clones.hpp"
#include "morula/analysis/cnv_scores.hpp"
#include "morula/analysis/cnv_segments.hpp"
#include "morula/analysis/cnv_windows.hpp"
#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

/// Fewer reference cells are no reference.
inline constexpr std::int64_t kFewestReferenceCells = 10;
/// Fewer placed and expressed genes say nothing about chromosomes.
inline constexpr std::int64_t kFewestCnvGenes = 200;

struct CnvGeneOptions {
    double min_expression = 0.1;
    std::int32_t null_draws = 100;
};
constexpr auto describe(const CnvGeneOptions*) {
    using O = CnvGeneOptions;
    return std::tuple{
        field("min_expression", &O::min_expression, "Genes below it are left out: mean of the reference's and the other cells' expression.", {.minimum = 0.0, .maximum = 1e6, .unit = "counts in 10,000"}),
        field("null_draws", &O::null_draws, "Groups of reference cells that are compared with the other reference cells, to calibrate the tests.", {.minimum = 10.0, .maximum = 10000.0}),
    };
}

struct CnvOptions {
    CnvGeneOptions genes;
    CnvWindowsOptions windows;
    CnvCloneOptions clones;
    CnvCallOptions calls;
};

/// none: neither compared nor compared with.
enum class CnvRole : std::uint8_t { none, reference, query };

struct CnvInput {
    const matrix::RowBlockSource& counts;  // n_cells x n_genes, counts or other linear values >= 0, genes in the order of the genome
    const CnvGenome& genome;
    std::span<const CnvRole> role;         // n_cells
    std::span<const std::int32_t> donor;   // n_cells, codes from 0; -1 where it is not known: such query cells take no part
};

struct CnvClone {
    std::int32_t donor = 0;
    std::int64_t n_cells = 0;
    CnvCalls calls;
    double inflation = 1.0;  // of its ratios
};

struct CnvResult {
    std::vector<std::int64_t> genes;   // those used, places in the input's genome
    CnvGenome genome;                  // of those
    std::vector<CnvClone> clones;      // by number of cells, largest first
    std::vector<std::int32_t> clone;   // n_cells; -1: no clone (reference cells, cells that take no part, cells in which nothing was found)
    std::vector<CnvFit> fit;           // n_cells, fit.clone -1 where the cell's donor has no clone
    std::int64_t n_reference = 0;
    std::int64_t n_query = 0;
    std::int64_t n_groups = 0;         // groups of query cells that were told apart, before they were tested against the reference
    std::int64_t n_chunks = 0;         // parts of the reference by which the tests were calibrated
    bool chunks_are_donors = false;
    double null_inflation = 1.0;
};

/// 1. Genes with a place and enough expression. 2. Log values of every second gene less the reference's, in windows (cnv_windows). 3. Groups of query cells by these windows, told apart by
/// the genes between (split_cells). 4. Each group pooled against the pooled reference: segments and arms
/// (call_changes) by all genes, a clone only where the genes between call something too; groups of a donor that differ in no called stretch by .35 are one clone. 5. Twice: each query cell goes to the
/// clone of its donor that it fits best by the genes of step 2, or to none, and clones are pooled, judged by the genes between and called again; here a loss is at least -.6 and a gain .4, since a cell
/// has lost a copy or not. 6. Cells are put in clones by all genes, and scored (fit_cells; the mean of a clone's cells is 1; intervals as wide as up to 2,000 reference cells stray, widen_to_normal_cells); scores of reference cells are of cells that the fit was made from.
/// z values are divided by what groups of reference cells show against one another: its donors where at least four have min_cells cells, else 16 random parts.
/// Throws invalid_data: fewer than 10 reference or min_cells query cells, fewer than 200 genes.
CnvResult cnv(const CnvInput& input, const CnvOptions& options, Context& context);

}  // namespace morula::analysis
