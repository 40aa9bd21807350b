#include "morula/commands/scenario_cost.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <system_error>
#include <vector>

#include "morula/commands/simulate_report.hpp"
#include "morula/core/error.hpp"
#include "morula/simulation/simulation.hpp"

namespace morula::commands {
namespace {

/// Two cores of the machine of docs/benchmarks.md, nothing beside.
constexpr double kAgentStepsPerSecond = 1.6e7;
constexpr double kVoxelStepsPerSecond = 9e8;
constexpr double kSecondsAVoxelSolved = 1e-7;
constexpr double kSecondsAStep = 2e-5;

/// Of a snapshot, as the file system counts (the library leaves holes in its files): measured on files of 24 to 299,088 cells, with states and without.
/// The number of a mother is a long text that cells of the start do not have.
constexpr std::int64_t kBytesASnapshot = 28'000;
constexpr std::int64_t kBytesACell = 112;
constexpr std::int64_t kBytesAMother = 38;
constexpr std::int64_t kBytesAGene = 200;
/// Of an agent in a saved state, and of a voxel's value there.
constexpr std::int64_t kBytesASavedCell = 180;
constexpr std::int64_t kBytesASavedValue = 8;
constexpr std::int64_t kSavedAtOnce = 2;

constexpr double kDay = 86'400.0, kYear = 365.25 * kDay;
constexpr double kMostSeconds = kYear, kManySeconds = kDay;
constexpr double kManyTissueSeconds = 10.0 * kYear;

/// Whole bytes of an amount that may be beyond all disks.
std::int64_t bytes_of(double amount) { return static_cast<std::int64_t>(std::min(amount, 1e18)); }

std::int64_t snapshots_of(const Scenario& scenario, double until_min) {
    if (scenario.snapshot_every_min == 0.0) return 1;
    const double step = scenario.model.clocks.mechanics_min;
    const double reports_apart = std::round(scenario.snapshot_every_min / scenario.every_min);
    const double n = std::floor(std::floor(until_min / scenario.every_min + 1e-9) / reports_apart);
    const bool ends_with_one = std::llround(n * reports_apart * scenario.every_min / step) == std::llround(until_min / step);
    return static_cast<std::int64_t>(n) + (ends_with_one ? 1 : 2);
}

/// Of a cell's state in a snapshot; of those of genes their numbers at most.
std::int64_t state_bytes_a_cell(const simulation::ExpressionModel& expression) {
    const auto n_programmes = expression.signalling ? std::ssize(expression.signalling->model().programmes) : 0;
    return 4 * expression.kernel.n_dims() + 24 + 4 * n_programmes + 8 * std::ssize(expression.decoded.genes);
}

/// Of what a run keeps there from one call to the next.
std::int64_t bytes_below(const std::filesystem::path& run) {
    std::int64_t bytes = 0;
    std::error_code ignored;
    for (const char* name : {"snapshots", "fields.zarr", "state"}) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(run / name, ignored)) {
            if (entry.is_regular_file(ignored)) bytes += static_cast<std::int64_t>(entry.file_size(ignored));
        }
    }
    return bytes;
}

}  // namespace

DiskCost disk_of(const Scenario& scenario, double until_min) {
    const simulation::Model& model = scenario.model;
    const std::int64_t n_cells = scenario.start.size(), n_substances = std::ssize(model.substances);
    const std::int64_t n_with_mothers = n_cells - std::count(scenario.start.parent.begin(), scenario.start.parent.end(), std::uint64_t{0});
    std::int64_t a_cell = kBytesACell + 4 * n_substances, a_snapshot = kBytesASnapshot + kBytesAMother * n_with_mothers;
    if (model.expression) {
        a_cell += state_bytes_a_cell(*model.expression);
        a_snapshot += kBytesAGene * std::ssize(model.expression->decoded.genes);
    }
    DiskCost disk{.n_snapshots = snapshots_of(scenario, until_min)};
    const double n = static_cast<double>(disk.n_snapshots);
    disk.cell_bytes = bytes_of(n * static_cast<double>(a_snapshot + a_cell * n_cells));
    disk.field_bytes = bytes_of(n * static_cast<double>(n_substances) * sizeof(float) * static_cast<double>(model.box.n_voxels()));
    disk.state_bytes = kSavedAtOnce * (kBytesASavedCell * n_cells + kBytesASavedValue * n_substances * model.box.n_stored());
    return disk;
}

std::string cost_text(const RunCost& cost, const DiskCost& disk) {
    return fmt::format("{:g} min in {:.0f} steps of motion, {:.0f} of fields, {:.0f} steady solutions; {} of memory, {} of disk ({} snapshot{}: cells {}, fields {} at most; the state {}), about {} on two cores, an estimate for the cells of the start: more as they divide",
                       cost.until_min, cost.mechanics_steps, cost.field_steps, cost.solutions, format_bytes(cost.memory_bytes), format_bytes(disk.all()), disk.n_snapshots, disk.n_snapshots == 1 ? "" : "s", format_bytes(disk.cell_bytes),
                       format_bytes(disk.field_bytes), format_bytes(disk.state_bytes), duration_text(cost.seconds));
}

std::string cost_of_all_text(const RunCost& cost, const DiskCost& disk, std::int64_t n_runs, std::int64_t at_once) {
    return fmt::format("{} runs, {} at once: {} of disk, {} of memory", n_runs, at_once, format_bytes(bytes_of(static_cast<double>(n_runs) * static_cast<double>(disk.all()))), format_bytes(at_once * cost.memory_bytes));
}

void check_disk(const DiskCost& disk, const std::vector<std::filesystem::path>& folders, std::int64_t free_bytes, const std::filesystem::path& path) {
    const double needed = static_cast<double>(disk.all()) * static_cast<double>(folders.size());
    if (needed <= static_cast<double>(free_bytes)) return;
    std::int64_t there = 0;
    for (const std::filesystem::path& folder : folders) there += bytes_below(folder);
    if (needed <= static_cast<double>(free_bytes + there)) return;
    const std::string runs = folders.size() == 1 ? "the run needs" : fmt::format("each of {} runs needs", folders.size());
    fail(ErrorCode::resource_limit,
         fmt::format("{}: {} about {} of disk ({} snapshots: cells {}, fields {}; the state {}; an estimate for the cells of the start, more as they divide), and {} {} free at {}.", path.string(), runs, format_bytes(disk.all()), disk.n_snapshots,
                     format_bytes(disk.cell_bytes), format_bytes(disk.field_bytes), format_bytes(disk.state_bytes), format_bytes(free_bytes + there), there > 0 ? "with what an earlier run left are" : "are", folders.front().string()),
         "Keep fewer snapshots (a longer snapshot_every_min), stop earlier (until_min, --until), give larger voxels or a smaller domain, or name a folder on another disk with --out.");
}

RunCost cost_of(const simulation::Model& given, std::int64_t n_agents, double until_min) {
    const simulation::Model model = simulation::checked(given);
    const std::vector<std::int64_t> steps_a_solution = simulation::steps_between_solutions(model, simulation::Behaviors(model));
    const double n_voxels = static_cast<double>(model.box.n_voxels());
    RunCost cost{.until_min = until_min, .mechanics_steps = std::round(until_min / model.clocks.mechanics_min), .memory_bytes = simulation::expected_bytes(model, n_agents) + kPageBytes};
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
