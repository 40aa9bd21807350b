// The page of a simulated tissue: one HTML file that needs no network, with everything in it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "morula/report/simulation_story.hpp"

namespace morula::report {

/// Largest page. Frames of the player that would take it further are left out, every second one, and the page says how many it holds.
inline constexpr std::int64_t kSimulationPageLimit = 20'000'000;

/// The whole page. Every text of the story is escaped: names may hold anything. Throws internal where vectors that belong together differ in length (names them).
std::string render_simulation(const SimulationStory& story);

/// Writes the page whole or not at all. Throws what AtomicFile throws.
void write_simulation_report(const SimulationStory& story, const std::filesystem::path& path);

}  // namespace morula::report
