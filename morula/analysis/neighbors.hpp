// Nearest neighbours of cells in an embedding, exact or by k-means lists with measured recall.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

enum class NeighborsMethod { automatic, exact, lists };

/// Up to this many cells, NeighborsMethod::automatic compares every pair.
inline constexpr std::int64_t kExactNeighborsCells = 20'000;

struct NeighborsOptions {
    std::int32_t n_neighbors = 15;  // counts the cell itself, as scanpy and Seurat do: 14 others are returned
    NeighborsMethod method = NeighborsMethod::automatic;
    double recall = 0.99;                    // share of true neighbours that method lists must find
    std::int32_t recall_cells = 2000;        // whose true neighbours are looked for, to choose n_probes and to measure the recall
    std::optional<std::int32_t> n_probes{};  // lists a cell searches; not given: as many as give that recall on a sample
    std::uint64_t seed = 0;
};

constexpr auto describe(const NeighborsOptions*) {
    return std::tuple{
        field("n_neighbors", &NeighborsOptions::n_neighbors, "Cells in a neighbourhood, the cell itself included.", {.minimum = 2, .maximum = 1000}),
        field("method", &NeighborsOptions::method, "How neighbours are found: exact compares all pairs, lists searches the nearest k-means lists; auto is exact up to 20,000 cells.",
              {.choices = "auto|exact|lists"}),
        field("recall", &NeighborsOptions::recall, "Share of the true neighbours that method lists must find.", {.minimum = 0.5, .maximum = 1.0}),
        field("recall_cells", &NeighborsOptions::recall_cells, "Cells whose true neighbours are looked for, to choose the number of lists and to measure the recall (method lists only).", {.minimum = 1, .maximum = 1e6}),
        field("n_probes", &NeighborsOptions::n_probes, "Lists that a cell searches (method lists only); not given: as many as give that recall on a sample.", {.minimum = 1, .maximum = 100000}),
        field("seed", &NeighborsOptions::seed, "Seed of the k-means start."),
    };
}

struct NeighborsResult {
    matrix::Dense<std::uint32_t> index;  // n_cells x (n_neighbors - 1), the cell itself left out, nearest first, equal distances by index
    matrix::Dense<float> distance;       // Euclidean, same shape
    double recall = 1.0;                 // share of the true neighbours found, measured on up to recall_cells cells; 1 when exact
    std::string method;                  // "exact" or "lists"
    std::int32_t n_lists = 0;            // 0 when exact
    std::int32_t n_probes = 0;           // 0 when exact
};

/// The n_neighbors - 1 nearest other cells of each cell by Euclidean distance.
/// embedding: n_cells x n_dims. A duplicate of a cell is a neighbour at distance 0.
/// Scores come from float32 GEMMs; the kept neighbours' distances are computed again from the differences, so that duplicates are exactly 0.
/// lists: 2 sqrt(n_cells) k-means lists; each cell searches the lists with the nearest centers, and the cells of a block that search the same list are one GEMM.
/// Recall is measured against all pairs for up to recall_cells evenly spread cells (a cell at the same distance as the last true neighbour counts as found);
/// the same cells decide how many lists are searched.
/// Throws invalid_data for NaN or infinity (names the cell) and when there are fewer cells than n_neighbors.
NeighborsResult neighbors(matrix::DenseView<const float> embedding, const NeighborsOptions& options, Context& context);

/// The same for some cells only, looked for among all; row r of the result belongs to cells[r]. `automatic` compares every pair up to 20,000 x 20,000 of them.
NeighborsResult neighbors_of(matrix::DenseView<const float> embedding, std::span<const std::int64_t> cells, const NeighborsOptions& options, Context& context);

/// How many of the neighbours that neighbors_of() gives are cell `first` or a later one, without ranking or keeping them: where hundreds are looked for that is most of what comes after the search.
std::vector<std::int32_t> count_neighbors_from(matrix::DenseView<const float> embedding, std::span<const std::int64_t> cells, std::int64_t first, const NeighborsOptions& options, Context& context);

}  // namespace morula::analysis
