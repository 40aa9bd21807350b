// Widening of packed numbers: 8-bit and 16-bit integers to 32 bits or float32. The inner loops of reading a compact copy.
#pragma once

#include <cstdint>

namespace morula::matrix {

/// to[i] = from[i] for i in [0, n); run-time dispatch to the widest vectors of this processor.
void widen(const std::uint16_t* from, std::int64_t n, std::uint32_t* to);
void widen(const std::uint8_t* from, std::int64_t n, float* to);
void widen(const std::uint16_t* from, std::int64_t n, float* to);

}  // namespace morula::matrix
