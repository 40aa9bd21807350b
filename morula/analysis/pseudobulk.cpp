#include "morula/analysis/pseudobulk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/scratch_pool.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::analysis {
namespace {

[[noreturn]] void not_a_count(float value, std::int64_t cell, std::uint32_t gene) {
    invalid_data(fmt::format("Cell {}, gene {} (numbered from 0) holds {}, which is not a count; sums over donors need raw counts.", cell, gene, value),
                 "Name the layer that holds raw counts with --layer; denoised, corrected or log-normalized values cannot be tested this way.");
}

/// Adds one cell; false when a value is no count (`bad` says which).
bool add_cell(std::span<const std::uint32_t> genes, std::span<const float> values, std::span<std::int64_t> sums, std::size_t& bad) {
    constexpr float largest = 4294967296.0F;
    for (std::size_t i = 0; i < genes.size(); ++i) {
        const float value = values[i];
        if (!(value >= 0.0F && value <= largest)) {
            bad = i;
            return false;
        }
        const auto count = static_cast<std::int64_t>(value);
        if (static_cast<float>(count) != value) {
            bad = i;
            return false;
        }
        sums[genes[i]] += count;
    }
    return true;
}

}  // namespace

Pseudobulk pseudobulk(const matrix::RowBlockSource& counts, std::span<const std::int32_t> group_of_cell, std::int32_t n_groups, Context& context) {
    MORULA_ASSERT(std::ssize(group_of_cell) == counts.n_rows());
    context.require_memory(static_cast<std::int64_t>(sizeof(std::int64_t)) * n_groups * counts.n_cols(), "pseudobulk");
    Pseudobulk out{matrix::Dense<std::int64_t>(n_groups, counts.n_cols()), std::vector<std::int64_t>(static_cast<std::size_t>(n_groups), 0)};
    for (const std::int32_t group : group_of_cell) {
        MORULA_ASSERT(group < n_groups);
        if (group >= 0) ++out.n_cells[static_cast<std::size_t>(group)];
    }
    // One lock a group: cells of different groups are added at the same time, and no task holds sums of its own.
    const auto locks = std::make_unique<std::mutex[]>(static_cast<std::size_t>(n_groups));
    matrix::ScratchPool<> pool;
    Progress progress(context, "pseudobulk", counts.n_rows(), "cells");
    parallel_blocks(context, counts.n_rows(), matrix::kTileCells, [&](Block block) {
        const std::span<const std::int32_t> groups = group_of_cell.subspan(static_cast<std::size_t>(block.begin), static_cast<std::size_t>(block.size()));
        if (std::any_of(groups.begin(), groups.end(), [](std::int32_t group) { return group >= 0; })) {
            auto scratch = pool.take();
            const matrix::CsrView rows = counts.read({block.begin, block.end}, *scratch);
            for (std::int64_t row = 0; row < rows.n_rows; ++row) {
                const std::int32_t group = groups[static_cast<std::size_t>(row)];
                if (group < 0) continue;
                std::size_t bad = 0;
                const std::lock_guard lock(locks[static_cast<std::size_t>(group)]);
                if (!add_cell(rows.row_indices(row), rows.row_values(row), out.sums.row(group), bad)) not_a_count(rows.row_values(row)[bad], block.begin + row, rows.row_indices(row)[bad]);
            }
        }
        progress.advance(block.size());
    });
    return out;
}

matrix::Dense<double> genes_by_samples(const Pseudobulk& pseudobulk, std::span<const std::int32_t> groups) {
    matrix::Dense<double> out(pseudobulk.sums.n_cols, std::ssize(groups));
    for (std::size_t s = 0; s < groups.size(); ++s) {
        const std::span<const std::int64_t> sums = pseudobulk.sums.row(groups[s]);
        for (std::size_t gene = 0; gene < sums.size(); ++gene) out.values[gene * groups.size() + s] = static_cast<double>(sums[gene]);
    }
    return out;
}

}  // namespace morula::analysis
