#include "morula/commands/scenario_verbs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <tuple>

#include "morula/commands/scenario.hpp"
#include "morula/commands/scenario_cost.hpp"
#include "morula/commands/scenario_idle.hpp"
#include "morula/commands/scenario_templates.hpp"
#include "morula/commands/simulate_report.hpp"
#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/printable.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using simulation::FieldPace;
using simulation::Simulation;

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

struct CheckOptions {
    std::string scenario;
    std::optional<double> until;
};
constexpr auto describe(const CheckOptions*) {
    return std::tuple{
        field("scenario", &CheckOptions::scenario, "Scenario (TOML); files that it names lie beside it.", {.positional = true, .required = true}),
        field("until", &CheckOptions::until, "Minute to stop at, instead of the scenario's.", {.minimum = 0.0, .maximum = 1e8, .unit = "min"}),
    };
}

std::vector<std::int64_t> cells_by_type(const Simulation& simulation) {
    std::vector<std::int64_t> n;
    for (const auto& phases : simulation.composition()) {
        n.push_back(0);
        for (const std::int64_t here : phases) n.back() += here;
    }
    return n;
}

std::string check_text(const CheckOptions& options, const Scenario& scenario, const Simulation& simulation, const RunCost& cost, const DiskCost& disk) {
    const simulation::Model& model = simulation.model();
    std::vector<std::string> cells;
    const auto n = cells_by_type(simulation);
    for (std::size_t t = 0; t < n.size(); ++t) cells.push_back(fmt::format("{} {}", n[t], model.types[t].name));
    std::string text = fmt::format("{}: {}. It can be run.\n", options.scenario, scenario.title);
    text += fmt::format("Cells: {} ({}).\n", simulation.agents().size(), fmt::join(cells, ", "));
    text += fmt::format("Domain: {} x {} x {} voxels of {:g} um.\n", model.box.n[0], model.box.n[1], model.box.n[2], model.box.voxel_um);
    for (std::size_t s = 0; s < model.substances.size(); ++s) {
        const bool is_steady = model.pace[s] == FieldPace::steady;
        const double pace = is_steady ? static_cast<double>(simulation.steps_a_solution(s)) * model.clocks.mechanics_min : model.clocks.field_min;
        text += fmt::format("Substance {}: {} every {:g} min; {} voxels hold a concentration.\n", model.substances[s].name, is_steady ? "solved for" : "stepped", pace, model.fixed[s].places.size());
    }
    const auto sources = count_sources(scenario);
    text += fmt::format("Rates: {}: {} measured, {} from the literature, {} fitted, {} guessed{}\n", scenario.rates.size(), sources[0], sources[1], sources[2], sources[3], sources[3] > 0 ? ":" : ".");
    for (const ScenarioRate& rate : scenario.rates) {
        if (rate.source != Evidence::guessed) continue;
        const std::string place = rate.line == 0 ? "not given" : rate.file.empty() ? fmt::format("line {}", rate.line) : fmt::format("{}, line {}", rate.file, rate.line);
        const std::string within = rate.prior ? fmt::format("guessed between {:g} and {:g}", (*rate.prior)[0], (*rate.prior)[1]) : "guessed without a prior";
        text += fmt::format("  {}: {} = {:g}{}, {}\n", place, rate.name, rate.value, rate.unit == "1" ? "" : " " + rate.unit, within);
    }
    if (scenario.unsourced.all() > 0) text += unsourced_text(scenario.unsourced) + "\n";
    text += fmt::format("Run: {}.\n", cost_text(cost, disk));
    return text;
}

std::string check_json(const CheckOptions& options, const Scenario& scenario, const Simulation& simulation, const RunCost& cost, const DiskCost& disk) {
    Json rates = Json::array();
    for (const ScenarioRate& rate : scenario.rates) {
        Json one = {{"rate", rate.name}, {"value", rate.value}, {"unit", rate.unit}, {"source", evidence_name(rate.source)}, {"citation", rate.citation}};
        if (rate.prior) one["prior"] = *rate.prior;
        if (rate.line > 0) one["line"] = rate.line;
        if (!rate.file.empty()) one["file"] = rate.file;
        rates.push_back(std::move(one));
    }
    Json cells = Json::object();
    const auto n = cells_by_type(simulation);
    for (std::size_t t = 0; t < n.size(); ++t) cells[simulation.model().types[t].name] = n[t];
    const auto sources = count_sources(scenario);
    Json json = {{"scenario", options.scenario}, {"title", scenario.title}, {"scenario_hash", scenario.hash}, {"n_cells", simulation.agents().size()}, {"cells", cells}, {"n_voxels", simulation.model().box.n_voxels()}};
    for (std::size_t k = 0; k < sources.size(); ++k) json[fmt::format("rates_{}", evidence_name(static_cast<Evidence>(k)))] = sources[k];
    json["numbers_without_source"] = scenario.unsourced.all();
    json["minutes"] = cost.until_min;
    json["mechanics_steps"] = cost.mechanics_steps;
    json["field_steps"] = cost.field_steps;
    json["steady_solutions"] = cost.solutions;
    json["memory_bytes"] = cost.memory_bytes;
    json["n_snapshots"] = disk.n_snapshots;
    json["disk_bytes"] = disk.all();
    json["estimated_seconds"] = cost.seconds;
    json["rates"] = rates;
    return dump(json);
}

CommandResult run_check(const CheckOptions& options, Context& context) {
    Scenario scenario = read_scenario(options.scenario, context);
    const double until = last_minute(scenario, options.until.value_or(scenario.until_min), options.scenario);
    const RunCost cost = cost_of(scenario.model, scenario.start.size(), until);
    const DiskCost disk = disk_of(scenario, until);
    check_duration(cost, options.scenario, context);
    warn_of_idle(scenario, options.until.value_or(scenario.until_min), until, context);
    StoryCollector(scenario, scenario.every_min, context);  // asks for the memory that a run's page would
    const Simulation simulation(scenario.model, std::move(scenario.start), context);
    return {check_text(options, scenario, simulation, cost, disk), check_json(options, scenario, simulation, cost, disk)};
}

struct NewOptions {
    std::optional<ScenarioTemplate> name;
    std::string out;
};
constexpr auto describe(const NewOptions*) {
    return std::tuple{
        field("template", &NewOptions::name, "Tissue to start from.", {.choices = kScenarioTemplates, .positional = true, .required = true}),
        field("out", &NewOptions::out, "File to write (TOML).", {.required = true}),
    };
}

CommandResult run_new(const NewOptions& options, Context&) {
    const fs::path path = options.out;
    if (!path.has_filename()) fail(ErrorCode::usage, fmt::format("--out '{}' names no file.", options.out), "Name a file, as in --out my.toml.");
    const std::string rules_name = path.stem().string() + "_rules.csv";
    const fs::path rules = path.parent_path() / rules_name;
    const ScenarioFiles files = scenario_template(*options.name, rules_name);
    const bool has_rules = !files.rules.empty();
    if (const fs::path folder = path.parent_path(); !folder.empty() && !fs::is_directory(folder)) fail(ErrorCode::not_found, fmt::format("{}: the folder {} is not there.", path.string(), folder.string()), "Make it, or name a file in another.");
    for (const fs::path& file : has_rules ? std::vector{path, rules} : std::vector{path}) {
        if (fs::exists(file)) invalid_data(fmt::format("{} is there already.", file.string()), "Name another file, or move that one away.");
    }
    if (has_rules) write_text_file(rules, files.rules);
    write_text_file(path, files.text);
    Json json = {{"scenario", path.string()}};
    if (has_rules) json["rules"] = rules.string();
    return {fmt::format("{}{}: a scenario that runs as it is. Its rates are from the literature or guesses, none of them yours: change them, and say where each comes from.\n"
                        "Check it with `morula scenario check {}`, run it with `morula simulate {} --out DIR`.\n", path.string(), has_rules ? " and " + rules.string() : "", shell_word(path.string()), shell_word(path.string())),
            dump(json)};
}

}  // namespace

std::vector<Command> scenario_commands() {
    return {make_command<CheckOptions>({.name = "scenario check",
                                        .summary = "Check a tissue scenario without running it: its rates by source, its cells, steps, memory, disk and time.",
                                        .help = "Everything that `simulate` would refuse is refused, with the same exit code. The time is an estimate for the cells of the start on two cores; one above a year is refused, one above a day gives a warning.",
                                        .examples = {{"What a scenario rests on", "morula scenario check examples/tissue/oxygen_ball.toml"}}},
                                       run_check),
            make_command<NewOptions>({.name = "scenario new",
                                      .summary = "Write a commented tissue scenario to start from.",
                                      .help = "The scenario runs as it is. The shapes are a textbook's and no measured tissue.",
                                      .examples = {{"An islet", "morula scenario new islet --out islet.toml"}}},
                                     run_new)};
}

}  // namespace morula::commands
