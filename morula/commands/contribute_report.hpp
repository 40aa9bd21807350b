// The page of a contribution table: what the report shows, from the table and its scenario.
#pragma once

#include <string>
#include <vector>

#include "morula/commands/scenario.hpp"
#include "morula/report/contribution_story.hpp"
#include "morula/simulation/contribution.hpp"

namespace morula::commands {

/// What the page says about the runs themselves.
struct ContributionFacts {
    std::string command;             // that makes the table again
    std::vector<std::string> warnings;
    std::int64_t n_runs = 0;
    double seconds = 0.0;
    double agent_steps_per_second = 0.0;
};

report::ContributionStory contribution_story(const Scenario& scenario, const simulation::ContributionTable& table, const ContributionFacts& facts);

}  // namespace morula::commands
