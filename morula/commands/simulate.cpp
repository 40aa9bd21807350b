// Runs a tissue scenario, once or with several seeds, and writes who was there when.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/commands/result_folder.hpp"
#include "morula/commands/scenario.hpp"
#include "morula/commands/scenario_cost.hpp"
#include "morula/commands/scenario_idle.hpp"
#include "morula/commands/simulate.hpp"
#include "morula/commands/simulate_report.hpp"
#include "morula/commands/simulate_run.hpp"
#include "morula/commands/simulate_seeds.hpp"
#include "morula/commands/simulate_tables.hpp"
#include "morula/commands/state_slots.hpp"
#include "morula/commands/verb_record.hpp"
#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/hash.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/printable.hpp"
#include "morula/formats/text/csv_writer.hpp"
#include "morula/report/seeds_report.hpp"
#include "morula/report/simulation_report.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

struct SimulateOptions {
    std::string scenario;
    std::string out;
    std::optional<std::int64_t> seed;
    std::optional<std::int64_t> seeds;
    std::optional<double> until;
    bool resume = false;
    double save_every = 60.0;
    bool experimental = false;
};
constexpr auto describe(const SimulateOptions*) {
    using O = SimulateOptions;
    return std::tuple{
        field("scenario", &O::scenario, "Scenario (TOML); files that it names lie beside it.", {.positional = true, .required = true}),
        field("out", &O::out, "Folder for report.html, the tables (composition.csv, events.csv, lineages.csv, readouts.csv, rates.csv), snapshots/, fields.zarr, run.json, and the state to go on from.", {.required = true}),
        field("seed", &O::seed, "Seed of all chance, instead of the scenario's.", {.minimum = 0.0}),
        field("seeds", &O::seeds, "So many runs side by side, one thread each, with this seed and those after it; each in seed-N/; report.html and tables of all, with a column `seed`, beside them.", {.minimum = 1.0, .maximum = 10'000.0}),
        field("until", &O::until, "Minute to stop at, instead of the scenario's.", {.minimum = 0.0, .maximum = 1e8, .unit = "min"}),
        field("resume", &O::resume, "Go on from the state in --out, where there is one: after Ctrl-C, a crash, or with a later --until. Tables end up as those of a run that did not stop."),
        field("save_every", &O::save_every, "Seconds between saved states.", {.minimum = 0.0, .maximum = 1e6, .unit = "s"}),
        field("experimental", &O::experimental, "Allow what has not been shown to be right: [expression.ridge], by which knocked-out genes shift states."),
    };
}

void write_rates(const fs::path& path, const Scenario& scenario) {
    formats::CsvWriter csv(path, {"rate", "value", "unit", "source", "citation", "prior_low", "prior_high", "line", "file"});
    for (const ScenarioRate& rate : scenario.rates) {
        csv.text(rate.name).number(rate.value).text(rate.unit).text(evidence_name(rate.source)).text(rate.citation);
        const double none = std::numeric_limits<double>::quiet_NaN();
        csv.number(rate.prior ? (*rate.prior)[0] : none).number(rate.prior ? (*rate.prior)[1] : none).text(rate.line == 0 ? "" : std::to_string(rate.line)).text(rate.file).end_row();
    }
    csv.commit();
}

/// What the runs take, before anything of it is taken.
void say_cost(const RunCost& cost, const DiskCost& disk, const SimulateOptions& options, Context& context) {
    const std::int64_t n_runs = options.seeds.value_or(1), at_once = std::min<std::int64_t>(n_runs, context.threads());
    std::string text = fmt::format("{}{}.", options.seeds ? "Each run: " : "The run: ", cost_text(cost, disk));
    if (n_runs > 1) text += fmt::format(" {}.", cost_of_all_text(cost, disk, n_runs, at_once));
    context.events().decision(text);
}

/// Checked, and with what the options say instead.
Scenario scenario_of(const SimulateOptions& options, Context& context) {
    Scenario scenario = read_scenario(options.scenario, context);
    if (scenario.model.expression && scenario.model.expression->regulation && !options.experimental) {
        fail(ErrorCode::unsupported, fmt::format("{} has [expression.ridge], which is experimental: nothing has shown that it tells what a knocked-out gene does.", options.scenario), "Run with --experimental, or take it out.");
    }
    for (const auto& [file, hash] : scenario.files) {
        if (is_among_results(file, options.out)) fail(ErrorCode::usage, fmt::format("{} is read by the scenario and lies where {} keeps its results.", file.string(), options.out), "Give another folder with --out.");
    }
    if (options.seed) scenario.model.seed = static_cast<std::uint64_t>(*options.seed);
    const double step = scenario.model.clocks.mechanics_min;
    const double asked = options.until.value_or(scenario.until_min);
    scenario.until_min = last_minute(scenario, asked, options.scenario);
    const RunCost cost = cost_of(scenario.model, scenario.start.size(), scenario.until_min);
    check_duration(cost, options.scenario, context);
    warn_of_idle(scenario, asked, scenario.until_min, context);
    if (step > scenario.every_min) {
        context.events().warning(fmt::format("{}: every_min is shorter than a mechanics step; a row is written each step.", options.scenario));
        scenario.every_min = step;
    }
    say_cost(cost, disk_of(scenario, scenario.until_min), options, context);
    if (scenario.start.size() == 0) context.events().warning(fmt::format("{}: there are no cells at the start; until some are put in, only fields change.", options.scenario));
    if (const auto guessed = count_sources(scenario)[3]; guessed > 0) {
        context.events().warning(fmt::format("{} of {} rates are guessed; the result holds for these guesses alone.", guessed, scenario.rates.size()));
    }
    if (scenario.unsourced.all() > 0) context.events().decision(unsourced_text(scenario.unsourced));
    return scenario;
}

/// The call that gives a run again.
std::string command_of(const SimulateOptions& options, const std::string& out, std::optional<std::int64_t> seed, std::optional<std::int64_t> seeds) {
    std::string command = fmt::format("morula simulate {} --out {}", shell_word(options.scenario), shell_word(out));
    if (seed) command += fmt::format(" --seed {}", *seed);
    if (seeds) command += fmt::format(" --seeds {}", *seeds);
    if (options.until) command += fmt::format(" --until {}", *options.until);
    if (options.experimental) command += " --experimental";
    return command;
}

/// Makes report.html of what it sees of one run.
class PageWatcher final : public RunWatcher {
public:
    PageWatcher(const Scenario& scenario, fs::path folder, std::string command, const VerbRecord& record, Context& context)
        : scenario_(scenario), folder_(std::move(folder)), command_(std::move(command)), record_(record),
          // Nobody cancels the page: where it is written, the run has ended.
          context_({.threads = context.threads(), .memory_bytes = context.memory_bytes(), .events = nullptr, .cancel = nullptr}), story_(scenario, scenario.every_min, context_) {}

    void look(const simulation::Simulation& simulation, const std::vector<simulation::ReadoutValue>& readouts) override { story_.observe(simulation, readouts, context_); }
    void save(simulation::StateWriter& out) const override { story_.save(out); }
    void load(simulation::StateReader& in) override { story_.load(in); }
    void end(const simulation::Simulation& simulation, const MovedCells& moved, double seconds, const std::string& last_snapshot) override {
        report::SimulationStory story = story_.finish(simulation, context_);
        describe_run(story, simulation, {command_, folder_.string(), last_snapshot, scenario_.hash, seconds, moved, record_.warnings()});
        story.measured_states = measured_states_text(scenario_);
        story.unsourced = unsourced_text(scenario_.unsourced);
        if (std::string text = unlike_data_text(summary_of_states(simulation)); !text.empty()) story.notes.push_back(std::move(text));
        write_simulation_report(story, folder_ / "report.html");
    }

private:
    const Scenario& scenario_;
    fs::path folder_;
    std::string command_;
    const VerbRecord& record_;
    Context context_;
    StoryCollector story_;
};

RunFolders folders_of(const SimulateOptions& options, const std::vector<std::uint64_t>& seeds) {
    return {options.out, seeds, options.resume ? RunFolders::Earlier::go_on : RunFolders::Earlier::begin_anew};
}

RunSettings settings_of(const SimulateOptions& options, const Scenario& scenario, RunFolders& folders, std::size_t run, RunWatcher& watcher, Context& context) {
    return {.folder = folders.folder(run), .until_min = scenario.until_min, .save_every_s = options.save_every, .start = folders.start(run), .take_folder = [&folders, &context, run] { folders.take(run, context.events()); }, .watcher = watcher};
}

std::vector<RunSummary> run_one(const Scenario& scenario, const SimulateOptions& options, RunFolders& folders, const VerbRecord& record, Context& context) {
    PageWatcher watcher(scenario, options.out, command_of(options, options.out, options.seed, {}), record, context);
    RunProgress progress(context, 1);
    return {run_scenario(scenario, settings_of(options, scenario, folders, 0, watcher, context), context.threads(), progress, 0, context)};
}

/// What one seed ended with, each, and what all of them end with.
void write_seeds(const fs::path& out, const std::vector<RunSummary>& runs) {
    formats::CsvWriter csv(out / "seeds.csv", {"seed", "final_hash", "minutes", "n_cells", "births", "removals", "put_in", "taken_out"});
    for (const RunSummary& run : runs) {
        csv.text(std::to_string(run.seed)).text(run.final_hash).number(run.minutes).integer(run.n_cells).integer(run.births).integer(run.removals).integer(run.moved.put_in).integer(run.moved.taken_out).end_row();
    }
    csv.commit();
}

/// Seeds side by side; each is one run of one thread, so that they do not wait for each other.
std::vector<RunSummary> run_seeds(const Scenario& scenario, const SimulateOptions& options, RunFolders& folders, const VerbRecord& record, Context& context) {
    const fs::path out = options.out;
    std::vector<RunSummary> runs(folders.size());
    RunProgress progress(context, runs.size());
    parallel_blocks(context, std::ssize(runs), 1, [&](Block block) {
        const auto k = static_cast<std::size_t>(block.index);
        Scenario own = scenario;
        own.model.seed += k;
        Context of_one({.threads = 1, .memory_bytes = context.memory_bytes() / context.threads(), .events = nullptr, .cancel = nullptr});
        PageWatcher watcher(own, folders.folder(k), command_of(options, folders.folder(k).string(), static_cast<std::int64_t>(own.model.seed), {}), record, of_one);
        runs[k] = run_scenario(own, settings_of(options, own, folders, k, watcher, context), 1, progress, k, context);
    });
    write_seeds(out, runs);
    std::vector<std::pair<std::uint64_t, fs::path>> places;
    for (std::size_t k = 0; k < runs.size(); ++k) places.emplace_back(runs[k].seed, folders.folder(k));
    SeedsCollector collector(scenario, std::ssize(runs), context);
    join_seeds(out, places, "composition.csv", [&](const formats::RawTable& table) { collector.add_composition(table); }, context);
    join_seeds(out, places, "readouts.csv", [&](const formats::RawTable& table) { collector.add_readouts(table); }, context);
    report::SeedsStory story = collector.finish(runs);
    story.measured_states = measured_states_text(scenario);
    story.unsourced = unsourced_text(scenario.unsourced);
    describe_seeds(story, runs, {command_of(options, options.out, options.seed, options.seeds), options.out, scenario.hash, record.warnings()});
    report::write_seeds_report(story, out / "report.html");
    for (RunSummary& run : runs) {
        for (std::string& name : run.outputs) name = fmt::format("{}/{}", seed_folder(run.seed), name);
    }
    return runs;
}

/// Of several seeds: sums over all, a hash of their hashes, and the largest share of states unlike the data.
void record_runs(const std::vector<RunSummary>& runs, VerbRecord& record, Context& context) {
    RunSummary all = runs.front();
    if (runs.size() > 1) {
        std::string hashes = all.final_hash;
        for (std::size_t k = 1; k < runs.size(); ++k) {
            all.n_cells += runs[k].n_cells;
            all.births += runs[k].births;
            all.removals += runs[k].removals;
            all.moved.put_in += runs[k].moved.put_in;
            all.moved.taken_out += runs[k].moved.taken_out;
            all.agent_steps += runs[k].agent_steps;
            all.bytes += runs[k].bytes;
            all.seconds += runs[k].seconds;
            hashes += runs[k].final_hash;
            all.states.share_unlike_data = std::max(all.states.share_unlike_data, runs[k].states.share_unlike_data);
        }
        all.final_hash = hash_hex(hashes);
    }
    record.add_count("seed", static_cast<std::int64_t>(all.seed));
    record.add_count("n_seeds", static_cast<std::int64_t>(runs.size()));
    record.add_number("minutes", all.minutes);
    record.add_count("n_cells", all.n_cells);
    record.add_count("births", all.births);
    record.add_count("removals", all.removals);
    record.add_count("put_in", all.moved.put_in);
    record.add_count("taken_out", all.moved.taken_out);
    record.add_text("final_hash", all.final_hash);
    record_states(record, all.states, context);
    // Of one run: seeds side by side do not share their seconds.
    record.add_number("agent_steps_per_second", static_cast<double>(all.agent_steps) / std::max(1e-9, all.seconds));
    record.add_number("bytes_per_agent", static_cast<double>(all.bytes) / static_cast<double>(std::max<std::int64_t>(1, all.n_cells)));
}

std::string turnover_text(const RunSummary& run) {
    std::string text = fmt::format("{} born, ", run.births);
    if (run.moved.put_in > 0) text += fmt::format("{} put in, ", run.moved.put_in);
    text += fmt::format("{} removed", run.removals);
    return run.moved.taken_out > 0 ? text + fmt::format(", of them {} taken out", run.moved.taken_out) : text;
}

CommandResult run_simulate(const SimulateOptions& options, Context& context) {
    return_freed_memory();
    VerbRecord record("simulate", values_of(options), context);
    refuse_results_of_others(options.out, "simulate");
    const Scenario scenario = scenario_of(options, context);
    std::vector<std::uint64_t> seeds;
    for (std::int64_t k = 0; k < options.seeds.value_or(0); ++k) seeds.push_back(scenario.model.seed + static_cast<std::uint64_t>(k));
    RunFolders folders = folders_of(options, seeds);
    std::vector<fs::path> places;
    for (std::size_t run = 0; run < folders.size(); ++run) places.push_back(folders.folder(run));
    check_disk(disk_of(scenario, scenario.until_min), places, free_disk_bytes(options.out), options.scenario);
    const std::vector<RunSummary> runs = options.seeds ? run_seeds(scenario, options, folders, record, context) : run_one(scenario, options, folders, record, context);
    if (options.seeds) {
        for (const char* name : {"composition.csv", "readouts.csv", "seeds.csv", "report.html"}) record.add_output(name);
    }
    write_rates(fs::path(options.out) / "rates.csv", scenario);
    record.add_output("rates.csv");
    for (const auto& [file, hash] : scenario.files) record.add_input(file.string(), hash);
    for (const RunSummary& run : runs) {
        for (const std::string& name : run.outputs) record.add_output(name);
    }
    const auto sources = count_sources(scenario);
    record.add_text("title", scenario.title);
    record.add_text("scenario_hash", scenario.hash);
    record_runs(runs, record, context);
    record.add_count("numbers_without_source", scenario.unsourced.all());
    for (std::size_t k = 0; k < sources.size(); ++k) record.add_count(fmt::format("rates_{}", evidence_name(static_cast<Evidence>(k))), sources[k]);
    record.show_at_top({"final_hash", "agent_steps_per_second", "bytes_per_agent"});
    record.write(options.out);
    std::string text;
    for (const RunSummary& run : runs) {
        text += fmt::format("{}, seed {}: {} cells after {:g} min ({}), {:.3g} M agent-steps/s; state {}.\n", scenario.title, run.seed, run.n_cells, run.minutes, turnover_text(run),
                            1e-6 * static_cast<double>(run.agent_steps) / std::max(1e-9, run.seconds), run.final_hash);
    }
    text += fmt::format("Memory: {} at most.\nReport: {}\n", format_bytes(peak_memory_bytes()), (fs::path(options.out) / "report.html").string());
    text += fmt::format("{} rates: {} measured, {} from the literature, {} fitted, {} guessed; each with its source in {}.\n", scenario.rates.size(), sources[0], sources[1], sources[2], sources[3],
                        (fs::path(options.out) / "rates.csv").string());
    return {text, record.summary_json(options.out)};
}

}  // namespace

Command simulate_command() {
    return make_command<SimulateOptions>(
        {.name = "simulate",
         .summary = "Run a tissue scenario: cells that move, grow, divide and die in fields of substances.",
         .help = "A scenario names the domain, substances, cell types and cells; every rate has a unit and a source: measured, literature, fitted or guessed. The same scenario and seed give the same "
                 "state, to the last bit, with any number of threads. What a run shows follows from the scenario; it is no measurement. Ctrl-C leaves the tables so far and a state that --resume goes "
                 "on from.",
         .examples = {{"A ball of cells that takes up oxygen", "morula simulate examples/tissue/oxygen_ball.toml --out ball"},
                      {"The same after it was stopped", "morula simulate examples/tissue/oxygen_ball.toml --out ball --resume"}}},
        run_simulate);
}

}  // namespace morula::commands
