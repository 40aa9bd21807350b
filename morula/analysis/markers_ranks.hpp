// Ranks and ties of one gene's sorted keys: what every way of computing gene statistics ends with.
#pragma once

#include <cstdint>
#include <vector>

#include "morula/analysis/marker_statistics.hpp"

namespace morula::analysis {

/// How keys of one gene are made: something that orders as the values << shift | group.
struct KeyForm {
    int shift = 0;
};

template <class Key>
std::size_t group_of_key(Key key, KeyForm form) {
    return static_cast<std::size_t>(key & ((Key{1} << form.shift) - 1));
}

inline void add_entry(float value, float expm1, GroupSums& sums) {
    const double x = value;
    sums.sum += x;
    sums.sum_of_squares += x * x;
    sums.sum_expm1 += static_cast<double>(expm1);
    sums.n_nonzero += 1.0;
}

inline double tie_cube(double t) { return t * t * t - t; }

/// All zero, in the sizes of these groups.
void reset_statistics(const CellGroups& groups, PairwiseWins pairwise, GeneStatistics& out);

/// What zeros add once out.sums are full: they lie below all; each beats nothing and ties with the zeros of other groups. scratch.below: zeros of each group.
void add_zeros(const CellGroups& groups, double n_zero, GeneScratch& scratch, GeneStatistics& out);

/// Sorts the keys of all values that are not zero and adds ranks, ties and pairwise wins, zeros included; out.sums must be full. For uint32 and uint64 keys; those of 64 bits have a shift of 32.
template <class Key>
void rank_keys(std::vector<Key>& keys, KeyForm form, std::vector<Key>& spare, const CellGroups& groups, GeneScratch& scratch, GeneStatistics& out);

}  // namespace morula::analysis
