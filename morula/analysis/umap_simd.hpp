// SIMD kernel of the UMAP layout: one step of a range of cells that read the last positions of all others.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/parallel.hpp"

namespace morula::analysis::umap_detail {

/// Cells with their edges. Edge e pulls in a share rate[e] of the epochs.
struct LayoutGraph {
    std::span<const std::int64_t> begin;  // n_cells + 1
    std::span<const std::uint32_t> target;
    std::span<const float> rate;          // (0, 1]
};

struct LayoutStep {
    std::int32_t n_dims = 2;  // 2 or 3
    std::int32_t epoch = 0;
    std::int32_t negative_sample_rate = 5;
    float step_length = 1.0F;
    float a = 1.0F;
    float b = 1.0F;
    std::uint32_t key = 0;  // of this epoch's random cells
};

/// Room for the partners of one cell; kept by a task.
struct LayoutScratch {
    std::vector<std::uint32_t> partner;
    std::vector<float> x;
    std::vector<float> y;
    std::vector<float> z;

    LayoutScratch(std::int64_t largest_degree, std::int32_t negative_sample_rate);
};

/// Writes the new positions of the cells of the block. positions, moved: n_cells x n_dims.
/// A cell's edges of this epoch pull it, all at once, twice as far as in umap-learn, which moves both ends of an edge;
/// then negative_sample_rate random cells for each of them push it.
void move_cells(const LayoutGraph& graph, const LayoutStep& step, Block cells, std::span<const float> positions, std::span<float> moved, LayoutScratch& scratch);
/// The same in plain scalar code with std::pow.
void move_cells_plain(const LayoutGraph& graph, const LayoutStep& step, Block cells, std::span<const float> positions, std::span<float> moved);

/// x^b for x > 0 by polynomials: relative error below 1e-4 for 0 < b <= 4 while x^b is between 1e-37 and 1e37.
void powers(std::span<const float> x, float b, std::span<float> out);

}  // namespace morula::analysis::umap_detail
