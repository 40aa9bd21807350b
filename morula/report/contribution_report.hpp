// The page "What this scenario implies": what each cell type contributes to each read-out, one HTML file that needs no network.
#pragma once

#include <filesystem>
#include <string>

#include "morula/report/charts.hpp"
#include "morula/report/contribution_story.hpp"

namespace morula::report {

/// The whole page. Every text of the story is escaped.
std::string render_contribution(const ContributionStory& story);

/// Writes the page whole or not at all. Throws what AtomicFile throws.
void write_contribution_report(const ContributionStory& story, const std::filesystem::path& path);

/// The name of a rate as charts have room for it: "macrophage: oxygen uptake" of "cell_type 'macrophage', exchange of 'oxygen', uptake"; what is of no form that scenarios give stays as it is.
std::string short_rate_name(const std::string& rate);

/// Bars of the effects with both intervals; rows in the order of the story. Empty where no effect is known or all are 0.
Figure effects_figure(const ContributionReadout& readout);
/// Shapley shares of the types with their standard errors; empty without any, of one type alone and where all are 0.
Figure shapley_figure(const ContributionReadout& readout);
/// The rates that carry most of the spread of the read-out's effects, each with its largest share and what chance gives; empty without any.
Figure drivers_figure(const ContributionReadout& readout);

}  // namespace morula::report
