// How cells crowd where they are put: what their neighbours' pushes would do to them in one step, and how much of the room around them is filled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "morula/core/context.hpp"
#include "morula/simulation/agents.hpp"
#include "morula/simulation/model.hpp"

namespace morula::simulation {

/// What one agent meets where it stands.
struct Crowd {
    std::size_t agent = 0;
    double radius_um = 0.0;
    std::int64_t n_overlapping = 0;  // others nearer than both radii together
    double push_um = 0.0;            // how far their repulsion moves it in the first mechanics step, Euler's
    /// Volume (flat: area) of the cells whose middles lie within three of the largest radius, over that of the ball (disc): .7 in tissue as templates pack it, 1 / 27 (1 / 9) alone.
    double packing = 0.0;
};

/// Mechanics cannot tell cells apart above this packing: each would be pushed by hundreds at once, and their lists would not end.
inline constexpr double kMostPacking = 20.0;

struct Crowding {
    /// The first agent, in the order of the arrays, that would be pushed further than its own radius in one step, or stands in a packing above kMostPacking.
    std::optional<Crowd> beyond_mechanics{};
    Crowd densest{};  // the first of the highest packing; of no meaning where one is beyond mechanics
};

/// model: box, types, mechanics step. Agents without a radius have that of their type's volume; none are at the same place. Cost O(agents times neighbours), 24 bytes an agent. The same for any number of threads.
Crowding find_crowding(const Model& model, const Agents& agents, Context& context);

}  // namespace morula::simulation
