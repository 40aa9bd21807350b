#include "morula/report/shown_cells.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "morula/core/random.hpp"
#include "morula/report/html.hpp"

namespace morula::report {

std::vector<std::int64_t> shown_cells(std::int64_t n_cells, std::int64_t limit, std::uint64_t seed) {
    std::vector<std::int64_t> out;
    out.reserve(static_cast<std::size_t>(std::max<std::int64_t>(0, std::min(n_cells, limit))));
    Random random(seed, Purpose::subsample, 0, 0);
    // Selection sampling (Knuth, algorithm S): each cell is taken with (still wanted) / (still to come), which ends at exactly `limit`.
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
        const auto wanted = static_cast<double>(limit - static_cast<std::int64_t>(out.size()));
        if (random.uniform() * static_cast<double>(n_cells - cell) < wanted) out.push_back(cell);
    }
    return out;
}

std::string sample_statement(std::int64_t n_cells, std::int64_t n_shown, std::uint64_t seed) {
    if (n_shown >= n_cells) return "";
    return fmt::format("{} of {} cells, drawn at random (seed {})", count_text(n_shown), count_text(n_cells), seed);
}

DensityMap density_map(std::span<const float> x, std::span<const float> y, std::int32_t width, std::int32_t height) {
    DensityMap out;
    out.width = width;
    out.height = height;
    out.counts.assign(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), 0.0f);
    bool any = false;
    const auto finite = [&](std::size_t i) { return std::isfinite(x[i]) && std::isfinite(y[i]); };
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (!finite(i)) continue;
        const double at_x = x[i], at_y = y[i];
        out.x_min = any ? std::min(out.x_min, at_x) : at_x;
        out.x_max = any ? std::max(out.x_max, at_x) : at_x;
        out.y_min = any ? std::min(out.y_min, at_y) : at_y;
        out.y_max = any ? std::max(out.y_max, at_y) : at_y;
        any = true;
    }
    const auto bin = [](double value, double low, double high, std::int32_t n) {
        return high > low ? std::min<std::int64_t>(n - 1, static_cast<std::int64_t>((value - low) / (high - low) * n)) : std::int64_t{0};
    };
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (!finite(i)) continue;
        const std::int64_t column = bin(x[i], out.x_min, out.x_max, width), row = bin(y[i], out.y_min, out.y_max, height);
        out.counts[static_cast<std::size_t>(row * width + column)] += 1.0f;
    }
    return out;
}

GeneExpression quantize_expression(std::string gene, std::string gene_id, std::span<const float> values) {
    GeneExpression out{std::move(gene), std::move(gene_id), 0.0f, {}};
    for (const float value : values) {
        if (std::isfinite(value)) out.scale = std::max(out.scale, value);
    }
    out.level.reserve(values.size());
    for (const float value : values) {
        const bool positive = std::isfinite(value) && value > 0.0f;
        out.level.push_back(positive ? static_cast<std::uint8_t>(std::clamp(std::lround(value / out.scale * 255.0f), 1L, 255L)) : std::uint8_t{0});
    }
    return out;
}

}  // namespace morula::report
