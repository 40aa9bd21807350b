// Which cells and genes go on: the cells that quality control kept, and the genes seen in enough of them.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

struct FilterOptions {
    std::int32_t min_cells = 3;  // same in recipes morula-1 and scanpy-1.11
};

constexpr auto describe(const FilterOptions*) {
    return std::tuple{
        field("min_cells", &FilterOptions::min_cells, "Keep genes detected in at least this many kept cells.", {.minimum = 0.0, .unit = "cells"}),
    };
}

struct FilterResult {
    std::vector<std::int64_t> cells;           // kept rows, increasing
    std::vector<std::int64_t> genes;           // kept columns, increasing
    std::vector<std::int64_t> n_cells_of_gene; // n_genes of the input: kept cells with a count
    std::vector<double> total_counts;          // one per kept cell, over kept genes: the totals that normalize() takes
};

/// keep: n_cells, 1 = go on. Cells are filtered first and genes counted among the kept cells (as scanpy's filter_cells then filter_genes).
/// Throws invalid_data when no cell or no gene is left, or sizes are wrong. Two passes.
FilterResult filter(const matrix::RowBlockSource& counts, std::span<const std::uint8_t> keep, const FilterOptions& options, Context& context);

}  // namespace morula::analysis
