// Reductions that keep the page small: which cells are drawn, how many lie where, and expression in 256 levels.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "morula/report/report_data.hpp"

namespace morula::report {

inline constexpr std::int64_t kMaxShownCells = 100'000;

/// Cells to draw, ascending: all when n_cells <= limit, else a random sample of exactly `limit` that depends on (n_cells, limit, seed) only.
std::vector<std::int64_t> shown_cells(std::int64_t n_cells, std::int64_t limit, std::uint64_t seed);

/// "" when all are shown, else "100,000 of 1,306,127 cells, drawn at random (seed 0)".
std::string sample_statement(std::int64_t n_cells, std::int64_t n_shown, std::uint64_t seed);

/// All cells counted on a width x height grid that spans them. Cells with a NaN coordinate are left out.
DensityMap density_map(std::span<const float> x, std::span<const float> y, std::int32_t width, std::int32_t height);

/// Log-normalised values (>= 0) in 256 levels of the largest: zero stays exactly zero, anything above is at least level 1.
GeneExpression quantize_expression(std::string gene, std::string gene_id, std::span<const float> values);

}  // namespace morula::report
