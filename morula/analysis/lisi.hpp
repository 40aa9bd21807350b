// Local inverse Simpson index: how many batches there are around a cell, the measure of mixing.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

struct LisiOptions {
    double perplexity = 30.0;
    std::int32_t max_cells = 5000;  // evenly spread cells that are measured, each against all
};

constexpr auto describe(const LisiOptions*) {
    return std::tuple{
        field("perplexity", &LisiOptions::perplexity, "Effective size of the neighbourhood; three times as many cells are looked at.", {.minimum = 2.0, .maximum = 300.0}),
        field("max_cells", &LisiOptions::max_cells, "Cells to measure, evenly spread; each is compared with all.", {.minimum = 1.0}),
    };
}

struct LisiResult {
    std::vector<std::int64_t> cell;  // the cells measured, rising
    std::vector<double> lisi;        // one each, 1 (all neighbours of one group) to n_groups
    double median = 0.0;
    double expected = 0.0;           // with no structure at all: the inverse Simpson index of the groups' shares among all cells
};

/// Korsunsky et al. 2019: neighbours weigh exp(-beta * distance), with beta such that the weights' entropy is that of `perplexity` equal ones;
/// LISI is 1 / sum over groups of (their weight)^2. Equals harmonypy 2.1 (3 * perplexity other cells; R's lisi takes one fewer).
/// embedding: n_cells x n_dims; group: n_cells codes in [0, n_groups). With fewer cells than neighbours all others are taken.
/// Throws invalid_data when sizes or codes do not fit, or with fewer than 3 cells.
LisiResult lisi(matrix::DenseView<const float> embedding, std::span<const std::int32_t> group, std::int32_t n_groups, const LisiOptions& options, Context& context);

}  // namespace morula::analysis
