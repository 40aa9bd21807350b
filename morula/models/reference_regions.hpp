// The reference of a nearest-cell search, cut into regions that a query far from them need not look into.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::models {

/// Reference cells in order of their regions (k-means, one region for 256 cells, at most 64), each region's by place.
/// A plane between two centres bounds the distance from below: a query at t along the unit vector u from centre a to centre b is at least min(x . u) - t from every cell x of region b.
struct ReferenceRegions {
    std::vector<float> mean;                      // of the reference; the rest is of cells less it
    matrix::Dense<float> centers;                 // n_regions x n_dims
    std::vector<std::int64_t> begin;              // n_regions + 1
    std::vector<std::uint32_t> place;             // of each cell, in the reference
    matrix::Dense<float> cells;                   // n_cells x (n_dims + 1): half the squared length last, so that |y|^2 / 2 - x.y is one product and orders as the distance does
    matrix::Dense<float> least_along;             // [a, b]: least (x - c_a) . u_ab over the cells x of b
    matrix::Dense<float> gap;                     // [a, b]: |c_b - c_a|
    matrix::Dense<float> center_products;         // [a, b]: c_a . c_b
    std::vector<std::vector<std::int64_t>> order; // of a: regions, nearest centre first
    float longest = 0.0F;                         // length of the longest cell

    std::int64_t n_regions() const { return centers.n_rows; }
};
ReferenceRegions cut_into_regions(matrix::DenseView<const float> reference, Context& context);

/// The region of each query cell, by nearest centre.
std::vector<std::int32_t> regions_of(const ReferenceRegions& regions, matrix::DenseView<const float> query, Context& context);

/// Lower bounds of the distance from queries of one region to the cells of every other: n_queries x n_regions, 0 for their own and where nothing is known. Less than true ones by
/// more than float32 rounds. query: less the mean.
matrix::Dense<float> least_distances(const ReferenceRegions& regions, std::int64_t region, matrix::DenseView<const float> query);

}  // namespace morula::models
