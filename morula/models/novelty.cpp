#include "morula/models/novelty.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/analysis/averages.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::models {
namespace {

constexpr std::int64_t kBlockCells = 512;
constexpr std::size_t kFewCells = 20;
constexpr double kMadToSd = 1.4826;
constexpr double kLeastSpread = 1e-6;

/// Length of each row.
std::vector<double> lengths_of(matrix::DenseView<const float> rows, Context& context) {
    std::vector<double> out(static_cast<std::size_t>(rows.n_rows));
    parallel_blocks(context, rows.n_rows, kBlockCells, [&](Block block) {
        for (std::int64_t row = block.begin; row < block.end; ++row) {
            double squares = 0.0;
            for (const float x : rows.row(row)) squares += static_cast<double>(x) * static_cast<double>(x);
            out[static_cast<std::size_t>(row)] = std::sqrt(squares);
        }
    });
    return out;
}

/// Chord between the directions of two rows, 0 to 2, from their lengths and the distance between them: d^2 = (a - b)^2 + a b chord^2. 0 where a row has no length.
double chord(double a, double b, double distance) {
    if (a == 0.0 || b == 0.0) return 0.0;
    return std::sqrt(std::max(0.0, (distance - (a - b)) * (distance + (a - b)) / (a * b)));
}

struct Usual {
    double middle;
    double spread;
};

Usual usual_of(const std::vector<double>& values) {
    Usual out{analysis::median(values), 0.0};
    std::vector<double> away;
    for (const double value : values) away.push_back(std::abs(value - out.middle));
    out.spread = std::max(kLeastSpread, kMadToSd * analysis::median(std::move(away)));
    return out;
}

double standardized(const UsualDistances& usual, double log_distance, std::int32_t label) {
    const auto at = static_cast<std::size_t>(label);
    return (log_distance - usual.middle[at]) / usual.spread[at];
}

}  // namespace

std::vector<double> log_distances(matrix::DenseView<const float> reference, matrix::DenseView<const float> query, const NearestCells& nearest, Context& context) {
    const std::vector<double> of_reference = lengths_of(reference, context);
    const std::vector<double> of_query = lengths_of(query, context);
    std::vector<double> out(static_cast<std::size_t>(query.n_rows));
    parallel_blocks(context, query.n_rows, kBlockCells, [&](Block block) {
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
            double length = 0.0;
            double angle = 0.0;
            for (std::int64_t i = 0; i < nearest.index.n_cols; ++i) {
                const auto distance = static_cast<double>(nearest.distance(cell, i));
                length += distance;
                angle += chord(of_query[static_cast<std::size_t>(cell)], of_reference[nearest.index(cell, i)], distance);
            }
            const auto k = static_cast<double>(nearest.index.n_cols);
            out[static_cast<std::size_t>(cell)] = std::log(length / k) + std::log(angle / k);
        }
    });
    return out;
}

UsualDistances usual_distances(std::span<const double> log_distance, std::span<const std::int32_t> label, std::int32_t n_labels) {
    if (log_distance.empty() || log_distance.size() != label.size()) invalid_data("Novelty needs one distance and one label a reference cell.", "Give a reference with labelled cells.");
    // Duplicates of other cells are at distance 0: as near as the nearest that is no duplicate.
    double least = std::numeric_limits<double>::infinity();
    for (const double each : log_distance) {
        if (std::isfinite(each)) least = std::min(least, each);
    }
    if (!std::isfinite(least)) least = 0.0;
    std::vector<std::vector<double>> of_label(static_cast<std::size_t>(n_labels));
    std::vector<double> all;
    for (std::size_t cell = 0; cell < label.size(); ++cell) {
        all.push_back(std::max(least, log_distance[cell]));
        of_label[static_cast<std::size_t>(label[cell])].push_back(all.back());
    }
    const Usual of_all = usual_of(all);
    UsualDistances out;
    for (const auto& values : of_label) {
        const Usual usual = values.size() < kFewCells ? of_all : usual_of(values);
        out.middle.push_back(usual.middle);
        out.spread.push_back(usual.spread);
    }
    for (std::size_t cell = 0; cell < label.size(); ++cell) out.sorted.push_back(standardized(out, all[cell], label[cell]));
    std::sort(out.sorted.begin(), out.sorted.end());
    return out;
}

double novelty_p(const UsualDistances& usual, double log_distance, std::int32_t label) {
    const double own = standardized(usual, log_distance, label);
    const auto as_far = usual.sorted.end() - std::lower_bound(usual.sorted.begin(), usual.sorted.end(), own);
    return static_cast<double>(1 + as_far) / static_cast<double>(1 + usual.sorted.size());
}

}  // namespace morula::models
