// Whether the cells of a label hang together in the neighbour graph.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/analysis/neighbors.hpp"

namespace morula::analysis {

/// Graph connectivity (Luecken et al. 2022): of each label's cells the share in the largest connected part of the graph among them alone; a neighbour joins two cells
/// in whichever direction it was found. 1: every cell of the label can be reached from every other without leaving it.
/// label: n_cells codes in [0, n_labels). One value a label, NaN where it has no cell. The mean of the labels is the score of scIB.
/// Throws invalid_data for sizes or codes that do not fit.
std::vector<double> graph_connectivity(const NeighborsResult& neighbors, std::span<const std::int32_t> label, std::int32_t n_labels);

}  // namespace morula::analysis
