#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "morula/report/charts.hpp"
#include "morula/report/svg.hpp"

namespace morula::report {
namespace {

constexpr double kWidth = 860.0;
constexpr int kBins = 72;

struct Strip {
    std::vector<std::int64_t> kept = std::vector<std::int64_t>(kBins, 0);
    std::vector<std::int64_t> removed = std::vector<std::int64_t>(kBins, 0);
    std::int64_t n_kept = 0;
    std::int64_t n_removed = 0;
    double median = kMissing;  // of the kept cells
};

/// Domain that shows every cell but not one absurd value: up to the 99.95th percentile, and every cut-off.
std::pair<double, double> domain_of(const QcMetric& metric, const std::vector<CutOff>& cutoffs) {
    std::vector<float> values;
    for (const float value : metric.values) {
        if (std::isfinite(value)) values.push_back(value);
    }
    if (values.empty()) return {0.0, 1.0};
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(values.size() - 1) * 0.9995);
    std::nth_element(values.begin(), at, values.end());
    double high = *at;
    double low = metric.log_scale ? std::max(1.0, static_cast<double>(*std::min_element(values.begin(), values.end()))) : 0.0;
    for (const CutOff& cut : cutoffs) {
        for (const double limit : {cut.low, cut.high, cut.flag_high}) {
            if (!std::isfinite(limit)) continue;
            high = std::max(high, limit * 1.05);
            if (limit > 0.0) low = std::min(low, metric.log_scale ? std::max(1.0, limit * 0.8) : low);
        }
    }
    return {low, high > low ? high : low + 1.0};
}

std::vector<Strip> strips_of(const QcData& qc, const QcMetric& metric, std::size_t n_samples, const Scale& x) {
    std::vector<Strip> strips(n_samples);
    std::vector<std::vector<float>> kept_values(n_samples);
    const double width = x.pixel_high() - x.pixel_low();
    for (std::size_t i = 0; i < metric.values.size(); ++i) {
        if (!std::isfinite(metric.values[i])) continue;
        Strip& strip = strips[static_cast<std::size_t>(qc.sample[i])];
        const int bin = std::min(kBins - 1, static_cast<int>((x(metric.values[i]) - x.pixel_low()) / width * kBins));
        const bool removed = qc.removed[i] != 0;
        ++(removed ? strip.removed : strip.kept)[static_cast<std::size_t>(bin)];
        ++(removed ? strip.n_removed : strip.n_kept);
        if (!removed) kept_values[static_cast<std::size_t>(qc.sample[i])].push_back(metric.values[i]);
    }
    for (std::size_t s = 0; s < n_samples; ++s) {
        auto& values = kept_values[s];
        if (values.empty()) continue;
        const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
        std::nth_element(values.begin(), middle, values.end());
        strips[s].median = *middle;
    }
    return strips;
}

void draw_cut(Svg& svg, const Scale& x, double top, double height, double limit, bool shade_low, std::string_view css) {
    if (!std::isfinite(limit)) return;
    const double at = x(limit);
    if (css == "cut") {
        const double from = shade_low ? x.pixel_low() : at;
        svg.rect(from, top, (shade_low ? at : x.pixel_high()) - from, height, "cut-area", "");
    }
    svg.line(at, top - 2, at, top + height, css);
    svg.text(at + (shade_low ? 4 : -4), top + 10, shade_low ? Anchor::start : Anchor::end, std::string(css) + "-label", number_text(limit, 3));
}

void draw_strip(Svg& svg, const Scale& x, const Strip& strip, double top, double height) {
    std::int64_t most = 1;
    for (std::size_t b = 0; b < kBins; ++b) most = std::max(most, strip.kept[b] + strip.removed[b]);
    const double bar = (x.pixel_high() - x.pixel_low()) / kBins;
    for (std::size_t b = 0; b < kBins; ++b) {
        const double scale = (height - 14) / static_cast<double>(most);
        const double kept = static_cast<double>(strip.kept[b]) * scale;
        const double removed = static_cast<double>(strip.removed[b]) * scale;
        const double left = x.pixel_low() + bar * static_cast<double>(b);
        if (kept > 0) svg.rect(left, top + height - kept, bar - 0.6, kept, "bar-kept", count_of(strip.kept[b], "cell") + " kept");
        if (removed > 0) svg.rect(left, top + height - kept - removed, bar - 0.6, removed, "bar-removed", count_of(strip.removed[b], "cell") + " removed");
    }
    svg.line(x.pixel_low(), top + height, x.pixel_high(), top + height, "axis");
}

}  // namespace

Figure qc_figure(const QcData& qc, const QcMetric& metric, const SampleTable& samples) {
    const std::size_t n_samples = std::max<std::size_t>(samples.rows.size(), 1);
    std::vector<CutOff> cutoffs;
    for (const CutOff& cut : qc.cutoffs) {
        if (cut.metric == metric.name) cutoffs.push_back(cut);
    }
    const double strip_height = n_samples == 1 ? 170.0 : n_samples <= 6 ? 84.0 : n_samples <= 16 ? 56.0 : 40.0;
    const double left = n_samples == 1 ? 24.0 : 150.0;
    const auto [low, high] = domain_of(metric, cutoffs);
    const Scale x(metric.log_scale ? ScaleKind::log : ScaleKind::linear, low, high, left, kWidth - 24.0);
    const std::vector<Strip> strips = strips_of(qc, metric, n_samples, x);

    Figure out;
    out.id = "qc_" + metric.name;
    out.title = metric.title;
    out.caption = "Grey: cells kept. Orange: cells removed, by this cut-off (shaded side) or by another. Cells beyond a dotted line are kept and flagged.";
    out.table = {metric.title + " by sample", out.id, {{"Sample"}, {"Cells kept", Align::number}, {"Cells removed", Align::number}, {"Median of kept", Align::number}, {"Removed below", Align::number}, {"Removed above", Align::number}, {"Flagged above", Align::number}}, {}};
    const double bottom = 12.0 + static_cast<double>(n_samples) * (strip_height + 12.0);
    Svg svg(kWidth, bottom + 46, metric.title + ", one histogram a sample, with cut-offs");
    for (std::size_t s = 0; s < n_samples; ++s) {
        const double top = 12.0 + static_cast<double>(s) * (strip_height + 12.0);
        CutOff cut;
        for (const CutOff& candidate : cutoffs) {
            if (candidate.sample == static_cast<std::int32_t>(s)) cut = candidate;
        }
        const std::string name = samples.rows.empty() ? "all cells" : samples.rows[s].name;
        if (n_samples > 1) svg.text(left - 12, top + strip_height - 6, Anchor::end, "row-label", name.size() > 20 ? name.substr(0, 19) + "…" : name);
        draw_strip(svg, x, strips[s], top, strip_height);
        draw_cut(svg, x, top, strip_height, cut.low, true, "cut");
        draw_cut(svg, x, top, strip_height, cut.high, false, "cut");
        draw_cut(svg, x, top, strip_height, cut.flag_high, false, "flag");
        out.table.rows.push_back({name, count_text(strips[s].n_kept), count_text(strips[s].n_removed), number_text(strips[s].median, 4), number_text(cut.low, 4), number_text(cut.high, 4), number_text(cut.flag_high, 4)});
    }
    svg.x_axis(x, bottom - 8, metric.title + (metric.log_scale ? " (log scale)" : ""));
    if (!metric.values.empty()) out.svg = svg.finish();
    return out;
}

namespace {

constexpr double kKneeTop = 16;
constexpr double kKneeBottom = 300;

/// The curve: thin where barcodes are empty, thick where most were called, with a dot where some were.
void draw_knee_curve(Svg& svg, const KneeCurve& knee, const Scale& x, const Scale& y) {
    std::vector<double> px, py, thick_x, thick_y;
    for (std::size_t i = 0; i < knee.rank.size(); ++i) {
        px.push_back(x(knee.rank[i]));
        py.push_back(y(std::max(knee.counts[i], 1.0)));
    }
    svg.polyline(px, py, "curve thin");
    for (std::size_t i = 0; i < px.size(); ++i) {
        const bool most = i < knee.called.size() && knee.called[i] >= 0.5;
        if (most) {
            thick_x.push_back(px[i]);
            thick_y.push_back(py[i]);
        }
        if (!most || i + 1 == px.size()) {
            if (thick_x.size() > 1) svg.polyline(thick_x, thick_y, "curve");
            thick_x.clear();
            thick_y.clear();
        }
        if (i < knee.called.size() && knee.called[i] > 0.0 && knee.called[i] < 1.0) svg.circle(px[i], py[i], 2.6, "knee-some", fmt::format("{} of the barcodes called", share_text(knee.called[i])));
    }
}

}  // namespace

Figure knee_figure(const KneeCurve& knee) {
    Figure out;
    out.id = "knee_" + knee.sample;
    out.title = "Barcodes by rank: " + knee.sample;
    out.caption = knee.method;
    out.table = {out.title, out.id, {{"Rank", Align::number}, {"Counts", Align::number}, {"Called since the row above", Align::number}}, {}};
    if (knee.rank.empty()) return out;
    const double top_counts = *std::max_element(knee.counts.begin(), knee.counts.end());
    const Scale x(ScaleKind::log, 1.0, std::max(10.0, knee.rank.back()), 80, kWidth - 24);
    const Scale y(ScaleKind::log, 1.0, std::max(10.0, top_counts), kKneeBottom, kKneeTop);
    Svg svg(kWidth, 346, out.title);
    svg.y_axis(y, 80, kWidth - 24, "Counts");
    for (std::size_t i = 0; i < knee.rank.size(); ++i) {
        out.table.rows.push_back({number_text(knee.rank[i], 7), number_text(knee.counts[i], 5), i < knee.called.size() ? share_text(knee.called[i]) : ""});
    }
    if (std::isfinite(knee.cut_rank)) {
        svg.rect(x(knee.cut_rank), kKneeTop, kWidth - 24 - x(knee.cut_rank), kKneeBottom - kKneeTop, "cut-area", "");
        svg.line(x(knee.cut_rank), kKneeTop, x(knee.cut_rank), kKneeBottom, "cut");
    }
    svg.text(kWidth - 30, kKneeTop + 14, Anchor::end, "cut-label", count_text(knee.n_called) + " barcodes called cells");
    draw_knee_curve(svg, knee, x, y);
    svg.x_axis(x, kKneeBottom, "Barcodes, from most to fewest counts");
    out.svg = svg.finish();
    return out;
}

}  // namespace morula::report
