#include "morula/commands/simulate_run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cmath>
#include <limits>

#include "morula/commands/simulate_fields.hpp"
#include "morula/commands/snapshot.hpp"
#include "morula/commands/verb_record.hpp"
#include "morula/core/delayed_cancel.hpp"
#include "morula/core/error.hpp"
#include "morula/core/version.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;
using simulation::Simulation;

/// Between cancellation and giving up the step that is under way.
constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::milliseconds kShowEvery{100};

/// The mechanics step at which a run stops.
std::int64_t last_step(const Scenario& scenario, double until_min) { return std::llround(until_min / scenario.model.clocks.mechanics_min); }

/// snapshots/minute-000120.h5ad; fractions of a minute are written out where there are any.
std::string snapshot_name(double minute) {
    return minute == std::round(minute) ? fmt::format("snapshots/minute-{:06}.h5ad", std::llround(minute)) : fmt::format("snapshots/minute-{:010.3f}.h5ad", minute);
}

double seconds_since(std::chrono::steady_clock::time_point begin) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); }

/// What a saved state holds beside the simulation.
struct SavedRun {
    TableMarks tables;
    double seconds = 0.0;
    std::vector<double> snapshots{};  // minutes of those that are written
};

class ScenarioRun {
public:
    ScenarioRun(const Scenario& scenario, const RunSettings& settings, std::int32_t threads, Context& outer)
        : scenario_(scenario), settings_(settings), outer_(outer),
          // A context that nobody cancels, for what must be whole. A step that has begun is brought to its end too, so that there is a state to go on from; unless that takes too long.
          give_up_(outer, kPatience), context_({.threads = threads, .memory_bytes = outer.memory_bytes() / outer.threads() * threads, .events = nullptr, .cancel = nullptr}),
          step_context_({.threads = threads, .memory_bytes = context_.memory_bytes(), .events = nullptr, .cancel = give_up_.flag()}), simulation_(begin()), tables_(settings.folder, saved_.tables, scenario),
          fields_(settings.folder / "fields.zarr", simulation_) {}

    RunSummary run(RunProgress& progress, std::size_t number) {
        const std::int64_t last = last_step(scenario_, settings_.until_min);
        const std::int64_t first = simulation_.mechanics_steps(), agent_steps_before = simulation_.tally().agent_steps;
        if (settings_.start == RunStart::fresh) report();
        else say_what_is_gone(progress);
        next_report_ = 0;
        while (step_of(next_report_) <= simulation_.mechanics_steps()) ++next_report_;
        auto saved_at = std::chrono::steady_clock::now();
        while (simulation_.mechanics_steps() < last) {
            if (outer_.cancelled()) stop();
            if (simulation_.bytes() > context_.memory_bytes()) stop_before_memory_ends();
            if (seconds_since(saved_at) >= settings_.save_every_s) {
                save();
                saved_at = std::chrono::steady_clock::now();
            }
            step_or_give_up();
            const std::int64_t n = simulation_.agents().size(), left = last - simulation_.mechanics_steps();
            if (n > 0) progress.at(number, simulation_.tally().agent_steps - agent_steps_before, left * n);
            else progress.at(number, simulation_.mechanics_steps() - first, left);
        }
        save();
        return finish();
    }

private:
    Simulation begin() {
        if (settings_.start == RunStart::fresh) {
            Simulation fresh(scenario_.model, scenario_.start, step_context_);
            settings_.take_folder();
            clear_unfinished_files();
            clear_run(settings_.folder);
            make_output_folder(settings_.folder / "state");
            return fresh;
        }
        simulation::StateReader in(state_path(settings_.folder));
        if (const std::string version = in.get_text(); version != kVersion) {
            invalid_data(fmt::format("{} was saved by Morula {}, and this is {}.", in.path().string(), version, kVersion), "Resume with the version that saved it, or run the scenario from its start.");
        }
        in.get(saved_.tables);
        in.get(saved_.seconds);
        in.get(saved_.snapshots);
        settings_.watcher.load(in);
        Simulation saved = Simulation::load(scenario_.model, in, scenario_.hash, context_);
        if (saved.mechanics_steps() > last_step(scenario_, settings_.until_min)) {
            invalid_data(fmt::format("{} is at minute {:g}, and the run is to end at minute {:g}.", in.path().string(), saved.minute(), settings_.until_min), "Run without --resume, or with a later --until.");
        }
        settings_.take_folder();
        clear_unfinished_files();
        return saved;
    }

    /// What was written and is there no more is not made again.
    void say_what_is_gone(RunProgress& progress) const {
        std::vector<std::string> snapshots, fields;
        std::error_code ignored;
        for (std::size_t k = 0; k < saved_.snapshots.size(); ++k) {
            if (!fs::exists(settings_.folder / snapshot_name(saved_.snapshots[k]), ignored)) snapshots.push_back(fmt::format("{:g}", saved_.snapshots[k]));
            if (!fields_.holds(scenario_.model.box, k)) fields.push_back(fmt::format("{:g}", saved_.snapshots[k]));
        }
        const std::string folder = settings_.folder.string();
        if (!snapshots.empty()) progress.warning(fmt::format("{}: snapshots are gone, of minute {}; they are not made again.", folder, fmt::join(snapshots, ", ")));
        if (!fields.empty()) progress.warning(fmt::format("{}: fields.zarr has lost minute {}; it reads as NaN there.", folder, fmt::join(fields, ", ")));
    }

    /// What a process that was killed while it wrote has left.
    void clear_unfinished_files() const {
        std::error_code ignored;
        std::vector<fs::path> unfinished;
        for (const char* name : {"state", "snapshots", "fields.zarr"}) {
            for (const auto& entry : fs::recursive_directory_iterator(settings_.folder / name, ignored)) {
                const std::string file = entry.path().filename().string();
                if (file.starts_with('.') && file.ends_with(".tmp")) unfinished.push_back(entry.path());
            }
        }
        for (const fs::path& file : unfinished) fs::remove(file, ignored);
    }

    std::int64_t step_of(std::int64_t report) const { return std::llround(scenario_.every_min * static_cast<double>(report) / scenario_.model.clocks.mechanics_min); }
    bool has_snapshot(std::int64_t report) const {
        const std::int64_t reports = std::llround(scenario_.snapshot_every_min / scenario_.every_min);
        return reports > 0 && report % reports == 0;
    }

    void step() {
        const auto begin = std::chrono::steady_clock::now();
        simulation_.advance(static_cast<double>(simulation_.mechanics_steps() + 1) * scenario_.model.clocks.mechanics_min, step_context_);
        saved_.seconds += seconds_since(begin);
        if (simulation_.mechanics_steps() < step_of(next_report_)) return;
        report();
        ++next_report_;
    }

    void step_or_give_up() {
        try {
            step();
        } catch (const Error& error) {
            if (error.code() != ErrorCode::cancelled && error.code() != ErrorCode::resource_limit) throw;
            // The step is half done: what it left is no state. The tables are those of the steps before.
            tables_.sync();
            tables_.publish(context_);
            const bool is_saved = has_saved_run(settings_.folder);
            const std::string left = fmt::format("{} holds the tables so far{}.", settings_.folder.string(), is_saved ? " and the last saved state" : "");
            if (error.code() == ErrorCode::resource_limit) fail(error.code(), fmt::format("{} {} {}", error.message(), where_it_was(), left), error.next());
            fail(error.code(), fmt::format("Stopped as asked amid a step, after minute {:g} of {:g}: it took too long. {}", simulation_.minute(), settings_.until_min, left),
                 is_saved ? "Run the same command with --resume to go on from that state." : "Look at how close the cells are to each other: crowded ones make steps slow.");
        }
    }

    std::string where_it_was() const {
        return fmt::format("That was after minute {:g} of {:g}, with {} cells ({} born so far, {} at the start).", simulation_.minute(), settings_.until_min, simulation_.agents().size(), simulation_.tally().births, scenario_.start.size());
    }

    /// Between steps, so that the state is a whole one.
    [[noreturn]] void stop_before_memory_ends() {
        save();
        tables_.publish(context_);
        fail(ErrorCode::resource_limit, fmt::format("The simulation has grown to {} of memory, and the limit is {}. {} {} holds the tables so far and a state to go on from.", format_bytes(simulation_.bytes()),
                                                    format_bytes(context_.memory_bytes()), where_it_was(), settings_.folder.string()),
             "Run the same command with --resume and more --memory, or from the start with an earlier --until; or look at why cells multiply (cycles, rules of 'cycle entry').");
    }

    void add_rows() {
        const std::vector<simulation::ReadoutValue> readouts = read_all(scenario_, simulation_, context_);
        tables_.add_report(simulation_, readouts);
        settings_.watcher.look(simulation_, readouts);
    }

    /// Of report number next_report_.
    void report() {
        tables_.add_events(simulation_);
        add_rows();
        if (!has_snapshot(next_report_)) return;
        saved_.snapshots.push_back(simulation_.minute());
        write_snapshot(saved_.snapshots);
    }

    /// Of the state as it is; minutes: of this and all before it.
    void write_snapshot(const std::vector<double>& minutes) {
        make_output_folder(settings_.folder / "snapshots");
        formats::write_h5ad(snapshot(simulation_, scenario_), settings_.folder / snapshot_name(minutes.back()), {}, context_);
        if (simulation_.field().n_substances() > 0) fields_.write(simulation_, minutes, context_);
    }

    void save() {
        tables_.add_events(simulation_);
        saved_.tables = tables_.sync();
        simulation::StateWriter out;
        out.put_text(kVersion);
        out.put(saved_.tables);
        out.put(saved_.seconds);
        out.put(saved_.snapshots);
        settings_.watcher.save(out);
        simulation_.save(out, scenario_.hash);
        out.save(state_path(settings_.folder));
    }

    [[noreturn]] void stop() {
        save();
        tables_.publish(context_);
        fail(ErrorCode::cancelled, fmt::format("Stopped as asked at minute {:g} of {:g}; {} holds the tables so far.", simulation_.minute(), settings_.until_min, settings_.folder.string()),
             "Run the same command with --resume to go on.");
    }

    /// Where the end is no time of a report or snapshot, it gets one, but not in what a later --until goes on from.
    RunSummary finish() {
        std::vector<double> minutes = saved_.snapshots;
        if (minutes.empty() || minutes.back() != simulation_.minute()) {
            minutes.push_back(simulation_.minute());
            write_snapshot(minutes);
        }
        if (step_of(next_report_ - 1) != simulation_.mechanics_steps()) {
            add_rows();
            tables_.sync();
        }
        tables_.publish(context_);
        settings_.watcher.end(simulation_, tables_.moved(), saved_.seconds, snapshot_name(minutes.back()));
        RunSummary summary{.seed = simulation_.model().seed,
                           .minutes = simulation_.minute(),
                           .n_cells = simulation_.agents().size(),
                           .births = simulation_.tally().births,
                           .removals = simulation_.tally().removals,
                           .moved = tables_.moved(),
                           .agent_steps = simulation_.tally().agent_steps,
                           .bytes = simulation_.bytes(),
                           .seconds = saved_.seconds,
                           .final_hash = simulation_.hash(),
                           .outputs = RunTables::names(),
                           .states = summary_of_states(simulation_)};
        if (simulation_.field().n_substances() > 0) summary.outputs.emplace_back("fields.zarr");
        for (const double minute : minutes) summary.outputs.push_back(snapshot_name(minute));
        summary.outputs.emplace_back("report.html");
        return summary;
    }

    const Scenario& scenario_;
    const RunSettings& settings_;
    Context& outer_;
    DelayedCancel give_up_;
    Context context_;
    Context step_context_;
    SavedRun saved_;
    Simulation simulation_;
    RunTables tables_;
    FieldStore fields_;
    std::int64_t next_report_ = 0;
};

}  // namespace

RunProgress::RunProgress(Context& context, std::size_t n_runs) : context_(context), shares_(n_runs), begin_(std::chrono::steady_clock::now()), next_(begin_ + kShowEvery) {}

void RunProgress::warning(const std::string& text) {
    const std::lock_guard lock(mutex_);
    context_.events().warning(text);
}

void RunProgress::at(std::size_t run, std::int64_t done, std::int64_t to_come) {
    const std::lock_guard lock(mutex_);
    shares_[run] = {done, to_come};
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return;
    next_ = now + kShowEvery;
    Share all;
    for (const Share& share : shares_) {
        all.done += share.done;
        all.to_come += share.to_come;
    }
    context_.events().progress({"simulate", all.done, all.done + all.to_come, "agent-steps", seconds_since(begin_)});
}

RunSummary run_scenario(const Scenario& scenario, const RunSettings& settings, std::int32_t threads, RunProgress& progress, std::size_t number, Context& context) {
    return ScenarioRun(scenario, settings, threads, context).run(progress, number);
}

}  // namespace morula::commands
