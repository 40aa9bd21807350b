#include "morula/analysis/hvg.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "morula/analysis/hvg_flavors.hpp"
#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

bool reads_counts(HvgFlavor flavor) { return flavor == HvgFlavor::seurat_v3 || flavor == HvgFlavor::seurat_v3_paper; }

std::vector<std::vector<std::int64_t>> cells_of_batches(std::span<const std::int32_t> batch, std::int32_t n_batches) {
    std::vector<std::vector<std::int64_t>> cells(static_cast<std::size_t>(n_batches));
    for (std::size_t c = 0; c < batch.size(); ++c) {
        if (batch[c] < 0 || batch[c] >= n_batches) {
            invalid_data(fmt::format("Cell {} has batch number {}, outside 0 to {}.", c, batch[c], n_batches - 1), "Give each cell one of the batches.");
        }
        cells[static_cast<std::size_t>(batch[c])].push_back(static_cast<std::int64_t>(c));
    }
    for (std::size_t b = 0; b < cells.size(); ++b) {
        if (cells[b].size() < 2) {
            invalid_data(fmt::format("Batch {} has {} cell(s); the variance of a gene needs at least 2.", b, cells[b].size()), "Join small batches, or leave the batch column out.");
        }
    }
    return cells;
}

void check_inputs(const matrix::RowBlockSource& values, std::span<const std::int32_t> batch, const HvgOptions& options) {
    if (options.n_top < 1 || options.n_bins < 1) fail(ErrorCode::usage, "The numbers of variable genes and of bins must be at least 1.", "Give --n-top and --n-bins above 0.");
    if (values.n_rows() < 2 || values.n_cols() < 1) {
        invalid_data(fmt::format("Variable genes need at least 2 cells and 1 gene; there are {} and {}.", values.n_rows(), values.n_cols()), "Check what quality control removed.");
    }
    if (!batch.empty() && static_cast<std::int64_t>(batch.size()) != values.n_rows()) {
        invalid_data(fmt::format("There are {} batch numbers for {} cells.", batch.size(), values.n_rows()), "Give one batch for each cell.");
    }
}

/// Mean over batches that have a value, as pandas does; NaN when none has.
double mean_of_present(const std::vector<std::vector<double>>& by_batch, std::size_t gene) {
    double sum = 0.0;
    int n = 0;
    for (const auto& values : by_batch) {
        if (std::isnan(values[gene])) continue;
        sum += values[gene];
        ++n;
    }
    return n == 0 ? kNaN : sum / n;
}

/// Orders NaN last.
bool less_nan_last(double a, double b) { return !std::isnan(a) && (std::isnan(b) || a < b); }

void mark_first(const std::vector<std::size_t>& order, std::int64_t n, HvgResult& result) {
    for (std::size_t i = 0; i < order.size() && static_cast<std::int64_t>(i) < n; ++i) result.highly_variable[order[i]] = 1;
}

/// Flavors seurat and cell_ranger over several batches: genes by (batches in which they vary, mean score), most first.
HvgResult join_dispersion(const std::vector<DispersionGenes>& batches, const HvgOptions& options) {
    const std::size_t n_genes = batches[0].mean.size();
    std::vector<std::vector<double>> mean, dispersion, norm;
    for (const auto& b : batches) {
        mean.push_back(b.mean);
        dispersion.push_back(b.dispersion);
        norm.push_back(b.dispersion_norm);
    }
    HvgResult result;
    result.highly_variable.assign(n_genes, 0);
    for (std::size_t g = 0; g < n_genes; ++g) {
        result.mean.push_back(mean_of_present(mean, g));
        result.dispersion.push_back(mean_of_present(dispersion, g));
        result.dispersion_norm.push_back(mean_of_present(norm, g));
        std::int32_t n = 0;
        for (const auto& b : batches) n += b.highly_variable[g];
        result.n_batches.push_back(n);
    }
    std::vector<std::size_t> order(n_genes);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        if (result.n_batches[a] != result.n_batches[b]) return result.n_batches[a] > result.n_batches[b];
        return less_nan_last(-result.dispersion_norm[a], -result.dispersion_norm[b]);
    });
    mark_first(order, options.n_top, result);
    return result;
}

/// Place of each gene by falling normalized variance, NaN last, ties by column; NaN from n_top on.
std::vector<double> ranks_below(const std::vector<double>& variance_norm, std::int32_t n_top) {
    std::vector<std::size_t> order(variance_norm.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return less_nan_last(-variance_norm[a], -variance_norm[b]); });
    std::vector<double> rank(variance_norm.size(), kNaN);
    for (std::size_t i = 0; i < order.size() && static_cast<std::int64_t>(i) < n_top; ++i) rank[order[i]] = static_cast<double>(i);
    return rank;
}

double median_of_present(const std::vector<std::vector<double>>& by_batch, std::size_t gene) {
    std::vector<double> present;
    for (const auto& values : by_batch) {
        if (!std::isnan(values[gene])) present.push_back(values[gene]);
    }
    if (present.empty()) return kNaN;
    std::sort(present.begin(), present.end());
    const std::size_t half = present.size() / 2;
    return present.size() % 2 == 1 ? present[half] : 0.5 * (present[half - 1] + present[half]);
}

/// Flavors seurat_v3: median rank and number of batches decide; which comes first is all that sets the two flavors apart.
HvgResult join_variance(const std::vector<StandardizedGenes>& batches, const HvgOptions& options) {
    const std::size_t n_genes = batches[0].sum.size();
    std::vector<std::vector<double>> norm, rank;
    for (const auto& b : batches) {
        norm.push_back(b.variance_norm);
        rank.push_back(ranks_below(b.variance_norm, options.n_top));
    }
    HvgResult result;
    result.highly_variable.assign(n_genes, 0);
    for (std::size_t g = 0; g < n_genes; ++g) {
        double n = 0.0, sum = 0.0, squares = 0.0, norm_sum = 0.0;
        std::int32_t n_in = 0;
        for (std::size_t b = 0; b < batches.size(); ++b) {
            n += static_cast<double>(batches[b].n_cells);
            sum += batches[b].sum[g];
            squares += batches[b].sum_of_squares[g];
            norm_sum += norm[b][g];
            n_in += std::isnan(rank[b][g]) ? 0 : 1;
        }
        result.mean.push_back(sum / n);
        result.dispersion.push_back(std::max(0.0, (squares - sum * (sum / n)) / (n - 1.0)));
        result.dispersion_norm.push_back(norm_sum / static_cast<double>(batches.size()));
        result.rank.push_back(median_of_present(rank, g));
        result.n_batches.push_back(n_in);
    }
    std::vector<std::size_t> order(n_genes);
    std::iota(order.begin(), order.end(), std::size_t{0});
    const bool batches_first = options.flavor == HvgFlavor::seurat_v3_paper;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const bool more = result.n_batches[a] > result.n_batches[b];
        const bool fewer = result.n_batches[a] < result.n_batches[b];
        const bool above = less_nan_last(result.rank[a], result.rank[b]);
        const bool below = less_nan_last(result.rank[b], result.rank[a]);
        if (batches_first) return more || (!fewer && above);
        return above || (!below && more);
    });
    mark_first(order, options.n_top, result);
    return result;
}

/// The source itself for one batch; else the batch's cells. The caller keeps `values` alive.
matrix::Matrix rows_of(const matrix::RowBlockSource& values, const std::vector<std::int64_t>* cells) {
    const matrix::Matrix all(matrix::Matrix{}, &values);
    return cells == nullptr ? all : matrix::select_rows(all, *cells);
}

}  // namespace

HvgOptions hvg_options_scanpy_1_11() { return {.flavor = HvgFlavor::seurat, .n_top = 2000}; }

HvgResult hvg(const matrix::RowBlockSource& values, std::span<const std::int32_t> batch, std::int32_t n_batches, const HvgOptions& options, Context& context) {
    check_inputs(values, batch, options);
    const bool batched = !batch.empty();
    const auto cells_of = batched ? cells_of_batches(batch, n_batches) : std::vector<std::vector<std::int64_t>>(1);
    std::vector<DispersionGenes> dispersion;
    std::vector<StandardizedGenes> standardized;
    for (const auto& cells : cells_of) {
        const auto rows = rows_of(values, batched ? &cells : nullptr);
        if (reads_counts(options.flavor)) standardized.push_back(standardized_genes(*rows, options.span, context));
        else dispersion.push_back(dispersion_genes(*rows, batched ? Unexpressed::leave_out : Unexpressed::take_part, options, context));
    }
    HvgResult result;
    if (reads_counts(options.flavor)) {
        result = join_variance(standardized, options);
    } else if (batched) {
        result = join_dispersion(dispersion, options);
    } else {
        DispersionGenes& only = dispersion.front();
        result.n_batches.assign(only.highly_variable.begin(), only.highly_variable.end());
        result.highly_variable = std::move(only.highly_variable);
        result.mean = std::move(only.mean);
        result.dispersion = std::move(only.dispersion);
        result.dispersion_norm = std::move(only.dispersion_norm);
    }
    result.rank.resize(result.mean.size(), kNaN);
    for (std::size_t g = 0; g < result.highly_variable.size(); ++g) {
        if (result.highly_variable[g] != 0) result.genes.push_back(static_cast<std::int64_t>(g));
        result.in_all_batches.push_back(result.n_batches[g] == static_cast<std::int32_t>(cells_of.size()) ? 1 : 0);
    }
    return result;
}

}  // namespace morula::analysis
