#include "morula/simulation/mechanics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/simulation/directions.hpp"

namespace morula::simulation {
namespace {

constexpr std::int64_t kBlockAgents = 16'384;

/// sum (1 - d / R)^2 of 12 neighbours as far apart as in a plane of hexagons: 12 (1 - sqrt(pi / (2 sqrt 3)))^2.
const double kConfluentOverlap = 12.0 * std::pow(1.0 - std::sqrt(std::numbers::pi / (2.0 * std::numbers::sqrt3)), 2.0);

void check_number(std::string_view what, double value, double least) {
    if (!(value >= least) || !std::isfinite(value)) invalid_data(fmt::format("Mechanics: {} is {}.", what, value), fmt::format("Give a number of at least {}.", least));
}

std::vector<float> reach_factors(const std::vector<CellMechanics>& types) {
    std::vector<float> factors;
    for (const CellMechanics& type : types) factors.push_back(static_cast<float>(type.adhesion_reach));
    return factors;
}

/// Steps until the next turn, 1 or more: geometric with the probability of a turn a step.
std::uint32_t steps_to_turn(Random& random, double probability) {
    if (probability >= 1.0) return 1;
    const double steps = 1.0 + std::floor(std::log1p(-random.uniform()) / std::log1p(-probability));
    return static_cast<std::uint32_t>(std::min(steps, 1e9));
}

}  // namespace

Mechanics::Mechanics(const Grid& box, std::vector<CellMechanics> types, std::vector<double> affinity, const MechanicsOptions& options)
    : box_(box), types_(std::move(types)), affinity_(affinity.begin(), affinity.end()), options_(options), lists_(options.skin_um, reach_factors(types_)) {
    check_grid(box_);
    check_number("the step (min)", options_.dt_min, std::numeric_limits<double>::min());
    check_number("the skin (um)", options_.skin_um, std::numeric_limits<double>::min());
    for (const CellMechanics& type : types_) {
        check_number("a repulsion (um/min)", type.repulsion_um_per_min, 0.0);
        check_number("an adhesion (um/min)", type.adhesion_um_per_min, 0.0);
        check_number("the reach of an adhesion (radii)", type.adhesion_reach, 1.0);
        check_number("a speed (um/min)", type.speed_um_per_min, 0.0);
        check_number("a persistence (min)", type.persistence_min, 0.0);
        check_number("the bias of a motility", type.bias, 0.0);
        if (type.bias > 1.0) invalid_data(fmt::format("Mechanics: the bias of a motility is {}.", type.bias), "Give a number from 0 to 1.");
    }
    if (affinity_.empty()) affinity_.assign(types_.size() * types_.size(), 1.0F);
    if (affinity_.size() != types_.size() * types_.size()) {
        invalid_data(fmt::format("Mechanics: the table of affinities has {} entries for {} types.", affinity_.size(), types_.size()), "Give one for each pair of types.");
    }
    for (const float value : affinity_) check_number("an affinity", static_cast<double>(value), 0.0);
    // What acts on a pair is the geometric mean of both affinities.
    const std::vector<float> given(affinity_);
    for (std::size_t a = 0; a < types_.size(); ++a) {
        for (std::size_t b = 0; b < types_.size(); ++b) affinity_[a * types_.size() + b] = std::sqrt(given[a * types_.size() + b] * given[b * types_.size() + a]);
    }
}

void Mechanics::check_step(const Agents& agents) const {
    double limit = std::numeric_limits<double>::infinity();
    float radius = 0.0F;
    for (std::size_t i = 0; i < agents.radius.size(); ++i) {
        const double here = static_cast<double>(agents.radius[i]) / (2.0 * types_[agents.type[i]].repulsion_um_per_min);
        if (here >= limit) continue;
        limit = here;
        radius = agents.radius[i];
    }
    if (options_.dt_min > limit) {
        invalid_data(fmt::format("The mechanics step of {} min is too long: agents of radius {} um would overshoot above {:.3g} min.", options_.dt_min, radius, limit),
                     fmt::format("Give a mechanics step of at most {:.3g} min.", limit));
    }
}

void Mechanics::record_agents(const Agents& agents, Context& context) {
    records_.resize(static_cast<std::size_t>(agents.size() + 1));
    records_.back() = mechanics_simd::nobody();
    std::vector<std::array<float, 2>> strength;
    for (const CellMechanics& type : types_) {
        strength.push_back({static_cast<float>(std::sqrt(type.repulsion_um_per_min)), static_cast<float>(std::sqrt(type.adhesion_um_per_min))});
    }
    parallel_blocks(context, agents.size(), kBlockAgents, [&](Block block) {
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            const auto& [repulsion, adhesion] = strength[agents.type[i]];
            // From the middle of the box, where floats are finest.
            const auto from_middle = [&](std::size_t axis, double position) { return static_cast<float>(position - box_.origin_um[axis] - 0.5 * box_.size_um(static_cast<int>(axis))); };
            records_[i] = {from_middle(0, agents.x[i]), from_middle(1, agents.y[i]), from_middle(2, agents.z[i]), agents.radius[i], lists_.reach(agents, i), repulsion, adhesion, agents.type[i]};
        }
    });
}

void Mechanics::turn(Agents& agents, std::size_t i, const Field* fields, std::uint64_t seed, std::uint32_t step) const {
    const CellMechanics& type = types_[agents.type[i]];
    const double speed = std::max(0.0, type.speed_um_per_min + static_cast<double>(agents.speed_change[i]));
    if (speed == 0.0) agents.migration_x[i] = agents.migration_y[i] = agents.migration_z[i] = 0.0F;
    if (speed == 0.0 || step < agents.next_turn[i]) return;
    Random random(seed, Purpose::simulation_motility, agents.id[i], step);
    std::array<double, 3> direction = random_direction(random, box_.dimensions());
    if (type.chemotaxis_substance >= 0 && type.bias > 0.0) {
        MORULA_ASSERT(fields != nullptr);
        const Grid& grid = fields->grid();
        const std::array<double, 3> slope = fields->gradient(type.chemotaxis_substance, {nearest_voxel(grid, 0, agents.x[i]), nearest_voxel(grid, 1, agents.y[i]), nearest_voxel(grid, 2, agents.z[i])});
        const double steepness = std::sqrt(slope[0] * slope[0] + slope[1] * slope[1] + slope[2] * slope[2]);
        const double up = steepness > 0.0 ? type.bias * type.chemotaxis_sign / steepness : 0.0;
        for (std::size_t axis = 0; axis < 3; ++axis) direction[axis] = (1.0 - type.bias) * direction[axis] + up * slope[axis];
    }
    const double length = std::sqrt(direction[0] * direction[0] + direction[1] * direction[1] + direction[2] * direction[2]);
    const double scale = length > 0.0 ? speed / length : 0.0;
    agents.migration_x[i] = static_cast<float>(scale * direction[0]);
    agents.migration_y[i] = static_cast<float>(scale * direction[1]);
    agents.migration_z[i] = static_cast<float>(scale * direction[2]);
    const double probability = type.persistence_min > options_.dt_min ? options_.dt_min / type.persistence_min : 1.0;
    agents.next_turn[i] = step + steps_to_turn(random, probability);
}

float Mechanics::move(Agents& agents, std::size_t i, const mechanics_simd::Force& force) const {
    const double dt = options_.dt_min;
    const double now = agents.has_moved[i] != 0 ? 1.5 * dt : dt;
    const double before = agents.has_moved[i] != 0 ? -0.5 * dt : 0.0;
    const auto along = [&](std::size_t axis, float speed, float& last, double& position) {
        const double low = box_.origin_um[axis];
        const double high = low + box_.size_um(static_cast<int>(axis));
        position = std::clamp(position + (now * static_cast<double>(speed) + before * static_cast<double>(last)), low, high);
        last = speed;
    };
    along(0, force.x + agents.migration_x[i], agents.velocity_x[i], agents.x[i]);
    along(1, force.y + agents.migration_y[i], agents.velocity_y[i], agents.y[i]);
    along(2, force.z + agents.migration_z[i], agents.velocity_z[i], agents.z[i]);
    agents.pressure[i] = force.overlap * static_cast<float>(1.0 / kConfluentOverlap);
    agents.has_moved[i] = 1;
    return lists_.shift(agents, i);
}

MechanicsStep Mechanics::step(Agents& agents, const Field* fields, std::uint64_t seed, std::uint32_t step, Context& context) {
    MechanicsStep done;
    if (!lists_.is_built()) {
        lists_.build(agents, context);
        done.built_lists = true;
    }
    record_agents(agents, context);
    std::vector<float> shifts(static_cast<std::size_t>((agents.size() + kListChunk - 1) / kListChunk), 0.0F);
    parallel_blocks(context, agents.size(), kListChunk, [&](Block block) {
        const ListChunk& chunk = lists_.chunk(block.index);
        for (std::int64_t i = block.begin; i < block.end; ++i) {
            const auto a = static_cast<std::size_t>(i);
            const auto l = static_cast<std::size_t>(i - block.begin);
            turn(agents, a, fields, seed, step);
            const mechanics_simd::Force force = mechanics_simd::force_on(records_[a], records_.data(), chunk.list.data() + std::size_t{chunk.begin[l]} * kListGroup,
                                                                         chunk.begin[l + 1] - chunk.begin[l], affinity_.data() + agents.type[a] * types_.size());
            float& shift = shifts[static_cast<std::size_t>(block.index)];
            shift = std::max(shift, move(agents, a, force));
        }
    });
    for (const float shift : shifts) done.largest_shift_um = std::max(done.largest_shift_um, shift);
    // Before the next step: lists must hold at its start.
    if (done.largest_shift_um > lists_.skin_um() / 2.0F) lists_.clear();
    return done;
}

const NeighborLists& Mechanics::current_lists(Agents& agents, Context& context) {
    if (!lists_.is_built()) lists_.build(agents, context);
    return lists_;
}

std::int64_t Mechanics::bytes() const { return lists_.bytes() + static_cast<std::int64_t>(records_.capacity() * sizeof(records_[0])); }

}  // namespace morula::simulation
