// Everything the page of a contribution table shows, as plain structs: the command fills them, render_contribution() draws them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "morula/report/simulation_story.hpp"

namespace morula::report {

/// What one type contributes to one read-out: the read-out as the tissue is less that with the intervention. NaN: not known.
struct ContributionRow {
    std::string type;
    std::string intervention;   // "inert", "remove", "silence"
    double effect = kMissing;
    double low = kMissing, high = kMissing;            // over draws of the guessed rates
    double seed_low = kMissing, seed_high = kMissing;  // over seeds alone
    double shapley = kMissing, shapley_se = kMissing;
    bool is_written_in = false;  // the scenario links type and read-out in one step
    std::int64_t n_seeds = 0, n_draws = 0;
};

/// How much of the spread of an answer over the draws one guessed rate carries.
struct RateDriver {
    std::string type;           // whose effect; "": the read-out itself
    std::string intervention;   // "" with it
    std::string rate;
    double share = kMissing;
    double by_chance = kMissing;  // 95 % of rates that do nothing stay below
};

struct ContributionReadout {
    std::string name;
    std::string unit;
    double intact_mean = kMissing;  // everybody as they are, mean over the seeds
    std::vector<ContributionRow> rows;
    std::vector<RateDriver> drivers;
    std::string meaning{};  // one sentence, or ""
};

struct ContributionStory {
    std::string title;  // of the scenario
    double minutes = 0.0;
    std::int64_t n_seeds = 0, n_draws = 0;
    std::vector<NameValue> interventions;  // name and what is done
    std::vector<ContributionReadout> readouts;
    std::vector<RateRow> rates;
    std::string unsourced;        // see SimulationStory
    std::vector<std::string> notes;
    std::string measured_states;  // see SimulationStory
    RunRecord record;
};

}  // namespace morula::report
