#include "morula/models/reference_regions.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "morula/analysis/kmeans.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/blas.hpp"

namespace morula::models {
namespace {

constexpr std::int64_t kCellsOfRegion = 256;
constexpr std::int64_t kMostRegions = 64;
constexpr std::int64_t kBlockCells = 1024;
constexpr float kRounding = 1e-5F;  // of the product of two lengths: ten times what sums of fifty float32 products lose

std::vector<float> column_means(matrix::DenseView<const float> rows) {
    std::vector<double> sum(static_cast<std::size_t>(rows.n_cols), 0.0);
    for (std::int64_t row = 0; row < rows.n_rows; ++row) {
        const auto values = rows.row(row);
        for (std::size_t dim = 0; dim < sum.size(); ++dim) sum[dim] += static_cast<double>(values[dim]);
    }
    std::vector<float> mean(sum.size());
    for (std::size_t dim = 0; dim < sum.size(); ++dim) mean[dim] = static_cast<float>(sum[dim] / static_cast<double>(rows.n_rows));
    return mean;
}

matrix::Dense<float> less_mean(matrix::DenseView<const float> rows, std::span<const float> mean, Context& context) {
    matrix::Dense<float> out(rows.n_rows, rows.n_cols);
    parallel_blocks(context, rows.n_rows, kBlockCells, [&](Block block) {
        for (std::int64_t row = block.begin; row < block.end; ++row) {
            for (std::int64_t dim = 0; dim < rows.n_cols; ++dim) out(row, dim) = rows(row, dim) - mean[static_cast<std::size_t>(dim)];
        }
    });
    return out;
}

float length_of(std::span<const float> row) {
    double squares = 0.0;
    for (const float x : row) squares += static_cast<double>(x) * static_cast<double>(x);
    return static_cast<float>(std::sqrt(squares));
}

/// Cells sorted by region, and what stands beside them.
void sort_cells(const matrix::Dense<float>& centred, std::span<const std::int32_t> region, ReferenceRegions& out) {
    out.begin.assign(static_cast<std::size_t>(out.n_regions()) + 1, 0);
    for (const std::int32_t each : region) ++out.begin[static_cast<std::size_t>(each) + 1];
    std::partial_sum(out.begin.begin(), out.begin.end(), out.begin.begin());
    out.place.resize(region.size());
    std::vector<std::int64_t> next(out.begin.begin(), out.begin.end() - 1);
    for (std::size_t cell = 0; cell < region.size(); ++cell) out.place[static_cast<std::size_t>(next[static_cast<std::size_t>(region[cell])]++)] = static_cast<std::uint32_t>(cell);
    out.cells = matrix::Dense<float>(centred.n_rows, centred.n_cols + 1);
    for (std::int64_t i = 0; i < centred.n_rows; ++i) {
        const auto from = centred.row(std::int64_t{out.place[static_cast<std::size_t>(i)]});
        std::ranges::copy(from, out.cells.row(i).begin());
        double squares = 0.0;
        for (const float x : from) squares += static_cast<double>(x) * static_cast<double>(x);
        out.cells(i, centred.n_cols) = static_cast<float>(0.5 * squares);
        out.longest = std::max(out.longest, static_cast<float>(std::sqrt(squares)));
    }
}

/// (x - c_a) . u_ab from the products of x with all centres.
float along(const ReferenceRegions& regions, std::span<const float> products, std::int64_t a, std::int64_t b) {
    return (products[static_cast<std::size_t>(b)] - products[static_cast<std::size_t>(a)] - regions.center_products(a, b) + regions.center_products(a, a)) / regions.gap(a, b);
}

}  // namespace

ReferenceRegions cut_into_regions(matrix::DenseView<const float> reference, Context& context) {
    ReferenceRegions out;
    out.mean = column_means(reference);
    const matrix::Dense<float> centred = less_mean(reference, out.mean, context);
    const auto n_regions = static_cast<std::int32_t>(std::clamp<std::int64_t>(reference.n_rows / kCellsOfRegion, 1, kMostRegions));
    analysis::KMeansResult found = analysis::kmeans(centred.view(), {.n_clusters = n_regions}, context);
    out.centers = std::move(found.centers);
    sort_cells(centred, found.cluster, out);
    out.center_products = matrix::Dense<float>(n_regions, n_regions);
    matrix::gemm(1.0F, std::as_const(out.centers).view(), matrix::Transpose::no, std::as_const(out.centers).view(), matrix::Transpose::yes, 0.0F, out.center_products.view());
    out.gap = matrix::Dense<float>(n_regions, n_regions);
    out.least_along = matrix::Dense<float>(n_regions, n_regions);
    out.order.resize(static_cast<std::size_t>(n_regions));
    for (std::int64_t a = 0; a < n_regions; ++a) {
        for (std::int64_t b = 0; b < n_regions; ++b) {
            double squares = 0.0;
            for (std::int64_t dim = 0; dim < reference.n_cols; ++dim) squares += std::pow(static_cast<double>(out.centers(a, dim)) - static_cast<double>(out.centers(b, dim)), 2);
            out.gap(a, b) = static_cast<float>(std::sqrt(squares));
        }
        std::vector<std::int64_t>& order = out.order[static_cast<std::size_t>(a)];
        order.resize(static_cast<std::size_t>(n_regions));
        std::iota(order.begin(), order.end(), std::int64_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::int64_t x, std::int64_t y) { return out.gap(a, x) < out.gap(a, y); });
        std::stable_partition(order.begin(), order.end(), [&](std::int64_t x) { return x == a; });  // centres may coincide
    }
    parallel_blocks(context, n_regions, 1, [&](Block block) {
        const std::int64_t b = block.begin;
        const std::int64_t n = out.begin[static_cast<std::size_t>(b) + 1] - out.begin[static_cast<std::size_t>(b)];
        matrix::Dense<float> with_centers(n, n_regions);
        matrix::gemm_strided(n, n_regions, reference.n_cols, 1.0F, out.cells.values.data() + out.begin[static_cast<std::size_t>(b)] * out.cells.n_cols, out.cells.n_cols, matrix::Transpose::no,
                             out.centers.values.data(), out.centers.n_cols, matrix::Transpose::yes, 0.0F, with_centers.values.data(), n_regions);
        for (std::int64_t a = 0; a < n_regions; ++a) {
            float least = std::numeric_limits<float>::infinity();
            for (std::int64_t i = 0; i < n && a != b && out.gap(a, b) > 0.0F; ++i) least = std::min(least, along(out, with_centers.row(i), a, b));
            out.least_along(a, b) = least;
        }
    });
    return out;
}

std::vector<std::int32_t> regions_of(const ReferenceRegions& regions, matrix::DenseView<const float> query, Context& context) {
    const matrix::Dense<float> centred = less_mean(query, regions.mean, context);
    return analysis::nearest_centers(centred.view(), std::as_const(regions.centers).view(), context);
}

matrix::Dense<float> least_distances(const ReferenceRegions& regions, std::int64_t region, matrix::DenseView<const float> query) {
    matrix::Dense<float> out(query.n_rows, regions.n_regions());
    matrix::gemm(1.0F, query, matrix::Transpose::no, regions.centers.view(), matrix::Transpose::yes, 0.0F, out.view());
    std::vector<float> products;
    for (std::int64_t row = 0; row < query.n_rows; ++row) {
        const auto bound = out.row(row);
        products.assign(bound.begin(), bound.end());
        const float length = std::max(regions.longest, length_of(query.row(row)));
        for (std::int64_t b = 0; b < regions.n_regions(); ++b) {
            float& least = bound[static_cast<std::size_t>(b)];
            const float gap = regions.gap(region, b);
            least = 0.0F;
            if (b == region || !(gap > 0.0F)) continue;
            least = std::max(0.0F, regions.least_along(region, b) - along(regions, products, region, b) - kRounding * length * length / gap);
        }
    }
    return out;
}

}  // namespace morula::models
