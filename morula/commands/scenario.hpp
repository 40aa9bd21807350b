// A tissue scenario: the TOML file that says what is simulated, with the unit and the source of every rate.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "morula/commands/scenario_kept.hpp"
#include "morula/core/context.hpp"
#include "morula/simulation/readouts.hpp"
#include "morula/simulation/simulation.hpp"

namespace morula::commands {

enum class Evidence { measured, literature, fitted, guessed };
std::string_view evidence_name(Evidence evidence);

/// One rate of a scenario as it stands there, for the table of what is measured, literature, fitted and guessed.
struct ScenarioRate {
    std::string name{};  // "cell_type 'tumor', uptake of oxygen"; no other rate of the scenario has it
    double value = 0.0;
    std::string unit{};
    Evidence source = Evidence::guessed;
    std::string citation{};                        // of measured and literature; of fitted: what it was fitted to
    std::optional<std::array<double, 2>> prior{};  // lowest and highest, in the rate's unit, of a guess; a guess without one, of a rule that no [[rule_source]] speaks of, is never drawn
    std::int64_t line = 0;                         // 0: not in the file, the default
    std::string file{};                            // that the line is of: the file of rules; "": the scenario
};

/// What a scenario is read from.
struct ScenarioFile {
    std::filesystem::path path;
    std::string hash;  // of its bytes; of an atlas, which is a folder, of the states that were read from it

    bool operator==(const ScenarioFile&) const = default;
};

/// Numbers that shape a run and have no source and no prior.
struct UnsourcedNumbers {
    std::int64_t rules = 0;   // saturations, half-maxima and Hill powers that no [[rule_source]] speaks of; they are among the rates, as guesses
    std::int64_t perturbations = 0;
    std::int64_t shares = 0;  // in tables of cell types among [[cells]]

    /// Those that stand in no table of rates.
    std::int64_t hidden() const { return perturbations + shares; }
    std::int64_t all() const { return rules + perturbations + shares; }
};

/// When a perturbation acts: once, or with each of its doses.
struct ScenarioOnset {
    std::string name{};  // "perturbation 2 (removal)"
    std::int64_t line = 0;
    std::vector<double> minutes{};       // as the scenario gives them
    std::vector<double> ends_before{};   // one a minute: a run that ends there or before shows nothing of it
};

struct Scenario {
    std::string title;
    std::string hash;  // of the scenario's file and of those that it names
    simulation::Model model;
    simulation::Agents start;
    std::vector<ScenarioRate> rates;
    UnsourcedNumbers unsourced{};
    std::vector<ScenarioFile> files;  // its rules, where its cells come from and, last, its own: no output may take their place
    std::vector<simulation::Readout> readouts;
    std::vector<ScenarioOnset> onsets{};  // one a perturbation
    double until_min = 0.0;
    double every_min = 60.0;  // between rows of composition.csv
    double snapshot_every_min = 0.0;  // a whole multiple of every_min; 0: the last state alone
};

/// How many rates have each source, in the order of Evidence.
std::array<std::int64_t, 4> count_sources(const Scenario& scenario);
/// Where a rate stands: "12", "rules.csv, 3"; "": nowhere, it is a default.
std::string line_text(const ScenarioRate& rate);
/// How many numbers have no source, in a sentence or two; "": none.
std::string unsourced_text(const UnsourcedNumbers& numbers);
/// The minute that a run until `until_min` stops at: a whole number of mechanics steps. Throws invalid_data where these are 2^32 or more. path: of the scenario, for the message.
double last_minute(const Scenario& scenario, double until_min, const std::filesystem::path& path);

/// See docs/steps/simulate.md for the form. Files that it names (rules, cells) lie beside it.
/// Throws not_found, or invalid_data with file and line: text that is no TOML, an unknown key (with the nearest), a missing one, a rate without unit or source, of an
/// unknown unit, below 0 or beyond what is physical, measured or literature without a citation, fitted to nothing, a guess without a prior; and what Simulation refuses.
Scenario read_scenario(const std::filesystem::path& path, Context& context);

/// Values of guessed rates by ScenarioRate::name, each in its rate's own unit.
using RateValues = std::map<std::string, double>;

/// A scenario whose files are read once: what they hold is kept for as many readings as are wanted, also when a file changes in the meantime.
class ScenarioSource {
public:
    explicit ScenarioSource(std::filesystem::path path);
    /// The scenario with these values in place of its guesses; the rest, its hash and the names of its rates are as they are. From any thread. Throws what read_scenario throws for the
    /// scenario that this makes, and not_found for a name that is no guessed rate of it.
    Scenario read(const RateValues& instead, Context& context) const;

private:
    std::filesystem::path path_;
    std::shared_ptr<KeptParts> kept_;
};

}  // namespace morula::commands
