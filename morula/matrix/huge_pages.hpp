// Asks the system for 2 MiB pages behind large arrays: fresh memory is ready sooner, and scattered writes miss fewer address translations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace morula::matrix {

/// A hint for the memory of [begin, begin + bytes) that changes no content; does nothing below 4 MiB or where the system has no such pages.
void prefer_huge_pages(void* begin, std::size_t bytes);

/// reserve() with the hint, before the memory is touched.
template <class T>
void reserve_large(std::vector<T>& values, std::int64_t size) {
    if (values.capacity() >= static_cast<std::size_t>(size)) return;
    values.reserve(static_cast<std::size_t>(size));
    prefer_huge_pages(values.data(), values.capacity() * sizeof(T));
}

}  // namespace morula::matrix
