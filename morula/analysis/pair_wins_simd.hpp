// How often a cell of one group lies above a cell of another, for every pair of groups, along one sorted gene.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace morula::analysis {

/// Room of one task.
struct PairWinsScratch {
    std::vector<std::uint32_t> below;  // twice the cells below the run at hand
    std::vector<std::uint32_t> run;
    std::vector<std::uint32_t> wins;   // twice the wins that are not in `wins` of the caller yet
};

/// keys: value bits << 32 | group, sorted by value. below: cells of each group that lie below all keys. wins (groups x groups, rows win over columns): for each
/// key adds the cells below it and half of those of equal value, itself not counted where it is alone. Halves are exact, so all ways give the same bits.
void add_pair_wins(std::span<const std::uint64_t> keys, std::span<const double> below, PairWinsScratch& scratch, std::span<double> wins);
/// The same in float64, key by key.
void add_pair_wins_plain(std::span<const std::uint64_t> keys, std::span<const double> below, std::span<double> wins);

}  // namespace morula::analysis
