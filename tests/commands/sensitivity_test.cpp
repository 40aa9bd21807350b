#include <gtest/gtest.h>

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "tests/support/contexts.hpp"

namespace morula::commands {
namespace {

/// Three cliques of ten cells, joined in a ring by weak edges; the last cell of each clique is called a doublet.
data::Dataset three_cliques() {
    constexpr int kCells = 30;
    data::Dataset cells;
    std::vector<std::string> names;
    data::Booleans doublet;
    for (int cell = 0; cell < kCells; ++cell) {
        names.push_back("cell-" + std::to_string(cell));
        doublet.values.push_back(cell % 10 == 9 ? 1 : 0);
    }
    cells.obs = data::Table(names);
    cells.obs.set("doublet", doublet);
    matrix::Csr graph;
    graph.n_rows = graph.n_cols = kCells;
    for (int a = 0; a < kCells; ++a) {
        for (int b = 0; b < kCells; ++b) {
            const bool bridge = a % 10 == 0 && b % 10 == 0;
            if (a == b || (a / 10 != b / 10 && !bridge)) continue;
            graph.indices.push_back(static_cast<std::uint32_t>(b));
            graph.values.push_back(bridge ? 0.1f : 1.0f);
        }
        graph.indptr.push_back(static_cast<std::int64_t>(graph.indices.size()));
    }
    cells.obsp["connectivities"] = graph;
    const auto context = test::make_context(1);
    analysis::KnownClusters none;
    merge_slots(cells, leiden_slots(cells, {}, none, *context));
    return cells;
}

TEST(sensitivity, clear_clusters_survive_every_change) {
    const auto context = test::make_context(2);
    analysis::KnownClusters none;
    const data::Dataset out = sensitivity_slots(three_cliques(), {}, {}, none, *context);
    const data::UnsMap& changes = uns_map(out.uns, "sensitivity");
    ASSERT_EQ(uns_texts(changes, "what").size(), 3u);
    EXPECT_EQ(uns_texts(changes, "what")[2], "without the 3 cells called doublets");
    EXPECT_EQ(uns_integers(changes, "n_clusters"), (std::vector<std::int64_t>{3, 3, 3}));
    EXPECT_EQ(uns_numbers(changes, "agreement"), (std::vector<double>{1.0, 1.0, 1.0}));
}

TEST(sensitivity, a_resolution_that_merges_is_told) {
    const auto context = test::make_context(1);
    // At resolution 0 every connected piece is one cluster, which shares nothing with three: ARI 0.
    analysis::KnownClusters none;
    const data::Dataset out = sensitivity_slots(three_cliques(), {}, {.other_resolution = 1e-6}, none, *context);
    const data::UnsMap& changes = uns_map(out.uns, "sensitivity");
    EXPECT_EQ(uns_integers(changes, "n_clusters")[0], 1);
    EXPECT_NEAR(uns_numbers(changes, "agreement")[0], 0.0, 1e-12);
}

TEST(sensitivity, the_same_bits_for_any_threads) {
    const data::Dataset cells = three_cliques();
    const auto agreement = [&](Context& context) {
        analysis::KnownClusters none;
        return uns_numbers(uns_map(sensitivity_slots(cells, {}, {}, none, context).uns, "sensitivity"), "agreement");
    };
    test::same_at_1_2_4_threads(agreement, [](const auto& a, const auto& b) { return test::same_bits(a, b); });
}

}  // namespace
}  // namespace morula::commands
