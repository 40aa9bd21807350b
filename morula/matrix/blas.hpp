// The only door to BLAS and LAPACK. Every call runs on the calling thread alone: parallelism is ours, over fixed tiles.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/numeric_profile.hpp"
#include "morula/matrix/views.hpp"

namespace morula::matrix {

/// What the first call of a process does by itself: throws resource_limit where its address space (ulimit -v) has no room for the buffers of all its threads.
/// For a program that would rather know before hours of reading.
void make_blas_ready();

enum class Transpose { no, yes };

/// c = alpha * op(a) * op(b) + beta * c, row-major; shapes from the views; float32 and float64.
void gemm(float alpha, DenseView<const float> a, Transpose transpose_a, DenseView<const float> b, Transpose transpose_b, float beta, DenseView<float> c);
void gemm(double alpha, DenseView<const double> a, Transpose transpose_a, DenseView<const double> b, Transpose transpose_b, double beta, DenseView<double> c);
/// The same on sub-blocks with row strides given in elements (leading dimensions).
void gemm_strided(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, const float* a, std::int64_t lda, Transpose transpose_a,
                  const float* b, std::int64_t ldb, Transpose transpose_b, float beta, float* c, std::int64_t ldc);

struct SymmetricEigen {
    std::vector<double> values;   // descending, n_wanted
    Dense<double> vectors;        // n x n_wanted, column j belongs to values[j]
};
/// The n_wanted largest eigenpairs of a symmetric matrix (DSYEVR; only the upper triangle of the row-major view is read).
SymmetricEigen largest_eigenpairs(Dense<double> symmetric, std::int64_t n_wanted);

/// Solves a x = b for symmetric positive definite a (n x n), b: n x k, in place of b. Throws invalid_data when a is not positive definite.
void solve_spd(Dense<double> a, Dense<double>& b);
/// Least squares min |a x - b| by QR (DGELS): a m x n with m >= n and full rank, b m x k; returns n x k.
Dense<double> least_squares(Dense<double> a, Dense<double> b);

/// Adds library, version and core type of the BLAS to the core profile.
NumericProfile numeric_profile();

}  // namespace morula::matrix
