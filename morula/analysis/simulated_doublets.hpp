// Made-up doublets as a matrix: each row is the sum of the counts of two observed cells.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

/// Row i is row pairs[i].first plus row pairs[i].second of `counts`, made when read. `counts` must outlive the source.
matrix::Matrix simulated_doublets(matrix::CsrView counts, std::vector<std::pair<std::int64_t, std::int64_t>> pairs);

}  // namespace morula::analysis
