// How often shuffled types give a ligand-receptor score as high as the one observed.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/analysis/communication.hpp"

namespace morula::analysis {

/// One number for each of `found`. types: -1 for cells that are not shuffled. Permutation i is a Fisher-Yates shuffle keyed by (seed, i). The observed score is computed in the same way
/// from the types as they are, so that equal labels give equal bits; as high is within a relative 1e-12.
std::vector<std::int64_t> permutations_as_high(const matrix::CompactColumns& genes, std::span<const PairGenes> pairs, std::span<const std::int32_t> types, std::int32_t n_types,
                                               std::span<const CoExpression> found, const CommunicationOptions& options, Context& context);

}  // namespace morula::analysis
