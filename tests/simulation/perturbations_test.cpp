#include "morula/simulation/perturbations.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "morula/simulation/simulation.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::simulation {
namespace {

Model still_model() {
    Model model;
    model.box = {.n = {10, 10, 10}, .voxel_um = 20.0};
    model.substances = {{.name = "drug", .diffusion_um2_per_min = 1000.0, .decay_per_min = 0.02}, {.name = "oxygen", .unit = "mmHg", .diffusion_um2_per_min = 2000.0, .initial = 10.0}};
    model.fixed = {{{model.box.place(0, 5, 5)}, {2.0}}, {}};
    CellType tumor{.name = "tumor", .mechanics = {.speed_um_per_min = 0.5}, .life = standard_life(CycleModel::none), .exchange = {{}, {.uptake_per_min = 4.0}}};
    CellType other{.name = "stroma", .mechanics = {}, .life = standard_life(CycleModel::none), .exchange = {{}, {.secretion_per_min = 1.0, .aim = 30.0}}};
    model.types = {tumor, other};
    model.clocks = {.field_min = 0.1, .mechanics_min = 0.1, .life_min = 0.5};
    model.seed = 6;
    return model;
}

Agents cells(std::int64_t n) {
    Agents agents;
    for (std::int64_t i = 0; i < n; ++i) {
        add_agent(agents, first_id(i), static_cast<std::uint16_t>(i % 2), {30.0 + 17.0 * static_cast<double>(i % 8), 30.0 + 17.0 * static_cast<double>(i / 8 % 8), 30.0 + 17.0 * static_cast<double>(i / 64)}, 0.0F);
    }
    return agents;
}

std::int64_t count(const Simulation& simulation, std::uint16_t type) { return std::count(simulation.agents().type.begin(), simulation.agents().type.end(), type); }

TEST(perturbations, factors_act_from_their_first_strike_to_their_last) {
    const auto context = test::make_context(1);
    Model model = still_model();
    using knowledge::Response;
    model.rules = {{.cell_type = "stroma", .signal = "oxygen", .response = Response::increases, .behavior = "oxygen secretion", .saturation = 3.0, .half_max = 10.0, .line = 1}};
    // 1.2 and 2.6 lie between the strikes at 1.0, 1.5, 2.0, 2.5, 3.0.
    model.perturbations.factors = {{.type = 0, .behavior = "oxygen uptake", .factor = 0.0, .span = {1.2, 2.6}}, {.type = 0, .behavior = "migration speed", .factor = 4.0, .span = {0.0, kNeverEnds}},
                                   {.type = 1, .behavior = "oxygen secretion", .factor = 0.5, .span = {1.0, kNeverEnds}}};
    Simulation simulation(model, cells(64), *context);
    const auto place_of_first = [&] { return static_cast<std::size_t>(std::find(simulation.agents().id.begin(), simulation.agents().id.end(), first_id(0)) - simulation.agents().id.begin()); };
    const auto uptake = [&] { return simulation.behaviors().value(simulation.agents(), place_of_first(), {BehaviorKind::uptake, 1}); };
    for (const auto& [until, expected] : {std::pair{1.4, 4.0}, std::pair{1.5, 0.0}, std::pair{2.9, 0.0}, std::pair{3.0, 4.0}}) {
        simulation.advance(until, *context);
        EXPECT_EQ(uptake(), expected) << until;
    }
    const std::size_t tumor = place_of_first();
    EXPECT_EQ(simulation.behaviors().value(simulation.agents(), tumor, {BehaviorKind::speed, 0}), 2.0);
    const Agents& agents = simulation.agents();
    EXPECT_NEAR(std::hypot(agents.migration_x[tumor], agents.migration_y[tumor], agents.migration_z[tumor]), 2.0F, 1e-5F);
    const auto stroma = static_cast<std::size_t>(std::find(agents.type.begin(), agents.type.end(), 1) - agents.type.begin());
    const double secretion = simulation.behaviors().value(agents, stroma, {BehaviorKind::secretion, 1});
    EXPECT_GT(secretion, 0.5);
    EXPECT_LT(secretion, 1.5) << "half of 1 to 3";
}

TEST(perturbations, a_knock_out_of_uptake_leaves_the_field_alone) {
    const auto context = test::make_context(1);
    Model model = still_model();
    model.types[1].exchange[1] = {};
    model.perturbations.factors = {{.type = 0, .behavior = "oxygen uptake"}};
    Simulation simulation(model, cells(64), *context);
    const double before = simulation.field().total(1, *context);
    simulation.advance(2.0, *context);
    EXPECT_NEAR(simulation.field().total(1, *context) / before, 1.0, 1e-12);
}

TEST(perturbations, doses_in_the_bath_follow_their_half_life) {
    const auto context = test::make_context(1);
    Model model = still_model();
    model.fixed.clear();
    model.perturbations.drugs = {{.substance = 0, .points = {{0.0, 3.0}, {1.05, 5.0}}, .half_life_min = 2.0}};
    Simulation simulation(model, {}, *context);
    for (const double minute : {0.5, 1.0, 1.1, 4.0}) {
        simulation.advance(minute, *context);
        // The second is given at the start of the step that holds its minute, at 1.0.
        const double kept = std::log(2.0) / 2.0 + 0.02;
        const double expected = 3.0 * std::exp(-kept * minute) + (minute > 1.05 ? 5.0 * std::exp(-kept * (minute - 1.0)) : 0.0);
        EXPECT_NEAR(simulation.field().values(0)[static_cast<std::size_t>(model.box.place(4, 4, 4))], expected, 1e-12) << minute;
    }
}

TEST(perturbations, vessels_hold_what_the_drug_gives_them) {
    const auto context = test::make_context(1);
    Model model = still_model();
    const auto vessel = static_cast<std::size_t>(model.box.place(0, 5, 5));
    model.perturbations.drugs = {{.substance = 0, .route = Drug::Route::vessels, .points = {{0.3, 8.0}, {1.0, 1.0}}, .half_life_min = 1.0}};
    Simulation doses(model, {}, *context);
    EXPECT_EQ(doses.field().values(0)[vessel], 2.0);
    doses.advance(2.0, *context);
    // What the last step, from 1.9, held.
    EXPECT_NEAR(doses.field().values(0)[vessel], 2.0 + 8.0 * std::exp2(-1.6) + std::exp2(-0.9), 1e-12);
    model.perturbations.drugs = {{.substance = 0, .shape = Drug::Shape::curve, .route = Drug::Route::vessels, .points = {{1.0, 4.0}, {2.0, 8.0}}}};
    Simulation curve(model, {}, *context);
    for (const auto& [minute, expected] : {std::pair{0.9, 2.0}, std::pair{1.6, 2.0 + 6.0}, std::pair{3.0, 2.0 + 8.0}}) {
        curve.advance(minute, *context);
        EXPECT_NEAR(curve.field().values(0)[vessel], expected, 1e-9) << minute;
    }
}

TEST(perturbations, a_share_is_taken_out_by_lot_and_the_same_cells_each_time) {
    const auto context = test::make_context(1);
    Model model = still_model();
    model.perturbations.removals = {{.type = 0, .share = 0.25, .minute = 1.1}};
    std::set<std::uint64_t> left[2];
    for (auto& ids : left) {
        Simulation simulation(model, cells(128), *context);
        simulation.advance(1.4, *context);
        EXPECT_EQ(count(simulation, 0), 64);
        simulation.advance(2.0, *context);
        EXPECT_EQ(count(simulation, 0), 48);
        EXPECT_EQ(count(simulation, 1), 64);
        const std::vector<CellEvent> events = simulation.take_events();
        EXPECT_EQ(std::count_if(events.begin(), events.end(), [](const CellEvent& event) { return event.kind == CellEvent::Kind::taken_out && event.minute == 1.5; }), 16);
        ids.insert(simulation.agents().id.begin(), simulation.agents().id.end());
        model.seed += &ids == left ? 0 : 1;
    }
    EXPECT_EQ(left[0], left[1]);
    Simulation other(model, cells(128), *context);
    other.advance(2.0, *context);
    EXPECT_NE(std::set<std::uint64_t>(other.agents().id.begin(), other.agents().id.end()), left[0]);
    model.perturbations.removals = {{.type = 1, .minute = 0.0}};
    EXPECT_EQ(count(Simulation(model, cells(128), *context), 1), 0) << "before the start";
}

TEST(perturbations, cells_are_put_in_within_their_ball) {
    const auto context = test::make_context(1);
    Model model = still_model();
    model.perturbations.injections = {{.type = 1, .n = 40, .minute = 0.6, .center_um = {60.0, 70.0, 80.0}, .radius_um = 25.0}, {.type = 0, .n = 3, .minute = 0.0, .center_um = {150.0, 150.0, 150.0}, .radius_um = 5.0}};
    Simulation simulation(model, {}, *context);
    EXPECT_EQ(simulation.agents().size(), 3);
    simulation.advance(1.0, *context);
    const Agents& agents = simulation.agents();
    EXPECT_EQ(agents.size(), 43);
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        const double from_center = std::hypot(agents.x[i] - 60.0, agents.y[i] - 70.0, agents.z[i] - 80.0);
        EXPECT_LE(from_center, agents.type[i] == 1 ? 25.0 + 1e-9 : 1e3);
        EXPECT_NEAR(volume_of(agents, i), 2494.0, 1e-2);
    }
    EXPECT_EQ(std::set<std::uint64_t>(agents.id.begin(), agents.id.end()).size(), 43U);
    const std::vector<CellEvent> events = simulation.take_events();
    EXPECT_EQ(std::count_if(events.begin(), events.end(), [](const CellEvent& event) { return event.kind == CellEvent::Kind::put_in; }), 43);
    simulation.advance(2.0, *context);
    EXPECT_EQ(simulation.agents().size(), 43);
}

TEST(perturbations, memory_for_cells_to_come_is_asked_for_at_the_start) {
    Context context({.threads = 1, .memory_bytes = 100'000'000, .events = nullptr, .cancel = nullptr});
    Model model = still_model();
    model.perturbations.injections = {{.type = 1, .n = 50'000'000, .minute = 500.0, .center_um = {60.0, 70.0, 80.0}, .radius_um = 25.0}};
    EXPECT_EQ(test::error_code([&] { Simulation(model, {}, context); }), ErrorCode::resource_limit);
}

Model perturbed_model() {
    Model model = still_model();
    model.perturbations = {.factors = {{.type = 0, .behavior = "oxygen uptake", .factor = 3.0, .span = {0.7, 2.0}}, {.type = 1, .behavior = "cell-cell repulsion", .factor = 1.5, .span = {1.0, kNeverEnds}},
                                       {.type = 0, .behavior = "relative maximum adhesion distance", .factor = 1.2, .span = {1.5, kNeverEnds}}},
                           .drugs = {{.substance = 0, .points = {{0.4, 3.0}}}, {.substance = 1, .points = {{1.0, 1.0}, {1.8, 2.0}}, .half_life_min = 9.0}},
                           .removals = {{.type = 1, .share = 0.5, .minute = 0.9}},
                           .injections = {{.type = 1, .n = 30, .minute = 1.2, .center_um = {90.0, 90.0, 90.0}, .radius_um = 40.0}}};
    return model;
}

TEST(perturbations, give_the_same_state_with_any_number_of_threads_and_after_restarts) {
    const std::string hash = test::same_at_threads({2, 8},
        [](Context& context) {
            Simulation simulation(perturbed_model(), cells(300), context);
            simulation.advance(3.0, context);
            EXPECT_EQ(simulation.agents().size(), 300 - 75 + 30);
            return simulation.hash();
        },
        [](const std::string& a, const std::string& b) { return a == b; });
    const auto context = test::make_context(2);
    const test::TemporaryFolder folder;
    Simulation whole(perturbed_model(), cells(300), *context);
    for (int step = 1; step < 30; ++step) {
        whole.advance(0.1 * step, *context);
        if (step % 3 != 0 && step != 10 && step != 20) continue;
        whole.save(folder / "state", "perturbed");
        Simulation resumed = Simulation::load(perturbed_model(), folder / "state", "perturbed", *context);
        resumed.advance(3.0, *context);
        EXPECT_EQ(resumed.hash(), hash) << "resumed at step " << step;
    }
}

TEST(perturbations, that_contradict_each_other_or_cannot_be_are_refused) {
    const auto refused = [](const auto& change, std::string_view part) {
        Model model = still_model();
        change(model.perturbations, model);
        const Error error = test::thrown_by([&] { check_perturbations(checked(model)); });
        EXPECT_TRUE(error.code() == ErrorCode::invalid_data || error.code() == ErrorCode::unsupported) << part;
        EXPECT_TRUE(test::contains(error.message(), part)) << error.message();
        EXPECT_FALSE(error.next().empty());
    };
    using P = Perturbations;
    refused([](P& p, Model&) { p.removals = {{.type = 0, .minute = 5.0}}; p.injections = {{.type = 0, .n = 5, .minute = 5.0, .center_um = {90.0, 90.0, 90.0}, .radius_um = 10.0}}; }, "'tumor' is taken out and put in at minute 5");
    refused([](P& p, Model&) { p.removals = {{.type = 0, .share = 0.2, .minute = 5.0}, {.type = 0, .share = 0.3, .minute = 5.0}}; }, "taken out twice");
    refused([](P& p, Model&) { p.drugs = {{.substance = 0, .points = {{3.0, 1.0}}}, {.substance = 0, .points = {{3.0, 2.0}}}}; }, "'drug' has two doses at minute 3: 1 and 2");
    refused([](P& p, Model&) { p.drugs = {{.substance = 0, .points = {{3.0, 1.0}, {3.0, 2.0}}}}; }, "two doses at minute 3");
    refused([](P& p, Model&) { p.drugs = {{.substance = 0, .points = {{3.0, 1.0}}, .half_life_min = 1.0}, {.substance = 0, .points = {{4.0, 2.0}}, .half_life_min = 2.0}}; }, "two half-lives, 1 and 2 min");
    refused([](P& p, Model&) { p.drugs = {{.substance = 0, .route = Drug::Route::vessels, .points = {{3.0, 1.0}}}, {.substance = 0, .shape = Drug::Shape::curve, .route = Drug::Route::vessels, .points = {{4.0, 2.0}}}}; }, "stands beside");
    refused([](P& p, Model&) { p.factors = {{.type = 0, .behavior = "oxygen uptake", .factor = 0.0, .span = {0.0, 9.0}}, {.type = 0, .behavior = "oxygen uptake", .factor = 2.0, .span = {8.0, kNeverEnds}}}; }, "at one time, by the factors 0 and 2");
    refused([](P& p, Model&) { p.factors = {{.type = 0, .behavior = "oxygen intake"}}; }, "no behaviour 'oxygen intake'");
    refused([](P& p, Model&) { p.factors = {{.type = 0, .behavior = "cell-BM adhesion"}}; }, "no basement membrane");
    refused([](P& p, Model&) { p.factors = {{.type = 0, .behavior = "cycle entry"}}; }, "have no behaviour 'cycle entry'");
    refused([](P& p, Model&) { p.factors = {{.type = 7, .behavior = "oxygen uptake"}}; }, "cell type number 7");
    refused([](P& p, Model&) { p.factors = {{.type = 0, .behavior = "oxygen uptake", .factor = -1.0}}; }, "is -1");
    refused([](P& p, Model&) { p.factors = {{.type = 0, .behavior = "oxygen uptake", .factor = 0.0, .span = {4.0, 4.0}}}; }, "ends at minute 4");
    refused([](P& p, Model&) { p.drugs = {{.substance = 5, .points = {{3.0, 1.0}}}}; }, "not there");
    refused([](P& p, Model&) { p.drugs = {{.substance = 0, .points = {}}}; }, "never given");
    refused([](P& p, Model&) { p.drugs = {{.substance = 0, .points = {{3.0, -1.0}}}}; }, "is -1");
    refused([](P& p, Model&) { p.drugs = {{.substance = 0, .points = {{std::nan(""), 1.0}}}}; }, "minute nan");
    refused([](P& p, Model&) { p.drugs = {{.substance = 0, .points = {{3.0, 1.0}, {2.0, 1.0}}}}; }, "order of time");
    refused([](P& p, Model&) { p.drugs = {{.substance = 0, .shape = Drug::Shape::curve, .points = {{3.0, 1.0}}}}; }, "curve in the bath");
    refused([](P& p, Model&) { p.drugs = {{.substance = 1, .route = Drug::Route::vessels, .points = {{3.0, 1.0}}}}; }, "no voxel holds it");
    refused([](P& p, Model& model) { model.pace = {FieldPace::steady}; p.drugs = {{.substance = 0, .points = {{3.0, 1.0}}}}; }, "no memory of doses");
    refused([](P& p, Model&) { p.removals = {{.type = 0, .share = 1.5, .minute = 0.0}}; }, "a share of 1.5");
    refused([](P& p, Model&) { p.removals = {{.type = 0, .share = 1.0, .minute = -1.0}}; }, "minute -1");
    refused([](P& p, Model&) { p.injections = {{.type = 0, .n = 0, .minute = 0.0, .center_um = {90.0, 90.0, 90.0}, .radius_um = 10.0}}; }, "0 cells of 'tumor'");
    refused([](P& p, Model&) { p.injections = {{.type = 0, .n = 2, .minute = 0.0, .center_um = {5.0, 90.0, 90.0}, .radius_um = 10.0}}; }, "which is not in the box");
    check_perturbations(checked(perturbed_model()));
}

}  // namespace
}  // namespace morula::simulation
