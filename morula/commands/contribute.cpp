// What each cell type of a scenario contributes to its read-outs.
#include "morula/commands/contribute.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "morula/commands/contribute_report.hpp"
#include "morula/commands/result_folder.hpp"
#include "morula/commands/verb_record.hpp"
#include "morula/core/error.hpp"
#include "morula/core/folder_lock.hpp"
#include "morula/core/printable.hpp"
#include "morula/report/contribution_report.hpp"

namespace morula::commands {
namespace {

/// The call that gives this table again: all that decides over it, defaults too where they are numbers.
std::string command_line(const ContributeOptions& options) {
    std::string line = fmt::format("morula contribute {} --seeds {} --draws {}", shell_word(options.scenario), options.seeds, options.draws);
    if (options.permutations != ContributeOptions{}.permutations) line += fmt::format(" --permutations {}", options.permutations);
    if (options.interventions != ContributeOptions{}.interventions) line += fmt::format(" --interventions {}", fmt::join(options.interventions, ","));
    if (options.types) line += " --types " + shell_word(fmt::format("{}", fmt::join(*options.types, ",")));
    if (options.readouts) line += " --readouts " + shell_word(fmt::format("{}", fmt::join(*options.readouts, ",")));
    if (options.seed) line += fmt::format(" --seed {}", *options.seed);
    if (options.until) line += fmt::format(" --until {}", *options.until);
    return line + " --out " + shell_word(options.out);
}

bool is_among_results(const std::filesystem::path& file, const std::string& out) {
    const std::vector<std::filesystem::path> places = paths_below(out, file);
    return std::any_of(places.begin(), places.end(), [](const std::filesystem::path& inside) {
        const std::string name = inside.string();
        return name == "run.json" || name == kKeptRunsFile || name == "LOCK" || std::find(kContributionFiles.begin(), kContributionFiles.end(), name) != kContributionFiles.end();
    });
}

/// Results never take the place of what the scenario is read from.
void check_inputs(const ContributionStudy& study, const std::string& out) {
    for (const auto& [file, hash] : study.scenario.files) {
        if (is_among_results(file, out)) fail(ErrorCode::usage, fmt::format("{} is read by the scenario and lies where {} keeps its results.", file.string(), out), "Give another folder with --out.");
    }
}

CommandResult run_contribute(const ContributeOptions& options, Context& context) {
    return_freed_memory();
    VerbRecord record("contribute", values_of(options), context);
    refuse_results_of_others(options.out, "contribute");
    const ContributionStudy study = plan_study(options, context);
    check_inputs(study, options.out);
    make_output_folder(options.out, kContributionFiles);
    const FolderLock lock(options.out, "Wait until it has ended, or name another folder with --out.");
    const FinishedRuns runs = run_study(study, options, context);
    const simulation::ContributionTable table = tabulate(study, runs);
    write_contribution_csv(options.out, table);
    write_drivers_csv(options.out, table);
    write_runs_csv(options.out, study, runs);
    write_draws_csv(options.out, study);
    const double speed = static_cast<double>(runs.agent_steps) / std::max(1e-9, runs.seconds);
    report::write_contribution_report(contribution_story(study.scenario, table, {command_line(options), record.warnings(), std::ssize(study.plan.runs), runs.seconds, speed}), std::filesystem::path(options.out) / "report.html");
    for (const std::string_view name : kContributionFiles) record.add_output(std::string(name));
    for (const auto& [file, hash] : study.scenario.files) record.add_input(file.string(), hash);
    record.add_text("title", table.title);
    record.add_text("scenario_hash", study.scenario.hash);
    record.add_count("n_runs", std::ssize(study.plan.runs));
    record.add_count("n_resumed", runs.n_resumed);
    record.add_number("minutes", study.until_min);
    record.add_count("seed", static_cast<std::int64_t>(study.scenario.model.seed));
    record.add_count("n_seeds", study.plan.options.seeds);
    record.add_count("n_draws", study.plan.options.draws);
    record.add_count("numbers_without_source", study.scenario.unsourced.all());
    record.add_number("agent_steps_per_second", speed);
    record.write(options.out);
    return {contribution_text(table, study.scenario), contribution_json(options.out, table, runs)};
}

}  // namespace

Command contribute_command() {
    return make_command<ContributeOptions>(
        {.name = "contribute",
         .summary = "What a scenario implies: how much each cell type contributes to each organ read-out.",
         .help = "Runs the scenario many times, with each cell type as it is and swapped for inert cells of equal size (or removed, or silenced), from the same seeds. The effect is the read-out with the "
                 "type minus the read-out without. Its headline interval is over draws of the guessed rates from their priors; the interval over seeds shows chance alone. Effects that a rule or a "
                 "definition puts in by hand are marked written_in. A table of what follows from the scenario, not of what was measured.",
         .examples = {{"What three kinds of cells do for oxygen and a growth factor", "morula contribute examples/tissue/niche.toml --seeds 10 --out niche"}}},
        run_contribute);
}

}  // namespace morula::commands
