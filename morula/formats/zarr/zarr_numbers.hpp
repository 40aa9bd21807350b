// Numbers as the bytes of an array's elements, both ways.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "morula/formats/zarr/zarr_node.hpp"

namespace morula::formats {

/// Stores values as elements of a type; false where one does not come back with the same bits (-0 from an integer neither; NaN may change its payload).
template <class T>
bool numbers_to_bytes(ZarrType type, std::span<const T> values, std::byte* out);

/// Elements of a type as numbers; false where one does not fit.
template <class T>
bool bytes_to_numbers(ZarrType type, const std::byte* bytes, std::int64_t n, T* out);

}  // namespace morula::formats
