#include "morula/commands/scenario_expression_starts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "morula/core/error.hpp"

namespace morula::commands::scenario_detail {
namespace {

namespace fs = std::filesystem;
using Cell = MeasuredPlaces::Cell;

/// The cells of one type by x, so that the nearest is found by looking outwards.
class ByX {
public:
    void add(const Cell& cell) { cells_.push_back(cell); }
    void sort() {
        std::sort(cells_.begin(), cells_.end(), [](const Cell& a, const Cell& b) { return a.at[0] != b.at[0] ? a.at[0] < b.at[0] : a.number < b.number; });
    }

    struct Found {
        std::int64_t number = 0;
        double squared = std::numeric_limits<double>::infinity();
    };
    std::optional<Found> nearest(const std::array<double, 3>& at) const {
        if (cells_.empty()) return std::nullopt;
        const auto from = std::lower_bound(cells_.begin(), cells_.end(), at[0], [](const Cell& cell, double x) { return cell.at[0] < x; });
        Found found;
        const auto look = [&](const Cell& cell) {
            double squared = 0.0;
            for (std::size_t axis = 0; axis < 3; ++axis) squared += (cell.at[axis] - at[axis]) * (cell.at[axis] - at[axis]);
            if (squared < found.squared || (squared == found.squared && cell.number < found.number)) found = {cell.number, squared};
            return (cell.at[0] - at[0]) * (cell.at[0] - at[0]) <= found.squared;  // whether those beyond may be nearer
        };
        for (auto right = from; right != cells_.end() && look(*right); ++right) {}
        for (auto left = from; left != cells_.begin() && look(*(left - 1)); --left) {}
        return found;
    }

private:
    std::vector<Cell> cells_;
};

}  // namespace

MeasuredPlaces measured_places(const data::Dataset& dataset, const MeasuredStates& states, const fs::path& file) {
    const auto spatial = dataset.obsm.find("spatial");
    if (spatial == dataset.obsm.end()) {
        fail(ErrorCode::not_found, fmt::format("{} has no obsm spatial, so nobody knows where its cells were.", file.string()), "Let cells start as random ones of their type (leave start_by out), or name data with places.");
    }
    const matrix::Dense<float>& at = spatial->second;
    if (at.n_cols < 2 || at.n_cols > 3) invalid_data(fmt::format("{}, obsm spatial: has {} columns.", file.string(), at.n_cols), "Places have two or three.");
    MeasuredPlaces places{.file = file, .cells = {}};
    std::vector<std::int64_t> next;
    for (std::size_t c = 0; c < states.row.size(); ++c) {
        const auto type = static_cast<std::size_t>(states.cells.type[c]);
        if (next.size() <= type) next.resize(type + 1, 0);
        Cell cell{.type = states.cells.type[c], .number = next[type]++};
        if (!states.start.empty() && !std::binary_search(states.start[type].begin(), states.start[type].end(), cell.number)) continue;
        for (std::int64_t axis = 0; axis < at.n_cols; ++axis) cell.at[static_cast<std::size_t>(axis)] = static_cast<double>(at(states.row[c], axis));
        if (!std::isfinite(cell.at[0] + cell.at[1] + cell.at[2])) {
            invalid_data(fmt::format("{}, cell '{}': its place in obsm spatial is no number.", file.string(), dataset.obs.index()[static_cast<std::size_t>(states.row[c])]), "Leave out cells without a place.");
        }
        places.cells.push_back(cell);
    }
    return places;
}

void start_where_measured(const MeasuredPlaces& places, const simulation::Agents& start, const Reading& reading, simulation::ExpressionModel& model) {
    std::vector<ByX> by_type(static_cast<std::size_t>(model.kernel.n_types()));
    for (const Cell& cell : places.cells) by_type[static_cast<std::size_t>(cell.type)].add(cell);
    for (ByX& cells : by_type) cells.sort();
    std::vector<double> squared;
    std::error_code ignored;
    for (const Reading::Origins& origins : reading.origins) {
        if (!fs::equivalent(origins.file, places.file, ignored)) continue;
        for (std::size_t k = 0; k < origins.at.size(); ++k) {
            const auto agent = static_cast<std::size_t>(origins.first) + k;
            const auto found = by_type[start.type[agent]].nearest(origins.at[k]);
            if (!found) continue;
            model.start_as.push_back({.id = start.id[agent], .type = start.type[agent], .cell = found->number});
            squared.push_back(found->squared);
        }
    }
    if (squared.empty()) {
        invalid_data(fmt::format("Cells are to start by position, and none stands where cells of {} were measured.", places.file.string()), "Let [[cells]] name that file, or leave start_by out.");
    }
    std::sort(model.start_as.begin(), model.start_as.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    const auto middle = squared.begin() + std::ssize(squared) / 2;
    std::nth_element(squared.begin(), middle, squared.end());
    reading.context.events().decision(fmt::format("{} of {} cells start in the state of the cell of their type that was measured nearest to them (median distance {:.3g} in the file's unit).", squared.size(), start.size(), std::sqrt(*middle)));
}

}  // namespace morula::commands::scenario_detail
