// SIMD kernel of Harmony: soft memberships of one cell from its scores.
#pragma once

#include <span>

namespace morula::analysis::harmony_detail {

/// scores[k] <- exp(scores[k] + penalty[k]) / sum; returns the log of the sum. Both spans have the same length, at least 1.
double soft_memberships(std::span<const float> penalty, std::span<float> scores);
/// The same with std::exp.
double soft_memberships_plain(std::span<const float> penalty, std::span<float> scores);

/// sums[k] += values[k]
void add_to(std::span<const float> values, std::span<double> sums);

}  // namespace morula::analysis::harmony_detail
