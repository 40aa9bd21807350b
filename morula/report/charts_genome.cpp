// Maps along the genome: groups or cells in rows, windows of neighbouring genes in columns, chromosomes side by side.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "morula/report/charts.hpp"
#include "morula/report/svg.hpp"

namespace morula::report {
namespace {

constexpr double kWidth = 860.0;
constexpr double kLeft = 172.0;
constexpr double kRight = kWidth - 16.0;
constexpr double kTop = 30.0;
constexpr std::size_t kNameBytes = 24;
constexpr std::size_t kSteps = 9;       // classes d0 (lowest) to d8
constexpr std::size_t kMostGroups = 40;  // drawn; the table holds all

std::string color_of_value(std::size_t color) { return fmt::format("d{}", color); }

/// Of nine equal steps from -limit to limit.
std::size_t step_of(double value, double limit) { return static_cast<std::size_t>(std::clamp(std::floor((value / limit + 1.0) / 2.0 * static_cast<double>(kSteps)), 0.0, static_cast<double>(kSteps) - 1.0)); }

/// Windows of equal width, so that a chromosome is as wide as it has genes.
class GenomeAxis {
public:
    explicit GenomeAxis(const std::vector<GenomeWindow>& windows) : windows_(windows), width_((kRight - kLeft) / static_cast<double>(std::max<std::size_t>(1, windows.size()))) {}
    double left(std::size_t window) const { return kLeft + width_ * static_cast<double>(window); }
    std::size_t size() const { return windows_.size(); }

    /// Borders of chromosomes and, dashed, of arms; names above.
    void draw(Svg& svg, double bottom) const {
        LabelPlaces places;
        for (std::size_t begin = 0; begin < size();) {
            std::size_t end = begin;
            while (end < size() && windows_[end].chromosome == windows_[begin].chromosome) ++end;
            if (begin > 0) svg.line(left(begin), kTop - 4, left(begin), bottom, "border");
            for (std::size_t w = begin + 1; w < end; ++w) {
                if (windows_[w].arm != windows_[w - 1].arm) svg.line(left(w), kTop, left(w), bottom, "border arm");
            }
            const double middle = 0.5 * (left(begin) + left(end)), half = 3.6 * static_cast<double>(windows_[begin].chromosome.size());
            if (places.take(middle - half - 1.0, kTop - 9, 2.0 * half + 2.0)) svg.text(middle, kTop - 9, Anchor::middle, "tick", windows_[begin].chromosome);
            begin = end;
        }
        svg.rect(kLeft, kTop, kRight - kLeft, bottom - kTop, "frame", "");
    }

private:
    const std::vector<GenomeWindow>& windows_;
    double width_;
};

/// Boxes of each colour, neighbours of one colour joined.
using Painted = std::array<std::vector<Svg::Box>, kSteps>;
void paint(const GenomeAxis& axis, const GenomeRow& row, double top, double height, double limit, Painted& to) {
    for (std::size_t begin = 0; begin < axis.size();) {
        if (!std::isfinite(row.value[begin])) {
            ++begin;
            continue;
        }
        const std::size_t color = step_of(static_cast<double>(row.value[begin]), limit);
        std::size_t end = begin + 1;
        while (end < axis.size() && std::isfinite(row.value[end]) && step_of(static_cast<double>(row.value[end]), limit) == color) ++end;
        to[color].push_back({axis.left(begin), top, axis.left(end) - axis.left(begin), height});
        begin = end;
    }
}
void draw(const Painted& painted, Svg& svg) {
    for (std::size_t color = 0; color < kSteps; ++color) svg.boxes(painted[color], color_of_value(color));
}

void draw_key(Svg& svg, double top, double limit, std::string_view unit) {
    constexpr double kBox = 26.0;
    const double left = kRight - kBox * static_cast<double>(kSteps);
    for (std::size_t color = 0; color < kSteps; ++color) svg.rect(left + kBox * static_cast<double>(color), top, kBox, 11, color_of_value(color), "");
    svg.rect(left, top, kBox * static_cast<double>(kSteps), 11, "frame", "");
    svg.text(left, top + 25, Anchor::start, "tick", fmt::format("{:.2g}, lost", -limit));
    svg.text(0.5 * (left + kRight), top + 25, Anchor::middle, "tick", "0");
    svg.text(kRight, top + 25, Anchor::end, "tick", fmt::format("{:.2g}, gained", limit));
    svg.text(left - 10, top + 10, Anchor::end, "axis-title", unit);
}

std::string megabases(std::int64_t bases) { return fmt::format("{:.1f}", static_cast<double>(bases) / 1e6); }

/// Under each called stretch a bar, and its sign.
void draw_calls(const GenomeAxis& axis, const GenomeRow& row, double top, double height, Svg& svg) {
    for (std::size_t begin = 0; begin < row.called.size();) {
        std::size_t end = begin + 1;
        while (end < row.called.size() && row.called[end] == row.called[begin]) ++end;
        if (row.called[begin] != 0) {
            svg.rect(axis.left(begin) + 1.0, top + height, axis.left(end) - axis.left(begin) - 2.0, 2.6, "called", row.called[begin] < 0 ? "called lost" : "called gained");
            svg.text(0.5 * (axis.left(begin) + axis.left(end)), top + height - 6.0, Anchor::middle, "sign", row.called[begin] < 0 ? "−" : "+");
        }
        begin = end;
    }
}

HtmlTable window_table(const AcquiredChanges& changes, const Figure& figure) {
    HtmlTable table{figure.title, figure.id, {{"Chromosome"}, {"From, Mb", Align::number}, {"To, Mb", Align::number}, {"Genes", Align::number}}, {}};
    for (const GenomeRow& row : changes.groups) table.columns.push_back({row.name, Align::number});
    for (std::size_t w = 0; w < changes.windows.size(); ++w) {
        const GenomeWindow& window = changes.windows[w];
        std::vector<std::string> line{window.chromosome, megabases(window.start), megabases(window.end), count_text(window.n_genes)};
        for (const GenomeRow& row : changes.groups) line.push_back(number_text(static_cast<double>(row.value[w]), 3) + (row.called.empty() || row.called[w] == 0 ? "" : row.called[w] < 0 ? " (lost)" : " (gained)"));
        table.rows.push_back(std::move(line));
    }
    return table;
}

/// Mean of each chromosome's windows, cell by cell.
HtmlTable cell_table(const AcquiredChanges& changes, const Figure& figure) {
    HtmlTable table{figure.title, figure.id, {{"Cell"}, {"Clone"}, {"Score", Align::number}}, {}};
    std::vector<std::pair<std::size_t, std::size_t>> chromosomes;
    for (std::size_t begin = 0; begin < changes.windows.size();) {
        std::size_t end = begin;
        while (end < changes.windows.size() && changes.windows[end].chromosome == changes.windows[begin].chromosome) ++end;
        table.columns.push_back({changes.windows[begin].chromosome, Align::number});
        chromosomes.emplace_back(begin, end);
        begin = end;
    }
    for (const GenomeRow& row : changes.cells) {
        std::vector<std::string> line{row.name, row.group, number_text(row.score, 2)};
        for (const auto& [begin, end] : chromosomes) {
            double sum = 0.0;
            for (std::size_t w = begin; w < end; ++w) sum += static_cast<double>(row.value[w]);
            line.push_back(number_text(sum / static_cast<double>(end - begin), 2));
        }
        table.rows.push_back(std::move(line));
    }
    return table;
}

/// What 49 in 50 values of the cells stay within, rounded up to tenths.
double limit_of(const std::vector<GenomeRow>& rows) {
    std::vector<float> sizes;
    for (const GenomeRow& row : rows) {
        for (const float value : row.value) {
            if (std::isfinite(value)) sizes.push_back(std::abs(value));
        }
    }
    if (sizes.empty()) return 1.0;
    const auto at = sizes.begin() + static_cast<std::ptrdiff_t>(0.98 * static_cast<double>(sizes.size() - 1));
    std::nth_element(sizes.begin(), at, sizes.end());
    return std::max(0.1, std::ceil(10.0 * static_cast<double>(*at)) / 10.0);
}

}  // namespace

Figure clone_genome_figure(const AcquiredChanges& changes) {
    Figure out;
    out.id = "clones_along_the_genome";
    out.title = changes.clones.empty() ? "The compared cells along the genome" : "Clones along the genome";
    if (changes.groups.empty() || changes.windows.empty()) return out;
    const bool has_others = changes.groups.size() > changes.clones.size();
    const std::string_view marks = changes.clones.empty() ? " Nothing is called." : has_others ? " A bar with a sign marks what is called; rows called \"no change found\" are the other cells, for comparison." : " A bar with a sign marks what is called.";
    out.caption = fmt::format("log2 of each group's pooled expression to the reference cells', as means over up to {} neighbouring genes; chromosomes are as wide as they have genes, dashes divide their arms. The middle colour is as many copies as in the middle of the group's own genome.{}",
                              std::max_element(changes.windows.begin(), changes.windows.end(), [](const auto& a, const auto& b) { return a.n_genes < b.n_genes; })->n_genes, marks);
    if (changes.groups.size() > kMostGroups) out.caption += fmt::format(" {} of {} groups are drawn; the table holds all.", kMostGroups, changes.groups.size());
    const GenomeAxis axis(changes.windows);
    const std::size_t n_rows = std::min(kMostGroups, changes.groups.size());
    constexpr double kRow = 26.0, kHeight = 20.0;
    const double bottom = kTop + kRow * static_cast<double>(n_rows) + 2.0;
    Svg svg(kWidth, bottom + 44.0, out.title);
    Painted painted;
    for (std::size_t i = 0; i < n_rows; ++i) paint(axis, changes.groups[i], kTop + 2.0 + kRow * static_cast<double>(i), kHeight, 1.0, painted);
    draw(painted, svg);
    axis.draw(svg, bottom);
    for (std::size_t i = 0; i < n_rows; ++i) {
        const double top = kTop + 2.0 + kRow * static_cast<double>(i);
        svg.text(kLeft - 10, top + 15, Anchor::end, "row-label", shortened(changes.groups[i].name, kNameBytes));
        draw_calls(axis, changes.groups[i], top, kHeight, svg);
    }
    draw_key(svg, bottom + 12.0, 1.0, "log2");
    out.svg = svg.finish();
    out.table = window_table(changes, out);
    return out;
}

Figure cell_genome_figure(const AcquiredChanges& changes) {
    Figure out;
    out.id = "cells_along_the_genome";
    out.title = "Single cells along the genome";
    if (changes.cells.empty() || changes.windows.empty()) return out;
    const double limit = limit_of(changes.cells);
    out.caption = fmt::format("{} cells drawn at random, as many of each group: log values less the reference's mean, as means over the same windows, centred in each cell. One cell is noisy, and log values of rare genes shrink every change: no call is made from single cells.", changes.cells.size());
    const GenomeAxis axis(changes.windows);
    constexpr double kRow = 4.0, kGap = 5.0;
    std::vector<double> top_of_row;
    double at = kTop + 2.0;
    for (std::size_t i = 0; i < changes.cells.size(); ++i) {
        if (i > 0 && changes.cells[i].group != changes.cells[i - 1].group) at += kGap;
        top_of_row.push_back(at);
        at += kRow;
    }
    const double bottom = at + 2.0;
    Svg svg(kWidth, bottom + 44.0, out.title);
    Painted painted;
    for (std::size_t i = 0; i < changes.cells.size(); ++i) paint(axis, changes.cells[i], top_of_row[i], kRow, limit, painted);
    draw(painted, svg);
    axis.draw(svg, bottom);
    for (std::size_t begin = 0; begin < changes.cells.size();) {
        std::size_t end = begin;
        while (end < changes.cells.size() && changes.cells[end].group == changes.cells[begin].group) ++end;
        svg.text(kLeft - 10, 0.5 * (top_of_row[begin] + top_of_row[end - 1] + kRow) + 4.0, Anchor::end, "row-label", shortened(changes.cells[begin].group, kNameBytes));
        begin = end;
    }
    draw_key(svg, bottom + 12.0, limit, "difference of log values");
    out.svg = svg.finish();
    out.table = cell_table(changes, out);
    return out;
}

}  // namespace morula::report
