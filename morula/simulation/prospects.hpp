// What cells of a model may come to be: which types, and how hard they may push.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "morula/simulation/agents.hpp"
#include "morula/simulation/model.hpp"

namespace morula::simulation {

/// Types of cells that a run may have, ascending: those of the start, those that are put in, and what each of them may turn into or bear. model: a checked one.
std::vector<std::uint16_t> types_to_come(const Model& model, const Agents& start);

/// The most that rules and perturbations may make of a type's repulsion: the largest of its own value and of the saturations that rules increase it to, times the largest factor that acts on it at any
/// time. A bound: signals need not bring it there.
struct StrongestPush {
    double repulsion_um_per_min = 0.0;
    std::optional<std::size_t> rule{};    // number in Model::rules of the one that does it
    std::optional<std::size_t> factor{};  // number in Perturbations::factors of the one that does it
};
/// One a type. Throws what Rules throws for a behaviour that is not there.
std::vector<StrongestPush> strongest_pushes(const Model& model);

}  // namespace morula::simulation
