#include "morula/simulation/crowding.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <compare>
#include <limits>
#include <vector>

#include "morula/core/parallel.hpp"
#include "morula/simulation/life.hpp"

namespace morula::simulation {
namespace {

constexpr std::int64_t kBlockAgents = 1'024;
constexpr std::int64_t kBytesAPlace = 24;
constexpr double kLookRadii = 3.0;

/// Cubes as wide as agents look far; sorted, so that the agents of three cubes along x lie one behind the other.
struct Placed {
    std::array<std::int32_t, 3> cube;  // z, y, x
    std::uint32_t agent;
    auto operator<=>(const Placed&) const = default;
};

class Crowds {
public:
    Crowds(const Model& model, const Agents& agents) : model_(model), agents_(agents) {
        double largest = 0.0;
        for (std::size_t i = 0; i < agents.id.size(); ++i) {
            const double own = static_cast<double>(agents.radius[i]);
            radius_.push_back(static_cast<float>(own > 0.0 ? own : radius_of_volume(model.types[agents.type[i]].life.volume_um3)));
            largest = std::max(largest, static_cast<double>(radius_.back()));
        }
        look_um_ = kLookRadii * largest;
        for (std::size_t i = 0; i < agents.id.size(); ++i) placed_.push_back({cube_of(i), static_cast<std::uint32_t>(i)});
        std::sort(placed_.begin(), placed_.end());
    }

    Crowd at(std::size_t i) const {
        Crowd crowd{.agent = i, .radius_um = static_cast<double>(radius_[i])};
        std::array<double, 3> push{};
        double filled = size_of(i);
        const auto [z, y, x] = cube_of(i);
        for (std::int32_t dz = -1; dz <= 1; ++dz) {
            for (std::int32_t dy = -1; dy <= 1; ++dy) {
                const std::array<std::int32_t, 3> last{z + dz, y + dy, x + 1};
                for (auto other = std::lower_bound(placed_.begin(), placed_.end(), Placed{{z + dz, y + dy, x - 1}, 0}); other != placed_.end() && other->cube <= last; ++other) {
                    if (other->agent != i) meet(i, other->agent, crowd, push, filled);
                }
            }
        }
        crowd.push_um = std::hypot(push[0], push[1], push[2]) * model_.clocks.mechanics_min;
        crowd.packing = filled / std::pow(look_um_, model_.box.dimensions());
        return crowd;
    }

private:
    std::array<std::int32_t, 3> cube_of(std::size_t i) const {
        const auto along = [&](std::size_t axis, double at) { return static_cast<std::int32_t>(std::min(1e9, (at - model_.box.origin_um[axis]) / look_um_)); };
        return {along(2, agents_.z[i]), along(1, agents_.y[i]), along(0, agents_.x[i])};
    }
    /// Volume or area, less the factor that all balls or discs have.
    double size_of(std::size_t i) const {
        const double r = static_cast<double>(radius_[i]);
        return model_.box.is_flat() ? r * r : r * r * r;
    }
    double repulsion(std::size_t i) const { return model_.types[agents_.type[i]].mechanics.repulsion_um_per_min; }

    void meet(std::size_t i, std::size_t j, Crowd& crowd, std::array<double, 3>& push, double& filled) const {
        const std::array<double, 3> from{agents_.x[i] - agents_.x[j], agents_.y[i] - agents_.y[j], agents_.z[i] - agents_.z[j]};
        const double squared = from[0] * from[0] + from[1] * from[1] + from[2] * from[2];
        if (squared > look_um_ * look_um_) return;
        filled += size_of(j);
        const double distance = std::sqrt(squared), both = static_cast<double>(radius_[i]) + static_cast<double>(radius_[j]);
        if (distance >= both || distance == 0.0) return;
        ++crowd.n_overlapping;
        const double inside = 1.0 - distance / both;
        const double speed = std::sqrt(repulsion(i) * repulsion(j)) * inside * inside;
        for (std::size_t axis = 0; axis < 3; ++axis) push[axis] += speed * from[axis] / distance;
    }

    const Model& model_;
    const Agents& agents_;
    std::vector<float> radius_;
    double look_um_ = 0.0;
    std::vector<Placed> placed_;
};

}  // namespace

Crowding find_crowding(const Model& model, const Agents& agents, Context& context) {
    const std::int64_t n = agents.size();
    if (n == 0) return {};
    context.require_memory(kBytesAPlace * n, "the search for crowded cells");
    const Crowds crowds(model, agents);
    std::vector<Crowding> parts(static_cast<std::size_t>((n + kBlockAgents - 1) / kBlockAgents));
    std::atomic<std::int64_t> first_beyond{std::numeric_limits<std::int64_t>::max()};  // block
    parallel_blocks(context, n, kBlockAgents, [&](Block block) {
        // Blocks behind one with a find say nothing that is asked for; those before it are always searched.
        if (block.index > first_beyond.load()) return;
        Crowding& part = parts[static_cast<std::size_t>(block.index)];
        for (std::int64_t i = block.begin; i < block.end; ++i) {
            const Crowd crowd = crowds.at(static_cast<std::size_t>(i));
            if (crowd.packing > part.densest.packing) part.densest = crowd;
            if (crowd.push_um <= crowd.radius_um && crowd.packing <= kMostPacking) continue;
            part.beyond_mechanics = crowd;
            for (std::int64_t first = first_beyond.load(); block.index < first && !first_beyond.compare_exchange_weak(first, block.index);) {}
            return;
        }
    });
    Crowding whole;
    for (const Crowding& part : parts) {
        if (part.densest.packing > whole.densest.packing) whole.densest = part.densest;
        if (part.beyond_mechanics) {
            whole.beyond_mechanics = part.beyond_mechanics;
            break;
        }
    }
    return whole;
}

}  // namespace morula::simulation
