// Curves over one axis, with a legend beside them and the numbers as a table behind.
#pragma once

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

/// Words cut to what a legend beside a plot of charts.cpp's width can hold.
std::string legend_text(const std::string& name);
inline constexpr double kChartWidth = 860.0;
inline constexpr double kPlotRight = 640.0;  // where a legend stands beside the plot

}  // namespace morula::report
