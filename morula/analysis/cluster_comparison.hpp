// How far two clusterings of the same cells agree.
#pragma once

#include <cstdint>
#include <span>

namespace morula::analysis {

/// Adjusted Rand index (Hubert & Arabie 1985): 1 for equal partitions, about 0 for unrelated ones. Labels are any integers.
/// 1 when both have one cluster, or both have a cluster for each cell. Throws usage when the lengths differ.
double adjusted_rand_index(std::span<const std::int32_t> a, std::span<const std::int32_t> b);

/// Mutual information over the mean of the entropies, as scikit-learn's normalized_mutual_info_score (arithmetic). 1 when both entropies are 0.
double normalized_mutual_information(std::span<const std::int32_t> a, std::span<const std::int32_t> b);

}  // namespace morula::analysis
