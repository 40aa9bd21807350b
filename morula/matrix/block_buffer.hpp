// Writing a block of rows into scratch whose vectors only grow.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "morula/matrix/block_source.hpp"
#include "morula/matrix/huge_pages.hpp"

namespace morula::matrix {

/// At least `size` elements; old contents are kept, new ones are zeros.
template <class T>
void grow_to(std::vector<T>& values, std::int64_t size) {
    const auto wanted = static_cast<std::size_t>(size);
    if (values.size() >= wanted) return;
    const std::size_t grown = std::max(wanted, values.size() + values.size() / 2);
    reserve_large(values, static_cast<std::int64_t>(grown));
    values.resize(grown);
}

/// The first n_rows rows that were written into `csr`; indptr says how much of the other vectors holds.
inline CsrView view_of_rows(const Csr& csr, std::int64_t n_rows, std::int64_t n_cols) {
    const auto nnz = static_cast<std::size_t>(csr.indptr[static_cast<std::size_t>(n_rows)]);
    return {n_rows, n_cols, std::span<const std::int64_t>(csr.indptr).first(static_cast<std::size_t>(n_rows + 1)), std::span<const std::uint32_t>(csr.indices).first(nnz),
            std::span<const float>(csr.values).first(nnz)};
}

/// Throws internal unless [rows.begin, rows.end) lies in [0, n_rows).
inline void check_range(Range rows, std::int64_t n_rows) { MORULA_ASSERT(rows.begin >= 0 && rows.begin <= rows.end && rows.end <= n_rows); }

}  // namespace morula::matrix
