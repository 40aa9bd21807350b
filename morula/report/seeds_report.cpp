#include "morula/report/seeds_report.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/report/charts_simulation.hpp"
#include "morula/report/html.hpp"
#include "morula/report/line_chart.hpp"
#include "morula/report/page.hpp"
#include "morula/report/sections_simulation.hpp"

namespace morula::report {
namespace {

/// Seeds that are drawn as lines of their own in a figure of one number.
constexpr std::size_t kMostLines = 12;

void require_length(std::size_t length, std::size_t expected, std::string_view what) {
    if (length != expected) fail(ErrorCode::internal, fmt::format("The {} of a report on seeds has {} entries where {} were expected.", what, length, expected), "Report this as a bug.");
}

void check(const SeedsStory& story) {
    std::vector<const SeedSeries*> all{&story.dead};
    for (const auto* list : {&story.types, &story.readouts}) {
        for (const SeedSeries& series : *list) all.push_back(&series);
    }
    for (const SeedSeries* series : all) {
        require_length(series->value.size(), story.seeds.size(), "series " + series->name);
        for (const auto& row : series->value) require_length(row.size(), story.minute.size(), "series " + series->name);
    }
}

std::string n_seeds_text(const SeedsStory& story) { return count_of(std::ssize(story.seeds), "seed"); }

std::string thinning_note(const SeedsStory& story) { return story.every > 1 ? fmt::format(" One time in {} is shown; the tables hold all.", story.every) : ""; }

/// The median and the band from the lowest to the highest seed.
Curve spread_curve(const SeedsStory& story, const SeedSeries& series, const std::string& css) {
    Curve curve{series.name, {}, "curve line " + css};
    for (std::size_t t = 0; t < story.minute.size(); ++t) {
        const SeedSpread spread = spread_of(series.value, t);
        curve.y.push_back(spread.median);
        curve.low.push_back(spread.low);
        curve.high.push_back(spread.high);
    }
    curve.end_note = curve.y.empty() ? "" : number_text(curve.y.back(), 4);
    curve.band_css = "spread fill " + css;
    return curve;
}

std::vector<double> times_of(const SeedsStory& story, const TimeUnit& unit) {
    std::vector<double> times;
    for (const double minute : story.minute) times.push_back(minute / unit.minutes);
    return times;
}

bool has_any(const SeedSeries& series) {
    return std::any_of(series.value.begin(), series.value.end(), [](const auto& row) { return std::any_of(row.begin(), row.end(), [](double n) { return n > 0.0; }); });
}

Figure types_figure(const SeedsStory& story) {
    const TimeUnit unit = time_unit(story.minutes);
    LineChart chart{"seeds_types", "Living cells of each type, and the dead", "Line: the median over seeds; band: from the lowest seed to the highest at each time. The legend gives the median at the end." + thinning_note(story),
                    fmt::format("Time, {}", unit.name), "Cells", times_of(story, unit), {}};
    for (std::size_t type = 0; type < story.types.size(); ++type) chart.curves.push_back(spread_curve(story, story.types[type], color_class(static_cast<std::int32_t>(type))));
    if (has_any(story.dead)) {
        Curve dead = spread_curve(story, story.dead, "");
        dead.css = "curve dead";
        dead.band_css = "spread grey";
        chart.curves.push_back(std::move(dead));
    }
    return line_chart_figure(chart);
}

Figure readout_figure(const SeedsStory& story, const SeedSeries& series) {
    const TimeUnit unit = time_unit(story.minutes);
    const bool has_lines = story.seeds.size() <= kMostLines;
    LineChart chart{"seeds_" + series.name, series.name, (series.meaning.empty() ? "" : series.meaning + " ") + "Thick: the median over seeds; band: from the lowest seed to the highest" + std::string(has_lines ? "; thin: each seed." : ".") + thinning_note(story), fmt::format("Time, {}", unit.name),
                    series.name + unit_behind(", ", series.unit), times_of(story, unit), {}, YAxis::around_values};
    chart.curves.push_back(spread_curve(story, series, color_class(0)));
    chart.curves.front().name = "median";
    for (std::size_t seed = 0; has_lines && seed < story.seeds.size(); ++seed) chart.curves.push_back({fmt::format("seed {}", story.seeds[seed].seed), series.value[seed], "curve thin line " + color_class(0), {}, false});
    return line_chart_figure(chart);
}

std::vector<std::string> spread_row(const SeedsStory& story, const SeedSeries& series, const std::string& name) {
    const SeedSpread end = spread_of(series.value, story.minute.size() - 1);
    std::vector<std::string> row{name, unit_behind("", series.unit)};
    row.push_back(rounded_text(end.mean, 4));
    row.push_back(rounded_text(end.sd, 2));
    for (const double value : {end.low, end.median, end.high}) row.push_back(rounded_text(value, 4));
    row.push_back(count_text(end.n));
    row.push_back(series.meaning);
    return row;
}

std::string end_table(const SeedsStory& story) {
    if (story.minute.empty()) return "";
    HtmlTable table{"At the end, over seeds", "seeds_end", {{"Number"}, {"Unit"}, {"Mean", Align::number}, {"SD", Align::number}, {"Lowest", Align::number}, {"Median", Align::number}, {"Highest", Align::number}, {"Seeds", Align::number}, {"What it is"}}, {}};
    for (const SeedSeries& type : story.types) table.rows.push_back(spread_row(story, type, "living cells of " + type.name));
    if (has_any(story.dead)) table.rows.push_back(spread_row(story, story.dead, "dead cells of all types"));
    for (const SeedSeries& readout : story.readouts) table.rows.push_back(spread_row(story, readout, readout.name));
    return table_html(table) + "<p class=\"hint\">SD: the standard deviation over seeds. A seed in which a read-out has no value, such as a percentile of no cells, is left out of its row.</p>\n";
}

std::string summary_section(const SeedsStory& story) {
    const TimeUnit unit = time_unit(story.minutes);
    const std::string how_often = story.seeds.size() == 1 ? fmt::format("run once, with seed {},", story.seeds[0].seed) : fmt::format("run {} times, each time with another seed ({} to {}),", story.seeds.size(), story.seeds.front().seed, story.seeds.back().seed);
    std::string out = fmt::format("<p class=\"lead\">This is a simulation, {} from the same start for {} {}. What differs between seeds is chance.</p>\n<p class=\"lead\">{} <strong>What follows is what this scenario implies; it is no measurement.</strong></p>\n", how_often,
                                  number_text(story.minutes / unit.minutes, 4), unit.name, escape_html(sources_text(story.rates)));
    out += hypotheses_callout(story.measured_states);
    std::vector<double> cells;
    for (const SeedRow& row : story.seeds) cells.push_back(static_cast<double>(row.n_cells));
    std::vector<std::vector<double>> columns;
    for (const double n : cells) columns.push_back({n});
    const SeedSpread end = spread_of(columns, 0);
    out += tile_list({{"seeds", count_text(std::ssize(story.seeds))}, {"cells at the end, median", number_text(end.median, 7)}, {"lowest seed", number_text(end.low, 7)}, {"highest seed", number_text(end.high, 7)},
                      {fmt::format("guessed of {}", count_of(std::ssize(story.rates), "rate")), story.rates.empty() ? "" : count_text(count_source(story.rates, "guessed"))}});
    if (!story.notes.empty()) out += "<h3>Know this first</h3>" + plain_list(story.notes);
    return out + end_table(story);
}

std::string seeds_section(const SeedsStory& story) {
    const auto count_or_none = [](std::int64_t n) { return n == 0 ? "" : count_text(n); };
    HtmlTable table{"Each seed", "seeds", {{"Seed"}, {"Cells", Align::number}, {"Born", Align::number}, {"Put in", Align::number}, {"Removed", Align::number}, {"Taken out", Align::number}, {"Hash of the final state"}}, {}};
    for (const SeedRow& row : story.seeds) {
        table.rows.push_back({std::to_string(row.seed), count_text(row.n_cells), count_text(row.births), count_or_none(row.put_in), count_text(row.removals), count_or_none(row.taken_out), row.final_hash});
        table.row_links.push_back(row.page);
    }
    return "<p>Each seed has a page of its own, with the tissue as a film, its profiles and its field maps.</p>\n" + table_html(table);
}

std::string readout_section(const SeedsStory& story) {
    std::string out;
    for (const SeedSeries& series : story.readouts) out += figure_html(readout_figure(story, series));
    return out.empty() ? "" : "<p>Read-outs of the tissue as the scenario defines them. The spread over seeds is chance alone: all have the same rates.</p>\n" + out;
}

std::string limits_section(const SeedsStory& story) {
    const std::int64_t n_guessed = count_source(story.rates, "guessed");
    std::vector<std::string> items = {"Whether tissue does this. The page shows what follows from the scenario; only an experiment can say whether the scenario holds.",
                                      std::string(kHypotheses) + " How fast and in which order cells change state is assumed, not seen: measured cells are snapshots.",
                                      "How sure the scenario is. The band is the spread of chance between runs, no interval of confidence: it says nothing about rates and rules that are wrong."};
    if (n_guessed > 0) {
        items.push_back(fmt::format("What another guess would give: {} of {} {} guessed and held at one value in all seeds. `morula contribute` draws them from their priors.", count_text(n_guessed), count_of(std::ssize(story.rates), "rate"), n_guessed == 1 ? "is" : "are"));
    }
    if (story.seeds.size() < 10) items.push_back(fmt::format("How rare a rare course is: {} show the middle, not the tails.", n_seeds_text(story)));
    items.push_back("What each cell type contributes: a curve of these runs is no effect. `morula contribute` takes a type out and runs again with the same seeds.");
    return plain_list(items);
}

}  // namespace

SeedSpread spread_of(const std::vector<std::vector<double>>& value, std::size_t minute) {
    std::vector<double> there;
    for (const std::vector<double>& row : value) {
        if (std::isfinite(row[minute])) there.push_back(row[minute]);
    }
    SeedSpread spread{.n = std::ssize(there)};
    if (there.empty()) return spread;
    std::sort(there.begin(), there.end());
    spread.low = there.front();
    spread.high = there.back();
    const std::size_t middle = there.size() / 2;
    spread.median = there.size() % 2 == 1 ? there[middle] : 0.5 * (there[middle - 1] + there[middle]);
    double sum = 0.0, squares = 0.0;
    for (const double each : there) sum += each;
    spread.mean = sum / static_cast<double>(there.size());
    for (const double each : there) squares += (each - spread.mean) * (each - spread.mean);
    if (there.size() > 1) spread.sd = std::sqrt(squares / static_cast<double>(there.size() - 1));
    return spread;
}

std::string render_seeds(const SeedsStory& story) {
    check(story);
    if (story.seeds.empty()) fail(ErrorCode::internal, "A report on seeds has none.", "Report this as a bug.");
    return page_opening({story.title, "Simulated tissue", {n_seeds_text(story)}, std::string("Simulated. ") + std::string(kHypotheses)}) +
           page_sections({{"summary", "Summary", summary_section(story)},
                          {"seeds", "The seeds", seeds_section(story)},
                          {"population", "Composition", figure_html(types_figure(story))},
                          {"readouts", "Read-outs", readout_section(story)},
                          {"evidence", "What is measured, literature, fitted, guessed", evidence_section(story.rates, story.unsourced, "All seeds used the value alone.")},
                          {"limits", "What this cannot tell", limits_section(story)},
                          {"reuse", "Use the result", files_section(story.record, "The same scenario, seeds and version give the same states, to the last bit, on any number of threads.")}}) +
           page_closing();
}

void write_seeds_report(const SeedsStory& story, const std::filesystem::path& path) { write_text_file(path, render_seeds(story)); }

}  // namespace morula::report
