// A made-up simulation for tests of its page.
#pragma once

#include "morula/report/simulation_story.hpp"

namespace morula::report {

/// Two types of three and one states, two substances, four times, frames of n_cells cells.
SimulationStory example_story(std::int64_t n_cells, std::int64_t n_frames);

}  // namespace morula::report
