// The runs of a contribution study: which, with which rates, side by side, kept so that a stopped study can go on.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <mutex>
#include <set>

#include "morula/commands/contribute.hpp"
#include "morula/commands/result_folder.hpp"
#include "morula/commands/scenario_idle.hpp"
#include "morula/core/error.hpp"
#include "morula/core/hash.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/version.hpp"
#include "morula/simulation/interventions.hpp"
#include "morula/simulation/state_file.hpp"
#include "morula/simulation/written_in.hpp"

namespace morula::commands {
namespace {

using simulation::ContributionRun;
using simulation::Simulation;
using Clock = std::chrono::steady_clock;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
/// Between two writings of what is finished.
constexpr std::chrono::seconds kKeepEvery{10};
constexpr std::string_view kKeptKind = "contribution runs 2";
/// Runs side by side would each repeat what reading the scenario has said; only their progress passes.
class ProgressOnly final : public EventSink {
public:
    explicit ProgressOnly(EventSink& behind) : behind_(behind) {}
    void step_started(std::string_view) override {}
    void progress(const ProgressReport& report) override {
        const std::lock_guard lock(mutex_);
        behind_.progress(report);
    }
    void step_finished(const StepReport&) override {}
    void warning(std::string_view) override {}
    void decision(std::string_view) override {}

private:
    EventSink& behind_;
    std::mutex mutex_;
};

RateValues rates_of_draw(const ContributionStudy& study, std::int64_t draw) {
    RateValues rates;
    for (std::size_t k = 0; k < study.guessed.size(); ++k) {
        rates[study.scenario.rates[study.guessed[k]].name] = study.drawn[static_cast<std::size_t>(draw) * study.guessed.size() + k];
    }
    return rates;
}

std::string in_words(const RateValues& rates) {
    std::vector<std::string> words;
    for (const auto& [name, value] : rates) words.push_back(fmt::format("{} = {:.4g}", name, value));
    return fmt::format("{}", fmt::join(words, "; "));
}

Scenario scenario_of(const ContributionStudy& study, std::int64_t draw, Context& context) {
    if (draw == ContributionRun::kAsGuessed) return study.scenario;
    Scenario scenario = study.source.read(rates_of_draw(study, draw), context);
    scenario.model.seed = study.scenario.model.seed;
    return scenario;
}

/// The wanted numbers of a state, in their order.
std::vector<simulation::ReadoutValue> read_wanted(const ContributionStudy& study, const std::vector<simulation::Readout>& readouts, const Simulation& simulation, Context& context) {
    std::vector<simulation::ReadoutValue> values;
    std::vector<simulation::ReadoutValue> of_one;
    for (std::size_t k = 0; k < study.wanted.size(); ++k) {
        const WantedReadout& wanted = study.wanted[k];
        if (k == 0 || wanted.readout != study.wanted[k - 1].readout) of_one = simulation::read_out(readouts[wanted.readout], simulation, context);
        values.push_back(of_one[wanted.part]);
    }
    return values;
}

class StudyRunner {
public:
    StudyRunner(const ContributionStudy& study, const ContributeOptions& options, Context& context)
        : study_(study), context_(context), folder_(options.out), kept_(folder_ / kKeptRunsFile), done_(study.plan.runs.size(), 0),
          progress_(context, "contribute", std::llround(study.until_min * static_cast<double>(study.plan.runs.size())), "min") {
        finished_.values.assign(done_.size() * study.wanted.size(), kNone);
        if (options.resume) take_up();
        else begin_anew();
    }

    FinishedRuns run() {
        std::vector<std::size_t> left;
        for (std::size_t k = 0; k < done_.size(); ++k) {
            if (done_[k] == 0) left.push_back(k);
        }
        started_ = last_kept_ = Clock::now();
        try {
            parallel_blocks(context_, std::ssize(left), 1, [&](Block block) { run_one(left[static_cast<std::size_t>(block.begin)]); });
        } catch (...) {
            keep();
            throw;
        }
        finished_.seconds = seconds();
        if (!left.empty()) keep();
        return std::move(finished_);
    }

    std::int64_t n_done() const { return std::count(done_.begin(), done_.end(), 1); }

private:
    void run_one(std::size_t number) {
        const ContributionRun& run = study_.plan.runs[number];
        Scenario scenario = scenario_of(study_, run.draw, context_);
        scenario.model.seed += static_cast<std::uint64_t>(run.seed);
        std::vector<std::size_t> types;
        for (std::size_t k = 0; k < study_.types.size(); ++k) {
            if ((run.intact >> k & 1) == 0) types.push_back(study_.types[k]);
        }
        simulation::Tissue tissue{std::move(scenario.model), std::move(scenario.start)};
        if (!types.empty()) tissue = simulation::intervene(std::move(tissue), types, run.intervention);
        Simulation simulation(std::move(tissue.model), std::move(tissue.start), context_);
        double reported = 0.0;
        while (simulation.minute() + 1e-9 < study_.until_min) {
            simulation.advance(std::min(study_.until_min, simulation.minute() + study_.scenario.every_min), context_);
            simulation.take_events();
            progress_.advance(std::llround(simulation.minute()) - std::llround(reported));
            reported = simulation.minute();
        }
        const std::vector<simulation::ReadoutValue> values = read_wanted(study_, scenario.readouts, simulation, context_);
        const std::lock_guard lock(mutex_);
        for (std::size_t k = 0; k < values.size(); ++k) finished_.values[number * values.size() + k] = values[k].value;
        finished_.agent_steps += simulation.tally().agent_steps;
        done_[number] = 1;
        if (Clock::now() - last_kept_ < kKeepEvery) return;
        keep();
        last_kept_ = Clock::now();
    }

    /// What makes the values what they are.
    std::string key() const {
        Hasher hasher;
        const auto add = [&](const std::string& text) { hasher.update(text + "\n"); };
        const simulation::ContributionPlan& plan = study_.plan;
        add(study_.scenario.hash);
        add(fmt::format("{} {} {}", kVersion, study_.until_min, study_.scenario.model.seed));
        add(fmt::format("{} {} {} {}", plan.options.seeds, plan.options.draws, plan.options.permutations, fmt::join(study_.types, " ")));
        for (const simulation::Intervention intervention : plan.options.interventions) add(std::string(intervention_name(intervention)));
        for (const WantedReadout& wanted : study_.wanted) add(wanted.name);
        return hasher.hex();
    }

    void keep() const {
        simulation::StateWriter out;
        out.put_text(kKeptKind);
        out.put_text(key());
        out.put(done_);
        out.put(finished_.values);
        out.put(finished_.agent_steps);
        out.put(seconds());
        out.save(kept_);
    }

    /// Of all calls.
    double seconds() const { return earlier_seconds_ + std::chrono::duration<double>(Clock::now() - started_).count(); }

    bool holds_results() const {
        const auto is_there = [this](std::string_view name) { return std::filesystem::exists(folder_ / name); };
        return is_there("run.json") || std::any_of(kContributionFiles.begin(), kContributionFiles.end(), is_there);
    }

    /// What an earlier study left would stand beside the runs of this one.
    void begin_anew() const {
        if (verb_of_results(folder_) != "contribute") return;
        const bool has_runs = std::filesystem::exists(kept_);
        context_.events().warning(fmt::format("The study in {} is begun anew{}.", folder_.string(), has_runs ? "; --resume goes on from its runs" : ""));
        for (const std::string_view name : kContributionFiles) std::filesystem::remove(folder_ / name);
        std::filesystem::remove(kept_);
        std::filesystem::remove(folder_ / "run.json");  // last: it tells that the rest is of a study
    }

    void take_up() {
        if (!std::filesystem::exists(kept_)) {
            if (holds_results()) {
                fail(ErrorCode::usage, fmt::format("{} holds results, and not the runs that they are of ({}).", folder_.string(), kKeptRunsFile), "Name another folder with --out, or leave --resume out to begin anew.");
            }
            context_.events().warning(fmt::format("--resume: {} is not there; all runs are made.", kept_.string()));
            return;
        }
        simulation::StateReader in(kept_);
        const std::string kind = in.get_text();
        if (kind != kKeptKind || in.get_text() != key()) {
            invalid_data(fmt::format("{} holds runs of another scenario, of other options or of another version.", kept_.string()), "Name another folder with --out, or leave --resume out to start anew.");
        }
        std::vector<std::uint8_t> done;
        std::vector<double> values;
        in.get(done);
        in.get(values);
        in.get(finished_.agent_steps);
        in.get(earlier_seconds_);
        if (done.size() != done_.size() || values.size() != finished_.values.size()) in.damaged("it has another number of runs");
        done_ = std::move(done);
        finished_.values = std::move(values);
        finished_.n_resumed = n_done();
        progress_.advance(std::llround(study_.until_min * static_cast<double>(finished_.n_resumed)));
    }

    const ContributionStudy& study_;
    Context& context_;
    std::filesystem::path folder_;
    std::filesystem::path kept_;
    std::vector<std::uint8_t> done_;  // one a run
    FinishedRuns finished_;
    Progress progress_;
    std::mutex mutex_;
    Clock::time_point started_ = Clock::now();
    Clock::time_point last_kept_;
    double earlier_seconds_ = 0.0;
};

/// --types "" or --readouts "" is no wish for all of them.
void require_names(std::string_view option, const std::optional<std::vector<std::string>>& names) {
    if (names && names->empty()) fail(ErrorCode::usage, fmt::format("{} names nothing.", option), fmt::format("Name one or more, with commas between, or leave {} out for all.", option));
}

std::vector<std::size_t> types_by_name(const Scenario& scenario, const std::vector<std::string>& wanted) {
    std::vector<std::string> names;
    for (const simulation::CellType& type : scenario.model.types) names.push_back(type.name);
    std::set<std::size_t> types;
    for (const std::string& name : wanted) {
        const auto found = std::find(names.begin(), names.end(), name);
        if (found == names.end()) {
            const std::string nearest = nearest_name(name, names);
            fail(ErrorCode::not_found, fmt::format("--types: there is no cell type '{}'.", name), nearest.empty() ? fmt::format("Types are: {}.", listed(names)) : fmt::format("Did you mean '{}'?", nearest));
        }
        types.insert(static_cast<std::size_t>(found - names.begin()));
    }
    // Without a list: all that have cells. A type without any would contribute nothing, in many runs.
    for (const std::uint16_t type : scenario.start.type) {
        if (wanted.empty()) types.insert(type);
    }
    return {types.begin(), types.end()};
}

/// Names of read-outs, or of single numbers of them; none: all.
std::vector<WantedReadout> readouts_by_name(const Scenario& scenario, const std::vector<std::string>& names, const std::string& path) {
    if (scenario.readouts.empty()) invalid_data(fmt::format("{} has no read-outs.", path), "Add [[readout]] sections (docs/steps/simulate.md).");
    std::vector<WantedReadout> all;
    std::vector<std::string> known;
    for (std::size_t r = 0; r < scenario.readouts.size(); ++r) {
        known.push_back(scenario.readouts[r].name);
        const std::vector<std::string> parts = simulation::readout_names(scenario.readouts[r]);
        for (std::size_t part = 0; part < parts.size(); ++part) all.push_back({r, part, parts[part], ""});
    }
    for (const WantedReadout& each : all) known.push_back(each.name);
    for (const std::string& name : names) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        const std::string nearest = nearest_name(name, known);
        fail(ErrorCode::not_found, fmt::format("--readouts: there is no read-out '{}'.", name), nearest.empty() ? fmt::format("Read-outs are: {}.", listed(known)) : fmt::format("Did you mean '{}'?", nearest));
    }
    const auto is_named = [&](const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); };
    if (!names.empty()) std::erase_if(all, [&](const WantedReadout& each) { return !is_named(each.name) && !is_named(scenario.readouts[each.readout].name); });
    return all;
}

void draw_rates(ContributionStudy& study) {
    for (std::int64_t draw = 0; draw < study.plan.options.draws; ++draw) {
        for (std::size_t k = 0; k < study.guessed.size(); ++k) {
            const ScenarioRate& rate = study.scenario.rates[study.guessed[k]];
            study.drawn.push_back(simulation::draw_from_prior((*rate.prior)[0], (*rate.prior)[1], study.plan.options.seed, static_cast<std::int64_t>(k), draw));
        }
    }
}

/// A draw that cannot run must be known before hours have gone into others.
void check_draws(const ContributionStudy& study, Context& context) {
    parallel_blocks(context, study.plan.options.draws, 1, [&](Block block) {
        try {
            Scenario scenario = scenario_of(study, block.begin, context);
            Simulation(std::move(scenario.model), std::move(scenario.start), context);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::invalid_data) throw;
            invalid_data(fmt::format("Draw {} of the guessed rates cannot run ({}): {}", block.begin + 1, in_words(rates_of_draw(study, block.begin)), error.message()), "Narrow the priors so that every value within them can be.");
        }
    });
}

/// The start of a run as the scenario stands: gives the units, and the memory that runs side by side need at least.
std::int64_t look_at_start(ContributionStudy& study, Context& context) {
    const Simulation simulation(study.scenario.model, study.scenario.start, context);
    const std::vector<simulation::ReadoutValue> values = read_wanted(study, study.scenario.readouts, simulation, context);
    for (std::size_t k = 0; k < values.size(); ++k) study.wanted[k].unit = values[k].unit;
    return simulation::expected_bytes(simulation.model(), simulation.agents().size());
}

}  // namespace

ContributionStudy plan_study(const ContributeOptions& options, Context& context) {
    require_names("--types", options.types);
    require_names("--readouts", options.readouts);
    ContributionStudy study{.source = ScenarioSource(options.scenario)};
    study.scenario = study.source.read({}, context);
    if (study.scenario.model.expression && study.scenario.model.expression->regulation) {
        fail(ErrorCode::unsupported, fmt::format("{} has [expression.ridge], which is experimental.", options.scenario), "Take it out: no table of contributions rests on it.");
    }
    if (options.seed) study.scenario.model.seed = static_cast<std::uint64_t>(*options.seed);
    const double asked = options.until.value_or(study.scenario.until_min);
    study.until_min = last_minute(study.scenario, asked, options.scenario);
    warn_of_idle(study.scenario, asked, study.until_min, context);
    study.scenario.every_min = std::max(study.scenario.every_min, study.scenario.model.clocks.mechanics_min);
    study.types = types_by_name(study.scenario, options.types.value_or(std::vector<std::string>{}));
    study.wanted = readouts_by_name(study.scenario, options.readouts.value_or(std::vector<std::string>{}), options.scenario);
    for (std::size_t k = 0; k < study.scenario.rates.size(); ++k) {
        const std::optional<std::array<double, 2>>& prior = study.scenario.rates[k].prior;
        // A prior without width leaves nothing to draw.
        if (prior && (*prior)[0] < (*prior)[1]) study.guessed.push_back(k);
    }
    simulation::ContributionOptions plan{.seeds = options.seeds, .draws = study.guessed.empty() ? 0 : options.draws, .permutations = options.permutations, .interventions = {}, .seed = study.scenario.model.seed};
    for (const std::string& name : options.interventions) plan.interventions.push_back(simulation::find_intervention(name));
    study.plan = simulation::plan_contributions(static_cast<std::int32_t>(study.types.size()), std::move(plan));
    draw_rates(study);

    const std::int64_t bytes = context.threads() * look_at_start(study, context);
    context.require_memory(bytes, "the runs side by side");
    context.events().decision(fmt::format("{} runs of {:g} min: {} cell types, {} seeds, {} draws of {} guessed rates; {} at a time, {} of memory at their start.", study.plan.runs.size(), study.until_min,
                                          study.types.size(), options.seeds, study.plan.options.draws, study.guessed.size(), context.threads(), format_bytes(bytes)));
    if (study.scenario.unsourced.all() > 0) context.events().decision(unsourced_text(study.scenario.unsourced));
    if (study.guessed.empty()) context.events().decision("No rate has a prior of some width: there is nothing to draw, and low and high are those of the seeds.");
    else if (options.draws < simulation::kFewestDraws) context.events().warning(fmt::format("{} draws of the guessed rates are too few for the headline interval: give --draws {} or more.", options.draws, simulation::kFewestDraws));
    ProgressOnly quiet(context.events());
    const EventRedirect redirect(context, quiet);
    check_draws(study, context);
    return study;
}

FinishedRuns run_study(const ContributionStudy& study, const ContributeOptions& options, Context& context) {
    StudyRunner runner(study, options, context);
    try {
        ProgressOnly quiet(context.events());
        const EventRedirect redirect(context, quiet);
        return runner.run();
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) context.events().warning(fmt::format("{} of {} runs are kept in {}; with --resume the next call goes on from them.", runner.n_done(), study.plan.runs.size(), options.out));
        throw;
    }
}

simulation::ContributionTable tabulate(const ContributionStudy& study, const FinishedRuns& runs) {
    simulation::ContributionTable table;
    table.title = study.scenario.title;
    table.options = study.plan.options;
    for (const std::size_t type : study.types) table.types.push_back(study.scenario.model.types[type].name);
    for (const std::size_t rate : study.guessed) table.rates.push_back(study.scenario.rates[rate].name);
    const auto n = static_cast<std::int64_t>(study.wanted.size());
    table.rows = simulation::contributions(study.plan, runs.values, n);
    table.drivers = simulation::rate_shares(study.plan, runs.values, n, study.drawn, static_cast<std::int64_t>(study.guessed.size()));
    for (std::size_t k = 0; k < study.wanted.size(); ++k) {
        table.readouts.push_back(study.wanted[k].name);
        table.units.push_back(study.wanted[k].unit);
        table.intact_mean.push_back(simulation::intact_mean(study.plan, runs.values, n, static_cast<std::int32_t>(k)));
    }
    const simulation::Model model = simulation::checked(study.scenario.model);
    for (simulation::Contribution& row : table.rows) {
        const simulation::Readout& readout = study.scenario.readouts[study.wanted[static_cast<std::size_t>(row.readout)].readout];
        table.written_in.push_back(simulation::is_written_in(model, study.types[static_cast<std::size_t>(row.type)], readout, row.intervention) ? 1 : 0);
        if (!study.guessed.empty()) continue;
        row.low = row.seed_low;
        row.high = row.seed_high;
    }
    return table;
}

}  // namespace morula::commands
