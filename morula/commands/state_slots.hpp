// Expression states of a simulation for its outputs: slots of a snapshot, lines of the run record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "morula/commands/verb_record.hpp"
#include "morula/data/dataset.hpp"
#include "morula/simulation/simulation.hpp"

namespace morula::commands {

/// Adds, where the model has expression: obsm X_latent; obs metacell (-1: none was measured for its type), state_unlike_data (how often the guard pulled it back), a column "programme NAME"
/// each; var and X: log values of genes read off the latent; and in uns["morula_simulation"] what they are and that only states are measured. order: places of the agents, one a row.
void add_state_slots(data::Dataset& cells, const simulation::Simulation& simulation, const std::vector<std::size_t>& order);

/// Expression states of one run or more, for the record.
struct StateSummary {
    std::int64_t n_metacells = 0;  // 0: the model has no expression
    std::string embedding_hash;
    double share_unlike_data = 0.0;  // of the steps of states, those that led to where no measured cell is and were pulled back
};
StateSummary summary_of_states(const simulation::Simulation& simulation);
/// What to say where states were unlike any measured cell in more than 1 % of their steps; "": nothing. For the message, the page and run.json alike.
std::string unlike_data_text(const StateSummary& states);
/// The summary, with the sentence above as `unlike_measured_cells`, which the run says too: as a warning from 2 % on. Nothing where the model has no expression.
void record_states(VerbRecord& record, const StateSummary& states, Context& context);

}  // namespace morula::commands
