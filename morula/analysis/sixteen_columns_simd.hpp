// A matrix times sixteen columns, read once and packed nowhere: the inner loop of block Lanczos.
#pragma once

#include <cstdint>

namespace morula::analysis {

inline constexpr std::int64_t kSixteenColumns = 16;

/// out = rows * block, row-major without gaps: n_rows x n_cols times n_cols x 16. Products are fused with their sums where the processor can; the last bits of sums depend on that alone.
void times_sixteen_columns(const double* rows, std::int64_t n_rows, std::int64_t n_cols, const double* block, double* out);
/// The same by the definition.
void times_sixteen_columns_plain(const double* rows, std::int64_t n_rows, std::int64_t n_cols, const double* block, double* out);

}  // namespace morula::analysis
