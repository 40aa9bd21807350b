// Perturbations of a scenario: [[perturbation]] with knock-out, over-expression, silencing, drug, removal and injection.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "morula/commands/scenario_section.hpp"
#include "morula/core/context.hpp"
#include "morula/simulation/model.hpp"

namespace morula::commands::scenario_detail {

struct ReadPerturbations {
    std::vector<ScenarioOnset> onsets{};     // one a [[perturbation]]
    std::vector<std::size_t> of_factor{};    // of each of Perturbations::factors, the number of its [[perturbation]] from 0
};

/// Adds them to a model that has its substances, types, rules and clocks. folder: of files that they name, which become part of the scenario's hash. Refuses, with the line, those that
/// cannot be, or that contradict one before them. Warns of factors on what cells do not do.
ReadPerturbations read_perturbations(Section& top, simulation::Model& model, const std::filesystem::path& folder, Context& context);

}  // namespace morula::commands::scenario_detail
