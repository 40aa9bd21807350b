// What each cell type contributes to each read-out of a scenario: which runs that takes, and the table that they make.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "morula/simulation/interventions.hpp"
#include "morula/simulation/shapley.hpp"

namespace morula::simulation {

struct ContributionOptions {
    std::int64_t seeds = 20;
    std::int64_t draws = 100;         // of the guessed rates; 0: none
    std::int64_t permutations = 20;   // even; for Shapley shares of more types than are exact; 0: no shares of so many
    std::vector<Intervention> interventions = {Intervention::inert};
    std::uint64_t seed = 0;           // of permutations and shuffles
};

/// Types up to which Shapley shares are exact.
inline constexpr std::int32_t kExactTypes = 4;
/// Draws below which `low` and `high` are no headline.
inline constexpr std::int64_t kFewestDraws = 100;

/// One run of the scenario: with the rates of a draw, or as they stand (kAsGuessed), from one of the seeds, with an intervention on the types that are not intact.
struct ContributionRun {
    static constexpr std::int64_t kAsGuessed = -1;
    std::int64_t draw = kAsGuessed;
    std::int64_t seed = 0;  // number of the seed, from 0; draw d has seed d modulo the seeds
    Intervention intervention = Intervention::inert;  // the plan's first where all are intact
    Coalition intact = 0;   // of the types that are asked about

    auto operator<=>(const ContributionRun&) const = default;
};

/// All runs that the table needs, each once, in order: (types + 1) for each seed and each draw, with all types intact and with one at a time intervened on; and for Shapley
/// shares the other coalitions, all of them at every seed for up to kExactTypes, else those along the permutations, each pair of which has one seed.
struct ContributionPlan {
    std::int32_t n_types = 0;
    ContributionOptions options;
    std::vector<ContributionRun> runs;

    Coalition all() const { return everybody(n_types); }
    std::int64_t n_pairs() const { return options.permutations / 2; }
    std::int64_t seed_of_pair(std::int64_t pair) const { return pair % options.seeds; }
    std::int64_t seed_of_draw(std::int64_t draw) const { return draw % options.seeds; }
    /// Number of a run; it must be there.
    std::size_t find(ContributionRun run) const;
};

/// Throws usage for no seeds, an odd or negative number of permutations, negative draws, no intervention or one given twice; invalid_data for no type and more than kMostPlayers.
ContributionPlan plan_contributions(std::int32_t n_types, ContributionOptions options);

/// One row of contribution.csv. The effect is the read-out as the tissue is minus the read-out with the intervention: what the type adds.
struct Contribution {
    std::int32_t type = 0;     // of those asked about
    std::int32_t readout = 0;
    Intervention intervention = Intervention::inert;
    double effect = 0.0;       // mean over the seeds, rates as they are guessed
    double low = 0.0;          // 2.5 and 97.5 % quantiles over the draws of the guessed rates, each with one seed: guesses and chance
    double high = 0.0;
    double seed_low = 0.0;     // 95 % interval of the mean over seeds, Student's t of the paired differences: chance alone; NaN with one seed
    double seed_high = 0.0;
    double shapley = 0.0;      // mean share; NaN where none was asked for
    double shapley_se = 0.0;   // standard error: over seeds where exact, over pairs of permutations (each with one seed) where sampled
    std::int64_t n_seeds = 0;  // pairs in which the read-out had a value
    std::int64_t n_draws = 0;
};

/// values: runs of the plan x read-outs, NaN where a read-out has no value; such pairs are left out and not counted, a Shapley share that needs one is NaN.
/// With no draws in the plan low and high are NaN. Rows by read-out, then type, then intervention.
std::vector<Contribution> contributions(const ContributionPlan& plan, std::span<const double> values, std::int64_t n_readouts);

/// Mean of a read-out over the seeds, everybody as they are and the rates as they are guessed; of those that have a value.
double intact_mean(const ContributionPlan& plan, std::span<const double> values, std::int64_t n_readouts, std::int32_t readout);

/// How much of the spread of one answer over the draws comes from one guessed rate (see variance_shares).
struct RateShare {
    static constexpr std::int32_t kAllIntact = -1;
    std::int32_t type = kAllIntact;  // kAllIntact: the answer is the read-out itself, else the effect of the type's intervention
    std::int32_t readout = 0;
    Intervention intervention = Intervention::inert;
    std::int32_t rate = 0;
    double share = 0.0;
    double by_chance = 0.0;          // 95 % of rates that do nothing stay below
};

/// rates: draws of the plan x n_rates. Rows by read-out, then type, intervention and rate. Empty without draws.
std::vector<RateShare> rate_shares(const ContributionPlan& plan, std::span<const double> values, std::int64_t n_readouts, std::span<const double> rates, std::int64_t n_rates);

/// The value of a guessed rate in a draw, from its prior: even in the logarithm where the prior spans more than a factor of 10 above 0, else even. Keyed by (seed, rate, draw).
double draw_from_prior(double low, double high, std::uint64_t seed, std::int64_t rate, std::int64_t draw);

/// The whole result, with its names, for tables and pages.
struct ContributionTable {
    std::string title;                   // of the scenario
    std::vector<std::string> types;      // those asked about
    std::vector<std::string> readouts;
    std::vector<std::string> units;      // one a read-out
    std::vector<double> intact_mean;     // one a read-out: mean over the seeds, everybody as they are
    std::vector<std::string> rates;      // the guessed ones
    ContributionOptions options;
    std::vector<Contribution> rows;
    std::vector<std::uint8_t> written_in;  // one a row
    std::vector<RateShare> drivers;
};

}  // namespace morula::simulation
