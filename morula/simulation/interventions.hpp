// What is done to a cell type to see what it contributes: swapped for inert cells, taken out, or silenced.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morula/simulation/simulation.hpp"

namespace morula::simulation {

/// inert: cells of equal size and mechanics in the same places that do nothing: no secretion, no uptake, no cycle, no death, no motility, no encounters, no expression state, no rules, no sub-model, and not
/// the type that rules and encounters of others speak of. remove: nobody there. silence: the same type, living and crawling at its own rates, without secretion, uptake, rules, sub-model, and what it
/// does to those that it touches; its cells keep their expression states and what they sense, and show their neighbours no ligands.
/// What perturbations of the scenario do to the type they do under inert to its inert cells, as far as these have it: cells put in are inert; a removal draws from the type's inert and own cells (the dead,
/// and those that others became) as from one, the same ids as without the swap; factors on adhesion, its reach, affinities and repulsion act. Other factors, knock-outs of genes and drugs find nothing to
/// change. remove: nobody is put in, and removals find nobody. silence: all act; factors on what is silenced multiply 0.
enum class Intervention { inert, remove, silence };

inline constexpr std::array<std::string_view, 3> kInterventionNames{"inert", "remove", "silence"};
std::string_view intervention_name(Intervention intervention);
/// Throws usage for another name, with those that there are.
Intervention find_intervention(std::string_view name);

/// A model and the agents that it starts from.
struct Tissue {
    Model model;
    Agents start;
};

/// The tissue with an intervention on each of the types (numbers of model.types, each once). Agents that stay keep id, place and size; chance is drawn by id, so that those that nothing befalls
/// go on as before. Inert cells are of types of their own, added behind the others and named after theirs ("T cell, inert"); agents that are dead at the start stay what they are.
/// Rules of other types that measure what the type secretes, or its contacts, stay and find nothing. Cells of other types that become of the type later are real ones.
Tissue intervene(Tissue tissue, std::span<const std::size_t> types, Intervention intervention);

}  // namespace morula::simulation
