#include "morula/report/reliability_diagram.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "morula/report/svg.hpp"

namespace morula::report {
namespace {

constexpr double kWidth = 460.0;
constexpr double kLeft = 62.0;
constexpr double kRight = kWidth - 20.0;
constexpr double kTop = 34.0;
constexpr double kBottom = kTop + (kRight - kLeft);
constexpr double kBarTop = kBottom + 62.0;
constexpr double kBarBottom = kBarTop + 60.0;

constexpr std::string_view kStyle =
    "svg{--ink:#1d2433;--soft:#4a5468;--rule:#d9dee8;--mark:#1b6ca8;--paper:#fff;background:var(--paper);font-family:system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){svg{--ink:#e8ecf4;--soft:#aab4c6;--rule:#39425a;--mark:#6bb7ee;--paper:#161b26}}"
    "text{fill:var(--soft);font-size:12px}.heading{fill:var(--ink);font-size:14px;font-weight:600}.axis,.curve{stroke:var(--ink);fill:none}.grid{stroke:var(--rule)}"
    ".diagonal{stroke:var(--soft);stroke-dasharray:5 4}.interval{stroke:var(--mark);stroke-width:2}.point{fill:var(--mark)}.bar{fill:var(--mark);opacity:.45}";

std::string percent(double share) { return fmt::format("{:.1f} %", 100.0 * share); }

void draw_points(Svg& svg, const std::vector<ReliabilityPoint>& points, const Scale& x, const Scale& y) {
    for (const ReliabilityPoint& point : points) {
        if (std::isfinite(point.low) && std::isfinite(point.high)) svg.line(x(100.0 * point.confidence), y(100.0 * point.low), x(100.0 * point.confidence), y(100.0 * point.high), "interval");
    }
    for (const ReliabilityPoint& point : points) {
        svg.circle(x(100.0 * point.confidence), y(100.0 * point.right), 4.6, "point", fmt::format("confidence {}, right {}, {} cells", percent(point.confidence), percent(point.right), point.n_cells));
    }
}

}  // namespace

std::string reliability_diagram(const std::vector<ReliabilityPoint>& all) {
    std::vector<ReliabilityPoint> points;
    std::int64_t most = 1;
    for (const ReliabilityPoint& point : all) {
        if (point.n_cells == 0 || !std::isfinite(point.confidence) || !std::isfinite(point.right)) continue;
        points.push_back(point);
        most = std::max(most, point.n_cells);
    }
    const Scale x(ScaleKind::linear, 0.0, 100.0, kLeft, kRight);
    const Scale y(ScaleKind::linear, 0.0, 100.0, kBottom, kTop);
    const Scale bars(ScaleKind::linear, 0.0, static_cast<double>(most), kBarBottom, kBarTop);
    Svg svg(kWidth, kBarBottom + 46.0, "Reliability of confidences");
    svg.text(kLeft, 20.0, Anchor::start, "heading", "Held-out donors: right calls against confidence");
    svg.y_axis(y, kLeft, kRight, "Right calls, %");
    svg.x_axis(x, kBottom, "Confidence, %");
    svg.line(x(0.0), y(0.0), x(100.0), y(100.0), "diagonal");
    draw_points(svg, points, x, y);
    for (const ReliabilityPoint& point : points) {
        const double top = bars(static_cast<double>(point.n_cells));
        svg.rect(x(100.0 * point.confidence) - 8.0, top, 16.0, kBarBottom - top, "bar", fmt::format("{} cells", point.n_cells));
    }
    svg.line(kLeft, kBarBottom, kRight, kBarBottom, "axis");
    svg.text(kLeft, kBarBottom + 20.0, Anchor::start, "key", fmt::format("Bars: cells behind each point, at most {}.", most));
    svg.text(kLeft, kBarBottom + 36.0, Anchor::start, "key", "Lines: 95 % between donors. On the dashed line both agree.");
    std::string out = svg.finish();
    const std::size_t head = out.find('>') + 1;
    out.insert(head, fmt::format("<style>{}</style>", kStyle));
    out.insert(4, " xmlns=\"http://www.w3.org/2000/svg\"");
    return out + "\n";
}

}  // namespace morula::report
