#include "morula/simulation/agents.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "morula/core/describe.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/random.hpp"
#include "morula/simulation/directions.hpp"

namespace morula::simulation {
namespace {

constexpr std::int64_t kBlockAgents = 16'384;

static_assert(std::tuple_size_v<decltype(Agents::columns())> + 1 == detail::member_count<Agents>(), "Agents::columns() must name every array but those of behaviours");

std::uint64_t not_zero(std::uint64_t id) { return id == 0 ? 1 : id; }

void sort_by_id(std::vector<std::uint32_t>& places, const Agents& agents) {
    std::sort(places.begin(), places.end(), [&](std::uint32_t a, std::uint32_t b) { return agents.id[a] < agents.id[b]; });
}

/// Makes a mother one half and adds the other.
void divide(Agents& agents, std::uint32_t mother, Space space, std::uint64_t seed, std::uint32_t step) {
    const std::uint64_t id = daughter_id(agents.id[mother], agents.divisions[mother]);
    Random random(seed, Purpose::simulation_division, agents.id[mother], step);
    const std::array<double, 3> axis = random_direction(random, space == Space::flat ? 2 : 3);
    const float radius = agents.radius[mother] * static_cast<float>(std::cbrt(0.5));
    const double shift = static_cast<double>(agents.radius[mother] - radius);
    ++agents.divisions[mother];
    agents.radius[mother] = radius;
    for (std::vector<float>* volume : {&agents.fluid, &agents.nucleus, &agents.cytoplasm, &agents.target_nucleus}) (*volume)[mother] *= 0.5F;
    agents.for_each_column([&](auto& values) { values.push_back(values[mother]); });
    agents.id.back() = id;
    agents.parent.back() = agents.id[mother];
    agents.divisions.back() = 0;
    agents.next_turn.back() = 0;
    const auto move = [&](std::size_t agent, double by) {
        agents.x[agent] += by * axis[0];
        agents.y[agent] += by * axis[1];
        agents.z[agent] += by * axis[2];
    };
    move(mother, -shift);
    move(agents.id.size() - 1, shift);
}

}  // namespace

std::int64_t Agents::bytes() const {
    std::int64_t bytes = 0;
    for_each_column([&](const auto& values) { bytes += static_cast<std::int64_t>(sizeof(typename std::decay_t<decltype(values)>::value_type) * values.capacity()); });
    return bytes;
}

std::uint64_t daughter_id(std::uint64_t parent, std::uint32_t division) { return not_zero(Random(parent, Purpose::simulation_agent_id, division, 1).next_u64()); }

std::uint64_t first_id(std::int64_t index) { return not_zero(Random(0, Purpose::simulation_agent_id, static_cast<std::uint64_t>(index), 0).next_u64()); }

std::uint64_t injected_id(std::int64_t injection, std::int64_t index) {
    return not_zero(Random(static_cast<std::uint64_t>(injection), Purpose::simulation_agent_id, static_cast<std::uint64_t>(index), 2).next_u64());
}

void add_agent(Agents& agents, std::uint64_t id, std::uint16_t type, std::array<double, 3> position, float radius) {
    agents.for_each_column([](auto& values) { values.emplace_back(); });
    agents.id.back() = id;
    agents.type.back() = type;
    agents.x.back() = position[0];
    agents.y.back() = position[1];
    agents.z.back() = position[2];
    agents.radius.back() = radius;
}

void sort_agents(Agents& agents, std::span<const std::uint32_t> order, std::span<std::uint64_t> spare, Context& context) {
    MORULA_ASSERT(static_cast<std::int64_t>(order.size()) == agents.size() && spare.size() == order.size());
    auto* const bytes = reinterpret_cast<std::byte*>(spare.data());
    agents.for_each_column([&]<class T>(std::vector<T>& values) {
        static_assert(sizeof(T) <= sizeof(std::uint64_t));
        parallel_blocks(context, agents.size(), kBlockAgents, [&](Block block) {
            for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) std::memcpy(bytes + i * sizeof(T), &values[order[i]], sizeof(T));
        });
        parallel_blocks(context, agents.size(), kBlockAgents, [&](Block block) {
            const auto begin = static_cast<std::size_t>(block.begin);
            std::memcpy(&values[begin], bytes + begin * sizeof(T), static_cast<std::size_t>(block.size()) * sizeof(T));
        });
    });
}

std::vector<std::uint64_t> apply_events(Agents& agents, PopulationEvents events, Space space, std::uint64_t seed, std::uint32_t step) {
    sort_by_id(events.dividing, agents);
    const std::int64_t before = agents.size();
    const std::size_t after = agents.id.size() + events.dividing.size();
    agents.for_each_column([&](auto& values) {
        if (after > values.capacity()) values.reserve(after + after / 16);
    });
    for (const std::uint32_t mother : events.dividing) divide(agents, mother, space, seed, step);
    const std::vector<std::uint64_t> daughters(agents.id.begin() + before, agents.id.end());
    if (events.leaving.empty()) return daughters;
    std::vector<std::uint8_t> leaves(agents.id.size(), 0);
    for (const std::uint32_t agent : events.leaving) leaves[agent] = 1;
    agents.for_each_column([&](auto& values) {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (leaves[i] == 0) values[kept++] = values[i];
        }
        values.resize(kept);
    });
    return daughters;
}

}  // namespace morula::simulation
