// The kinds of organ read-outs, one function each; readouts.hpp says what they mean. Each gives its values in the order of readout_names.
#pragma once

#include <vector>

#include "morula/simulation/readouts.hpp"

namespace morula::simulation::readout_detail {

/// Is the cell of the types (none: of any) and in the region?
bool is_meant(const Simulation& simulation, std::size_t agent, const std::vector<std::uint16_t>& types, const std::optional<Region>& region);
/// Of the voxel in which the cell lies.
double concentration_at(const Simulation& simulation, std::size_t agent, std::int32_t substance);

std::vector<double> oxygenation(const Readout& readout, const Simulation& simulation, Context& context);
std::vector<double> barrier(const Readout& readout, const Simulation& simulation, Context& context);
std::vector<double> cytokine_load(const Readout& readout, const Simulation& simulation, Context& context);
std::vector<double> exchange(const Readout& readout, const Simulation& simulation, Context& context);
std::vector<double> secretion(const Readout& readout, const Simulation& simulation, Context& context);
std::vector<double> clearance(const Readout& readout, const Simulation& simulation, Context& context);
std::vector<double> extent(const Readout& readout, const Simulation& simulation, Context& context);

}  // namespace morula::simulation::readout_detail
