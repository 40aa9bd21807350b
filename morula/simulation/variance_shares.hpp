// How much of the spread of an answer comes from each of the numbers that were drawn.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace morula::simulation {

struct VarianceShares {
    std::vector<double> share;  // one an input, 0 to 1; NaN where the answer or too few draws say nothing
    double by_chance = 0.0;     // the share that 95 % of inputs stay below that have nothing to do with the answer
};

/// Draws that shares need at least.
inline constexpr std::int64_t kFewestDrawsForShares = 20;

/// First-order variance shares, Var(E[answer | input]) / Var(answer) (Sobol' 1993), from the draws themselves: draws are sorted by the input into about sqrt(n) (at most 32) bins of equal
/// size, and the share is the correlation ratio between bins, adjusted for the number of bins (epsilon squared, Kelley 1935), 0 where that is below 0. It finds bent and
/// humped answers too, and needs no further runs (given-data estimators: Plischke, Borgonovo & Smith 2013). What inputs do only together is in nobody's share, nor is chance, so
/// that shares of independent inputs add up to 1 at most, but for noise. An input that is the same in all draws has share 0; an answer that is, NaN for all; so has one with draws
/// without a value where fewer than kFewestDrawsForShares are left.
/// by_chance: from 999 shuffles of the answer, keyed by the seed.
/// inputs: n_draws x n_inputs, row a draw; answer: n_draws. Cost O(n_inputs n log n).
VarianceShares variance_shares(std::span<const double> inputs, std::int64_t n_inputs, std::span<const double> answer, std::uint64_t seed);

}  // namespace morula::simulation
