// The drawings of a simulated tissue's page. An empty `svg` means there was nothing to draw.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "morula/report/charts.hpp"
#include "morula/report/simulation_story.hpp"

namespace morula::report {

/// "T cell, G1"; the type alone where it has one state.
std::string kind_title(const SimulationStory& story, std::size_t kind);

/// Units in which the page writes times of a run of that length.
struct TimeUnit {
    double minutes = 1.0;
    std::string_view name = "min";
};
TimeUnit time_unit(double minutes);

/// Cells over time, stacked by type and state.
Figure composition_over_time_figure(const SimulationStory& story);
/// Living cells of each type, the dead, and births and removals; empty where one curve would say the same as the figure before.
Figure types_over_time_figure(const SimulationStory& story);
Figure turnover_figure(const SimulationStory& story);

/// Density of each group against distance. from: "centre", "nearest vessel"; id: begins the name of downloads.
Figure density_profile_figure(const SimulationStory& story, const DistanceProfile& profile, std::string_view id, std::string_view from);
/// One substance against distance.
Figure level_profile_figure(const SimulationStory& story, const DistanceProfile& profile, std::size_t substance, std::string_view id, std::string_view from);

/// One substance in the plane through the middle, in ten bands, the cut cells outlined.
Figure field_map_figure(const SimulationStory& story, const FieldMap& map);
/// The cells that the plane through the middle cuts in the last frame: the player as a still picture.
Figure last_frame_figure(const SimulationStory& story);

Figure readout_figure(const SimulationStory& story, const ReadoutSeries& series);
/// One bar: how many rates are measured, from the literature, fitted, guessed.
Figure evidence_figure(const std::vector<RateRow>& rates);

/// The four sources in the order of trust.
inline constexpr std::array<std::string_view, 4> kSources = {"measured", "literature", "fitted", "guessed"};
std::int64_t count_source(const std::vector<RateRow>& rates, std::string_view source);

}  // namespace morula::report
