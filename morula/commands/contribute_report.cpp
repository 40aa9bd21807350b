#include "morula/commands/contribute_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "morula/commands/readout_words.hpp"
#include "morula/commands/simulate_report.hpp"
#include "morula/core/version.hpp"
#include "morula/report/html.hpp"

namespace morula::commands {
namespace {

using simulation::Contribution;
using simulation::ContributionTable;
using simulation::Intervention;
using simulation::RateShare;

std::string meaning_of(Intervention intervention) {
    switch (intervention) {
        case Intervention::inert: return "swapped for cells of equal size in the same places that do nothing";
        case Intervention::remove: return "not there";
        case Intervention::silence: return "live and crawl, without secretion, uptake and rules";
    }
    return "";
}

/// "": none of that name.
std::string words_of(const std::string& value, const Scenario& scenario) {
    for (const simulation::Readout& readout : scenario.readouts) {
        const std::vector<std::string> names = readout_names(readout);
        const auto found = std::find(names.begin(), names.end(), value);
        if (found != names.end()) return readout_words(readout, scenario.model)[static_cast<std::size_t>(found - names.begin())];
    }
    return "";
}

std::string type_of(const ContributionTable& table, std::int32_t type) { return type == RateShare::kAllIntact ? "" : table.types[static_cast<std::size_t>(type)]; }

report::ContributionReadout readout_of(const ContributionTable& table, std::int32_t number) {
    const auto r = static_cast<std::size_t>(number);
    report::ContributionReadout out{table.readouts[r], table.units[r], table.intact_mean[r], {}, {}};
    for (std::size_t k = 0; k < table.rows.size(); ++k) {
        const Contribution& row = table.rows[k];
        if (row.readout != number) continue;
        out.rows.push_back({type_of(table, row.type), std::string(intervention_name(row.intervention)), row.effect, row.low, row.high, row.seed_low, row.seed_high, row.shapley, row.shapley_se, table.written_in[k] != 0, row.n_seeds, row.n_draws});
    }
    for (const RateShare& share : table.drivers) {
        if (share.readout != number) continue;
        const bool is_all = share.type == RateShare::kAllIntact;
        out.drivers.push_back({type_of(table, share.type), is_all ? "" : std::string(intervention_name(share.intervention)), table.rates[static_cast<std::size_t>(share.rate)], share.share, share.by_chance});
    }
    return out;
}

}  // namespace

report::ContributionStory contribution_story(const Scenario& scenario, const ContributionTable& table, const ContributionFacts& facts) {
    report::ContributionStory story;
    story.title = table.title;
    story.n_seeds = table.options.seeds;
    story.n_draws = table.options.draws;
    for (const Intervention intervention : table.options.interventions) story.interventions.push_back({std::string(intervention_name(intervention)), meaning_of(intervention)});
    for (std::int32_t readout = 0; readout < std::ssize(table.readouts); ++readout) {
        story.readouts.push_back(readout_of(table, readout));
        story.readouts.back().meaning = words_of(story.readouts.back().name, scenario);
    }
    story.rates = rate_rows(scenario);
    story.unsourced = unsourced_text(scenario.unsourced);
    story.measured_states = measured_states_text(scenario);
    story.notes = facts.warnings;
    story.record.outputs = {{"contribution.csv", "the table: effect, both intervals, Shapley share, written in"},
                            {"drivers.csv", "share of the variance that each guessed rate explains"},
                            {"runs.csv", "every number of every run"},
                            {"draws.csv", "the rates of every draw"},
                            {"run.json", "options, hashes, speed, warnings"},
                            {"report.html", "this page"}};
    story.record.reproduce = facts.command;
    story.record.versions = {{"Morula", std::string(kVersion)},
                             {"runs", report::count_text(facts.n_runs)},
                             {"seconds of simulation", report::number_text(facts.seconds, 4)},
                             {"agent steps a second", report::number_text(facts.agent_steps_per_second, 3)},
                             {"hash of the scenario", scenario.hash}};
    return story;
}

}  // namespace morula::commands
