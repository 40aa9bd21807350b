// [expression] of a scenario: the measured cells whose states the agents take, how fast they change, and the ligands that shift them.
#pragma once

#include <memory>

#include "morula/commands/scenario_section.hpp"
#include "morula/core/hash.hpp"
#include "morula/simulation/expression_states.hpp"

namespace morula::commands::scenario_detail {

/// The [expression] section; nullptr where there is none. folder: where files that it names lie. hasher takes in what is read.
/// Throws not_found or invalid_data, with file and line: data that are not there, without the embedding or column, of another embedding than `embedding_hash` says, a type without
/// measured cells that is not listed as such, rates without unit and source, ligands and genes that neither table nor data know.
std::shared_ptr<const simulation::ExpressionModel> read_expression(Section& top, const simulation::Model& model, const std::filesystem::path& folder, Hasher& hasher, Context& context);

}  // namespace morula::commands::scenario_detail
