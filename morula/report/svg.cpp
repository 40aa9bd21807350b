#include "morula/report/svg.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "morula/report/html.hpp"

namespace morula::report {
namespace {

constexpr int kWantedTicks = 8, kFewestTicks = 3;

/// 1, 2 or 5 times a power of ten, the smallest not below `step`.
double round_step(double step) {
    const double power = std::pow(10.0, std::floor(std::log10(step)));
    const double lead = step / power * (1.0 - 1e-9);
    return power * (lead <= 1.0 ? 1.0 : lead <= 2.0 ? 2.0 : lead <= 5.0 ? 5.0 : 10.0);
}

/// Of a tick's text in pixels: a little more than fonts in use take.
double tick_width(const std::string& text) { return 7.4 * static_cast<double>(text.size()); }

/// As many ticks as stand beside each other; a few at least.
std::vector<double> ticks_in_a_row(const Scale& scale) {
    for (int wanted = kWantedTicks; wanted > kFewestTicks; --wanted) {
        const std::vector<double> ticks = scale.ticks(wanted);
        const std::vector<std::string> texts = tick_texts(scale.kind(), ticks);
        double widest = 0.0;
        for (const std::string& text : texts) widest = std::max(widest, tick_width(text));
        bool fits = true;
        for (std::size_t k = 1; k < ticks.size(); ++k) fits &= scale(ticks[k]) - scale(ticks[k - 1]) >= widest + 4.0;
        if (fits || scale.kind() == ScaleKind::log) return ticks;
    }
    return scale.ticks(kFewestTicks);
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
    const double step = round_step((high_ - low_) / std::max(1, wanted));
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
    for (const Box& box : boxes) fmt::format_to(std::back_inserter(body_), "M{:.5g} {:.5g}h{:.5g}v{:.4g}h{:.5g}z", box.x, box.y, box.width, box.height, -box.width);
    body_ += "\"/>";
}

void Svg::open_group(std::string_view css) { fmt::format_to(std::back_inserter(body_), "<g class=\"{}\">", css); }
void Svg::close_group() { body_ += "</g>"; }

void Svg::x_axis(const Scale& x, double bottom, std::string_view title) {
    const std::vector<double> ticks = ticks_in_a_row(x);
    const std::vector<std::string> texts = tick_texts(x.kind(), ticks);
    for (std::size_t k = 0; k < ticks.size(); ++k) {
        line(x(ticks[k]), bottom, x(ticks[k]), bottom + 4, "axis");
        text(x(ticks[k]), bottom + 17, Anchor::middle, "tick", texts[k]);
    }
    line(x.pixel_low(), bottom, x.pixel_high(), bottom, "axis");
    text((x.pixel_low() + x.pixel_high()) / 2, bottom + 36, Anchor::middle, "axis-title", title);
}

void Svg::y_axis(const Scale& y, double left, double right, std::string_view title) {
    const std::vector<double> ticks = y.ticks(kWantedTicks);
    const std::vector<std::string> texts = tick_texts(y.kind(), ticks);
    double widest = 0.0;
    for (std::size_t k = 0; k < ticks.size(); ++k) {
        line(left, y(ticks[k]), right, y(ticks[k]), "grid");
        text(left - 8, y(ticks[k]) + 4, Anchor::end, "tick", texts[k]);
        widest = std::max(widest, tick_width(texts[k]));
    }
    text_up(std::max(left - std::max(46.0, widest + 14.0), 11.0), (y.pixel_low() + y.pixel_high()) / 2, Anchor::middle, "axis-title", title);
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

std::vector<std::string> tick_texts(ScaleKind kind, const std::vector<double>& ticks) {
    double largest = 0.0;
    for (const double tick : ticks) largest = std::max(largest, std::abs(tick));
    // Four digits, or as many as tell neighbours apart.
    const double step = ticks.size() > 1 && kind == ScaleKind::linear ? std::abs(ticks[1] - ticks[0]) : largest;
    const int digits = largest > 0.0 ? std::clamp(static_cast<int>(std::floor(std::log10(largest))) - static_cast<int>(std::floor(std::log10(step) + 1e-9)) + 1, 4, 12) : 4;
    std::vector<std::string> texts;
    for (const double tick : ticks) {
        // Of a logarithmic axis each tick by itself: they are powers of ten apart.
        const double size = kind == ScaleKind::log ? std::abs(tick) : largest;
        if (std::abs(tick) < 1e-9 * largest || tick == 0.0) texts.push_back("0");
        else if (size >= 1e9) texts.push_back(shortest_text(tick, digits));
        else if (size >= 1e6) texts.push_back(shortest_text(tick / 1e6, digits) + "M");
        else if (size >= 1e4) texts.push_back(shortest_text(tick / 1e3, digits) + "k");
        else if (std::abs(tick) >= 1e3 && step >= 1.0) texts.push_back(count_text(static_cast<std::int64_t>(std::llround(tick))));
        else texts.push_back(shortest_text(tick, digits));
    }
    return texts;
}

}  // namespace morula::report
