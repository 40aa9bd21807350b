#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "morula/report/contribution_report.hpp"
#include "morula/report/line_chart.hpp"
#include "morula/report/svg.hpp"

namespace morula::report {
namespace {

constexpr double kTop = 12.0;
constexpr std::size_t kMostDrivers = 8;

/// The beginning and the end: names of rates differ in both.
std::string shortened_in_the_middle(const std::string& text, std::size_t limit) {
    if (text.size() <= limit) return text;
    std::size_t end = text.size() - limit / 2;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;  // never inside a character
    return shortened(text, limit - limit / 2) + text.substr(end);
}

/// Rows of bars with their names: beside the plot, or above each bar.
struct RowFrame {
    enum class Names { beside, above };
    Names names;
    double width, left, right, row_height;
    std::size_t longest_name;

    double middle(std::size_t row) const { return kTop + row_height * static_cast<double>(row) + (names == Names::above ? row_height - 14.0 : row_height / 2.0); }
    double bottom(std::size_t n_rows) const { return kTop + row_height * static_cast<double>(n_rows); }
    double height(std::size_t n_rows) const { return bottom(n_rows) + 46.0; }
    void name(Svg& svg, std::size_t row, const std::string& words) const {
        if (names == Names::above) svg.text(left, middle(row) - 16, Anchor::start, "row-label", shortened_in_the_middle(words, longest_name));
        else svg.text(left - 12, middle(row) + 4, Anchor::end, "row-label", shortened_in_the_middle(words, longest_name));
    }
    /// Behind the name or the row.
    void note(Svg& svg, std::size_t row, const std::string& words) const {
        if (names == Names::above) svg.text(right, middle(row) - 16, Anchor::end, "tick over", words);
        else svg.text(right + 12, middle(row) + 4, Anchor::start, "tick", words);
    }
};
constexpr RowFrame kWide{RowFrame::Names::beside, kChartWidth, 230.0, 740.0, 34.0, 30}, kNarrow{RowFrame::Names::above, kNarrowWidth, 20.0, 338.0, 48.0, 34};
/// Names of rates are long, and a share and a type stand behind each bar.
constexpr RowFrame kWideDrivers{RowFrame::Names::beside, kChartWidth, 330.0, 700.0, 34.0, 44}, kNarrowDrivers{RowFrame::Names::above, kNarrowWidth, 20.0, 240.0, 48.0, 48};

/// Of what is drawn: 0 always lies inside.
struct Span {
    double low = 0.0;
    double high = 0.0;

    void cover(double value) {
        if (!std::isfinite(value)) return;
        low = std::min(low, value);
        high = std::max(high, value);
    }
    Scale scale(const RowFrame& frame) const {
        const double margin = 0.04 * (high > low ? high - low : 1.0);
        return {ScaleKind::linear, low < 0.0 ? low - margin : low, high > 0.0 || low == 0.0 ? high + margin : high, frame.left, frame.right};
    }
};

std::string row_name(const ContributionReadout& readout, const ContributionRow& row) {
    const bool is_alone = std::all_of(readout.rows.begin(), readout.rows.end(), [&](const ContributionRow& other) { return other.intervention == row.intervention; });
    return is_alone ? row.type : row.type + ", " + row.intervention;
}

std::string range_text(double low, double high) { return std::isfinite(low) && std::isfinite(high) ? rounded_text(low, 3) + " to " + rounded_text(high, 3) : ""; }

/// The words between quotes of a rate's name, and what is left of it with "_" as a space.
struct RateWords {
    std::vector<std::string> quoted;
    std::string rest;
};
RateWords words_of(const std::string& rate) {
    RateWords out;
    bool is_quoted = false;
    for (const char c : rate) {
        if (c == '\'') {
            is_quoted = !is_quoted;
            if (is_quoted) out.quoted.emplace_back();
        } else if (is_quoted) {
            out.quoted.back().push_back(c);
        } else {
            out.rest.push_back(c == '_' ? ' ' : c);
        }
    }
    return out;
}

void draw_interval(Svg& svg, const Scale& x, double low, double high, double middle, double tick, std::string_view css) {
    if (!std::isfinite(low) || !std::isfinite(high)) return;
    svg.line(x(low), middle, x(high), middle, css);
    if (tick == 0.0) return;
    for (const double end : {low, high}) svg.line(x(end), middle - tick, x(end), middle + tick, css);
}

std::string drawn_effects(const ContributionReadout& readout, const Span& span, const std::string& title, const RowFrame& frame) {
    const Scale x = span.scale(frame);
    const double bottom = frame.bottom(readout.rows.size());
    Svg svg(frame.width, frame.height(readout.rows.size()), title);
    svg.line(x(0.0), kTop - 4, x(0.0), bottom, "axis");
    for (std::size_t r = 0; r < readout.rows.size(); ++r) {
        const ContributionRow& row = readout.rows[r];
        const double middle = frame.middle(r);
        frame.name(svg, r, row_name(readout, row));
        if (std::isfinite(row.effect)) {
            svg.rect(std::min(x(0.0), x(row.effect)), middle - 8, std::abs(x(row.effect) - x(0.0)), 16, row.is_written_in ? "bar-muted" : "bar-strong", fmt::format("{}: {}{}", row_name(readout, row), rounded_text(row.effect, 3), unit_behind(" ", readout.unit)));
        }
        if (!std::isfinite(row.effect)) svg.text(x(0.0) + 8, middle + 4, Anchor::start, "tick", "no value");
        draw_interval(svg, x, row.low, row.high, middle, 5, "interval");
        draw_interval(svg, x, row.seed_low, row.seed_high, middle, 0, "interval inner");
        if (row.is_written_in) frame.note(svg, r, "written in");
    }
    svg.x_axis(x, bottom, "Effect" + unit_behind(", ", readout.unit));
    return svg.finish();
}

std::string drawn_shares(const ContributionReadout& readout, const std::vector<const ContributionRow*>& rows, const Span& span, const std::string& title, const RowFrame& frame) {
    const Scale x = span.scale(frame);
    const double bottom = frame.bottom(rows.size());
    Svg svg(frame.width, frame.height(rows.size()), title);
    svg.line(x(0.0), kTop - 4, x(0.0), bottom, "axis");
    for (std::size_t r = 0; r < rows.size(); ++r) {
        const ContributionRow& row = *rows[r];
        frame.name(svg, r, row_name(readout, row));
        draw_interval(svg, x, row.shapley - row.shapley_se, row.shapley + row.shapley_se, frame.middle(r), 5, "interval");
        svg.circle(x(row.shapley), frame.middle(r), 5.5, "point-used", fmt::format("{}: {}", row_name(readout, row), rounded_text(row.shapley, 3)));
    }
    svg.x_axis(x, bottom, "Share" + unit_behind(", ", readout.unit));
    return svg.finish();
}

/// drivers: one a rate.
std::string drawn_drivers(const std::vector<const RateDriver*>& drivers, const std::string& title, const RowFrame& frame) {
    const Scale x(ScaleKind::linear, 0.0, 100.0, frame.left, frame.right);
    const double bottom = frame.bottom(drivers.size());
    Svg svg(frame.width, frame.height(drivers.size()), title);
    for (std::size_t r = 0; r < drivers.size(); ++r) {
        const RateDriver& driver = *drivers[r];
        const double middle = frame.middle(r), share = std::max(driver.share, 0.0) * 100.0;
        frame.name(svg, r, short_rate_name(driver.rate));
        svg.rect(x(0.0), middle - 8, x(share) - x(0.0), 16, driver.share > driver.by_chance ? "bar-strong" : "bar-muted", fmt::format("{}: {} of the effect of {}", driver.rate, share_text(driver.share), driver.type));
        if (std::isfinite(driver.by_chance)) svg.line(x(100.0 * driver.by_chance), middle - 12, x(100.0 * driver.by_chance), middle + 12, "flag");
        const double end = std::max(x(share), std::isfinite(driver.by_chance) ? x(100.0 * driver.by_chance) : 0.0);
        svg.text(end + 8.0, middle + 4, Anchor::start, "tick", fmt::format("{}, {}", share_text(driver.share), shortened(driver.type, 12)));
    }
    svg.x_axis(x, bottom, "Share of the variance, %");
    return svg.finish();
}

}  // namespace

std::string short_rate_name(const std::string& rate) {
    const auto [quoted, rest] = words_of(rate);
    const std::size_t comma = rest.rfind(", ");
    if (comma == std::string::npos || quoted.empty()) return rate;
    const std::string key = rest.substr(comma + 2);
    if (rate.starts_with("cell_type '") && quoted.size() == 2 && rest == "cell type , exchange of , " + key) return quoted[0] + ": " + quoted[1] + " " + key;
    if ((rate.starts_with("cell_type '") && rest == "cell type , " + key) || (rate.starts_with("substance '") && rest == "substance , " + key)) return quoted[0] + ": " + key;
    if (rate.starts_with("rule of '") && quoted.size() == 1 && rest.starts_with("rule of : ")) return quoted[0] + ": " + rest.substr(10);
    return rate;
}

Figure effects_figure(const ContributionReadout& readout) {
    Figure out;
    out.id = "effects_" + readout.name;
    out.title = fmt::format("What each type adds to {}", readout.name);
    Span span;
    for (const ContributionRow& row : readout.rows) {
        for (const double value : {row.effect, row.low, row.high, row.seed_low, row.seed_high}) span.cover(value);
    }
    if (span.low == 0.0 && span.high == 0.0) return out;
    out.caption = fmt::format("{}With all types as they are: {}{}. Bar: effect. Thin line: 95\u00a0% of the draws of the guessed rates, the interval to quote. Thick line: 95\u00a0% interval over seeds with the rates held at their guesses.",
                              readout.meaning.empty() ? "" : readout.meaning + " ", rounded_text(readout.intact_mean, 4), unit_behind(" ", readout.unit));
    out.table = {out.title, out.id, {{"Type"}, {"Intervention"}, {"Effect", Align::number}, {"Over guesses"}, {"Over seeds"}, {"Shapley share", Align::number}, {"Its standard error", Align::number}, {"Written in"}, {"Seeds", Align::number}, {"Draws", Align::number}}, {}};
    for (const ContributionRow& row : readout.rows) {
        out.table.rows.push_back({row.type, row.intervention, rounded_text(row.effect, 4), range_text(row.low, row.high), range_text(row.seed_low, row.seed_high), rounded_text(row.shapley, 4), rounded_text(row.shapley_se, 2), row.is_written_in ? "yes" : "no",
                                  count_text(row.n_seeds), count_text(row.n_draws)});
    }
    if (std::any_of(readout.rows.begin(), readout.rows.end(), [](const ContributionRow& row) { return row.is_written_in; })) out.caption += " Grey bars, \"written in\": the scenario links this type to this read-out in one step, so that the effect was put in by hand.";
    out.svg = drawn_effects(readout, span, out.title, kWide);
    out.narrow_svg = drawn_effects(readout, span, out.title, kNarrow);
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
    if (rows.size() < 2 || (span.low == 0.0 && span.high == 0.0)) return out;
    out.table = {out.title, out.id, {{"Type"}, {"Intervention"}, {"Share", Align::number}, {"Standard error", Align::number}}, {}};
    for (const ContributionRow* row : rows) out.table.rows.push_back({row->type, row->intervention, rounded_text(row->shapley, 4), rounded_text(row->shapley_se, 3)});
    out.svg = drawn_shares(readout, rows, span, out.title, kWide);
    out.narrow_svg = drawn_shares(readout, rows, span, out.title, kNarrow);
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
    out.svg = drawn_drivers(largest, out.title, kWideDrivers);
    out.narrow_svg = drawn_drivers(largest, out.title, kNarrowDrivers);
    return out;
}

}  // namespace morula::report
