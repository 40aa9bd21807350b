#include "morula/simulation/encounters.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

/// Type 0 is acted on, type 1 acts.
Model eaters(const CellEncounters& encounters) {
    Model model;
    model.box = {.n = {100, 100, 1}, .voxel_um = 20.0};
    CellType prey{.name = "prey", .mechanics = {}, .life = standard_life(CycleModel::none), .exchange = {}};
    CellType eater{.name = "eater", .mechanics = {}, .life = standard_life(CycleModel::live), .exchange = {}, .encounters = encounters};
    eater.life.volume_um3 = 4988.0;
    model.types = {prey, eater};
    return checked(model);
}

/// Groups of cells that touch each other, 50 um from group to group; the first of each is an eater.
Agents groups(const Model& model, std::int64_t n, std::int64_t in_each) {
    Agents agents;
    for (std::int64_t g = 0; g < n; ++g) {
        for (std::int64_t k = 0; k < in_each; ++k) {
            add_agent(agents, first_id(agents.size()), k == 0 ? 1 : 0, {10.0 + 50.0 * static_cast<double>(g % 39) + 9.0 * static_cast<double>(k), 10.0 + 50.0 * static_cast<double>(g / 39), 10.0}, 0.0F);
            begin_life(agents, agents.id.size() - 1, model.types[agents.type.back()].life);
        }
    }
    return agents;
}

struct Scene {
    explicit Scene(Model given, Agents cells, Context& context)
        : model(std::move(given)), agents(std::move(cells)), behaviors(model), mechanics(model.box, {{}, {}}, {}, {.dt_min = 0.1, .skin_um = 2.0}), contacts(mechanics.contacts(agents, 0, context).first) {}
    Model model;
    Agents agents;
    Behaviors behaviors;
    Mechanics mechanics;
    Contacts contacts;
};

std::size_t place_of(const Agents& agents, std::int64_t number) { return static_cast<std::size_t>(std::find(agents.id.begin(), agents.id.end(), first_id(number)) - agents.id.begin()); }

TEST(encounters, the_dead_are_eaten_at_the_rates_for_their_death) {
    const auto context = test::make_context(2);
    const std::int64_t n = 1500;
    const Model model = eaters({.eats_dead = 0.02, .eats_apoptotic = 0.05});
    Scene all(model, groups(model, n, 2), *context);
    for (std::size_t i = 0; i < all.agents.id.size(); ++i) {
        if (all.agents.type[i] == 0) all.agents.death[i] = all.agents.id[i] % 2 == 0 ? Death::apoptotic : Death::necrotic;
    }
    const std::vector<Encounter> found = find_encounters(all.agents, all.behaviors, all.contacts, {}, 2, 6.0, 1, 3, *context);
    std::array<double, 3> there{}, eaten{};
    for (std::size_t i = 0; i < all.agents.id.size(); ++i) {
        if (all.agents.type[i] == 0) there[static_cast<std::size_t>(all.agents.death[i])] += 1.0;
    }
    for (const Encounter& deed : found) {
        EXPECT_EQ(deed.kind, Encounter::Kind::eats);
        EXPECT_EQ(all.agents.type[deed.actor], 1);
        eaten[static_cast<std::size_t>(all.agents.death[deed.other])] += 1.0;
    }
    EXPECT_EQ(eaten[0], 0.0);
    for (const auto& [death, rate] : {std::pair{Death::apoptotic, 0.07}, std::pair{Death::necrotic, 0.02}}) {
        const auto d = static_cast<std::size_t>(death);
        const double expected = -std::expm1(-6.0 * rate);
        EXPECT_NEAR(eaten[d] / there[d], expected, 4.0 * std::sqrt(expected * (1.0 - expected) / there[d]));
    }
}

TEST(encounters, living_prey_is_chosen_in_proportion_to_the_rates) {
    const auto context = test::make_context(2);
    Model model = eaters({.eats = {5.0, 0.0}, .fuses = {2.5, 0.0}, .becomes = {2.5, 0.0}});
    const std::int64_t n = 1500;
    Scene scene(model, groups(model, n, 3), *context);
    const std::vector<Encounter> found = find_encounters(scene.agents, scene.behaviors, scene.contacts, {}, 2, 6.0, 1, 3, *context);
    EXPECT_EQ(std::ssize(found), n) << "rates of 17.5 / min: nobody waits for 6 min";
    std::array<double, 3> count{};
    for (const Encounter& deed : found) count[static_cast<std::size_t>(deed.kind)] += 1.0;
    const auto check = [&](Encounter::Kind kind, double share) { EXPECT_NEAR(count[static_cast<std::size_t>(kind)] / static_cast<double>(n), share, 4.0 * std::sqrt(share * (1.0 - share) / static_cast<double>(n))); };
    check(Encounter::Kind::eats, 1.0 / 1.75);
    check(Encounter::Kind::fuses, 0.5 / 1.75);
    check(Encounter::Kind::becomes, 0.25 / 1.75);
    EXPECT_TRUE(std::is_sorted(found.begin(), found.end(), [&](const Encounter& a, const Encounter& b) { return scene.agents.id[a.actor] < scene.agents.id[b.actor]; }));
}

TEST(encounters, of_two_eaters_of_one_cell_the_lower_id_eats) {
    const auto context = test::make_context(1);
    Model model = eaters({.eats_dead = 1e9});
    Agents agents;
    for (std::int64_t k = 0; k < 3; ++k) {
        add_agent(agents, first_id(k), k == 1 ? 0 : 1, {40.0 + 10.0 * static_cast<double>(k), 40.0, 10.0}, 0.0F);
        begin_life(agents, static_cast<std::size_t>(k), model.types[agents.type.back()].life);
    }
    agents.death[1] = Death::apoptotic;
    Scene scene(model, agents, *context);
    const std::vector<Encounter> found = find_encounters(scene.agents, scene.behaviors, scene.contacts, {}, 2, 6.0, 1, 3, *context);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(scene.agents.id[found[0].actor], std::min(first_id(0), first_id(2)));
    // Whoever leaves or dies in the same step is left alone.
    PopulationEvents busy;
    busy.leaving = {static_cast<std::uint32_t>(place_of(scene.agents, 1))};
    EXPECT_TRUE(find_encounters(scene.agents, scene.behaviors, scene.contacts, busy, 2, 6.0, 1, 3, *context).empty());
}

TEST(encounters, an_eater_takes_in_the_volume_and_a_fused_cell_that_and_the_place) {
    const auto context = test::make_context(1);
    Model model = eaters({.eats_dead = 1.0});
    Scene scene(model, groups(model, 2, 2), *context);
    Agents& agents = scene.agents;
    const auto at = [&](std::int64_t number) { return static_cast<std::uint32_t>(place_of(agents, number)); };
    const std::uint32_t eater = at(0), eaten = at(1), fuser = at(2), fused = at(3);
    const double aim = static_cast<double>(agents.target_nucleus[eater]), nucleus = static_cast<double>(agents.nucleus[eater]), x = agents.x[fuser];
    PopulationEvents events;
    apply_encounters(agents, std::vector<Encounter>{{Encounter::Kind::eats, eater, eaten, 0}, {Encounter::Kind::fuses, fuser, fused, 0}}, model, scene.behaviors, events);
    EXPECT_EQ(events.leaving, (std::vector<std::uint32_t>{eaten, fused}));
    EXPECT_NEAR(volume_of(agents, eater), 3.0 * 2494.0, 1e-2);
    EXPECT_NEAR(static_cast<double>(agents.radius[eater]), std::cbrt(0.75 * 3.0 * 2494.0 / 3.14159265358979), 1e-4);
    EXPECT_EQ(static_cast<double>(agents.target_nucleus[eater]), aim);
    EXPECT_EQ(static_cast<double>(agents.nucleus[eater]), nucleus);
    EXPECT_NEAR(volume_of(agents, fuser), 3.0 * 2494.0, 1e-2);
    EXPECT_NEAR(static_cast<double>(agents.target_nucleus[fuser]), 2.0 * 135.0, 1e-3);
    EXPECT_NEAR(agents.x[fuser], x + 9.0 / 3.0, 1e-6) << "a third of the volume came from 9 um away";
}

TEST(encounters, a_cell_that_becomes_of_a_type_starts_its_life) {
    const auto context = test::make_context(1);
    Model model = eaters({.becomes = {1.0, 0.0}});
    using knowledge::Response;
    model.rules = {{.cell_type = "eater", .signal = "volume", .response = Response::increases, .behavior = "migration speed", .saturation = 3.0, .half_max = 1.0, .line = 1}};
    model.types[0].mechanics.speed_um_per_min = 0.25;
    Scene scene(model, groups(model, 1, 1), *context);
    scene.agents.behavior.assign(scene.behaviors.n_kept(), std::vector<float>(1, 3.0F));
    PopulationEvents events;
    apply_encounters(scene.agents, std::vector<Encounter>{{Encounter::Kind::becomes, 0, 0, 0}}, model, scene.behaviors, events);
    EXPECT_TRUE(events.leaving.empty());
    EXPECT_EQ(scene.agents.type[0], 0);
    EXPECT_NEAR(volume_of(scene.agents, 0), 4988.0, 1e-2);
    EXPECT_NEAR(static_cast<double>(scene.agents.target_nucleus[0]), 135.0, 1e-3);
    EXPECT_EQ(scene.agents.behavior[0][0], 0.25F);
}

TEST(encounters, attacks_share_out_the_attackers_time) {
    const auto context = test::make_context(2);
    // One attacker among two: rates .4 / min each, attacks of 2 min: busy for .8 * 2 / 2.6 of the time, half of it with each.
    Model model = eaters({.attacks = {0.4, 0.0}, .attack_min = 2.0, .attack_damage_per_min = 3.0});
    model.types[0].encounters.damage_per_min = 0.05;
    model.types[0].encounters.repair_per_min = 0.1;
    Agents agents;
    for (std::int64_t k = 0; k < 4; ++k) {
        add_agent(agents, first_id(k), k == 1 ? 1 : 0, {40.0 + (k == 3 ? 500.0 : 13.0 * static_cast<double>(k)), 40.0, 10.0}, 0.0F);
        begin_life(agents, static_cast<std::size_t>(k), model.types[agents.type.back()].life);
    }
    agents.damage[0] = 1.0F;
    Scene scene(model, agents, *context);
    take_damage(scene.agents, scene.behaviors, scene.contacts, 2, 6.0, *context);
    const double minutes = 6.0 * 0.8 * 2.0 / 2.6 / 2.0;
    const auto relaxed = [](double damage) { return 0.5 + (damage - 0.5) * std::exp(-0.6); };
    const auto damage = [&](std::int64_t number) { return static_cast<double>(scene.agents.damage[place_of(scene.agents, number)]); };
    EXPECT_NEAR(damage(0), relaxed(1.0 + 3.0 * minutes), 1e-5);
    EXPECT_NEAR(damage(2), relaxed(3.0 * minutes), 1e-5);
    EXPECT_NEAR(damage(3), relaxed(0.0), 1e-6) << "nobody near";
    EXPECT_EQ(damage(1), 0.0);
    EXPECT_NEAR(static_cast<double>(scene.agents.attacked_min[place_of(scene.agents, 2)]), minutes, 1e-5);
    // The dead neither attack nor suffer.
    scene.agents.death[place_of(scene.agents, 0)] = Death::necrotic;
    const double before = damage(0);
    take_damage(scene.agents, scene.behaviors, scene.contacts, 2, 6.0, *context);
    EXPECT_EQ(damage(0), before);
    EXPECT_NEAR(static_cast<double>(scene.agents.attacked_min[place_of(scene.agents, 2)]), minutes + 6.0 * 0.4 * 2.0 / 1.8, 1e-5);
}

TEST(encounters, who_is_less_immunogenic_is_attacked_less) {
    const auto context = test::make_context(1);
    // Rates .4 / min on each of two, one of which shows the attacker a quarter: busy for .5 * 2 / (1 + .5 * 2) of the time, a fifth of it with that one.
    Model model = eaters({.attacks = {0.4, 0.0}, .attack_min = 2.0, .attack_damage_per_min = 3.0});
    using knowledge::Response;
    model.rules = {{.cell_type = "prey", .signal = "volume", .response = Response::decreases, .behavior = "immunogenicity to eater", .saturation = 0.0, .half_max = 1000.0, .hill_power = 1.0, .line = 1}};
    Agents agents;
    for (std::int64_t k = 0; k < 3; ++k) {
        add_agent(agents, first_id(k), k == 1 ? 1 : 0, {40.0 + 13.0 * static_cast<double>(k), 40.0, 10.0}, 0.0F);
        begin_life(agents, static_cast<std::size_t>(k), model.types[agents.type.back()].life);
    }
    agents.fluid[0] = 3000.0F - agents.nucleus[0] - agents.cytoplasm[0];
    agents.fluid[2] = 0.0F;
    agents.nucleus[2] = agents.cytoplasm[2] = 0.0F;
    Scene scene(model, agents, *context);
    std::vector<float> room(static_cast<std::size_t>(scene.behaviors.n_momentary() * 3));
    const Field field(model.box, {}, 0.1, *context);
    scene.behaviors.follow(scene.agents, field, scene.contacts, nullptr, {.minute = 0.0, .number = 0, .room = room}, *context);
    take_damage(scene.agents, scene.behaviors, scene.contacts, 2, 6.0, *context);
    const double spent = 6.0 * 2.0 / (1.0 + 0.5 * 2.0);  // for each unit of rate
    EXPECT_NEAR(static_cast<double>(scene.agents.attacked_min[place_of(scene.agents, 0)]), spent * 0.1, 1e-5);
    EXPECT_NEAR(static_cast<double>(scene.agents.attacked_min[place_of(scene.agents, 2)]), spent * 0.4, 1e-5);
    EXPECT_NEAR(static_cast<double>(scene.agents.damage[place_of(scene.agents, 0)]), 3.0 * spent * 0.1, 1e-5);
}

TEST(encounters, daughters_are_of_another_type_as_often_as_is_said) {
    const auto context = test::make_context(1);
    const std::int64_t n = 4000;
    Model model = eaters({.divides_into = {0.3, 0.9}});  // the second is its own type: nothing
    Scene scene(model, groups(model, n, 1), *context);
    std::vector<std::uint32_t> all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), 0U);
    const auto share = [&](const Behaviors& behaviors) {
        const auto types = types_of_daughters(scene.agents, behaviors, all, 2, 5, 7);
        for (const auto& [mother, type] : types) EXPECT_EQ(type, 0);
        // By the mothers' ids alone, whoever else divides.
        const std::vector<std::uint32_t> some(all.begin() + 100, all.begin() + 200);
        for (const auto& [mother, type] : types_of_daughters(scene.agents, behaviors, some, 2, 5, 7)) EXPECT_TRUE(types.contains(mother));
        return static_cast<double>(types.size()) / static_cast<double>(n);
    };
    EXPECT_NEAR(share(scene.behaviors), 0.3, 4.0 * std::sqrt(0.3 * 0.7 / static_cast<double>(n)));
    // Knocked out, and over-expressed to more than all.
    Behaviors changed(model);
    std::vector<double> factors(2 * behaviors_of(model).size(), 1.0);
    double& factor = factors[behaviors_of(model).size() + find_behavior(vocabulary_of(model), "asymmetric division to prey", "")];
    for (const auto& [by, expected] : {std::pair{0.0, 0.0}, std::pair{10.0, 1.0}}) {
        factor = by;
        changed.set_factors(factors);
        EXPECT_EQ(share(changed), expected) << by;
    }
    model.types[1].encounters.divides_into = {4.0, 0.0};
    EXPECT_EQ(share(Behaviors(model)), 1.0) << "more than all is all";
    model.types[1].encounters.divides_into = {0.0, 0.0};
    EXPECT_EQ(share(Behaviors(model)), 0.0);
}

TEST(encounters, give_the_same_with_any_number_of_threads) {
    Model model = eaters({.eats = {0.03, 0.0}, .attacks = {0.1, 0.0}, .fuses = {0.01, 0.0}, .becomes = {0.02, 0.0}});
    test::same_at_threads({2, 8},
        [&](Context& context) {
            Scene scene(model, groups(model, 1500, 4), context);
            take_damage(scene.agents, scene.behaviors, scene.contacts, 2, 6.0, context);
            PopulationEvents events;
            apply_encounters(scene.agents, find_encounters(scene.agents, scene.behaviors, scene.contacts, {}, 2, 6.0, 1, 3, context), model, scene.behaviors, events);
            apply_events(scene.agents, std::move(events), Space::flat, 1, 3);
            EXPECT_LT(scene.agents.size(), 6000);
            return scene.agents;
        },
        [](const Agents& a, const Agents& b) { return std::apply([&](const auto... column) { return (test::same_bits(a.*column, b.*column) && ...); }, Agents::columns()); });
}

}  // namespace
}  // namespace morula::simulation
