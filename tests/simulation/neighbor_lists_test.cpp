#include "morula/simulation/neighbor_lists.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

Agents scattered(std::int64_t n, double side, double radius_spread) {
    Agents agents;
    for (std::int64_t i = 0; i < n; ++i) {
        Random random(4, Purpose::test, static_cast<std::uint64_t>(i), 2);
        const std::array<double, 3> position{side * random.uniform() - 40.0, side * random.uniform(), side * random.uniform()};
        add_agent(agents, first_id(i), static_cast<std::uint16_t>(i % 2), position, static_cast<float>(4.0 + radius_spread * random.uniform()));
    }
    return agents;
}

using Pairs = std::map<std::uint64_t, std::set<std::uint64_t>>;

Pairs listed(const NeighborLists& lists, const Agents& agents) {
    Pairs pairs;
    for (std::int64_t i = 0; i < agents.size(); ++i) {
        const ListChunk& chunk = lists.chunk(i / kListChunk);
        const auto l = static_cast<std::size_t>(i % kListChunk);
        std::set<std::uint64_t>& others = pairs[agents.id[static_cast<std::size_t>(i)]];
        for (std::size_t k = kListGroup * std::size_t{chunk.begin[l]}; k < kListGroup * std::size_t{chunk.begin[l + 1]}; ++k) {
            if (chunk.list[k] == agents.size()) continue;
            EXPECT_TRUE(others.insert(agents.id[chunk.list[k]]).second);
        }
    }
    return pairs;
}

/// All pairs nearer than both reaches plus `more`.
Pairs all_pairs(const Agents& agents, std::array<float, 2> factor, float more) {
    Pairs pairs;
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        std::set<std::uint64_t>& others = pairs[agents.id[i]];
        for (std::size_t j = 0; j < agents.id.size(); ++j) {
            const auto limit = static_cast<double>(agents.radius[i] * factor[agents.type[i]] + agents.radius[j] * factor[agents.type[j]] + more);
            if (i != j && std::hypot(agents.x[i] - agents.x[j], agents.y[i] - agents.y[j], agents.z[i] - agents.z[j]) < limit) others.insert(agents.id[j]);
        }
    }
    return pairs;
}

TEST(neighbor_lists, hold_exactly_the_pairs_within_reach_and_skin) {
    const std::array<float, 2> factor{1.25F, 1.5F};
    for (const auto& [n, side, spread] : {std::tuple{std::int64_t{1500}, 150.0, 4.0}, {std::int64_t{1}, 10.0, 0.0}, {std::int64_t{40}, 3000.0, 30.0}, {std::int64_t{300}, 20.0, 1.0}}) {
        const auto context = test::make_context(2);
        Agents agents = scattered(n, side, spread);
        NeighborLists lists(2.0, {factor[0], factor[1]});
        Workspace workspace;
        lists.build(agents, workspace, *context);
        EXPECT_EQ(listed(lists, agents), all_pairs(agents, factor, 2.0F)) << n;
    }
}

TEST(neighbor_lists, still_hold_all_that_touch_when_agents_have_moved_by_half_the_skin) {
    const auto context = test::make_context(1);
    const std::array<float, 2> factor{1.25F, 1.25F};
    Agents agents = scattered(800, 120.0, 3.0);
    NeighborLists lists(3.0, {factor[0], factor[1]});
    Workspace workspace;
    lists.build(agents, workspace, *context);
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        EXPECT_EQ(lists.shift(agents, i), 0.0F);
        Random random(6, Purpose::test, i, 0);
        agents.x[i] += 0.8 * (2.0 * random.uniform() - 1.0);
        agents.y[i] += 0.8 * (2.0 * random.uniform() - 1.0);
        agents.radius[i] += static_cast<float>(0.2 * random.uniform());
        EXPECT_GT(lists.shift(agents, i), 0.0F);
        EXPECT_LT(lists.shift(agents, i), 1.5F);
    }
    const Pairs there = listed(lists, agents);
    for (const auto& [agent, others] : all_pairs(agents, factor, 0.0F)) {
        EXPECT_TRUE(std::includes(there.at(agent).begin(), there.at(agent).end(), others.begin(), others.end()));
    }
}

TEST(neighbor_lists, of_agents_that_move_fast_last_longer) {
    const auto context = test::make_context(1);
    const std::array<float, 2> factor{1.25F, 1.25F};
    Agents agents = scattered(800, 120.0, 3.0);
    for (std::size_t i = 0; i < agents.id.size(); i += 3) {
        agents.velocity_x[i] = i % 2 == 0 ? 0.5F : -9.0F;
        agents.velocity_y[i] = 0.3F;
    }
    NeighborLists lists(2.0, {factor[0], factor[1]});
    Workspace workspace;
    lists.build(agents, workspace, *context);
    // What an agent may move before lists are built anew: half of the skin, and what it is about to move.
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        const float speed = std::hypot(agents.velocity_x[i], agents.velocity_y[i]);
        EXPECT_NEAR(lists.shift(agents, i), -std::min(1.0F, speed), 1e-5F);
        const double far = static_cast<double>(1.0F - lists.shift(agents, i)) - 1e-4;
        Random random(6, Purpose::test, i, 1);
        const double angle = 6.28 * random.uniform();
        agents.x[i] += far * std::cos(angle);
        agents.y[i] += far * std::sin(angle);
        EXPECT_LT(lists.shift(agents, i), 1.0F);
    }
    const Pairs there = listed(lists, agents);
    for (const auto& [agent, others] : all_pairs(agents, factor, 0.0F)) {
        EXPECT_TRUE(std::includes(there.at(agent).begin(), there.at(agent).end(), others.begin(), others.end()));
    }
}

TEST(neighbor_lists, are_the_same_with_any_number_of_threads) {
    struct Built {
        std::vector<std::uint64_t> id;
        std::vector<std::uint32_t> all;
    };
    test::same_at_threads({2, 8},
        [](Context& context) {
            Agents agents = scattered(20'000, 400.0, 2.0);
            NeighborLists lists(2.0, {1.25F, 1.25F});
            Workspace workspace;
            lists.build(agents, workspace, context);
            Built built{agents.id, {}};
            for (std::int64_t c = 0; c * kListChunk < agents.size(); ++c) built.all.insert(built.all.end(), lists.chunk(c).list.begin(), lists.chunk(c).list.end());
            return built;
        },
        [](const Built& a, const Built& b) { return a.id == b.id && a.all == b.all; });
}

TEST(neighbor_lists, of_nobody_are_built) {
    const auto context = test::make_context(1);
    Agents agents;
    NeighborLists lists(2.0, {1.25F});
    Workspace workspace;
    EXPECT_FALSE(lists.is_built());
    lists.build(agents, workspace, *context);
    EXPECT_TRUE(lists.is_built());
    EXPECT_EQ(lists.n_listed(), 0);
}

TEST(neighbor_lists, of_a_crowd_that_memory_cannot_hold_are_refused) {
    Context context({.threads = 2, .memory_bytes = 1'000'000, .events = nullptr, .cancel = nullptr});
    Agents agents = scattered(3'000, 5.0, 1.0);
    NeighborLists lists(2.0, {1.25F, 1.25F});
    Workspace workspace;
    const Error error = test::thrown_by([&] { lists.build(agents, workspace, context); });
    EXPECT_EQ(error.code(), ErrorCode::resource_limit);
    EXPECT_TRUE(test::contains(error.message(), "within reach of each other")) << error.message();
}

TEST(neighbor_lists, memory_follows_the_agents_and_not_the_empty_space) {
    const auto context = test::make_context(1);
    Agents agents = scattered(50, 1e6, 1.0);
    NeighborLists lists(2.0, {1.25F, 1.25F});
    Workspace workspace;
    lists.build(agents, workspace, *context);
    EXPECT_LT(lists.bytes(), 4'000'000);
}

}  // namespace
}  // namespace morula::simulation
