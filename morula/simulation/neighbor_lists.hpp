// Which agents may touch which: agents sorted by grid cell, and for each the others within reach plus a skin.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/huge_pages.hpp"
#include "morula/simulation/agents.hpp"
#include "morula/simulation/mechanics_simd.hpp"
#include "morula/simulation/state_file.hpp"
#include "morula/simulation/workspace.hpp"

namespace morula::simulation {

using mechanics_simd::kListGroup;
/// Agents whose lists lie together.
inline constexpr std::int64_t kListChunk = 1'024;

/// Lists of up to kListChunk agents in the order of the arrays: agent number l of the chunk has entries [kListGroup begin[l], kListGroup begin[l + 1]) of `list`;
/// entries that only fill up hold the number of agents, which stands for nobody.
struct ListChunk {
    std::span<const std::uint32_t> begin;
    std::span<const std::uint32_t> list;
};

/// An agent's reach is its radius times a factor of its type, or of its own. Lists are built for that reach and, where an agent moves, for what it is about to move: kAheadMin at the speed of
/// its last step, half of the skin at most; so that the few that move fast do not decide for all how long lists last. They are right until some agent's shift (how far it has moved since they
/// were built, and its reach beyond the one that they were built for) exceeds half of the skin.
/// The order within lists, and so every sum over them, depends on the agents at the time of building alone.
class NeighborLists {
public:
    /// skin_um > 0; reach_factor: one a type.
    NeighborLists(double skin_um, std::vector<float> reach_factor) : skin_um_(static_cast<float>(skin_um)), reach_factor_(std::move(reach_factor)) {}

    /// Other factors; forgets the lists.
    void set_reach_factors(std::vector<float> reach_factor) {
        reach_factor_ = std::move(reach_factor);
        clear();
    }
    /// Agents have a factor of their own in Agents::behavior[array].
    void use_own_reach(std::int32_t array) { own_reach_ = array; }

    /// workspace: 24 bytes an agent while it works.
    /// Sorts the agents by cell of a grid over them (edge: twice the largest reach plus the skin, half of that along x; larger where that were more than 8 cells an agent; ties keep
    /// their order), then lists for each agent, in the order of the arrays, all others nearer than both reaches, with what they are about to move, plus the skin.
    /// Cost O(agents times neighbours); memory about 4 bytes a listed neighbour and 25 an agent. Throws resource_limit when the budget has no room for it.
    void build(Agents& agents, Workspace& workspace, Context& context);
    /// Forgets everything, after agents came or left.
    void clear();

    bool is_built() const { return n_ >= 0; }
    const ListChunk& chunk(std::int64_t index) const { return chunks_[static_cast<std::size_t>(index)]; }
    float reach(const Agents& agents, std::size_t i) const {
        return agents.radius[i] * (own_reach_ < 0 ? reach_factor_[agents.type[i]] : agents.behavior[static_cast<std::size_t>(own_reach_)][i]);
    }
    float shift(const Agents& agents, std::size_t i) const {
        const auto dx = static_cast<float>(agents.x[i] - origin_[0]) - x_[i];
        const auto dy = static_cast<float>(agents.y[i] - origin_[1]) - y_[i];
        const auto dz = static_cast<float>(agents.z[i] - origin_[2]) - z_[i];
        return std::sqrt(dx * dx + dy * dy + dz * dz) + (reach(agents, i) - reach_[i]);
    }
    /// Where agents were when lists were built, from listed_origin(), and the reach that lists were built for.
    std::array<const float*, 3> listed_at() const { return {x_.data(), y_.data(), z_.data()}; }
    const std::array<double, 3>& listed_origin() const { return origin_; }
    const float* listed_reach() const { return reach_.data(); }
    float skin_um() const { return skin_um_; }
    std::int64_t n_listed() const;
    std::int64_t bytes() const;

    /// What must be kept so that lists, and the order of every sum, are the same after a restart.
    void save(StateWriter& out) const;
    /// Builds the same lists again. n_agents: in the order of the arrays when they were saved.
    void load(StateReader& in, std::int64_t n_agents, Context& context);

private:
    struct Cells {
        std::array<std::int64_t, 3> n{};
        float edge = 1.0F;
        std::int64_t along(std::size_t axis, float at) const;
        /// Cells along an axis that hold what is nearer to `at` than `far`, which is not above `edge`.
        std::array<std::int64_t, 2> around(std::size_t axis, float at, float far) const;
        std::int64_t count() const { return n[0] * n[1] * n[2]; }
    };
    static std::int64_t most_cells(std::int64_t n_agents);
    float reach_ahead(const Agents& agents, std::size_t i) const;
    Cells choose_cells(const Agents& agents, Context& context);
    void sort_by_cell(Agents& agents, Workspace& workspace, Context& context);
    void keep_places(const Agents& agents, Context& context);
    void list_neighbors(Context& context);

    float skin_um_;
    std::vector<float> reach_factor_;
    std::int32_t own_reach_ = -1;
    std::int64_t n_ = -1;
    Cells cells_;
    float largest_reach_ = 0.0F;
    // When the lists were built, from the lowest corner of all agents; longer than the agents by the padding of the kernel that reads them.
    std::array<double, 3> origin_{};
    std::vector<float> x_, y_, z_, reach_;
    std::vector<std::uint32_t> cell_begin_;
    // Lists are made anew all together, so that they share large pieces of memory: as vectors, each growing now and then, they left gaps of 70 bytes an agent between them.
    std::unique_ptr<matrix::HugeArena> room_ = std::make_unique<matrix::HugeArena>();
    std::vector<ListChunk> chunks_;
};

}  // namespace morula::simulation
