#include "morula/report/charts_simulation.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "morula/report/line_chart.hpp"
#include "morula/report/svg.hpp"

namespace morula::report {
namespace {

constexpr std::size_t kMostKeys = 16;
constexpr double kOverlap = 0.5;           // by which pixels of a map reach under the next ones: rounding would leave gaps
constexpr std::size_t kStillCells = 2000;  // discs of a still picture

std::vector<double> times_in(const std::vector<double>& minutes, const TimeUnit& unit) {
    std::vector<double> out;
    for (const double minute : minutes) out.push_back(minute / unit.minutes);
    return out;
}

/// Kinds of which there ever was a cell.
std::vector<std::size_t> kinds_seen(const SimulationStory& story) {
    std::vector<std::size_t> seen;
    for (std::size_t kind = 0; kind < story.kinds.size(); ++kind) {
        const auto& counts = story.composition.counts;
        if (std::any_of(counts.begin(), counts.end(), [kind](const auto& row) { return row[kind] > 0; })) seen.push_back(kind);
    }
    return seen;
}

std::vector<std::string> type_names(const SimulationStory& story) {
    std::vector<std::string> names;
    for (const CellKind& kind : story.kinds) {
        if (std::find(names.begin(), names.end(), kind.type) == names.end()) names.push_back(kind.type);
    }
    return names;
}

std::string thinning_note(const CompositionOverTime& composition) {
    return composition.every > 1 ? fmt::format(" One time in {} is shown; composition.csv holds all.", composition.every) : "";
}

constexpr PlotFrame kWidePlot{kChartWidth, 76.0, kPlotRight, 310.0, kPlotRight + 22.0, 24.0, kLegendName};

void add_keys(Svg& svg, const SimulationStory& story, const std::vector<std::size_t>& kinds, const std::vector<std::int64_t>& counts, const PlotFrame& frame) {
    double at = frame.key_top;
    for (std::size_t k = 0; k < kinds.size() && k < kMostKeys; ++k, at += 19.0) {
        svg.rect(frame.key_left, at - 6, 12, 12, "fill " + color_class(static_cast<std::int32_t>(kinds[k])), "");
        svg.text(frame.key_left + 20, at + 4, Anchor::start, "row-label", shortened(kind_title(story, kinds[k]), frame.longest_name));
        svg.text(frame.width - 4, at + 4, Anchor::end, "tick", count_text(counts[kinds[k]]));
    }
    if (kinds.size() > kMostKeys) svg.text(frame.key_left + 20, at + 4, Anchor::start, "tick", fmt::format("and {} more in the table", kinds.size() - kMostKeys));
}

/// Kinds of cells as bands on top of each other. most: cells at any time.
std::string drawn_composition(const SimulationStory& story, const std::vector<std::size_t>& kinds, std::int64_t most, const std::string& title, const PlotFrame& frame) {
    const CompositionOverTime& composition = story.composition;
    const TimeUnit unit = time_unit(story.minutes);
    const std::vector<double> times = times_in(composition.minute, unit);
    const Scale x(ScaleKind::linear, times.front(), times.back(), frame.left, frame.right);
    const Scale y(ScaleKind::linear, 0.0, static_cast<double>(most) * 1.05, frame.bottom, 16);
    Svg svg(frame.width, frame.height(std::min(kinds.size(), kMostKeys + 1)), title);
    svg.y_axis(y, frame.left, frame.right, "Cells");
    std::vector<double> base(times.size(), 0.0);
    for (const std::size_t kind : kinds) {
        std::vector<double> px, py;
        for (std::size_t t = 0; t < times.size(); ++t) {
            px.push_back(x(times[t]));
            py.push_back(y(base[t]));
        }
        for (std::size_t t = times.size(); t-- > 0;) {
            base[t] += static_cast<double>(composition.counts[t][kind]);
            px.push_back(x(times[t]));
            py.push_back(y(base[t]));
        }
        svg.area(px, py, "fill " + color_class(static_cast<std::int32_t>(kind)));
    }
    svg.x_axis(x, frame.bottom, fmt::format("Time, {}", unit.name));
    add_keys(svg, story, kinds, composition.counts.back(), frame);
    return svg.finish();
}

std::string density_unit(const SimulationStory& story) { return story.is_flat ? "Cells a mm²" : "Cells a mm³"; }

std::vector<double> shell_middles(const DistanceProfile& profile, std::size_t n) {
    std::vector<double> out;
    for (std::size_t shell = 0; shell < n; ++shell) out.push_back((static_cast<double>(shell) + 0.5) * profile.shell_um);
    return out;
}

bool differs(const std::vector<double>& a, const std::vector<double>& b) {
    return a.size() == b.size() && !std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

using Rows = std::vector<std::vector<double>>;

/// What thick and thin lines are, where any curve began as another one.
std::string key_to(const Rows& end, const Rows& start) {
    if (start.empty()) return " At the end.";
    for (std::size_t row = 0; row < start.size(); ++row) {
        if (differs(end[row], start[row])) return " Thick: at the end; thin: at the start.";
    }
    return " At the end, as at the start.";
}

/// The curve, and a thin one for the start where the start was another.
void add_curves(LineChart& chart, const std::string& name, const std::string& color, const std::vector<double>& end, const std::vector<double>& start) {
    chart.curves.push_back({name, end, "curve line " + color});
    if (differs(end, start)) chart.curves.push_back({name + ", start", start, "curve thin line " + color, {}, false});
}

/// Length of a scale bar: 1, 2 or 5 times a power of ten, at most a third of the width.
double bar_length(double width_um) {
    const double power = std::pow(10.0, std::floor(std::log10(width_um / 3.0)));
    const double lead = width_um / 3.0 / power;
    return power * (lead >= 5.0 ? 5.0 : lead >= 2.0 ? 2.0 : 1.0);
}

/// A picture of a plane of the box: um to pixels, and the bar that says how long they are.
class PlanePicture {
public:
    struct Room {
        double width, height;  // pixels
    };
    PlanePicture(double width_um, double height_um, std::array<double, 2> origin_um, Room room) : origin_(origin_um), height_um_(height_um) {
        scale_ = std::min(room.width / width_um, room.height / height_um);
        width_ = width_um * scale_;
        height_ = height_um * scale_;
        bar_um_ = bar_length(width_um);
    }
    double x(double um) const { return 8.0 + (um - origin_[0]) * scale_; }
    double y(double um) const { return 8.0 + (height_um_ - (um - origin_[1])) * scale_; }
    double length(double um) const { return um * scale_; }
    double width() const { return width_; }
    double height() const { return height_; }
    double total_height() const { return height_ + 44.0; }
    void draw_bar(Svg& svg) const {
        svg.line(8, height_ + 22, 8 + length(bar_um_), height_ + 22, "scale-bar");
        svg.text(8 + length(bar_um_) + 8, height_ + 26, Anchor::start, "row-label", number_text(bar_um_, 3) + " µm");
    }

private:
    std::array<double, 2> origin_;
    double height_um_, scale_, width_, height_, bar_um_;
};
constexpr PlanePicture::Room kWideRoom{600.0, 460.0}, kNarrowRoom{kNarrowWidth - 16.0, 420.0};

/// Discs in which the plane through the middle of the box cuts the cells of the last frame: body(x, y, radius, kind). Above kStillCells evenly chosen ones;
/// returns how many cells one disc stands for.
template <class Body>
std::size_t for_each_cut_cell(const SimulationStory& story, const Body& body) {
    if (story.player.frames.empty()) return 1;
    const Frame& frame = story.player.frames.back();
    const auto away = [&](std::size_t i) { return story.is_flat ? 0.0 : std::abs(static_cast<double>(frame.z[i]) - story.slice_um); };
    std::vector<std::size_t> cut;
    for (std::size_t i = 0; i < frame.x.size(); ++i) {
        if (away(i) < frame.radius[i]) cut.push_back(i);
    }
    const std::size_t step = std::max<std::size_t>(1, (cut.size() + kStillCells - 1) / kStillCells);
    for (std::size_t k = 0; k < cut.size(); k += step) {
        const std::size_t i = cut[k];
        const double radius = frame.radius[i];
        body(static_cast<double>(frame.x[i]), static_cast<double>(frame.y[i]), std::sqrt(radius * radius - away(i) * away(i)), frame.kind[i]);
    }
    return step;
}

/// Bands of the ramp from top to bottom with their limits.
void draw_ramp(Svg& svg, double left, double low, double high, const std::string& title) {
    constexpr double kTop = 30.0, kStep = 22.0;
    svg.text(left, 18, Anchor::start, "row-label", shortened(title, 28));
    for (int band = 0; band < 10; ++band) svg.rect(left, kTop + kStep * (9 - band), 22, kStep, fmt::format("ramp band r{}", band), "");
    for (int limit = 0; limit <= 10; limit += 2) {
        svg.text(left + 30, kTop + kStep * (10 - limit) + 4, Anchor::start, "tick", number_text(low + (high - low) * limit / 10.0, 4));
    }
}

/// The same from left to right, for a phone.
void draw_lying_ramp(Svg& svg, double top, double low, double high, const std::string& title) {
    constexpr double kLeft = 18.0, kStep = (kNarrowWidth - 2.0 * kLeft) / 10.0;
    svg.text(kLeft, top + 12, Anchor::start, "row-label", shortened(title, 40));
    for (int band = 0; band < 10; ++band) svg.rect(kLeft + kStep * band, top + 22, kStep, 18, fmt::format("ramp band r{}", band), "");
    for (int limit = 0; limit <= 10; limit += 5) {
        svg.text(kLeft + kStep * limit, top + 55, limit == 0 ? Anchor::start : limit == 10 ? Anchor::end : Anchor::middle, "tick", number_text(low + (high - low) * limit / 10.0, 4));
    }
}

/// Runs of pixels of one band as boxes in the picture: of[band].
std::array<std::vector<Svg::Box>, 10> band_boxes(const FieldMap& map, const PlanePicture& picture, double low, double high) {
    std::array<std::vector<Svg::Box>, 10> of;
    const auto band = [&](std::int64_t column, std::int64_t row) {
        const double share = high > low ? (static_cast<double>(map.values[static_cast<std::size_t>(row * map.nx + column)]) - low) / (high - low) : 0.5;
        return std::min(9, static_cast<int>(share * 10.0));
    };
    for (std::int64_t row = 0; row < map.ny; ++row) {
        const double top = picture.y(map.origin_um[1] + static_cast<double>(row + 1) * map.pixel_um);
        for (std::int64_t column = 0, end = 0; column < map.nx; column = end) {
            for (end = column + 1; end < map.nx && band(end, row) == band(column, row);) ++end;
            const double beyond = end < map.nx ? kOverlap : 0.0;
            of[static_cast<std::size_t>(band(column, row))].push_back({picture.x(map.origin_um[0] + static_cast<double>(column) * map.pixel_um), top - kOverlap,
                                                                       picture.length(static_cast<double>(end - column) * map.pixel_um) + beyond, picture.length(map.pixel_um) + kOverlap});
        }
    }
    return of;
}

PlanePicture picture_of(const FieldMap& map, PlanePicture::Room room) {
    return {static_cast<double>(map.nx) * map.pixel_um, static_cast<double>(map.ny) * map.pixel_um, map.origin_um, room};
}

/// As wide as a phone, the key below. A path for each band: the page holds the picture a second time.
std::string narrow_field_map(const SimulationStory& story, const FieldMap& map, double low, double high, const std::string& title) {
    const SimulatedSubstance& own = story.substances[static_cast<std::size_t>(map.substance)];
    const PlanePicture picture = picture_of(map, kNarrowRoom);
    Svg svg(kNarrowWidth, picture.total_height() + 64.0, title);
    const auto boxes = band_boxes(map, picture, low, high);
    for (std::size_t band = 0; band < boxes.size(); ++band) svg.boxes(boxes[band], fmt::format("ramp band r{}", band));
    for_each_cut_cell(story, [&](double x, double y, double radius, std::uint16_t) { svg.circle(picture.x(x), picture.y(y), picture.length(radius), "cut-cell", ""); });
    picture.draw_bar(svg);
    draw_lying_ramp(svg, picture.total_height(), low, high, own.name + unit_behind(", ", own.unit));
    return svg.finish();
}

}  // namespace

std::string kind_title(const SimulationStory& story, std::size_t kind) {
    const CellKind& own = story.kinds[kind];
    const auto n_states = std::count_if(story.kinds.begin(), story.kinds.end(), [&](const CellKind& other) { return other.type == own.type; });
    return n_states > 1 ? own.type + ", " + own.state : own.type;
}

TimeUnit time_unit(double minutes) {
    if (minutes > 10.0 * 1440.0) return {1440.0, "days"};
    if (minutes > 180.0) return {60.0, "hours"};
    return {1.0, "min"};
}

Figure composition_over_time_figure(const SimulationStory& story) {
    const CompositionOverTime& composition = story.composition;
    Figure out;
    out.id = "composition";
    out.title = "Cells over time, by type and state";
    const std::vector<std::size_t> kinds = kinds_seen(story);
    if (composition.minute.size() < 2 || kinds.empty()) return out;
    out.caption = "Bands lie on top of each other; their height is the number of cells. The legend counts the end." + thinning_note(composition);
    out.table = {out.title, out.id, {{"Minute", Align::number}}, {}};
    for (const std::size_t kind : kinds) out.table.columns.push_back({kind_title(story, kind), Align::number});
    out.table.columns.insert(out.table.columns.end(), {{"All", Align::number}, {"Born so far", Align::number}, {"Removed so far", Align::number}});
    std::int64_t most = 1;
    for (std::size_t t = 0; t < composition.minute.size(); ++t) {
        std::int64_t all = 0;
        std::vector<std::string> row{number_text(composition.minute[t], 8)};
        for (const std::size_t kind : kinds) {
            all += composition.counts[t][kind];
            row.push_back(count_text(composition.counts[t][kind]));
        }
        most = std::max(most, all);
        for (const std::int64_t count : {all, composition.births[t], composition.removals[t]}) row.push_back(count_text(count));
        out.table.rows.push_back(std::move(row));
    }
    out.svg = drawn_composition(story, kinds, most, out.title, kWidePlot);
    out.narrow_svg = drawn_composition(story, kinds, most, out.title, kNarrowPlot);
    return out;
}

Figure types_over_time_figure(const SimulationStory& story) {
    const CompositionOverTime& composition = story.composition;
    const std::vector<std::string> types = type_names(story);
    const TimeUnit unit = time_unit(story.minutes);
    LineChart chart{"types_over_time", "Living cells of each type, and the dead", "The legend counts the end." + thinning_note(composition), fmt::format("Time, {}", unit.name), "Cells", times_in(composition.minute, unit), {}};
    std::vector<double> dead(composition.minute.size(), 0.0);
    for (std::size_t type = 0; type < types.size(); ++type) {
        std::vector<double> living(composition.minute.size(), 0.0);
        for (std::size_t kind = 0; kind < story.kinds.size(); ++kind) {
            if (story.kinds[kind].type != types[type]) continue;
            for (std::size_t t = 0; t < living.size(); ++t) (story.kinds[kind].is_dead ? dead : living)[t] += static_cast<double>(composition.counts[t][kind]);
        }
        const std::string last = living.empty() ? "" : count_text(static_cast<std::int64_t>(living.back()));
        chart.curves.push_back({types[type], std::move(living), "curve line " + color_class(static_cast<std::int32_t>(type)), last});
    }
    const bool any_dead = std::any_of(dead.begin(), dead.end(), [](double n) { return n > 0.0; });
    if (any_dead) chart.curves.push_back({"dead, of all types", dead, "curve dead", count_text(static_cast<std::int64_t>(dead.back()))});
    return chart.curves.size() > 1 && chart.x.size() > 1 ? line_chart_figure(chart) : Figure{};
}

Figure turnover_figure(const SimulationStory& story) {
    const CompositionOverTime& composition = story.composition;
    const std::size_t n = composition.minute.size();
    if (n < 3 || composition.births.back() + composition.removals.back() == 0) return {};
    const TimeUnit unit = time_unit(story.minutes);
    std::vector<double> births(n, kMissing), removals(n, kMissing);
    for (std::size_t t = 1; t < n; ++t) {
        const double length = (composition.minute[t] - composition.minute[t - 1]) / 60.0;
        births[t] = static_cast<double>(composition.births[t] - composition.births[t - 1]) / length;
        removals[t] = static_cast<double>(composition.removals[t] - composition.removals[t - 1]) / length;
    }
    LineChart chart{"turnover", "Births and removals", "Cells an hour, each point the mean since the point before. Removed: dead and gone. The legend counts all of the run." + thinning_note(composition), fmt::format("Time, {}", unit.name), "Cells an hour",
                    times_in(composition.minute, unit), {}};
    chart.curves.push_back({"born", births, "curve line c2", count_text(composition.births.back())});
    chart.curves.push_back({"removed", removals, "curve line c5", count_text(composition.removals.back())});
    return line_chart_figure(chart);
}

Figure density_profile_figure(const SimulationStory& story, const DistanceProfile& profile, std::string_view id, std::string_view from) {
    if (profile.density.empty()) return {};
    LineChart chart{fmt::format("{}_density", id), fmt::format("Cells against distance from the {}", from), profile.caption + key_to(profile.density, profile.density_start), "Distance, µm", density_unit(story), shell_middles(profile, profile.density[0].size()), {}};
    for (std::size_t group = 0; group < profile.groups.size(); ++group) {
        const bool is_dead = profile.groups[group] == kDeadCells;
        add_curves(chart, profile.groups[group], is_dead ? "dead" : color_class(static_cast<std::int32_t>(group)), profile.density[group], profile.density_start.empty() ? std::vector<double>{} : profile.density_start[group]);
    }
    return line_chart_figure(chart);
}

Figure level_profile_figure(const SimulationStory& story, const DistanceProfile& profile, std::size_t substance, std::string_view id, std::string_view from) {
    if (substance >= profile.level.size()) return {};
    const SimulatedSubstance& own = story.substances[substance];
    LineChart chart{fmt::format("{}_{}", id, own.name), fmt::format("{} against distance from the {}", own.name, from), "Mean over the voxels at that distance." + key_to({profile.level[substance]}, profile.level_start.empty() ? Rows{} : Rows{profile.level_start[substance]}), "Distance, µm", own.name + unit_behind(", ", own.unit),
                    shell_middles(profile, profile.level[substance].size()), {}};
    add_curves(chart, own.name, color_class(static_cast<std::int32_t>(substance)), profile.level[substance], profile.level_start.empty() ? std::vector<double>{} : profile.level_start[substance]);
    return line_chart_figure(chart);
}

Figure field_map_figure(const SimulationStory& story, const FieldMap& map) {
    Figure out;
    if (map.values.empty()) return out;
    const SimulatedSubstance& own = story.substances[static_cast<std::size_t>(map.substance)];
    out.id = "field_" + own.name;
    out.title = fmt::format("{} at the end", own.name);
    const auto [low_at, high_at] = std::minmax_element(map.values.begin(), map.values.end());
    const double low = *low_at, high = *high_at;
    out.caption = fmt::format("{} From {} to {}{}, in ten equal bands. Outlines: {}.", story.slice_caption, number_text(low, 4), number_text(high, 4), unit_behind(" ", own.unit), story.is_flat ? "cells" : "cells that the plane cuts");
    const PlanePicture picture = picture_of(map, kWideRoom);
    Svg svg(kChartWidth, std::max(picture.total_height(), 280.0), out.title);
    const auto boxes = band_boxes(map, picture, low, high);
    for (std::size_t band = 0; band < boxes.size(); ++band) svg.boxes(boxes[band], fmt::format("ramp band r{}", band));
    const std::size_t step = for_each_cut_cell(story, [&](double x, double y, double radius, std::uint16_t) { svg.circle(picture.x(x), picture.y(y), picture.length(radius), "cut-cell", ""); });
    if (step > 1) out.caption += fmt::format(" One cell in {} is outlined.", step);
    picture.draw_bar(svg);
    draw_ramp(svg, 8.0 + picture.width() + 28.0, low, high, own.name + unit_behind(", ", own.unit));
    out.table = {out.title + ", along the middle line", out.id, {{"x, µm", Align::number}, {own.name + unit_behind(", ", own.unit), Align::number}}, {}};
    for (std::int64_t column = 0; column < map.nx; ++column) {
        out.table.rows.push_back({number_text(map.origin_um[0] + (static_cast<double>(column) + 0.5) * map.pixel_um, 6), number_text(map.values[static_cast<std::size_t>(map.ny / 2 * map.nx + column)], 5)});
    }
    out.svg = svg.finish();
    out.narrow_svg = narrow_field_map(story, map, low, high, out.title);
    return out;
}

Figure last_frame_figure(const SimulationStory& story) {
    Figure out;
    out.id = "last_frame";
    out.title = "The cells at the end";
    if (story.player.frames.empty() || story.player.frames.back().x.empty()) return out;
    out.caption = story.is_flat ? "The flat tissue as it is at the end." : "Cells that the plane through the middle of the box cuts, as the plane cuts them.";
    const PlanePicture picture(story.box_um[0], story.box_um[1], {story.origin_um[0], story.origin_um[1]}, kWideRoom);
    Svg svg(kChartWidth, std::max(picture.total_height(), 360.0), out.title);
    svg.rect(8, 8, picture.width(), picture.height(), "key", "");
    std::vector<std::int64_t> counts(story.kinds.size(), 0);
    const std::size_t step = for_each_cut_cell(story, [&](double x, double y, double radius, std::uint16_t kind) {
        svg.circle(picture.x(x), picture.y(y), picture.length(radius), "fill rim " + color_class(kind), "");
        ++counts[kind];
    });
    if (step > 1) out.caption += fmt::format(" One cell in {} is drawn.", step);
    picture.draw_bar(svg);
    std::vector<std::size_t> shown;
    for (std::size_t kind = 0; kind < counts.size(); ++kind) {
        if (counts[kind] == 0) continue;
        shown.push_back(kind);
        out.table.rows.push_back({kind_title(story, kind), count_text(counts[kind])});
    }
    out.table.caption = "Cells drawn";
    out.table.file = out.id;
    out.table.columns = {{"Type and state"}, {"Cells", Align::number}};
    add_keys(svg, story, shown, counts, kWidePlot);
    out.svg = svg.finish();
    return out;
}

Figure readout_figure(const SimulationStory& story, const ReadoutSeries& series) {
    const TimeUnit unit = time_unit(story.minutes);
    LineChart chart{"readout_" + series.name, series.name, series.meaning, fmt::format("Time, {}", unit.name), series.name + unit_behind(", ", series.unit), times_in(series.minute, unit), {}, YAxis::around_values};
    chart.curves.push_back({series.name, series.value, "curve line c0", series.value.empty() ? "" : number_text(series.value.back(), 4)});
    return line_chart_figure(chart);
}

std::int64_t count_source(const std::vector<RateRow>& rates, std::string_view source) {
    return std::count_if(rates.begin(), rates.end(), [source](const RateRow& rate) { return rate.source == source; });
}

Figure evidence_figure(const std::vector<RateRow>& rates) {
    constexpr std::array<std::string_view, 4> kColor = {"c2", "c0", "c1", "c5"};
    Figure out;
    out.id = "evidence";
    out.title = "Where the rates come from";
    if (rates.empty()) return out;
    out.table = {out.title, out.id, {{"Source"}, {"Rates", Align::number}}, {}};
    // a_row: keys beside each other.
    const auto drawn = [&](double width, std::size_t a_row, double step) {
        Svg svg(width, 62.0 + 22.0 * static_cast<double>(kSources.size() / a_row), out.title);
        double at = 8.0;
        for (std::size_t k = 0; k < kSources.size(); ++k) {
            const std::int64_t n = count_source(rates, kSources[k]);
            const double own = (width - 16.0) / static_cast<double>(rates.size()) * static_cast<double>(n);
            svg.rect(at, 8, own, 30, fmt::format("fill {}", kColor[k]), fmt::format("{}: {}", kSources[k], n));
            const double key = 8.0 + step * static_cast<double>(k % a_row), top = 56.0 + 22.0 * static_cast<double>(k / a_row);
            svg.rect(key, top, 12, 12, fmt::format("fill {}", kColor[k]), "");
            svg.text(key + 20, top + 11, Anchor::start, "row-label", fmt::format("{}: {}", kSources[k], n));
            at += own;
        }
        return svg.finish();
    };
    for (const std::string_view source : kSources) out.table.rows.push_back({std::string(source), count_text(count_source(rates, source))});
    out.svg = drawn(kChartWidth, 4, 200.0);
    out.narrow_svg = drawn(kNarrowWidth, 2, 170.0);
    return out;
}

}  // namespace morula::report
