#include "morula/simulation/solid_section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "morula/core/error.hpp"
#include "morula/core/random.hpp"

namespace morula::simulation {
namespace {

using Point = std::array<double, 3>;

/// Cells sorted into cubes of the reach, for looking around.
class Cubes {
public:
    /// Cubes of the edge, or larger ones where there were more than 8 a cell.
    Cubes(std::span<const Point> positions, double edge) : positions_(positions), edge_(edge) {
        MORULA_ASSERT(!positions.empty());
        low_ = positions[0];
        Point high = low_;
        for (const Point& p : positions) {
            for (std::size_t axis = 0; axis < 3; ++axis) {
                low_[axis] = std::min(low_[axis], p[axis]);
                high[axis] = std::max(high[axis], p[axis]);
            }
        }
        const auto count = [&](std::size_t axis) { return std::floor((high[axis] - low_[axis]) / edge_) + 1.0; };
        while (count(0) * count(1) * count(2) > 64.0 + 8.0 * static_cast<double>(positions.size())) edge_ *= 2.0;
        for (std::size_t axis = 0; axis < 3; ++axis) n_[axis] = static_cast<std::int64_t>(count(axis));
        std::vector<std::int64_t> cube(positions.size());
        begin_.assign(static_cast<std::size_t>(n_[0] * n_[1] * n_[2]) + 1, 0);
        for (std::size_t i = 0; i < positions.size(); ++i) {
            cube[i] = place(coordinates(positions[i]));
            ++begin_[static_cast<std::size_t>(cube[i]) + 1];
        }
        std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
        cell_.resize(positions.size());
        std::vector<std::int64_t> next(begin_.begin(), begin_.end() - 1);
        for (std::size_t i = 0; i < positions.size(); ++i) cell_[static_cast<std::size_t>(next[static_cast<std::size_t>(cube[i])]++)] = static_cast<std::uint32_t>(i);
    }

    /// body(j, distance) for all other cells within reach (at most the edge) of cell i.
    template <class Body>
    void around(std::size_t i, double reach, const Body& body) const {
        const auto at = coordinates(positions_[i]);
        for (std::int64_t z = std::max<std::int64_t>(0, at[2] - 1); z <= std::min(n_[2] - 1, at[2] + 1); ++z) {
            for (std::int64_t y = std::max<std::int64_t>(0, at[1] - 1); y <= std::min(n_[1] - 1, at[1] + 1); ++y) {
                const std::int64_t from = place({std::max<std::int64_t>(0, at[0] - 1), y, z}), to = place({std::min(n_[0] - 1, at[0] + 1), y, z}) + 1;
                for (auto k = static_cast<std::size_t>(begin_[static_cast<std::size_t>(from)]); k < static_cast<std::size_t>(begin_[static_cast<std::size_t>(to)]); ++k) {
                    const std::size_t j = cell_[k];
                    const double apart = std::hypot(positions_[i][0] - positions_[j][0], positions_[i][1] - positions_[j][1], positions_[i][2] - positions_[j][2]);
                    if (j != i && apart <= reach) body(j, apart);
                }
            }
        }
    }

private:
    std::array<std::int64_t, 3> coordinates(const Point& p) const {
        std::array<std::int64_t, 3> at{};
        for (std::size_t axis = 0; axis < 3; ++axis) at[axis] = static_cast<std::int64_t>((p[axis] - low_[axis]) / edge_);
        return at;
    }
    std::int64_t place(const std::array<std::int64_t, 3>& at) const { return (at[2] * n_[1] + at[1]) * n_[0] + at[0]; }

    std::span<const Point> positions_;
    double edge_;
    Point low_{};
    std::array<std::int64_t, 3> n_{};
    std::vector<std::int64_t> begin_;
    std::vector<std::uint32_t> cell_;
};

struct Neighbors {
    std::vector<std::int64_t> begin{0};
    std::vector<std::uint32_t> cell;

    std::span<const std::uint32_t> of(std::size_t i) const { return std::span(cell).subspan(static_cast<std::size_t>(begin[i]), static_cast<std::size_t>(begin[i + 1] - begin[i])); }
};

Neighbors find_neighbors(std::span<const Point> positions, double reach_um, Context& context) {
    const Cubes cubes(positions, reach_um);
    Neighbors neighbors;
    for (std::size_t i = 0; i < positions.size(); ++i) {
        cubes.around(i, reach_um, [&](std::size_t j, double) { neighbors.cell.push_back(static_cast<std::uint32_t>(j)); });
        neighbors.begin.push_back(std::ssize(neighbors.cell));
        if (i % 256 == 0) {
            context.check_cancelled();
            context.require_memory(8 * std::ssize(neighbors.cell), "the neighbours of the section");
        }
    }
    return neighbors;
}

/// counts(a, b): ordered pairs of a cell of type a with a neighbour of type b.
matrix::Dense<double> count_pairs(const Neighbors& neighbors, std::span<const std::int32_t> type, std::int32_t n_types) {
    matrix::Dense<double> counts(n_types, n_types);
    for (std::size_t i = 0; i < type.size(); ++i) {
        for (const std::uint32_t j : neighbors.of(i)) counts(type[i], type[j]) += 1.0;
    }
    return counts;
}

/// Types that change places until the neighbours of each are as they should be.
class Exchange {
public:
    Exchange(const Neighbors& neighbors, std::vector<std::int32_t> type, const matrix::Dense<double>& goal, std::int32_t n_types)
        : neighbors_(neighbors), type_(std::move(type)), goal_(goal), n_types_(n_types), counts_(count_pairs(neighbors, type_, n_types)), cells_(static_cast<std::size_t>(n_types), 0) {
        for (const std::int32_t t : type_) ++cells_[static_cast<std::size_t>(t)];
        for (std::int32_t t = 0; t < n_types; ++t) error_.push_back(error_of(t));
    }

    /// Largest total variation over types that are not rare.
    double difference() const {
        double largest = 0.0;
        for (std::int32_t a = 0; a < n_types_; ++a) {
            if (cells_[static_cast<std::size_t>(a)] < kLeastCells || std::isnan(goal_(a, 0))) continue;
            const double sum = row_sum(a);
            double total = 0.0;
            for (std::int32_t b = 0; b < n_types_; ++b) total += std::abs(counts_(a, b) / sum - goal_(a, b));
            largest = std::max(largest, sum > 0.0 ? total / 2.0 : 1.0);
        }
        return largest;
    }

    /// Cells i and j change types if that is for the better.
    void try_pair(std::size_t i, std::size_t j) {
        if (type_[i] == type_[j]) return;
        const double before = std::accumulate(error_.begin(), error_.end(), 0.0);
        swap(i, j);
        std::vector<double> error;
        for (std::int32_t t = 0; t < n_types_; ++t) error.push_back(error_of(t));
        if (std::accumulate(error.begin(), error.end(), 0.0) < before) error_ = std::move(error);
        else swap(i, j);
    }

    const std::vector<std::int32_t>& type() const { return type_; }

private:
    double row_sum(std::int32_t a) const {
        const auto row = counts_.row(a);
        return std::accumulate(row.begin(), row.end(), 0.0);
    }
    double error_of(std::int32_t a) const {
        const double sum = row_sum(a);
        if (sum == 0.0 || std::isnan(goal_(a, 0))) return 0.0;
        double error = 0.0;
        for (std::int32_t b = 0; b < n_types_; ++b) error += (counts_(a, b) / sum - goal_(a, b)) * (counts_(a, b) / sum - goal_(a, b));
        return error * std::sqrt(static_cast<double>(cells_[static_cast<std::size_t>(a)]));
    }
    /// Takes the pairs of a cell out of the counts, or puts them in.
    void count(std::size_t i, double by) {
        for (const std::uint32_t j : neighbors_.of(i)) {
            counts_(type_[i], type_[j]) += by;
            counts_(type_[j], type_[i]) += by;
        }
    }
    void swap(std::size_t i, std::size_t j) {
        count(i, -1.0);
        const std::int32_t kept = type_[i];
        type_[i] = type_[j];
        count(i, 1.0);
        count(j, -1.0);
        type_[j] = kept;
        count(j, 1.0);
    }

    const Neighbors& neighbors_;
    std::vector<std::int32_t> type_;
    const matrix::Dense<double>& goal_;
    std::int32_t n_types_;
    matrix::Dense<double> counts_;
    std::vector<std::int64_t> cells_;
    std::vector<double> error_;
};

double median_nearest(std::span<const Point> positions) {
    Point low{1e300, 1e300, 0.0}, high{-1e300, -1e300, 0.0};
    for (const Point& p : positions) {
        for (std::size_t axis = 0; axis < 2; ++axis) {
            low[axis] = std::min(low[axis], p[axis]);
            high[axis] = std::max(high[axis], p[axis]);
        }
    }
    // So large that most cells have some within one edge; the others do not count for the median.
    const double edge = 4.0 * std::sqrt(std::max((high[0] - low[0]) * (high[1] - low[1]), std::pow(std::max(high[0] - low[0], high[1] - low[1]), 2.0) * 1e-6) / static_cast<double>(positions.size()));
    if (!(edge > 0.0)) invalid_data("The cells of the section lie at one place.", "Give their measured places.");
    const Cubes cubes(positions, edge);
    std::vector<double> nearest;
    for (std::size_t i = 0; i < positions.size(); ++i) {
        double least = edge;
        cubes.around(i, edge, [&](std::size_t, double apart) { least = std::min(least, apart); });
        nearest.push_back(least);
    }
    const auto middle = nearest.begin() + std::ssize(nearest) / 2;
    std::nth_element(nearest.begin(), middle, nearest.end());
    return *middle;
}

matrix::Dense<double> shares_of(matrix::Dense<double> counts) {
    for (std::int64_t a = 0; a < counts.n_rows; ++a) {
        const auto row = counts.row(a);
        const double sum = std::accumulate(row.begin(), row.end(), 0.0);
        for (double& value : row) value = sum > 0.0 ? value / sum : std::nan("");
    }
    return counts;
}

}  // namespace

matrix::Dense<double> neighbor_shares(std::span<const Point> positions, std::span<const std::int32_t> type, std::int32_t n_types, double reach_um, Context& context) {
    MORULA_ASSERT(positions.size() == type.size() && reach_um > 0.0);
    return shares_of(count_pairs(find_neighbors(positions, reach_um, context), type, n_types));
}

SolidSection solid_from_section(std::span<const std::array<double, 2>> positions, std::span<const std::int32_t> type, std::int32_t n_types, const SolidSectionOptions& options, Context& context) {
    MORULA_ASSERT(positions.size() == type.size());
    for (const double size : {options.depth_um, options.reach_um}) {
        if (!(size > 0.0) || !std::isfinite(size)) invalid_data("The depth of a section, or the reach of its cells, is not above 0.", "Give um above 0.");
    }
    if (positions.size() < 10) invalid_data(fmt::format("A section of {} cells says nothing of its neighbours.", positions.size()), "Give at least 10 cells.");
    std::vector<Point> flat;
    for (const auto& [x, y] : positions) flat.push_back({x, y, 0.0});
    const double layer = options.layer_um > 0.0 ? options.layer_um : 2.0 * median_nearest(flat);
    if (!(options.depth_um / layer < 1e9)) invalid_data(fmt::format("A depth of {:g} um is more than 10^9 sheets of {:g} um.", options.depth_um, layer), "Give a smaller depth.");
    SolidSection solid;
    solid.n_layers = std::max<std::int64_t>(1, std::llround(options.depth_um / layer));
    context.require_memory(150 * solid.n_layers * std::ssize(positions), "the block of tissue");
    const double step = options.depth_um / static_cast<double>(solid.n_layers);
    for (std::int64_t k = 0; k < solid.n_layers; ++k) {
        for (std::size_t i = 0; i < positions.size(); ++i) {
            Random random(options.seed, Purpose::simulation_section, solid.positions.size(), 0);
            const double far = 0.5 * step * std::sqrt(random.uniform()), angle = 2.0 * std::numbers::pi * random.uniform();
            solid.positions.push_back({positions[i][0] + far * std::cos(angle), positions[i][1] + far * std::sin(angle), step * (static_cast<double>(k) + random.uniform())});
            solid.type.push_back(type[i]);
        }
    }
    const matrix::Dense<double> goal = neighbor_shares(flat, type, n_types, options.reach_um, context);
    const Neighbors neighbors = find_neighbors(solid.positions, options.reach_um, context);
    Exchange exchange(neighbors, std::move(solid.type), goal, n_types);
    solid.difference = exchange.difference();
    for (; solid.sweeps < options.most_sweeps && solid.difference > options.tolerance; ++solid.sweeps) {
        for (std::size_t i = 0; i < solid.positions.size(); ++i) {
            if (i % 10'000 == 0) context.check_cancelled();
            const auto near = neighbors.of(i);
            if (near.empty()) continue;
            Random random(options.seed, Purpose::simulation_section, i, static_cast<std::uint32_t>(solid.sweeps) + 1);
            exchange.try_pair(i, near[random.below(near.size())]);
        }
        solid.difference = exchange.difference();
    }
    solid.type = exchange.type();
    return solid;
}

}  // namespace morula::simulation
