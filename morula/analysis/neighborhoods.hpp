// Neighbourhoods of cells, and whether one condition has more than its share of the cells in each (Milo: Dann et al. 2022).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

struct NeighborhoodsOptions {
    std::optional<std::int32_t> neighborhood_size = std::nullopt;
    double sampled = 0.1;
    std::int32_t most_neighborhoods = 5000;
    std::uint64_t seed = 0;
};

constexpr auto describe(const NeighborhoodsOptions*) {
    using O = NeighborhoodsOptions;
    return std::tuple{
        field("neighborhood_size", &O::neighborhood_size, "Cells of a neighbourhood; not given: five for each donor and condition, at least 30.", {.minimum = 5.0, .maximum = 1000.0}),
        field("sampled", &O::sampled, "Share of the cells around which neighbourhoods are made.", {.minimum = 0.0, .maximum = 1.0}),
        field("most_neighborhoods", &O::most_neighborhoods, "Most neighbourhoods.", {.minimum = 1.0, .maximum = 1e6}),
        field("seed", &O::seed, "Seed of the choice of cells."),
    };
}

struct Neighborhoods {
    std::vector<std::int64_t> index_cell;  // rising, each once
    matrix::Dense<std::uint32_t> cells;    // n_neighborhoods x size; the index cell first, then nearest first
    std::vector<double> reach;             // distance of the farthest
    double recall = 1.0;                   // share of the true neighbours found
};

/// Cells are drawn at random; each is replaced by the one among its neighbours that is nearest to their median position (refined sampling), so that
/// neighbourhoods lie in dense places and fewer of them are needed; each index cell is kept once. embedding: n_cells x n_dims. size: from the options, or n_units.
/// Neighbours are searched anew and not taken from the clustering's graph, whose 15 neighbours leave one or two cells a donor.
/// Throws invalid_data with fewer cells than a neighbourhood has.
Neighborhoods make_neighborhoods(matrix::DenseView<const float> embedding, std::int64_t n_units, const NeighborhoodsOptions& options, Context& context);

/// Cells of each unit in each neighbourhood, n_neighborhoods x n_units. unit: one a cell, -1: none.
matrix::Dense<double> count_neighborhoods(const Neighborhoods& neighborhoods, std::span<const std::int32_t> unit, std::int64_t n_units, Context& context);

/// Weighted Benjamini & Hochberg (Lun et al. 2017): neighbourhoods overlap most where cells are dense, so each weighs 1 / its reach.
/// NaN takes no part. A reach of zero weighs as the smallest one above zero.
std::vector<double> spatial_fdr(std::span<const double> p, std::span<const double> reach);

}  // namespace morula::analysis
