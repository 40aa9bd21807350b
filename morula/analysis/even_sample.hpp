// Some of many, evenly spread: a sample without chance.
#pragma once

#include <cstdint>
#include <vector>

namespace morula::analysis {

/// Up to `most` of the numbers 0 .. n - 1, evenly spread, rising; all where n is not larger.
std::vector<std::int64_t> even_sample(std::int64_t n, std::int64_t most);

}  // namespace morula::analysis
