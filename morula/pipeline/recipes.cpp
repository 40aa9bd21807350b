#include "morula/pipeline/recipes.hpp"

#include <fmt/format.h>

#include "morula/core/error.hpp"

namespace morula::pipeline {
namespace {

Recipe morula_1(std::int64_t n_samples) {
    Recipe recipe;
    recipe.name = "morula-1";
    // Defaults of the steps are those of this recipe; what is written here is what depends on the study.
    recipe.hvg.n_top = n_samples > 1 ? 3000 : 2000;
    recipe.hvg_per_sample = n_samples > 1;
    return recipe;
}

Recipe scanpy_1_11() {
    Recipe recipe;
    recipe.name = "scanpy-1.11";
    recipe.qc = analysis::qc_options_scanpy_1_11();
    recipe.hvg = analysis::hvg_options_scanpy_1_11();
    recipe.n_pcs_used = 50;
    recipe.markers = analysis::markers_options_scanpy_1_11();
    return recipe;
}

void set_seeds(Recipe& recipe, std::uint64_t seed) {
    recipe.cell_calling.seed = seed;
    recipe.doublets.seed = seed;
    recipe.harmony.seed = seed;
    recipe.neighbors.seed = seed;
    recipe.leiden.seed = seed;
    recipe.leiden_sweep.seed = seed;
    recipe.umap.seed = seed;
    recipe.merge_clusters.seed = seed;
    recipe.cell_cycle.seed = seed;
}

}  // namespace

Recipe make_recipe(std::string_view name, std::int64_t n_samples, std::uint64_t seed) {
    Recipe recipe;
    if (name == "morula-1") recipe = morula_1(n_samples);
    else if (name == "scanpy-1.11") recipe = scanpy_1_11();
    else fail(ErrorCode::usage, fmt::format("There is no recipe '{}'.", name), "Recipes are morula-1 and scanpy-1.11.");
    set_seeds(recipe, seed);
    return recipe;
}

}  // namespace morula::pipeline
