#include "morula/simulation/expression_kernel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/hash.hpp"

namespace morula::simulation {
namespace {

constexpr double kKnownShare = 0.99;
constexpr std::size_t kLanes = 8;

/// Squared distance; lanes are added up in order, so that the bits do not depend on how the compiler vectorizes.
float squared_distance(std::span<const float> a, std::span<const float> b) {
    std::array<float, kLanes> sum{};
    std::size_t d = 0;
    for (; d + kLanes <= a.size(); d += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) sum[lane] += (a[d + lane] - b[d + lane]) * (a[d + lane] - b[d + lane]);
    }
    for (; d < a.size(); ++d) sum[d % kLanes] += (a[d] - b[d]) * (a[d] - b[d]);
    return std::accumulate(sum.begin(), sum.end(), 0.0F);
}

void check(const MeasuredCells& cells, const ExpressionKernelOptions& options) {
    const std::int64_t n = cells.latent.n_rows;
    const auto size = static_cast<std::size_t>(n);
    MORULA_ASSERT(options.n_types > 0 && options.n_neighbors > 0 && cells.type.size() == size && cells.metacell.size() == size && (cells.height.empty() || cells.height.size() == size));
    if (n == 0) invalid_data("There are no measured cells to take states from.", "Give data that hold cells of the scenario's types.");
    if (cells.latent.n_cols < 1 || cells.latent.n_cols > kMostLatentDims) {
        invalid_data(fmt::format("The embedding has {} dimensions; states have 1 to {}.", cells.latent.n_cols, kMostLatentDims), fmt::format("Give the first {} of them, or another embedding.", kMostLatentDims));
    }
    for (std::int64_t cell = 0; cell < n; ++cell) {
        const auto c = static_cast<std::size_t>(cell);
        const auto row = cells.latent.row(cell);
        const bool is_finite = std::all_of(row.begin(), row.end(), [](float value) { return std::isfinite(value); }) && (cells.height.empty() || std::isfinite(cells.height[c]));
        if (!is_finite) invalid_data(fmt::format("Measured cell number {} holds NaN or infinity in its embedding or pseudotime.", cell + 1), "Leave the cell out, or compute the embedding again.");
        MORULA_ASSERT(cells.type[c] >= 0 && cells.type[c] < options.n_types && cells.metacell[c] >= 0);
    }
    if (options.direction != 0.0 && cells.height.empty()) invalid_data("States have a direction and nothing to tell it by.", "Name a column with a pseudotime, or leave out the direction.");
    if (!std::isfinite(options.direction)) invalid_data(fmt::format("The direction of states is {}.", options.direction), "Give a number.");
}

/// The k nearest of each of [begin, end), in both directions: i lists j where either is among the other's nearest. Ascending.
struct Joined {
    std::vector<std::vector<std::uint32_t>> to;
    std::vector<double> scale;  // local, above 0 unless all neighbours lie on top of it
};

Joined nearest_of(const matrix::Dense<float>& center, std::int64_t begin, std::int64_t end, std::int32_t n_neighbors) {
    const auto n = static_cast<std::size_t>(end - begin);
    const std::size_t k = std::min(static_cast<std::size_t>(n_neighbors), n - 1);
    Joined joined{std::vector<std::vector<std::uint32_t>>(n), std::vector<double>(n, 0.0)};
    std::vector<std::pair<float, std::uint32_t>> others;
    for (std::size_t i = 0; i < n && k > 0; ++i) {
        others.clear();
        for (std::size_t j = 0; j < n; ++j) {
            if (j != i) others.emplace_back(squared_distance(center.row(begin + static_cast<std::int64_t>(i)), center.row(begin + static_cast<std::int64_t>(j))), static_cast<std::uint32_t>(j));
        }
        std::partial_sort(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(k), others.end());
        joined.scale[i] = std::sqrt(static_cast<double>(others[(k - 1) / 2].first));
        for (std::size_t e = 0; e < k; ++e) {
            joined.to[i].push_back(others[e].second);
            joined.to[others[e].second].push_back(static_cast<std::uint32_t>(i));
        }
    }
    for (std::vector<std::uint32_t>& to : joined.to) {
        std::sort(to.begin(), to.end());
        to.erase(std::unique(to.begin(), to.end()), to.end());
    }
    return joined;
}

double weight(double squared, double scale_a, double scale_b) {
    const double product = 2.0 * scale_a * scale_b;
    if (squared == 0.0) return 1.0;
    // A metacell on top of others has no scale of its own; far from all is then the least that still leads back.
    return std::max(product > 0.0 ? std::exp(-squared / product) : 0.0, 1e-12);
}

std::int64_t count_parts(const std::vector<std::vector<std::uint32_t>>& to) {
    std::vector<std::uint8_t> seen(to.size(), 0);
    std::vector<std::uint32_t> stack;
    std::int64_t n = 0;
    for (std::size_t start = 0; start < to.size(); ++start) {
        if (seen[start] != 0) continue;
        ++n;
        stack.assign(1, static_cast<std::uint32_t>(start));
        seen[start] = 1;
        while (!stack.empty()) {
            const std::uint32_t at = stack.back();
            stack.pop_back();
            for (const std::uint32_t next : to[at]) {
                if (std::exchange(seen[next], std::uint8_t{1}) == 0) stack.push_back(next);
            }
        }
    }
    return n;
}

}  // namespace

ExpressionKernel::ExpressionKernel(MeasuredCells cells, const ExpressionKernelOptions& options) {
    check(cells, options);
    number_metacells(cells, options.n_types);
    summarize(cells);
    join(options.n_neighbors);
    if (options.direction != 0.0) tilt_by_height(cells, options.direction);
    find_hash(options);
}

/// Metacells by type and number, and the cells by type.
void ExpressionKernel::number_metacells(const MeasuredCells& cells, std::int32_t n_types) {
    std::map<std::pair<std::int32_t, std::int32_t>, std::int32_t> number;
    for (std::size_t c = 0; c < cells.type.size(); ++c) number.emplace(std::pair(cells.type[c], cells.metacell[c]), 0);
    if (std::ssize(number) > kMostMetacells) invalid_data(fmt::format("There are {} metacells; states are told apart up to {}.", number.size(), kMostMetacells), "Make larger metacells.");
    type_begin_.assign(static_cast<std::size_t>(n_types) + 1, 0);
    for (auto& [key, value] : number) {
        value = static_cast<std::int32_t>(type_of_.size());
        type_of_.push_back(key.first);
        ++type_begin_[static_cast<std::size_t>(key.first) + 1];
    }
    std::partial_sum(type_begin_.begin(), type_begin_.end(), type_begin_.begin());
    tilt_.assign(type_of_.size(), 0.0);
    std::vector<std::int64_t> order(cells.type.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return cells.type[static_cast<std::size_t>(a)] < cells.type[static_cast<std::size_t>(b)]; });
    cells_ = matrix::Dense<float>(cells.latent.n_rows, cells.latent.n_cols);
    cell_begin_.assign(type_begin_.size(), 0);
    for (std::size_t row = 0; row < order.size(); ++row) {
        const auto c = static_cast<std::size_t>(order[row]);
        std::copy_n(cells.latent.row(order[row]).begin(), cells.latent.n_cols, cells_.row(static_cast<std::int64_t>(row)).begin());
        cell_metacell_.push_back(number.at({cells.type[c], cells.metacell[c]}));
        ++cell_begin_[static_cast<std::size_t>(cells.type[c]) + 1];
    }
    std::partial_sum(cell_begin_.begin(), cell_begin_.end(), cell_begin_.begin());
}

void ExpressionKernel::summarize(const MeasuredCells& cells) {
    const auto n_metacells = static_cast<std::int64_t>(type_of_.size());
    const std::int64_t n_dims = cells.latent.n_cols;
    const std::int64_t n = cells_.n_rows;
    n_cells_.assign(static_cast<std::size_t>(n_metacells), 0);
    matrix::Dense<double> mean(n_metacells, n_dims), square(n_metacells, n_dims);
    for (std::int64_t c = 0; c < n; ++c) {
        const std::int64_t m = cell_metacell_[static_cast<std::size_t>(c)];
        ++n_cells_[static_cast<std::size_t>(m)];
        for (std::int64_t d = 0; d < n_dims; ++d) mean(m, d) += static_cast<double>(cells_(c, d));
    }
    for (std::int64_t m = 0; m < n_metacells; ++m) {
        for (std::int64_t d = 0; d < n_dims; ++d) mean(m, d) /= static_cast<double>(n_cells_[static_cast<std::size_t>(m)]);
    }
    center_ = matrix::Dense<float>(n_metacells, n_dims);
    spread_ = matrix::Dense<float>(n_metacells, n_dims);
    std::transform(mean.values.begin(), mean.values.end(), center_.values.begin(), [](double value) { return static_cast<float>(value); });
    std::vector<std::vector<float>> distances(static_cast<std::size_t>(n_types()));
    for (std::int64_t c = 0; c < n; ++c) {
        const std::int64_t m = cell_metacell_[static_cast<std::size_t>(c)];
        for (std::int64_t d = 0; d < n_dims; ++d) {
            const double away = static_cast<double>(cells_(c, d)) - mean(m, d);
            square(m, d) += away * away;
        }
        distances[static_cast<std::size_t>(type_of(m))].push_back(std::sqrt(squared_distance(cells_.row(c), center_.row(m))));
    }
    for (std::int64_t m = 0; m < n_metacells; ++m) {
        for (std::int64_t d = 0; d < n_dims; ++d) spread_(m, d) = static_cast<float>(std::sqrt(square(m, d) / static_cast<double>(n_cells_[static_cast<std::size_t>(m)])));
    }
    for (std::vector<float>& own : distances) {
        known_distance_.push_back(0.0F);
        if (own.empty()) continue;
        const auto rank = static_cast<std::ptrdiff_t>(std::ceil(kKnownShare * static_cast<double>(own.size()))) - 1;
        std::nth_element(own.begin(), own.begin() + rank, own.end());
        known_distance_.back() = own[static_cast<std::size_t>(rank)];
    }
}

void ExpressionKernel::join(std::int32_t n_neighbors) {
    edge_begin_.assign(1, 0);
    for (std::int32_t type = 0; type < n_types(); ++type) {
        const std::int64_t begin = type_begin(type);
        const Joined joined = has_states(type) ? nearest_of(center_, begin, type_end(type), n_neighbors) : Joined{};
        n_parts_.push_back(count_parts(joined.to));
        const std::size_t n = joined.to.size();
        std::vector<std::vector<double>> weights(n);
        std::vector<double> total(n, 0.0);
        for (std::size_t i = 0; i < n; ++i) {
            for (const std::uint32_t j : joined.to[i]) {
                const double squared = static_cast<double>(squared_distance(center_.row(begin + static_cast<std::int64_t>(i)), center_.row(begin + j)));
                weights[i].push_back(weight(squared, joined.scale[i], joined.scale[j]));
                total[i] += weights[i].back();
            }
        }
        for (std::size_t i = 0; i < n; ++i) {
            double cumulative = 0.0;
            for (std::size_t e = 0; e < joined.to[i].size(); ++e) {
                const std::uint32_t j = joined.to[i][e];
                cumulative += weights[i][e] / total[i];
                // K is symmetric: P_ji / P_ij is the ratio of the totals.
                const double ratio = static_cast<double>(n_cells(begin + j)) / static_cast<double>(n_cells(begin + static_cast<std::int64_t>(i))) * total[i] / total[j];
                edges_.push_back({static_cast<float>(cumulative), static_cast<float>(std::log(ratio)), static_cast<std::uint32_t>(begin + j)});
            }
            if (!joined.to[i].empty()) edges_.back().cumulative = 2.0F;
            edge_begin_.push_back(static_cast<std::int64_t>(edges_.size()));
        }
    }
}

/// Adds the direction to what is accepted.
void ExpressionKernel::tilt_by_height(const MeasuredCells& cells, double direction) {
    const auto n = static_cast<std::size_t>(n_metacells());
    std::vector<double> height(n, 0.0);
    std::vector<std::int64_t> next(cell_begin_.begin(), cell_begin_.end() - 1);
    for (std::size_t c = 0; c < cells.type.size(); ++c) {
        const std::int64_t row = next[static_cast<std::size_t>(cells.type[c])]++;
        height[static_cast<std::size_t>(cell_metacell_[static_cast<std::size_t>(row)])] += cells.height[c];
    }
    for (std::size_t m = 0; m < n; ++m) height[m] /= static_cast<double>(n_cells_[m]);
    std::vector<double> differences;
    for (std::size_t m = 0; m < n; ++m) {
        for (const Edge& edge : edges(static_cast<std::int64_t>(m))) {
            if (height[edge.to] != height[m]) differences.push_back(std::abs(height[edge.to] - height[m]));
        }
    }
    if (differences.empty()) invalid_data("The pseudotime is the same for all states that are joined, and tells no direction.", "Name another column, or leave out the direction.");
    const auto middle = differences.begin() + std::ssize(differences) / 2;
    std::nth_element(differences.begin(), middle, differences.end());
    const double unit = *middle;
    for (std::size_t m = 0; m < n; ++m) tilt_[m] = direction * height[m] / unit;
    for (std::size_t m = 0; m < n; ++m) {
        for (std::int64_t e = edge_begin_[m]; e < edge_begin_[m + 1]; ++e) {
            Edge& edge = edges_[static_cast<std::size_t>(e)];
            edge.log_acceptance += static_cast<float>(tilt_[edge.to] - tilt_[m]);
        }
    }
}

void ExpressionKernel::find_hash(const ExpressionKernelOptions& options) {
    Hasher hasher;
    hasher.update_values(std::span<const float>(cells_.values));
    hasher.update_values(std::span<const std::int32_t>(cell_metacell_));
    hasher.update_values(std::span<const std::int32_t>(type_of_));
    hasher.update_values(std::span<const std::int64_t>(cell_begin_));
    hasher.update_values(std::span<const double>(tilt_));
    hasher.update_values(std::span(&options.n_neighbors, 1));
    hash_ = hasher.hex();
}

ExpressionKernel::Nearest ExpressionKernel::nearest(std::span<const float> latent, std::int64_t metacell) const {
    Nearest found{metacell, squared_distance(latent, center(metacell))};
    for (const Edge& edge : edges(metacell)) {
        const float squared = squared_distance(latent, center(edge.to));
        if (squared < found.distance) found = {static_cast<std::int64_t>(edge.to), squared};
    }
    found.distance = std::sqrt(found.distance);
    return found;
}

ExpressionKernel::Draw ExpressionKernel::measured(std::int32_t type, std::int64_t index) const {
    MORULA_ASSERT(index >= 0 && index < n_measured(type));
    const std::int64_t row = cell_begin_[static_cast<std::size_t>(type)] + index;
    return {cell_metacell_[static_cast<std::size_t>(row)], cells_.row(row)};
}

std::int64_t ExpressionKernel::bytes() const {
    return static_cast<std::int64_t>(sizeof(float) * (center_.values.size() + spread_.values.size() + cells_.values.size()) + sizeof(Edge) * edges_.size() + sizeof(std::int32_t) * cell_metacell_.size() +
                                     28 * type_of_.size());
}

void ExpressionKernel::add_types_without_states(std::int32_t n) {
    const auto more = static_cast<std::size_t>(n);
    type_begin_.insert(type_begin_.end(), more, type_begin_.back());
    cell_begin_.insert(cell_begin_.end(), more, cell_begin_.back());
    n_parts_.insert(n_parts_.end(), more, 0);
    known_distance_.insert(known_distance_.end(), more, 0.0F);
}

}  // namespace morula::simulation
