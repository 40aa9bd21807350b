// The statistics of one gene over groups of cells: sums, exact rank sums with ties, and pairwise comparisons.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/analysis/pair_wins_simd.hpp"
#include "morula/matrix/compact_columns.hpp"

namespace morula::analysis {

/// The groups that are compared.
struct CellGroups {
    std::span<const std::int32_t> of_cell;  // -1: takes no part
    std::vector<std::int64_t> n_cells;      // of each group
    std::int64_t n_total = 0;
    std::int32_t n_groups() const { return static_cast<std::int32_t>(n_cells.size()); }
};

/// Sums over the cells of one group; side by side, since every entry adds to all.
struct GroupSums {
    double sum = 0.0;             // of the values
    double sum_of_squares = 0.0;
    double sum_expm1 = 0.0;       // of exp(value) - 1; 0 where the entries lack it
    double n_nonzero = 0.0;       // cells; as a double the four are added two by two
};

/// What is known of one gene; all n_groups.
struct GeneStatistics {
    std::vector<GroupSums> sums;
    std::vector<double> rank_sum;        // ranks from 1, ties at their mean rank, zeros included
    double tie_term = 0.0;               // sum of t^3 - t over runs of equal values
    std::vector<double> pair_wins;       // n_groups x n_groups: pairs (cell of row > cell of column) + half of the ties; empty when not wanted
};

/// Room for sorting, one a task. A key is a value's bits, less those of the gene's smallest, above the group's number: in 32 bits where both fit, which is
/// the rule, as the values of one gene span a few powers of two; else in 64.
struct GeneScratch {
    std::vector<std::uint32_t> narrow, narrow_spare;
    std::vector<std::uint64_t> wide, wide_spare;
    std::vector<double> below;  // n_groups: cells whose value is zero
    std::vector<std::uint64_t> large;       // of counted genes: values that have no rank
    std::vector<std::uint32_t> of_rank;     // of counted genes: cells of each rank, all zero between genes
    std::vector<std::uint64_t> twice_rank;  // n_groups + 1: of counted genes
    PairWinsScratch pair_wins;
};

enum class PairwiseWins { wanted, not_wanted };

/// The gene's stored entries: rows are cells, values log values >= 0 (zeros count as zeros).
struct GeneEntries : matrix::ColumnEntries {
    std::vector<float> expm1;  // exp(value) - 1; empty where sum_expm1 is not wanted
};

/// Zeros are ranked in closed form.
void gene_statistics(const GeneEntries& gene, const CellGroups& groups, PairwiseWins pairwise, GeneScratch& scratch, GeneStatistics& out);

}  // namespace morula::analysis
