// Recipes: named, versioned sets of conventions. A recipe never changes; a new default is a new recipe. docs/recipes.md argues each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "morula/analysis/ambient.hpp"
#include "morula/analysis/cell_calling.hpp"
#include "morula/analysis/cell_cycle.hpp"
#include "morula/analysis/connectivities.hpp"
#include "morula/analysis/doublets.hpp"
#include "morula/analysis/filter.hpp"
#include "morula/analysis/harmony.hpp"
#include "morula/analysis/hvg.hpp"
#include "morula/analysis/leiden.hpp"
#include "morula/analysis/lisi.hpp"
#include "morula/analysis/markers.hpp"
#include "morula/analysis/merge_clusters.hpp"
#include "morula/analysis/neighbors.hpp"
#include "morula/analysis/normalize.hpp"
#include "morula/analysis/pca.hpp"
#include "morula/analysis/qc.hpp"
#include "morula/analysis/removed_cells.hpp"
#include "morula/analysis/suggested_labels.hpp"
#include "morula/analysis/umap.hpp"

namespace morula::pipeline {

/// The options of every step of `run`.
struct Recipe {
    std::string name;
    analysis::CellCallingOptions cell_calling;  // for unfiltered matrices
    analysis::QcOptions qc;
    analysis::FilterOptions filter;
    analysis::DoubletsOptions doublets;
    analysis::NormalizeOptions normalize;
    analysis::HvgOptions hvg;
    bool hvg_per_sample = false;    // rank variable genes within each sample (several samples) or batch
    analysis::PcaOptions pca;
    std::int64_t n_pcs_used = 30;   // leading components that neighbours, Harmony and UMAP see
    analysis::HarmonyOptions harmony;
    analysis::LisiOptions lisi;     // mixing before and after Harmony
    analysis::NeighborsOptions neighbors;
    analysis::ConnectivitiesOptions connectivities;
    analysis::LeidenOptions leiden;
    analysis::LeidenSweepOptions leiden_sweep;
    analysis::UmapOptions umap;
    bool umap_3d = false;           // also lay out in three dimensions
    analysis::RemovedCellsOptions removed_cells;
    analysis::MarkersOptions markers;
    analysis::MergeClustersOptions merge_clusters;
    analysis::SuggestedLabelsOptions labels;
    analysis::AmbientOptions ambient;
    analysis::CellCycleOptions cell_cycle;
};

inline constexpr std::string_view kRecipeNames = "morula-1|scanpy-1.11";
inline constexpr std::string_view kDefaultRecipe = "morula-1";

/// The recipe of that name for that many samples; every seed in it is `seed`. Throws usage for an unknown name.
Recipe make_recipe(std::string_view name, std::int64_t n_samples, std::uint64_t seed);

}  // namespace morula::pipeline
