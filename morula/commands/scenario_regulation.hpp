// [expression.ridge] of a scenario: regressions of genes on their regulators, by which knocked-out genes shift states. Experimental.
#pragma once

#include "morula/commands/measured_states.hpp"
#include "morula/commands/scenario_section.hpp"
#include "morula/data/dataset.hpp"
#include "morula/simulation/expression_ridge.hpp"

namespace morula::commands::scenario_detail {

/// Fits one ridge a gene and type on levels that are read off the measured cells' latents. columns: of the genes that the section's list names, in its order. folder: where the table of regulons lies.
/// Throws invalid_data, with file and line, where none of the genes regulates another in the table, and what read_regulons throws.
simulation::Regulation read_regulation(Section& section, const data::Dataset& dataset, const MeasuredStates& states, const simulation::ExpressionKernel& kernel, const std::vector<std::int64_t>& columns,
                                       const std::vector<std::string>& names, const std::filesystem::path& folder, Context& context);

}  // namespace morula::commands::scenario_detail
