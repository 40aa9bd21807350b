#include "morula/simulation/mechanics_contacts.hpp"

#include <gtest/gtest.h>

#include <set>

#include "morula/core/random.hpp"
#include "morula/simulation/mechanics.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

TEST(mechanics_contacts, are_all_pairs_nearer_than_their_reaches) {
    const auto context = test::make_context(2);
    Agents agents;
    for (std::int64_t i = 0; i < 400; ++i) {
        Random random(3, Purpose::test, static_cast<std::uint64_t>(i), 0);
        const std::array<double, 3> place{100.0 * random.uniform(), 100.0 * random.uniform(), 100.0 * random.uniform()};
        add_agent(agents, first_id(i), static_cast<std::uint16_t>(i % 2), place, 5.0F + 3.0F * static_cast<float>(random.uniform()));
    }
    Mechanics mechanics(Grid{.n = {10, 10, 10}, .voxel_um = 10.0}, {{.adhesion_reach = 1.25}, {.adhesion_reach = 1.5}}, {}, {.dt_min = 0.1, .skin_um = 2.0});
    // As after some steps: lists that were built before the agents moved, and none at all.
    for (std::uint32_t step = 0; step < 4; ++step) {
        if (step > 0) mechanics.step(agents, nullptr, 1, step, *context);
        if (step == 3) mechanics.population_changed();
        const Contacts contacts = mechanics.contacts(agents, 0, *context).first;
        std::int64_t n = 0;
        for (std::size_t i = 0; i < agents.id.size(); ++i) {
            std::set<std::size_t> found, wanted;
            contacts.of(i, [&](std::uint32_t j) { EXPECT_TRUE(found.insert(j).second); });
            for (std::size_t j = 0; j < agents.id.size(); ++j) {
                const auto reach = [&](std::size_t k) { return static_cast<double>(agents.radius[k]) * (agents.type[k] == 0 ? 1.25 : 1.5); };
                const double distance = std::hypot(agents.x[i] - agents.x[j], agents.y[i] - agents.y[j], agents.z[i] - agents.z[j]);
                if (j != i && distance < reach(i) + reach(j) - 1e-4) wanted.insert(j);
                else if (j != i && distance < reach(i) + reach(j) + 1e-4 && found.count(j) != 0) wanted.insert(j);
            }
            EXPECT_EQ(found, wanted);
            n += std::ssize(found);
        }
        EXPECT_GT(n, 1000);
    }
    Contacts().of(7, [](std::uint32_t) { ADD_FAILURE() << "nobody touches without lists"; });
}

}  // namespace
}  // namespace morula::simulation
