// The sections of a simulated tissue's page, each a function from the story to HTML; an empty string leaves the section out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "morula/report/simulation_story.hpp"

namespace morula::report {

/// "Its 12 rates: none measured, ..."; "" without rates.
std::string sources_text(const std::vector<RateRow>& rates);
/// That transitions are hypotheses, and where the states come from. measured_states: as of a SimulationStory.
std::string hypotheses_callout(const std::string& measured_states);

std::string story_section(const SimulationStory& story);
/// n_frames: those that the page holds.
std::string player_section(const SimulationStory& story, std::int64_t n_frames);
std::string population_section(const SimulationStory& story);
std::string readout_section(const SimulationStory& story);
std::string profile_section(const SimulationStory& story);
std::string field_section(const SimulationStory& story);
/// Also of the page of a contribution table. used: how this run used the guesses, a sentence.
std::string evidence_section(const std::vector<RateRow>& rates, const std::string& unsourced, const std::string& used);
std::string limits_section(const SimulationStory& story);
/// same: what the same scenario gives again, a sentence.
std::string files_section(const RunRecord& record, const std::string& same);

}  // namespace morula::report
