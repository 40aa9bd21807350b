// Matrices: rows are cells, columns are genes. Views do not own; Csr and Dense do.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "morula/core/checked_cast.hpp"
#include "morula/core/error.hpp"

namespace morula::matrix {

/// Compressed rows. indptr has n_rows + 1 offsets into indices and values, the first of which may be non-zero (a slice).
/// Columns of a row are strictly increasing.
struct CsrView {
    std::int64_t n_rows = 0;
    std::int64_t n_cols = 0;
    std::span<const std::int64_t> indptr;
    std::span<const std::uint32_t> indices;  // addressed by indptr directly
    std::span<const float> values;

    std::int64_t nnz() const { return n_rows == 0 ? 0 : indptr[static_cast<std::size_t>(n_rows)] - indptr[0]; }
    std::span<const std::uint32_t> row_indices(std::int64_t row) const {
        const auto r = static_cast<std::size_t>(row);
        return indices.subspan(static_cast<std::size_t>(indptr[r]), static_cast<std::size_t>(indptr[r + 1] - indptr[r]));
    }
    std::span<const float> row_values(std::int64_t row) const {
        const auto r = static_cast<std::size_t>(row);
        return values.subspan(static_cast<std::size_t>(indptr[r]), static_cast<std::size_t>(indptr[r + 1] - indptr[r]));
    }
};

struct Csr {
    std::int64_t n_rows = 0;
    std::int64_t n_cols = 0;
    std::vector<std::int64_t> indptr{0};
    std::vector<std::uint32_t> indices;
    std::vector<float> values;

    CsrView view() const { return {n_rows, n_cols, indptr, indices, values}; }
    /// No entries yet; rows are appended, each ended by end_row(). Memory is kept.
    void start(std::int64_t rows, std::int64_t cols) {
        n_rows = rows;
        n_cols = cols;
        indptr.assign(1, 0);
        indices.clear();
        values.clear();
    }
    void end_row() { indptr.push_back(static_cast<std::int64_t>(values.size())); }
    /// Puts the entries of a row in the order of their columns; entries of one column keep theirs.
    void sort_row(std::int64_t row);
};

/// Row-major dense view.
template <class T>
struct DenseView {
    std::int64_t n_rows = 0;
    std::int64_t n_cols = 0;
    std::span<T> values;  // n_rows * n_cols

    T& operator()(std::int64_t row, std::int64_t col) const { return values[static_cast<std::size_t>(row * n_cols + col)]; }
    std::span<T> row(std::int64_t r) const { return values.subspan(static_cast<std::size_t>(r * n_cols), static_cast<std::size_t>(n_cols)); }
    operator DenseView<const T>() const requires(!std::is_const_v<T>) { return {n_rows, n_cols, values}; }
};

/// Row-major dense matrix that owns its values. Throws resource_limit for a shape that no memory can hold.
template <class T>
struct Dense {
    std::int64_t n_rows = 0;
    std::int64_t n_cols = 0;
    std::vector<T> values;

    Dense() = default;
    Dense(std::int64_t rows, std::int64_t cols) : n_rows(rows), n_cols(cols), values(static_cast<std::size_t>(checked_size_product(rows, cols))) {}

    T& operator()(std::int64_t row, std::int64_t col) { return values[static_cast<std::size_t>(row * n_cols + col)]; }
    const T& operator()(std::int64_t row, std::int64_t col) const { return values[static_cast<std::size_t>(row * n_cols + col)]; }
    std::span<T> row(std::int64_t r) { return std::span<T>(values).subspan(static_cast<std::size_t>(r * n_cols), static_cast<std::size_t>(n_cols)); }
    std::span<const T> row(std::int64_t r) const { return std::span<const T>(values).subspan(static_cast<std::size_t>(r * n_cols), static_cast<std::size_t>(n_cols)); }
    DenseView<const T> view() const { return {n_rows, n_cols, values}; }
    DenseView<T> view() { return {n_rows, n_cols, values}; }
};

/// out[row * n_cols + col] = value - shift[col], for every row and column: what is absent is -shift[col].
void densify(const CsrView& rows, std::span<const float> shift, float* out);

/// Whether columns strictly increase.
bool strictly_increasing(std::span<const std::uint32_t> columns);
/// The first row whose columns do not strictly increase or lie outside, or -1. Offsets must be right.
std::int64_t first_bad_row(const CsrView& csr);
/// Throws invalid_data naming `what` and the first bad row when offsets, order or column range are wrong.
void check_csr(const CsrView& csr, std::string_view what);

}  // namespace morula::matrix
