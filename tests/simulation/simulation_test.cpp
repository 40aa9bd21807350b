#include "morula/simulation/simulation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "morula/core/file.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::simulation {
namespace {

/// Made up, and quick: cells divide within minutes, so that all that can happen does.
Model busy_model() {
    Model model;
    model.box = {.n = {12, 12, 12}, .voxel_um = 20.0};
    model.substances = {{.name = "oxygen", .unit = "mmHg", .diffusion_um2_per_min = 2e4, .decay_per_min = 0.1, .initial = 30.0}, {.name = "lure", .diffusion_um2_per_min = 300.0, .decay_per_min = 0.05}};
    model.pace = {FieldPace::steady, FieldPace::stepped};
    model.fixed.resize(2);
    for (std::int64_t z = 0; z < 12; ++z) {
        model.fixed[0].places.push_back(model.box.place(2, 2, z));
        model.fixed[0].concentrations.push_back(38.0);
    }
    CellType grows{.name = "grows", .mechanics = {}, .life = standard_life(CycleModel::ki67_basic), .exchange = {{.uptake_per_min = 10.0}, {.secretion_per_min = 1.0, .aim = 5.0}}};
    grows.life.phases[0].rate_per_min = 0.05;
    grows.life.phases[1].duration_min = 3.0;
    grows.life.phases[2].duration_min = 2.0;
    CellType crawls{.name = "crawls", .mechanics = {.speed_um_per_min = 1.0, .persistence_min = 2.0, .bias = 0.6, .chemotaxis_substance = 1}, .life = standard_life(CycleModel::none), .exchange = {{.uptake_per_min = 2.0}, {}}};
    crawls.encounters = {.eats_dead = 0.2, .eats = {0.002, 0.0}, .attacks = {0.05, 0.0}, .fuses = {0.0, 0.005}, .becomes = {0.01, 0.0}, .attack_min = 1.0};
    model.types = {grows, crawls};
    model.affinity = {1.0, 0.5, 0.5, 1.0};
    using knowledge::Response;
    const auto rule = [](std::string type, std::string signal, Response response, std::string behavior, double saturation, double half_max, bool applies_to_dead) {
        return knowledge::BehaviorRule{.cell_type = std::move(type), .signal = std::move(signal), .response = response, .behavior = std::move(behavior), .saturation = saturation, .half_max = half_max,
                                       .hill_power = 2.0, .applies_to_dead = applies_to_dead, .line = 9};
    };
    model.rules = {rule("grows", "contact with crawls", Response::increases, "lure secretion", 4.0, 1.0, false), rule("grows", "dead", Response::increases, "lure export", 500.0, 0.5, true),
                   rule("grows", "oxygen", Response::decreases, "oxygen uptake", 1.0, 30.0, false), rule("grows", "contact with live cell", Response::decreases, "cell-cell adhesion", 0.1, 4.0, false),
                   rule("grows", "damage", Response::increases, "necrosis", 0.1, 1.0, false), rule("crawls", "lure", Response::increases, "adhesive affinity to grows", 1.0, 0.5, false),
                   rule("crawls", "lure gradient", Response::increases, "migration bias", 1.0, 0.01, false), rule("crawls", "pressure", Response::decreases, "migration persistence time", 0.5, 0.5, false),
                   rule("crawls", "volume", Response::increases, "chemotactic response to oxygen", 0.5, 2000.0, false), rule("crawls", "contact with dead cell", Response::increases, "phagocytose dead cell", 0.6, 1.0, false),
                   rule("crawls", "time", Response::increases, "relative maximum adhesion distance", 1.4, 3.0, false), rule("grows", "total attack time", Response::decreases, "exit from cycle phase 1", 0.1, 20.0, false),
                   rule("crawls", "apoptotic", Response::increases, "cell-cell repulsion", 12.0, 0.5, true),
                   {.cell_type = "grows", .signal = "oxygen", .response = Response::increases, .behavior = "cycle entry", .saturation = 0.5, .half_max = 20.0, .hill_power = 2.0, .line = 1},
                   {.cell_type = "grows", .signal = "pressure", .response = Response::increases, .behavior = "apoptosis", .saturation = 0.3, .half_max = 1.0, .hill_power = 4.0, .line = 2},
                   {.cell_type = "crawls", .signal = "lure", .response = Response::decreases, .behavior = "migration speed", .saturation = 0.0, .half_max = 0.5, .hill_power = 2.0, .line = 3}};
    model.clocks = {.field_min = 0.05, .mechanics_min = 0.1, .life_min = 0.6};
    model.seed = 4;
    return model;
}

Agents busy_start() {
    Agents agents;
    for (std::int64_t i = 0; i < 125; ++i) {
        add_agent(agents, first_id(i), static_cast<std::uint16_t>(i % 3 == 0 ? 1 : 0), {70.0 + 16.0 * static_cast<double>(i % 5), 70.0 + 16.0 * static_cast<double>(i / 5 % 5), 70.0 + 16.0 * static_cast<double>(i / 25)}, 8.0F);
    }
    return agents;
}

TEST(simulation, gives_the_same_state_with_any_number_of_threads) {
    const std::string hash = test::same_at_threads({2, 8},
        [](Context& context) {
            Simulation simulation(busy_model(), busy_start(), context);
            simulation.advance(6.0, context);
            EXPECT_GT(simulation.tally().births, 20);
            EXPECT_GT(simulation.tally().removals, 0);
            EXPECT_EQ(simulation.agents().size(), 125 + simulation.tally().births - simulation.tally().removals);
            const std::vector<CellEvent> events = simulation.take_events();
            const auto count = [&](CellEvent::Kind kind) { return std::count_if(events.begin(), events.end(), [&](const CellEvent& event) { return event.kind == kind; }); };
            for (const auto kind : {CellEvent::Kind::removed, CellEvent::Kind::eaten, CellEvent::Kind::fused, CellEvent::Kind::became}) EXPECT_GT(count(kind), 0) << event_name(kind);
            EXPECT_EQ(std::ssize(events), simulation.tally().births + simulation.tally().removals + count(CellEvent::Kind::became));
            for (const CellEvent& event : events) EXPECT_EQ(event.by != 0, event.kind == CellEvent::Kind::eaten || event.kind == CellEvent::Kind::fused);
            EXPECT_EQ(std::count_if(events.begin(), events.end(), [](const CellEvent& event) { return event.kind == CellEvent::Kind::born && event.parent != 0; }), simulation.tally().births);
            EXPECT_TRUE(simulation.take_events().empty());
            return simulation.hash();
        },
        [](const std::string& a, const std::string& b) { return a == b; });
    const auto context = test::make_context(1);
    Model other = busy_model();
    other.seed = 5;
    Simulation simulation(other, busy_start(), *context);
    simulation.advance(6.0, *context);
    EXPECT_NE(simulation.hash(), hash);
}

TEST(simulation, goes_on_from_any_saved_step_as_if_it_had_not_stopped) {
    const auto context = test::make_context(2);
    const test::TemporaryFolder folder;
    Simulation whole(busy_model(), busy_start(), *context);
    for (int step = 0; step < 50; ++step) {
        if (step % 7 == 0 || step == 6 || step == 13) whole.save(folder / ("state-" + std::to_string(step)), "busy");
        whole.advance(0.1 * (step + 1), *context);
    }
    for (const int step : {0, 6, 7, 13, 14, 21, 49}) {
        Simulation resumed = Simulation::load(busy_model(), folder / ("state-" + std::to_string(step)), "busy", *context);
        EXPECT_EQ(resumed.mechanics_steps(), step);
        resumed.advance(5.0, *context);
        EXPECT_EQ(resumed.hash(), whole.hash()) << "resumed at step " << step;
        EXPECT_EQ(resumed.tally().births, whole.tally().births);
    }
    // The same behind something else in the file.
    StateWriter out;
    out.put_text("rows so far: 7");
    whole.save(out, "busy");
    out.save(folder / "with-more");
    StateReader in(folder / "with-more");
    EXPECT_EQ(in.get_text(), "rows so far: 7");
    EXPECT_EQ(Simulation::load(busy_model(), in, "busy", *context).hash(), whole.hash());
}

TEST(simulation, refuses_states_that_are_not_its_own) {
    const auto context = test::make_context(1);
    const test::TemporaryFolder folder;
    Simulation simulation(busy_model(), busy_start(), *context);
    simulation.advance(0.3, *context);
    const auto path = folder / "state";
    simulation.save(path, "busy");
    const auto refused = [&](const std::string& scenario, std::string_view part) {
        const Error error = test::thrown_by([&] { Simulation::load(busy_model(), path, scenario, *context); });
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        EXPECT_TRUE(test::contains(error.message(), part)) << error.message();
    };
    refused("another", "belongs to scenario 'busy'");
    const std::string good = read_text_file(path, 100'000'000);
    for (const std::size_t at : {std::size_t{60}, good.size() / 2, good.size() - 1}) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 4);
        write_text_file(path, bad);
        refused("busy", "its hash is not that of its content");
    }
    write_text_file(path, good.substr(0, good.size() / 3));
    refused("busy", "damaged");
    write_text_file(path, good.substr(0, 30));
    refused("busy", "damaged");
    write_text_file(path, "morula simulation state 0\n" + good.substr(26));
    refused("busy", "another version");
    write_text_file(path, "id,x,y\n");
    refused("busy", "no saved simulation");
    EXPECT_EQ(test::error_code([&] { Simulation::load(busy_model(), folder / "none", "busy", *context); }), ErrorCode::not_found);
}

TEST(simulation, cells_without_oxygen_die_where_a_rule_says_so) {
    const auto context = test::make_context(1);
    Model model;
    model.box = {.n = {5, 5, 1}, .voxel_um = 20.0};
    model.substances = {{.name = "oxygen", .diffusion_um2_per_min = 1000.0}};
    CellType type{.name = "cell", .mechanics = {}, .life = standard_life(CycleModel::none), .exchange = {}};
    type.life.necrosis_per_min = 0.5;
    model.types = {type};
    model.rules = {{.cell_type = "cell", .signal = "oxygen", .response = knowledge::Response::decreases, .behavior = "necrosis", .saturation = 0.0, .half_max = 5.0, .hill_power = 8.0, .line = 1}};
    for (const double oxygen : {0.0, 40.0}) {
        model.substances[0].initial = oxygen;
        Agents agents;
        for (std::int64_t i = 0; i < 4; ++i) add_agent(agents, first_id(i), 0, {20.0 * static_cast<double>(i) + 5.0, 50.0, 10.0}, 8.0F);
        Simulation simulation(model, agents, *context);
        simulation.advance(60.0, *context);
        const auto composition = simulation.composition();
        EXPECT_EQ(composition[0][0], oxygen > 0.0 ? 4 : 0);
        EXPECT_EQ(composition[0][2], oxygen > 0.0 ? 0 : 4);
    }
}

TEST(simulation, dying_cells_may_shrink_to_nothing) {
    const auto context = test::make_context(1);
    Model model;
    model.box = {.n = {5, 5, 5}, .voxel_um = 20.0};
    CellType type{.name = "cell", .mechanics = {}, .life = standard_life(CycleModel::none), .exchange = {}};
    type.life.apoptosis_per_min = 1e6;
    model.types = {type};
    Agents agents;
    for (std::int64_t i = 0; i < 8; ++i) add_agent(agents, first_id(i), 0, {40.0 + 10.0 * static_cast<double>(i % 2), 40.0 + 10.0 * static_cast<double>(i / 2 % 2), 40.0 + 10.0 * static_cast<double>(i / 4)}, 8.0F);
    Simulation simulation(model, agents, *context);
    simulation.advance(500.0, *context);
    ASSERT_EQ(simulation.agents().size(), 8);
    for (const float radius : simulation.agents().radius) EXPECT_LT(radius, 2.0F);
    simulation.advance(540.0, *context);
    EXPECT_EQ(simulation.agents().size(), 0);
    EXPECT_EQ(simulation.tally().removals, 8);
}

TEST(simulation, a_steady_field_is_where_a_stepped_one_ends) {
    const auto context = test::make_context(2);
    Model model;
    model.box = {.n = {9, 9, 9}, .voxel_um = 20.0};
    model.substances = {{.name = "oxygen", .diffusion_um2_per_min = 1000.0, .decay_per_min = 0.05, .initial = 20.0}};
    CellType type{.name = "cell", .mechanics = {}, .life = standard_life(CycleModel::none), .exchange = {{.uptake_per_min = 3.0}}};
    model.types = {type};
    model.fixed = {{{model.box.place(0, 4, 4), model.box.place(8, 4, 4)}, {38.0, 38.0}}};
    model.clocks = {.field_min = 0.01, .mechanics_min = 0.1, .life_min = 6.0};
    std::vector<double> middle;
    for (const FieldPace pace : {FieldPace::stepped, FieldPace::steady}) {
        model.pace = {pace};
        Agents agents;
        for (std::int64_t i = 0; i < 8; ++i) add_agent(agents, first_id(i), 0, {30.0 + 40.0 * static_cast<double>(i % 2), 30.0 + 40.0 * static_cast<double>(i / 2 % 2), 30.0 + 40.0 * static_cast<double>(i / 4)}, 8.0F);
        Simulation simulation(model, agents, *context);
        simulation.advance(pace == FieldPace::stepped ? 120.0 : 0.1, *context);
        middle.push_back(simulation.field().values(0)[static_cast<std::size_t>(model.box.place(4, 4, 4))]);
    }
    EXPECT_NEAR(middle[0] / middle[1], 1.0, 0.01);
}

/// A tissue in which cells take up oxygen, divide where there is much of it and die where they are crowded; nobody crawls, so that only the life clock reads the field.
Model breathing_model() {
    Model model = busy_model();
    model.types[1].mechanics = {};
    model.types[1].exchange = {{.uptake_per_min = 5.0}, {}};
    model.rules.pop_back();
    std::erase_if(model.rules, [](const knowledge::BehaviorRule& rule) { return rule.behavior.starts_with("chemotactic response"); });
    return model;
}

TEST(simulation, steady_fields_solved_when_somebody_looks_are_those_solved_at_every_step) {
    const auto context = test::make_context(2);
    Model each = breathing_model();
    each.clocks.steady_min = each.clocks.mechanics_min;
    Simulation every_step(each, busy_start(), *context);
    Simulation when_read(breathing_model(), busy_start(), *context);
    for (int strike = 1; strike <= 20; ++strike) {
        every_step.advance(0.6 * strike, *context);
        when_read.advance(0.6 * strike, *context);
        ASSERT_EQ(every_step.agents().size(), when_read.agents().size());
        EXPECT_EQ(every_step.tally().births, when_read.tally().births);
        double largest = 0.0;
        for (std::size_t v = 0; v < every_step.field().values(0).size(); ++v) largest = std::max(largest, std::abs(every_step.field().values(0)[v] - when_read.field().values(0)[v]));
        EXPECT_LT(largest, 38.0 * 1e-4) << "at strike " << strike;
    }
    EXPECT_GT(when_read.tally().births, 50);
}

TEST(simulation, steady_fields_have_a_clock_of_their_own) {
    const auto context = test::make_context(1);
    const auto change_in_step = [&](Model model, int step) {
        model.types[1].mechanics.speed_um_per_min = 60.0;  // or hardly anyone would change voxels
        model.types[1].mechanics.persistence_min = 100.0;
        Simulation simulation(std::move(model), busy_start(), *context);
        simulation.advance(0.1 * step, *context);
        const std::vector<double> before(simulation.field().values(0).begin(), simulation.field().values(0).end());
        simulation.advance(0.1 * (step + 1), *context);
        return !std::equal(before.begin(), before.end(), simulation.field().values(0).begin());
    };
    const Simulation start(breathing_model(), busy_start(), *context);
    EXPECT_NE(start.field().values(0)[static_cast<std::size_t>(start.model().box.place(6, 6, 6))], 30.0) << "of minute 0, solved for before the first step";
    for (int step = 0; step < 5; ++step) EXPECT_FALSE(change_in_step(breathing_model(), step)) << "a stepped substance beside it leaves it alone";
    EXPECT_TRUE(change_in_step(breathing_model(), 5)) << "rules read it at the life clock's strike";
    Model own = breathing_model();
    own.clocks.steady_min = 0.3;
    EXPECT_FALSE(change_in_step(own, 1));
    EXPECT_TRUE(change_in_step(own, 2));
    Model followed = busy_model();
    followed.rules.clear();
    followed.types[1].mechanics.chemotaxis_substance = 0;
    EXPECT_TRUE(change_in_step(followed, 1)) << "cells that follow it look at every step";
    Model by_rule = breathing_model();
    const std::vector<knowledge::BehaviorRule> rules = busy_model().rules;
    std::copy_if(rules.begin(), rules.end(), std::back_inserter(by_rule.rules), [](const knowledge::BehaviorRule& rule) { return rule.behavior == "chemotactic response to oxygen"; });
    EXPECT_TRUE(change_in_step(by_rule, 1)) << "a rule may make them follow it";
}

TEST(simulation, names_what_is_wrong_with_a_start) {
    const auto context = test::make_context(1);
    const auto refused = [&](const auto& change, std::string_view part) {
        Model model = busy_model();
        Agents agents = busy_start();
        change(model, agents);
        const Error error = test::thrown_by([&] { Simulation(model, agents, *context); });
        EXPECT_EQ(error.code(), ErrorCode::invalid_data) << part;
        EXPECT_TRUE(test::contains(error.message(), part)) << error.message();
    };
    refused([](Model&, Agents& agents) { agents.x[6] = 1000.0; }, "Cell 7 at (1000, 86, 70) um is not in the box");
    refused([](Model&, Agents& agents) { agents.y[0] = std::numeric_limits<double>::quiet_NaN(); }, "Cell 1 at (70, nan, 70) um is not in the box");
    refused([](Model&, Agents& agents) { agents.x[1] = agents.x[0]; }, "Cell 2 at (70, 70, 70) um is where cell 1 is");
    refused([](Model&, Agents& agents) { agents.type[3] = 7; }, "a type that is not there");
    refused([](Model&, Agents& agents) { agents.id[3] = agents.id[2]; }, "the id of another");
    refused([](Model& model, Agents&) { model.clocks.life_min = 0.25; }, "clocks of mechanics and life");
    refused([](Model& model, Agents&) { model.clocks.field_min = 0.0; }, "clocks of fields and mechanics are 0 and 0.1 min");
    refused([](Model& model, Agents&) { model.fixed[0] = {}; model.substances[0].decay_per_min = 0.0; for (CellType& type : model.types) type.exchange[0] = {}; model.rules.clear(); }, "'oxygen' has no steady field: nothing takes it away");
    refused([](Model& model, Agents&) { model.clocks.steady_min = 0.25; }, "clocks of mechanics and steady fields are 0.1 and 0.25 min");
    refused([](Model& model, Agents&) { model.clocks = {.field_min = 0.5, .mechanics_min = 0.5, .life_min = 1.0}; }, "mechanics step of 0.5 min is too long");
    refused([](Model& model, Agents&) { model.types.clear(); }, "no cell types");
    refused([](Model& model, Agents&) { model.types[1].name = "grows"; }, "more than one cell type 'grows'");
    refused([](Model& model, Agents&) { model.types[1].exchange[0].uptake_per_min = -1.0; }, "secretion or uptake");
    refused([](Model& model, Agents&) { model.types[1].mechanics.chemotaxis_substance = 5; }, "follows a substance");
    refused([](Model& model, Agents&) { model.substances[1].name = "pressure"; }, "signal of its own");
    refused([](Model& model, Agents&) { model.rules[0].signal = "oxigen"; }, "no signal 'oxigen'");
    refused([](Model& model, Agents&) { model.affinity.pop_back(); }, "table of affinities");
    refused([](Model& model, Agents&) { model.types[0].encounters.attacks = {-1.0, 0.0}; }, "eating, attack, fusion");
    refused([](Model& model, Agents&) { model.types[0].encounters.repair_per_min = std::numeric_limits<double>::infinity(); }, "eating, attack or damage");
}

TEST(simulation, says_how_much_memory_it_needs_before_it_takes_any) {
    Context context({.threads = 1, .memory_bytes = 2'000'000, .events = nullptr, .cancel = nullptr});
    Model model = busy_model();
    EXPECT_LT(expected_bytes(checked(model), 125), 2'000'000);
    Simulation(model, busy_start(), context);
    model.box.n = {1'000, 1'000, 1'000};
    const Error error = test::thrown_by([&] { Simulation(model, busy_start(), context); });
    EXPECT_EQ(error.code(), ErrorCode::resource_limit);
    EXPECT_TRUE(test::contains(error.message(), "162 GB")) << error.message();
}

TEST(simulation, minutes_are_the_decimals_that_are_meant) {
    const auto context = test::make_context(1);
    Simulation simulation(busy_model(), {}, *context);
    simulation.advance(3.3, *context);
    EXPECT_EQ(simulation.mechanics_steps(), 33);
    EXPECT_EQ(simulation.minute(), 3.3) << "33 * 0.1 is another double";
}

TEST(simulation, stops_when_it_is_told_to) {
    std::atomic<bool> cancel = false;
    Context context({.threads = 1, .memory_bytes = test::kTestMemory, .events = nullptr, .cancel = &cancel});
    Simulation simulation(busy_model(), busy_start(), context);
    cancel = true;
    try {
        simulation.advance(1.0, context);
        ADD_FAILURE() << "it went on";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::cancelled);
    }
}

TEST(simulation, asymmetric_divisions_keep_the_number_of_stem_cells) {
    // Exact: every 3 min each stem cell leaves one stem cell and one cell that does not divide.
    Model model;
    model.box = {.n = {30, 30, 30}, .voxel_um = 20.0};
    CellType stem{.name = "stem", .mechanics = {}, .life = standard_life(CycleModel::live), .exchange = {}, .encounters = {.divides_into = {0.0, 1.0}}};
    stem.life.phases[0].exit = PhaseExit::after_time;
    stem.life.phases[0].duration_min = 3.0;
    CellType done{.name = "differentiated", .mechanics = {}, .life = standard_life(CycleModel::none), .exchange = {}};
    done.life.nuclear_um3 = 300.0;
    model.types = {stem, done};
    model.clocks = {.field_min = 0.05, .mechanics_min = 0.1, .life_min = 0.6};
    Agents start;
    for (std::int64_t i = 0; i < 8; ++i) add_agent(start, first_id(i), 0, {100.0 + 50.0 * static_cast<double>(i), 300.0, 300.0}, 0.0F);
    const auto context = test::make_context(2);
    Simulation run(model, start, *context);
    run.advance(15.6, *context);
    const Agents& agents = run.agents();
    EXPECT_EQ(std::count(agents.type.begin(), agents.type.end(), 0), 8);
    EXPECT_EQ(std::count(agents.type.begin(), agents.type.end(), 1), 8 * 5);
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        const Life& life = agents.type[i] == 1 ? done.life : stem.life;
        EXPECT_EQ(static_cast<double>(agents.target_nucleus[i]), life.nuclear_solid_um3()) << "it aims at the size of its own type";
    }
    const std::vector<CellEvent> events = run.take_events();
    EXPECT_EQ(std::count_if(events.begin(), events.end(), [](const CellEvent& event) { return event.kind == CellEvent::Kind::born && event.type == 1; }), 40);
    EXPECT_EQ(events.size(), 40U) << "being born of another type is no second event";
}

}  // namespace
}  // namespace morula::simulation
