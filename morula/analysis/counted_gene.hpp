// The statistics of one gene from its counts: values of small counts have their place in a table, so most genes need no sorting.
#pragma once

#include <cstdint>
#include <vector>

#include "morula/analysis/count_levels.hpp"
#include "morula/analysis/marker_statistics.hpp"
#include "morula/matrix/compact_columns.hpp"

namespace morula::analysis {

/// What a gene's entry must know of its cell, in one number: level << group_bits | group; cells of no group have the number n_groups.
struct CountedCells {
    /// levels must outlive it. Empty where the numbers do not fit 32 bits, or where small counts have no ranks.
    CountedCells(const CountLevels& levels, const CellGroups& groups);
    bool usable() const { return !of_cell.empty(); }

    const CountLevels& levels;
    int group_bits = 0;
    std::vector<std::uint32_t> of_cell;
};

/// The same bits as gene_statistics() of the gene's log values, but for the rounding of tie_term above 200,000 cells. columns must hold bytes (in_bytes()).
/// A gene with many values is counted rank by rank, one with few is sorted by rank; the few counts without a rank are sorted apart and put in between.
/// Throws invalid_data, naming `gene`, for a value that is no log (see refuse_unless_log()).
void counted_gene_statistics(const matrix::CompactColumns& columns, std::int64_t column, std::int64_t gene, const CountedCells& cells, const CellGroups& groups, PairwiseWins pairwise,
                             GeneScratch& scratch, GeneStatistics& out);

/// Throws invalid_data, naming the gene.
[[noreturn]] void refuse_value(float value, std::int64_t gene);
/// Throws invalid_data unless the value is a log: not negative, finite, not above kLargestLogValue.
inline void refuse_unless_log(float value, std::int64_t gene) {
    if (!(value >= 0.0F && value <= kLargestLogValue)) refuse_value(value, gene);
}

}  // namespace morula::analysis
