#include "morula/simulation/agents.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

Agents some_agents(std::int64_t n) {
    Agents agents;
    for (std::int64_t i = 0; i < n; ++i) {
        add_agent(agents, first_id(i), static_cast<std::uint16_t>(i % 3), {20.0 * static_cast<double>(i), 1.0, 2.0}, 5.0F + static_cast<float>(i % 7));
        agents.pressure.back() = static_cast<float>(i);
    }
    return agents;
}

bool same_agents(const Agents& a, const Agents& b) {
    return std::apply([&](const auto... column) { return (test::same_bits(a.*column, b.*column) && ...); }, Agents::columns());
}

TEST(agents, take_a_third_of_the_memory_they_may) {
    Agents agents;
    agents.for_each_column([](auto& values) { values.resize(1'000); });
    EXPECT_LE(agents.bytes(), 121'000);
    agents.behavior.emplace_back().resize(1'000);
    EXPECT_LE(agents.bytes(), 125'000);
}

TEST(agents, ids_come_from_the_mother_and_her_division_alone) {
    EXPECT_EQ(daughter_id(17, 2), daughter_id(17, 2));
    std::set<std::uint64_t> ids{0};
    for (std::int64_t i = 0; i < 2000; ++i) {
        EXPECT_TRUE(ids.insert(first_id(i)).second);
        for (std::uint32_t division = 0; division < 5; ++division) EXPECT_TRUE(ids.insert(daughter_id(first_id(i), division)).second);
    }
}

TEST(agents, a_division_makes_two_halves_inside_the_mother) {
    for (const Space space : {Space::flat, Space::solid}) {
        Agents agents = some_agents(3);
        const std::uint64_t mother = agents.id[1];
        const std::vector<std::uint64_t> daughters = apply_events(agents, {.dividing = {1}, .leaving = {}}, space, 3, 40);
        ASSERT_EQ(agents.size(), 4);
        EXPECT_EQ(daughters, std::vector<std::uint64_t>{daughter_id(mother, 0)});
        EXPECT_EQ(agents.id[1], mother);
        EXPECT_EQ(agents.id[3], daughters[0]);
        EXPECT_EQ(agents.parent[3], mother);
        EXPECT_EQ(agents.divisions[1], 1U);
        EXPECT_EQ(agents.divisions[3], 0U);
        EXPECT_EQ(agents.type[3], agents.type[1]);
        EXPECT_NEAR(2.0 * std::pow(static_cast<double>(agents.radius[1]), 3.0), 216.0, 1e-4);
        EXPECT_EQ(agents.radius[1], agents.radius[3]);
        EXPECT_NEAR((agents.x[1] + agents.x[3]) / 2.0, 20.0, 1e-12);
        for (const std::size_t half : {std::size_t{1}, std::size_t{3}}) {
            const double away = std::hypot(agents.x[half] - 20.0, agents.y[half] - 1.0, agents.z[half] - 2.0);
            EXPECT_NEAR(away + static_cast<double>(agents.radius[half]), 6.0, 1e-4);
        }
        EXPECT_EQ(agents.z[3] == 2.0, space == Space::flat);
    }
}

TEST(agents, events_may_come_in_any_order) {
    Agents first = some_agents(50);
    Agents second = first;
    std::vector<std::uint32_t> dividing{3, 8, 21, 49, 0};
    std::vector<std::uint32_t> leaving{4, 30, 2};
    apply_events(first, {dividing, leaving}, Space::solid, 9, 7);
    std::reverse(dividing.begin(), dividing.end());
    std::reverse(leaving.begin(), leaving.end());
    const auto daughters = apply_events(second, {dividing, leaving}, Space::solid, 9, 7);
    EXPECT_TRUE(same_agents(first, second));
    EXPECT_EQ(first.size(), 52);
    EXPECT_EQ(daughters.size(), 5U);
    EXPECT_EQ(std::count(first.id.begin(), first.id.end(), first_id(30)), 0);
    // Daughters stand at the end in the order of their mothers' ids.
    EXPECT_TRUE(std::is_sorted(first.parent.end() - 5, first.parent.end()));
}

TEST(agents, another_seed_or_step_divides_along_another_axis) {
    std::set<double> places;
    for (const auto& [seed, step] : {std::pair{1U, 1U}, {2U, 1U}, {1U, 2U}}) {
        Agents agents = some_agents(1);
        apply_events(agents, {.dividing = {0}, .leaving = {}}, Space::solid, seed, step);
        places.insert(agents.x[0]);
    }
    EXPECT_EQ(places.size(), 3U);
}

TEST(agents, all_may_leave) {
    Agents agents = some_agents(2);
    EXPECT_TRUE(apply_events(agents, {.dividing = {}, .leaving = {0, 1}}, Space::solid, 0, 0).empty());
    EXPECT_EQ(agents.size(), 0);
}

TEST(agents, sorting_moves_every_array) {
    const std::int64_t n = 40'000;
    const Agents before = some_agents(n);
    std::vector<std::uint32_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0U);
    std::reverse(order.begin(), order.end());
    const Agents sorted = test::same_at_threads({2, 8},
        [&](Context& context) {
            Agents agents = before;
            std::vector<std::uint64_t> spare(order.size());
            sort_agents(agents, order, spare, context);
            return agents;
        },
        same_agents);
    for (std::size_t i = 0; i < order.size(); i += 997) {
        EXPECT_EQ(sorted.id[i], before.id[order[i]]);
        EXPECT_EQ(sorted.type[i], before.type[order[i]]);
        EXPECT_EQ(sorted.radius[i], before.radius[order[i]]);
        EXPECT_EQ(sorted.pressure[i], before.pressure[order[i]]);
    }
}

}  // namespace
}  // namespace morula::simulation
