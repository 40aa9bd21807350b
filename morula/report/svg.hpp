// Static SVG plots: scales, axes and marks. Colours are CSS classes of report.css, so that one drawing serves light, dark and print.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace morula::report {

enum class ScaleKind { linear, log };

/// Maps numbers to pixels. Log scales add 1 to the domain's zero: value 0 lies at the low end.
class Scale {
public:
    Scale(ScaleKind kind, double low, double high, double pixel_low, double pixel_high);

    double operator()(double value) const;
    ScaleKind kind() const { return kind_; }
    /// Round numbers inside the domain; of a linear scale at most `wanted` + 1 of them.
    std::vector<double> ticks(int wanted) const;
    double low() const { return low_; }
    double high() const { return high_; }
    double pixel_low() const { return pixel_low_; }
    double pixel_high() const { return pixel_high_; }

private:
    double place(double value) const;

    ScaleKind kind_;
    double low_;
    double high_;
    double pixel_low_;
    double pixel_high_;
};

enum class Anchor { start, middle, end };

/// An SVG being drawn. Texts are escaped; `css` is one or more class names.
class Svg {
public:
    Svg(double width, double height, std::string_view title);

    void rect(double x, double y, double width, double height, std::string_view css, std::string_view tip);
    void line(double x1, double y1, double x2, double y2, std::string_view css);
    void circle(double x, double y, double radius, std::string_view css, std::string_view tip);
    void text(double x, double y, Anchor anchor, std::string_view css, std::string_view words);
    /// Text turned by -90 degrees (reads upwards) around its point.
    void text_up(double x, double y, Anchor anchor, std::string_view css, std::string_view words);
    void polyline(const std::vector<double>& x, const std::vector<double>& y, std::string_view css);
    /// Closed polygon.
    void area(const std::vector<double>& x, const std::vector<double>& y, std::string_view css);
    /// Many round dots as one path; the class sets stroke and stroke-width.
    void dots(const std::vector<double>& x, const std::vector<double>& y, std::string_view css);
    /// Many boxes of one look as one path; the class sets the fill.
    struct Box {
        double x, y, width, height;
    };
    void boxes(const std::vector<Box>& boxes, std::string_view css);
    void open_group(std::string_view css);
    void close_group();

    /// Axes with ticks and titles: x below `bottom`, y left of `left`.
    void x_axis(const Scale& x, double bottom, std::string_view title);
    void y_axis(const Scale& y, double left, double right, std::string_view title);

    std::string finish() const;

private:
    std::string body_;
    std::string title_;
    double width_;
    double height_;
};

/// Remembers where labels stand; take() says whether another one fits.
class LabelPlaces {
public:
    bool take(double x, double y, double width) {
        for (const auto& [left, right, base] : taken_) {
            if (x < right && x + width > left && std::abs(y - base) < 13.0) return false;
        }
        taken_.push_back({x, x + width, y});
        return true;
    }

private:
    struct Place {
        double left, right, base;
    };
    std::vector<Place> taken_;
};

/// The text, or its beginning and an ellipsis; never cut inside a character. limit: bytes.
std::string shortened(const std::string& text, std::size_t limit);

/// Short numbers for an axis, all in one form where it is linear: "1,000"; "8k", "12k"; "2M"; "4e9".
std::vector<std::string> tick_texts(ScaleKind kind, const std::vector<double>& ticks);

}  // namespace morula::report
