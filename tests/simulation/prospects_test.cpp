#include "morula/simulation/prospects.hpp"

#include <gtest/gtest.h>

#include "morula/simulation/simulation.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

using knowledge::Response;

/// Made up: four types, of which a may become b.
Model four_types() {
    Model model;
    model.box = {.n = {10, 10, 10}, .voxel_um = 20.0};
    model.substances = {{.name = "oxygen", .initial = 10.0}};
    for (const char* name : {"a", "b", "c", "d"}) model.types.push_back({.name = name, .mechanics = {}, .life = standard_life(CycleModel::none), .exchange = {}});
    model.types[0].encounters.becomes = {0.0, 0.1, 0.0, 0.0};
    return checked(model);
}
Agents one_of(std::uint16_t type) {
    Agents agents;
    add_agent(agents, first_id(0), type, {100.0, 100.0, 100.0}, 0.0F);
    return agents;
}
knowledge::BehaviorRule rule(std::string type, Response response, std::string behavior, double saturation) {
    return {.cell_type = std::move(type), .signal = "oxygen", .response = response, .behavior = std::move(behavior), .saturation = saturation, .half_max = 10.0, .hill_power = 2.0, .line = 7};
}

TEST(prospects, types_to_come_are_those_of_the_start_those_put_in_and_what_they_turn_into) {
    Model model = four_types();
    EXPECT_EQ(types_to_come(model, one_of(0)), (std::vector<std::uint16_t>{0, 1}));
    EXPECT_EQ(types_to_come(model, one_of(2)), (std::vector<std::uint16_t>{2}));
    EXPECT_EQ(types_to_come(model, Agents()), std::vector<std::uint16_t>{});
    model.perturbations.injections = {{.type = 3, .n = 1, .minute = 5.0, .center_um = {100.0, 100.0, 100.0}, .radius_um = 10.0}};
    EXPECT_EQ(types_to_come(model, one_of(2)), (std::vector<std::uint16_t>{2, 3}));
    // Daughters of another type count.
    model.types[3].encounters.divides_into = {0.0, 0.0, 0.0, 0.0};
    model.types[2].encounters.divides_into = {0.0, 0.3, 0.0, 0.0};
    EXPECT_EQ(types_to_come(model, one_of(2)), (std::vector<std::uint16_t>{2, 3})) << "it never divides";
    model.types[2].life = standard_life(CycleModel::live);
    EXPECT_EQ(types_to_come(model, one_of(2)), (std::vector<std::uint16_t>{1, 2, 3}));
    model.types[2].encounters.divides_into = {0.0, 0.0, 0.0, 0.0};
    model.rules = {rule("c", Response::increases, "asymmetric division to b", 0.2)};
    EXPECT_EQ(types_to_come(model, one_of(2)), (std::vector<std::uint16_t>{1, 2, 3}));
    // By a rule, under another of its names; one turn after the other.
    model.rules = {rule("b", Response::increases, "transform to c", 0.2)};
    EXPECT_EQ(types_to_come(model, one_of(0)), (std::vector<std::uint16_t>{0, 1, 2, 3}));
}

TEST(prospects, the_strongest_push_is_what_rules_and_factors_may_make_of_it) {
    Model model = four_types();
    const auto push = [&](std::size_t type) { return strongest_pushes(model)[type]; };
    EXPECT_EQ(push(0).repulsion_um_per_min, 10.0);
    EXPECT_FALSE(push(0).rule || push(0).factor);
    model.rules = {rule("b", Response::decreases, "cell-cell repulsion", 2.0), rule("a", Response::increases, "cell-cell adhesion", 900.0), rule("a", Response::increases, "cell-cell repulsion", 40.0)};
    EXPECT_EQ(push(0).repulsion_um_per_min, 40.0);
    EXPECT_EQ(push(0).rule, 2U);
    EXPECT_EQ(push(1).repulsion_um_per_min, 10.0) << "what falls begins at its own";
    // Factors one after the other; one that weakens, for a while and for ever.
    model.perturbations.factors = {{.type = 0, .behavior = "cell-cell repulsion", .factor = 2.0}, {.type = 0, .behavior = "cell-cell repulsion", .factor = 3.0},
                                   {.type = 1, .behavior = "cell-cell repulsion", .factor = 0.5}, {.type = 2, .behavior = "cell-cell repulsion", .factor = 0.5}};
    model.perturbations.factors[0].span.until_min = 12.0;
    model.perturbations.factors[1].span.from_min = 24.0;
    model.perturbations.factors[2].span.until_min = 12.0;
    EXPECT_EQ(push(0).repulsion_um_per_min, 120.0);
    EXPECT_EQ(push(0).factor, 1U);
    EXPECT_EQ(push(1).repulsion_um_per_min, 10.0);
    EXPECT_FALSE(push(1).factor);
    EXPECT_EQ(push(2).repulsion_um_per_min, 5.0);
}

TEST(prospects, a_step_too_long_for_what_rules_and_later_factors_make_of_repulsion_is_refused) {
    const auto context = test::make_context(1);
    const auto code = [&](const Model& model) { return test::error_code([&] { Simulation(model, one_of(0), *context); }); };
    Model model = four_types();
    Simulation(model, one_of(0), *context);
    Model by_rule = model;
    by_rule.rules = {rule("a", Response::increases, "cell-cell repulsion", 1000.0)};
    EXPECT_EQ(code(by_rule), ErrorCode::invalid_data);
    Model by_factor = model;
    by_factor.perturbations.factors = {{.type = 0, .behavior = "cell-cell repulsion", .factor = 100.0}};
    by_factor.perturbations.factors[0].span.from_min = 600.0;
    EXPECT_EQ(code(by_factor), ErrorCode::invalid_data);
    // Of the type that cells turn into; of one that nobody is it does not matter.
    Model turned = model;
    turned.types[1].mechanics.repulsion_um_per_min = 1000.0;
    EXPECT_EQ(code(turned), ErrorCode::invalid_data);
    turned.types[0].encounters.becomes[1] = 0.0;
    Simulation(turned, one_of(0), *context);
}

}  // namespace
}  // namespace morula::simulation
