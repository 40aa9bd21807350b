// Library-size normalisation: one factor a cell, applied lazily with matrix::log1p_scaled.
#pragma once

#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"

namespace morula::analysis {

struct NormalizeOptions {
    std::optional<double> target_sum = std::nullopt;  // none: the median total (recipes morula-1 and scanpy-1.11); Seurat uses 10,000
};

constexpr auto describe(const NormalizeOptions*) {
    return std::tuple{
        field("target_sum", &NormalizeOptions::target_sum, "Counts that every cell is scaled to; not given: the median over cells with counts.", {.minimum = 0.0, .unit = "counts"}),
    };
}

struct NormalizeResult {
    std::vector<double> scale;  // n_cells: target / total; 1 for a cell without counts
    double target = 0.0;        // what every cell sums to before the logarithm
};

/// totals: counts per cell over the genes that go on. The median is over totals > 0, as scanpy's normalize_total since 1.12; 1.11 takes empty cells in.
/// Throws invalid_data when a total is negative or not finite, or when no cell has counts and no target is given; usage when target_sum <= 0.
NormalizeResult normalize(std::span<const double> totals, const NormalizeOptions& options, Context& context);

}  // namespace morula::analysis
