// Curves over one axis, with a legend beside them and the numbers as a table behind.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "morula/report/charts.hpp"

namespace morula::report {

struct Curve {
    std::string name;
    std::vector<double> y;   // one for each x; NaN: a gap
    std::string css;         // classes of the curve; also of its key in the legend
    std::string end_note{};  // behind the name in the legend
    bool has_key = true;
    std::vector<double> low{}, high{};  // edges of a band behind the curve, one for each x; empty: no band
    std::string band_css{};
};

enum class YAxis { from_zero, around_values };

struct LineChart {
    std::string id;
    std::string title;
    std::string caption;
    std::string x_title;
    std::string y_title;
    std::vector<double> x;
    std::vector<Curve> curves;
    YAxis y_axis = YAxis::from_zero;  // or below 0, where values are; around_values shows small differences, and the caption says so
};

/// Nothing is drawn where no curve has a number.
Figure line_chart_figure(const LineChart& chart);

inline constexpr std::size_t kLegendName = 18;  // bytes of a name that a legend beside a plot can hold
inline constexpr double kChartWidth = 860.0;
inline constexpr double kPlotRight = 640.0;  // where a legend stands beside the plot
inline constexpr double kNarrowWidth = 360.0;  // of a phone, where a legend stands below

/// Where a plot and its legend lie, the legend beside the plot or below it.
struct PlotFrame {
    double width, left, right, bottom;
    double key_left, key_top;
    std::size_t longest_name;

    double height(std::size_t n_keys) const { return key_top > bottom ? key_top + 20.0 * static_cast<double>(n_keys) : bottom + 46.0; }
};
inline constexpr PlotFrame kNarrowPlot{kNarrowWidth, 68.0, 346.0, 240.0, 14.0, 300.0, 34};

}  // namespace morula::report
