// The cells of a simulated tissue as arrays, one entry an agent, and how they are born, divide and leave.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/huge_pages.hpp"

namespace morula::simulation {

/// Memory of an agent in tissue, its lists included, without an expression state; bench_tissue measures 306 with all rules on.
inline constexpr std::int64_t kBytesAnAgent = 340;

enum class Death : std::uint8_t { none, apoptotic, necrotic };

/// Lengths in um, times in min. Agents are known by id; their place in the arrays changes whenever they are sorted.
struct Agents {
    std::vector<std::uint64_t> id;
    std::vector<std::uint64_t> parent;      // id of the mother; 0: there from the start
    std::vector<std::uint32_t> divisions;   // of this agent so far: with its id, the source of its daughters' ids
    std::vector<std::uint32_t> next_turn;   // mechanics step at which a motile agent takes a new direction
    std::vector<std::uint16_t> type;
    std::vector<std::uint8_t> has_moved;    // 0: has no velocity of a step before
    std::vector<double> x, y, z;            // in double: slow agents move by less than a float's last digit a step
    std::vector<float> radius;
    std::vector<float> velocity_x, velocity_y, velocity_z;     // of the last step
    std::vector<float> migration_x, migration_y, migration_z;  // the part that motility adds
    std::vector<float> pressure;            // see Mechanics
    std::vector<std::uint8_t> phase;        // of the type's Life
    std::vector<float> phase_min;           // time in the phase
    std::vector<float> fluid, nucleus, cytoplasm;  // um^3; nucleus and cytoplasm: solids
    std::vector<float> target_nucleus;      // um^3 that the nucleus grows or shrinks to
    std::vector<float> rupture_volume;      // um^3 at which a necrotic agent bursts
    std::vector<std::uint32_t> expression;  // number of its state in ExpressionStates; 0: none. Daughters hold their mother's until states are settled
    std::vector<Death> death;               // how the agent died, from its phase
    std::vector<float> damage;              // by attacks and else, less what was repaired
    std::vector<float> attacked_min;        // time under attack
    std::vector<std::vector<float>> behavior;  // what rules made of behaviours at the last strike of the life clock; see Behaviors

    std::int64_t size() const { return static_cast<std::int64_t>(id.size()); }

    /// Every array above but those of `behavior`, of which a model has as many as its rules need.
    static constexpr auto columns() {
        using A = Agents;
        return std::tuple{&A::id, &A::parent, &A::divisions, &A::next_turn, &A::type, &A::has_moved, &A::x, &A::y, &A::z, &A::radius, &A::velocity_x, &A::velocity_y, &A::velocity_z,
                          &A::migration_x, &A::migration_y, &A::migration_z, &A::pressure, &A::phase, &A::phase_min, &A::fluid, &A::nucleus, &A::cytoplasm, &A::target_nucleus, &A::rupture_volume, &A::death, &A::damage,
                          &A::attacked_min, &A::expression};
    }
    /// body(values) for every array: sorting, adding, removing, hashing and saving go through here.
    template <class Body>
    void for_each_column(const Body& body) {
        std::apply([&](const auto... column) { (body(this->*column), ...); }, columns());
        for (auto& values : behavior) body(values);
    }
    template <class Body>
    void for_each_column(const Body& body) const {
        std::apply([&](const auto... column) { (body(this->*column), ...); }, columns());
        for (const auto& values : behavior) body(values);
    }
    /// With the room that arrays have for agents to come.
    std::int64_t bytes() const;
};

/// Id of the daughter that agent `parent` makes in its division number `division` (from 0): the same whatever else happens. Never 0.
std::uint64_t daughter_id(std::uint64_t parent, std::uint32_t division);
/// Id of agent number `index` of a start layout. Never 0.
std::uint64_t first_id(std::int64_t index);
/// Id of agent number `index` of injection number `injection`. Never 0.
std::uint64_t injected_id(std::int64_t injection, std::int64_t index);

/// Adds one agent at rest; everything not given is 0.
void add_agent(Agents& agents, std::uint64_t id, std::uint16_t type, std::array<double, 3> position, float radius);

/// Resizes an array over agents. Where it must grow it gets room for a sixty-fourth more: births come a few at a time, and doubling would hold twice the memory.
template <class T>
void resize_with_room(std::vector<T>& values, std::size_t n) {
    if (n > values.capacity()) matrix::reserve_large(values, static_cast<std::int64_t>(n + n / 64));
    values.resize(n);
}

/// Puts agent order[i] at place i. order: a permutation of all agents. spare: one entry an agent: one column at a time goes there and back, a second pass that costs less than
/// a spare of each type would take (28 bytes).
void sort_agents(Agents& agents, std::span<const std::uint32_t> order, std::span<std::uint64_t> spare, Context& context);

/// What befell agents (their places in the arrays) in one step, in any order; an agent stands in at most one list.
struct PopulationEvents {
    std::vector<std::uint32_t> dividing;
    std::vector<std::uint32_t> leaving;
    std::vector<std::uint32_t> dying{};  // in this step; they stay as dead cells
};

enum class Space { flat, solid };

/// Applies events in the order of ids: daughters are added at the end, then those who leave are taken out; the order of the rest stays.
/// A mother keeps its id and becomes one of two halves: each has half of its volume, both lie inside its outline, touching it from within, on a random axis
/// (in the plane where space is flat). Random numbers: (seed, id of the mother, step). Returns the ids of the daughters.
std::vector<std::uint64_t> apply_events(Agents& agents, PopulationEvents events, Space space, std::uint64_t seed, std::uint32_t step);

}  // namespace morula::simulation
