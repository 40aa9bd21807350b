// Columns that should hold groups of many cells: batches, kinds of cell.
#pragma once

#include <string_view>

#include "morula/data/dataset.hpp"

namespace morula::commands {

/// Throws invalid_data where a column has more than half as many values as there are cells (measured numbers, barcodes): those are no groups. what: "batches", "kinds of cell".
void refuse_values_of_single_cells(const data::Dataset& dataset, std::string_view column, const data::Categorical& groups, std::string_view what);

}  // namespace morula::commands
