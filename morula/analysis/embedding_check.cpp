#include "morula/analysis/embedding_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

// The squared length of a cell must fit float32 with room for a sum over dimensions and a distance.
constexpr float kLargest = 1e17F;
constexpr std::int64_t kBlockCells = 4096;

}  // namespace

void require_finite(matrix::DenseView<const float> embedding, std::string_view what, Context& context) {
    parallel_blocks(context, embedding.n_rows, kBlockCells, [&](Block block) {
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
            const auto row = embedding.row(cell);
            for (std::size_t dim = 0; dim < row.size(); ++dim) {
                if (std::abs(row[dim]) <= kLargest) continue;
                invalid_data(fmt::format("Cell {} has {} in dimension {} of {} (both counted from 0).", cell, row[dim], dim, what),
                             "Recompute the embedding from finite counts, or leave that cell out.");
            }
        }
    });
}

void require_spread(matrix::DenseView<const float> embedding, std::string_view what) {
    if (embedding.n_rows == 0) return;
    for (std::int64_t cell = 1; cell < embedding.n_rows; ++cell) {
        if (!std::ranges::equal(embedding.row(cell), embedding.row(0))) return;
    }
    invalid_data(fmt::format("All {} cells lie at one point of {}, so no cell is nearer to one than to another.", embedding.n_rows, what), "Name another embedding, or make this one again.");
}

}  // namespace morula::analysis
