#include "morula/simulation/simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/simulation/multigrid.hpp"

namespace morula::simulation {
namespace {

constexpr std::int64_t kBlockAgents = 4'096;
/// Of steady fields, solved anew from the last ones every step: far below what their voxels resolve.
constexpr double kSteadyTolerance = 1e-6;
constexpr std::array<std::string_view, 4> kOwnSignals{"pressure", "volume", "dead", "time"};
enum BehaviorNumber : std::int32_t { cycle_entry, apoptosis, necrosis, migration_speed };
const std::vector<std::string> kBehaviors{"cycle entry", "apoptosis", "necrosis", "migration speed"};

/// How often the shorter clock strikes within the longer.
std::int64_t strikes(double shorter, double longer, std::string_view names) {
    const double ratio = longer / shorter;
    if (!(shorter > 0.0) || !std::isfinite(ratio) || ratio < 0.5 || std::abs(ratio - std::round(ratio)) > 1e-6 * ratio) {
        invalid_data(fmt::format("The clocks of {} are {} and {} min.", names, shorter, longer), "Give steps above 0, the longer a whole multiple of the shorter.");
    }
    return static_cast<std::int64_t>(std::llround(ratio));
}

Model checked(Model model) {
    const std::size_t n = model.substances.size();
    model.pace.resize(n, FieldPace::stepped);
    model.fixed.resize(n);
    if (model.types.empty()) invalid_data("The scenario has no cell types.", "Describe at least one.");
    std::set<std::string_view> names;
    for (CellType& type : model.types) {
        if (type.name.empty() || !names.insert(type.name).second) invalid_data(fmt::format("There is more than one cell type '{}', or it has no name.", type.name), "Give each cell type its own name.");
        check_life(type.life, type.name);
        type.exchange.resize(n);
        for (const SubstanceExchange& exchange : type.exchange) {
            for (const double rate : {exchange.secretion_per_min, exchange.aim, exchange.uptake_per_min}) {
                if (!(rate >= 0.0) || !std::isfinite(rate)) invalid_data(fmt::format("Cell type '{}': a rate of secretion or uptake is {}.", type.name, rate), "Give a number that is not negative.");
            }
        }
        if (type.mechanics.chemotaxis_substance >= static_cast<std::int32_t>(n)) invalid_data(fmt::format("Cell type '{}' follows a substance that is not there.", type.name), "Name a substance of the scenario.");
    }
    for (const Substance& substance : model.substances) {
        if (std::find(kOwnSignals.begin(), kOwnSignals.end(), substance.name) != kOwnSignals.end()) {
            invalid_data(fmt::format("A substance is called '{}', which is a signal of its own.", substance.name), "Give the substance another name.");
        }
    }
    return model;
}

std::vector<CellMechanics> mechanics_of(const Model& model) {
    std::vector<CellMechanics> all;
    for (const CellType& type : model.types) all.push_back(type.mechanics);
    return all;
}

void check_agents(const Agents& agents, const Model& model) {
    std::map<std::array<double, 3>, std::size_t> places;
    std::set<std::uint64_t> ids;
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        const std::array<double, 3> place{agents.x[i], agents.y[i], agents.z[i]};
        const auto refuse = [&](const std::string& what, std::string_view next) { invalid_data(fmt::format("Cell {} at ({}, {}, {}) um {}.", i + 1, place[0], place[1], place[2], what), std::string(next)); };
        for (int axis = 0; axis < 3; ++axis) {
            const double from = model.box.origin_um[static_cast<std::size_t>(axis)];
            const double at = place[static_cast<std::size_t>(axis)];
            if (!(at >= from && at <= from + model.box.size_um(axis))) refuse("is not in the box", "Move it, or give a larger box.");
        }
        if (agents.type[i] >= model.types.size()) refuse("is of a type that is not there", "Name a cell type of the scenario.");
        if (const auto [other, fresh] = places.emplace(place, i); !fresh) refuse(fmt::format("is where cell {} is", other->second + 1), "Cells on top of each other do not push: move one of them.");
        if (!ids.insert(agents.id[i]).second) refuse("has the id of another", "Give each cell its own id.");
    }
}

}  // namespace

RuleVocabulary vocabulary_of(const Model& model) {
    RuleVocabulary words;
    for (const Substance& substance : model.substances) words.signals.push_back(substance.name);
    words.signals.insert(words.signals.end(), kOwnSignals.begin(), kOwnSignals.end());
    if (model.expression && model.expression->signalling) {
        for (const Programme& programme : model.expression->signalling->model().programmes) words.signals.push_back("programme:" + programme.name);
    }
    words.behaviors = kBehaviors;
    for (const CellType& type : model.types) {
        words.types.push_back(type.name);
        const Phase& first = type.life.phases.front();
        words.base.insert(words.base.end(), {first.exit == PhaseExit::at_rate ? first.rate_per_min : 0.0, type.life.apoptosis_per_min, type.life.necrosis_per_min, type.mechanics.speed_um_per_min});
    }
    return words;
}

Simulation::Simulation(Model model, Context& context)
    : model_(checked(std::move(model))), field_(model_.box, model_.substances, model_.clocks.field_min, context),
      mechanics_(model_.box, mechanics_of(model_), model_.affinity, {.dt_min = model_.clocks.mechanics_min, .skin_um = model_.skin_um}), rules_(model_.rules, model_.rules_source, vocabulary_of(model_)) {
    fields_a_step_ = strikes(model_.clocks.field_min, model_.clocks.mechanics_min, "fields and mechanics");
    steps_a_life_ = strikes(model_.clocks.mechanics_min, model_.clocks.life_min, "mechanics and life");
    if (model_.expression) {
        states_.emplace(model_.expression);
        MORULA_ASSERT(model_.expression->kernel.n_types() == static_cast<std::int32_t>(model_.types.size()));
        steps_a_state_ = strikes(model_.clocks.mechanics_min, model_.expression->clock_min, "mechanics and expression");
        if (model_.expression->signalling) steps_a_signal_ = strikes(model_.clocks.mechanics_min, model_.expression->signalling->model().clock_min, "mechanics and signalling");
    }
    for (std::int32_t s = 0; s < field_.n_substances(); ++s) {
        const FixedVoxels& fixed = model_.fixed[static_cast<std::size_t>(s)];
        field_.fix(s, fixed.places, fixed.concentrations, context);
    }
}

Simulation::Simulation(Model model, Agents start, Context& context) : Simulation(std::move(model), context) {
    agents_ = std::move(start);
    check_agents(agents_, model_);
    for (std::size_t i = 0; i < agents_.id.size(); ++i) {
        if (volume_of(agents_, i) == 0.0) begin_life(agents_, i, model_.types[agents_.type[i]].life);
    }
    mechanics_.check_step(agents_);
    if (states_) states_->settle(agents_, model_.seed, context);
}

void Simulation::find_rates(std::int32_t substance, std::vector<float>& secretion, std::vector<float>& clearance, Context& context) const {
    secretion.resize(agents_.id.size());
    clearance.resize(agents_.id.size());
    parallel_blocks(context, agents_.size(), kBlockAgents, [&](Block block) {
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            const CellType& type = model_.types[agents_.type[i]];
            const SubstanceExchange& exchange = type.exchange[static_cast<std::size_t>(substance)];
            const double volume = type.life.phases[agents_.phase[i]].is_dead ? 0.0 : volume_of(agents_, i);
            secretion[i] = static_cast<float>(volume * exchange.secretion_per_min * exchange.aim);
            clearance[i] = static_cast<float>(volume * (exchange.secretion_per_min + exchange.uptake_per_min));
        }
    });
}

void Simulation::step_fields(Context& context) {
    if (field_.n_substances() == 0) return;
    const VoxelBins bins = bin_agents(model_.box, agents_.x, agents_.y, agents_.z, context);
    std::vector<std::vector<float>> secretion(model_.substances.size()), clearance(model_.substances.size());
    bool some_stepped = false;
    for (std::int32_t s = 0; s < field_.n_substances(); ++s) {
        const auto k = static_cast<std::size_t>(s);
        find_rates(s, secretion[k], clearance[k], context);
        some_stepped = some_stepped || model_.pace[k] == FieldPace::stepped;
    }
    for (std::int64_t f = 0; some_stepped && f < fields_a_step_; ++f) {
        for (std::int32_t s = 0; s < field_.n_substances(); ++s) {
            const auto k = static_cast<std::size_t>(s);
            if (model_.pace[k] == FieldPace::stepped) field_.exchange(s, bins, secretion[k], clearance[k], context);
        }
        field_.diffuse(context);
    }
    for (std::int32_t s = 0; s < field_.n_substances(); ++s) {
        const auto k = static_cast<std::size_t>(s);
        if (model_.pace[k] != FieldPace::steady) continue;
        std::vector<double> source(static_cast<std::size_t>(model_.box.n_stored()), 0.0), sink(source.size(), 0.0);
        for (std::size_t b = 0; b < bins.place.size(); ++b) {
            const auto place = static_cast<std::size_t>(bins.place[b]);
            for (std::int64_t at = bins.begin[b]; at < bins.begin[b + 1]; ++at) {
                const std::uint32_t agent = bins.agent[static_cast<std::size_t>(at)];
                source[place] += static_cast<double>(secretion[k][agent]) / model_.box.voxel_volume_um3();
                sink[place] += static_cast<double>(clearance[k][agent]) / model_.box.voxel_volume_um3();
            }
        }
        solve_steady(field_, s, source, sink, {.tolerance = kSteadyTolerance}, context);
    }
}

LifeRates Simulation::follow_rules(Context& context) {
    if (model_.rules.empty()) return {};
    LifeRates rates;
    for (std::vector<float>* values : {&rates.cycle_entry, &rates.apoptosis, &rates.necrosis}) values->resize(agents_.id.size());
    const std::size_t n_substances = model_.substances.size();
    const RuleVocabulary words = vocabulary_of(model_);
    parallel_blocks(context, agents_.size(), kBlockAgents, [&](Block block) {
        std::vector<double> signals(words.signals.size());
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            const std::size_t type = agents_.type[i];
            std::array<double, 4> values{};
            for (std::size_t b = 0; b < values.size(); ++b) values[b] = words.base_of(type, b);
            const bool is_dead = model_.types[type].life.phases[agents_.phase[i]].is_dead;
            if (!rules_.changed(type).empty()) {
                const auto place = static_cast<std::size_t>(
                    model_.box.place(nearest_voxel(model_.box, 0, agents_.x[i]), nearest_voxel(model_.box, 1, agents_.y[i]), nearest_voxel(model_.box, 2, agents_.z[i])));
                for (std::size_t s = 0; s < n_substances; ++s) signals[s] = field_.values(static_cast<std::int32_t>(s))[place];
                const std::array<double, 4> own{static_cast<double>(agents_.pressure[i]), volume_of(agents_, i), is_dead ? 1.0 : 0.0, minute()};
                std::copy(own.begin(), own.end(), signals.begin() + static_cast<std::ptrdiff_t>(n_substances));
                for (std::size_t p = n_substances + own.size(); p < signals.size(); ++p) signals[p] = static_cast<double>(states_->programme(agents_, i, p - n_substances - own.size()));
                for (const std::int32_t b : rules_.changed(type)) values[static_cast<std::size_t>(b)] = rules_.respond(type, b, signals, is_dead ? Vitality::dead : Vitality::alive);
            }
            rates.cycle_entry[i] = static_cast<float>(std::max(0.0, values[cycle_entry]));
            rates.apoptosis[i] = static_cast<float>(std::max(0.0, values[apoptosis]));
            rates.necrosis[i] = static_cast<float>(std::max(0.0, values[necrosis]));
            agents_.speed_change[i] = static_cast<float>(values[migration_speed] - words.base_of(type, migration_speed));
        }
    });
    return rates;
}

void Simulation::live(Context& context) {
    const LifeRates rates = follow_rules(context);
    const auto strike = static_cast<std::uint32_t>(step_ / steps_a_life_);
    PopulationEvents events = advance_life(agents_, lives(), rates, model_.clocks.life_min, model_.seed, strike, context);
    if (events.dividing.empty() && events.leaving.empty()) return;
    tally_.births += static_cast<std::int64_t>(events.dividing.size());
    tally_.removals += static_cast<std::int64_t>(events.leaving.size());
    const double at = static_cast<double>(step_ + 1) * model_.clocks.mechanics_min;
    std::map<std::uint64_t, CellEvent> gone;
    for (const std::uint32_t agent : events.leaving) gone[agents_.id[agent]] = {at, CellEvent::Kind::removed, agents_.id[agent], 0, agents_.type[agent]};
    const std::vector<std::uint64_t> daughters = apply_events(agents_, std::move(events), model_.box.is_flat() ? Space::flat : Space::solid, model_.seed, strike);
    // Daughters stand at the end, in the order of their mothers' ids.
    for (std::size_t i = agents_.id.size() - daughters.size(); i < agents_.id.size(); ++i) events_.push_back({at, CellEvent::Kind::born, agents_.id[i], agents_.parent[i], agents_.type[i]});
    for (const auto& [id, event] : gone) events_.push_back(event);
    mechanics_.population_changed();
}

std::vector<Life> Simulation::lives() const {
    std::vector<Life> all;
    for (const CellType& type : model_.types) all.push_back(type.life);
    return all;
}

void Simulation::signal(Context& context) {
    states_->settle(agents_, model_.seed, context);
    const bool by_contact = !states_->model().signalling->contact_links().empty();
    states_->signal(agents_, lives(), field_, by_contact ? mechanics_.current_lists(agents_, context) : mechanics_.lists(), context);
}

void Simulation::express(Context& context) {
    states_->settle(agents_, model_.seed, context);
    states_->advance(agents_, lives(), model_.seed, static_cast<std::uint32_t>(step_ / steps_a_state_), context);
}

void Simulation::step(Context& context) {
    step_fields(context);
    tally_.agent_steps += agents_.size();
    mechanics_.step(agents_, &field_, model_.seed, static_cast<std::uint32_t>(step_), context);
    if (states_ && states_->model().signalling && (step_ + 1) % steps_a_signal_ == 0) signal(context);
    if ((step_ + 1) % steps_a_life_ == 0) live(context);
    if (states_ && (step_ + 1) % steps_a_state_ == 0) express(context);
    ++step_;
}

void Simulation::advance(double until_min, Context& context) {
    const auto last = static_cast<std::int64_t>(std::llround(until_min / model_.clocks.mechanics_min));
    MORULA_ASSERT(last < std::numeric_limits<std::uint32_t>::max());
    while (step_ < last) {
        context.check_cancelled();
        step(context);
    }
}

std::vector<CellEvent> Simulation::take_events() { return std::exchange(events_, {}); }

std::vector<std::vector<std::int64_t>> Simulation::composition() const {
    std::vector<std::vector<std::int64_t>> count;
    for (const CellType& type : model_.types) count.emplace_back(type.life.phases.size(), 0);
    for (std::size_t i = 0; i < agents_.id.size(); ++i) ++count[agents_.type[i]][agents_.phase[i]];
    return count;
}

std::int64_t Simulation::bytes() const {
    return agents_.size() * Agents::bytes_per_agent() + mechanics_.bytes() + (states_ ? states_->bytes() : 0) + 8 * model_.box.n_stored() * field_.n_substances();
}

}  // namespace morula::simulation
