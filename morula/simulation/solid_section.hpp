// A measured section made into a block of tissue: a stack of the section whose cells keep the neighbours that the section's cells have, by type.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::simulation {

struct SolidSectionOptions {
    double depth_um = 100.0;
    double reach_um = 30.0;   // neighbours are cells at most so far apart
    double layer_um = 0.0;    // between sheets of the stack; 0: as far as cells of the section lie apart, twice the median distance to the nearest
    double tolerance = 0.01;  // stops when no type's neighbours differ by more (total variation)
    std::int32_t most_sweeps = 200;
    std::uint64_t seed = 0;
};

struct SolidSection {
    std::vector<std::array<double, 3>> positions;  // x and y about where the section's cells are, z from 0 to the depth
    std::vector<std::int32_t> type;
    std::int64_t n_layers = 0;
    std::int32_t sweeps = 0;
    double difference = 0.0;  // largest total variation between a type's neighbours here and in the section, over types with at least kLeastCells cells
};

/// Rarer types are not counted for the tolerance: their neighbours are too few to be known.
inline constexpr std::int64_t kLeastCells = 50;

/// shares(a, b): of the neighbours of cells of type a (others within reach), how many are of type b; a row of NaN where type a has no neighbours.
matrix::Dense<double> neighbor_shares(std::span<const std::array<double, 3>> positions, std::span<const std::int32_t> type, std::int32_t n_types, double reach_um, Context& context);

/// Sheets of the section on top of one another, each cell moved at random (within half a sheet's distance in x, y and z), so that nobody stands above itself; composition and the
/// arrangement in x and y beyond the reach are those of the section. Copies alone would have too many of their own type above and below them; so neighbours then change types wherever that
/// brings the neighbours of each type nearer to those in the section (squared differences of shares, summed over types with the square root of their cells as the weight), until none differs by more than the tolerance.
/// This is simulated annealing at temperature 0 on pair counts at one distance, a simple case of the marked point processes fitted by reconstruction (Torquato 2002, Random Heterogeneous
/// Materials, ch. 12). What it cannot know: shapes across the section (a tube stays a column), and pairs at other distances.
/// type: in [0, n_types). The same result for any number of threads: it works on one. Memory: about 150 bytes and 4 a neighbour for each cell of the block.
/// Throws invalid_data for fewer than 10 cells, cells all at one place, and sizes that are not above 0; resource_limit where memory is short.
SolidSection solid_from_section(std::span<const std::array<double, 2>> positions, std::span<const std::int32_t> type, std::int32_t n_types, const SolidSectionOptions& options, Context& context);

}  // namespace morula::simulation
