// Matrices of AnnData files as row sources: CSR and dense read from the file block by block, CSC turned around in memory at first use.
#pragma once

#include <cstdint>
#include <string>

#include "morula/core/context.hpp"
#include "morula/formats/hdf5/h5.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::formats::h5 {

enum class MatrixForm { csr, csc, dense };

struct MatrixInfo {
    MatrixForm form = MatrixForm::dense;
    std::int64_t n_rows = 0;
    std::int64_t n_cols = 0;
    std::int64_t nnz = 0;  // dense: n_rows * n_cols
};

/// From attributes and extents only. `object` is the group of a sparse matrix or a dense data set. Throws invalid_data when it is neither.
MatrixInfo matrix_info(const Object& object);

/// The matrix as rows. CSR (H5CsrSource): indptr is read and checked now, the rest on demand; unsorted rows are sorted, zeros dropped;
/// read() throws invalid_data for columns out of range or named twice in a row. Zeros of dense matrices are dropped too.
/// Throws resource_limit when a CSC matrix does not fit the memory budget.
matrix::Matrix open_matrix(const Object& object, Context& context);

/// The same where the parts are known to lie elsewhere (10x files): data, indices and indptr are children of `group`, rows are what indptr counts.
matrix::Matrix open_csr(const Object& group, std::int64_t n_rows, std::int64_t n_cols);

}  // namespace morula::formats::h5
