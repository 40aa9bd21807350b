#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "morula/report/charts.hpp"
#include "morula/report/svg.hpp"

namespace morula::report {
namespace {

constexpr double kWidth = 860.0;
constexpr std::size_t kStillDots = 5000;  // dots of a still picture

double pct(double part, double whole) { return whole > 0 ? part / whole : 0.0; }

/// Every index when there are few, else about `limit` of them, spread evenly.
std::vector<std::size_t> thinned(std::size_t n, std::size_t limit) {
    std::vector<std::size_t> out;
    const std::size_t count = std::min(n, limit);
    for (std::size_t i = 0; i < count; ++i) out.push_back(i * n / count);
    return out;
}

}  // namespace

Figure variable_genes_figure(const VariableGenes& genes) {
    Figure out;
    out.id = "variable_genes";
    out.title = "Variable genes";
    out.caption = genes.method;
    out.table = {"Most variable genes", out.id, {{"Gene"}, {genes.x_title, Align::number}, {genes.y_title, Align::number}}, {}};
    if (genes.x.empty()) return out;
    double x_low = 1e30, x_high = -1e30, y_low = 0.0, y_high = -1e30;
    for (std::size_t i = 0; i < genes.x.size(); ++i) {
        if (!std::isfinite(genes.x[i]) || !std::isfinite(genes.y[i]) || (genes.log_x && genes.x[i] <= 0)) continue;
        x_low = std::min(x_low, static_cast<double>(genes.x[i]));
        x_high = std::max(x_high, static_cast<double>(genes.x[i]));
        y_low = std::min(y_low, static_cast<double>(genes.y[i]));
        y_high = std::max(y_high, static_cast<double>(genes.y[i]));
    }
    if (x_high < x_low) return out;
    const Scale x(genes.log_x ? ScaleKind::log : ScaleKind::linear, x_low, x_high, 76, kWidth - 40);
    const Scale y(ScaleKind::linear, y_low, y_high * 1.05, 350, 16);
    std::vector<double> px[2], py[2];
    std::size_t n_selected = 0;
    for (const std::uint8_t chosen : genes.selected) n_selected += chosen != 0;
    const std::size_t stride = std::max<std::size_t>(1, (genes.x.size() - n_selected) / 3000);
    for (std::size_t i = 0, other = 0; i < genes.x.size(); ++i) {
        const bool chosen = i < genes.selected.size() && genes.selected[i] != 0;
        if (!std::isfinite(genes.x[i]) || !std::isfinite(genes.y[i]) || (genes.log_x && genes.x[i] <= 0)) continue;
        if (!chosen && other++ % stride != 0) continue;
        px[chosen].push_back(x(genes.x[i]));
        py[chosen].push_back(y(genes.y[i]));
    }
    Svg svg(kWidth, 396, "Variable genes: " + genes.y_title + " against " + genes.x_title);
    svg.y_axis(y, 76, kWidth - 40, genes.y_title);
    svg.dots(px[0], py[0], "dots-muted");
    svg.dots(px[1], py[1], "dots-strong");
    LabelPlaces places;
    for (std::size_t k = 0; k < genes.top.size() && k < genes.top_names.size(); ++k) {
        const auto i = static_cast<std::size_t>(genes.top[k]);
        const double at_x = x(genes.x[i]), at_y = y(genes.y[i]) + 4, width = 8.0 * static_cast<double>(genes.top_names[k].size());
        if (places.take(at_x + 6, at_y, width) && at_x + 6 + width < kWidth) {
            svg.text(at_x + 6, at_y, Anchor::start, "dot-label", genes.top_names[k]);
        } else if (places.take(at_x - 6 - width, at_y, width)) {
            svg.text(at_x - 6, at_y, Anchor::end, "dot-label", genes.top_names[k]);
        }
        out.table.rows.push_back({genes.top_names[k], number_text(genes.x[i], 4), number_text(genes.y[i], 4)});
    }
    svg.x_axis(x, 350, genes.x_title + (genes.log_x ? " (log scale)" : ""));
    if (stride > 1) out.caption += fmt::format(" All variable genes are drawn, and every {}th of the others.", stride);
    out.svg = svg.finish();
    return out;
}

Figure elbow_figure(const Elbow& elbow) {
    Figure out;
    out.id = "pca_elbow";
    out.title = "Variance by principal component";
    out.caption = fmt::format("The first {} components (filled) went into the neighbours. The curve should be flat by there; if it still falls steeply, more components may be needed.", elbow.used);
    out.table = {out.title, out.id, {{"Component", Align::number}, {"Share of variance", Align::number}, {"Used"}}, {}};
    if (elbow.variance_ratio.empty()) return out;
    const double top = *std::max_element(elbow.variance_ratio.begin(), elbow.variance_ratio.end());
    const Scale x(ScaleKind::linear, 0.0, static_cast<double>(elbow.variance_ratio.size()) + 1.0, 76, kWidth - 24);
    const Scale y(ScaleKind::linear, 0.0, std::max(top * 1.05, 1e-12) * 100.0, 260, 16);
    Svg svg(kWidth, 306, out.title);
    svg.y_axis(y, 76, kWidth - 24, "Variance, %");
    std::vector<double> px, py;
    for (std::size_t i = 0; i < elbow.variance_ratio.size(); ++i) {
        px.push_back(x(static_cast<double>(i) + 1.0));
        py.push_back(y(elbow.variance_ratio[i] * 100.0));
    }
    svg.polyline(px, py, "curve thin");
    for (std::size_t i = 0; i < px.size(); ++i) {
        const bool used = static_cast<std::int32_t>(i) < elbow.used;
        svg.circle(px[i], py[i], 3.6, used ? "point-used" : "point-unused", fmt::format("Component {}: {}", i + 1, share_text(elbow.variance_ratio[i])));
        out.table.rows.push_back({std::to_string(i + 1), number_text(elbow.variance_ratio[i], 4), used ? "yes" : "no"});
    }
    if (elbow.used > 0) {
        svg.line(x(elbow.used + 0.5), 16, x(elbow.used + 0.5), 260, "cut");
        svg.text(x(elbow.used + 0.5) - 6, 28, Anchor::end, "cut-label", fmt::format("{} used", elbow.used));
    }
    svg.x_axis(x, 260, "Principal component");
    out.svg = svg.finish();
    return out;
}

Figure resolution_figure(const std::vector<ResolutionRow>& resolutions) {
    Figure out;
    out.id = "resolutions";
    out.title = "Clusters by resolution";
    out.caption = "Stability is the agreement of the clusters over random seeds (adjusted Rand index: 1 = the same every time). A resolution at which stability drops splits cells that belong together.";
    out.table = {out.title, out.id, {{"Resolution", Align::number}, {"Clusters", Align::number}, {"Stability", Align::number}, {"Modularity", Align::number}, {"Shown here"}}, {}};
    if (resolutions.empty()) return out;
    int most = 1;
    for (const ResolutionRow& row : resolutions) most = std::max(most, row.n_clusters);
    const double left = 110.0, middle = 470.0, row_height = 30.0;
    const double bottom = 34.0 + row_height * static_cast<double>(resolutions.size());
    const Scale n(ScaleKind::linear, 0.0, most, left, middle - 60);
    const Scale stability(ScaleKind::linear, 0.0, 1.0, middle, kWidth - 60);
    Svg svg(kWidth, bottom + 12, out.title);
    svg.text(left, 18, Anchor::start, "axis-title", "Clusters");
    svg.text(middle, 18, Anchor::start, "axis-title", "Stability (0 to 1)");
    for (std::size_t i = 0; i < resolutions.size(); ++i) {
        const ResolutionRow& row = resolutions[i];
        const double top = 32.0 + row_height * static_cast<double>(i);
        svg.text(left - 14, top + 17, Anchor::end, row.used ? "row-label strong" : "row-label", number_text(row.resolution, 3) + (row.used ? " (shown)" : ""));
        svg.rect(left, top + 4, n(row.n_clusters) - left, row_height - 12, row.used ? "bar-strong" : "bar-muted", "");
        svg.text(n(row.n_clusters) + 6, top + 17, Anchor::start, "tick", std::to_string(row.n_clusters));
        if (std::isfinite(row.stability)) {
            svg.rect(middle, top + 4, stability(1.0) - middle, row_height - 12, "track", "");
            svg.rect(middle, top + 4, stability(row.stability) - middle, row_height - 12, row.used ? "bar-strong" : "bar-muted", "");
            svg.text(stability(1.0) + 6, top + 17, Anchor::start, "tick", fmt::format("{:.2f}", row.stability));
        }
        out.table.rows.push_back({number_text(row.resolution, 3), std::to_string(row.n_clusters), number_text(row.stability, 3), number_text(row.modularity, 4), row.used ? "yes" : ""});
    }
    out.svg = svg.finish();
    return out;
}

Figure cluster_size_figure(const Clusters& clusters, const SampleTable& samples) {
    Figure out;
    out.id = "cluster_sizes";
    out.title = "Cluster sizes by sample";
    out.caption = "Each bar is one sample, cut by cluster. Shares of one sample are not independent: when one cluster grows, the others shrink. Differences between conditions need several donors.";
    const std::size_t n_clusters = clusters.names.size();
    const std::size_t n_samples = n_clusters > 0 ? clusters.by_sample.size() / n_clusters : 0;
    out.table = {"Cells by cluster and sample", out.id, {{"Cluster"}, {"Cells", Align::number}}, {}};
    if (n_clusters == 0 || n_samples == 0) return out;
    const auto sample_name = [&](std::size_t s) { return s < samples.rows.size() ? samples.rows[s].name : "sample " + std::to_string(s + 1); };
    for (std::size_t s = 0; s < n_samples; ++s) out.table.columns.push_back({sample_name(s), Align::number});
    std::vector<std::int64_t> totals(n_samples, 0);
    for (std::size_t c = 0; c < n_clusters; ++c) {
        std::vector<std::string> row = {cluster_title(clusters, static_cast<std::int32_t>(c)), count_text(clusters.sizes[c])};
        for (std::size_t s = 0; s < n_samples; ++s) {
            totals[s] += clusters.by_sample[c * n_samples + s];
            row.push_back(count_text(clusters.by_sample[c * n_samples + s]));
        }
        out.table.rows.push_back(std::move(row));
    }
    const double left = 150.0, row_height = n_samples == 1 ? 56.0 : 38.0, right = kWidth - 90;
    Svg svg(kWidth, 12 + row_height * static_cast<double>(n_samples) + 8, out.title);
    for (std::size_t s = 0; s < n_samples; ++s) {
        const double top = 10 + row_height * static_cast<double>(s);
        svg.text(left - 12, top + row_height / 2 + 1, Anchor::end, "row-label", shortened(sample_name(s), 20));
        double at = left;
        for (std::size_t c = 0; c < n_clusters; ++c) {
            const std::int64_t cells = clusters.by_sample[c * n_samples + s];
            const double width = (right - left) * pct(static_cast<double>(cells), static_cast<double>(totals[s]));
            const std::string title = cluster_title(clusters, static_cast<std::int32_t>(c));
            svg.rect(at, top, width, row_height - 8, "fill " + color_class(static_cast<std::int32_t>(c)), fmt::format("{}: {} ({})", title, count_of(cells, "cell"), share_text(pct(static_cast<double>(cells), static_cast<double>(totals[s])))));
            if (width > 20) svg.text(at + width / 2, top + row_height / 2 + 1, Anchor::middle, "in-bar " + color_class(static_cast<std::int32_t>(c)), clusters.names[c]);
            at += width;
        }
        svg.text(right + 10, top + row_height / 2 + 1, Anchor::start, "tick", count_text(totals[s]));
    }
    out.svg = svg.finish();
    return out;
}

Figure dot_plot_figure(const Markers& markers, const Clusters& clusters) {
    Figure out;
    out.id = "marker_dotplot";
    out.title = "Marker dot plot";
    out.caption = "Size: share of the cluster's cells that hold the gene. Colour: mean log expression, scaled by gene to its highest cluster.";
    const std::size_t n_genes = markers.dot_genes.size();
    const std::size_t n_clusters = clusters.names.size();
    out.table = {"Dot plot: mean log expression and share of cells", out.id, {{"Gene"}, {"Cluster"}, {"Mean log expression", Align::number}, {"% of cells", Align::number}}, {}};
    if (n_genes == 0 || n_clusters == 0) return out;
    const double left = 170.0, top = 20.0, column = std::clamp(690.0 / static_cast<double>(n_genes), 19.0, 34.0), row = 24.0;
    const double bottom = top + row * static_cast<double>(n_clusters);
    Svg svg(std::max(kWidth, left + column * static_cast<double>(n_genes) + 24), bottom + 132, out.title);
    for (std::size_t c = 0; c < n_clusters; ++c) {
        const double y = top + row * (static_cast<double>(c) + 0.5);
        svg.text(left - 14, y + 4, Anchor::end, "row-label", shortened(cluster_title(clusters, static_cast<std::int32_t>(c)), 24));
        svg.line(left, y, left + column * static_cast<double>(n_genes), y, "grid");
    }
    for (std::size_t g = 0; g < n_genes; ++g) {
        const double x = left + column * (static_cast<double>(g) + 0.5);
        svg.text_up(x + 4, bottom + 10, Anchor::end, "gene-label", shortened(markers.dot_genes[g], 14));
        double most = 0.0;
        for (std::size_t c = 0; c < n_clusters; ++c) most = std::max(most, markers.dot_mean[c * n_genes + g]);
        for (std::size_t c = 0; c < n_clusters; ++c) {
            const double mean = markers.dot_mean[c * n_genes + g], share = markers.dot_pct[c * n_genes + g];
            out.table.rows.push_back({markers.dot_genes[g], clusters.names[c], number_text(mean, 3), number_text(share, 3)});
            if (!(share > 0.0)) continue;
            const int shade = most > 0.0 ? static_cast<int>(std::lround(mean / most * 9.0)) : 0;
            svg.circle(x, top + row * (static_cast<double>(c) + 0.5), std::sqrt(share / 100.0) * 9.5, fmt::format("ramp r{}", std::clamp(shade, 0, 9)),
                       fmt::format("{} in {}: mean {}, in {} % of cells", markers.dot_genes[g], cluster_title(clusters, static_cast<std::int32_t>(c)), number_text(mean, 3), number_text(share, 3)));
        }
    }
    double at = left;
    for (const double share : {10.0, 25.0, 50.0, 100.0}) {
        svg.circle(at + 10, bottom + 108, std::sqrt(share / 100.0) * 9.5, "key", "");
        svg.text(at + 24, bottom + 112, Anchor::start, "tick", number_text(share, 3) + " %");
        at += 68;
    }
    svg.text(at + 24, bottom + 112, Anchor::start, "tick", "low");
    for (int shade = 0; shade < 10; ++shade) svg.rect(at + 52 + 14 * shade, bottom + 101, 14, 14, fmt::format("ramp r{}", shade), "");
    svg.text(at + 200, bottom + 112, Anchor::start, "tick", "high");
    out.svg = svg.finish();
    return out;
}

Figure map_figure(const MapData& map, const std::vector<ObsColumn>& obs) {
    Figure out;
    out.id = "map_still";
    out.title = "Map of the cells (UMAP)";
    out.caption = "Distances and areas are not quantitative.";
    const auto categorical = std::find_if(obs.begin(), obs.end(), [](const ObsColumn& column) { return !column.categories.empty(); });
    if (map.x.empty()) return out;
    const auto [x_low, x_high] = std::minmax_element(map.x.begin(), map.x.end());
    const auto [y_low, y_high] = std::minmax_element(map.y.begin(), map.y.end());
    const Scale x(ScaleKind::linear, *x_low, *x_high, 30, kWidth - 30);
    const Scale y(ScaleKind::linear, *y_low, *y_high, 570, 20);
    const std::size_t n_groups = categorical == obs.end() ? 1 : categorical->categories.size();
    std::vector<std::vector<double>> px(n_groups), py(n_groups);
    for (const std::size_t i : thinned(map.x.size(), kStillDots)) {
        const std::int32_t code = categorical == obs.end() ? 0 : categorical->codes[i];
        if (code < 0) continue;
        px[static_cast<std::size_t>(code)].push_back(x(map.x[i]));
        py[static_cast<std::size_t>(code)].push_back(y(map.y[i]));
    }
    Svg svg(kWidth, 590, out.title);
    for (std::size_t g = 0; g < n_groups; ++g) svg.dots(px[g], py[g], "map-dots line " + color_class(static_cast<std::int32_t>(g)));
    for (std::size_t g = 0; g < n_groups; ++g) {
        if (px[g].empty() || categorical == obs.end()) continue;
        const std::size_t middle = px[g].size() / 2;
        std::nth_element(px[g].begin(), px[g].begin() + static_cast<std::ptrdiff_t>(middle), px[g].end());
        std::nth_element(py[g].begin(), py[g].begin() + static_cast<std::ptrdiff_t>(middle), py[g].end());
        svg.text(px[g][middle], py[g][middle], Anchor::middle, "map-label", categorical->categories[g]);
    }
    out.svg = svg.finish();
    return out;
}

Figure step_cost_figure(const std::vector<StepCost>& steps) {
    Figure out;
    out.id = "steps";
    out.title = "Time by step";
    out.table = {"Time and memory by step", out.id, {{"Step"}, {"Seconds", Align::number}, {"Peak memory, MB", Align::number}, {"From cache"}}, {}};
    if (steps.empty()) return out;
    double most = 1e-9;
    for (const StepCost& step : steps) most = std::max(most, step.seconds);
    const double left = 150.0, row_height = 24.0;
    const Scale x(ScaleKind::linear, 0.0, most, left, kWidth - 170);
    Svg svg(kWidth, 12 + row_height * static_cast<double>(steps.size()) + 8, out.title);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const StepCost& step = steps[i];
        const double top = 10 + row_height * static_cast<double>(i);
        const std::string memory = step.peak_bytes > 0 ? number_text(static_cast<double>(step.peak_bytes) / 1e6, 4) : "";
        svg.text(left - 12, top + 14, Anchor::end, "row-label", shortened(step.name, 22));
        svg.rect(left, top + 3, std::max(1.0, x(step.seconds) - left), row_height - 9, "bar-muted", "");
        svg.text(x(step.seconds) + 8, top + 14, Anchor::start, "tick", step.cached ? "from cache" : number_text(step.seconds, 3) + " s" + (memory.empty() ? "" : ", " + memory + " MB"));
        out.table.rows.push_back({step.name, number_text(step.seconds, 4), memory, step.cached ? "yes" : ""});
    }
    out.svg = svg.finish();
    return out;
}

}  // namespace morula::report
