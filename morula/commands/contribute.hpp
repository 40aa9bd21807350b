// `morula contribute`: what each cell type of a scenario contributes to its read-outs, over seeds and over draws of the guessed rates.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "morula/commands/command.hpp"
#include "morula/commands/scenario.hpp"
#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/simulation/contribution.hpp"

namespace morula::commands {

Command contribute_command();

/// What stands above every table and page of it.
inline constexpr const char* kContributionHeading = "What this scenario implies";

/// Tables and page of a study in its folder; beside them run.json and contribute.state.
inline const std::initializer_list<std::string_view> kContributionFiles{"contribution.csv", "drivers.csv", "runs.csv", "draws.csv", "report.html"};

inline constexpr std::string_view kKeptRunsFile = "contribute.state";

struct ContributeOptions {
    std::string scenario;
    std::string out;
    std::optional<std::vector<std::string>> types;
    std::optional<std::vector<std::string>> readouts;
    std::vector<std::string> interventions = {"inert"};
    std::int64_t seeds = 20;
    std::int64_t draws = 100;
    std::int64_t permutations = 20;
    std::optional<std::int64_t> seed;
    std::optional<double> until;
    bool resume = false;
};

constexpr auto describe(const ContributeOptions*) {
    using O = ContributeOptions;
    return std::tuple{
        field("scenario", &O::scenario, "Scenario (TOML) with read-outs; files that it names lie beside it.", {.positional = true, .required = true}),
        field("out", &O::out, "Folder for contribution.csv, drivers.csv, runs.csv, draws.csv, report.html and run.json.", {.required = true}),
        field("types", &O::types, "Cell types to ask about; without it all that have cells."),
        field("readouts", &O::readouts, "Read-outs to ask about, whole (oxygen) or one number of them (oxygen.low); without it all."),
        field("interventions", &O::interventions, "What is done to a type: inert (cells of equal size that do nothing), remove, silence (no exchange, no rules)."),
        field("seeds", &O::seeds, "Seeds, each with and without the intervention: the scenario's and those that follow it.", {.minimum = 1.0, .maximum = 1e6}),
        field("draws", &O::draws, "Draws of all guessed rates from their priors; 0: none.", {.minimum = 0.0, .maximum = 1e6}),
        field("permutations", &O::permutations, "Orders in which types join, for Shapley shares of more than 4 types; even; 0: no shares of so many.", {.minimum = 0.0, .maximum = 1e6}),
        field("seed", &O::seed, "First seed, instead of the scenario's; draws and permutations follow it as well.", {.minimum = 0.0}),
        field("until", &O::until, "Minute to read at, instead of the scenario's end.", {.minimum = 0.0, .maximum = 1e8, .unit = "min"}),
        field("resume", &O::resume, "Go on from the runs that an earlier call of the same study left in the folder."),
    };
}

/// One number of a read-out, such as "oxygen.low".
struct WantedReadout {
    std::size_t readout = 0;  // of the scenario's read-outs
    std::size_t part = 0;     // of the numbers that it gives
    std::string name{};
    std::string unit{};
};

/// All that runs have in common.
struct ContributionStudy {
    ScenarioSource source;
    Scenario scenario{};                  // with its guesses
    double until_min = 0.0;
    std::vector<std::size_t> types{};     // numbers in the model, one a player of the plan
    std::vector<WantedReadout> wanted{};  // those of one read-out lie together
    std::vector<std::size_t> guessed{};   // numbers of the scenario's guessed rates that have a prior
    std::vector<double> drawn{};          // draws x guessed, in the rates' own units
    simulation::ContributionPlan plan{};
};

struct FinishedRuns {
    std::vector<double> values;      // runs of the plan x wanted numbers; NaN where a read-out has no value
    std::int64_t agent_steps = 0;    // of all of them
    std::int64_t n_resumed = 0;
    double seconds = 0.0;            // that they took, in all calls together
};

/// Reads the scenario, finds types and read-outs by name, draws the rates, plans the runs and says what they need. Throws not_found for an unknown name (with the nearest), invalid_data for
/// a scenario without read-outs and for a draw that cannot run, resource_limit where memory is short.
ContributionStudy plan_study(const ContributeOptions& options, Context& context);
/// Runs side by side, one thread each: the same values with any number of threads. What is finished is kept in the folder from time to time, when the study is stopped and at the end, and
/// --resume goes on from there; else an earlier study in the folder is cleared away. Throws invalid_data where what was kept is of another study, usage where the folder holds tables of a study
/// whose runs are gone.
FinishedRuns run_study(const ContributionStudy& study, const ContributeOptions& options, Context& context);
simulation::ContributionTable tabulate(const ContributionStudy& study, const FinishedRuns& runs);

void write_contribution_csv(const std::filesystem::path& folder, const simulation::ContributionTable& table);
void write_drivers_csv(const std::filesystem::path& folder, const simulation::ContributionTable& table);
/// Every number of every run, and the rates of every draw, so that each row can be recomputed.
void write_runs_csv(const std::filesystem::path& folder, const ContributionStudy& study, const FinishedRuns& runs);
void write_draws_csv(const std::filesystem::path& folder, const ContributionStudy& study);
std::string contribution_text(const simulation::ContributionTable& table, const Scenario& scenario);
std::string contribution_json(const std::string& out, const simulation::ContributionTable& table, const FinishedRuns& runs);

}  // namespace morula::commands
