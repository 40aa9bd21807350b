// A view that lets only counts through.
#pragma once

#include <string>
#include <vector>

#include "morula/matrix/block_source.hpp"

namespace morula::data {

/// Delivers the rows of `source` and throws invalid_data at the first value that is negative, NaN, infinite, not an integer or above 2^32:
/// "pbmc.h5ad, X: cell 'AAAC-1', gene 'MALAT1' holds -3, which is not a count."
/// what: file and matrix; cells and genes: names for the message, empty or as long as the matrix.
matrix::Matrix checked_counts(matrix::Matrix source, std::string what, std::vector<std::string> cells, std::vector<std::string> genes);

}  // namespace morula::data
