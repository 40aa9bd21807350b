// What a run of a scenario costs: steps, memory, disk, and an estimate of its time; and whether anybody can wait for it, and whether there is room.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "morula/commands/scenario.hpp"
#include "morula/core/context.hpp"
#include "morula/simulation/model.hpp"

namespace morula::commands {

/// For the cells of the start: time and memory grow as they divide.
struct RunCost {
    double until_min = 0.0;
    double mechanics_steps = 0.0;
    double field_steps = 0.0;  // over all stepped substances
    double solutions = 0.0;    // over all steady ones
    std::int64_t memory_bytes = 0;  // of cells, fields and the page; states of measured cells and the program itself come on top
    double seconds = 0.0;      // an estimate for two cores, from the speeds in docs/benchmarks.md
};

/// model: as a scenario gives it.
RunCost cost_of(const simulation::Model& model, std::int64_t n_agents, double until_min);

/// What lies in the folder of a run at its end, for the cells of the start: snapshots and states grow as they divide. Tables and the page (20 MB at most) come on top.
struct DiskCost {
    std::int64_t n_snapshots = 0;
    std::int64_t cell_bytes = 0;   // of all snapshots, h5ad; cells that are born take a third more than those of a start: the number of their mother
    std::int64_t field_bytes = 0;  // of fields.zarr, before it is compressed
    std::int64_t state_bytes = 0;  // to go on from, twice: a new one is written aside

    std::int64_t all() const { return cell_bytes + field_bytes + state_bytes; }
};
DiskCost disk_of(const Scenario& scenario, double until_min);

/// "1440 min in 14400 steps of motion, ...; 21 MB of memory, 3.2 MB of disk (...), about 2 min on two cores, an estimate ...", without a full stop.
std::string cost_text(const RunCost& cost, const DiskCost& disk);
/// The same of so many runs, of which some go side by side: "20 runs, 2 at once: 64 MB of disk, 42 MB of memory".
std::string cost_of_all_text(const RunCost& cost, const DiskCost& disk, std::int64_t n_runs, std::int64_t at_once);

/// Throws resource_limit where the disk of `out` has less room than so many runs need, with what takes it and what to change. folders: of the runs; what an earlier run has left there makes room, since
/// it is replaced or gone on from. free_bytes: on that disk.
void check_disk(const DiskCost& disk, const std::vector<std::filesystem::path>& folders, std::int64_t free_bytes, const std::filesystem::path& path);

/// "4 min", "2.3 days", "31 years".
std::string duration_text(double seconds);

/// Throws invalid_data where the estimate is above a year: nobody means that. Warns of more than a day, and of more than ten years of the tissue's own time. path: of the scenario.
void check_duration(const RunCost& cost, const std::filesystem::path& path, Context& context);

}  // namespace morula::commands
