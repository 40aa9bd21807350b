#include "morula/commands/simulate_seeds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "morula/commands/readout_words.hpp"
#include "morula/commands/simulate_report.hpp"
#include "morula/core/error.hpp"
#include "morula/core/version.hpp"
#include "morula/report/html.hpp"

namespace morula::commands {
namespace {

constexpr std::int64_t kMostMinutes = 400;
constexpr std::int64_t kMostNumbers = 8'000'000;

/// A number as our tables have it; an empty field is none.
double number_of(const std::string& text) {
    double value = std::numeric_limits<double>::quiet_NaN();
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::size_t n_phases(const Scenario& scenario) {
    std::size_t n = 0;
    for (const simulation::CellType& type : scenario.model.types) n += type.life.phases.size();
    return n;
}

std::vector<report::SeedSeries> readout_series(const Scenario& scenario) {
    std::vector<report::SeedSeries> series;
    for (const simulation::Readout& readout : scenario.readouts) {
        const std::vector<std::string> names = readout_names(readout);
        const std::vector<std::string> words = readout_words(readout, scenario.model);
        for (std::size_t part = 0; part < names.size(); ++part) series.push_back({names[part], readout_unit(readout, part, scenario.model), {}, words[part]});
    }
    return series;
}

}  // namespace

SeedsCollector::SeedsCollector(const Scenario& scenario, std::int64_t n_seeds, Context& context) : scenario_(scenario) {
    for (const simulation::CellType& type : scenario.model.types) story_.types.push_back({type.name, "", {}});
    story_.dead = {std::string(report::kDeadCells), "", {}};
    story_.readouts = readout_series(scenario);
    const auto n_series = std::ssize(story_.types) + 1 + std::ssize(story_.readouts);
    most_minutes_ = std::clamp<std::int64_t>(kMostNumbers / (n_seeds * n_series), 2, kMostMinutes);
    context.require_memory(static_cast<std::int64_t>(sizeof(double)) * n_seeds * n_series * most_minutes_, "the page of all seeds");
}

template <class Body>
void SeedsCollector::for_kept_minutes(const formats::RawTable& table, std::size_t rows_a_minute, const Body& body) {
    if (rows_a_minute == 0) return;
    MORULA_ASSERT(table.rows.size() % rows_a_minute == 0);
    const auto n = static_cast<std::int64_t>(table.rows.size() / rows_a_minute);
    const std::int64_t every = std::max<std::int64_t>(1, (n - 1 + most_minutes_ - 2) / (most_minutes_ - 1));
    story_.every = every;
    for (std::int64_t minute = 0; minute < n; ++minute) {
        if (minute % every == 0 || minute == n - 1) body(static_cast<std::size_t>(minute) * rows_a_minute);
    }
}

void SeedsCollector::add_composition(const formats::RawTable& table) {
    const bool is_first = story_.minute.empty();
    for (report::SeedSeries& type : story_.types) type.value.emplace_back();
    std::vector<double>& dead = story_.dead.value.emplace_back();
    for_kept_minutes(table, n_phases(scenario_), [&](std::size_t row) {
        if (is_first) story_.minute.push_back(number_of(table.rows[row][0]));
        dead.push_back(0.0);
        for (std::size_t type = 0; type < story_.types.size(); ++type) {
            double& living = story_.types[type].value.back().emplace_back(0.0);
            for (const simulation::Phase& phase : scenario_.model.types[type].life.phases) (phase.is_dead ? dead.back() : living) += number_of(table.rows[row++][3]);
        }
    });
}

void SeedsCollector::add_readouts(const formats::RawTable& table) {
    for (report::SeedSeries& series : story_.readouts) series.value.emplace_back();
    for_kept_minutes(table, story_.readouts.size(), [&](std::size_t row) {
        for (report::SeedSeries& series : story_.readouts) series.value.back().push_back(number_of(table.rows[row++][2]));
    });
}

report::SeedsStory SeedsCollector::finish(const std::vector<RunSummary>& runs) {
    report::SeedsStory story = std::move(story_);
    story.title = scenario_.title;
    story.minutes = runs.front().minutes;
    for (const RunSummary& run : runs) {
        story.seeds.push_back({run.seed, fmt::format("{}/report.html", seed_folder(run.seed)), run.n_cells, run.births, run.removals, run.moved.put_in, run.moved.taken_out, run.final_hash});
    }
    story.rates = rate_rows(scenario_);
    return story;
}

void describe_seeds(report::SeedsStory& story, const std::vector<RunSummary>& runs, const SeedsFacts& facts) {
    story.notes = facts.warnings;
    StateSummary furthest;
    for (const RunSummary& run : runs) {
        if (run.states.share_unlike_data >= furthest.share_unlike_data) furthest = run.states;
    }
    if (std::string text = unlike_data_text(furthest); !text.empty()) story.notes.push_back(std::move(text));
    const std::string first = seed_folder(runs.front().seed);
    story.record.outputs = {{"seeds.csv", "seed, hash of the final state, minutes, cells, born, removed, put in, taken out"},
                            {"composition.csv", "seed, minute, type, state, number of cells"},
                            {"readouts.csv", "seed, minute, read-out, value, unit; without rows where the scenario asks for none"},
                            {"rates.csv", "every rate with unit, source, citation, prior and line of the scenario"},
                            {first + "/", "all that a run of that seed alone would write: its page, tables, snapshots and fields; one such folder a seed"},
                            {"run.json", "options, hashes, speed, warnings"},
                            {"report.html", "this page; its links to the seeds' pages hold as long as the folder stays whole"}};
    if (!story.readouts.empty()) {
        story.record.snippets = {{"Read-outs of all seeds (Python)", "python",
                                  fmt::format("import pandas as pd\n\nvalues = pd.read_csv(\"{}/readouts.csv\")\nvalues[values.minute == values.minute.max()].groupby(\"readout\").value.describe()", facts.out), "One row a read-out: its spread over seeds at the end."}};
    }
    story.record.reproduce = facts.command;
    std::int64_t agent_steps = 0;
    double seconds = 0.0;
    for (const RunSummary& run : runs) {
        agent_steps += run.agent_steps;
        seconds += run.seconds;
    }
    story.record.versions = {{"Morula", std::string(kVersion)},
                             {"seconds of simulation, all seeds together", report::number_text(seconds, 3)},
                             {"agent steps a second of one seed on one thread", report::number_text(static_cast<double>(agent_steps) / std::max(1e-9, seconds), 3)},
                             {"hash of the scenario", facts.scenario_hash}};
}

}  // namespace morula::commands
