// What a run of a scenario costs: steps, memory, and an estimate of its time; and whether anybody can wait for it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "morula/core/context.hpp"
#include "morula/simulation/model.hpp"

namespace morula::commands {

/// For the cells of the start: time and memory grow as they divide.
struct RunCost {
    double until_min = 0.0;
    double mechanics_steps = 0.0;
    double field_steps = 0.0;  // over all stepped substances
    double solutions = 0.0;    // over all steady ones
    std::int64_t memory_bytes = 0;
    double seconds = 0.0;      // an estimate for two cores, from the speeds in docs/benchmarks.md
};

/// model: as a scenario gives it.
RunCost cost_of(const simulation::Model& model, std::int64_t n_agents, double until_min);

/// "4 min", "2.3 days", "31 years".
std::string duration_text(double seconds);

/// Throws invalid_data where the estimate is above a year: nobody means that. Warns of more than a day, and of more than ten years of the tissue's own time. path: of the scenario.
void check_duration(const RunCost& cost, const std::filesystem::path& path, Context& context);

}  // namespace morula::commands
