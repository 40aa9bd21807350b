// What each value of an organ read-out is, in a sentence for people who have not read the scenario.
#pragma once

#include <string>
#include <vector>

#include "morula/simulation/readouts.hpp"

namespace morula::commands {

/// A sentence for each of simulation::readout_names, in its order. The read-out must pass check_readout.
std::vector<std::string> readout_words(const simulation::Readout& readout, const simulation::Model& model);

}  // namespace morula::commands
