// Where doublet scores are cut: in the valley between cells and simulated doublets, else by the expected rate.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace morula::analysis {

/// observed, simulated: for each cell and each simulated doublet how many of its n_neighbors neighbours are simulated; rate: expected share of doublets.
/// Returns the level at which, going up from the mode of the cells, doublets begin to be the likelier explanation: rate * share of simulated at this level
/// is half or more of the share of cells there (both smoothed over n_neighbors / 60 levels). Cells above the level are called.
/// None when that never happens, when fewer than 5 % of the simulated doublets stand above, or when more than 3 times the expected doublets would be called.
/// Differs from Scrublet, which looks for two modes of the simulated scores alone: doublets of two alike cells fill the valley between those.
std::optional<std::int32_t> valley_level(std::span<const std::int32_t> observed, std::span<const std::int32_t> simulated, std::int32_t n_neighbors, double rate);

/// The score that at most `share` of the scores exceed (ties stay below). Infinity when no score may be above.
double threshold_for_share(std::span<const float> scores, double share);

}  // namespace morula::analysis
