#include "morula/analysis/umap.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/analysis/connectivities.hpp"
#include "morula/analysis/neighbors.hpp"
#include "morula/analysis/umap_simd.hpp"
#include "tests/analysis/embedding_cases.hpp"
#include "tests/analysis/serial_umap.hpp"
#include "tests/support/errors.hpp"

namespace morula::analysis {
namespace {

using cases::Threads;
using cases::view_of;

struct Case {
    matrix::Dense<float> cells;
    matrix::Csr graph;
};

/// Clusters of unequal size, some of them drawn out to a continuum, in 20 components of falling variance, as a PCA gives.
matrix::Dense<float> cells_like_a_pca(std::int64_t n_cells, std::uint64_t seed) {
    constexpr std::int64_t kDims = 20;
    constexpr std::int64_t kTypes = 12;
    matrix::Dense<double> center(kTypes, kDims);
    matrix::Dense<double> direction(kTypes, kDims);
    for (std::int64_t type = 0; type < kTypes; ++type) {
        Random random(seed, Purpose::test, static_cast<std::uint64_t>(type), 3);
        for (std::int64_t dim = 0; dim < kDims; ++dim) {
            const double scale = 9.0 / std::pow(1.0 + static_cast<double>(dim), 0.7);
            center(type, dim) = scale * random.normal();
            direction(type, dim) = type % 2 == 0 ? 0.0 : scale * random.normal();
        }
    }
    matrix::Dense<float> cells(n_cells, kDims);
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
        Random random(seed, Purpose::test, static_cast<std::uint64_t>(cell), 4);
        const auto type = static_cast<std::int64_t>(kTypes * std::pow(random.uniform(), 1.7));
        const double along = random.uniform();
        for (std::int64_t dim = 0; dim < kDims; ++dim) cells(cell, dim) = static_cast<float>(center(type, dim) + along * direction(type, dim) + random.normal());
    }
    return cells;
}

Case case_of(matrix::Dense<float> cells, Context& context) {
    matrix::Csr graph = fuzzy_connectivities(neighbors(view_of(cells), {}, context), context);
    return {std::move(cells), std::move(graph)};
}

TEST(Umap, curve_is_that_of_umap_learn) {
    // find_ab_params(spread, min_dist) of umap-learn 0.5.12.
    const UmapCurve scanpy = fit_umap_curve(0.5, 1.0);
    EXPECT_NEAR(scanpy.a, 0.5830300205, 1e-6);
    EXPECT_NEAR(scanpy.b, 1.3341669927, 1e-6);
    const UmapCurve tight = fit_umap_curve(0.1, 1.0);
    EXPECT_NEAR(tight.a, 1.5769434603, 1e-6);
    EXPECT_NEAR(tight.b, 0.8950608780, 1e-6);
}

TEST(Umap, cross_entropy_is_within_two_percent_of_the_serial_algorithm) {
    Threads two(2);
    for (const std::uint64_t seed : {1U}) {
        const Case made = case_of(cells_like_a_pca(1500, seed), two.context);
        const UmapResult ours = umap(made.graph.view(), made.cells.view(), {}, two.context);
        const auto serial = cases::serial_umap(made.graph, made.cells, ours.curve, ours.n_epochs, 5, seed);
        const double got = umap_cross_entropy(made.graph.view(), view_of(ours.embedding), ours.curve, {}, two.context).total();
        const double wanted = umap_cross_entropy(made.graph.view(), view_of(serial), ours.curve, {}, two.context).total();
        EXPECT_LE(got, 1.02 * wanted) << "serial " << wanted;
        const UmapResult start = umap(made.graph.view(), made.cells.view(), {.n_epochs = 1, .learning_rate = 1e-6}, two.context);
        EXPECT_GT(umap_cross_entropy(made.graph.view(), view_of(start.embedding), ours.curve, {}, two.context).total(), 1.2 * got) << "the start must be worse";
    }
}

TEST(Umap, cross_entropy_by_hand) {
    Threads one(1);
    const matrix::Csr graph = cases::graph_of(3, {{0, 1}});
    matrix::Dense<float> layout(3, 2);
    layout.values = {0.0F, 0.0F, 3.0F, 4.0F, 0.0F, 1.0F};
    // a = b = 1: q of squared distance s is 1 / (1 + s). Edge 0-1: s = 25. Cell 0: s = 25, 1; cell 1: s = 25, 18. Both weigh 1, W = 2.
    const UmapCrossEntropy loss = umap_cross_entropy(graph.view(), view_of(layout), {1.0, 1.0}, {.negative_sample_rate = 5}, one.context);
    EXPECT_NEAR(loss.attraction, std::log(26.0), 1e-9);
    const double push0 = 0.5 * (std::log(26.0 / 25.0) + std::log(2.0));
    const double push1 = 0.5 * (std::log(26.0 / 25.0) + std::log(19.0 / 18.0));
    EXPECT_NEAR(loss.repulsion, 2.5 * (push0 + push1) / 2.0, 1e-9);
}

TEST(Umap, sampled_cross_entropy_is_near_the_exact_one) {
    Threads two(2);
    const Case made = case_of(cells_like_a_pca(1500, 3), two.context);
    const UmapResult layout = umap(made.graph.view(), made.cells.view(), {.n_epochs = 50}, two.context);
    const double sampled = umap_cross_entropy(made.graph.view(), view_of(layout.embedding), layout.curve, {.samples_per_cell = 200}, two.context).total();
    const double exact = umap_cross_entropy(made.graph.view(), view_of(layout.embedding), layout.curve, {.samples_per_cell = 1499}, two.context).total();
    EXPECT_NEAR(sampled, exact, 0.01 * exact);
}

TEST(Umap, clusters_stay_apart_and_together) {
    Threads two(2);
    const Case made = case_of(cases::clustered_cells(800, 10, 4, 8.0, 5), two.context);
    for (const std::int32_t n_dims : {2, 3}) {
        const UmapResult layout = umap(made.graph.view(), made.cells.view(), {.n_components = n_dims}, two.context);
        ASSERT_EQ(layout.embedding.n_cols, n_dims);
        const NeighborsResult near = neighbors(view_of(layout.embedding), {}, two.context);
        std::int64_t same = 0;
        for (std::int64_t cell = 0; cell < 800; ++cell) same += std::ranges::count_if(near.index.row(cell), [&](std::uint32_t other) { return other % 4 == cell % 4; });
        EXPECT_GT(same, 0.99 * 800 * 14);
    }
}

TEST(Umap, same_bits_for_one_two_and_four_threads_and_same_seed) {
    Threads one(1);
    const Case made = case_of(cells_like_a_pca(2500, 6), one.context);
    for (const std::int32_t n_dims : {2, 3}) {
        const UmapOptions options{.n_components = n_dims, .n_epochs = 30, .seed = 9};
        const UmapResult first = umap(made.graph.view(), made.cells.view(), options, one.context);
        for (const std::int32_t n : {2, 4}) {
            Threads many(n);
            EXPECT_EQ(first.embedding.values, umap(made.graph.view(), made.cells.view(), options, many.context).embedding.values);
        }
    }
    EXPECT_NE(umap(made.graph.view(), made.cells.view(), {.n_epochs = 30, .seed = 1}, one.context).embedding.values,
              umap(made.graph.view(), made.cells.view(), {.n_epochs = 30, .seed = 2}, one.context).embedding.values);
}

TEST(Umap, equal_cells_and_a_flat_start_part) {
    Threads one(1);
    const matrix::Dense<float> flat(60, 2);
    const matrix::Csr graph = fuzzy_connectivities(neighbors(view_of(flat), {}, one.context), one.context);
    const UmapResult layout = umap(graph.view(), flat.view(), {}, one.context);
    for (const float x : layout.embedding.values) ASSERT_TRUE(std::isfinite(x));
    EXPECT_NE(layout.embedding(0, 0), layout.embedding(1, 0));
}

TEST(Umap, cells_without_edges_stay_where_they_are) {
    Threads one(1);
    matrix::Dense<float> start(3, 2);
    start.values = {1.0F, 0.0F, 0.0F, 2.0F, -1.0F, -1.0F};
    const UmapResult layout = umap(cases::graph_of(3, {}).view(), view_of(start), {}, one.context);
    for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(layout.embedding.values[i], 13.0F * start.values[i], 1e-3F);
    EXPECT_TRUE(umap(cases::graph_of(0, {}).view(), matrix::DenseView<const float>{0, 2, {}}, {}, one.context).embedding.values.empty());
}

TEST(Umap, refuses_what_does_not_fit) {
    Threads one(1);
    const matrix::Csr graph = cases::graph_of(3, {{0, 1}, {1, 2}});
    const auto code_of = [&](const matrix::Dense<float>& start, const UmapOptions& options) {
        return test::error_code([&] { umap(graph.view(), start.view(), options, one.context); });
    };
    EXPECT_EQ(code_of(matrix::Dense<float>(4, 2), {}), ErrorCode::invalid_data);
    EXPECT_EQ(code_of(matrix::Dense<float>(3, 2), {.n_components = 3}), ErrorCode::invalid_data);
    EXPECT_EQ(code_of(matrix::Dense<float>(3, 5), {.n_components = 4}), ErrorCode::usage);
    EXPECT_EQ(code_of(matrix::Dense<float>(3, 2), {.min_dist = -1.0}), ErrorCode::usage);
    matrix::Dense<float> broken(3, 2);
    broken(1, 1) = std::numeric_limits<float>::infinity();
    EXPECT_EQ(code_of(broken, {}), ErrorCode::invalid_data);
}

TEST(UmapKernel, simd_agrees_with_plain) {
    Threads one(1);
    const Case made = case_of(cells_like_a_pca(700, 8), one.context);
    const std::vector<float> rates = made.graph.values;
    const umap_detail::LayoutGraph graph{made.graph.indptr, made.graph.indices, rates};
    for (const std::int32_t n_dims : {2, 3}) {
        std::vector<float> positions(static_cast<std::size_t>(700 * n_dims));
        for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = made.cells.values[i];
        std::vector<float> fast(positions.size(), 1e9F);
        std::vector<float> plain(positions.size(), -1e9F);
        for (const std::int32_t epoch : {0, 7, 199}) {
            const umap_detail::LayoutStep step{.n_dims = n_dims, .epoch = epoch, .negative_sample_rate = 5, .step_length = 0.2F, .a = 0.583F, .b = 1.334F, .key = 77};
            umap_detail::LayoutScratch scratch(200, 5);
            umap_detail::move_cells(graph, step, {0, 0, 700}, positions, fast, scratch);
            umap_detail::move_cells_plain(graph, step, {0, 0, 700}, positions, plain);
            for (std::size_t i = 0; i < fast.size(); ++i) ASSERT_NEAR(fast[i], plain[i], 2e-3F) << i;
        }
    }
}

TEST(UmapKernel, powers_are_near_std_pow) {
    std::vector<float> x;
    for (float value = 1e-12F; value < 1e8F; value *= 1.01F) x.push_back(value);
    std::vector<float> out(x.size(), -1.0F);
    for (const float b : {0.3F, 0.895F, 1.0F, 1.334F, 2.0F}) {
        umap_detail::powers(x, b, out);
        for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(out[i] / std::pow(x[i], b), 1.0F, 1e-4F) << x[i] << " ^ " << b;
    }
}

}  // namespace
}  // namespace morula::analysis
