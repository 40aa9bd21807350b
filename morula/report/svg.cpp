#include "morula/report/svg.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "morula/report/html.hpp"

namespace morula::report {
namespace {

constexpr int kWantedTicks = 6;

/// 1, 2 or 5 times a power of ten, the largest not above `step`.
double round_step(double step) {
    const double power = std::pow(10.0, std::floor(std::log10(step)));
    const double lead = step / power;
    return power * (lead >= 5.0 ? 5.0 : lead >= 2.0 ? 2.0 : 1.0);
}

std::string anchor_name(Anchor anchor) { return anchor == Anchor::start ? "start" : anchor == Anchor::middle ? "middle" : "end"; }

std::string tip_element(std::string_view tip) { return tip.empty() ? std::string() : "<title>" + escape_html(tip) + "</title>"; }

}  // namespace

Scale::Scale(ScaleKind kind, double low, double high, double pixel_low, double pixel_high)
    : kind_(kind), low_(low), high_(high > low ? high : low + 1.0), pixel_low_(pixel_low), pixel_high_(pixel_high) {}

double Scale::place(double value) const { return kind_ == ScaleKind::log ? std::log10(std::max(value, 0.0) + (low_ <= 0.0 ? 1.0 : 0.0) + 1e-12) : value; }

double Scale::operator()(double value) const {
    const double at = (place(std::clamp(value, low_, high_)) - place(low_)) / (place(high_) - place(low_));
    return pixel_low_ + at * (pixel_high_ - pixel_low_);
}

std::vector<double> Scale::ticks(int wanted) const {
    std::vector<double> out;
    if (kind_ == ScaleKind::log) {
        if (low_ <= 0.0) out.push_back(0.0);
        const bool dense = std::log10(high_ / std::max(low_, 1e-3)) < 2.5;
        for (double power = std::pow(10.0, std::floor(std::log10(std::max(low_, 1e-3)))); power <= high_; power *= 10.0) {
            for (const double lead : {1.0, 2.0, 5.0}) {
                const double tick = power * lead;
                if ((lead == 1.0 || dense) && tick >= low_ && tick <= high_ && (low_ > 0.0 || tick >= 1.0)) out.push_back(tick);
            }
        }
        return out;
    }
    const double step = round_step((high_ - low_) / std::max(1, wanted - 1));
    for (double k = std::ceil(low_ / step - 1e-9); k * step <= high_ + step * 1e-9; k += 1.0) out.push_back(k * step);
    return out;
}

Svg::Svg(double width, double height, std::string_view title) : title_(title), width_(width), height_(height) {}

void Svg::rect(double x, double y, double width, double height, std::string_view css, std::string_view tip) {
    fmt::format_to(std::back_inserter(body_), "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"{:.2f}\" class=\"{}\">{}</rect>", x, y, std::max(width, 0.0),
                   std::max(height, 0.0), css, tip_element(tip));
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view css) {
    fmt::format_to(std::back_inserter(body_), "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>", x1, y1, x2, y2, css);
}

void Svg::circle(double x, double y, double radius, std::string_view css, std::string_view tip) {
    fmt::format_to(std::back_inserter(body_), "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.2f}\" class=\"{}\">{}</circle>", x, y, radius, css, tip_element(tip));
}

void Svg::text(double x, double y, Anchor anchor, std::string_view css, std::string_view words) {
    fmt::format_to(std::back_inserter(body_), "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>", x, y, anchor_name(anchor), css, escape_html(words));
}

void Svg::text_up(double x, double y, Anchor anchor, std::string_view css, std::string_view words) {
    fmt::format_to(std::back_inserter(body_), "<text transform=\"translate({:.1f} {:.1f}) rotate(-90)\" text-anchor=\"{}\" class=\"{}\">{}</text>", x, y, anchor_name(anchor), css,
                   escape_html(words));
}

void Svg::polyline(const std::vector<double>& x, const std::vector<double>& y, std::string_view css) {
    fmt::format_to(std::back_inserter(body_), "<polyline class=\"{}\" points=\"", css);
    for (std::size_t i = 0; i < x.size(); ++i) fmt::format_to(std::back_inserter(body_), "{:.1f},{:.1f} ", x[i], y[i]);
    body_ += "\"/>";
}

void Svg::area(const std::vector<double>& x, const std::vector<double>& y, std::string_view css) {
    fmt::format_to(std::back_inserter(body_), "<polygon class=\"{}\" points=\"", css);
    for (std::size_t i = 0; i < x.size(); ++i) fmt::format_to(std::back_inserter(body_), "{:.1f},{:.1f} ", x[i], y[i]);
    body_ += "\"/>";
}

void Svg::dots(const std::vector<double>& x, const std::vector<double>& y, std::string_view css) {
    if (x.empty()) return;
    fmt::format_to(std::back_inserter(body_), "<path class=\"dots {}\" d=\"", css);
    for (std::size_t i = 0; i < x.size(); ++i) fmt::format_to(std::back_inserter(body_), "M{:.1f} {:.1f}h0", x[i], y[i]);
    body_ += "\"/>";
}

void Svg::boxes(const std::vector<Box>& boxes, std::string_view css) {
    if (boxes.empty()) return;
    fmt::format_to(std::back_inserter(body_), "<path class=\"{}\" d=\"", css);
    for (const Box& box : boxes) fmt::format_to(std::back_inserter(body_), "M{:.5g} {:.5g}h{:.4g}v{:.4g}h{:.4g}z", box.x, box.y, box.width, box.height, -box.width);
    body_ += "\"/>";
}

void Svg::open_group(std::string_view css) { fmt::format_to(std::back_inserter(body_), "<g class=\"{}\">", css); }
void Svg::close_group() { body_ += "</g>"; }

void Svg::x_axis(const Scale& x, double bottom, std::string_view title) {
    for (const double tick : x.ticks(kWantedTicks)) {
        line(x(tick), bottom, x(tick), bottom + 4, "axis");
        text(x(tick), bottom + 17, Anchor::middle, "tick", tick_text(tick));
    }
    line(x.pixel_low(), bottom, x.pixel_high(), bottom, "axis");
    text((x.pixel_low() + x.pixel_high()) / 2, bottom + 36, Anchor::middle, "axis-title", title);
}

void Svg::y_axis(const Scale& y, double left, double right, std::string_view title) {
    for (const double tick : y.ticks(kWantedTicks)) {
        line(left, y(tick), right, y(tick), "grid");
        text(left - 8, y(tick) + 4, Anchor::end, "tick", tick_text(tick));
    }
    text_up(left - 46, (y.pixel_low() + y.pixel_high()) / 2, Anchor::middle, "axis-title", title);
}

std::string Svg::finish() const {
    return fmt::format("<svg viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" role=\"img\" aria-label=\"{2}\">{3}</svg>", width_,
                       height_, escape_html(title_), body_);
}

std::string shortened(const std::string& text, std::size_t limit) {
    if (text.size() <= limit) return text;
    std::size_t end = limit - 1;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // never inside a character
    return text.substr(0, end) + "…";
}

std::string tick_text(double value) {
    if (std::abs(value) < 1e-12) return "0";
    if (std::abs(value) >= 1e6) return fmt::format("{:.4g}M", value / 1e6);
    if (std::abs(value) >= 1e4) return fmt::format("{:.4g}k", value / 1e3);
    if (std::abs(value) >= 1e3) return count_text(static_cast<std::int64_t>(std::llround(value)));
    return fmt::format("{:.4g}", value);
}

}  // namespace morula::report
