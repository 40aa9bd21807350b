// UMAP's layout as umap-learn computes it, edge by edge in one thread: the yardstick of quality, in plain code.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "morula/analysis/umap.hpp"
#include "morula/core/random.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis::cases {

/// McInnes 2018 with umap-learn's schedules (epochs_per_sample, drop of edges too weak for one sample), clip and move of both ends.
inline matrix::Dense<float> serial_umap(const matrix::Csr& graph, const matrix::Dense<float>& start, UmapCurve curve, std::int32_t n_epochs, std::int32_t negative_sample_rate,
                                        std::uint64_t seed) {
    const std::int64_t n_dims = 2;
    matrix::Dense<float> layout(graph.n_rows, n_dims);
    float extent = 0.0F;
    for (std::int64_t cell = 0; cell < graph.n_rows; ++cell) {
        for (std::int64_t dim = 0; dim < n_dims; ++dim) extent = std::max(extent, std::abs(start(cell, dim)));
    }
    for (std::int64_t cell = 0; cell < graph.n_rows; ++cell) {
        for (std::int64_t dim = 0; dim < n_dims; ++dim) layout(cell, dim) = 10.0F * start(cell, dim) / extent;
    }
    const double largest = *std::max_element(graph.values.begin(), graph.values.end());
    const std::size_t n_edges = graph.values.size();
    std::vector<double> period(n_edges);
    std::vector<double> next_pull(n_edges);
    std::vector<double> next_push(n_edges);
    for (std::size_t e = 0; e < n_edges; ++e) {
        period[e] = next_pull[e] = static_cast<double>(graph.values[e]) < largest / n_epochs ? 1e9 : largest / static_cast<double>(graph.values[e]);
        next_push[e] = period[e] / negative_sample_rate;
    }
    const double a = curve.a;
    const double b = curve.b;
    const auto clip = [](double x) { return std::clamp(x, -4.0, 4.0); };
    Random random(seed, Purpose::test, 0, 0);
    double alpha = 1.0;
    for (std::int32_t epoch = 0; epoch < n_epochs; ++epoch) {
        for (std::int64_t cell = 0; cell < graph.n_rows; ++cell) {
            const auto here = layout.row(cell);
            for (auto e = static_cast<std::size_t>(graph.indptr[static_cast<std::size_t>(cell)]); e < static_cast<std::size_t>(graph.indptr[static_cast<std::size_t>(cell) + 1]); ++e) {
                if (next_pull[e] > epoch) continue;
                const auto there = layout.row(std::int64_t{graph.indices[e]});
                std::array<double, 2> offset{static_cast<double>(here[0] - there[0]), static_cast<double>(here[1] - there[1])};
                double squared = offset[0] * offset[0] + offset[1] * offset[1];
                if (squared > 0.0) {
                    const double strength = -2.0 * a * b * std::pow(squared, b - 1.0) / (a * std::pow(squared, b) + 1.0);
                    for (std::size_t dim = 0; dim < 2; ++dim) {
                        const auto move = static_cast<float>(alpha * clip(strength * offset[dim]));
                        here[dim] += move;
                        there[dim] -= move;
                    }
                }
                next_pull[e] += period[e];
                const double push_period = period[e] / negative_sample_rate;
                const auto n_pushes = static_cast<int>((epoch - next_push[e]) / push_period);
                for (int push = 0; push < n_pushes; ++push) {
                    const auto other = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(graph.n_rows)));
                    if (other == cell) continue;
                    const auto far = layout.row(other);
                    offset = {static_cast<double>(here[0] - far[0]), static_cast<double>(here[1] - far[1])};
                    squared = offset[0] * offset[0] + offset[1] * offset[1];
                    const double strength = squared > 0.0 ? 2.0 * b / ((0.001 + squared) * (a * std::pow(squared, b) + 1.0)) : 0.0;
                    for (std::size_t dim = 0; dim < 2; ++dim) here[dim] += static_cast<float>(alpha * clip(strength * offset[dim]));
                }
                next_push[e] += n_pushes * push_period;
            }
        }
        alpha = 1.0 - static_cast<double>(epoch) / n_epochs;
    }
    return layout;
}

}  // namespace morula::analysis::cases
