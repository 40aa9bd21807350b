#include "morula/report/simulation_report.hpp"

#include <vector>

#include <fmt/format.h>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/report/islands.hpp"
#include "morula/report/page.hpp"
#include "morula/report/sections_simulation.hpp"

namespace morula::report {
namespace {

constexpr std::int64_t kEnvelope = 65'536;  // room for the section around the player

void require_length(std::size_t length, std::size_t expected, std::string_view what) {
    if (length == expected) return;
    fail(ErrorCode::internal, fmt::format("The {} of a simulation's report has {} entries where {} were expected.", what, length, expected), "Report this as a bug.");
}

void check_composition(const SimulationStory& story) {
    const CompositionOverTime& composition = story.composition;
    require_length(composition.counts.size(), composition.minute.size(), "composition over time");
    require_length(composition.births.size(), composition.minute.size(), "births over time");
    require_length(composition.removals.size(), composition.minute.size(), "removals over time");
    for (const auto& row : composition.counts) require_length(row.size(), story.kinds.size(), "composition of a minute");
}

void check_frame(const SimulationStory& story, const Frame& frame) {
    const std::size_t n = frame.x.size();
    for (const std::size_t length : {frame.y.size(), frame.z.size(), frame.radius.size(), frame.kind.size()}) require_length(length, n, "frame");
    require_length(frame.levels.size(), story.player.substances.size(), "levels of a frame");
    for (const auto& levels : frame.levels) require_length(levels.size(), n, "levels of a frame");
    for (const std::uint16_t kind : frame.kind) {
        if (kind >= story.kinds.size()) fail(ErrorCode::internal, fmt::format("A frame holds the kind {} of {}.", kind, story.kinds.size()), "Report this as a bug.");
    }
}

void check_profile(const SimulationStory& story, const DistanceProfile& profile) {
    require_length(profile.density.size(), profile.groups.size(), "density profile");
    if (!profile.density_start.empty()) require_length(profile.density_start.size(), profile.groups.size(), "density profile of the start");
    if (!profile.level.empty()) require_length(profile.level.size(), story.substances.size(), "profile of substances");
    if (!profile.level_start.empty()) require_length(profile.level_start.size(), profile.level.size(), "profile of substances at the start");
    for (const auto* rows : {&profile.density, &profile.density_start, &profile.level, &profile.level_start}) {
        for (const auto& row : *rows) require_length(row.size(), rows->front().size(), "profile");
    }
}

void check(const SimulationStory& story) {
    check_composition(story);
    for (const std::int32_t substance : story.player.substances) {
        if (substance < 0 || static_cast<std::size_t>(substance) >= story.substances.size()) fail(ErrorCode::internal, fmt::format("A player holds the substance {} of {}.", substance, story.substances.size()), "Report this as a bug.");
    }
    for (const Frame& frame : story.player.frames) check_frame(story, frame);
    check_profile(story, story.radial);
    check_profile(story, story.vessel);
    for (const FieldMap& map : story.maps) {
        require_length(map.values.size(), static_cast<std::size_t>(map.nx * map.ny), "field map");
        if (map.substance < 0 || static_cast<std::size_t>(map.substance) >= story.substances.size()) fail(ErrorCode::internal, fmt::format("A field map shows the substance {} of {}.", map.substance, story.substances.size()), "Report this as a bug.");
    }
    for (const ReadoutSeries& series : story.readouts) require_length(series.value.size(), series.minute.size(), "read-out " + series.name);
}

}  // namespace

std::string render_simulation(const SimulationStory& story) {
    check(story);
    const std::string opening = page_opening({story.title, "Simulated tissue", {fmt::format("seed {}", story.seed)}, std::string("Simulated. ") + std::string(kHypotheses)});
    const std::vector<Section> sections = {
        {"summary", "Summary", story_section(story)},
        {"player", "The tissue in time", ""},
        {"population", "Composition", population_section(story)},
        {"readouts", "Read-outs", readout_section(story)},
        {"profiles", "Profiles", profile_section(story)},
        {"fields", "Field maps", field_section(story)},
        {"evidence", "What is measured, literature, fitted, guessed", evidence_section(story.rates, story.unsourced, "This run used the value alone.")},
        {"limits", "What this cannot tell", limits_section(story)},
        {"reuse", "Use the result", files_section(story.record, "The same scenario, seed and version give the same state, to the last bit, on any number of threads.")},
    };
    std::int64_t words = static_cast<std::int64_t>(opening.size() + page_closing().size()) + kEnvelope;
    for (const Section& section : sections) words += static_cast<std::int64_t>(section.body.size());
    const PlayerIsland player = player_island(story, kSimulationPageLimit - words);
    std::vector<Section> with_player = sections;
    with_player[1].body = player_section(story, player.n_frames);
    return opening + page_sections(with_player) + player.html + page_closing();
}

void write_simulation_report(const SimulationStory& story, const std::filesystem::path& path) { write_text_file(path, render_simulation(story)); }

}  // namespace morula::report
