// Read-outs of cells in fields: oxygenation, cytokine load, secretion, clearance.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "morula/core/parallel.hpp"
#include "morula/simulation/distance_map.hpp"
#include "morula/simulation/readouts_parts.hpp"

namespace morula::simulation::readout_detail {
namespace {

constexpr std::int64_t kBlockAgents = 4'096;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// The lowest of the sorted values that a share of them does not exceed.
double percentile(const std::vector<double>& sorted, double share) {
    if (sorted.empty()) return kNone;
    const auto n = static_cast<double>(sorted.size());
    return sorted[static_cast<std::size_t>(std::max(1.0, std::ceil(share * n - 1e-9))) - 1];
}

/// Sum of value(agent) over the cells that are meant.
template <class Value>
double sum_cells(const Simulation& simulation, const Readout& readout, Context& context, const Value& value) {
    return sum_blocks(context, simulation.agents().size(), kBlockAgents, [&](Block block) {
        double sum = 0.0;
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            if (is_meant(simulation, i, readout.types, readout.region)) sum += value(i);
        }
        return sum;
    });
}

/// See read_out: of a ball (disc) of cells of which a share lacks the substance in the middle.
double viable_rim(const Simulation& simulation, const std::vector<std::size_t>& cells, double share) {
    if (cells.empty()) return kNone;
    const Agents& agents = simulation.agents();
    const double n = static_cast<double>(cells.size());
    std::array<double, 3> middle{};
    for (const std::size_t i : cells) middle = {middle[0] + agents.x[i] / n, middle[1] + agents.y[i] / n, middle[2] + agents.z[i] / n};
    double squares = 0.0;
    for (const std::size_t i : cells) {
        const std::array<double, 3> from{agents.x[i] - middle[0], agents.y[i] - middle[1], agents.z[i] - middle[2]};
        squares += (from[0] * from[0] + from[1] * from[1] + from[2] * from[2]) / n;
    }
    return simulation.model().box.is_flat() ? std::sqrt(2.0 * squares) * (1.0 - std::sqrt(share)) : std::sqrt(5.0 / 3.0 * squares) * (1.0 - std::cbrt(share));
}

/// Pairs of a living cell of the types and a cell of the others that touch; a pair that is both ways round counts once.
double count_contacts(const Readout& readout, const Simulation& simulation, Context& context) {
    const Agents& agents = simulation.agents();
    if (agents.size() == 0) return 0.0;
    const Grid& box = simulation.model().box;
    Grid coarse{.n = {}, .voxel_um = std::max(box.voxel_um, 2.0 * static_cast<double>(*std::max_element(agents.radius.begin(), agents.radius.end()))), .origin_um = box.origin_um};
    for (int axis = 0; axis < 3; ++axis) coarse.n[static_cast<std::size_t>(axis)] = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(box.size_um(axis) / coarse.voxel_um)));
    const VoxelBins bins = bin_agents(coarse, agents.x, agents.y, agents.z, context);
    const auto is_first = [&](std::size_t i) { return !simulation.is_dead(i) && is_meant(simulation, i, readout.types, readout.region); };
    const auto is_second = [&](std::size_t i) { return is_meant(simulation, i, readout.others, std::nullopt); };
    const auto pairs_of = [&](std::size_t i, std::int64_t place) {
        const auto bin = std::lower_bound(bins.place.begin(), bins.place.end(), place);
        if (bin == bins.place.end() || *bin != place) return 0.0;
        const auto b = static_cast<std::size_t>(bin - bins.place.begin());
        double pairs = 0.0;
        for (std::int64_t at = bins.begin[b]; at < bins.begin[b + 1]; ++at) {
            const std::size_t j = bins.agent[static_cast<std::size_t>(at)];
            if (j == i || !is_second(j) || (j < i && is_first(j) && is_second(i))) continue;
            const double reach = static_cast<double>(agents.radius[i]) + static_cast<double>(agents.radius[j]);
            if (std::hypot(agents.x[i] - agents.x[j], agents.y[i] - agents.y[j], agents.z[i] - agents.z[j]) < reach) pairs += 1.0;
        }
        return pairs;
    };
    return sum_blocks(context, agents.size(), kBlockAgents, [&](Block block) {
        double pairs = 0.0;
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            if (!is_first(i)) continue;
            const std::array<std::int64_t, 3> at{nearest_voxel(coarse, 0, agents.x[i]), nearest_voxel(coarse, 1, agents.y[i]), nearest_voxel(coarse, 2, agents.z[i])};
            for (std::int64_t z = std::max<std::int64_t>(0, at[2] - 1); z <= std::min(coarse.n[2] - 1, at[2] + 1); ++z) {
                for (std::int64_t y = std::max<std::int64_t>(0, at[1] - 1); y <= std::min(coarse.n[1] - 1, at[1] + 1); ++y) {
                    for (std::int64_t x = std::max<std::int64_t>(0, at[0] - 1); x <= std::min(coarse.n[0] - 1, at[0] + 1); ++x) pairs += pairs_of(i, coarse.place(x, y, z));
                }
            }
        }
        return pairs;
    });
}

/// Distance within which half of the amount lies. An amount lies at the distance of its voxel's centre, half of it nearer and half of it farther.
double half_radius(std::vector<std::pair<double, double>> amounts, double total) {
    std::sort(amounts.begin(), amounts.end());
    double before = 0.0, distance = 0.0, at = 0.0;
    for (std::size_t k = 0; k < amounts.size();) {
        double here = 0.0;
        const double next = amounts[k].first;
        for (; k < amounts.size() && amounts[k].first == next; ++k) here += amounts[k].second;
        const double middle = before + 0.5 * here;
        if (middle >= 0.5 * total) return middle > at ? distance + (next - distance) * std::clamp((0.5 * total - at) / (middle - at), 0.0, 1.0) : next;
        before += here;
        distance = next;
        at = middle;
    }
    return distance;
}

}  // namespace

bool is_meant(const Simulation& simulation, std::size_t agent, const std::vector<std::uint16_t>& types, const std::optional<Region>& region) {
    const Agents& agents = simulation.agents();
    if (!types.empty() && std::find(types.begin(), types.end(), agents.type[agent]) == types.end()) return false;
    return !region || region->contains({agents.x[agent], agents.y[agent], agents.z[agent]});
}

double concentration_at(const Simulation& simulation, std::size_t agent, std::int32_t substance) {
    const Agents& agents = simulation.agents();
    return simulation.field().values(substance)[static_cast<std::size_t>(nearest_place(simulation.model().box, {agents.x[agent], agents.y[agent], agents.z[agent]}))];
}

std::vector<double> oxygenation(const Readout& readout, const Simulation& simulation, Context& context) {
    std::vector<std::size_t> cells;
    std::vector<double> living;
    std::int64_t n_low = 0;
    for (std::size_t i = 0; i < simulation.agents().id.size(); ++i) {
        if (!is_meant(simulation, i, readout.types, readout.region)) continue;
        cells.push_back(i);
        if (simulation.is_dead(i)) continue;
        living.push_back(concentration_at(simulation, i, readout.substance));
        if (living.back() < readout.threshold) ++n_low;
    }
    context.check_cancelled();
    std::sort(living.begin(), living.end());
    const auto n_living = static_cast<std::int64_t>(living.size()), n = static_cast<std::int64_t>(cells.size());
    const double low = n_living == 0 ? kNone : static_cast<double>(n_low) / static_cast<double>(n_living);
    const double rim = viable_rim(simulation, cells, static_cast<double>(n - n_living + n_low) / static_cast<double>(std::max<std::int64_t>(1, n)));
    return {low, percentile(living, 0.05), percentile(living, 0.5), percentile(living, 0.95), rim};
}

std::vector<double> cytokine_load(const Readout& readout, const Simulation& simulation, Context& context) {
    const Grid& grid = simulation.model().box;
    const auto c = simulation.field().values(readout.substance);
    const Agents& agents = simulation.agents();
    std::vector<std::uint8_t> sources(static_cast<std::size_t>(grid.n_stored()), 0);
    bool has_sources = false;
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        if (!is_meant(simulation, i, readout.types, std::nullopt) || !(simulation.exchange_of(i, readout.substance).secretion > 0.0F)) continue;
        sources[static_cast<std::size_t>(nearest_place(grid, {agents.x[i], agents.y[i], agents.z[i]}))] = 1;
        has_sources = true;
    }
    const std::vector<double> distances = has_sources ? distance_map(grid, sources, context) : std::vector<double>();
    context.require_memory(16 * grid.n_voxels(), "the amounts by distance");
    std::vector<std::pair<double, double>> amounts;
    double total = 0.0, peak = kNone;
    for (std::int64_t z = 0; z < grid.n[2]; ++z) {
        context.check_cancelled();
        for (std::int64_t y = 0; y < grid.n[1]; ++y) {
            for (std::int64_t x = 0; x < grid.n[0]; ++x) {
                if (readout.region && !readout.region->contains({grid.center_um(0, x), grid.center_um(1, y), grid.center_um(2, z)})) continue;
                const auto place = static_cast<std::size_t>(grid.place(x, y, z));
                const double amount = c[place] * grid.voxel_volume_um3();
                total += amount;
                peak = std::isnan(peak) ? c[place] : std::max(peak, c[place]);
                if (has_sources && amount > 0.0) amounts.emplace_back(distances[place], amount);
            }
        }
    }
    return {total, peak, amounts.empty() ? kNone : half_radius(std::move(amounts), total)};
}

std::vector<double> secretion(const Readout& readout, const Simulation& simulation, Context& context) {
    const auto flux = [&](std::size_t i) {
        const CellExchange exchange = simulation.exchange_of(i, readout.substance);
        return static_cast<double>(exchange.secretion) - static_cast<double>(exchange.clearance - exchange.uptake) * concentration_at(simulation, i, readout.substance);
    };
    const auto net = [&](std::size_t i) {
        const CellExchange exchange = simulation.exchange_of(i, readout.substance);
        return static_cast<double>(exchange.secretion) - static_cast<double>(exchange.clearance) * concentration_at(simulation, i, readout.substance);
    };
    return {sum_cells(simulation, readout, context, flux), sum_cells(simulation, readout, context, net)};
}

std::vector<double> clearance(const Readout& readout, const Simulation& simulation, Context& context) {
    const double taken_up = sum_cells(simulation, readout, context, [&](std::size_t i) {
        return static_cast<double>(simulation.exchange_of(i, readout.substance).uptake) * concentration_at(simulation, i, readout.substance);
    });
    const double amount = simulation.field().total(readout.substance, context);
    const double lost = taken_up + simulation.field().substance(readout.substance).decay_per_min * amount;
    const double half_life = lost > 0.0 ? std::numbers::ln2 * amount / lost : amount > 0.0 ? std::numeric_limits<double>::infinity() : kNone;
    return {taken_up, half_life, readout.others.empty() ? kNone : count_contacts(readout, simulation, context)};
}

}  // namespace morula::simulation::readout_detail
