#include "morula/analysis/leiden.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <set>
#include <string>

#include "morula/analysis/cluster_comparison.hpp"
#include "morula/analysis/connectivities.hpp"
#include "morula/analysis/neighbors.hpp"
#include "morula/core/error.hpp"
#include "tests/analysis/embedding_cases.hpp"

namespace morula::analysis {
namespace {

using cases::graph_of;
using cases::Threads;
using Edges = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

void add_clique(Edges& edges, std::uint32_t first, std::uint32_t size) {
    for (std::uint32_t a = 0; a < size; ++a) {
        for (std::uint32_t b = a + 1; b < size; ++b) edges.emplace_back(first + a, first + b);
    }
}

/// n cliques of `size` nodes, each tied to the next by one edge.
matrix::Csr ring_of_cliques(std::uint32_t n, std::uint32_t size) {
    Edges edges;
    for (std::uint32_t c = 0; c < n; ++c) {
        add_clique(edges, c * size, size);
        edges.emplace_back(c * size, ((c + 1) % n) * size + 1);
    }
    return graph_of(std::int64_t{n} * size, edges);
}

/// Zachary 1977: who met whom outside the club (34 members, 78 ties).
matrix::Csr karate_club() {
    return graph_of(34, {{0, 1},   {0, 2},   {0, 3},   {0, 4},   {0, 5},   {0, 6},   {0, 7},   {0, 8},   {0, 10},  {0, 11},  {0, 12},  {0, 13},  {0, 17},
                         {0, 19},  {0, 21},  {0, 31},  {1, 2},   {1, 3},   {1, 7},   {1, 13},  {1, 17},  {1, 19},  {1, 21},  {1, 30},  {2, 3},   {2, 7},
                         {2, 8},   {2, 9},   {2, 13},  {2, 27},  {2, 28},  {2, 32},  {3, 7},   {3, 12},  {3, 13},  {4, 6},   {4, 10},  {5, 6},   {5, 10},
                         {5, 16},  {6, 16},  {8, 30},  {8, 32},  {8, 33},  {9, 33},  {13, 33}, {14, 32}, {14, 33}, {15, 32}, {15, 33}, {18, 32}, {18, 33},
                         {19, 33}, {20, 32}, {20, 33}, {22, 32}, {22, 33}, {23, 25}, {23, 27}, {23, 29}, {23, 32}, {23, 33}, {24, 25}, {24, 27}, {24, 31},
                         {25, 31}, {26, 29}, {26, 33}, {27, 33}, {28, 31}, {28, 33}, {29, 32}, {29, 33}, {30, 32}, {30, 33}, {31, 32}, {31, 33}, {32, 33}});
}

matrix::Csr neighbor_graph(std::int64_t n_cells, std::int64_t n_clusters, double spread, std::uint64_t seed, Context& context) {
    const matrix::Dense<float> cells = cases::clustered_cells(n_cells, 10, n_clusters, spread, seed);
    return fuzzy_connectivities(neighbors(cells.view(), {}, context), context);
}

/// Modularity as its definition says, over all pairs of nodes.
double modularity_by_pairs(const matrix::Csr& graph, const std::vector<std::int32_t>& cluster, double resolution) {
    const auto n = static_cast<std::size_t>(graph.n_rows);
    std::vector<double> adjacency(n * n, 0.0);
    std::vector<double> strength(n, 0.0);
    double total = 0.0;
    for (std::size_t a = 0; a < n; ++a) {
        const auto others = graph.view().row_indices(static_cast<std::int64_t>(a));
        const auto weights = graph.view().row_values(static_cast<std::int64_t>(a));
        for (std::size_t e = 0; e < others.size(); ++e) {
            adjacency[a * n + others[e]] = static_cast<double>(weights[e]);
            strength[a] += static_cast<double>(weights[e]);
            total += static_cast<double>(weights[e]);
        }
    }
    double sum = 0.0;
    for (std::size_t a = 0; a < n; ++a) {
        for (std::size_t b = 0; b < n; ++b) {
            if (cluster[a] == cluster[b]) sum += adjacency[a * n + b] - resolution * strength[a] * strength[b] / total;
        }
    }
    return sum / total;
}

bool clusters_are_connected(const matrix::Csr& graph, const std::vector<std::int32_t>& cluster) {
    std::vector<bool> seen(cluster.size(), false);
    std::set<std::int32_t> started;
    for (std::size_t first = 0; first < cluster.size(); ++first) {
        if (seen[first]) continue;
        if (!started.insert(cluster[first]).second) return false;
        std::vector<std::size_t> stack{first};
        seen[first] = true;
        while (!stack.empty()) {
            const std::size_t node = stack.back();
            stack.pop_back();
            for (const std::uint32_t other : graph.view().row_indices(static_cast<std::int64_t>(node))) {
                if (seen[other] || cluster[other] != cluster[node]) continue;
                seen[other] = true;
                stack.push_back(other);
            }
        }
    }
    return true;
}

TEST(Leiden, gives_one_cluster_for_a_clique) {
    Threads one(1);
    Edges edges;
    add_clique(edges, 0, 10);
    const LeidenResult result = leiden(graph_of(10, edges).view(), {}, one.context);
    EXPECT_EQ(result.cluster, std::vector<std::int32_t>(10, 0));
    EXPECT_NEAR(result.modularity, 0.0, 1e-12);
    EXPECT_TRUE(result.converged);
}

TEST(Leiden, cuts_the_bridge_between_two_cliques) {
    Threads one(1);
    Edges edges;
    add_clique(edges, 0, 5);
    add_clique(edges, 5, 6);
    edges.emplace_back(4, 5);
    const LeidenResult result = leiden(graph_of(11, edges).view(), {}, one.context);
    EXPECT_EQ(result.cluster, (std::vector<std::int32_t>{1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0}));
    // 26 edges; by hand: 10/26 + 15/26 - (21/52)^2 - (31/52)^2.
    EXPECT_NEAR(result.modularity, 25.0 / 26.0 - (21.0 * 21.0 + 31.0 * 31.0) / (52.0 * 52.0), 1e-12);
}

TEST(Leiden, finds_every_clique_of_a_ring) {
    Threads two(2);
    // 12 cliques of 5: fewer than sqrt(2 m) = 16.2, so the cliques themselves are the optimum (Fortunato & Barthelemy 2007).
    const matrix::Csr graph = ring_of_cliques(12, 5);
    for (const std::uint64_t seed : {0U, 1U, 2U, 3U, 4U}) {
        const LeidenResult result = leiden(graph.view(), {.seed = seed}, two.context);
        ASSERT_EQ(result.n_clusters, 12);
        EXPECT_NEAR(result.modularity, 120.0 / 132.0 - 1.0 / 12.0, 1e-12);
        for (std::size_t node = 0; node < 60; ++node) EXPECT_EQ(result.cluster[node], static_cast<std::int32_t>(node / 5)) << "equal sizes are numbered by first node";
    }
}

TEST(Leiden, merges_cliques_below_the_resolution_limit_and_parts_them_at_a_higher_resolution) {
    Threads one(1);
    // 30 cliques: pairs of them (0.8879) are better than cliques alone (0.8758) at resolution 1; leidenalg 0.10 finds 0.8855 to 0.8871, by seed.
    const matrix::Csr graph = ring_of_cliques(30, 5);
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        const double found = leiden(graph.view(), {.seed = seed}, one.context).modularity;
        EXPECT_GE(found, 0.8854);
        EXPECT_LE(found, 315.0 / 330.0 - 1.0 / 15.0 + 1e-9);
    }
    EXPECT_EQ(leiden(graph.view(), {.resolution = 3.0}, one.context).n_clusters, 30);
}

TEST(Leiden, reaches_the_known_best_of_the_karate_club) {
    Threads one(1);
    double best = 0.0;
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        const LeidenResult result = leiden(karate_club().view(), {.seed = seed}, one.context);
        EXPECT_GE(result.modularity, 0.4155);
        best = std::max(best, result.modularity);
    }
    EXPECT_NEAR(best, 0.4197896, 1e-6);  // the proven optimum (Brandes et al. 2008; Agarwal & Kempe 2008)
}

TEST(Leiden, modularity_is_that_of_leidenalg) {
    Threads one(1);
    std::ifstream file(MORULA_SOURCE_DIR "/tests/analysis/fixtures/leiden/graph.txt");
    std::string comment;
    std::getline(file, comment);
    std::getline(file, comment);
    std::size_t n_cells = 0;
    std::size_t n_edges = 0;
    std::size_t n_resolutions = 0;
    file >> n_cells >> n_edges >> n_resolutions;
    std::vector<std::array<double, 3>> oracle(n_resolutions);
    for (auto& [resolution, median, best] : oracle) file >> resolution >> median >> best;
    std::vector<std::vector<std::pair<std::uint32_t, float>>> rows(n_cells);
    for (std::size_t e = 0; e < n_edges; ++e) {
        std::uint32_t a = 0;
        std::uint32_t b = 0;
        double weight = 0.0;
        file >> a >> b >> weight;
        rows[a].emplace_back(b, static_cast<float>(weight / 1000.0));
        rows[b].emplace_back(a, static_cast<float>(weight / 1000.0));
    }
    ASSERT_TRUE(file.good());
    matrix::Csr graph;
    graph.n_rows = graph.n_cols = static_cast<std::int64_t>(n_cells);
    for (auto& row : rows) {
        std::sort(row.begin(), row.end());
        for (const auto& edge : row) {
            graph.indices.push_back(edge.first);
            graph.values.push_back(edge.second);
        }
        graph.indptr.push_back(static_cast<std::int64_t>(graph.indices.size()));
    }
    // Seeds of either program differ by .5 % on this rough graph, so distributions are compared: the middle and the best of 20.
    for (const auto& expected : oracle) {
        std::vector<double> found;
        for (std::uint64_t seed = 0; seed < 20; ++seed) found.push_back(leiden(graph.view(), {.resolution = expected[0], .max_rounds = 100, .seed = seed}, one.context).modularity);
        std::sort(found.begin(), found.end());
        EXPECT_GE(0.5 * (found[9] + found[10]), 0.999 * expected[1]) << "resolution " << expected[0];
        EXPECT_GE(found.back(), 0.999 * expected[2]) << "resolution " << expected[0];
    }
}

TEST(Leiden, modularity_agrees_with_its_definition) {
    Threads one(1);
    const matrix::Csr graph = neighbor_graph(300, 4, 1.0, 1, one.context);
    for (const double resolution : {0.5, 1.0, 2.0}) {
        const LeidenResult result = leiden(graph.view(), {.resolution = resolution}, one.context);
        EXPECT_NEAR(result.modularity, modularity_by_pairs(graph, result.cluster, resolution), 1e-9);
        EXPECT_NEAR(result.modularity, modularity(graph.view(), result.cluster, resolution), 1e-12);
    }
}

TEST(Leiden, no_single_cell_can_gain_by_moving) {
    Threads one(1);
    const matrix::Csr graph = neighbor_graph(250, 5, 0.6, 2, one.context);
    const LeidenResult result = leiden(graph.view(), {}, one.context);
    for (std::size_t cell = 0; cell < 250; cell += 7) {
        for (std::int32_t target = 0; target <= result.n_clusters; ++target) {
            auto moved = result.cluster;
            moved[cell] = target;
            EXPECT_LE(modularity(graph.view(), moved, 1.0), result.modularity + 1e-5);
        }
    }
}

TEST(Leiden, cells_without_edges_become_clusters_of_one) {
    Threads one(1);
    Edges edges;
    add_clique(edges, 2, 4);
    const LeidenResult result = leiden(graph_of(7, edges).view(), {}, one.context);
    EXPECT_EQ(result.cluster, (std::vector<std::int32_t>{1, 2, 0, 0, 0, 0, 3}));
    const LeidenResult none = leiden(graph_of(3, {}).view(), {}, one.context);
    EXPECT_EQ(none.cluster, (std::vector<std::int32_t>{0, 1, 2}));
    EXPECT_EQ(none.modularity, 0.0);
    EXPECT_EQ(leiden(graph_of(0, {}).view(), {}, one.context).n_clusters, 0);
    EXPECT_EQ(leiden(graph_of(1, {}).view(), {}, one.context).cluster, (std::vector<std::int32_t>{0}));
}

TEST(Leiden, separate_pieces_are_never_joined) {
    Threads one(1);
    Edges edges;
    for (std::uint32_t piece = 0; piece < 20; ++piece) add_clique(edges, piece * 3, 3);
    for (const double resolution : {0.01, 1.0}) EXPECT_EQ(leiden(graph_of(60, edges).view(), {.resolution = resolution}, one.context).n_clusters, 20);
}

TEST(Leiden, clusters_are_connected) {
    Threads two(2);
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
        const matrix::Csr graph = neighbor_graph(1500, 6, 0.4, seed, two.context);
        EXPECT_TRUE(clusters_are_connected(graph, leiden(graph.view(), {.resolution = 1.5, .seed = seed}, two.context).cluster));
        EXPECT_TRUE(clusters_are_connected(graph, leiden(graph.view(), {.max_rounds = 1, .seed = seed}, two.context).cluster));
    }
}

TEST(Leiden, finds_planted_clusters) {
    Threads two(2);
    const matrix::Csr graph = neighbor_graph(3000, 8, 3.0, 3, two.context);
    const LeidenResult result = leiden(graph.view(), {}, two.context);
    std::vector<std::int32_t> truth(3000);
    for (std::size_t cell = 0; cell < truth.size(); ++cell) truth[cell] = static_cast<std::int32_t>(cell % 8);
    EXPECT_GT(adjusted_rand_index(result.cluster, truth), 0.98);
}

TEST(Leiden, permuted_cells_give_the_same_modularity) {
    Threads one(1);
    const matrix::Dense<float> cells = cases::clustered_cells(1009, 8, 6, 1.2, 4);
    matrix::Dense<float> turned(cells.n_rows, cells.n_cols);
    for (std::int64_t cell = 0; cell < cells.n_rows; ++cell) std::ranges::copy(cells.row(cell), turned.row((cell * 31) % 1009).begin());
    const matrix::Csr straight = fuzzy_connectivities(neighbors(cells.view(), {}, one.context), one.context);
    const matrix::Csr permuted = fuzzy_connectivities(neighbors(cases::view_of(turned), {}, one.context), one.context);
    const double a = leiden(straight.view(), {}, one.context).modularity;
    EXPECT_NEAR(a, leiden(permuted.view(), {}, one.context).modularity, 0.01 * a);
}

TEST(Leiden, same_bits_for_one_two_and_four_threads) {
    Threads one(1);
    const matrix::Csr graph = neighbor_graph(30000, 15, 0.8, 5, one.context);  // large enough for batches that run in parallel
    const LeidenResult first = leiden(graph.view(), {.max_rounds = 3}, one.context);
    EXPECT_GT(first.n_clusters, 3);
    for (const std::int32_t n : {2, 4}) {
        Threads many(n);
        const LeidenResult again = leiden(graph.view(), {.max_rounds = 3}, many.context);
        EXPECT_EQ(first.cluster, again.cluster);
        EXPECT_EQ(first.modularity, again.modularity);
        EXPECT_EQ(first.rounds, again.rounds);
    }
}

TEST(Leiden, numbers_clusters_by_size_then_by_first_cell) {
    EXPECT_EQ(number_by_size(std::vector<std::int32_t>{7, 3, 3, 0, 0, 3}), (std::vector<std::int32_t>{2, 0, 0, 1, 1, 0}));
    EXPECT_EQ(number_by_size(std::vector<std::int32_t>{4, 2, 4, 2}), (std::vector<std::int32_t>{0, 1, 0, 1}));
    EXPECT_TRUE(number_by_size({}).empty());
}

TEST(Leiden, refuses_weights_that_are_not_weights) {
    Threads one(1);
    for (const float bad : {-0.5F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        matrix::Csr graph = graph_of(3, {{0, 1}, {1, 2}});
        graph.values[1] = bad;
        try {
            leiden(graph.view(), {}, one.context);
            ADD_FAILURE() << bad;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::invalid_data);
            EXPECT_NE(error.message().find("cell 1"), std::string::npos) << error.message();
        }
    }
}

TEST(LeidenSweep, higher_resolutions_give_more_clusters_and_clear_ones_are_stable) {
    Threads two(2);
    const matrix::Csr graph = neighbor_graph(1200, 5, 4.0, 6, two.context);
    KnownClusters none;
    const auto steps = leiden_sweep(graph.view(), {.resolutions = {0.1, 1.0, 8.0}, .n_seeds = 3}, none, two.context);
    ASSERT_EQ(steps.size(), 3U);
    EXPECT_LE(steps[0].clusters.n_clusters, steps[1].clusters.n_clusters);
    EXPECT_LT(steps[1].clusters.n_clusters, steps[2].clusters.n_clusters);
    EXPECT_EQ(steps[0].clusters.n_clusters, 5);
    EXPECT_NEAR(steps[0].stability, 1.0, 1e-12);
    EXPECT_LT(steps[2].stability, 0.95);
    EXPECT_LE(steps[2].fewest_clusters, steps[2].clusters.n_clusters);
    EXPECT_GE(steps[2].most_clusters, steps[2].clusters.n_clusters);
    EXPECT_EQ(steps[1].clusters.cluster, leiden(graph.view(), {.resolution = 1.0}, two.context).cluster);
}

TEST(LeidenSweep, same_bits_for_one_two_and_four_threads) {
    Threads one(1);
    const matrix::Csr graph = neighbor_graph(2000, 9, 1.0, 8, one.context);
    const LeidenSweepOptions options{.resolutions = {0.5, 1.0, 2.0}, .n_seeds = 3};
    KnownClusters none;
    const auto first = leiden_sweep(graph.view(), options, none, one.context);
    for (const std::int32_t n : {2, 4}) {
        Threads many(n);
        KnownClusters none_again;
        const auto again = leiden_sweep(graph.view(), options, none_again, many.context);
        ASSERT_EQ(first.size(), again.size());
        for (std::size_t i = 0; i < first.size(); ++i) {
            EXPECT_EQ(first[i].clusters.cluster, again[i].clusters.cluster);
            EXPECT_EQ(first[i].clusters.modularity, again[i].clusters.modularity);
            EXPECT_EQ(first[i].stability, again[i].stability);
            EXPECT_EQ(first[i].fewest_clusters, again[i].fewest_clusters);
            EXPECT_EQ(first[i].most_clusters, again[i].most_clusters);
        }
    }
}

TEST(KnownClusters, are_what_would_have_been_found) {
    Threads two(2);
    const matrix::Csr graph = neighbor_graph(1500, 7, 1.5, 6, two.context);
    const LeidenSweepOptions options{.resolutions = {0.5, 1.0}, .n_seeds = 2, .seed = 5};
    KnownClusters known;
    const LeidenResult first = leiden(graph.view(), {.seed = 5}, known, two.context);
    const auto steps = leiden_sweep(graph.view(), options, known, two.context);
    EXPECT_EQ(steps[1].clusters.cluster, first.cluster);
    KnownClusters none;
    const auto fresh = leiden_sweep(graph.view(), options, none, two.context);
    for (std::size_t i = 0; i < fresh.size(); ++i) {
        EXPECT_EQ(steps[i].clusters.cluster, fresh[i].clusters.cluster);
        EXPECT_EQ(steps[i].clusters.modularity, fresh[i].clusters.modularity);
        EXPECT_EQ(steps[i].stability, fresh[i].stability);
    }
    for (const LeidenOptions& asked : {LeidenOptions{.resolution = 0.5, .seed = 5}, {.resolution = 0.5, .seed = 6}, {.resolution = 1.0, .seed = 6}}) {
        ASSERT_NE(known.find(asked, 2.0), nullptr);
        EXPECT_EQ(leiden(graph.view(), asked, known, two.context).cluster, leiden(graph.view(), asked, two.context).cluster);
    }
    // What was found otherwise is not it.
    EXPECT_EQ(known.find({.resolution = 0.5, .seed = 7}, 2.0), nullptr);
    EXPECT_EQ(known.find({.resolution = 0.5, .max_rounds = 1, .seed = 5}, 2.0), nullptr);
    EXPECT_EQ(known.find({.resolution = 0.5, .seed = 5}, 4.0), nullptr);
    leiden_sweep(graph.view(), {.resolutions = {0.5, 4.0}, .n_seeds = 1, .seed = 5}, known, two.context);
    EXPECT_NE(known.find({.resolution = 0.5, .seed = 5}, 4.0), nullptr);
}

TEST(ClusterComparison, agrees_with_hand_worked_values) {
    const std::vector<std::int32_t> a{0, 0, 0, 1, 1, 1};
    const std::vector<std::int32_t> b{0, 0, 1, 1, 2, 2};
    EXPECT_NEAR(adjusted_rand_index(a, b), 0.24242424242424243, 1e-12);  // Hubert & Arabie: (2 - 6*3/15) / (4.5 - 6*3/15)
    EXPECT_NEAR(normalized_mutual_information(a, b), 0.5158037429793889, 1e-12);
    EXPECT_EQ(adjusted_rand_index(a, std::vector<std::int32_t>{9, 9, 9, -4, -4, -4}), 1.0);
    EXPECT_NEAR(normalized_mutual_information(a, std::vector<std::int32_t>{9, 9, 9, -4, -4, -4}), 1.0, 1e-12);
    EXPECT_EQ(adjusted_rand_index(std::vector<std::int32_t>(5, 0), std::vector<std::int32_t>(5, 3)), 1.0);
    EXPECT_EQ(normalized_mutual_information(std::vector<std::int32_t>(5, 0), std::vector<std::int32_t>(5, 3)), 1.0);
    EXPECT_THROW(adjusted_rand_index(a, std::vector<std::int32_t>{1}), Error);
}

}  // namespace
}  // namespace morula::analysis
