// Everything the page of several seeds shows, as plain structs: the command fills them, render_seeds() draws them. Times in min.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "morula/report/simulation_story.hpp"

namespace morula::report {

/// One number over time in every seed: n_seeds x n_minutes, NaN where it is not defined.
struct SeedSeries {
    std::string name;
    std::string unit;  // "": cells
    std::vector<std::vector<double>> value;
    std::string meaning{};  // of a read-out in one sentence, or ""
};

struct SeedRow {
    std::uint64_t seed = 0;
    std::string page;  // where its own page is, below this one's folder
    std::int64_t n_cells = 0, births = 0, removals = 0;
    std::int64_t put_in = 0, taken_out = 0;  // by perturbations; the latter are among the removals
    std::string final_hash;
};

struct SeedsStory {
    std::string title;
    double minutes = 0.0;
    std::vector<std::string> notes;   // what a reader must know first: warnings of the runs, each a sentence
    std::string measured_states;      // as of a SimulationStory
    std::vector<SeedRow> seeds;
    std::vector<double> minute;
    std::int64_t every = 1;           // one minute of so many that the tables hold; above 1 the page says so
    std::vector<SeedSeries> types;    // living cells of each
    SeedSeries dead;                  // of all types
    std::vector<SeedSeries> readouts;
    std::vector<RateRow> rates;
    std::string unsourced;            // as of a SimulationStory
    RunRecord record;
};

}  // namespace morula::report
