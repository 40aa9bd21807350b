// SIMD kernels of what is summed over the non-zeros of a cell: rows of labels or components, weighted by its values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace morula::models {

/// Rows of label values have this many or a multiple of it, those behind the last label zero.
inline constexpr std::int64_t kLabelPadding = 4;
inline std::int64_t padded_labels(std::int64_t n_labels) { return (n_labels + kLabelPadding - 1) / kLabelPadding * kLabelPadding; }

/// The same of components, in float32.
inline constexpr std::int64_t kComponentPadding = 16;
inline std::int64_t padded_components(std::int64_t n) { return (n + kComponentPadding - 1) / kComponentPadding * kComponentPadding; }

/// sums[l] += values[i] * rows[ids[i] * sums.size() + l], i in order for each l: the same bits on every processor. sums.size() is a multiple of kLabelPadding.
void add_scaled_rows(std::span<const std::uint32_t> ids, std::span<const float> values, const double* rows, std::span<double> sums);
void add_scaled_rows(std::span<const std::uint32_t> ids, std::span<const float> values, const float* rows, std::span<float> sums);  // sums.size(): a multiple of kComponentPadding
/// The same without vectors: what they are tested against.
void add_scaled_rows_plain(std::span<const std::uint32_t> ids, std::span<const float> values, const double* rows, std::span<double> sums);
void add_scaled_rows_plain(std::span<const std::uint32_t> ids, std::span<const float> values, const float* rows, std::span<float> sums);

}  // namespace morula::models
