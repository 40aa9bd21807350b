// Gains and losses of one group of cells: stretches of the genome by a three-state hidden Markov model, and whole arms by a test.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

#include "morula/analysis/cnv_profile.hpp"
#include "morula/core/describe.hpp"

namespace morula::analysis {

enum class CopyState : std::int8_t { loss = -1, neutral = 0, gain = 1 };
/// "loss", "neutral", "gain".
std::string_view copy_state_name(CopyState state);

struct CnvCallOptions {
    double min_shift = 0.2;
    double alpha = 0.01;
};
constexpr auto describe(const CnvCallOptions*) {
    using O = CnvCallOptions;
    return std::tuple{
        field("min_shift", &O::min_shift, "Smaller shifts are not called, however sure; one copy more of two is .58, one less is -1, in all cells of a clone.", {.minimum = 0.0, .maximum = 4.0, .unit = "log2"}),
        field("alpha", &O::alpha, "Chance of one false call in a clone, by the arms and stretches tested (Bonferroni).", {.minimum = 0.0, .maximum = 1.0}),
    };
}

/// Neighbouring genes of one state.
struct CnvSegment {
    std::int64_t first_gene = 0;
    std::int64_t last_gene = 0;  // the last one, not past it
    std::int32_t chromosome = 0;
    CopyState state = CopyState::neutral;
    double mean = 0.0;           // log2 against level 0; NaN where no gene can be used
    double z = 0.0;
    double posterior = 0.0;      // mean probability of the state over its genes
    std::int64_t n_genes = 0;    // that can be used
};

struct CnvArm {
    std::int32_t arm = 0;
    CopyState state = CopyState::neutral;
    double mean = 0.0;
    double z = 0.0;
    double log10_p = 0.0;        // two-sided, calibrated; NaN where it is not tested
    std::int64_t n_genes = 0;
    bool is_tested = false;      // has at least 15 genes
};

struct CnvCalls {
    std::vector<CnvSegment> segments;  // cover every gene, in the order of the genome
    std::vector<CnvArm> arms;          // n_arms
    std::vector<CopyState> state;      // n_genes
    std::vector<double> level;         // n_genes: mean of the gene's segment where it is called, else 0
    bool any() const;                  // whether anything is gained or lost
};

/// Segments: Viterbi's path through loss, neutral and gain within each chromosome. A gene's evidence is its ratio with its own variance, widened by the ratios' inflation and by
/// null_inflation, its deviation held at 3; the state changes with a chance of 1 in n_genes, so that a stretch must be about six standard errors away, but from one arm to the other with 1 in 5, as between chromosomes. The levels of
/// loss and gain are the clone's own: they start at -.7 and .5, and again at -1 and .58, and become the means of the genes put there, at most 10 times; the likelier path of the two is taken. A stretch whose p is above alpha / the number of
/// 25-gene blocks, or whose mean is nearer 0 than min_shift, is neutral after all. Posteriors by forward and backward sums.
/// Arms: the mean of an arm's genes against level 0, p by cnv_log10_p against alpha / the number of arms tested, |mean| >= min_shift, and both halves of the arm
/// moved by at least half of that, and no part of at most three quarters of its genes has a z whose square is larger than the arm's by 2 ln(n_genes^2 / 2), what the best of so many parts gains by
/// chance: a stretch within an arm does not make an arm. A called arm's neutral genes join its state.
CnvCalls call_changes(const CnvRatios& ratios, const CnvGenome& genome, double null_inflation, const CnvCallOptions& options);

}  // namespace morula::analysis
