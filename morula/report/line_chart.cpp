#include "morula/report/line_chart.hpp"

#include <algorithm>
#include <cmath>

#include "morula/report/svg.hpp"

namespace morula::report {
namespace {

constexpr PlotFrame kWidePlot{kChartWidth, 76.0, kPlotRight, 280.0, kPlotRight + 22.0, 24.0, kLegendName};
constexpr double kTop = 16.0;
constexpr double kKeyStep = 20.0;
constexpr std::size_t kMostKeys = 14;

/// Runs of numbers as lines; a number between two gaps as a dot.
void draw_curve(Svg& svg, const Scale& x, const Scale& y, const std::vector<double>& at, const Curve& curve) {
    std::vector<double> px, py;
    const auto finish_run = [&] {
        if (px.size() == 1) svg.circle(px[0], py[0], 2.4, curve.css, "");
        if (px.size() > 1) svg.polyline(px, py, curve.css);
        px.clear();
        py.clear();
    };
    for (std::size_t i = 0; i < at.size(); ++i) {
        if (!std::isfinite(curve.y[i])) {
            finish_run();
            continue;
        }
        px.push_back(x(at[i]));
        py.push_back(y(curve.y[i]));
    }
    finish_run();
}

/// Runs of places where both edges are numbers.
void draw_band(Svg& svg, const Scale& x, const Scale& y, const std::vector<double>& at, const Curve& curve) {
    std::vector<double> px, py;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= curve.low.size(); ++i) {
        if (i < curve.low.size() && std::isfinite(curve.low[i]) && std::isfinite(curve.high[i])) {
            px.push_back(x(at[i]));
            py.push_back(y(curve.low[i]));
            continue;
        }
        for (std::size_t k = i; k-- > begin;) {
            px.push_back(x(at[k]));
            py.push_back(y(curve.high[k]));
        }
        if (i - begin > 1) svg.area(px, py, curve.band_css);
        px.clear();
        py.clear();
        begin = i + 1;
    }
}

std::size_t n_keys(const std::vector<Curve>& curves) {
    return static_cast<std::size_t>(std::count_if(curves.begin(), curves.end(), [](const Curve& curve) { return curve.has_key; }));
}

void draw_keys(Svg& svg, const std::vector<Curve>& curves, const PlotFrame& frame) {
    double at = frame.key_top;
    std::size_t n = 0;
    for (const Curve& curve : curves) {
        if (!curve.has_key || n++ >= kMostKeys) continue;
        svg.line(frame.key_left, at, frame.key_left + 20, at, curve.css);
        svg.text(frame.key_left + 28, at + 4, Anchor::start, "row-label", shortened(curve.name, frame.longest_name));
        if (!curve.end_note.empty()) svg.text(frame.width - 4, at + 4, Anchor::end, "tick", curve.end_note);
        at += kKeyStep;
    }
    if (n > kMostKeys) svg.text(frame.key_left + 28, at + 4, Anchor::start, "tick", "and " + std::to_string(n - kMostKeys) + " more in the table");
}

/// low, high: of the values' axis.
std::string drawn(const LineChart& chart, double low, double high, const PlotFrame& frame) {
    const Scale x(ScaleKind::linear, chart.x.front(), chart.x.back(), frame.left, frame.right);
    const Scale y(ScaleKind::linear, low, high > low ? low + (high - low) * 1.06 : low + 1.0, frame.bottom, kTop);
    Svg svg(frame.width, frame.height(std::min(n_keys(chart.curves), kMostKeys + 1)), chart.title);
    svg.y_axis(y, frame.left, frame.right, chart.y_title);
    svg.x_axis(x, frame.bottom, chart.x_title);
    for (const Curve& curve : chart.curves) draw_band(svg, x, y, chart.x, curve);
    for (const Curve& curve : chart.curves) draw_curve(svg, x, y, chart.x, curve);
    draw_keys(svg, chart.curves, frame);
    return svg.finish();
}

}  // namespace

Figure line_chart_figure(const LineChart& chart) {
    Figure out;
    out.id = chart.id;
    out.title = chart.title;
    out.caption = chart.caption;
    out.table = {chart.title, chart.id, {{chart.x_title, Align::number}}, {}};
    double low = 1e300, high = -1e300;
    for (const Curve& curve : chart.curves) {
        out.table.columns.push_back({curve.name, Align::number});
        if (!curve.low.empty()) out.table.columns.insert(out.table.columns.end(), {{curve.name + ", lowest", Align::number}, {curve.name + ", highest", Align::number}});
        for (const auto* values : {&curve.y, &curve.low, &curve.high}) {
            for (const double value : *values) {
                if (!std::isfinite(value)) continue;
                low = std::min(low, value);
                high = std::max(high, value);
            }
        }
    }
    if (high == -1e300 || chart.x.empty()) return out;
    const bool is_around = chart.y_axis == YAxis::around_values && high > low && low - 0.06 * (high - low) > 0.0;
    low = is_around ? low - 0.06 * (high - low) : std::min(low, 0.0);
    if (is_around) out.caption += " The axis does not begin at 0.";
    for (std::size_t i = 0; i < chart.x.size(); ++i) {
        std::vector<std::string> row{number_text(chart.x[i], 6)};
        for (const Curve& curve : chart.curves) {
            row.push_back(number_text(curve.y[i], 4));
            if (curve.low.empty()) continue;
            row.push_back(number_text(curve.low[i], 4));
            row.push_back(number_text(curve.high[i], 4));
        }
        out.table.rows.push_back(std::move(row));
    }
    out.svg = drawn(chart, low, high, kWidePlot);
    out.narrow_svg = drawn(chart, low, high, kNarrowPlot);
    return out;
}

}  // namespace morula::report
