// Words and order of a simulated tissue's page. Whatever is said here is true of every scenario, or taken from the story.
#include "morula/report/sections_simulation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "morula/report/charts_simulation.hpp"
#include "morula/report/html.hpp"
#include "morula/report/page.hpp"

namespace morula::report {
namespace {

constexpr std::string_view kPlayerView = R"html(<figure class="chart plot" id="player-view" data-file="frame">
<div class="controls"><label>Colour by <select id="player-color"></select></label><label id="player-view-label">View <select id="player-mode"><option value="slice">slice</option><option value="solid">3-D</option></select></label>
<label id="player-plane-label">Cut across <select id="player-axis"><option value="2">z</option><option value="1">y</option><option value="0">x</option></select></label>
<label id="player-depth-label">at <input type="range" id="player-depth" min="0" max="1000" value="500" aria-label="Position of the cut"><output id="player-depth-text"></output></label>
<span class="buttons"><button type="button" id="player-in" aria-label="Zoom in" title="Zoom in (key +)">+</button><button type="button" id="player-out" aria-label="Zoom out" title="Zoom out (key −)">−</button><button type="button" id="player-reset" title="Show all (key 0)">Show all</button></span></div>
<div class="map-body"><div><div class="stage"><canvas id="player-canvas" tabindex="0" role="img" aria-describedby="player-help" aria-label="Cells of the tissue"></canvas><div class="tip" hidden></div></div>
<div class="transport"><button type="button" id="player-play" aria-pressed="false" title="Play or pause (space)">Play</button><input type="range" id="player-time" min="0" max="0" value="0" step="1" aria-label="Time"><output id="player-clock"></output>
<label class="speed">Speed <select id="player-speed"><option value="2">slow</option><option value="5" selected>normal</option><option value="12">fast</option></select></label></div></div>
<div class="legend" id="player-legend" role="group" aria-label="Legend; choose an entry to highlight it"></div></div>
<p class="hint" id="player-help">Keys on the picture: space plays and pauses, ← and → go one frame back and on, Home and End to the first and last; + and − zoom, 0 shows all. )html";
constexpr std::string_view kFlatHelp = "Dragging moves the picture.", kSolidHelp = "Slice: ↑ and ↓ move the cut, dragging moves the picture. 3-D: drag to turn, or Shift with the arrows; Shift with dragging moves.";

constexpr std::string_view kPlayerViewEnd = R"html(</figcaption>
<details class="data"><summary>Data table</summary><div class="table-slot"></div></details></figure>
)html";

std::string length_of(double minutes) {
    const TimeUnit unit = time_unit(minutes);
    return number_text(minutes / unit.minutes, 4) + " " + std::string(unit.name);
}

std::int64_t cells_at(const CompositionOverTime& composition, std::size_t time) { return std::accumulate(composition.counts[time].begin(), composition.counts[time].end(), std::int64_t{0}); }

std::vector<std::string> distinct_types(const SimulationStory& story) {
    std::vector<std::string> types;
    for (const CellKind& kind : story.kinds) {
        if (std::find(types.begin(), types.end(), kind.type) == types.end()) types.push_back(kind.type);
    }
    return types;
}

std::string box_text(const SimulationStory& story) {
    const std::string plane = number_text(story.box_um[0], 6) + " × " + number_text(story.box_um[1], 6);
    return story.is_flat ? "a flat tissue of " + plane + " µm" : "a box of " + plane + " × " + number_text(story.box_um[2], 6) + " µm";
}

std::string what_ran(const SimulationStory& story) {
    const CompositionOverTime& composition = story.composition;
    const std::vector<std::string> types = distinct_types(story);
    std::string out = fmt::format("This is a simulation: {} of {} ({}) in {}", count_of(composition.counts.empty() ? 0 : cells_at(composition, 0), "cell"), count_of(static_cast<std::int64_t>(types.size()), "type"), list_text(types), box_text(story));
    std::vector<std::string> names;
    for (const SimulatedSubstance& substance : story.substances) names.push_back(substance.name);
    if (!names.empty()) out += " with " + list_text(names);
    out += fmt::format(", followed for {}.", length_of(story.minutes));
    const bool is_unmoved = !composition.counts.empty() && composition.births.back() == 0 && composition.removals.back() == 0 && story.put_in == 0;
    if (is_unmoved) out += " No cell was born or removed.";
    if (!composition.counts.empty() && !is_unmoved) {
        out += fmt::format(" At the end there {} {}: {} born, ", cells_at(composition, composition.counts.size() - 1) == 1 ? "is" : "are", count_of(cells_at(composition, composition.counts.size() - 1), "cell"), count_text(composition.births.back()));
        if (story.put_in > 0) out += fmt::format("{} put in by a perturbation, ", count_text(story.put_in));
        out += fmt::format("{} removed{}.", count_text(composition.removals.back()), story.taken_out > 0 ? fmt::format(", of them {} by a perturbation", count_text(story.taken_out)) : "");
    }
    return out;
}

std::string prior_text(const RateRow& rate) { return std::isnan(rate.prior_low) ? (rate.source == "guessed" ? "none" : "") : number_text(rate.prior_low, 4) + "\u00a0to\u00a0" + number_text(rate.prior_high, 4); }

}  // namespace

std::string sources_text(const std::vector<RateRow>& rates) {
    if (rates.empty()) return "";
    std::vector<std::string> parts;
    for (const std::string_view source : kSources) {
        const std::int64_t n = count_source(rates, source);
        parts.push_back(fmt::format("{} {}", n == 0 ? "none" : count_text(n), source == "literature" ? "from the literature" : std::string(source)));
    }
    return fmt::format("Its {}: {}.", count_of(static_cast<std::int64_t>(rates.size()), "rate"), list_text(parts));
}

std::string hypotheses_callout(const std::string& measured_states) {
    return callout(std::string(kHypotheses) + " " + (measured_states.empty() ? "No cell of this scenario carries a measured state: its types, lives and rules are those of the scenario." : measured_states));
}

std::string story_section(const SimulationStory& story) {
    const CompositionOverTime& composition = story.composition;
    std::string out = "<p class=\"lead\">" + escape_html(what_ran(story)) + "</p>\n<p class=\"lead\">" + escape_html(sources_text(story.rates)) + " <strong>What follows is what this scenario implies; it is no measurement.</strong></p>\n";
    out += hypotheses_callout(story.measured_states);
    std::vector<NameValue> tiles;
    if (!composition.counts.empty()) {
        tiles = {{"cells at the start", count_text(cells_at(composition, 0))}, {"cells at the end", count_text(cells_at(composition, composition.counts.size() - 1))},
                 {"born", count_text(composition.births.back())}, {"put in", story.put_in > 0 ? count_text(story.put_in) : ""}, {"removed", count_text(composition.removals.back())},
                 {"taken out", story.taken_out > 0 ? count_text(story.taken_out) : ""}};
    }
    if (!story.rates.empty()) tiles.push_back({fmt::format("guessed of {}", count_of(static_cast<std::int64_t>(story.rates.size()), "rate")), count_text(count_source(story.rates, "guessed"))});
    out += tile_list(tiles);
    if (!story.notes.empty()) out += "<h3>Know this first</h3>" + plain_list(story.notes);
    return out;
}

std::string player_section(const SimulationStory& story, std::int64_t n_frames) {
    if (n_frames == 0) return "";
    std::string words = fmt::format("{} of the run", count_of(n_frames, "frame"));
    if (n_frames < std::ssize(story.player.frames)) words += fmt::format(" ({} were kept; the others are left out to keep this page below {} MB)", story.player.frames.size(), 20);
    if (n_frames > 2) words += fmt::format(", one every {}", length_of(story.player.every_min * std::round(static_cast<double>(story.player.frames.size()) / static_cast<double>(n_frames))));
    words += std::string(". Discs have the size of the cells") + (story.is_flat ? "." : "; a slice shows each cell as the plane cuts it.");
    if (!story.player.sample_statement.empty()) words += " " + story.player.sample_statement;
    if (story.player.substances.size() < story.substances.size()) words += fmt::format(" Colours are held for the first {} of {} substances.", story.player.substances.size(), story.substances.size());
    return std::string(kPlayerView) + std::string(story.is_flat ? kFlatHelp : kSolidHelp) + "</p>\n<figcaption>" + escape_html(words) + std::string(kPlayerViewEnd) + "<noscript>" + figure_html(last_frame_figure(story)) + "</noscript>\n";
}

std::string population_section(const SimulationStory& story) {
    return figure_html(composition_over_time_figure(story)) + figure_html(types_over_time_figure(story)) + figure_html(turnover_figure(story));
}

std::string readout_section(const SimulationStory& story) {
    std::string out;
    for (const ReadoutSeries& series : story.readouts) out += figure_html(readout_figure(story, series));
    return out.empty() ? "" : "<p>Read-outs of the tissue as the scenario defines them. Each is a number of this run, not of an organ.</p>\n" + out;
}

std::string profile_section(const SimulationStory& story) {
    std::string out = figure_html(density_profile_figure(story, story.radial, "radial", "centre"));
    for (std::size_t s = 0; s < story.radial.level.size(); ++s) out += figure_html(level_profile_figure(story, story.radial, s, "radial", "centre"));
    out += figure_html(density_profile_figure(story, story.vessel, "vessel", story.vessel_name));
    for (std::size_t s = 0; s < story.vessel.level.size(); ++s) out += figure_html(level_profile_figure(story, story.vessel, s, "vessel", story.vessel_name));
    return out;
}

std::string field_section(const SimulationStory& story) {
    std::string out;
    for (const FieldMap& map : story.maps) out += figure_html(field_map_figure(story, map));
    return out;
}

std::string evidence_section(const std::vector<RateRow>& rates, const std::string& unsourced, const std::string& used) {
    if (rates.empty()) return "";
    HtmlTable table{"Every rate of the scenario", "rates", {{"Rate"}, {"Value", Align::number}, {"Unit"}, {"Source"}, {"Citation"}, {"Prior", Align::number}, {"Line"}}, {}};
    for (auto source = kSources.rbegin(); source != kSources.rend(); ++source) {  // what is least certain first
        for (const RateRow& rate : rates) {
            if (rate.source == *source) table.rows.push_back({rate.name, number_text(rate.value, 6), unit_behind("", rate.unit), rate.source, rate.citation, prior_text(rate), rate.line});
        }
    }
    return "<p>Guesses stand first: they are what the result hangs on. A guess has a prior, the range in which its author expects the truth, or none: then nobody has said where the number comes from. " + escape_html(used) + " The line is that of the scenario's file, or of the file that stands before it; a rate without one is a default of the program." + escape_html(unsourced.empty() ? "" : " " + unsourced) + "</p>\n" +
           figure_html(evidence_figure(rates)) + table_html(table);
}

std::string limits_section(const SimulationStory& story) {
    std::vector<std::string> items;
    const std::int64_t n_guessed = count_source(story.rates, "guessed");
    items.push_back("Whether tissue does this. The page shows what follows from the scenario; only an experiment can say whether the scenario holds.");
    items.push_back(std::string(kHypotheses) + " How fast and in which order cells change state is assumed, not seen: measured cells are snapshots.");
    if (n_guessed > 0) {
        items.push_back(fmt::format("What another guess would give: {} of {} {} guessed and held at one value. Draw them from their priors before you rely on a number.", count_text(n_guessed), count_of(std::ssize(story.rates), "rate"), n_guessed == 1 ? "is" : "are"));
    }
    items.push_back(fmt::format("How much is chance: this is one run, of seed {}. Other seeds give other cells; run several before you compare.", story.seed));
    items.push_back("What each cell type contributes: a curve of this run is no effect. `morula contribute` takes a type out and runs again with the same seeds.");
    items.push_back("Shapes and flows: cells are spheres, and there is no blood flow, no electricity, no fibres. Where these matter, this cannot tell.");
    items.push_back(fmt::format("Anything finer than the grid: concentrations are one number a voxel{}.", story.maps.empty() ? "" : " (see the maps)"));
    return plain_list(items);
}

std::string files_section(const RunRecord& record, const std::string& same) {
    std::string out = name_value_table("Files of this run", "outputs", "File", "What it holds", record.outputs);
    for (const CodeSnippet& snippet : record.snippets) out += code_block(snippet.title, snippet.code, snippet.note);
    if (!record.reproduce.empty()) out += code_block("Run it again", record.reproduce, same);
    return out + name_value_table("Versions and machine", "versions", "What", "Value", record.versions);
}

}  // namespace morula::report
