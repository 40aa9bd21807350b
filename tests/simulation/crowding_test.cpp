#include "morula/simulation/crowding.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "morula/core/random.hpp"
#include "morula/simulation/layouts.hpp"
#include "morula/simulation/life.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

/// Cells of radius 10 um in a box of 400 um, a tenth of a minute a step.
Model model_of(std::int64_t voxels_high) {
    Model model{.box = {.n = {20, 20, voxels_high}, .voxel_um = 20.0}, .substances = {}, .pace = {}, .fixed = {}, .types = {}, .affinity = {}, .rules = {}, .clocks = {}, .expression = {}};
    model.types.push_back({.name = "a", .mechanics = {}, .life = standard_life(CycleModel::none), .exchange = {}});
    model.types[0].life.volume_um3 = 4.0 / 3.0 * std::numbers::pi * 1000.0;
    return model;
}

Agents agents_at(const std::vector<std::array<double, 3>>& places) {
    Agents agents;
    for (const auto& place : places) add_agent(agents, first_id(agents.size()), 0, place, 0.0F);
    return agents;
}

TEST(crowding, is_that_of_a_hand_made_row) {
    const auto context = test::make_context(1);
    // The first is pushed by both others: 10 um/min (1 - 5 / 20)^2 and (1 - 15 / 20)^2, a tenth of a minute.
    const Agents row = agents_at({{100, 100, 100}, {105, 100, 100}, {115, 100, 100}});
    const Crowding crowding = find_crowding(model_of(20), row, *context);
    EXPECT_FALSE(crowding.beyond_mechanics);
    EXPECT_EQ(crowding.densest.agent, 0U);
    EXPECT_EQ(crowding.densest.n_overlapping, 2);
    EXPECT_NEAR(crowding.densest.radius_um, 10.0, 1e-5);
    EXPECT_NEAR(crowding.densest.push_um, 0.5625 + 0.0625, 1e-6);
    EXPECT_NEAR(crowding.densest.packing, 3.0 / 27.0, 1e-9);
    EXPECT_NEAR(find_crowding(model_of(1), agents_at({{100, 100, 10}, {105, 100, 10}, {300, 100, 10}}), *context).densest.packing, 2.0 / 9.0, 1e-9);
    EXPECT_EQ(find_crowding(model_of(20), Agents(), *context).densest.packing, 0.0);
}

TEST(crowding, finds_nothing_wrong_with_tissue_as_templates_pack_it) {
    const auto context = test::make_context(2);
    for (const Space space : {Space::solid, Space::flat}) {
        std::vector<std::array<double, 3>> places;
        for (const PlacedCell& cell : spheroid_layout({.center_um = {200, 200, space == Space::flat ? 10.0 : 200.0}, .space = space, .spacing_um = 19.0}, 150.0, *context)) places.push_back(cell.position_um);
        const Crowding crowding = find_crowding(model_of(space == Space::flat ? 1 : 20), agents_at(places), *context);
        EXPECT_FALSE(crowding.beyond_mechanics);
        EXPECT_GT(crowding.densest.packing, 0.6);
        EXPECT_LT(crowding.densest.packing, 0.9);
    }
}

TEST(crowding, names_the_first_cell_that_would_be_flung_out) {
    const auto context = test::make_context(1);
    // 40 cells within a micrometre: each is pushed by all others in nearly the same way, further than its radius where it lies at the rim.
    std::vector<std::array<double, 3>> places{{50, 50, 50}};
    for (std::uint32_t k = 0; k < 40; ++k) places.push_back({200.0 + 0.025 * k, 200, 200});
    const Crowding crowding = find_crowding(model_of(20), agents_at(places), *context);
    ASSERT_TRUE(crowding.beyond_mechanics);
    EXPECT_EQ(crowding.beyond_mechanics->agent, 1U);
    EXPECT_EQ(crowding.beyond_mechanics->n_overlapping, 39);
    double push = 0.0;
    for (int k = 1; k < 40; ++k) push += std::pow(1.0 - 0.025 * k / 20.0, 2.0);
    EXPECT_NEAR(crowding.beyond_mechanics->push_um, push, 1e-4);
    EXPECT_NEAR(crowding.beyond_mechanics->packing, 40.0 / 27.0, 1e-9);
    // A shorter step resolves the same crowd.
    Model slow = model_of(20);
    slow.clocks.mechanics_min = 0.01;
    EXPECT_FALSE(find_crowding(slow, agents_at(places), *context).beyond_mechanics);
    // In the very middle of a crowd nothing pushes, and still there are too many.
    places.clear();
    places.push_back({200, 200, 200});
    for (int k = 1; k <= 300; ++k) {
        for (const double side : {-0.01, 0.01}) places.push_back({200 + side * k, 200, 200});
    }
    const Crowding middle = find_crowding(slow, agents_at(places), *context);
    ASSERT_TRUE(middle.beyond_mechanics);
    EXPECT_EQ(middle.beyond_mechanics->agent, 0U);
    EXPECT_NEAR(middle.beyond_mechanics->push_um, 0.0, 1e-6);
    EXPECT_NEAR(middle.beyond_mechanics->packing, 601.0 / 27.0, 1e-9);
}

TEST(crowding, is_the_same_with_any_number_of_threads) {
    std::vector<std::array<double, 3>> places;
    for (std::uint32_t k = 0; k < 20'000; ++k) {
        Random random(9, Purpose::test, k, 0);
        const double wide = k > 9'000 && k % 1'000 < 60 ? 1.0 : 380.0;  // a few knots of sixty
        places.push_back({10.0 + wide * random.uniform(), 10.0 + wide * random.uniform(), 10.0 + wide * random.uniform()});
    }
    const Agents agents = agents_at(places);
    const Crowding found = test::same_at_threads({2, 8}, [&](Context& context) { return find_crowding(model_of(20), agents, context); }, [](const Crowding& a, const Crowding& b) {
        return a.beyond_mechanics.has_value() == b.beyond_mechanics.has_value() && (!a.beyond_mechanics || (a.beyond_mechanics->agent == b.beyond_mechanics->agent && a.beyond_mechanics->push_um == b.beyond_mechanics->push_um));
    });
    ASSERT_TRUE(found.beyond_mechanics);
    EXPECT_GT(found.beyond_mechanics->agent, 0U);
}

}  // namespace
}  // namespace morula::simulation
