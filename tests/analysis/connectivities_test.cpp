#include "morula/analysis/connectivities.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <string>

#include "tests/analysis/embedding_cases.hpp"

namespace morula::analysis {
namespace {

using cases::Threads;
using cases::view_of;

/// Neighbours, smooth distances and weights written by oracles/connectivities.py.
struct Oracle {
    NeighborsResult neighbors;
    std::vector<float> rho;
    std::vector<float> sigma;
    struct Edge {
        std::int64_t a;
        std::uint32_t b;
        float weight;
    };
    std::vector<Edge> edges;
};

Oracle read_oracle() {
    std::ifstream file(MORULA_SOURCE_DIR "/tests/analysis/fixtures/connectivities/fuzzy.txt");
    std::string comment;
    std::getline(file, comment);
    std::getline(file, comment);
    std::int64_t n_cells = 0;
    std::int64_t k = 0;
    std::size_t n_edges = 0;
    file >> n_cells >> k >> n_edges;
    Oracle oracle;
    oracle.neighbors.index = matrix::Dense<std::uint32_t>(n_cells, k - 1);
    oracle.neighbors.distance = matrix::Dense<float>(n_cells, k - 1);
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
        for (auto& index : oracle.neighbors.index.row(cell)) file >> index;
        for (auto& distance : oracle.neighbors.distance.row(cell)) file >> distance;
    }
    oracle.rho.resize(static_cast<std::size_t>(n_cells));
    oracle.sigma.resize(static_cast<std::size_t>(n_cells));
    for (std::size_t cell = 0; cell < oracle.rho.size(); ++cell) file >> oracle.rho[cell] >> oracle.sigma[cell];
    oracle.edges.resize(n_edges);
    for (auto& edge : oracle.edges) file >> edge.a >> edge.b >> edge.weight;
    EXPECT_TRUE(file.good());
    return oracle;
}

void expect_symmetric_and_sorted(const matrix::Csr& graph) {
    matrix::check_csr(graph.view(), "graph");
    for (std::int64_t a = 0; a < graph.n_rows; ++a) {
        const auto others = graph.view().row_indices(a);
        for (std::size_t e = 0; e < others.size(); ++e) {
            ASSERT_NE(std::int64_t{others[e]}, a);
            const auto back = graph.view().row_indices(std::int64_t{others[e]});
            const auto found = std::ranges::lower_bound(back, static_cast<std::uint32_t>(a));
            ASSERT_TRUE(found != back.end() && *found == a);
            ASSERT_EQ(graph.view().row_values(std::int64_t{others[e]})[static_cast<std::size_t>(found - back.begin())], graph.view().row_values(a)[e]);
        }
    }
}

TEST(Connectivities, fuzzy_weights_are_those_of_umap_learn) {
    Threads two(2);
    const Oracle oracle = read_oracle();
    const SmoothDistances smooth = smooth_distances(oracle.neighbors, two.context);
    for (std::size_t cell = 0; cell < oracle.rho.size(); ++cell) {
        EXPECT_EQ(smooth.rho[cell], oracle.rho[cell]);
        EXPECT_NEAR(smooth.sigma[cell], oracle.sigma[cell], 1e-5F * oracle.sigma[cell]);
    }
    const matrix::Csr graph = fuzzy_connectivities(oracle.neighbors, two.context);
    ASSERT_EQ(graph.indices.size(), oracle.edges.size());
    std::size_t e = 0;
    for (std::int64_t cell = 0; cell < graph.n_rows; ++cell) {
        for (const std::uint32_t other : graph.view().row_indices(cell)) {
            EXPECT_EQ(cell, oracle.edges[e].a);
            EXPECT_EQ(other, oracle.edges[e].b);
            EXPECT_NEAR(graph.values[e], oracle.edges[e].weight, 1e-5F);
            ++e;
        }
    }
    expect_symmetric_and_sorted(graph);
}

TEST(Connectivities, shared_neighbour_weights_by_hand) {
    Threads one(1);
    // Five cells on a line at 0, 1, 2.1, 10, 11.2; neighbourhoods of 3 with the cell itself.
    matrix::Dense<float> line(5, 1);
    line.values = {0.0F, 1.0F, 2.1F, 10.0F, 11.2F};
    // {0,1,2} {1,0,2} {2,1,0} {3,4,2} {4,3,2}
    const matrix::Csr graph = snn_connectivities(neighbors(view_of(line), {.n_neighbors = 3}, one.context), one.context);
    expect_symmetric_and_sorted(graph);
    EXPECT_EQ(graph.indptr, (std::vector<std::int64_t>{0, 4, 8, 12, 16, 20}));
    EXPECT_EQ(graph.values, (std::vector<float>{1.0F, 1.0F, 0.2F, 0.2F, 1.0F, 1.0F, 0.2F, 0.2F, 1.0F, 1.0F, 0.2F, 0.2F, 0.2F, 0.2F, 0.2F, 1.0F, 0.2F, 0.2F, 0.2F, 1.0F}));
}

TEST(Connectivities, shared_neighbour_weights_agree_with_set_intersections) {
    Threads two(2);
    const auto cells = cases::clustered_cells(300, 4, 3, 1.0, 1);
    const NeighborsResult nearest = neighbors(view_of(cells), {.n_neighbors = 20}, two.context);
    const matrix::Csr graph = snn_connectivities(nearest, two.context);
    std::vector<std::set<std::uint32_t>> around(300);
    for (std::uint32_t cell = 0; cell < 300; ++cell) {
        around[cell].insert(cell);
        for (const std::uint32_t other : nearest.index.row(cell)) around[cell].insert(other);
    }
    std::size_t e = 0;
    for (std::uint32_t a = 0; a < 300; ++a) {
        for (std::uint32_t b = 0; b < 300; ++b) {
            const auto shared = std::ranges::count_if(around[a], [&](std::uint32_t cell) { return around[b].contains(cell); });
            const double weight = static_cast<double>(shared) / static_cast<double>(40 - shared);
            if (a == b || shared == 0 || weight < 1.0 / 15.0) continue;
            ASSERT_LT(e, graph.indices.size());
            ASSERT_EQ(graph.indices[e], b);
            ASSERT_EQ(graph.values[e], static_cast<float>(weight));
            ++e;
        }
    }
    EXPECT_EQ(e, graph.indices.size());
}

TEST(Connectivities, distances_are_kept_even_where_they_are_zero) {
    Threads one(1);
    auto cells = cases::clustered_cells(60, 4, 3, 1.0, 1);
    std::ranges::copy(cells.row(3), cells.row(20).begin());
    const NeighborsResult nearest = neighbors(view_of(cells), {.n_neighbors = 6}, one.context);
    const matrix::Csr graph = distances_graph(nearest, one.context);
    matrix::check_csr(graph.view(), "distances");
    EXPECT_EQ(graph.indices.size(), 300U);
    for (std::int64_t cell = 0; cell < 60; ++cell) {
        for (std::int64_t j = 0; j < 5; ++j) {
            const auto others = graph.view().row_indices(cell);
            const auto found = std::ranges::find(others, nearest.index(cell, j));
            ASSERT_NE(found, others.end());
            EXPECT_EQ(graph.view().row_values(cell)[static_cast<std::size_t>(found - others.begin())], nearest.distance(cell, j));
        }
    }
    EXPECT_EQ(nearest.index(3, 0), 20U);
    EXPECT_EQ(nearest.distance(3, 0), 0.0F);
}

TEST(Connectivities, same_bits_for_one_two_and_four_threads) {
    Threads one(1);
    const NeighborsResult nearest = neighbors(view_of(cases::clustered_cells(3000, 6, 4, 1.0, 2)), {}, one.context);
    const matrix::Csr fuzzy = fuzzy_connectivities(nearest, one.context);
    const matrix::Csr snn = snn_connectivities(nearest, one.context);
    for (const std::int32_t n : {2, 4}) {
        Threads many(n);
        const matrix::Csr fuzzy_again = fuzzy_connectivities(nearest, many.context);
        const matrix::Csr snn_again = snn_connectivities(nearest, many.context);
        EXPECT_EQ(fuzzy.indices, fuzzy_again.indices);
        EXPECT_EQ(fuzzy.values, fuzzy_again.values);
        EXPECT_EQ(snn.indices, snn_again.indices);
        EXPECT_EQ(snn.values, snn_again.values);
    }
}

TEST(Connectivities, no_cells_give_an_empty_graph) {
    Threads one(1);
    NeighborsResult none;
    none.index = matrix::Dense<std::uint32_t>(0, 14);
    none.distance = matrix::Dense<float>(0, 14);
    EXPECT_EQ(fuzzy_connectivities(none, one.context).indptr, std::vector<std::int64_t>{0});
    EXPECT_EQ(snn_connectivities(none, one.context).n_rows, 0);
}

}  // namespace
}  // namespace morula::analysis
