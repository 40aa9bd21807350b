// The cells that benchmarks of the simulation begin with.
#pragma once

#include <array>
#include <cstdint>

#include "morula/core/random.hpp"
#include "morula/simulation/agents.hpp"

namespace morula::bench {

/// Cells of four types on a cubic lattice, shaken, as tissue after a division or two. radius: um; 0: their life begins with the simulation.
inline simulation::Agents shaken_lattice(std::int64_t a_side, double spacing, float radius) {
    simulation::Agents agents;
    for (std::int64_t i = 0; i < a_side * a_side * a_side; ++i) {
        Random random(1, Purpose::test, static_cast<std::uint64_t>(i), 0);
        const auto place = [&](std::int64_t at) { return spacing * (static_cast<double>(at) + 0.25 + 0.5 * random.uniform()); };
        const std::array<double, 3> position{place(i % a_side), place(i / a_side % a_side), place(i / a_side / a_side)};
        simulation::add_agent(agents, simulation::first_id(i), static_cast<std::uint16_t>(random.below(4)), position, radius);
    }
    return agents;
}

}  // namespace morula::bench
