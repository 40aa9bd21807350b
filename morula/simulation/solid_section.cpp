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

/// Rounded alike everywhere, unlike std::hypot of several libraries.
double length(double x, double y, double z) { return std::sqrt(x * x + y * y + z * z); }

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
                    const double apart = length(positions_[i][0] - positions_[j][0], positions_[i][1] - positions_[j][1], positions_[i][2] - positions_[j][2]);
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

/// Where a cell counts as a neighbour: in space, and in the slices that are cut through the other cell, as thick as the section and seen as the section is.
enum Cut : std::size_t { kSpace, kHorizontal, kAlongX, kAlongY };
constexpr std::size_t kCuts = 4;
using Counts = std::array<matrix::Dense<double>, kCuts>;

struct Slicing {
    double reach_um, thickness_um, depth_um;
    bool horizontal() const { return thickness_um > 0.0; }
    double farthest() const { return std::hypot(reach_um, thickness_um / 2.0); }
    /// Whether most of a circle of the reach fits into a vertical slice.
    bool vertical() const { return depth_um >= 1.5 * reach_um; }
};

Slicing in_space(double reach_um) { return {.reach_um = reach_um, .thickness_um = 0.0, .depth_um = 0.0}; }

struct Neighbor {
    std::uint32_t cell;
    float weight;       // in slices, for what the block's top and bottom cut off: depth / (depth - |dz|), at most 3 (the translation correction of Ohser 1983); multiples of 2^-23, so that sums are exact
    std::uint32_t cuts;  // a bit for each Cut

    bool in(std::size_t cut) const { return (cuts >> cut & 1U) != 0; }
    double counts(std::size_t cut) const { return cut == kSpace ? 1.0 : static_cast<double>(weight); }
};

Neighbor neighbor_of(const Point& a, const Point& b, std::size_t cell, const Slicing& slicing) {
    const double x = std::abs(a[0] - b[0]), y = std::abs(a[1] - b[1]), z = std::abs(a[2] - b[2]), reach = slicing.reach_um, half = slicing.thickness_um / 2.0;
    std::uint32_t cuts = length(x, y, z) <= reach ? 1U << kSpace : 0U;
    if (slicing.horizontal() && z <= half && length(x, y, 0.0) <= reach) cuts |= 1U << kHorizontal;
    if (slicing.vertical() && y <= half && length(x, 0.0, z) <= reach) cuts |= 1U << kAlongX;
    if (slicing.vertical() && x <= half && length(0.0, y, z) <= reach) cuts |= 1U << kAlongY;
    return {.cell = static_cast<std::uint32_t>(cell), .weight = cuts > (1U << kSpace) ? static_cast<float>(slicing.depth_um / (slicing.depth_um - z)) : 1.0F, .cuts = cuts};
}

struct Neighbors {
    std::vector<std::int64_t> begin{0};
    std::vector<Neighbor> all;

    std::span<const Neighbor> of(std::size_t i) const { return std::span(all).subspan(static_cast<std::size_t>(begin[i]), static_cast<std::size_t>(begin[i + 1] - begin[i])); }
};

/// body(i, neighbour) for all cells and their neighbours, by cell; after_cell(i) behind each.
template <class Body, class After>
void each_neighbor(std::span<const Point> positions, const Slicing& slicing, Context& context, const Body& body, const After& after_cell) {
    const Cubes cubes(positions, slicing.farthest());
    for (std::size_t i = 0; i < positions.size(); ++i) {
        cubes.around(i, slicing.farthest(), [&](std::size_t j, double) {
            const Neighbor neighbor = neighbor_of(positions[i], positions[j], j, slicing);
            if (neighbor.cuts != 0) body(neighbor);
        });
        after_cell(i);
        if (i % 256 == 0) context.check_cancelled();
    }
}

Neighbors find_neighbors(std::span<const Point> positions, const Slicing& slicing, Context& context) {
    Neighbors neighbors;
    each_neighbor(positions, slicing, context, [&](const Neighbor& neighbor) { neighbors.all.push_back(neighbor); },
                  [&](std::size_t i) {
                      neighbors.begin.push_back(std::ssize(neighbors.all));
                      if (i % 256 == 0) context.require_memory(2 * static_cast<std::int64_t>(sizeof(Neighbor)) * std::ssize(neighbors.all), "the neighbours of the section");
                  });
    return neighbors;
}

/// Of each cut: counts(a, b), ordered pairs of a cell of type a with a neighbour of type b.
Counts count_pairs(const Neighbors& neighbors, std::span<const std::int32_t> type, std::int32_t n_types) {
    Counts counts;
    for (auto& of_cut : counts) of_cut = matrix::Dense<double>(n_types, n_types);
    for (std::size_t i = 0; i < type.size(); ++i) {
        for (const Neighbor& neighbor : neighbors.of(i)) {
            for (std::size_t cut = 0; cut < kCuts; ++cut) {
                if (neighbor.in(cut)) counts[cut](type[i], type[neighbor.cell]) += neighbor.counts(cut);
            }
        }
    }
    return counts;
}

/// Ordered pairs of each cut, of all types together.
std::array<double, kCuts> count_all(std::span<const Point> positions, const Slicing& slicing, Context& context) {
    std::array<double, kCuts> counts{};
    each_neighbor(positions, slicing, context,
                  [&](const Neighbor& neighbor) {
                      for (std::size_t cut = 0; cut < kCuts; ++cut) counts[cut] += neighbor.in(cut) ? neighbor.counts(cut) : 0.0;
                  },
                  [](std::size_t) {});
    return counts;
}

double sum_of(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0); }

/// Types that change places until the neighbours of each are as they should be.
class Exchange {
public:
    /// section: ordered pairs of the section's cells; layers: how many times its cells are in the block.
    Exchange(const Neighbors& neighbors, const Slicing& slicing, std::vector<std::int32_t> type, const matrix::Dense<double>& section, std::int64_t layers)
        : neighbors_(neighbors), slices_(slicing.vertical() ? kCuts : kAlongX), type_(std::move(type)), section_(section), n_types_(static_cast<std::int32_t>(section.n_rows)), layers_(layers), counts_(count_pairs(neighbors, type_, n_types_)),
          cells_(static_cast<std::size_t>(n_types_), 0) {
        for (const std::int32_t t : type_) ++cells_[static_cast<std::size_t>(t)];
        const double all = sum_of(section_.values);
        for (std::size_t cut = kHorizontal; cut < slices_; ++cut) {
            const double here = sum_of(counts_[cut].values);
            to_section_[cut] = here > 0.0 && all > 0.0 ? all / here : 0.0;
        }
        for (std::int32_t t = 0; t < n_types_; ++t) error_.push_back(error_of(t));
    }

    /// Largest total variation between shares, over types that are not rare.
    double difference() const {
        double largest = 0.0;
        for (std::int32_t a = 0; a < n_types_; ++a) {
            const double sum = sum_of(counts_[kSpace].row(a)), wanted = sum_of(section_.row(a));
            if (cells_[static_cast<std::size_t>(a)] < kLeastCells || wanted == 0.0) continue;
            double total = 0.0;
            for (std::int32_t b = 0; b < n_types_; ++b) total += std::abs(counts_[kSpace](a, b) / sum - section_(a, b) / wanted);
            largest = std::max(largest, sum > 0.0 ? total / 2.0 : 1.0);
        }
        return largest;
    }

    /// Largest relative difference between numbers of neighbours in these slices (their mean) and in the section, over pairs of types that are known; NaN where there is none.
    double slice_difference(std::span<const Cut> cuts) const {
        double largest = std::nan("");
        for (std::int32_t a = 0; a < n_types_; ++a) {
            for (std::int32_t b = 0; b < n_types_; ++b) {
                if (!is_known(a, b) || cuts.back() >= slices_) continue;
                double found = 0.0;
                for (const Cut cut : cuts) found += counts_[cut](a, b) / static_cast<double>(layers_ * std::ssize(cuts));
                largest = std::fmax(largest, std::abs(found / section_(a, b) - 1.0));
            }
        }
        return largest;
    }

    /// Cells i and j change types if that is for the better.
    void try_pair(std::size_t i, std::size_t j) {
        if (type_[i] == type_[j]) return;
        swap(i, j);
        trial_.clear();
        for (std::int32_t t = 0; t < n_types_; ++t) trial_.push_back(error_of(t));
        if (sum_of(trial_) < error()) error_.swap(trial_);
        else swap(i, j);
    }

    double error() const { return sum_of(error_); }
    const std::vector<std::int32_t>& type() const { return type_; }

private:
    bool is_known(std::int32_t a, std::int32_t b) const {
        return std::min(cells_[static_cast<std::size_t>(a)], cells_[static_cast<std::size_t>(b)]) >= kLeastCells * layers_ && section_(a, b) >= (a == b ? 2.0 : 1.0) * static_cast<double>(kLeastPairs);
    }
    double error_of(std::int32_t a) const {
        const double sum = sum_of(counts_[kSpace].row(a)), wanted = sum_of(section_.row(a));
        double of_shares = 0.0, of_counts = 0.0;
        for (std::int32_t b = 0; b < n_types_; ++b) {
            if (sum > 0.0 && wanted > 0.0) of_shares += squared(counts_[kSpace](a, b) / sum - section_(a, b) / wanted);
            for (std::size_t cut = kHorizontal; cut < slices_; ++cut) of_counts += squared((counts_[cut](a, b) * to_section_[cut] - section_(a, b)) / (section_(a, b) + kFewPairs));
        }
        return of_shares * std::sqrt(static_cast<double>(cells_[static_cast<std::size_t>(a)])) + of_counts;
    }
    static double squared(double value) { return value * value; }
    /// Takes the pairs of a cell out of the counts, or puts them in.
    void count(std::size_t i, double by) {
        for (const Neighbor& neighbor : neighbors_.of(i)) {
            for (std::size_t cut = 0; cut < slices_; ++cut) {
                if (!neighbor.in(cut)) continue;
                counts_[cut](type_[i], type_[neighbor.cell]) += by * neighbor.counts(cut);
                counts_[cut](type_[neighbor.cell], type_[i]) += by * neighbor.counts(cut);
            }
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

    static constexpr double kFewPairs = 100.0;  // of types that meet less often the section says little: their differences weigh less

    const Neighbors& neighbors_;
    std::size_t slices_;  // cuts below this one are counted
    std::vector<std::int32_t> type_;
    const matrix::Dense<double>& section_;
    std::int32_t n_types_;
    std::int64_t layers_;
    Counts counts_;
    std::array<double, kCuts> to_section_{};  // brings the pairs of a cut, all types together, to those of the section: no change of types alters how many they are
    std::vector<std::int64_t> cells_;
    std::vector<double> error_, trial_;
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

/// Sheets of the section, step_um apart. A cell stands at the same height within each, so that any slice as thick as a sheet holds every cell once; each sheet is shifted to another side.
class Stack {
public:
    Stack(std::span<const Point> section, std::int64_t layers, double step_um, std::uint64_t seed) : section_(section), layers_(layers), step_um_(step_um) {
        for (std::size_t i = 0; i < section.size(); ++i) height_.push_back(Random(seed, Purpose::simulation_section, i, 0).uniform());
        angle_ = 2.0 * std::numbers::pi * Random(seed, Purpose::simulation_section, section.size(), 0).uniform();
    }

    std::vector<Point> shifted(double shift_um) const {
        // Turned by the golden angle from sheet to sheet, no two sheets near one another are shifted to nearly the same place.
        const double golden = std::numbers::pi * (3.0 - std::sqrt(5.0));
        std::vector<Point> positions;
        for (std::int64_t k = 0; k < layers_; ++k) {
            const double angle = angle_ + golden * static_cast<double>(k), x = shift_um * std::cos(angle), y = shift_um * std::sin(angle);
            for (std::size_t i = 0; i < section_.size(); ++i) positions.push_back({section_[i][0] + x, section_[i][1] + y, step_um_ * (static_cast<double>(k) + height_[i])});
        }
        return positions;
    }

private:
    std::span<const Point> section_;
    std::int64_t layers_;
    double step_um_, angle_ = 0.0;
    std::vector<double> height_;
};

/// Of the shifts, the smallest with which a cell has as many neighbours in slices as in the section (within 2 %), or the one that comes nearest: no change of types could alter that.
std::vector<Point> stack_of(const Stack& stack, const Slicing& slicing, double pairs, Context& context) {
    std::vector<Point> best;
    double least = std::numeric_limits<double>::infinity();
    for (std::int32_t k = 0; k <= 12 && least > 0.02; ++k) {
        std::vector<Point> positions = stack.shifted(static_cast<double>(k) / 16.0 * std::max(slicing.reach_um, slicing.thickness_um));
        const auto counts = count_all(positions, slicing, context);
        double apart = std::abs(counts[kHorizontal] / pairs - 1.0);
        if (slicing.vertical()) apart = std::max({apart, std::abs(counts[kAlongX] / pairs - 1.0), std::abs(counts[kAlongY] / pairs - 1.0)});
        if (!best.empty() && !(apart < least)) continue;
        best = std::move(positions);
        least = apart;
    }
    return best;
}

}  // namespace

matrix::Dense<double> neighbor_shares(std::span<const Point> positions, std::span<const std::int32_t> type, std::int32_t n_types, double reach_um, Context& context) {
    MORULA_ASSERT(positions.size() == type.size() && reach_um > 0.0);
    matrix::Dense<double> shares = count_pairs(find_neighbors(positions, in_space(reach_um), context), type, n_types)[kSpace];
    for (std::int64_t a = 0; a < shares.n_rows; ++a) {
        const auto row = shares.row(a);
        const double sum = sum_of(row);
        for (double& value : row) value = sum > 0.0 ? value / sum : std::nan("");
    }
    return shares;
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
    solid.slice_um = options.depth_um / static_cast<double>(solid.n_layers);
    const Slicing slicing{.reach_um = options.reach_um, .thickness_um = solid.slice_um, .depth_um = options.depth_um};
    const matrix::Dense<double> section = count_pairs(find_neighbors(flat, in_space(options.reach_um), context), type, n_types)[kSpace];
    const Stack stack(flat, solid.n_layers, solid.slice_um, options.seed);
    solid.positions = stack_of(stack, slicing, sum_of(section.values) * static_cast<double>(solid.n_layers), context);
    for (std::int64_t k = 0; k < solid.n_layers; ++k) solid.type.insert(solid.type.end(), type.begin(), type.end());
    const Neighbors neighbors = find_neighbors(solid.positions, slicing, context);
    Exchange exchange(neighbors, slicing, std::move(solid.type), section, solid.n_layers);
    // Until neither shares nor counts gain any more.
    for (double before = std::numeric_limits<double>::infinity(); solid.sweeps < options.most_sweeps && exchange.error() < (exchange.difference() > options.tolerance ? 1.0 : 0.98) * before; ++solid.sweeps) {
        before = exchange.error();
        if (before < 1e-5) break;
        for (std::size_t i = 0; i < solid.positions.size(); ++i) {
            if (i % 10'000 == 0) context.check_cancelled();
            const auto near = neighbors.of(i);
            if (near.empty()) continue;
            Random random(options.seed, Purpose::simulation_section, i, static_cast<std::uint32_t>(solid.sweeps) + 1);
            exchange.try_pair(i, near[random.below(near.size())].cell);
        }
    }
    solid.difference = exchange.difference();
    solid.horizontal_difference = exchange.slice_difference(std::array{kHorizontal});
    solid.vertical_difference = exchange.slice_difference(std::array{kAlongX, kAlongY});
    solid.type = exchange.type();
    return solid;
}

}  // namespace morula::simulation
