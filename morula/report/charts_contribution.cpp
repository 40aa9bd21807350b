#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "morula/report/contribution_report.hpp"
#include "morula/report/line_chart.hpp"
#include "morula/report/svg.hpp"

namespace morula::report {
namespace {

constexpr double kLeft = 230.0;
constexpr double kRight = 740.0;
constexpr double kTop = 12.0;
constexpr double kRowHeight = 34.0;
constexpr std::size_t kMostDrivers = 8;

/// Of what is drawn: 0 always lies inside.
struct Span {
    double low = 0.0;
    double high = 0.0;

    void cover(double value) {
        if (!std::isfinite(value)) return;
        low = std::min(low, value);
        high = std::max(high, value);
    }
    Scale scale() const {
        const double margin = 0.04 * (high > low ? high - low : 1.0);
        return {ScaleKind::linear, low < 0.0 ? low - margin : low, high > 0.0 || low == 0.0 ? high + margin : high, kLeft, kRight};
    }
};

std::string row_name(const ContributionReadout& readout, const ContributionRow& row) {
    const bool is_alone = std::all_of(readout.rows.begin(), readout.rows.end(), [&](const ContributionRow& other) { return other.intervention == row.intervention; });
    return is_alone ? row.type : row.type + ", " + row.intervention;
}

std::string range_text(double low, double high) { return std::isfinite(low) && std::isfinite(high) ? number_text(low, 3) + " to " + number_text(high, 3) : ""; }

double row_middle(std::size_t row) { return kTop + kRowHeight * (static_cast<double>(row) + 0.5); }

void draw_interval(Svg& svg, const Scale& x, double low, double high, double middle, double tick, std::string_view css) {
    if (!std::isfinite(low) || !std::isfinite(high)) return;
    svg.line(x(low), middle, x(high), middle, css);
    if (tick == 0.0) return;
    for (const double end : {low, high}) svg.line(x(end), middle - tick, x(end), middle + tick, css);
}

}  // namespace

Figure effects_figure(const ContributionReadout& readout) {
    Figure out;
    out.id = "effects_" + readout.name;
    out.title = fmt::format("What each type adds to {}", readout.name);
    Span span;
    bool any = false;
    for (const ContributionRow& row : readout.rows) {
        any |= std::isfinite(row.effect);
        for (const double value : {row.effect, row.low, row.high, row.seed_low, row.seed_high}) span.cover(value);
    }
    if (!any) return out;
    out.caption = fmt::format("Bar: effect{}. Thin line: 95 % of the draws of the guessed rates, the interval to quote. Thick line: 95 % interval over seeds with the rates held at their guesses. With all as they are the read-out is {}.",
                              unit_behind(" in ", readout.unit), number_text(readout.intact_mean, 4));
    out.table = {out.title, out.id, {{"Type"}, {"Intervention"}, {"Effect", Align::number}, {"Over guesses"}, {"Over seeds"}, {"Shapley share", Align::number}, {"Its standard error", Align::number}, {"Written in"}, {"Seeds", Align::number}, {"Draws", Align::number}}, {}};
    const Scale x = span.scale();
    const double bottom = kTop + kRowHeight * static_cast<double>(readout.rows.size());
    Svg svg(kChartWidth, bottom + 46.0, out.title);
    svg.line(x(0.0), kTop - 4, x(0.0), bottom, "axis");
    for (std::size_t r = 0; r < readout.rows.size(); ++r) {
        const ContributionRow& row = readout.rows[r];
        const double middle = row_middle(r);
        svg.text(kLeft - 12, middle + 4, Anchor::end, "row-label", shortened(row_name(readout, row), 30));
        if (std::isfinite(row.effect)) {
            svg.rect(std::min(x(0.0), x(row.effect)), middle - 8, std::abs(x(row.effect) - x(0.0)), 16, row.is_written_in ? "bar-muted" : "bar-strong", fmt::format("{}: {}{}", row_name(readout, row), number_text(row.effect, 3), unit_behind(" ", readout.unit)));
        }
        if (!std::isfinite(row.effect)) svg.text(x(0.0) + 8, middle + 4, Anchor::start, "tick", "no value");
        draw_interval(svg, x, row.low, row.high, middle, 5, "interval");
        draw_interval(svg, x, row.seed_low, row.seed_high, middle, 0, "interval inner");
        if (row.is_written_in) svg.text(kRight + 12, middle + 4, Anchor::start, "tick", "written in");
        out.table.rows.push_back({row.type, row.intervention, number_text(row.effect, 4), range_text(row.low, row.high), range_text(row.seed_low, row.seed_high), number_text(row.shapley, 4), number_text(row.shapley_se, 2), row.is_written_in ? "yes" : "no",
                                  count_text(row.n_seeds), count_text(row.n_draws)});
    }
    svg.x_axis(x, bottom, "Effect" + unit_behind(", ", readout.unit));
    if (std::any_of(readout.rows.begin(), readout.rows.end(), [](const ContributionRow& row) { return row.is_written_in; })) out.caption += " Grey bars, \"written in\": the scenario links this type to this read-out in one step, so that the effect was put in by hand.";
    out.svg = svg.finish();
    return out;
}

Figure shapley_figure(const ContributionReadout& readout) {
    Figure out;
    out.id = "shapley_" + readout.name;
    out.title = fmt::format("Fair shares of {}", readout.name);
    out.caption = "Shapley share: what a type adds on average over all orders in which the types could be put in. The shares add up to the whole difference between all types and none. Line: one standard error to each side.";
    Span span;
    std::vector<const ContributionRow*> rows;
    for (const ContributionRow& row : readout.rows) {
        const bool is_first = std::none_of(rows.begin(), rows.end(), [&](const ContributionRow* other) { return other->type == row.type && other->intervention == row.intervention; });
        if (!std::isfinite(row.shapley) || !is_first) continue;
        rows.push_back(&row);
        const double off = std::isfinite(row.shapley_se) ? row.shapley_se : 0.0;
        span.cover(row.shapley - off);
        span.cover(row.shapley + off);
    }
    if (rows.empty()) return out;
    out.table = {out.title, out.id, {{"Type"}, {"Intervention"}, {"Share", Align::number}, {"Standard error", Align::number}}, {}};
    const Scale x = span.scale();
    const double bottom = kTop + kRowHeight * static_cast<double>(rows.size());
    Svg svg(kChartWidth, bottom + 46.0, out.title);
    svg.line(x(0.0), kTop - 4, x(0.0), bottom, "axis");
    for (std::size_t r = 0; r < rows.size(); ++r) {
        const ContributionRow& row = *rows[r];
        svg.text(kLeft - 12, row_middle(r) + 4, Anchor::end, "row-label", shortened(row_name(readout, row), 30));
        draw_interval(svg, x, row.shapley - row.shapley_se, row.shapley + row.shapley_se, row_middle(r), 5, "interval");
        svg.circle(x(row.shapley), row_middle(r), 5.5, "point-used", fmt::format("{}: {}", row_name(readout, row), number_text(row.shapley, 3)));
        out.table.rows.push_back({row.type, row.intervention, number_text(row.shapley, 4), number_text(row.shapley_se, 3)});
    }
    svg.x_axis(x, bottom, "Share" + unit_behind(", ", readout.unit));
    out.svg = svg.finish();
    return out;
}

Figure drivers_figure(const ContributionReadout& readout) {
    Figure out;
    out.id = "drivers_" + readout.name;
    out.title = fmt::format("Which guess drives {}", readout.name);
    std::vector<const RateDriver*> largest;  // one a rate, of the effects
    out.table = {out.title, out.id, {{"Rate"}, {"Answer"}, {"Share of the variance", Align::number}, {"By chance", Align::number}}, {}};
    for (const RateDriver& driver : readout.drivers) {
        if (!std::isfinite(driver.share)) continue;
        out.table.rows.push_back({driver.rate, driver.type.empty() ? "the read-out itself" : "effect of " + driver.type + ", " + driver.intervention, number_text(driver.share, 3), number_text(driver.by_chance, 3)});
        if (driver.type.empty()) continue;
        const auto same = std::find_if(largest.begin(), largest.end(), [&](const RateDriver* other) { return other->rate == driver.rate; });
        if (same == largest.end()) largest.push_back(&driver);
        else if (driver.share > (*same)->share) *same = &driver;
    }
    if (largest.empty()) return out;
    std::stable_sort(largest.begin(), largest.end(), [](const RateDriver* a, const RateDriver* b) { return a->share > b->share; });
    if (largest.size() > kMostDrivers) largest.resize(kMostDrivers);
    out.caption = "Share of the variance of an effect over the draws that one guessed rate explains; the largest over the types. Dashed: what a rate that does nothing reaches by chance in one case of twenty. Measure the first of these before anything else.";
    const Scale x(ScaleKind::linear, 0.0, 100.0, 330.0, kRight - 40.0);
    const double bottom = kTop + kRowHeight * static_cast<double>(largest.size());
    Svg svg(kChartWidth, bottom + 46.0, out.title);
    for (std::size_t r = 0; r < largest.size(); ++r) {
        const RateDriver& driver = *largest[r];
        const double middle = row_middle(r), share = std::max(driver.share, 0.0) * 100.0;
        svg.text(318, middle + 4, Anchor::end, "row-label", shortened(driver.rate, 44));
        svg.rect(x(0.0), middle - 8, x(share) - x(0.0), 16, driver.share > driver.by_chance ? "bar-strong" : "bar-muted", fmt::format("{}: {} of the effect of {}", driver.rate, share_text(driver.share), driver.type));
        if (std::isfinite(driver.by_chance)) svg.line(x(100.0 * driver.by_chance), middle - 12, x(100.0 * driver.by_chance), middle + 12, "flag");
        const double end = std::max(x(share), std::isfinite(driver.by_chance) ? x(100.0 * driver.by_chance) : 0.0);
        svg.text(end + 8.0, middle + 4, Anchor::start, "tick", fmt::format("{}, {}", share_text(driver.share), shortened(driver.type, 12)));
    }
    svg.x_axis(x, bottom, "Share of the variance, %");
    out.svg = svg.finish();
    return out;
}

}  // namespace morula::report
