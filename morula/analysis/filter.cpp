#include "morula/analysis/filter.hpp"

#include <fmt/format.h>

#include "morula/core/error.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::analysis {
namespace {

std::vector<std::int64_t> count_cells(const matrix::RowBlockSource& counts, std::span<const std::uint8_t> keep, Context& context) {
    const auto sums = matrix::sum_tiles(counts, counts.n_cols(), context, [&](const matrix::CsrView& tile, std::int64_t first_row, std::span<double> n_cells) {
        for (std::int64_t r = 0; r < tile.n_rows; ++r) {
            if (keep[static_cast<std::size_t>(first_row + r)] == 0) continue;
            const auto genes = tile.row_indices(r);
            const auto values = tile.row_values(r);
            for (std::size_t i = 0; i < genes.size(); ++i) n_cells[genes[i]] += values[i] != 0.0f ? 1.0 : 0.0;
        }
    });
    std::vector<std::int64_t> n_cells;
    for (const double sum : sums) n_cells.push_back(static_cast<std::int64_t>(sum));
    return n_cells;
}

/// Counts of each cell over the kept genes, for kept cells, in order.
std::vector<double> totals_over(const matrix::RowBlockSource& counts, const FilterResult& kept, Context& context) {
    std::vector<double> weight(static_cast<std::size_t>(counts.n_cols()), 0.0);
    for (const std::int64_t g : kept.genes) weight[static_cast<std::size_t>(g)] = 1.0;
    std::vector<double> of_all(static_cast<std::size_t>(counts.n_rows()));
    matrix::for_each_tile(counts, context, [&](const matrix::CsrView& tile, std::int64_t first_row) {
        for (std::int64_t r = 0; r < tile.n_rows; ++r) {
            const auto genes = tile.row_indices(r);
            const auto values = tile.row_values(r);
            double total = 0.0;
            for (std::size_t i = 0; i < genes.size(); ++i) total += weight[genes[i]] * static_cast<double>(values[i]);
            of_all[static_cast<std::size_t>(first_row + r)] = total;
        }
    });
    std::vector<double> totals;
    for (const std::int64_t c : kept.cells) totals.push_back(of_all[static_cast<std::size_t>(c)]);
    return totals;
}

}  // namespace

FilterResult filter(const matrix::RowBlockSource& counts, std::span<const std::uint8_t> keep, const FilterOptions& options, Context& context) {
    if (static_cast<std::int64_t>(keep.size()) != counts.n_rows()) {
        invalid_data(fmt::format("There are {} keep marks for {} cells.", keep.size(), counts.n_rows()), "Give one mark for each cell.");
    }
    FilterResult result;
    for (std::size_t c = 0; c < keep.size(); ++c) {
        if (keep[c] != 0) result.cells.push_back(static_cast<std::int64_t>(c));
    }
    if (result.cells.empty()) {
        invalid_data(fmt::format("None of the {} cells is left after quality control.", counts.n_rows()), "Look at the cut-offs, and check that the matrix holds raw counts of whole cells.");
    }
    result.n_cells_of_gene = count_cells(counts, keep, context);
    for (std::size_t g = 0; g < result.n_cells_of_gene.size(); ++g) {
        if (result.n_cells_of_gene[g] >= options.min_cells) result.genes.push_back(static_cast<std::int64_t>(g));
    }
    if (result.genes.empty()) {
        invalid_data(fmt::format("None of the {} genes is detected in at least {} of the {} kept cells.", counts.n_cols(), options.min_cells, result.cells.size()),
                     "Give more cells, or let `morula filter` keep rarer genes with a lower --min-cells.");
    }
    result.total_counts = totals_over(counts, result, context);
    return result;
}

}  // namespace morula::analysis
