#include "morula/analysis/embedding_check.hpp"

#include <fmt/format.h>

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

}  // namespace morula::analysis
