// The page of several seeds of one simulated tissue: numbers with their spread over the seeds, and links to the page of each.
#pragma once

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "morula/report/seeds_story.hpp"

namespace morula::report {

/// Of one moment over seeds; seeds without a value are left out. sd: with n - 1, NaN of one seed. All NaN of none.
struct SeedSpread {
    std::int64_t n = 0;
    double mean = std::numeric_limits<double>::quiet_NaN(), sd = mean, low = mean, median = mean, high = mean;
};
SeedSpread spread_of(const std::vector<std::vector<double>>& value, std::size_t minute);

/// The page as one string. Throws internal when parts of the story do not fit together.
std::string render_seeds(const SeedsStory& story);

/// Writes it, whole or not at all.
void write_seeds_report(const SeedsStory& story, const std::filesystem::path& path);

}  // namespace morula::report
