#include "morula/commands/label_origin.hpp"

#include <gtest/gtest.h>

#include "morula/commands/slots.hpp"
#include "tests/support/errors.hpp"

namespace morula::commands {
namespace {

data::Uns params_of(data::UnsMap params) { return uns_of(data::UnsMap{{"params", uns_of(std::move(params))}}); }

data::Dataset cells_with(const std::string& column, std::vector<std::string> values) {
    data::Dataset out;
    out.name = "cells.h5ad";
    std::vector<std::string> index;
    for (std::size_t i = 0; i < values.size(); ++i) index.push_back("cell-" + std::to_string(i));
    out.obs = data::Table(std::move(index));
    out.obs.set(column, data::to_categorical(values));
    return out;
}

TEST(label_origin, clusters_are_traced_to_the_embedding_of_their_graph) {
    data::Dataset cells = cells_with("leiden", {"0", "1", "1"});
    EXPECT_EQ(label_origin(cells, "leiden", "X_integrated").origin, LabelOrigin::looks_like_clusters) << "no record";
    cells.uns["leiden"] = params_of({{"resolution", uns_of(1.0)}});
    EXPECT_EQ(label_origin(cells, "leiden", "X_integrated").origin, LabelOrigin::looks_like_clusters) << "of which graph?";
    cells.uns["neighbors"] = params_of({{"use_rep", uns_of(std::string("X_integrated"))}});
    EXPECT_EQ(label_origin(cells, "leiden", "X_integrated").origin, LabelOrigin::scored_embedding);
    EXPECT_EQ(label_origin(cells, "leiden", "X_pca").origin, LabelOrigin::other_embedding);
    // scanpy names another graph in the record of the clusters, and leaves its default embedding away.
    cells.uns["leiden"] = params_of({{"resolution", uns_of(1.0)}, {"neighbors_key", uns_of(std::string("second"))}});
    cells.uns["second"] = params_of({{"n_neighbors", uns_of(std::int64_t{15})}});
    EXPECT_EQ(label_origin(cells, "leiden", "X_pca").origin, LabelOrigin::scored_embedding);
    EXPECT_TRUE(test::contains(label_origin(cells, "leiden", "X_integrated").sentence, "X_pca"));
}

TEST(label_origin, an_embedding_that_was_left_as_it_was_is_the_one_that_was_clustered) {
    data::Dataset cells = cells_with("leiden", {"0", "1", "1"});
    cells.uns["leiden"] = params_of({{"resolution", uns_of(1.0)}});
    cells.uns["neighbors"] = params_of({{"use_rep", uns_of(std::string("X_pca"))}});
    cells.obsm["X_pca"] = matrix::Dense<float>(3, 4);
    cells.obsm["X_integrated"] = matrix::Dense<float>(3, 2);
    for (std::int64_t cell = 0; cell < 3; ++cell) {
        for (std::int64_t dim = 0; dim < 4; ++dim) cells.obsm["X_pca"](cell, dim) = static_cast<float>(cell * 4 + dim);
        for (std::int64_t dim = 0; dim < 2; ++dim) cells.obsm["X_integrated"](cell, dim) = static_cast<float>(cell * 4 + dim);
    }
    const LabelOriginFound same = label_origin(cells, "leiden", "X_integrated");
    EXPECT_EQ(same.origin, LabelOrigin::scored_embedding);
    EXPECT_TRUE(test::contains(same.sentence, "clusters of X_pca, and X_integrated, the embedding that is scored, holds the same values")) << same.sentence;
    cells.obsm["X_integrated"](2, 1) += 1.0F;
    EXPECT_EQ(label_origin(cells, "leiden", "X_integrated").origin, LabelOrigin::other_embedding) << "moved";
    cells.obsm.erase("X_integrated");
    EXPECT_EQ(label_origin(cells, "leiden", "X_integrated").origin, LabelOrigin::other_embedding);
}

TEST(label_origin, names_given_to_clusters_are_clusters) {
    data::Dataset cells = cells_with("suggested_label", {"B cells", "T cells"});
    EXPECT_EQ(label_origin(cells, "suggested_label", "X_pca").origin, LabelOrigin::not_known);
    cells.uns["suggested_labels"] = uns_of(data::UnsMap{});
    cells.uns["neighbors"] = params_of({{"use_rep", uns_of(std::string("X_pca"))}});
    EXPECT_EQ(label_origin(cells, "suggested_label", "X_pca").origin, LabelOrigin::scored_embedding);
}

TEST(label_origin, names_of_kinds_are_not_taken_for_clusters) {
    EXPECT_EQ(label_origin(cells_with("cluster_id", {"B cells", "CD4 T cells"}), "cluster_id", "X_pca").origin, LabelOrigin::not_known);
    EXPECT_EQ(label_origin(cells_with("groups", {"0", "1,0", "1,1"}), "groups", "X_pca").origin, LabelOrigin::looks_like_clusters);
    EXPECT_EQ(label_origin(cells_with("louvain_named", {"B", "T"}), "louvain_named", "X_pca").origin, LabelOrigin::looks_like_clusters);
}

}  // namespace
}  // namespace morula::commands
