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

const float* own_values(const Agents& agents, std::int32_t array) { return array < 0 ? nullptr : agents.behavior[static_cast<std::size_t>(array)].data(); }

double own_or(const Agents& agents, std::int32_t array, std::size_t i, double of_type) {
    return array < 0 ? of_type : static_cast<double>(agents.behavior[static_cast<std::size_t>(array)][i]);
}

double length_of(const std::array<double, 3>& v) { return std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]); }

/// Steps until the next turn, 1 or more: geometric with the probability of a turn a step.
std::uint32_t steps_to_turn(Random& random, double probability) {
    if (probability >= 1.0) return 1;
    const double steps = 1.0 + std::floor(std::log1p(-random.uniform()) / std::log1p(-probability));
    return static_cast<std::uint32_t>(std::min(steps, 1e9));
}

}  // namespace

double longest_step_min(double radius_um, double repulsion_um_per_min) { return radius_um / (2.0 * repulsion_um_per_min); }

Mechanics::Mechanics(const Grid& box, std::vector<CellMechanics> types, std::vector<double> affinity, const MechanicsOptions& options) : box_(box), options_(options), lists_(options.skin_um, {}) {
    check_grid(box_);
    check_number("the step (min)", options_.dt_min, std::numeric_limits<double>::min());
    check_number("the skin (um)", options_.skin_um, std::numeric_limits<double>::min());
    lists_.use_own_reach(options_.own.reach);
    set_types(std::move(types), std::move(affinity));
}

void Mechanics::set_types(std::vector<CellMechanics> types, std::vector<double> affinity) {
    for (const CellMechanics& type : types) {
        check_number("a repulsion (um/min)", type.repulsion_um_per_min, 0.0);
        check_number("an adhesion (um/min)", type.adhesion_um_per_min, 0.0);
        check_number("the reach of an adhesion (radii)", type.adhesion_reach, 1.0);
        check_number("a speed (um/min)", type.speed_um_per_min, 0.0);
        check_number("a persistence (min)", type.persistence_min, 0.0);
        check_number("the bias of a motility", type.bias, 0.0);
        if (type.bias > 1.0) invalid_data(fmt::format("Mechanics: the bias of a motility is {}.", type.bias), "Give a number from 0 to 1.");
    }
    const std::size_t n = types.size();
    given_affinity_.assign(affinity.begin(), affinity.end());
    if (affinity.empty()) given_affinity_.assign(n * n, 1.0F);
    if (given_affinity_.size() != n * n) invalid_data(fmt::format("Mechanics: the table of affinities has {} entries for {} types.", affinity.size(), n), "Give one for each pair of types.");
    for (const float value : given_affinity_) check_number("an affinity", static_cast<double>(value), 0.0);
    // What acts on a pair is the geometric mean of both affinities.
    const auto row = static_cast<std::size_t>(mechanics_simd::affinity_row_size(static_cast<std::int64_t>(n)));
    affinity_.assign(n * row, 0.0F);
    for (std::size_t a = 0; a < n; ++a) {
        for (std::size_t b = 0; b < n; ++b) affinity_[a * row + b] = std::sqrt(given_affinity_[a * n + b] * given_affinity_[b * n + a]);
    }
    lists_.set_reach_factors(reach_factors(types));
    types_ = std::move(types);
}

void Mechanics::check_step(const Agents& agents) const {
    double limit = std::numeric_limits<double>::infinity();
    float radius = 0.0F;
    for (std::size_t i = 0; i < agents.radius.size(); ++i) {
        const double here = longest_step_min(static_cast<double>(agents.radius[i]), types_[agents.type[i]].repulsion_um_per_min);
        if (here >= limit) continue;
        limit = here;
        radius = agents.radius[i];
    }
    if (options_.dt_min > limit) {
        invalid_data(fmt::format("The mechanics step of {} min is too long: agents of radius {} um would overshoot above {:.3g} min.", options_.dt_min, radius, limit),
                     fmt::format("Give a mechanics step of at most {:.3g} min.", limit));
    }
}

/// Of the box, where floats are finest.
std::array<float, 3> Mechanics::from_middle(const Agents& agents, std::size_t i) const {
    const auto along = [&](std::size_t axis, double position) { return static_cast<float>(position - box_.origin_um[axis] - 0.5 * box_.size_um(static_cast<int>(axis))); };
    return {along(0, agents.x[i]), along(1, agents.y[i]), along(2, agents.z[i])};
}

void Mechanics::record_agents(const Agents& agents, Context& context) {
    records_ = std::get<0>(workspace_.lend<mechanics_simd::ForceRecord>(agents.size() + 1));
    records_.back() = mechanics_simd::nobody();
    std::vector<std::array<float, 2>> strength;
    for (const CellMechanics& type : types_) {
        strength.push_back({static_cast<float>(std::sqrt(type.repulsion_um_per_min)), static_cast<float>(std::sqrt(type.adhesion_um_per_min))});
    }
    const float* own_repulsion = own_values(agents, options_.own.repulsion);
    const float* own_adhesion = own_values(agents, options_.own.adhesion);
    parallel_blocks(context, agents.size(), kBlockAgents, [&](Block block) {
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            auto [repulsion, adhesion] = strength[agents.type[i]];
            if (own_repulsion != nullptr) repulsion = std::sqrt(own_repulsion[i]);
            if (own_adhesion != nullptr) adhesion = std::sqrt(own_adhesion[i]);
            const auto [x, y, z] = from_middle(agents, i);
            records_[i] = {x, y, z, agents.radius[i], lists_.reach(agents, i), repulsion, adhesion, agents.type[i]};
        }
    });
}

std::array<double, 3> Mechanics::slope_at(const Agents& agents, std::size_t i, const Field& field, std::int32_t substance) const {
    const Grid& grid = field.grid();
    return field.gradient(substance, {nearest_voxel(grid, 0, agents.x[i]), nearest_voxel(grid, 1, agents.y[i]), nearest_voxel(grid, 2, agents.z[i])});
}

/// Unit vector of where an agent would go by its gradients; 0 where they are flat.
std::array<double, 3> Mechanics::heading(const Agents& agents, std::size_t i, const Field* fields) const {
    const CellMechanics& type = types_[agents.type[i]];
    std::array<double, 3> sum{};
    const auto follow = [&](std::int32_t substance, double response) {
        if (response == 0.0) return;
        MORULA_ASSERT(fields != nullptr);
        const std::array<double, 3> slope = slope_at(agents, i, *fields, substance);
        const double steepness = length_of(slope);
        for (std::size_t axis = 0; axis < 3 && steepness > 0.0; ++axis) sum[axis] += response * slope[axis] / steepness;
    };
    const std::vector<std::int32_t>& own = options_.own.chemotaxis;
    if (own.empty()) {
        if (type.chemotaxis_substance >= 0) follow(type.chemotaxis_substance, type.chemotaxis_sign);
    } else {
        for (std::int32_t s = 0; s < static_cast<std::int32_t>(own.size()); ++s) follow(s, own_or(agents, own[static_cast<std::size_t>(s)], i, s == type.chemotaxis_substance ? type.chemotaxis_sign : 0.0));
    }
    const double length = length_of(sum);
    for (double& along : sum) along = length > 0.0 ? along / length : 0.0;
    return sum;
}

void Mechanics::turn(Agents& agents, std::size_t i, const Field* fields, std::uint64_t seed, std::uint32_t step) const {
    const CellMechanics& type = types_[agents.type[i]];
    const OwnMechanics& own = options_.own;
    // Own values of the dead are 0 unless a rule for the dead says otherwise.
    const double speed = own_or(agents, own.speed, i, agents.death[i] == Death::none ? type.speed_um_per_min : 0.0);
    if (speed == 0.0) {
        // Written only where there is something to write: most agents never crawl.
        if (agents.migration_x[i] != 0.0F || agents.migration_y[i] != 0.0F || agents.migration_z[i] != 0.0F) agents.migration_x[i] = agents.migration_y[i] = agents.migration_z[i] = 0.0F;
        return;
    }
    if (step < agents.next_turn[i]) return;
    Random random(seed, Purpose::simulation_motility, agents.id[i], step);
    std::array<double, 3> direction = random_direction(random, box_.dimensions());
    const double bias = own_or(agents, own.bias, i, type.bias);
    if (bias > 0.0 && (type.chemotaxis_substance >= 0 || !own.chemotaxis.empty())) {
        const std::array<double, 3> up = heading(agents, i, fields);
        for (std::size_t axis = 0; axis < 3; ++axis) direction[axis] = (1.0 - bias) * direction[axis] + bias * up[axis];
    }
    const double length = length_of(direction);
    const double scale = length > 0.0 ? speed / length : 0.0;
    agents.migration_x[i] = static_cast<float>(scale * direction[0]);
    agents.migration_y[i] = static_cast<float>(scale * direction[1]);
    agents.migration_z[i] = static_cast<float>(scale * direction[2]);
    const double persistence = own_or(agents, own.persistence, i, type.persistence_min);
    const double probability = persistence > options_.dt_min ? options_.dt_min / persistence : 1.0;
    agents.next_turn[i] = step + steps_to_turn(random, probability);
}

/// Forces on the agents of a chunk of lists.
struct Mechanics::ChunkScratch {
    std::array<float, kListChunk> x, y, z, overlap, reach;
};

void Mechanics::find_forces(const Agents& agents, Block block, ChunkScratch& out) const {
    const ListChunk& chunk = lists_.chunk(block.index);
    const auto n_types = static_cast<std::int64_t>(types_.size());
    const std::vector<std::int32_t>& own = options_.own.affinity;
    if (own.empty()) {
        mechanics_simd::forces_on({records_.data(), block.begin, block.size(), chunk.begin.data(), chunk.list.data()}, affinity_.data(), n_types, {out.x.data(), out.y.data(), out.z.data(), out.overlap.data()});
        return;
    }
    const auto towards = [&](std::size_t agent, std::size_t type) { return own_or(agents, own[type], agent, static_cast<double>(given_affinity_[agents.type[agent] * types_.size() + type])); };
    for (std::size_t l = 0; l < static_cast<std::size_t>(block.size()); ++l) {
        const std::size_t i = static_cast<std::size_t>(block.begin) + l;
        const auto affinity = [&](std::uint32_t j) { return std::sqrt(towards(i, agents.type[j]) * towards(j, agents.type[i])); };
        const mechanics_simd::Force force =
            mechanics_simd::force_on_each(records_[i], records_.data(), chunk.list.data() + std::size_t{chunk.begin[l]} * kListGroup, std::int64_t{chunk.begin[l + 1]} - std::int64_t{chunk.begin[l]}, affinity);
        out.x[l] = force.x;
        out.y[l] = force.y;
        out.z[l] = force.z;
        out.overlap[l] = force.overlap;
    }
}

/// Moves the agents of a chunk by their forces; returns their largest shift.
float Mechanics::move(Agents& agents, Block block, ChunkScratch& forces) const {
    const auto begin = static_cast<std::size_t>(block.begin), n = static_cast<std::size_t>(block.size());
    for (std::size_t l = 0; l < n; ++l) {
        forces.reach[l] = records_[begin + l].reach;
        agents.pressure[begin + l] = forces.overlap[l] * static_cast<float>(1.0 / kConfluentOverlap);
    }
    mechanics_simd::Motion motion{.position = {&agents.x[begin], &agents.y[begin], &agents.z[begin]},
                                  .velocity = {&agents.velocity_x[begin], &agents.velocity_y[begin], &agents.velocity_z[begin]},
                                  .force = {forces.x.data(), forces.y.data(), forces.z.data()},
                                  .migration = {&agents.migration_x[begin], &agents.migration_y[begin], &agents.migration_z[begin]},
                                  .listed_at = {},
                                  .reach = forces.reach.data(),
                                  .listed_reach = lists_.listed_reach() + begin,
                                  .low = box_.origin_um,
                                  .high = {},
                                  .origin = lists_.listed_origin(),
                                  .now = 1.5 * options_.dt_min,
                                  .before = -0.5 * options_.dt_min};
    for (std::size_t axis = 0; axis < 3; ++axis) {
        motion.listed_at[axis] = lists_.listed_at()[axis] + begin;
        motion.high[axis] = motion.low[axis] + box_.size_um(static_cast<int>(axis));
    }
    const auto first_time = std::find(agents.has_moved.begin() + block.begin, agents.has_moved.begin() + block.end, std::uint8_t{0});
    if (first_time == agents.has_moved.begin() + block.end) return mechanics_simd::move(motion, 0, block.size());
    // Some move for the first time: by Euler's step.
    float largest = mechanics_simd::kNoShift;
    for (std::size_t l = 0; l < n; ++l) {
        std::uint8_t& has_moved = agents.has_moved[begin + l];
        motion.now = has_moved != 0 ? 1.5 * options_.dt_min : options_.dt_min;
        motion.before = has_moved != 0 ? -0.5 * options_.dt_min : 0.0;
        largest = std::max(largest, mechanics_simd::move_plain(motion, static_cast<std::int64_t>(l), static_cast<std::int64_t>(l) + 1));
        has_moved = 1;
    }
    return largest;
}

MechanicsStep Mechanics::step(Agents& agents, const Field* fields, std::uint64_t seed, std::uint32_t step, Context& context) {
    MechanicsStep done;
    if (!lists_.is_built()) {
        lists_.build(agents, workspace_, context);
        done.built_lists = true;
    }
    record_agents(agents, context);
    std::vector<float> shifts(static_cast<std::size_t>((agents.size() + kListChunk - 1) / kListChunk), 0.0F);
    parallel_blocks(context, agents.size(), kListChunk, [&](Block block) {
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) turn(agents, i, fields, seed, step);
        ChunkScratch forces;
        find_forces(agents, block, forces);
        shifts[static_cast<std::size_t>(block.index)] = move(agents, block, forces);
    });
    for (const float shift : shifts) done.largest_shift_um = std::max(done.largest_shift_um, shift);
    // Before the next step: lists must hold at its start.
    if (done.largest_shift_um > lists_.skin_um() / 2.0F) lists_.clear();
    return done;
}

const NeighborLists& Mechanics::current_lists(Agents& agents, Context& context) {
    if (!lists_.is_built()) lists_.build(agents, workspace_, context);
    return lists_;
}

std::pair<Contacts, std::span<float>> Mechanics::contacts(Agents& agents, std::int64_t n_beside, Context& context) {
    current_lists(agents, context);
    const auto lent = workspace_.lend<ContactRecord, float>(agents.size() + 1, n_beside);
    const std::span<ContactRecord> records = std::get<0>(lent);
    const mechanics_simd::ForceRecord nobody = mechanics_simd::nobody();
    records.back() = {nobody.x, nobody.y, nobody.z, nobody.reach};
    parallel_blocks(context, agents.size(), kBlockAgents, [&](Block block) {
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            const auto [x, y, z] = from_middle(agents, i);
            records[i] = {x, y, z, lists_.reach(agents, i)};
        }
    });
    return {Contacts(lists_, records), std::get<1>(lent)};
}

std::int64_t Mechanics::bytes() const { return lists_.bytes() + workspace_.bytes(); }

}  // namespace morula::simulation
