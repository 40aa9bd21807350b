// Whether a scenario itself joins a cell type to a read-out, so that an effect of the one on the other was put in by hand.
#pragma once

#include <cstddef>

#include "morula/simulation/interventions.hpp"
#include "morula/simulation/model.hpp"
#include "morula/simulation/readouts.hpp"

namespace morula::simulation {

/// True where one statement of the scenario joins the type to what the read-out is computed from. That is: the cells of its types (those that it names; without a list all of a barrier or an extent, and of
/// the other kinds those that exchange the substance or have a rule for it), and, but for barrier, exchange and extent, the exchange of its substance. Joined is a type
/// - that the read-out counts: it is in a list; without a list in every barrier, extent and count of contacts, and where it is removed in every oxygenation (inert and silenced cells are counted on);
/// - that exchanges the substance, or has a rule for that;
/// - whose contact is the signal of a rule for the exchange of the substance, or of any rule of, or for becoming or bearing, one of the read-out's types;
/// - that eats, attacks, fuses with, turns into or divides into one of these types, or they do so with it, at a rate or by a rule;
/// - that eats the dead, in a read-out that counts them (extent, oxygenation, contacts).
/// Signals that name no type (pressure, contact with live cells), pushing and sticking, programmes of states, and what goes through fields or in two steps join nothing.
/// What a sub-model gives counts as a rule on each of the signals that it reads.
/// model: a checked one, whose rules are known (Rules); type: a number of its types.
bool is_written_in(const Model& model, std::size_t type, const Readout& readout, Intervention intervention);

}  // namespace morula::simulation
