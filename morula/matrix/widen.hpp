// Widening of packed numbers: 8-bit and 16-bit integers to 32 bits or float32, and packing floats into bytes. The inner loops of reading and making a compact copy.
#pragma once

#include <cstdint>

namespace morula::matrix {

/// to[i] = from[i] for i in [0, n); run-time dispatch to the widest vectors of this processor.
void widen(const std::uint16_t* from, std::int64_t n, std::uint32_t* to);
void widen(const std::uint8_t* from, std::int64_t n, float* to);
void widen(const std::uint16_t* from, std::int64_t n, float* to);

/// to[i] = from[i] where a byte below 255 gives back the same bits, else 255 (fractions, large and negative values, -0, NaN). Returns how many are 255.
std::int64_t narrow(const float* from, std::int64_t n, std::uint8_t* to);

}  // namespace morula::matrix
