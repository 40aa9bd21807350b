#include "morula/simulation/interventions.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"

namespace morula::simulation {
namespace {

using knowledge::Response;

/// Made up, and quick: "maker" secretes a signal, crawls, divides and dies; "eater" takes the signal up and divides where there is much; "filler" does nothing at all.
Tissue three_types() {
    Model model;
    model.box = {.n = {6, 6, 6}, .voxel_um = 20.0};
    model.substances = {{.name = "signal", .diffusion_um2_per_min = 500.0, .decay_per_min = 0.2}};
    CellType maker{.name = "maker", .mechanics = {.speed_um_per_min = 1.0, .persistence_min = 2.0}, .life = standard_life(CycleModel::live), .exchange = {{.secretion_per_min = 1.0, .aim = 5.0}}};
    maker.life.phases[0].rate_per_min = 0.05;
    maker.life.apoptosis_per_min = 0.05;
    CellType eater{.name = "eater", .mechanics = {.adhesion_um_per_min = 0.8}, .life = standard_life(CycleModel::live), .exchange = {{.uptake_per_min = 0.5}}};
    eater.life.phases[0].rate_per_min = 0.0;
    model.types = {maker, eater, {.name = "filler", .mechanics = {}, .life = standard_life(CycleModel::none), .exchange = {}}};
    model.affinity = {1.0, 0.5, 0.25, 0.5, 1.0, 2.0, 0.25, 2.0, 3.0};
    model.rules = {{.cell_type = "eater", .signal = "signal", .response = Response::increases, .behavior = "cycle entry", .saturation = 0.2, .half_max = 0.5, .hill_power = 2.0, .line = 1},
                   {.cell_type = "maker", .signal = "pressure", .response = Response::decreases, .behavior = "migration speed", .saturation = 0.0, .half_max = 1.0, .hill_power = 2.0, .line = 2}};
    model.clocks = {.field_min = 0.1, .mechanics_min = 0.1, .life_min = 0.6};
    model.seed = 3;
    Agents start;
    for (std::int64_t i = 0; i < 64; ++i) {
        add_agent(start, first_id(i), static_cast<std::uint16_t>(i % 3), {30.0 + 16.0 * static_cast<double>(i % 4), 30.0 + 16.0 * static_cast<double>(i / 4 % 4), 30.0 + 16.0 * static_cast<double>(i / 16)}, 0.0F);
    }
    return {model, start};
}

Simulation run(const Tissue& tissue, double minutes, Context& context) {
    Simulation simulation(tissue.model, tissue.start, context);
    simulation.advance(minutes, context);
    return simulation;
}

std::map<std::uint64_t, std::array<double, 4>> places_of(const Agents& agents) {
    std::map<std::uint64_t, std::array<double, 4>> places;
    for (std::size_t i = 0; i < agents.id.size(); ++i) places[agents.id[i]] = {agents.x[i], agents.y[i], agents.z[i], static_cast<double>(agents.radius[i])};
    return places;
}

TEST(interventions, inert_cells_stand_where_theirs_stood_with_the_same_size_and_do_nothing) {
    const auto context = test::make_context(1);
    const Tissue tissue = three_types();
    const std::vector<std::size_t> types{0};
    const Tissue swapped = intervene(tissue, types, Intervention::inert);
    EXPECT_EQ(swapped.start.id, tissue.start.id);
    EXPECT_EQ(swapped.start.x, tissue.start.x);
    ASSERT_EQ(swapped.model.types.size(), 4U);
    EXPECT_EQ(swapped.model.types[3].name, "maker, inert");
    const Simulation before = run(tissue, 0.0, *context);
    const Simulation after = run(swapped, 0.0, *context);
    EXPECT_EQ(places_of(before.agents()), places_of(after.agents()));
    // Equal mechanics: at rest the same pushes, whoever stands there.
    Tissue resting = tissue;
    for (CellType& type : resting.model.types) type = {.name = type.name, .mechanics = {.adhesion_um_per_min = type.mechanics.adhesion_um_per_min}, .life = standard_life(CycleModel::none), .exchange = {}};
    resting.model.rules.clear();
    EXPECT_EQ(places_of(run(resting, 3.0, *context).agents()), places_of(run(intervene(resting, std::vector<std::size_t>{0, 2}, Intervention::inert), 3.0, *context).agents()));
    // For the whole run none divides, dies, moves by itself, or secretes.
    const Simulation end = run(swapped, 12.0, *context);
    EXPECT_EQ(end.composition()[3], (std::vector<std::int64_t>{22}));
    EXPECT_EQ(end.composition()[0], (std::vector<std::int64_t>(tissue.model.types[0].life.phases.size(), 0)));
    EXPECT_EQ(end.field().total(0, *context), 0.0);
    EXPECT_EQ(end.tally().births, 0);
    EXPECT_GT(run(tissue, 12.0, *context).tally().births, 5);
}

TEST(interventions, a_type_that_does_nothing_contributes_exactly_nothing) {
    const auto context = test::make_context(1);
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        Tissue tissue = three_types();
        tissue.model.seed = seed;
        const Simulation as_is = run(tissue, 12.0, *context);
        const Simulation swapped = run(intervene(tissue, std::vector<std::size_t>{2}, Intervention::inert), 12.0, *context);
        EXPECT_GT(as_is.tally().births, 0);
        EXPECT_EQ(as_is.field().total(0, *context), swapped.field().total(0, *context));
        EXPECT_EQ(places_of(as_is.agents()), places_of(swapped.agents()));
        const Simulation silenced = run(intervene(tissue, std::vector<std::size_t>{2}, Intervention::silence), 12.0, *context);
        EXPECT_EQ(places_of(as_is.agents()), places_of(silenced.agents()));
    }
}

// Where secretion is far from its aim a field is linear in its sources, and the amount of a steady one is what comes in over its decay: cells secrete volume times rate times aim.
TEST(interventions, a_type_that_secretes_contributes_what_the_linear_field_says) {
    const auto context = test::make_context(1);
    Tissue tissue = three_types();
    tissue.model.pace = {FieldPace::steady};
    tissue.model.rules.clear();
    for (std::size_t type = 0; type < 3; ++type) {
        tissue.model.types[type].mechanics.speed_um_per_min = 0.0;
        tissue.model.types[type].life = standard_life(CycleModel::none);
        tissue.model.types[type].exchange = {{.secretion_per_min = 1e-9, .aim = 1e9 * static_cast<double>(type + 1)}};
    }
    const auto amount = [&](const Tissue& each) { return run(each, 0.1, *context).field().total(0, *context); };
    const double as_is = amount(tissue);
    for (const Intervention intervention : {Intervention::inert, Intervention::remove, Intervention::silence}) {
        for (const std::size_t type : {0, 1, 2}) {
            const double n = type == 0 ? 22.0 : 21.0;
            const double exact = n * tissue.model.types[type].life.volume_um3 * static_cast<double>(type + 1) / 0.2;
            EXPECT_NEAR(as_is - amount(intervene(tissue, std::vector{type}, intervention)), exact, 1e-5 * exact) << intervention_name(intervention) << " of type " << type;
        }
    }
}

TEST(interventions, removal_takes_the_cells_out_and_leaves_the_ids_of_the_rest) {
    const Tissue tissue = three_types();
    const Tissue removed = intervene(tissue, std::vector<std::size_t>{1, 2}, Intervention::remove);
    EXPECT_EQ(removed.start.size(), 22);
    EXPECT_EQ(removed.model.types.size(), 3U);
    for (std::size_t i = 0; i < removed.start.id.size(); ++i) {
        EXPECT_EQ(removed.start.type[i], 0);
        EXPECT_EQ(removed.start.id[i], first_id(3 * static_cast<std::int64_t>(i)));
        EXPECT_EQ(removed.start.x[i], tissue.start.x[3 * i]);
    }
}

TEST(interventions, cells_put_in_later_are_swapped_and_removed_too_and_deeds_are_silenced) {
    const auto context = test::make_context(1);
    Tissue tissue = three_types();
    tissue.model.perturbations.injections = {{.type = 0, .n = 5, .minute = 3.0, .center_um = {60.0, 60.0, 60.0}, .radius_um = 20.0}};
    tissue.model.types[0].encounters.eats = {0.0, 0.5, 0.0};
    EXPECT_GT(run(tissue, 6.0, *context).tally().removals, 0);
    const Simulation inert = run(intervene(tissue, std::vector<std::size_t>{0}, Intervention::inert), 6.0, *context);
    EXPECT_EQ(inert.composition()[3], (std::vector<std::int64_t>{27}));
    EXPECT_EQ(inert.tally().removals, 0);
    const Simulation removed = run(intervene(tissue, std::vector<std::size_t>{0}, Intervention::remove), 6.0, *context);
    EXPECT_EQ(removed.agents().size(), 42);
    tissue.model.types[0].life.apoptosis_per_min = 0.0;
    EXPECT_EQ(run(intervene(tissue, std::vector<std::size_t>{0}, Intervention::silence), 6.0, *context).tally().removals, 0);
}

// A removal takes cells out whoever acts as what: those of a type that does nothing, drawn by share, are the same ids when they are inert, so that the type still contributes exactly nothing.
TEST(interventions, the_scenario_takes_inert_cells_out_as_it_would_have_taken_the_type) {
    const auto context = test::make_context(1);
    Tissue tissue = three_types();
    tissue.model.perturbations.removals = {{.type = 2, .share = 0.5, .minute = 3.0}};
    const Simulation as_is = run(tissue, 12.0, *context);
    const Simulation swapped = run(intervene(tissue, std::vector<std::size_t>{2}, Intervention::inert), 12.0, *context);
    EXPECT_EQ(as_is.composition()[2].front(), 10);  // of 21: a half is rounded up
    EXPECT_EQ(swapped.composition()[3].front(), 10);
    EXPECT_EQ(places_of(as_is.agents()), places_of(swapped.agents()));
    EXPECT_EQ(as_is.field().total(0, *context), swapped.field().total(0, *context));
    // Two at once, one of them taken out whole; the other stays.
    tissue.model.perturbations.removals = {{.type = 0, .share = 1.0, .minute = 3.0}};
    const Simulation both = run(intervene(tissue, std::vector<std::size_t>{2, 0}, Intervention::inert), 12.0, *context);
    EXPECT_EQ(both.composition()[3], (std::vector<std::int64_t>{21}));
    EXPECT_EQ(both.composition()[4], (std::vector<std::int64_t>{0}));
}

TEST(interventions, a_removal_draws_from_the_inert_and_the_dead_of_a_type_as_from_one) {
    const auto context = test::make_context(1);
    Tissue tissue = three_types();
    Agents agents = run(tissue, 12.0, *context).agents();
    const std::int64_t n = std::count(agents.type.begin(), agents.type.end(), 0);
    tissue.model.clocks.mechanics_min = tissue.model.clocks.field_min = 0.05;  // shrunken dead cells ask for shorter steps
    for (const double share : {1.0, 0.5}) {
        tissue.model.perturbations.removals = {{.type = 0, .share = share, .minute = 0.0}};
        const Tissue swapped = intervene({tissue.model, agents}, std::vector<std::size_t>{0}, Intervention::inert);
        const std::int64_t n_inert = std::count(swapped.start.type.begin(), swapped.start.type.end(), 3), n_own = std::count(swapped.start.type.begin(), swapped.start.type.end(), 0);
        ASSERT_GT(n_inert, 0);
        ASSERT_GT(n_own, 0) << "the dead";
        const Simulation as_is(tissue.model, agents, *context);
        const Simulation end = run(swapped, 0.0, *context);
        EXPECT_EQ(agents.size() - end.agents().size(), std::llround(share * static_cast<double>(n)));
        std::map<std::uint64_t, std::array<double, 4>> left = places_of(as_is.agents());
        EXPECT_EQ(places_of(end.agents()), left) << share;
    }
}

// Cells that only push and stick stay where they would have been when they are inert, whatever the scenario does to how they push and stick, and to how others stick to them.
TEST(interventions, factors_on_the_body_of_a_type_act_on_its_inert_cells) {
    const auto context = test::make_context(1);
    Tissue resting = three_types();
    resting.model.rules.clear();
    for (CellType& type : resting.model.types) type = {.name = type.name, .mechanics = {.adhesion_um_per_min = 2.0 * type.mechanics.adhesion_um_per_min}, .life = standard_life(CycleModel::none), .exchange = {}};
    const auto untouched = places_of(run(resting, 6.0, *context).agents());
    const std::array<FactorChange, 5> changes{{{.type = 0, .behavior = "cell-cell repulsion", .factor = 0.5, .span = {.from_min = 1.2}},
                                               {.type = 2, .behavior = "cell-cell adhesion", .factor = 4.0, .span = {.from_min = 1.2, .until_min = 4.8}},
                                               {.type = 0, .behavior = "relative maximum adhesion distance", .factor = 1.3, .span = {}},
                                               {.type = 1, .behavior = "adhesive affinity to filler", .factor = 0.0, .span = {}},
                                               {.type = 2, .behavior = "adhesive affinity to maker", .factor = 9.0, .span = {}}}};
    for (const FactorChange& change : changes) {
        resting.model.perturbations.factors = {change};
        const auto as_is = places_of(run(resting, 6.0, *context).agents());
        EXPECT_NE(as_is, untouched) << change.behavior;
        for (const std::vector<std::size_t>& types : {std::vector<std::size_t>{0}, {2}, {0, 2}, {0, 1, 2}}) {
            EXPECT_EQ(places_of(run(intervene(resting, types, Intervention::inert), 6.0, *context).agents()), as_is) << change.behavior << ", types: " << types.size() << " from " << types[0];
        }
    }
}

TEST(interventions, factors_on_what_a_type_does_leave_its_inert_cells_inert) {
    const auto context = test::make_context(1);
    Tissue tissue = three_types();
    const auto as_is = places_of(run(intervene(tissue, std::vector<std::size_t>{0}, Intervention::inert), 12.0, *context).agents());
    tissue.model.perturbations.factors = {{.type = 0, .behavior = "signal secretion", .factor = 5.0, .span = {}}, {.type = 0, .behavior = "migration speed", .factor = 3.0, .span = {}}, {.type = 0, .behavior = "apoptosis", .factor = 9.0, .span = {}}};
    const Simulation end = run(intervene(tissue, std::vector<std::size_t>{0}, Intervention::inert), 12.0, *context);
    EXPECT_EQ(places_of(end.agents()), as_is);
    EXPECT_EQ(end.field().total(0, *context), 0.0);
}

TEST(interventions, who_is_put_in_beside_a_removed_type_keeps_id_and_place) {
    const auto context = test::make_context(1);
    Tissue tissue = three_types();
    tissue.model.perturbations.injections = {{.type = 0, .n = 5, .minute = 3.0, .center_um = {60.0, 60.0, 60.0}, .radius_um = 20.0}, {.type = 2, .n = 4, .minute = 3.0, .center_um = {60.0, 60.0, 60.0}, .radius_um = 20.0}};
    const auto put_in_by = [&](const Tissue& each) {
        const Simulation end = run(each, 3.0, *context);
        std::map<std::uint64_t, std::array<double, 4>> places = places_of(end.agents());
        for (std::int64_t i = 0; i < 64; ++i) places.erase(first_id(i));
        std::erase_if(places, [&](const auto& entry) { return entry.first != injected_id(1, 0) && entry.first != injected_id(1, 1) && entry.first != injected_id(1, 2) && entry.first != injected_id(1, 3); });
        return places;
    };
    const auto as_is = put_in_by(tissue);
    EXPECT_EQ(as_is.size(), 4U);
    EXPECT_EQ(put_in_by(intervene(tissue, std::vector<std::size_t>{0}, Intervention::remove)), as_is);
}

TEST(interventions, silence_leaves_the_type_alive_without_exchange_and_rules) {
    const auto context = test::make_context(1);
    const Tissue silenced = intervene(three_types(), std::vector<std::size_t>{0}, Intervention::silence);
    EXPECT_EQ(silenced.model.types.size(), 3U);
    ASSERT_EQ(silenced.model.rules.size(), 1U);
    EXPECT_EQ(silenced.model.rules[0].cell_type, "eater");
    EXPECT_EQ(silenced.model.types[0].mechanics.speed_um_per_min, 1.0);
    const Simulation end = run(silenced, 12.0, *context);
    EXPECT_GT(end.tally().births, 0);
    EXPECT_EQ(end.field().total(0, *context), 0.0);
}

/// Made up: "shows" and "feels" with states 1 to 10 on a line; gene L grows along it and is a ligand by contact, R is the same everywhere and its receptor. Programme "felt" follows at once.
Tissue in_contact() {
    Tissue tissue;
    MeasuredCells cells;
    cells.latent = matrix::Dense<float>(80, 1);
    for (std::int64_t c = 0; c < 80; ++c) {
        cells.latent(c, 0) = static_cast<float>(1 + c % 40 / 4);
        cells.type.push_back(static_cast<std::int32_t>(c / 40));
        cells.metacell.push_back(static_cast<std::int32_t>(c % 40 / 4));
    }
    const ExpressionKernel kernel(std::move(cells), {.n_types = 2, .n_neighbors = 1});
    SignallingModel signalling;
    signalling.decoder.genes = {"L", "R"};
    signalling.decoder.weights = matrix::Dense<float>(1, 2);
    signalling.decoder.weights.values = {1.0F, 0.0F};
    signalling.decoder.intercept = {0.0F, 3.0F};
    signalling.links = {{.name = "L and R", .programme = 0, .ligand = {0}, .receptor = {1}, .half = 0.5}};
    signalling.programmes = {{.name = "felt", .relaxation_per_min = 1e3}};
    signalling.clock_min = 0.1;
    Model& model = tissue.model;
    model.box = {.n = {5, 5, 5}, .voxel_um = 20.0};
    const CellMechanics still{.repulsion_um_per_min = 0.0, .adhesion_um_per_min = 0.0};
    model.types = {{.name = "shows", .mechanics = still, .life = standard_life(CycleModel::none), .exchange = {}}, {.name = "feels", .mechanics = still, .life = standard_life(CycleModel::none), .exchange = {}}};
    model.expression = std::make_shared<ExpressionModel>(ExpressionModel{.kernel = kernel, .rates = {{}, {}}, .signalling = Signalling(signalling, kernel)});
    // Each touches the one of the other type beside it alone.
    for (std::int64_t i = 0; i < 4; ++i) add_agent(tissue.start, first_id(i), static_cast<std::uint16_t>(i % 2), {20.0 + 10.0 * static_cast<double>(i % 2), 20.0 + 50.0 * static_cast<double>(i / 2), 50.0}, 8.0F);
    return tissue;
}

/// Level of "felt" by id.
std::map<std::uint64_t, float> felt_by(const Tissue& tissue, Context& context) {
    const Simulation end = run(tissue, 0.2, context);
    std::map<std::uint64_t, float> felt;
    for (std::size_t i = 0; i < end.agents().id.size(); ++i) felt[end.agents().id[i]] = end.states()->programme(end.agents(), i, 0);
    return felt;
}

TEST(interventions, a_silenced_type_shows_no_ligands_by_contact_and_goes_on_to_feel) {
    const auto context = test::make_context(1);
    const Tissue tissue = in_contact();
    const std::map<std::uint64_t, float> as_is = felt_by(tissue, *context);
    const std::map<std::uint64_t, float> silenced = felt_by(intervene(tissue, std::vector<std::size_t>{0}, Intervention::silence), *context);
    for (std::int64_t i = 0; i < 4; ++i) {
        const std::uint64_t id = first_id(i);
        EXPECT_GT(as_is.at(id), 0.1F) << i;
        EXPECT_EQ(silenced.at(id), i % 2 == 0 ? as_is.at(id) : 0.0F) << "cell " << i << ": who is silenced feels the other, who touches the silenced feels nobody";
    }
}

TEST(interventions, cells_of_a_kept_state_are_swapped_at_the_size_they_have_and_the_dead_stay) {
    const auto context = test::make_context(1);
    const Tissue tissue = three_types();
    const Simulation simulation = run(tissue, 12.0, *context);
    const Agents& agents = simulation.agents();
    const Tissue swapped = intervene({tissue.model, agents}, std::vector<std::size_t>{0}, Intervention::inert);
    std::int64_t n_dead = 0, n_swapped = 0;
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        const bool is_dead = tissue.model.types[agents.type[i]].life.phases[agents.phase[i]].is_dead;
        EXPECT_EQ(swapped.start.type[i], agents.type[i] == 0 && !is_dead ? 3 : agents.type[i]);
        EXPECT_EQ(swapped.start.radius[i], agents.radius[i]);
        n_dead += agents.type[i] == 0 && is_dead ? 1 : 0;
        n_swapped += swapped.start.type[i] == 3 ? 1 : 0;
    }
    EXPECT_GT(n_dead, 0);
    Tissue slower = swapped;  // shrunken dead cells ask for shorter steps
    slower.model.clocks.mechanics_min = slower.model.clocks.field_min = 0.05;
    const Simulation end = run(slower, 60.0, *context);
    EXPECT_EQ(end.composition()[3], (std::vector<std::int64_t>{n_swapped}));
    std::map<std::uint64_t, std::array<double, 4>> before = places_of(agents), after = places_of(end.agents());
    for (std::size_t i = 0; i < swapped.start.id.size(); ++i) {
        if (swapped.start.type[i] != 3) continue;
        EXPECT_NEAR(after[swapped.start.id[i]][3], before[swapped.start.id[i]][3], 0.1 * before[swapped.start.id[i]][3]);
    }
}

TEST(interventions, names_are_found_and_others_refused_with_those_there_are) {
    for (const std::string_view name : kInterventionNames) EXPECT_EQ(intervention_name(find_intervention(name)), name);
    const Error error = test::thrown_by([] { find_intervention("delete"); });
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_TRUE(test::contains(error.next(), "inert, remove, silence")) << error.next();
}

}  // namespace
}  // namespace morula::simulation
