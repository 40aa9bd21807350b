// [expression] of a scenario: the measured cells whose states the agents take, how fast they change, and the ligands that shift them.
#pragma once

#include <memory>
#include <optional>

#include "morula/commands/scenario_expression_starts.hpp"
#include "morula/commands/scenario_section.hpp"
#include "morula/core/hash.hpp"
#include "morula/simulation/expression_states.hpp"

namespace morula::commands::scenario_detail {

struct ReadExpression {
    std::shared_ptr<simulation::ExpressionModel> model;  // nullptr: there is no [expression]
    std::optional<MeasuredPlaces> places{};              // where agents are to start by position (start_where_measured, once there are agents)
};

/// The [expression] section. folder: where files that it names lie. hasher takes in what is read.
/// Throws not_found or invalid_data, with file and line: data that are not there, without the embedding or column, of another embedding than `embedding_hash` says, a type without
/// measured cells that is not listed as such, rates without unit and source, ligands and genes that neither table nor data know.
ReadExpression read_expression(Section& top, const simulation::Model& model, const std::filesystem::path& folder, Hasher& hasher, Context& context);

}  // namespace morula::commands::scenario_detail
