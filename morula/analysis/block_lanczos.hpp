// Leading eigenpairs of a large symmetric matrix by a block Krylov space, where LAPACK would reduce the whole matrix on one core.
#pragma once

#include <cstdint>

#include "morula/core/context.hpp"
#include "morula/matrix/blas.hpp"

namespace morula::analysis {

/// Vectors multiplied at once, and how often: the space has at most so many dimensions.
inline constexpr std::int64_t kLanczosBlock = 16;
inline constexpr std::int64_t kLanczosSteps = 24;
inline constexpr std::int64_t kLanczosSpace = kLanczosBlock * kLanczosSteps;

/// The n_wanted <= kLanczosSpace / 4 largest eigenpairs of a symmetric positive semidefinite matrix of n >= kLanczosSpace rows (both triangles are read), as the best that 16 fixed starting
/// vectors and their products with its first 23 powers can make (block Lanczos, Golub & Underwood 1977; orthogonalised against all before, twice; Rayleigh-Ritz). An eigenvalue that stands
/// apart is right to the last digits; of 41 wanted ones at the edge of pure noise (2,000 genes, 29,000 cells) the pairs found hold .9993 of the variance of the exact ones.
/// Vectors are orthonormal in either case. No random numbers; the same bits for any thread count. Cost 2 n^2 kLanczosSpace flops, in parallel, where DSYEVR takes 4/3 n^3 on one core.
/// Fewer pairs come back where the matrix has a lower rank.
matrix::SymmetricEigen leading_eigenpairs(const matrix::Dense<double>& symmetric, std::int64_t n_wanted, Context& context);

}  // namespace morula::analysis
