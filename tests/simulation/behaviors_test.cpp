#include "morula/simulation/behaviors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <cmath>

#include "morula/simulation/model.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

using knowledge::BehaviorRule;
using knowledge::Response;

Model two_types() {
    Model model;
    model.box = {.n = {5, 5, 5}, .voxel_um = 20.0};
    model.substances = {{.name = "oxygen", .unit = "mmHg", .diffusion_um2_per_min = 1e3, .initial = 38.0}, {.name = "debris", .diffusion_um2_per_min = 1.0}};
    CellType tumor{.name = "tumor", .mechanics = {}, .life = standard_life(CycleModel::ki67_basic), .exchange = {{.uptake_per_min = 10.0}, {}}};
    CellType macrophage{.name = "macrophage", .mechanics = {.speed_um_per_min = 1.0, .chemotaxis_substance = 1}, .life = standard_life(CycleModel::none), .exchange = {}};
    model.types = {tumor, macrophage};
    return checked(model);
}

BehaviorRule rule(std::string type, std::string signal, Response response, std::string behavior, double saturation, double half_max) {
    return {.cell_type = std::move(type), .signal = std::move(signal), .response = response, .behavior = std::move(behavior), .saturation = saturation, .half_max = half_max, .hill_power = 4.0,
            .applies_to_dead = false, .line = 5};
}

/// Two tumour cells that touch, and a macrophage apart from them.
Agents three_cells(const Model& model, const Behaviors& behaviors) {
    Agents agents;
    agents.behavior.resize(behaviors.n_kept());
    const std::array<std::array<double, 3>, 3> places{{{50.0, 50.0, 50.0}, {62.0, 50.0, 50.0}, {15.0, 15.0, 15.0}}};
    for (std::size_t i = 0; i < 3; ++i) {
        add_agent(agents, first_id(static_cast<std::int64_t>(i)), i == 2 ? 1 : 0, places[i], 0.0F);
        begin_life(agents, i, model.types[agents.type[i]].life);
        behaviors.begin(agents, i);
    }
    return agents;
}

TEST(behaviors, every_name_of_physicell_is_either_there_or_refused_with_a_reason) {
    const Model model = two_types();
    const RuleVocabulary words = vocabulary_of(model);
    const auto highest = [&](const std::string& behavior) {
        try {
            return words.range[find_behavior(words, behavior, "here")][1];
        } catch (const Error&) {
            return 1.0;
        }
    };
    const auto outcome = [&](const std::string& signal, const std::string& behavior) {
        Model own = model;
        own.rules = {rule("tumor", signal, Response::increases, behavior, highest(behavior), 1.0)};
        try {
            Behaviors{own};
        } catch (const Error& error) {
            return error.code();
        }
        return ErrorCode::internal;  // nothing was thrown
    };
    for (const char* signal : {"oxygen", "debris gradient", "grad(debris)", "gradient of debris", "pressure", "volume", "contact with tumor", "contact with macrophage", "contact with live cell", "contact with live cells",
                               "contact with dead cell", "contact with dead cells", "contact with apoptotic cell", "contact with necrotic cells", "damage", "dead", "is dead", "total attack time", "time", "current time",
                               "global time", "apoptotic", "is_apoptotic", "necrotic", "is_necrotic"}) {
        EXPECT_EQ(outcome(signal, "apoptosis"), ErrorCode::internal) << signal;
    }
    for (const char* behavior : {"oxygen secretion", "oxygen secretion target", "oxygen secretion saturation density", "debris uptake", "debris export", "cycle entry", "exit from cycle phase 0", "exit from cycle phase 1",
                                 "apoptosis", "necrosis", "migration speed", "migration bias", "migration persistence time", "chemotactic response to oxygen", "chemotactic sensitivity to debris",
                                 "cell-cell adhesion", "adhesive affinity to macrophage", "relative maximum adhesion distance", "cell-cell repulsion", "phagocytose dead cell", "phagocytosis of dead cell",
                                 "phagocytose apoptotic cell", "phagocytose necrotic cell", "phagocytose tumor", "attack macrophage", "fuse to tumor", "transition to macrophage", "transform to macrophage",
                                 "attack duration", "attack damage rate", "damage rate", "damage repair rate", "immunogenicity to macrophage", "asymmetric division to macrophage", "divide asymmetrically to macrophage"}) {
        EXPECT_EQ(outcome("oxygen", behavior), ErrorCode::internal) << behavior;
    }
    for (const char* signal : {"intracellular oxygen", "internalized oxygen", "contact with basement membrane", "contact with BM", "contact with other dead cell", "damage delivered", "attacking", "custom:energy",
                               "contact with cell type 0"}) {
        EXPECT_EQ(outcome(signal, "apoptosis"), ErrorCode::unsupported) << signal;
    }
    for (const char* behavior : {"cell-cell adhesion elastic constant", "cell-BM adhesion", "cell-BM repulsion", "phagocytose other dead cell", "custom:energy", "is_movable",
                                 "cell attachment rate", "cell detachment rate", "maximum number of cell attachments", "extended asymmetric division to tumor and macrophage", "attack cell type 1"}) {
        EXPECT_EQ(outcome("oxygen", behavior), ErrorCode::unsupported) << behavior;
    }
    EXPECT_EQ(outcome("oxygen", "cycle exit"), ErrorCode::invalid_data);
    EXPECT_EQ(outcome("oxygens", "apoptosis"), ErrorCode::invalid_data);
}

TEST(behaviors, refuses_names_that_mean_two_things_and_phases_that_are_not_there) {
    const auto refused = [](const auto& change) {
        Model model = two_types();
        change(model);
        return test::thrown_by([&] { Behaviors{model}; }).message();
    };
    EXPECT_TRUE(test::contains(refused([](Model& model) { model.types[0].name = "dead cell"; }), "'contact with dead cell' would mean two things"));
    EXPECT_TRUE(test::contains(refused([](Model& model) { model.substances[1].name = "volume"; }), "signal of its own"));
    EXPECT_TRUE(test::contains(refused([](Model& model) { model.rules = {rule("macrophage", "oxygen", Response::increases, "cycle entry", 1.0, 1.0)}; }), "'macrophage' have no behaviour 'cycle entry'"));
    const std::string twice = refused([](Model& model) {
        model.rules = {rule("tumor", "time", Response::increases, "apoptosis", 1.0, 1.0), rule("tumor", "current time", Response::increases, "apoptosis", 0.5, 1.0)};
    });
    EXPECT_TRUE(test::contains(twice, "another name of a signal")) << twice;
}

TEST(behaviors, a_reason_stands_in_the_refusal) {
    Model model = two_types();
    model.rules = {rule("tumor", "oxygen", Response::increases, "cell attachment rate", 1.0, 1.0)};
    const Error error = test::thrown_by([&] { Behaviors{model}; });
    EXPECT_TRUE(test::contains(error.message(), "line 5: the behaviour 'cell attachment rate' is known and not modelled: cells are not tied to one another by springs")) << error.message();
}

TEST(behaviors, saturations_that_are_not_physical_are_refused) {
    const auto refused = [](Response response, const char* behavior, double saturation, std::string_view next) {
        Model model = two_types();
        model.rules = {rule("tumor", "oxygen", response, behavior, saturation, 1.0)};
        const Error error = test::thrown_by([&] { Behaviors{model}; });
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        EXPECT_TRUE(test::contains(error.message(), "line 5")) << error.message();
        EXPECT_TRUE(test::contains(error.message(), "beyond what is physical")) << error.message();
        EXPECT_TRUE(test::contains(error.next(), next)) << error.next();
    };
    refused(Response::decreases, "oxygen uptake", -5.0, "from 0 to 1e+06");
    refused(Response::decreases, "cycle entry", -1e-9, "from 0 to");
    refused(Response::increases, "migration bias", 5.0, "from 0 to 1");
    refused(Response::increases, "migration speed", 2e3, "from 0 to 1000");
    refused(Response::decreases, "relative maximum adhesion distance", 0.5, "from 1 to");
    refused(Response::increases, "attack macrophage", std::numeric_limits<double>::infinity(), "from 0 to");
}

TEST(behaviors, values_are_the_types_until_a_rule_changes_them) {
    Model model = two_types();
    model.rules = {rule("tumor", "oxygen", Response::decreases, "oxygen uptake", 2.0, 38.0), rule("tumor", "contact with live cell", Response::increases, "debris secretion", 6.0, 1.0),
                   rule("tumor", "pressure", Response::increases, "phagocytose macrophage", 3.0, 2.0), rule("macrophage", "debris gradient", Response::increases, "migration bias", 1.0, 0.1),
                   rule("macrophage", "time", Response::increases, "chemotactic response to oxygen", 2.0, 100.0), rule("tumor", "dead", Response::increases, "debris export", 40.0, 0.5)};
    model.rules.back().applies_to_dead = true;
    Behaviors behaviors(model);
    EXPECT_EQ(behaviors.n_kept(), 5U);
    EXPECT_TRUE(behaviors.asks_for_contacts());
    EXPECT_TRUE(behaviors.may_happen(BehaviorKind::eats));
    EXPECT_FALSE(behaviors.may_happen(BehaviorKind::attacks));
    const auto context = test::make_context(1);
    Agents agents = three_cells(model, behaviors);
    const std::uint64_t apart = agents.id[2];
    Mechanics mechanics(model.box, {{}, {}}, {}, {.dt_min = 0.1, .skin_um = 2.0, .own = behaviors.own_mechanics()});
    const auto [contacts, room] = mechanics.contacts(agents, behaviors.n_momentary() * agents.size(), *context);
    const auto macrophage = static_cast<std::size_t>(std::find(agents.id.begin(), agents.id.end(), apart) - agents.id.begin());
    const std::size_t tumor = macrophage == 0 ? 1 : 0, other = 3 - macrophage - tumor;
    const auto value = [&](std::size_t agent, BehaviorKind kind, std::int32_t of) { return behaviors.value(agents, agent, {kind, of}); };
    EXPECT_EQ(value(tumor, BehaviorKind::uptake, 0), 10.0);
    EXPECT_EQ(value(macrophage, BehaviorKind::chemotaxis, 1), 1.0);

    agents.pressure[tumor] = 2.0F;
    agents.death[other] = Death::apoptotic;
    Field field(model.box, model.substances, 0.1, *context);
    for (std::int64_t v = 0; v < model.box.n_stored(); ++v) field.values(1)[static_cast<std::size_t>(v)] = 0.1 * 20.0 * static_cast<double>(v % model.box.stride());
    behaviors.follow(agents, field, contacts, nullptr, {.minute = 100.0, .room = room}, *context);
    EXPECT_FLOAT_EQ(static_cast<float>(value(tumor, BehaviorKind::uptake, 0)), 6.0F);
    EXPECT_EQ(value(tumor, BehaviorKind::secretion, 1), 0.0) << "its neighbour is dead";
    EXPECT_FLOAT_EQ(static_cast<float>(value(tumor, BehaviorKind::eats, 1)), 1.5F);
    EXPECT_EQ(value(tumor, BehaviorKind::exported, 1), 0.0);
    EXPECT_FLOAT_EQ(static_cast<float>(value(other, BehaviorKind::exported, 1)), 40.0F * 16.0F / 17.0F);
    EXPECT_FLOAT_EQ(static_cast<float>(value(other, BehaviorKind::secretion, 1)), 0.0F) << "the rule does not apply to the dead";
    EXPECT_EQ(value(other, BehaviorKind::uptake, 0), 0.0) << "ends with life";
    EXPECT_FLOAT_EQ(static_cast<float>(value(macrophage, BehaviorKind::bias, 0)), 0.5F);
    EXPECT_FLOAT_EQ(static_cast<float>(value(macrophage, BehaviorKind::chemotaxis, 0)), 1.0F);
    EXPECT_EQ(value(macrophage, BehaviorKind::uptake, 0), 0.0);

    const RuleVocabulary words = vocabulary_of(model);
    std::vector<double> factors(words.base.size(), 1.0);
    factors[words.behaviors.size() + find_behavior(words, "migration bias", "here")] = 4.0;
    behaviors.set_factors(factors);
    behaviors.follow(agents, field, contacts, nullptr, {.minute = 100.0, .room = room}, *context);
    EXPECT_EQ(value(macrophage, BehaviorKind::bias, 0), 1.0) << "2, cut off";
    behaviors.set_factors({});

    agents.death[other] = Death::none;
    behaviors.follow(agents, field, contacts, nullptr, {.minute = 0.0, .room = room}, *context);
    EXPECT_FLOAT_EQ(static_cast<float>(value(tumor, BehaviorKind::secretion, 1)), 3.0F);
    const std::vector<std::uint32_t> dead{static_cast<std::uint32_t>(tumor)};
    behaviors.end(agents, dead);
    EXPECT_EQ(value(tumor, BehaviorKind::secretion, 1), 0.0);
    EXPECT_EQ(value(macrophage, BehaviorKind::chemotaxis, 0), 0.0);
}

TEST(behaviors, a_phase_of_fixed_time_lasts_as_long_as_its_rule_says) {
    Model model = two_types();
    // Ki67+ lasts 15.5 h; pressure 1 halves the rate's way to 1 / 5 h.
    const double base = 1.0 / (15.5 * 60.0), fastest = 1.0 / 300.0;
    model.rules = {rule("tumor", "pressure", Response::increases, "exit from cycle phase 1", fastest, 1.0)};
    Behaviors behaviors(model);
    const auto context = test::make_context(1);
    Agents agents = three_cells(model, behaviors);
    agents.phase[0] = agents.phase[1] = 1;
    agents.pressure[0] = 1.0F;
    const Field field(model.box, model.substances, 0.1, *context);
    const std::vector<Life> lives{model.types[0].life, model.types[1].life};
    std::vector<float> room(static_cast<std::size_t>(behaviors.n_momentary() * agents.size()));
    std::uint32_t first = 0, second = 0;
    for (std::uint32_t step = 0; second == 0; ++step) {
        ASSERT_LT(step, 200U);
        behaviors.follow(agents, field, {}, nullptr, {.minute = 0.0, .room = room}, *context);
        const PopulationEvents events = advance_life(agents, lives, behaviors.life_rates(), 6.0, 1, step, *context);
        for (const std::uint32_t place : events.dividing) {
            std::uint32_t& at = place == 0 ? first : second;
            if (at == 0) at = step + 1;
        }
    }
    EXPECT_EQ(first, static_cast<std::uint32_t>(std::ceil(2.0 / (base + fastest) / 6.0)));
    EXPECT_EQ(second, 155U);
}

TEST(behaviors, give_the_same_bits_with_any_number_of_threads) {
    Model model = two_types();
    model.rules = {rule("tumor", "contact with live cell", Response::increases, "cell-cell repulsion", 20.0, 3.0), rule("tumor", "oxygen gradient", Response::increases, "debris secretion", 6.0, 0.01)};
    test::same_at_threads({2, 8},
        [&](Context& context) {
            Behaviors behaviors(model);
            Agents agents;
            agents.behavior.resize(behaviors.n_kept());
            for (std::int64_t i = 0; i < 9000; ++i) {
                add_agent(agents, first_id(i), static_cast<std::uint16_t>(i % 2), {4.0 * static_cast<double>(i % 21), 4.0 * static_cast<double>(i / 21 % 21), 4.0 * static_cast<double>(i / 441)}, 3.0F);
            }
            Mechanics mechanics(model.box, {{}, {}}, {}, {.dt_min = 0.1, .skin_um = 1.0, .own = behaviors.own_mechanics()});
            for (std::size_t i = 0; i < agents.id.size(); ++i) behaviors.begin(agents, i);
            const auto [contacts, room] = mechanics.contacts(agents, behaviors.n_momentary() * agents.size(), context);
            Field field(model.box, model.substances, 0.1, context);
            field.values(0)[0] = 100.0;
            behaviors.follow(agents, field, contacts, nullptr, {.minute = 1.0, .room = room}, context);
            return agents.behavior;
        },
        [](const auto& a, const auto& b) { return a == b; });
}

}  // namespace
}  // namespace morula::simulation
