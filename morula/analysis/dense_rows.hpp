// Rows of a sparse matrix as dense float32, around a shift of each column.
#pragma once

#include <span>

#include "morula/matrix/views.hpp"

namespace morula::analysis {

/// out[r * n_cols + g] = value - shift[g].
inline void densify(const matrix::CsrView& cells, std::span<const float> shift, float* out) {
    for (std::int64_t r = 0; r < cells.n_rows; ++r, out += cells.n_cols) {
        const auto genes = cells.row_indices(r);
        const auto row = cells.row_values(r);
        for (std::size_t g = 0; g < shift.size(); ++g) out[g] = -shift[g];
        for (std::size_t i = 0; i < genes.size(); ++i) out[genes[i]] = row[i] - shift[genes[i]];
    }
}

}  // namespace morula::analysis
