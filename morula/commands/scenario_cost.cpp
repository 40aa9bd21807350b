#include "morula/commands/scenario_cost.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "morula/core/error.hpp"
#include "morula/simulation/simulation.hpp"

namespace morula::commands {
namespace {

/// Two cores of the machine of docs/benchmarks.md, nothing beside.
constexpr double kAgentStepsPerSecond = 1.6e7;
constexpr double kVoxelStepsPerSecond = 9e8;
constexpr double kSecondsAVoxelSolved = 1e-7;
constexpr double kSecondsAStep = 2e-5;

constexpr double kDay = 86'400.0, kYear = 365.25 * kDay;
constexpr double kMostSeconds = kYear, kManySeconds = kDay;
constexpr double kManyTissueSeconds = 10.0 * kYear;

}  // namespace

RunCost cost_of(const simulation::Model& given, std::int64_t n_agents, double until_min) {
    const simulation::Model model = simulation::checked(given);
    const std::vector<std::int64_t> steps_a_solution = simulation::steps_between_solutions(model, simulation::Behaviors(model));
    const double n_voxels = static_cast<double>(model.box.n_voxels());
    RunCost cost{.until_min = until_min, .mechanics_steps = std::round(until_min / model.clocks.mechanics_min), .memory_bytes = simulation::expected_bytes(model, n_agents)};
    for (std::size_t s = 0; s < model.substances.size(); ++s) {
        // The first step and each strike of the substance's clock.
        if (model.pace[s] == simulation::FieldPace::steady) cost.solutions += steps_a_solution[s] == 1 ? cost.mechanics_steps : 1.0 + std::floor(cost.mechanics_steps / static_cast<double>(steps_a_solution[s]));
        else cost.field_steps += std::round(until_min / model.clocks.field_min);
    }
    cost.seconds = cost.mechanics_steps * (kSecondsAStep + static_cast<double>(n_agents) / kAgentStepsPerSecond) + cost.field_steps * n_voxels / kVoxelStepsPerSecond + cost.solutions * n_voxels * kSecondsAVoxelSolved;
    return cost;
}

std::string duration_text(double seconds) {
    if (seconds < 90.0) return fmt::format("{:.0f} s", std::max(1.0, seconds));
    if (seconds < 5'400.0) return fmt::format("{:.0f} min", seconds / 60.0);
    if (seconds < 2.0 * kDay) return fmt::format("{:.1f} h", seconds / 3'600.0);
    return seconds < 2.0 * kYear ? fmt::format("{:.1f} days", seconds / kDay) : fmt::format("{:.0f} years", seconds / kYear);
}

void check_duration(const RunCost& cost, const std::filesystem::path& path, Context& context) {
    const double tissue_seconds = 60.0 * cost.until_min;
    if (cost.seconds <= kManySeconds && tissue_seconds <= kManyTissueSeconds) return;
    const std::string what = fmt::format("{}: {:g} min, {} of the tissue's own time, would take about {} on two cores (an estimate for the cells of the start: {:g} steps of motion, {:g} of fields, {:g} steady solutions)", path.string(),
                                         cost.until_min, duration_text(tissue_seconds), duration_text(cost.seconds), cost.mechanics_steps, cost.field_steps, cost.solutions);
    if (cost.seconds > kMostSeconds) invalid_data(what + ".", "Stop earlier (until_min, --until), give longer steps ([clocks]), fewer cells or larger voxels.");
    context.events().warning(what + ". Is that meant?");
}

}  // namespace morula::commands
