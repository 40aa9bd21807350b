// SIMD kernels of mechanics: who is near, and the forces of neighbours.
#pragma once

#include <algorithm>
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
/// Sum over a list of n_groups * 4 neighbours, four at a time. affinity_row: of the agent's type towards each type.
Force force_on(const ForceRecord& self, const ForceRecord* records, const std::uint32_t* list, std::int64_t n_groups, const float* affinity_row);
/// The same, written plainly and in double, with affinity(j) of the pair of the agent and number j; asked only for those within reach.
template <class Affinity>
Force force_on_each(const ForceRecord& self, const ForceRecord* records, const std::uint32_t* list, std::int64_t n_groups, const Affinity& affinity) {
    double x = 0.0, y = 0.0, z = 0.0, overlap = 0.0;
    for (std::int64_t k = 0; k < 4 * n_groups; ++k) {
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
Force force_on_plain(const ForceRecord& self, const ForceRecord* records, const std::uint32_t* list, std::int64_t n_groups, const float* affinity_row);
/// Stands for nobody: too far away to act.
ForceRecord nobody();

}  // namespace morula::simulation::mechanics_simd
