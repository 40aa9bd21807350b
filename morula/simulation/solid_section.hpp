// A measured section made into a block of tissue: cut anew, into slices as thick as the section, it shows as many neighbours of each type around each type as the section does.
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
    double tolerance = 0.01;  // while shares of neighbours differ by more (total variation), it goes on as long as anything gains
    std::int32_t most_sweeps = 200;
    std::uint64_t seed = 0;
};

struct SolidSection {
    std::vector<std::array<double, 3>> positions;  // x and y about where the section's cells are, z from 0 to the depth
    std::vector<std::int32_t> type;
    std::int64_t n_layers = 0;
    double slice_um = 0.0;  // how thick the section is taken to be: what the sheets are apart
    std::int32_t sweeps = 0;
    double difference = 0.0;             // largest total variation between the shares of a type's neighbours in space and in the section, over types with at least kLeastCells cells
    double horizontal_difference = 0.0;  // largest relative difference between mean numbers of neighbours in slices through the block and in the section, over known pairs of types; NaN where none is known
    double vertical_difference = 0.0;    // the same, of slices along x and z and along y and z together; NaN too where the block is less than 1.5 reaches deep
};

/// Rarer types are not counted for the differences: their neighbours are too few to be known.
inline constexpr std::int64_t kLeastCells = 50;
/// How often cells of two types must be neighbours in the section for their numbers to be known: to 5 % (one standard error, if pairs were independent).
inline constexpr std::int64_t kLeastPairs = 400;

/// shares(a, b): of the neighbours of cells of type a (others within reach), how many are of type b; a row of NaN where type a has no neighbours.
matrix::Dense<double> neighbor_shares(std::span<const std::array<double, 3>> positions, std::span<const std::int32_t> type, std::int32_t n_types, double reach_um, Context& context);

/// A slice through the block, around a cell: the cells within half a sheet's distance of its plane, horizontal (x, y) or vertical (x, z or y, z); neighbours are those within reach as seen from above the slice.
/// Sheets of the section are stacked so that a slice has as many cells to an area as the section. Each cell stands at one height within all its sheets, so that any horizontal slice holds it once;
/// sheets are shifted against one another (by at most 3/4 of the reach or the distance, whichever is more), by the smallest of 13 shifts with which a cell has as many neighbours in slices of each direction as in the section
/// (within 2 %, or as near as comes): without it nearly every cell would have itself above it, where the section has another or none. Within a sheet cells keep the section's distances.
/// Copies alone would still have too many of their own type above them; so cells near one another change types wherever that brings nearer to the section (squared relative differences of the numbers by pair of types in the three
/// slices, each at the level of its direction, and of the shares in space, summed over types with the square root of their cells as the weight), until a sweep gains less than 2 %.
/// This is simulated annealing at temperature 0 on pair counts at one distance, a simple case of the marked point processes fitted by reconstruction (Torquato 2002, Random Heterogeneous
/// Materials, ch. 12). What it cannot know: shapes across the section (a tube stays a column), and pairs at other distances.
/// type: in [0, n_types). The same result for any number of threads: it works on one. Memory: about 150 bytes and 24 a neighbour for each cell of the block.
/// Throws invalid_data for fewer than 10 cells, cells all at one place, and sizes that are not above 0; resource_limit where memory is short.
SolidSection solid_from_section(std::span<const std::array<double, 2>> positions, std::span<const std::int32_t> type, std::int32_t n_types, const SolidSectionOptions& options, Context& context);

}  // namespace morula::simulation
