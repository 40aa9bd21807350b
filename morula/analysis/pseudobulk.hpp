// Sums of raw counts over the cells of each group, such as a donor's cells of one type in one condition.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

struct Pseudobulk {
    matrix::Dense<std::int64_t> sums;   // groups x genes
    std::vector<std::int64_t> n_cells;  // of each group
};

/// One pass over the rows. group_of_cell: n_cells codes in [0, n_groups), -1 for cells that take no part (blocks without any other are not read).
/// Whole numbers are added, so the sums are exact and the same in any order. Memory: 8 bytes x groups x genes, asked for first.
/// Throws invalid_data for a value that is no whole number of 0 or more: denoised and corrected values are no counts.
Pseudobulk pseudobulk(const matrix::RowBlockSource& counts, std::span<const std::int32_t> group_of_cell, std::int32_t n_groups, Context& context);

/// Genes x samples of the given groups, as the models take it.
matrix::Dense<double> genes_by_samples(const Pseudobulk& pseudobulk, std::span<const std::int32_t> groups);

}  // namespace morula::analysis
