// Cell-cycle scores and phase from the S and G2/M genes of Tirosh et al. 2016.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

struct CellCycleOptions {
    std::int32_t n_bins = 25;
    std::uint64_t seed = 0;
};

constexpr auto describe(const CellCycleOptions*) {
    return std::tuple{
        field("n_bins", &CellCycleOptions::n_bins, "Expression bins for control genes.", {.minimum = 2, .maximum = 10000}),
        field("seed", &CellCycleOptions::seed, "Seed of the choice of control genes."),
    };
}

/// Values are stored: never renumber. unknown: too few of the genes were measured.
enum class Phase : std::uint8_t { g1 = 0, s = 1, g2m = 2, unknown = 3 };
/// "G1", "S", "G2M", "unknown"
std::string_view phase_name(Phase phase);

struct CellCycleResult {
    std::vector<float> s_score;    // n_cells; NaN when unknown
    std::vector<float> g2m_score;  // n_cells
    std::vector<Phase> phase;      // n_cells
    std::int32_t n_s_genes = 0;    // of the published genes, how many are measured
    std::int32_t n_g2m_genes = 0;
};

/// As scanpy's score_genes_cell_cycle: controls a bin = the smaller set's size; G1 where both scores are < 0, else the larger score (S when equal).
/// Where fewer than 10 genes of either set are measured every cell is unknown. symbols: n_genes, human or mouse spelling.
/// Throws invalid_data when symbols.size() != n_genes.
CellCycleResult cell_cycle(const matrix::RowBlockSource& log_values, std::span<const std::string> symbols, const CellCycleOptions& options, Context& context);

}  // namespace morula::analysis
