// What agents do to those that they touch: attack, eat, fuse; and how agents, or their daughters, become of another type.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/simulation/agents.hpp"
#include "morula/simulation/behaviors.hpp"
#include "morula/simulation/mechanics_contacts.hpp"
#include "morula/simulation/model.hpp"

namespace morula::simulation {

/// Damage of the living over one step. An agent that attacks touched living agents of types t at rates a_t (times how immunogenic each of them is to the attacker's type), each attack lasting T, spends on one of them, in the mean of many attacks
/// one after the other, the share a T / (1 + sum a T) of the time; the attacked is under attack for the sum of these times and takes its attackers' damage rates meanwhile.
/// Then damage relaxes: d' = damage rate - repair d, exactly over the step. No chance is drawn. (PhysiCell 1.14 draws attacks one by one.)
void take_damage(Agents& agents, const Behaviors& behaviors, const Contacts& contacts, std::size_t n_types, double dt_min, Context& context);

/// One agent's deed in a step, by places in the arrays: eats or fuses with another, which is gone then, or becomes of a type.
struct Encounter {
    enum class Kind : std::uint8_t { eats, fuses, becomes };
    Kind kind = Kind::eats;
    std::uint32_t actor = 0;
    std::uint32_t other = 0;  // of who eats or fuses
    std::uint16_t type = 0;   // of who becomes
};

/// Each living agent acts with probability 1 - exp(-sum of its rates dt), once at most: one deed, in proportion to its rate (dead agents are eaten at the rates for the dead, living
/// ones at the rate for their type). Those in `busy` (dividing, leaving, dying in this step) neither act nor suffer. Deeds are sorted by the actor's id, and one that
/// comes too late, since its actor or its other is gone into somebody, falls away. Random numbers: (seed, id of the actor, step).
std::vector<Encounter> find_encounters(const Agents& agents, const Behaviors& behaviors, const Contacts& contacts, const PopulationEvents& busy, std::size_t n_types, double dt_min, std::uint64_t seed,
                                       std::uint32_t step, Context& context);

/// Who eats takes in fluid and solids (all as cytoplasm; its own aims stay, so that it shrinks back); who fuses takes in fluid, nucleus and cytoplasm, aims at both sizes together, and moves to the
/// middle of both, by volume; for who becomes of a type see turn_into. Those that are gone are added to events.leaving.
void apply_encounters(Agents& agents, std::span<const Encounter> encounters, const Model& model, const Behaviors& behaviors, PopulationEvents& events);

/// Types of daughters that are not of their mothers' types, by the ids of the mothers: a daughter is of type t with the probability that is her mother's "asymmetric division to t" (where they add up to
/// more than 1, in these proportions). The mother, the other half, stays of her type. As PhysiCell 1.14 does, which ends the run where they add up to more than 1.
/// Random numbers: (seed, id of the mother, step), of which those that divide have no other use here.
std::map<std::uint64_t, std::uint16_t> types_of_daughters(const Agents& agents, const Behaviors& behaviors, std::span<const std::uint32_t> dividing, std::size_t n_types, std::uint64_t seed, std::uint32_t step);

/// The agent keeps its volume, aims at the nucleus of the type, and enters the first phase of its life.
void turn_into(Agents& agents, std::size_t agent, std::uint16_t type, const Model& model, const Behaviors& behaviors);

}  // namespace morula::simulation
