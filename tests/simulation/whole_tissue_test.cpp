// The whole simulator at once, in a tissue that is cut into several pieces of work everywhere: same bits at any number of threads, and after a restart.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "morula/core/random.hpp"
#include "morula/simulation/simulation.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::simulation {
namespace {

/// The longest pieces that loops over agents are cut into (sorting, records of mechanics) hold 16,384: more than two of them.
constexpr std::int64_t kSide = 34;
static_assert(kSide * kSide * kSide > 2 * 16'384);
constexpr double kSpacing = 14.5, kRim = 50.0;
constexpr int kStepsAStrike = 6, kSteps = 3 * kStepsAStrike;

/// Made up: states of two types on rings in three dimensions, 60 metacells of five cells each; nothing is measured of the third type.
ExpressionKernel ring_kernel() {
    MeasuredCells cells;
    cells.latent = matrix::Dense<float>(600, 3);
    for (std::int64_t c = 0; c < 600; ++c) {
        Random random(1, Purpose::test, static_cast<std::uint64_t>(c), 0);
        const double angle = 2.0 * std::numbers::pi * static_cast<double>(c % 300 / 5) / 60.0;
        const std::array<double, 3> center{std::cos(angle), std::sin(angle), c < 300 ? 0.0 : 3.0};
        for (std::int64_t d = 0; d < 3; ++d) cells.latent(c, d) = static_cast<float>(center[static_cast<std::size_t>(d)] + 0.03 * random.normal());
        cells.type.push_back(c < 300 ? 0 : 1);
        cells.metacell.push_back(static_cast<std::int32_t>(c % 300 / 5));
    }
    return {std::move(cells), {.n_types = 3, .n_neighbors = 4}};
}

std::shared_ptr<const ExpressionModel> states_and_programmes() {
    const ExpressionKernel kernel = ring_kernel();
    SignallingModel signals;
    signals.decoder = {.genes = {"A", "B", "C", "D"}, .weights = matrix::Dense<float>(3, 4), .intercept = {1.0F, 1.0F, 0.5F, 1.0F}};
    signals.decoder.weights.values = {1.0F, -1.0F, 0.0F, 0.0F, 0.0F, 0.0F, 0.4F, 0.0F, 0.0F, 0.1F, 0.2F, 0.3F};
    signals.links = {{.name = "lure", .programme = 0, .substance = 1, .ligand = {}, .receptor = {1, 2}, .half = 2.0},
                     {.name = "oxygen", .programme = 1, .substance = 0, .ligand = {}, .receptor = {3}, .half = 20.0},
                     {.name = "A of neighbours", .programme = 2, .substance = -1, .ligand = {0}, .receptor = {2}, .half = 2.0},
                     {.name = "C and D of neighbours", .programme = 3, .substance = -1, .ligand = {2, 3}, .receptor = {0, 3}, .half = 1.0}};
    signals.programmes = {{.name = "lured", .relaxation_per_min = 0.5, .strength = 2.0, .targets = {0}}, {.name = "aired", .relaxation_per_min = 0.2},
                          {.name = "felt", .relaxation_per_min = 1.0, .strength = 1.0, .balance = 0.2, .targets = {1, 2}}, {.name = "met", .relaxation_per_min = 1.0}};
    signals.clock_min = 0.2;
    return std::make_shared<ExpressionModel>(ExpressionModel{.kernel = kernel, .rates = std::vector<StateRates>(3, {.attempts_per_min = 1.0, .relaxation_per_min = 1.0}), .clock_min = 0.3, .signalling = Signalling(signals, kernel)});
}

std::vector<CellType> types() {
    CellType grows{.name = "grows", .mechanics = {}, .life = standard_life(CycleModel::ki67_basic), .exchange = {{.uptake_per_min = 10.0, .half_uptake = 5.0}, {.secretion_per_min = 1.0, .aim = 5.0}}};
    grows.encounters = {.divides_into = {0.0, 0.2, 0.3}, .immunogenicity = {1.0, 0.5, 1.0}};
    grows.life.phases[0].rate_per_min = 0.05;
    grows.life.phases[1].duration_min = 0.5;
    CellType crawls{.name = "crawls", .mechanics = {.speed_um_per_min = 1.0, .persistence_min = 2.0, .bias = 0.6, .chemotaxis_substance = 1}, .life = standard_life(CycleModel::none), .exchange = {{.uptake_per_min = 2.0}, {.uptake_per_min = 0.5, .half_uptake = 2.0}}};
    crawls.encounters = {.eats_dead = 0.2, .eats = {0.002, 0.0, 0.0}, .attacks = {0.05, 0.0, 0.0}, .fuses = {0.0, 0.005, 0.0}, .becomes = {0.01, 0.0, 0.01}, .attack_min = 1.0};
    CellType lies{.name = "lies", .mechanics = {}, .life = standard_life(CycleModel::live), .exchange = {{.uptake_per_min = 5.0}, {.exported_per_min = 100.0}}};
    lies.life.apoptosis_per_min = 0.02;
    lies.life.phases[static_cast<std::size_t>(lies.life.apoptosis)].duration_min = 0.6;
    return {grows, crawls, lies};
}

std::vector<knowledge::BehaviorRule> rules() {
    using enum knowledge::Response;
    const auto rule = [](const char* type, const char* signal, knowledge::Response response, const char* behavior, double saturation, double half_max, double power) {
        return knowledge::BehaviorRule{.cell_type = type, .signal = signal, .response = response, .behavior = behavior, .saturation = saturation, .half_max = half_max, .hill_power = power, .line = 1};
    };
    return {rule("grows", "contact with crawls", increases, "lure secretion", 4.0, 1.0, 2.0),   rule("grows", "oxygen", increases, "cycle entry", 0.5, 20.0, 2.0),
            rule("grows", "pressure", increases, "apoptosis", 0.05, 3.0, 4.0),                  rule("grows", "damage", increases, "necrosis", 0.1, 1.0, 2.0),
            rule("grows", "programme:felt", increases, "cell-cell adhesion", 2.0, 0.3, 2.0),    rule("grows", "programme:met", increases, "oxygen uptake", 20.0, 0.3, 2.0),
            rule("crawls", "lure gradient", increases, "migration bias", 1.0, 0.01, 2.0),       rule("crawls", "programme:lured", increases, "migration speed", 2.0, 0.2, 2.0),
            rule("crawls", "contact with dead cell", increases, "phagocytose dead cell", 2.0, 1.0, 2.0), rule("crawls", "time", increases, "relative maximum adhesion distance", 1.4, 1.0, 2.0),
            rule("lies", "contact with live cell", decreases, "cell-cell repulsion", 5.0, 6.0, 2.0)};
}

enum class Affinities { of_types, of_cells };  // of types: forces eight neighbours at a time; of cells: one by one

Model tissue(Affinities affinities) {
    Model model;
    const auto n = static_cast<std::int64_t>(std::ceil((static_cast<double>(kSide) * kSpacing + 2.0 * kRim) / 20.0));
    model.box = {.n = {n, n, n}, .voxel_um = 20.0};
    model.substances = {{.name = "oxygen", .unit = "mmHg", .diffusion_um2_per_min = 2e4, .decay_per_min = 0.1, .initial = 30.0}, {.name = "lure", .diffusion_um2_per_min = 300.0, .decay_per_min = 0.05}};
    model.pace = {FieldPace::steady, FieldPace::stepped};
    model.medium = {38.0, std::nullopt};
    model.fixed.resize(2);
    for (std::int64_t z = 0; z < n; ++z) {
        for (std::size_t s = 0; s < 2; ++s) {
            model.fixed[s].places.push_back(model.box.place(n / 2, n / 2, z));
            model.fixed[s].concentrations.push_back(s == 0 ? 50.0 : 1.0);
        }
    }
    model.types = types();
    model.affinity = {1.0, 0.5, 1.0, 0.5, 1.0, 0.8, 1.0, 0.8, 1.0};
    model.rules = rules();
    if (affinities == Affinities::of_cells) {
        model.rules.push_back({.cell_type = "crawls", .signal = "lure", .response = knowledge::Response::increases, .behavior = "adhesive affinity to grows", .saturation = 1.0, .half_max = 0.5, .hill_power = 2.0, .line = 1});
    }
    model.clocks = {.field_min = 0.05, .mechanics_min = 0.1, .life_min = 0.6, .steady_min = 0.6};
    model.expression = states_and_programmes();
    model.perturbations.factors = {{.type = 0, .behavior = "cycle entry", .factor = 2.0, .span = {.from_min = 0.6, .until_min = 1.2}}};
    model.perturbations.drugs = {{.substance = 1, .shape = Drug::Shape::doses, .route = Drug::Route::bath, .points = {{0.75, 3.0}}, .half_life_min = 10.0}, {.substance = 0, .shape = Drug::Shape::curve, .route = Drug::Route::vessels, .points = {{0.3, 0.0}, {1.5, 20.0}}}};
    model.perturbations.removals = {{.type = 2, .share = 0.1, .minute = 1.2}};
    model.perturbations.injections = {{.type = 1, .n = 40, .minute = 0.6, .center_um = {30.0, 100.0, 100.0}, .radius_um = 28.0}};
    model.perturbations.genes = {{.type = 0, .gene = "C", .factor = 0.5, .span = {.from_min = 0.8}}};
    model.seed = 11;
    return model;
}

Agents start() {
    Agents agents;
    for (std::int64_t i = 0; i < kSide * kSide * kSide; ++i) {
        Random random(2, Purpose::test, static_cast<std::uint64_t>(i), 0);
        const auto at = [&](std::int64_t number) { return kRim + kSpacing * (static_cast<double>(number) + 0.25 + 0.5 * random.uniform()); };
        const std::array<double, 3> position{at(i % kSide), at(i / kSide % kSide), at(i / kSide / kSide)};
        add_agent(agents, first_id(i), static_cast<std::uint16_t>(random.below(3)), position, 0.0F);
    }
    return agents;
}

void expect_that_all_happened(Simulation& simulation) {
    EXPECT_GT(simulation.agents().size(), 2 * 16'384);
    const std::vector<CellEvent> events = simulation.take_events();
    using enum CellEvent::Kind;
    for (const auto kind : {born, removed, eaten, fused, became, taken_out, put_in}) {
        EXPECT_GT(std::count_if(events.begin(), events.end(), [&](const CellEvent& event) { return event.kind == kind; }), 30) << event_name(kind);
    }
    EXPECT_GT(simulation.states()->guard().pulls, 100);
    for (std::size_t p = 0; p < 4; ++p) {
        std::int64_t n_above = 0;
        for (std::size_t i = 0; i < simulation.agents().id.size(); ++i) n_above += simulation.states()->programme(simulation.agents(), i, p) > 0.02F ? 1 : 0;
        EXPECT_GT(n_above, 10'000) << "programme " << p;
    }
    const auto& damage = simulation.agents().damage;
    EXPECT_GT(std::count_if(damage.begin(), damage.end(), [](float value) { return value > 0.0F; }), 1'000);
}

/// Also of those that became, or were born, of another type in this step.
void expect_states_of_their_types(const Simulation& simulation) {
    std::int64_t n_wrong = 0;
    for (std::size_t i = 0; i < simulation.agents().id.size(); ++i) {
        const std::uint16_t type = simulation.agents().type[i];
        const std::int64_t metacell = simulation.states()->metacell(simulation.agents(), i);
        n_wrong += (type == 2 ? metacell == -1 : metacell >= 0 && simulation.states()->model().kernel.type_of(metacell) == type) ? 0 : 1;
    }
    EXPECT_EQ(n_wrong, 0);
}

/// Steps after which the state is kept: before the first strike of the life clock, at a strike (when cells come and go), after one, between strikes of this clock and of the others, and one before the last.
constexpr std::array kSaved{1, kStepsAStrike, kStepsAStrike + 1, kSteps / 2 + 1, 2 * kStepsAStrike, kSteps - 1};

TEST(whole_tissue, of_several_blocks_everywhere_is_the_same_at_every_step_with_any_number_of_threads_and_after_a_restart) {
    const test::TemporaryFolder folder;
    const Model model = tissue(Affinities::of_cells);
    std::vector<std::string> hashes;
    const auto same_from = [&](Simulation& simulation, int step, Context& context, const std::string& what) {
        for (; step < kSteps; ++step) {
            simulation.advance(0.1 * (step + 1), context);
            ASSERT_EQ(simulation.hash(), hashes[static_cast<std::size_t>(step)]) << what << ", after step " << step + 1;
        }
    };
    {
        const auto context = test::make_context(1);
        Simulation simulation(model, start(), *context);
        for (int step = 0; step < kSteps; ++step) {
            simulation.advance(0.1 * (step + 1), *context);
            hashes.push_back(simulation.hash());
            expect_states_of_their_types(simulation);
            if (std::find(kSaved.begin(), kSaved.end(), step + 1) != kSaved.end()) simulation.save(folder / ("state " + std::to_string(step + 1)), "tissue");
        }
        expect_that_all_happened(simulation);
    }
    for (const std::int32_t threads : {2, 8}) {
        const auto context = test::make_context(threads);
        Simulation simulation(model, start(), *context);
        same_from(simulation, 0, *context, std::to_string(threads) + " threads");
        EXPECT_GT(simulation.tally().births, 100);
    }
    const auto context = test::make_context(8);
    for (const int saved : kSaved) {
        Simulation resumed = Simulation::load(model, folder / ("state " + std::to_string(saved)), "tissue", *context);
        same_from(resumed, saved, *context, "resumed with 8 threads after step " + std::to_string(saved));
    }
}

TEST(whole_tissue, whose_forces_are_found_eight_at_a_time_is_the_same_with_any_number_of_threads) {
    test::same_at_threads({2, 8},
        [](Context& context) {
            Simulation simulation(tissue(Affinities::of_types), start(), context);
            simulation.advance(0.1 * (2 * kStepsAStrike + 2), context);
            EXPECT_GT(simulation.tally().births, 100);
            return simulation.hash();
        },
        [](const std::string& a, const std::string& b) { return a == b; });
}

}  // namespace
}  // namespace morula::simulation
