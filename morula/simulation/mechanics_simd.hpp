// SIMD kernels of mechanics: who is near, the forces of neighbours, and where they move agents to.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace morula::simulation::mechanics_simd {

/// Arrays that near() reads must be this much longer than their content.
inline constexpr std::int64_t kPadding = 16;

struct Near {
    const float* x;
    const float* y;
    const float* z;
    const float* reach;
};
/// Appends to `out` the numbers in [begin, end) but `self` whose distance from agent `self` is below both reaches plus skin, ascending; returns how many.
/// out has room for end - begin + kPadding entries.
std::int64_t near(const Near& agents, std::int64_t self, std::int64_t begin, std::int64_t end, float skin, std::uint32_t* out);

/// What the force kernel reads of an agent: half a cache line.
struct alignas(32) ForceRecord {
    float x, y, z;
    float radius;
    float reach;       // of adhesion
    float repulsion;   // square root of um/min
    float adhesion;    // the same
    std::int32_t type;
};
static_assert(sizeof(ForceRecord) == 32);

struct Force {
    float x, y, z;  // um/min
    float overlap;  // sum of (1 - d / R)^2
};
/// Lists are filled up to whole groups of this many.
inline constexpr std::int64_t kListGroup = 4;
/// Floats from one row of a table of affinities to the next: rows are filled up, so that a row of few types is one vector.
constexpr std::int64_t affinity_row_size(std::int64_t n_types) { return (n_types + 7) / 8 * 8; }

/// Agents records[first], ..., records[first + n - 1], of which number l has the neighbours list[kListGroup begin[l]], ..., list[kListGroup begin[l + 1] - 1].
struct ListedAgents {
    const ForceRecord* records;
    std::int64_t first;
    std::int64_t n;
    const std::uint32_t* begin;
    const std::uint32_t* list;
};
/// One entry an agent.
struct ForceColumns {
    float* x;
    float* y;
    float* z;
    float* overlap;
};
/// Forces of their neighbours on agents, in float. affinity: n_types rows of affinity_row_size(n_types), row a how type a and each type like each other.
/// Sums have twelve parts, whatever the target: eight for the places of pairs of groups, four for those of a last group; the last four are added to the first, parts 4 to 7 to those, then these four
/// in pairs: the same bits on each target.
void forces_on(const ListedAgents& agents, const float* affinity, std::int64_t n_types, const ForceColumns& out);
/// Sum over a list of n_groups groups, written plainly and in double, with affinity(j) of the pair of the agent and number j; asked only for those within reach.
template <class Affinity>
Force force_on_each(const ForceRecord& self, const ForceRecord* records, const std::uint32_t* list, std::int64_t n_groups, const Affinity& affinity) {
    double x = 0.0, y = 0.0, z = 0.0, overlap = 0.0;
    for (std::int64_t k = 0; k < kListGroup * n_groups; ++k) {
        const ForceRecord& other = records[list[k]];
        const double dx = static_cast<double>(self.x) - static_cast<double>(other.x);
        const double dy = static_cast<double>(self.y) - static_cast<double>(other.y);
        const double dz = static_cast<double>(self.z) - static_cast<double>(other.z);
        const double distance = std::max(1e-6, std::sqrt(dx * dx + dy * dy + dz * dz));
        const double inside = std::max(0.0, 1.0 - distance / static_cast<double>(self.radius + other.radius));
        const double bound = std::max(0.0, 1.0 - distance / static_cast<double>(self.reach + other.reach));
        const double push = static_cast<double>(self.repulsion) * static_cast<double>(other.repulsion) * inside * inside;
        const double pull = bound > 0.0 ? static_cast<double>(self.adhesion) * static_cast<double>(other.adhesion) * static_cast<double>(affinity(list[k])) * bound * bound : 0.0;
        x += (push - pull) / distance * dx;
        y += (push - pull) / distance * dy;
        z += (push - pull) / distance * dz;
        overlap += inside * inside;
    }
    return {static_cast<float>(x), static_cast<float>(y), static_cast<float>(z), static_cast<float>(overlap)};
}
/// Stands for nobody: too far away to act.
ForceRecord nobody();

inline constexpr float kNoShift = -1e30F;

/// A step of motion of agents, one entry each, along x, y and z: velocity <- force + migration, position <- position + now velocity + before (velocity of the step before), within [low, high].
struct Motion {
    std::array<double*, 3> position;
    std::array<float*, 3> velocity;
    std::array<const float*, 3> force, migration;
    std::array<const float*, 3> listed_at;  // where they were, from `origin`, when lists were built
    const float* reach;
    const float* listed_reach;              // that lists were built for
    std::array<double, 3> low, high, origin;
    double now, before;                     // min
};
/// Moves the agents [begin, end). Returns their largest shift: how far one is from where it was listed, and its reach beyond what was listed (below 0 where it is less). kNoShift for nobody.
/// The same bits on each target, and as move_plain.
float move(const Motion& motion, std::int64_t begin, std::int64_t end);
/// The same, written plainly.
float move_plain(const Motion& motion, std::int64_t begin, std::int64_t end);

}  // namespace morula::simulation::mechanics_simd
