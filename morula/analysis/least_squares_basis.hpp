// Small least squares: an orthonormal basis of a design's columns, which tells its rank, its leverages and which columns add nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/matrix/views.hpp"

namespace morula::analysis {

struct OrthonormalBasis {
    matrix::Dense<double> q;            // n x rank, columns orthonormal
    std::vector<std::int64_t> columns;  // those of the matrix that add a direction, in order: rank of them
    std::int64_t rank() const { return q.n_cols; }
};

/// Gram-Schmidt from left to right, twice over: a column is dropped when less than 1e-7 of its length lies outside the columns before it (R's lm drops the same).
OrthonormalBasis orthonormal_basis(matrix::DenseView<const double> x);
/// Diagonal of the projection onto the columns.
std::vector<double> leverages(const OrthonormalBasis& basis);
/// The projection of y onto the columns.
std::vector<double> projected(const OrthonormalBasis& basis, std::span<const double> y);
/// Whether a linear combination of coefficients (one weight a column of x) can be estimated from x: it lies in the space of its rows.
bool is_estimable(matrix::DenseView<const double> x, std::span<const double> weights);
/// The given columns, in the given order.
matrix::Dense<double> take_columns(matrix::DenseView<const double> x, std::span<const std::int64_t> columns);
matrix::Dense<double> transposed(matrix::DenseView<const double> x);

}  // namespace morula::analysis
