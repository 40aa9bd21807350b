#include "morula/analysis/silhouette.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/analysis/nearest_simd.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kBlockCells = 16;
constexpr std::int64_t kTileCells = 256;  // cells that a block is compared with before the next: they stay in the cache

std::vector<std::int64_t> group_sizes(matrix::DenseView<const float> embedding, std::span<const std::int32_t> group, std::int32_t n_groups) {
    if (static_cast<std::int64_t>(group.size()) != embedding.n_rows) invalid_data(fmt::format("There are {} codes for {} cells.", group.size(), embedding.n_rows), "Give one code a cell.");
    std::vector<std::int64_t> size(static_cast<std::size_t>(n_groups), 0);
    for (const std::int32_t code : group) {
        if (code < 0 || code >= n_groups) invalid_data(fmt::format("A code is {}, codes go from 0 to {}.", code, n_groups - 1), "Give every cell a group.");
        ++size[static_cast<std::size_t>(code)];
    }
    if (std::ranges::count_if(size, [](std::int64_t n) { return n > 0; }) < 2) invalid_data("All cells are of one group, so no group can be told from another.", "Name a column with two groups or more.");
    return size;
}

double width_of(std::span<const double> sums, std::span<const std::int64_t> size, std::size_t own) {
    if (size[own] < 2) return 0.0;
    const double a = sums[own] / static_cast<double>(size[own] - 1);
    double b = std::numeric_limits<double>::infinity();
    for (std::size_t g = 0; g < sums.size(); ++g) {
        if (g != own && size[g] > 0) b = std::min(b, sums[g] / static_cast<double>(size[g]));
    }
    const double largest = std::max(a, b);
    return largest > 0.0 ? (b - a) / largest : 0.0;
}

}  // namespace

std::vector<double> silhouette_widths(matrix::DenseView<const float> embedding, std::span<const std::int32_t> group, std::int32_t n_groups, std::span<const std::int64_t> cells, Context& context) {
    const std::vector<std::int64_t> size = group_sizes(embedding, group, n_groups);
    std::vector<double> width(cells.size());
    parallel_blocks(context, std::ssize(cells), kBlockCells, [&](Block block) {
        matrix::Dense<double> sums(block.size(), n_groups);
        for (std::int64_t first = 0; first < embedding.n_rows; first += kTileCells) {
            const std::int64_t end = std::min(first + kTileCells, embedding.n_rows);
            for (std::int64_t i = block.begin; i < block.end; ++i) {
                const auto point = embedding.row(cells[static_cast<std::size_t>(i)]);
                const auto row = sums.row(i - block.begin);
                for (std::int64_t other = first; other < end; ++other) {
                    row[static_cast<std::size_t>(group[static_cast<std::size_t>(other)])] += std::sqrt(static_cast<double>(squared_distance(point, embedding.row(other))));
                }
            }
        }
        for (std::int64_t i = block.begin; i < block.end; ++i) {
            const auto cell = static_cast<std::size_t>(cells[static_cast<std::size_t>(i)]);
            width[static_cast<std::size_t>(i)] = width_of(sums.row(i - block.begin), size, static_cast<std::size_t>(group[cell]));
        }
    });
    return width;
}

}  // namespace morula::analysis
