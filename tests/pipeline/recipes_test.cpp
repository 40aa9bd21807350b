// A recipe never changes its meaning: the numbers of docs/recipes.md, one by one.
#include "morula/pipeline/recipes.hpp"

#include <gtest/gtest.h>

#include "morula/core/error.hpp"

namespace morula::pipeline {
namespace {

TEST(Recipes, morula_1_of_one_sample) {
    const Recipe recipe = make_recipe("morula-1", 1, 0);
    EXPECT_EQ(recipe.qc.mads_low, 5.0);
    EXPECT_EQ(recipe.qc.mads_high, 5.0);
    EXPECT_EQ(recipe.qc.min_genes, 200);
    EXPECT_EQ(recipe.qc.mads_mitochondrial, 3.0);
    EXPECT_EQ(recipe.qc.min_pct_mitochondrial_cells, 8.0);
    EXPECT_EQ(recipe.qc.min_pct_mitochondrial_nuclei, 3.0);
    EXPECT_EQ(recipe.qc.warn_removed_percent, 30.0);
    EXPECT_EQ(recipe.removed_cells.warn_lost_percent, 50.0);
    EXPECT_EQ(recipe.filter.min_cells, 3);
    EXPECT_EQ(recipe.hvg.flavor, analysis::HvgFlavor::seurat_v3);
    EXPECT_EQ(recipe.hvg.n_top, 2000);
    EXPECT_FALSE(recipe.hvg_per_sample);
    EXPECT_EQ(recipe.pca.n_components, 50);
    EXPECT_EQ(recipe.n_pcs_used, 30);
    EXPECT_EQ(recipe.neighbors.n_neighbors, 15);
    EXPECT_EQ(recipe.leiden.resolution, 1.0);
    EXPECT_EQ(recipe.leiden_sweep.resolutions.front(), 0.25);
    EXPECT_EQ(recipe.leiden_sweep.resolutions.back(), 2.0);
    EXPECT_EQ(recipe.merge_clusters.min_genes, 3);
    EXPECT_EQ(recipe.merge_clusters.min_auc, 0.7);
}

TEST(Recipes, morula_1_of_several_samples_ranks_genes_in_each) {
    const Recipe recipe = make_recipe("morula-1", 4, 0);
    EXPECT_EQ(recipe.hvg.n_top, 3000);
    EXPECT_TRUE(recipe.hvg_per_sample);
}

TEST(Recipes, scanpy_1_11) {
    const Recipe recipe = make_recipe("scanpy-1.11", 4, 0);
    EXPECT_EQ(recipe.qc.min_genes, 100);
    EXPECT_FALSE(recipe.qc.mads_low.has_value());
    EXPECT_FALSE(recipe.qc.mads_mitochondrial.has_value());
    EXPECT_EQ(recipe.filter.min_cells, 3);
    EXPECT_EQ(recipe.hvg.flavor, analysis::HvgFlavor::seurat);
    EXPECT_EQ(recipe.hvg.n_top, 2000);
    EXPECT_FALSE(recipe.hvg_per_sample);
    EXPECT_EQ(recipe.n_pcs_used, 50);
}

TEST(Recipes, an_unknown_name_is_refused) { EXPECT_THROW(make_recipe("morula-0", 1, 0), Error); }

}  // namespace
}  // namespace morula::pipeline
