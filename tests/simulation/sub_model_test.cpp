#include "morula/simulation/sub_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "morula/core/random.hpp"
#include "morula/simulation/interventions.hpp"
#include "morula/simulation/prospects.hpp"
#include "morula/simulation/simulation.hpp"
#include "morula/simulation/written_in.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::simulation {
namespace {

using knowledge::Response;

/// A Boolean network in continuous time: the first node turns on and off at rates of its own, the second follows it at a third; each waits for an exponential time, as in MaBoSS (Stoll et al. 2012,
/// doi 10.1186/1752-0509-6-116). The second drives a behaviour.
class Toggle : public SubModel {
public:
    static constexpr double kOn = 0.03, kOff = 0.05, kFollows = 0.2;  // 1 / min

    Toggle(std::string drives, double at_on) : drives_(std::move(drives)), at_on_(at_on) {}
    std::vector<std::string> reads() const override { return {}; }
    std::vector<std::string> gives() const override { return {drives_}; }
    std::size_t n_state() const override { return 2; }
    void begin(std::uint64_t, std::uint64_t, std::span<float> state) const override { std::fill(state.begin(), state.end(), 0.0F); }
    void step(const SubModelBlock& block) const override {
        for (std::size_t k = 0; k < block.n; ++k) {
            float& a = block.state[k];
            float& b = block.state[block.n + k];
            Random random(block.seed, Purpose::simulation_sub_model, block.id[k], block.strike);
            for (double left = block.dt_min;;) {
                const double of_a = a == 0.0F ? kOn : kOff, rate = of_a + (a == b ? 0.0 : kFollows);
                left += std::log1p(-random.uniform()) / rate;
                if (left <= 0.0) break;
                float& flips = random.uniform() * rate < of_a ? a : b;
                flips = 1.0F - flips;
            }
            block.behaviors[k] = b == 0.0F ? 0.0 : at_on_;
        }
    }

private:
    std::string drives_;
    double at_on_;
};

/// One species, dc/dt = k signal - d c, exact over a step of constant signal; it is the rate of entry into the cycle, 1 / min.
class Species : public SubModel {
public:
    static constexpr double kMade = 0.002, kDecays = 0.05, kSignal = 4.0;

    /// First values are drawn from 0 to spread.
    explicit Species(double spread) : spread_(spread) {}
    std::vector<std::string> reads() const override { return {"signal"}; }
    std::vector<std::string> gives() const override { return {"cycle entry"}; }
    std::size_t n_state() const override { return 1; }
    void begin(std::uint64_t seed, std::uint64_t id, std::span<float> state) const override {
        state[0] = static_cast<float>(spread_ * Random(seed, Purpose::simulation_sub_model_start, id, 0).uniform());
    }
    void step(const SubModelBlock& block) const override {
        for (std::size_t k = 0; k < block.n; ++k) {
            const double end = kMade * block.signals[k] / kDecays;
            block.state[k] = static_cast<float>(end + (static_cast<double>(block.state[k]) - end) * std::exp(-kDecays * block.dt_min));
            block.behaviors[k] = static_cast<double>(block.state[k]);
        }
    }
    static double exact(double first, double minute) { return kMade * kSignal / kDecays + (first - kMade * kSignal / kDecays) * std::exp(-kDecays * minute); }

private:
    double spread_;
};

/// Gives values, plus the signal of the same number where it reads so many; the state counts steps from a first value on.
class Plain : public SubModel {
public:
    std::vector<std::string> read{}, given{};
    std::vector<double> values{};
    float first = 0.0F;

    Plain(std::vector<std::string> reads, std::vector<std::string> gives, std::vector<double> all) : read(std::move(reads)), given(std::move(gives)), values(std::move(all)) {}
    std::vector<std::string> reads() const override { return read; }
    std::vector<std::string> gives() const override { return given; }
    std::size_t n_state() const override { return 1; }
    void begin(std::uint64_t, std::uint64_t, std::span<float> state) const override { state[0] = first; }
    void step(const SubModelBlock& block) const override {
        for (std::size_t k = 0; k < block.n; ++k) {
            block.state[k] += 1.0F;
            for (std::size_t g = 0; g < values.size(); ++g) block.behaviors[g * block.n + k] = values[g] + (g < read.size() ? block.signals[g * block.n + k] : 0.0);
        }
    }
};

std::shared_ptr<const SubModel> plain(std::vector<std::string> reads, std::vector<std::string> gives, std::vector<double> values) {
    return std::make_shared<Plain>(std::move(reads), std::move(gives), std::move(values));
}

CellType cell_type(std::string name, std::shared_ptr<const SubModel> sub_model) {
    CellType type{.name = std::move(name), .mechanics = {.repulsion_um_per_min = 1.0}, .life = standard_life(CycleModel::live), .exchange = {{.aim = 5.0}}, .sub_model = std::move(sub_model)};
    type.life.phases[0].rate_per_min = 0.0;
    return type;
}

/// Made up: cells of the types by turns on a lattice of 20 um, too far apart to push (they reach 21 um), in an even signal.
Tissue lattice(std::vector<CellType> types, std::int64_t n) {
    Model model;
    model.box = {.n = {20, 20, 20}, .voxel_um = 20.0};
    model.substances = {{.name = "signal", .diffusion_um2_per_min = 100.0, .initial = Species::kSignal}};
    model.types = std::move(types);
    model.clocks = {.field_min = 1.0, .mechanics_min = 1.0, .life_min = 2.0};
    model.seed = 7;
    Agents start;
    for (std::int64_t i = 0; i < n; ++i) {
        add_agent(start, first_id(i), static_cast<std::uint16_t>(i % std::ssize(model.types)), {10.0 + 20.0 * static_cast<double>(i % 20), 10.0 + 20.0 * static_cast<double>(i / 20 % 20), 10.0 + 20.0 * static_cast<double>(i / 400)}, 0.0F);
    }
    return {std::move(model), std::move(start)};
}

/// Of the number that the agent's state has behind all behaviours.
float state_of(const Simulation& simulation, std::size_t agent, std::size_t n_state, std::size_t number) {
    return simulation.agents().behavior[simulation.behaviors().n_kept() - n_state + number][agent];
}

TEST(sub_model, a_boolean_network_is_on_as_often_as_its_rates_say) {
    const auto context = test::make_context(2);
    const Tissue tissue = lattice({cell_type("toggles", std::make_shared<Toggle>("signal secretion", 3.0))}, 5'000);
    Simulation simulation(tissue.model, tissue.start, *context);
    const double on = Toggle::kOn / (Toggle::kOn + Toggle::kOff), relaxes = Toggle::kOn + Toggle::kOff, follows = Toggle::kFollows;
    for (const double minute : {2.0, 6.0, 20.0, 80.0}) {
        simulation.advance(minute, *context);
        // dP(a)/dt = on (1 - P(a)) - off P(a), dP(b)/dt = follows (P(a) - P(b)), both from 0.
        const std::array<double, 2> exact{on * (1.0 - std::exp(-relaxes * minute)), on * (1.0 - (follows * std::exp(-relaxes * minute) - relaxes * std::exp(-follows * minute)) / (follows - relaxes))};
        for (std::size_t node = 0; node < 2; ++node) {
            double sum = 0.0;
            for (std::size_t i = 0; i < 5'000; ++i) sum += static_cast<double>(state_of(simulation, i, 2, node));
            EXPECT_NEAR(sum / 5'000.0, exact[node], 4.0 * std::sqrt(exact[node] * (1.0 - exact[node]) / 5'000.0)) << "node " << node << " at minute " << minute;
        }
    }
    for (std::size_t i = 0; i < 5'000; ++i) {
        const double secretes = state_of(simulation, i, 2, 1) == 0.0F ? 0.0 : 3.0;
        ASSERT_FLOAT_EQ(simulation.exchange_of(i, 0).secretion, static_cast<float>(volume_of(simulation.agents(), i) * secretes * 5.0)) << "towards 5";
    }
}

TEST(sub_model, a_node_that_is_on_kills_and_the_dead_keep_their_state) {
    const auto context = test::make_context(1);
    const Tissue tissue = lattice({cell_type("toggles", std::make_shared<Toggle>("apoptosis", 0.1))}, 5'000);
    Simulation simulation(tissue.model, tissue.start, *context);
    simulation.advance(40.0, *context);
    // The chances of the four states, by the generator in 1,000 Euler steps a strike; then those who are on die by exp(-.1 x 2).
    std::array<double, 4> chance{1.0, 0.0, 0.0, 0.0};  // a + 2 b
    for (int strike = 0; strike < 20; ++strike) {
        for (int part = 0; part < 1'000; ++part) {
            const std::array<double, 4> now = chance;
            for (std::size_t s = 0; s < 4; ++s) {
                const std::size_t a = s % 2, b = s / 2;
                const double flips = (a == 0 ? Toggle::kOn : Toggle::kOff) * 0.002 * now[s], follows = a == b ? 0.0 : Toggle::kFollows * 0.002 * now[s];
                chance[s] -= flips + follows;
                chance[s ^ 1U] += flips;
                chance[s ^ 2U] += follows;
            }
        }
        for (const std::size_t s : {2U, 3U}) chance[s] *= std::exp(-0.2);
    }
    const double alive = chance[0] + chance[1] + chance[2] + chance[3];
    std::int64_t n_dead = 0;
    for (std::size_t i = 0; i < simulation.agents().id.size(); ++i) {
        if (!simulation.is_dead(i)) continue;
        ++n_dead;
        EXPECT_EQ(state_of(simulation, i, 2, 1), 1.0F) << "as it was at death";
    }
    EXPECT_EQ(simulation.agents().size(), 5'000);
    EXPECT_NEAR(static_cast<double>(n_dead) / 5'000.0, 1.0 - alive, 4.0 * std::sqrt(alive * (1.0 - alive) / 5'000.0));
}

TEST(sub_model, a_species_follows_its_equation_and_drives_the_cycle) {
    const auto context = test::make_context(2);
    const Tissue tissue = lattice({cell_type("divides", std::make_shared<Species>(0.0))}, 2'000);
    Simulation simulation(tissue.model, tissue.start, *context);
    double mean = 2'000.0, variance = 0.0;
    for (int strike = 1; strike <= 8; ++strike) {
        simulation.advance(2.0 * strike, *context);
        const double c = Species::exact(0.0, 2.0 * strike);
        for (std::size_t i = 0; i < simulation.agents().id.size(); ++i) ASSERT_NEAR(static_cast<double>(state_of(simulation, i, 1, 0)), c, 1e-6 * c);
        // Each cell divides with this chance in this step.
        const double divides = 1.0 - std::exp(-2.0 * c);
        variance = (1.0 + divides) * (1.0 + divides) * variance + mean * divides * (1.0 - divides);
        mean *= 1.0 + divides;
    }
    EXPECT_GT(simulation.tally().births, 1'000);
    EXPECT_NEAR(static_cast<double>(simulation.agents().size()), mean, 4.0 * std::sqrt(variance));
}

TEST(sub_model, first_values_come_from_seed_and_id_and_daughters_have_their_mothers) {
    const auto context = test::make_context(1);
    const Tissue tissue = lattice({cell_type("divides", std::make_shared<Species>(1.0))}, 500);
    Simulation simulation(tissue.model, tissue.start, *context);
    simulation.advance(6.0, *context);
    std::map<std::uint64_t, float> state;
    for (std::size_t i = 0; i < simulation.agents().id.size(); ++i) state[simulation.agents().id[i]] = state_of(simulation, i, 1, 0);
    std::int64_t n_daughters = 0;
    for (std::size_t i = 0; i < simulation.agents().id.size(); ++i) {
        const std::uint64_t id = simulation.agents().id[i], mother = simulation.agents().parent[i];
        if (mother == 0) {
            const double first = Random(7, Purpose::simulation_sub_model_start, id, 0).uniform();
            EXPECT_NEAR(static_cast<double>(state[id]), Species::exact(first, 6.0), 1e-6);
        } else {
            ++n_daughters;
            EXPECT_EQ(state[id], state[mother]) << "the signal is even";
        }
    }
    EXPECT_GT(n_daughters, 100);
}

/// Cells that toggle, divide, die and turn into one another by what is inside of them, beside a type without anything.
Tissue everything() {
    auto becomes = std::make_shared<Plain>(std::vector<std::string>{"contact with live cell", "time"}, std::vector<std::string>{"transition to divides", "migration speed"}, std::vector<double>{0.01, 0.2});
    becomes->first = 9.0F;
    Tissue tissue = lattice({cell_type("toggles", std::make_shared<Toggle>("apoptosis", 0.02)), cell_type("divides", std::make_shared<Species>(0.3)), cell_type("turns", becomes), cell_type("plain", nullptr)}, 5'000);
    tissue.model.types[1].encounters.becomes = {0.02, 0.0, 0.0, 0.0};
    tissue.model.rules = {{.cell_type = "toggles", .signal = "pressure", .response = Response::increases, .behavior = "apoptosis", .saturation = 0.1, .half_max = 1.0, .hill_power = 2.0, .line = 1},
                          {.cell_type = "plain", .signal = "time", .response = Response::increases, .behavior = "migration speed", .saturation = 0.5, .half_max = 5.0, .hill_power = 1.0, .line = 2}};
    tissue.model.perturbations.injections = {{.type = 1, .n = 20, .minute = 3.0, .center_um = {200.0, 200.0, 380.0}, .radius_um = 15.0}};
    return tissue;
}

TEST(sub_model, gives_the_same_bits_with_any_number_of_threads_and_from_any_saved_step) {
    const auto context = test::make_context(2);
    const Tissue tissue = everything();
    const std::string hash = test::same_at_threads({2, 8},
        [&](Context& each) {
            Simulation simulation(tissue.model, tissue.start, each);
            simulation.advance(12.0, each);
            const std::vector<CellEvent> events = simulation.take_events();
            for (const auto kind : {CellEvent::Kind::born, CellEvent::Kind::became, CellEvent::Kind::put_in}) {
                EXPECT_TRUE(std::any_of(events.begin(), events.end(), [&](const CellEvent& event) { return event.kind == kind; })) << event_name(kind);
            }
            return simulation.hash();
        },
        [](const std::string& a, const std::string& b) { return a == b; });
    const test::TemporaryFolder folder;
    Simulation whole(tissue.model, tissue.start, *context);
    for (int step = 0; step < 12; ++step) {
        whole.save(folder / "state", "everything");
        Simulation resumed = Simulation::load(tissue.model, folder / "state", "everything", *context);
        EXPECT_EQ(resumed.hash(), whole.hash());
        resumed.advance(12.0, *context);
        EXPECT_EQ(resumed.hash(), hash) << "resumed at step " << step;
        whole.advance(step + 1.0, *context);
    }
}

TEST(sub_model, a_cell_that_becomes_of_another_type_starts_with_that_types_first_state) {
    const auto context = test::make_context(1);
    auto other = std::make_shared<Plain>(std::vector<std::string>{}, std::vector<std::string>{}, std::vector<double>{});
    other->first = 100.0F;
    Tissue tissue = lattice({cell_type("turns", plain({}, {"transition to other"}, {0.1})), cell_type("other", other)}, 400);
    Simulation simulation(tissue.model, tissue.start, *context);
    std::map<std::uint64_t, double> since;
    for (int strike = 1; strike <= 5; ++strike) {
        simulation.advance(2.0 * strike, *context);
        for (const CellEvent& event : simulation.take_events()) {
            ASSERT_EQ(event.kind, CellEvent::Kind::became);
            since[event.id] = strike;
        }
    }
    EXPECT_GT(since.size(), 50U);
    for (std::size_t i = 0; i < 400; ++i) {
        const auto found = since.find(simulation.agents().id[i]);
        const bool is_other = simulation.agents().type[i] == 1;
        EXPECT_EQ(static_cast<double>(state_of(simulation, i, 1, 0)), !is_other ? 5.0 : found == since.end() ? 105.0 : 105.0 - found->second);
    }
    EXPECT_EQ(types_to_come(checked(tissue.model), lattice({cell_type("turns", nullptr)}, 1).start), (std::vector<std::uint16_t>{0, 1})) << "so that the step is checked for what cells turn into";
}

/// Values of one agent's behaviours after a strike.
class OneStrike {
public:
    OneStrike(const Tissue& tissue, double factor, Death death) : model_(checked(tissue.model)), behaviors_(model_), agents_(tissue.start), field_(model_.box, model_.substances, 1.0, *context_) {
        const RuleVocabulary words = vocabulary_of(model_);
        agents_.behavior.assign(behaviors_.n_kept(), std::vector<float>(agents_.id.size()));
        for (std::size_t i = 0; i < agents_.id.size(); ++i) {
            begin_life(agents_, i, model_.types[agents_.type[i]].life);
            behaviors_.begin(agents_, i);
            agents_.death[i] = death;
        }
        behaviors_.set_factors(std::vector<double>(words.base.size(), factor));
        room_.resize(static_cast<std::size_t>(behaviors_.n_momentary() * agents_.size()));
        behaviors_.follow(agents_, field_, {}, nullptr, {.minute = 30.0, .number = 5, .room = room_}, *context_);
    }
    double value(BehaviorKind kind) const { return behaviors_.value(agents_, 0, {kind, 0}); }

private:
    std::vector<float> room_;
    std::unique_ptr<Context> context_ = test::make_context(1);
    Model model_;
    Behaviors behaviors_;
    Agents agents_;
    Field field_;
};

TEST(sub_model, rules_factors_and_bounds_act_on_top_and_the_dead_have_the_types_values) {
    Tissue tissue = lattice({cell_type("cell", plain({"time"}, {"signal uptake", "migration bias", "cell-cell adhesion", "apoptosis", "relative maximum adhesion distance"}, {10.0, 1.5, -2.0, 0.4, 0.5}))}, 1);
    tissue.model.types[0].exchange[0].uptake_per_min = 1.0;
    tissue.model.types[0].mechanics.adhesion_um_per_min = 0.3;
    {
        const OneStrike alone(tissue, 1.0, Death::none);
        EXPECT_EQ(alone.value(BehaviorKind::uptake), 40.0) << "10 and the minute";
        EXPECT_EQ(alone.value(BehaviorKind::bias), 1.0) << "cut off";
        EXPECT_EQ(alone.value(BehaviorKind::adhesion), 0.0) << "cut off";
        EXPECT_EQ(alone.value(BehaviorKind::reach), 1.0) << "cut off";
        EXPECT_EQ(OneStrike(tissue, 0.5, Death::none).value(BehaviorKind::uptake), 20.0) << "a knock-down";
        const OneStrike dead(tissue, 1.0, Death::apoptotic);
        EXPECT_EQ(dead.value(BehaviorKind::uptake), 0.0);
        EXPECT_FLOAT_EQ(static_cast<float>(dead.value(BehaviorKind::adhesion)), 0.3F);
    }
    // Half of the way from what is given to the saturation, where it is not beyond that already.
    const auto with_rule = [&](Response response, double saturation) {
        Tissue own = tissue;
        own.model.rules = {{.cell_type = "cell", .signal = "time", .response = response, .behavior = "signal uptake", .saturation = saturation, .half_max = 30.0, .hill_power = 2.0, .line = 1}};
        return OneStrike(own, 0.5, Death::none).value(BehaviorKind::uptake);
    };
    EXPECT_EQ(with_rule(Response::increases, 100.0), 35.0);
    EXPECT_EQ(with_rule(Response::increases, 20.0), 20.0);
    EXPECT_EQ(with_rule(Response::decreases, 0.0), 10.0);
}

TEST(sub_model, touching_cells_are_looked_for_only_where_one_asks) {
    const auto context = test::make_context(1);
    const auto asks = [&](std::vector<std::string> reads) { return Behaviors(checked(lattice({cell_type("cell", plain(std::move(reads), {"migration speed"}, {0.0}))}, 1).model)).asks_for_contacts(); };
    EXPECT_FALSE(asks({"pressure"}));
    EXPECT_TRUE(asks({"contact with live cell"}));
    Tissue tissue = lattice({cell_type("cell", plain({"contact with cell"}, {"signal export"}, {0.0})), cell_type("plain", nullptr)}, 3);
    tissue.start.type = {0, 0, 0};
    tissue.start.x = {100.0, 118.0, 136.0};
    Simulation simulation(tissue.model, tissue.start, *context);
    simulation.advance(2.0, *context);
    std::map<double, double> exported;
    for (std::size_t i = 0; i < 3; ++i) exported[std::round(simulation.agents().x[i])] = static_cast<double>(simulation.exchange_of(i, 0).secretion);
    EXPECT_EQ(exported, (std::map<double, double>{{100.0, 1.0}, {118.0, 2.0}, {136.0, 1.0}}));
}

TEST(sub_model, wrong_names_and_values_are_refused) {
    const auto refused = [](std::vector<std::string> reads, std::vector<std::string> gives) {
        const Tissue tissue = lattice({cell_type("cell", plain(std::move(reads), std::move(gives), {}))}, 1);
        return test::thrown_by([&] { Simulation(tissue.model, tissue.start, *test::make_context(1)); });
    };
    const Error signal = refused({"signals"}, {});
    EXPECT_EQ(signal.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(test::contains(signal.message(), "The sub-model of 'cell': there is no signal 'signals'")) << signal.message();
    EXPECT_TRUE(test::contains(signal.next(), "Did you mean 'signal'?")) << signal.next();
    EXPECT_TRUE(test::contains(refused({}, {"apoptosi"}).next(), "Did you mean 'apoptosis'?"));
    EXPECT_EQ(refused({"intracellular signal"}, {}).code(), ErrorCode::unsupported);
    EXPECT_EQ(refused({}, {"cell-BM adhesion"}).code(), ErrorCode::unsupported);
    EXPECT_TRUE(test::contains(refused({}, {"cell-cell repulsion"}).message(), "the most that this may be"));
    EXPECT_TRUE(test::contains(refused({}, {"cycle entry", "exit from cycle phase 0"}).message(), "gives 'exit from cycle phase 0' twice"));
    Tissue tissue = lattice({cell_type("cell", plain({}, {"necrosis"}, {0.1}))}, 1);
    tissue.model.types[0].life.necrosis = -1;
    EXPECT_TRUE(test::contains(test::thrown_by([&] { Simulation(tissue.model, tissue.start, *test::make_context(1)); }).message(), "have no such behaviour"));
    for (const std::vector<double>& values : {std::vector<double>{}, std::vector<double>{std::numeric_limits<double>::infinity()}}) {
        const Tissue bad = lattice({cell_type("cell", plain({}, {"apoptosis"}, values))}, 1);
        Simulation simulation(bad.model, bad.start, *test::make_context(1));
        const Error error = test::thrown_by([&] { simulation.advance(2.0, *test::make_context(1)); });
        EXPECT_TRUE(test::contains(error.message(), values.empty() ? "The sub-model of 'cell' gave nan for 'apoptosis'" : "gave inf")) << error.message();
    }
}

TEST(sub_model, inert_and_silenced_cells_lose_it_and_contributions_know_what_it_writes) {
    const auto context = test::make_context(1);
    const Tissue tissue = lattice({cell_type("maker", plain({"contact with other"}, {"signal export"}, {50.0})), cell_type("other", nullptr), cell_type("third", nullptr)}, 30);
    const std::vector<std::size_t> types{0};
    const auto secreted = [&](const Tissue& each) {
        Simulation simulation(each.model, each.start, *context);
        simulation.advance(2.0, *context);
        double sum = 0.0;
        for (std::size_t i = 0; i < simulation.agents().id.size(); ++i) sum += static_cast<double>(simulation.exchange_of(i, 0).secretion);
        return sum;
    };
    // Each of ten makers has an "other" behind it, three of the second row one in the row before as well.
    EXPECT_EQ(secreted(tissue), 513.0);
    EXPECT_EQ(secreted(intervene(tissue, types, Intervention::inert)), 0.0);
    EXPECT_EQ(secreted(intervene(tissue, types, Intervention::silence)), 0.0);
    EXPECT_EQ(secreted(intervene(tissue, std::vector<std::size_t>{1}, Intervention::inert)), 500.0) << "contacts with the type find nothing";
    const Readout load{.name = "load", .kind = ReadoutKind::cytokine_load, .substance = 0};
    const Model model = checked(tissue.model);
    EXPECT_TRUE(is_written_in(model, 0, load, Intervention::inert)) << "it gives the export";
    EXPECT_TRUE(is_written_in(model, 1, load, Intervention::inert)) << "its contact is read";
    EXPECT_FALSE(is_written_in(model, 2, load, Intervention::inert));
    // Memory: a state and a behaviour.
    Model bare = model;
    bare.types[0].sub_model.reset();
    EXPECT_EQ(expected_bytes(model, 1'000) - expected_bytes(bare, 1'000), 8'000);
    EXPECT_EQ(Behaviors(bare).n_kept(), 0U);
    EXPECT_EQ(Behaviors(model).n_kept(), 2U);
}

}  // namespace
}  // namespace morula::simulation
