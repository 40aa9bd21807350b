#include "morula/commands/scenario_idle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "morula/simulation/prospects.hpp"

namespace morula::commands {
namespace {

/// A decimal number of steps is as good as a whole one: 12.3 is 123 steps of .1.
constexpr double kSameMinute = 1e-6;

void warn_of_late(const ScenarioOnset& onset, double until_min, const std::string& file, EventSink& events) {
    const auto is_late = [&](double ends_before) { return until_min <= ends_before + kSameMinute * (1.0 + std::abs(ends_before)); };
    const auto n_late = std::count_if(onset.ends_before.begin(), onset.ends_before.end(), is_late);
    if (n_late == 0) return;
    const std::string place = fmt::format("{}, line {}: {}", file, onset.line, onset.name);
    if (n_late == std::ssize(onset.minutes)) events.warning(fmt::format("{} comes at minute {:g}, and the run ends at minute {:g}: it never happens.", place, onset.minutes.front(), until_min));
    else events.warning(fmt::format("{}: {} of its {} doses come at the end of the run, minute {:g}, or later: they are never given.", place, n_late, onset.minutes.size(), until_min));
}

/// Clocks that strike for the first time after the end of the run.
void warn_of_slow_clocks(const simulation::Model& model, double until_min, const std::string& file, EventSink& events) {
    const auto warn = [&](std::string_view clock, double minutes, std::string_view lacking) {
        if (minutes > until_min + kSameMinute * minutes) events.warning(fmt::format("{}: {} is {:g} min and the run ends at minute {:g}, before its first strike: {}.", file, clock, minutes, until_min, lacking));
    };
    warn("life_min", model.clocks.life_min, "no cell grows, divides, dies or follows a rule");
    if (!model.expression) return;
    warn("clock_min of [expression]", model.expression->clock_min, "no cell changes its state");
    if (model.expression->signalling) warn("signalling_min", model.expression->signalling->model().clock_min, "no programme moves");
}

}  // namespace

void warn_of_idle(const Scenario& scenario, double asked_min, double until_min, Context& context) {
    EventSink& events = context.events();
    const std::string file = scenario.files.empty() ? scenario.title : scenario.files.back().path.string();
    const double step = scenario.model.clocks.mechanics_min;
    if (until_min == 0.0) events.warning(fmt::format("{}: a run until minute {:g} makes no step of {:g} min; it shows the start alone.", file, asked_min, step));
    else if (std::abs(asked_min - until_min) > kSameMinute * step) events.warning(fmt::format("{}: minute {:g} is no whole number of steps of {:g} min; the run ends at minute {:g}.", file, asked_min, step, until_min));
    if (until_min > 0.0) {
        warn_of_slow_clocks(scenario.model, until_min, file, events);
        for (const ScenarioOnset& onset : scenario.onsets) warn_of_late(onset, until_min, file, events);
    }
    const std::vector<std::uint16_t> types = simulation::types_to_come(scenario.model, scenario.start);
    for (std::size_t type = 0; type < scenario.model.types.size(); ++type) {
        if (std::binary_search(types.begin(), types.end(), type)) continue;
        events.warning(fmt::format("{}: cell_type '{}' has no cells: none at the start, none that are put in, none that others turn into or bear.", file, scenario.model.types[type].name));
    }
}

}  // namespace morula::commands
