// Agents that stand where cells were measured start in the state of the cell that was measured there.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "morula/commands/measured_states.hpp"
#include "morula/commands/scenario_section.hpp"
#include "morula/data/dataset.hpp"
#include "morula/simulation/expression_states.hpp"

namespace morula::commands::scenario_detail {

/// Measured cells that agents may start as, with their places in obsm spatial of the data that states come from.
struct MeasuredPlaces {
    struct Cell {
        std::array<double, 3> at{};  // in the file's unit
        std::int32_t type = 0;
        std::int64_t number = 0;     // among the measured cells of its type
    };
    std::filesystem::path file;
    std::vector<Cell> cells;
};

/// Throws not_found where the data have no obsm spatial, invalid_data for places that are no numbers.
MeasuredPlaces measured_places(const data::Dataset& dataset, const MeasuredStates& states, const std::filesystem::path& file);

/// Each agent that stands where cells of that file stand (Reading::origins) starts as the nearest measured cell of its type, ties by the earlier cell; the others as random ones of their type.
/// Says how many and how far away these are. Throws invalid_data where no [[cells]] names the file.
void start_where_measured(const MeasuredPlaces& places, const simulation::Agents& start, const Reading& reading, simulation::ExpressionModel& model);

}  // namespace morula::commands::scenario_detail
