// The page of a simulation: what it shows is collected while the simulation runs, in bounded memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "morula/commands/scenario.hpp"
#include "morula/commands/simulate_tables.hpp"
#include "morula/core/context.hpp"
#include "morula/report/simulation_story.hpp"
#include "morula/simulation/readouts.hpp"
#include "morula/simulation/simulation.hpp"
#include "morula/simulation/state_file.hpp"

namespace morula::commands {

/// Memory that the page of a run takes at most.
inline constexpr std::int64_t kPageBytes = 5 * report::kMostFrameBytes / 2;

/// Looks at a simulation at equal intervals. Of the moments it keeps every one, every second, every fourth ... so that at most report::kMostFrames frames of at most
/// report::kMostFrameCells cells and report::kMostFrameBytes are held (about 25 MB of memory), and at most 1,000 rows of counts and of read-outs.
class StoryCollector {
public:
    /// every_min: between two looks. Throws resource_limit, with the scenario's file, where that memory is short.
    StoryCollector(const Scenario& scenario, double every_min, Context& context);
    ~StoryCollector();

    /// The first look is before anything has happened; the last one is finish's. readouts: all values of the moment, the same ones at every look.
    void observe(const simulation::Simulation& simulation, const std::vector<simulation::ReadoutValue>& readouts, Context& context);
    /// What it has seen so far; a new collector of the same scenario that loads it goes on as this one would.
    void save(simulation::StateWriter& out) const;
    void load(simulation::StateReader& in);
    /// The story so far, the simulation's state being its end; words on files, commands and machines are left to the caller.
    report::SimulationStory finish(const simulation::Simulation& simulation, Context& context);

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// The scenario's rates as pages show them.
std::vector<report::RateRow> rate_rows(const Scenario& scenario);

/// Where the states of cells come from, for pages; "": none were measured.
std::string measured_states_text(const Scenario& scenario);

/// What the page says about the run itself.
struct RunFacts {
    std::string command;        // that makes it again
    std::string out;            // folder as given
    std::string last_snapshot;  // below the folder
    std::string scenario_hash;
    double seconds = 0.0;       // of the simulation alone
    MovedCells moved;
    std::vector<std::string> warnings;
};
void describe_run(report::SimulationStory& story, const simulation::Simulation& simulation, const RunFacts& facts);

}  // namespace morula::commands
