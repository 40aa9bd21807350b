// One run of a scenario with one seed, in one folder: its tables, snapshots and fields, and the state from which it can go on.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "morula/commands/scenario.hpp"
#include "morula/commands/simulate_folders.hpp"
#include "morula/commands/simulate_tables.hpp"
#include "morula/commands/state_slots.hpp"
#include "morula/core/context.hpp"
#include "morula/simulation/state_file.hpp"

namespace morula::commands {

/// Somebody who looks on: at the start, at every report, and at the end. What it has seen is saved with the run, so that it need not look twice.
class RunWatcher {
public:
    virtual ~RunWatcher() = default;
    /// readouts: all values of the moment.
    virtual void look(const simulation::Simulation& simulation, const std::vector<simulation::ReadoutValue>& readouts) = 0;
    virtual void end(const simulation::Simulation& simulation, const MovedCells& moved, double seconds, const std::string& last_snapshot) = 0;
    virtual void save(simulation::StateWriter& out) const = 0;
    /// Instead of a look at the start.
    virtual void load(simulation::StateReader& in) = 0;
};

struct RunSettings {
    std::filesystem::path folder;
    double until_min = 0.0;
    double save_every_s = 60.0;  // of wall time, between saved states
    RunStart start = RunStart::fresh;
    std::function<void()> take_folder;  // called once the run can begin or go on, before it changes a file
    RunWatcher& watcher;
};

struct RunSummary {
    std::uint64_t seed = 0;
    double minutes = 0.0;
    std::int64_t n_cells = 0;
    std::int64_t births = 0;
    std::int64_t removals = 0;
    MovedCells moved;
    std::int64_t agent_steps = 0;
    std::int64_t bytes = 0;             // of agents, lists and fields
    double seconds = 0.0;               // in the simulation, all sessions together
    std::string final_hash;
    std::vector<std::string> outputs;   // below the folder
    StateSummary states;
};

/// Shows how far runs are, ten times a second at most: agent-steps so far and to come (for the cells of the moment), their speed, and with it the time left; steps where there are no cells.
/// Safe from any thread.
class RunProgress {
public:
    RunProgress(Context& context, std::size_t n_runs);
    /// Of run number `run`: agent-steps (or steps) of this session, and those to come.
    void at(std::size_t run, std::int64_t done, std::int64_t to_come);
    /// Passes it on, one at a time.
    void warning(const std::string& text);

private:
    struct Share {
        std::int64_t done = 0;
        std::int64_t to_come = 0;
    };
    Context& context_;
    std::mutex mutex_;
    std::vector<Share> shares_;
    std::chrono::steady_clock::time_point begin_;
    std::chrono::steady_clock::time_point next_;
};

/// Runs to the end, from the start or from the state in the folder. The state is saved every save_every_s, at the end, and when the Context is cancelled: then the tables so far are put in
/// place and a cancelled Error says how to go on. Whenever the process dies, the folder holds the last saved state and no half-written file under a final name. A run that went on leaves the
/// same files, to the last byte, as one that did not stop, state/ and seconds apart; the state stays, for a later --until.
/// A step that lasts longer than a few seconds after the cancellation is given up: then the last saved state is the one to go on from, and the Error says so.
/// threads: of this run; the Context's own threads may be busy with other seeds. progress: of all runs, and the number of this one among them.
/// Throws invalid_data where the state is of another scenario, seed or version, damaged, or later than until_min.
RunSummary run_scenario(const Scenario& scenario, const RunSettings& settings, std::int32_t threads, RunProgress& progress, std::size_t number, Context& context);
}  // namespace morula::commands
