// Runs a tissue scenario and writes who was there when.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <limits>

#include "morula/commands/scenario.hpp"
#include "morula/commands/simulate.hpp"
#include "morula/commands/simulate_report.hpp"
#include "morula/commands/snapshot.hpp"
#include "morula/commands/verb_record.hpp"
#include "morula/core/error.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"
#include "morula/formats/text/csv_writer.hpp"
#include "morula/report/simulation_report.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;
using simulation::Simulation;

struct SimulateOptions {
    std::string scenario;
    std::string out;
    std::optional<std::int64_t> seed;
    std::optional<double> until;
};
constexpr auto describe(const SimulateOptions*) {
    using O = SimulateOptions;
    return std::tuple{
        field("scenario", &O::scenario, "Scenario (TOML); files that it names lie beside it.", {.positional = true, .required = true}),
        field("out", &O::out, "Folder for report.html, composition.csv, events.csv, readouts.csv, rates.csv, snapshots/ and run.json.", {.required = true}),
        field("seed", &O::seed, "Seed of all chance, instead of the scenario's.", {.minimum = 0.0}),
        field("until", &O::until, "Minute to stop at, instead of the scenario's.", {.minimum = 0.0, .maximum = 1e8, .unit = "min"}),
    };
}

void write_composition(formats::CsvWriter& csv, const Simulation& simulation) {
    const auto count = simulation.composition();
    for (std::size_t type = 0; type < count.size(); ++type) {
        const simulation::CellType& own = simulation.model().types[type];
        for (std::size_t phase = 0; phase < count[type].size(); ++phase) csv.number(simulation.minute()).text(own.name).text(own.life.phases[phase].name).integer(count[type][phase]).end_row();
    }
}

void write_events(formats::CsvWriter& csv, Simulation& simulation) {
    for (const simulation::CellEvent& event : simulation.take_events()) {
        csv.number(event.minute).text(simulation::event_name(event.kind)).text(std::to_string(event.id)).text(event.parent == 0 ? "" : std::to_string(event.parent));
        csv.text(simulation.model().types[event.type].name).text(event.by == 0 ? "" : std::to_string(event.by)).end_row();
    }
}

/// All values of the moment, written as rows.
std::vector<simulation::ReadoutValue> write_readouts(formats::CsvWriter& csv, const Simulation& simulation, const Scenario& scenario, Context& context) {
    std::vector<simulation::ReadoutValue> values;
    for (const simulation::Readout& readout : scenario.readouts) {
        for (simulation::ReadoutValue& value : read_out(readout, simulation, context)) {
            csv.number(simulation.minute()).text(value.name).number(value.value).text(value.unit).end_row();
            values.push_back(std::move(value));
        }
    }
    return values;
}

void write_rates(const fs::path& path, const Scenario& scenario) {
    formats::CsvWriter csv(path, {"rate", "value", "unit", "source", "citation", "prior_low", "prior_high", "line"});
    for (const ScenarioRate& rate : scenario.rates) {
        csv.text(rate.name).number(rate.value).text(rate.unit).text(evidence_name(rate.source)).text(rate.citation);
        const double none = std::numeric_limits<double>::quiet_NaN();
        const bool is_guessed = rate.source == Evidence::guessed;
        csv.number(is_guessed ? rate.prior[0] : none).number(is_guessed ? rate.prior[1] : none).text(rate.line == 0 ? "" : std::to_string(rate.line)).end_row();
    }
    csv.commit();
}

/// snapshots/minute-000120.h5ad; fractions of a minute are written out where there are any.
std::string write_snapshot(const Simulation& simulation, const Scenario& scenario, const fs::path& out, Context& context) {
    const double minute = std::round(simulation.minute() * 1e6) / 1e6;
    const std::string name = minute == std::round(minute) ? fmt::format("snapshots/minute-{:06}.h5ad", std::llround(minute)) : fmt::format("snapshots/minute-{:010.3f}.h5ad", minute);
    make_output_folder(out / "snapshots");
    formats::write_h5ad(snapshot(simulation, scenario), out / name, {}, context);
    return name;
}

struct RunEnd {
    double seconds = 0.0;  // that the simulation took
    std::string last_snapshot;
};

/// To the end, with a row of each table and a look for the page every `every_min`.
RunEnd run_to_end(Simulation& simulation, const Scenario& scenario, double until_min, const fs::path& out, StoryCollector& story, VerbRecord& record, Context& context) {
    const double every_min = scenario.every_min;
    const std::int64_t reports_a_snapshot = std::llround(scenario.snapshot_every_min / every_min);
    formats::CsvWriter composition(out / "composition.csv", {"minute", "type", "state", "n"});
    formats::CsvWriter events(out / "events.csv", {"minute", "event", "id", "parent", "type", "by"});
    formats::CsvWriter readouts(out / "readouts.csv", {"minute", "readout", "value", "unit"});
    Progress progress(context, "simulate", std::llround(until_min), "min");
    write_composition(composition, simulation);
    story.observe(simulation, write_readouts(readouts, simulation, scenario, context), context);
    RunEnd end;
    for (std::int64_t report = 1; simulation.minute() + 1e-9 < until_min; ++report) {
        const double before = simulation.minute();
        const auto started = std::chrono::steady_clock::now();
        simulation.advance(std::min(until_min, every_min * static_cast<double>(report)), context);
        end.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
        if (simulation.minute() == before) continue;
        progress.advance(std::llround(simulation.minute()) - std::llround(before));
        write_composition(composition, simulation);
        write_events(events, simulation);
        story.observe(simulation, write_readouts(readouts, simulation, scenario, context), context);
        const bool is_last = simulation.minute() + 1e-9 >= until_min;
        if (is_last || (reports_a_snapshot > 0 && report % reports_a_snapshot == 0)) record.add_output(end.last_snapshot = write_snapshot(simulation, scenario, out, context));
    }
    composition.commit();
    events.commit();
    readouts.commit();
    return end;
}

void write_page(const SimulateOptions& options, const Simulation& simulation, const Scenario& scenario, const RunEnd& end, StoryCollector& collector, const VerbRecord& record, Context& context) {
    report::SimulationStory story = collector.finish(simulation, context);
    std::string command = fmt::format("morula simulate {} --out {}", options.scenario, options.out);
    if (options.seed) command += fmt::format(" --seed {}", *options.seed);
    if (options.until) command += fmt::format(" --until {:g}", *options.until);
    describe_run(story, simulation, {command, options.out, end.last_snapshot, scenario.hash, end.seconds, record.warnings()});
    write_simulation_report(story, fs::path(options.out) / "report.html");
}

CommandResult run_simulate(const SimulateOptions& options, Context& context) {
    VerbRecord record("simulate", values_of(options), context);
    Scenario scenario = read_scenario(options.scenario, context);
    if (options.seed) scenario.model.seed = static_cast<std::uint64_t>(*options.seed);
    const double until = last_minute(scenario, options.until.value_or(scenario.until_min), options.scenario);
    const double every = std::max(scenario.every_min, scenario.model.clocks.mechanics_min);
    if (every > scenario.every_min) context.events().warning(fmt::format("{}: every_min is shorter than a mechanics step; a row is written each step.", options.scenario));
    scenario.every_min = every;
    if (scenario.start.size() == 0) context.events().warning(fmt::format("{}: there are no cells; only fields will change.", options.scenario));
    const auto sources = count_sources(scenario);
    if (sources[3] > 0) context.events().warning(fmt::format("{} of {} rates are guessed; the result holds for these guesses alone.", sources[3], scenario.rates.size()));

    Simulation simulation(scenario.model, std::move(scenario.start), context);
    make_output_folder(options.out);
    StoryCollector story(scenario, every, context);
    const RunEnd end = run_to_end(simulation, scenario, until, options.out, story, record, context);
    write_rates(fs::path(options.out) / "rates.csv", scenario);
    write_page(options, simulation, scenario, end, story, record, context);
    for (const char* name : {"report.html", "composition.csv", "events.csv", "readouts.csv", "rates.csv"}) record.add_output(name);

    const auto n = static_cast<double>(std::max<std::int64_t>(1, simulation.agents().size()));
    record.add_text("title", scenario.title);
    record.add_text("scenario_hash", scenario.hash);
    record.add_count("seed", static_cast<std::int64_t>(simulation.model().seed));
    record.add_number("minutes", simulation.minute());
    record.add_count("n_cells", simulation.agents().size());
    record.add_count("births", simulation.tally().births);
    record.add_count("removals", simulation.tally().removals);
    record.add_text("final_hash", simulation.hash());
    record.add_number("agent_steps_per_second", static_cast<double>(simulation.tally().agent_steps) / std::max(1e-9, end.seconds));
    record.add_number("bytes_per_agent", static_cast<double>(simulation.bytes()) / n);
    for (std::size_t k = 0; k < sources.size(); ++k) record.add_count(fmt::format("rates_{}", evidence_name(static_cast<Evidence>(k))), sources[k]);
    record.write(options.out);
    const std::string text = fmt::format(
        "{}: {} cells after {:g} min ({} born, {} removed).\n{} rates: {} measured, {} from the literature, {} fitted, {} guessed; each with its source in {}.\nState {}.\nReport: {}\n", scenario.title,
        simulation.agents().size(), simulation.minute(), simulation.tally().births, simulation.tally().removals, scenario.rates.size(), sources[0], sources[1], sources[2], sources[3],
        (fs::path(options.out) / "rates.csv").string(), simulation.hash(), (fs::path(options.out) / "report.html").string());
    return {text, record.summary_json(options.out)};
}

}  // namespace

Command simulate_command() {
    return make_command<SimulateOptions>(
        {.name = "simulate",
         .summary = "Run a tissue scenario: cells that move, grow, divide and die in fields of substances.",
         .help = "A scenario names the domain, substances, cell types and cells; every rate has a unit and a source: measured, literature, fitted or guessed. The same scenario and seed give the same "
                 "state, to the last bit, with any number of threads. What a run shows follows from the scenario; it is no measurement.",
         .examples = {{"A ball of cells that takes up oxygen", "morula simulate examples/tissue/oxygen_ball.toml --out ball"}}},
        run_simulate);
}

}  // namespace morula::commands
