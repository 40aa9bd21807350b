#include "morula/simulation/simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/simulation/perturbations.hpp"
#include "morula/simulation/prospects.hpp"

namespace morula::simulation {
namespace {

std::vector<CellMechanics> mechanics_of(const Model& model) {
    std::vector<CellMechanics> all;
    for (const CellType& type : model.types) all.push_back(type.mechanics);
    return all;
}

Model checked_whole(Model model) {
    model = checked(std::move(model));
    check_clocks(model);
    check_perturbations(model);
    return model;
}

Model that_fits(Model model, std::int64_t n_agents, Context& context) {
    model = checked(std::move(model));
    check_grid(model.box);
    context.require_memory(expected_bytes(model, n_agents), "the simulation");
    return model;
}

/// With the decay that the half-lives of drugs add.
std::vector<Substance> substances_of(const Model& model) {
    std::vector<Substance> all = model.substances;
    for (std::size_t s = 0; s < all.size(); ++s) all[s].decay_per_min += decay_of_drugs(model, static_cast<std::int32_t>(s));
    return all;
}

Life life_with_factors(Life life, const Behaviors& behaviors, std::size_t type) {
    const auto rate = [&](BehaviorKind kind, std::size_t of) { return behaviors.of_type(type, {kind, static_cast<std::int32_t>(of)}); };
    if (life.apoptosis >= 0) life.apoptosis_per_min = rate(BehaviorKind::apoptosis, 0);
    if (life.necrosis >= 0) life.necrosis_per_min = rate(BehaviorKind::necrosis, 0);
    for (std::size_t p = 0; p < life.phases.size() && !life.phases[p].is_dead; ++p) {
        Phase& phase = life.phases[p];
        if (phase.exit == PhaseExit::at_rate) phase.rate_per_min = rate(BehaviorKind::phase_exit, p);
        if (phase.exit == PhaseExit::after_time) phase.duration_min = 1.0 / rate(BehaviorKind::phase_exit, p);
    }
    return life;
}

CellMechanics mechanics_with_factors(CellMechanics own, const Behaviors& behaviors, std::size_t type) {
    const auto value = [&](BehaviorKind kind) { return behaviors.of_type(type, {kind, 0}); };
    own.repulsion_um_per_min = value(BehaviorKind::repulsion);
    own.adhesion_um_per_min = value(BehaviorKind::adhesion);
    own.adhesion_reach = std::max(1.0, value(BehaviorKind::reach));
    own.speed_um_per_min = value(BehaviorKind::speed);
    own.persistence_min = value(BehaviorKind::persistence);
    own.bias = std::min(1.0, value(BehaviorKind::bias));
    if (own.chemotaxis_substance >= 0) own.chemotaxis_sign = behaviors.of_type(type, {BehaviorKind::chemotaxis, own.chemotaxis_substance});
    return own;
}

/// The first place whose key stands at another place before it, and that place.
template <class Key>
std::optional<std::array<std::size_t, 2>> first_twin(std::size_t n, const Key& key) {
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
    std::optional<std::array<std::size_t, 2>> first;
    for (std::size_t k = 1; k < n; ++k) {
        if (key(order[k - 1]) == key(order[k]) && (!first || order[k] < (*first)[0])) first = {order[k], order[k - 1]};
    }
    return first;
}

void check_agents(const Agents& agents, const Model& model) {
    const auto refuse = [&](std::size_t i, const std::string& what, std::string_view next) {
        invalid_data(fmt::format("Cell {} at ({}, {}, {}) um {}.", i + 1, agents.x[i], agents.y[i], agents.z[i], what), std::string(next));
    };
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        if (!is_inside(model.box, {agents.x[i], agents.y[i], agents.z[i]})) refuse(i, "is not in the box", "Move it, or give a larger box.");
        if (agents.type[i] >= model.types.size()) refuse(i, "is of a type that is not there", "Name a cell type of the scenario.");
    }
    if (const auto twin = first_at_one_place(agents)) refuse((*twin)[0], fmt::format("is where cell {} is", (*twin)[1] + 1), "Cells on top of each other do not push: move one of them.");
    if (const auto twin = first_twin(agents.id.size(), [&](std::size_t i) { return agents.id[i]; })) refuse((*twin)[0], "has the id of another", "Give each cell its own id.");
}

/// That the step bears the most that rules and perturbations may make of repulsion: of the cells of the start, those that are put in, and what both may turn into.
void check_pushes(const Model& model, const Agents& start) {
    std::vector<CellMechanics> strongest = mechanics_of(model);
    const std::vector<StrongestPush> pushes = strongest_pushes(model);
    for (std::size_t type = 0; type < pushes.size(); ++type) strongest[type].repulsion_um_per_min = pushes[type].repulsion_um_per_min;
    const Mechanics mechanics(model.box, std::move(strongest), model.affinity, {.dt_min = model.clocks.mechanics_min, .skin_um = model.skin_um});
    mechanics.check_step(start);
    Agents to_come;
    for (const std::uint16_t type : types_to_come(model, start)) {
        add_agent(to_come, 1, type, {}, 0.0F);
        begin_life(to_come, to_come.id.size() - 1, model.types[type].life);
    }
    mechanics.check_step(to_come);
}

}  // namespace

std::optional<std::array<std::size_t, 2>> first_at_one_place(const Agents& agents) {
    return first_twin(agents.id.size(), [&](std::size_t i) { return std::array<double, 3>{agents.x[i], agents.y[i], agents.z[i]}; });
}

std::string_view event_name(CellEvent::Kind kind) {
    constexpr std::array<std::string_view, 7> names{"born", "removed", "eaten", "fused", "became", "taken_out", "put_in"};
    return names[static_cast<std::size_t>(kind)];
}

std::vector<std::int64_t> steps_between_solutions(const Model& model, const Behaviors& behaviors) {
    // Who looks at steady fields that nobody follows: rules, and signals.
    std::int64_t steps_a_look = strikes(model.clocks.mechanics_min, model.clocks.life_min, "mechanics and life");
    if (model.expression && model.expression->signalling) steps_a_look = std::gcd(steps_a_look, strikes(model.clocks.mechanics_min, model.expression->signalling->model().clock_min, "mechanics and signalling"));
    const std::vector<std::int32_t> by_rules = behaviors.own_mechanics().chemotaxis;
    std::vector<std::int64_t> steps;
    for (std::size_t s = 0; s < model.substances.size(); ++s) {
        const bool by_type = std::any_of(model.types.begin(), model.types.end(), [&](const CellType& type) { return type.mechanics.chemotaxis_substance == static_cast<std::int32_t>(s); });
        const bool is_followed = by_type || (s < by_rules.size() && by_rules[s] >= 0);
        steps.push_back(model.clocks.steady_min ? strikes(model.clocks.mechanics_min, *model.clocks.steady_min, "mechanics and steady fields") : is_followed ? 1 : steps_a_look);
    }
    return steps;
}

Simulation::Simulation(Model model, Context& context)
    : model_(checked_whole(std::move(model))), field_(model_.box, substances_of(model_), model_.clocks.field_min, context), behaviors_(model_),
      mechanics_(model_.box, mechanics_of(model_), model_.affinity, {.dt_min = model_.clocks.mechanics_min, .skin_um = model_.skin_um, .own = behaviors_.own_mechanics()}) {
    agents_.behavior.resize(behaviors_.n_kept());
    use_factors(0.0);
    fields_a_step_ = strikes(model_.clocks.field_min, model_.clocks.mechanics_min, "fields and mechanics");
    steps_a_life_ = strikes(model_.clocks.mechanics_min, model_.clocks.life_min, "mechanics and life");
    if (model_.expression) {
        states_.emplace(model_.expression);
        MORULA_ASSERT(model_.expression->kernel.n_types() == static_cast<std::int32_t>(model_.types.size()));
        steps_a_state_ = strikes(model_.clocks.mechanics_min, model_.expression->clock_min, "mechanics and expression");
        if (model_.expression->signalling) steps_a_signal_ = strikes(model_.clocks.mechanics_min, model_.expression->signalling->model().clock_min, "mechanics and signalling");
    }
    steps_a_solution_ = steps_between_solutions(model_, behaviors_);
    for (std::int32_t s = 0; s < field_.n_substances(); ++s) {
        const FixedVoxels& fixed = model_.fixed[static_cast<std::size_t>(s)];
        field_.fix(s, fixed.places, fixed.concentrations, context);
    }
}

Simulation::Simulation(Model model, Agents start, Context& context) : Simulation(that_fits(std::move(model), start.size(), context), context) {
    agents_ = std::move(start);
    agents_.for_each_column([](auto& values) { values.shrink_to_fit(); });  // layouts add cells one by one, so that arrays have doubled
    check_agents(agents_, model_);
    agents_.behavior.assign(behaviors_.n_kept(), std::vector<float>(agents_.id.size()));
    for (std::size_t i = 0; i < agents_.id.size(); ++i) {
        const Life& life = model_.types[agents_.type[i]].life;
        if (volume_of(agents_, i) == 0.0) begin_life(agents_, i, life);
        agents_.death[i] = death_in(life, agents_.phase[i]);
        behaviors_.begin(agents_, i);
    }
    std::int64_t n_to_come = 0;
    for (const Injection& injection : model_.perturbations.injections) n_to_come += injection.n;
    context.require_memory(kBytesAnAgent * n_to_come, "the cells that are put in");
    move_cells(-1.0, 0.0);
    check_pushes(model_, agents_);
    check_steady(context);
    if (states_) states_->settle(agents_, model_.seed, context);
    solve_start(context);
}

/// Types as perturbations make them from this strike of the life clock on.
void Simulation::use_factors(double minute) {
    behaviors_.set_factors(model_.perturbations.factors.empty() ? std::vector<double>() : factors_at(model_, minute));
    std::vector<CellMechanics> mechanics;
    std::vector<double> affinity;
    for (std::size_t type = 0; type < model_.types.size(); ++type) {
        mechanics.push_back(mechanics_with_factors(model_.types[type].mechanics, behaviors_, type));
        for (std::size_t other = 0; other < model_.types.size(); ++other) affinity.push_back(behaviors_.of_type(type, {BehaviorKind::affinity, static_cast<std::int32_t>(other)}));
    }
    mechanics_.set_types(std::move(mechanics), std::move(affinity));
}

/// Takes out and puts in cells as perturbations in (after, until] say.
void Simulation::move_cells(double after_min, double until_min) {
    const double minute = std::max(0.0, until_min);
    PopulationEvents events;
    events.leaving = taken_out(model_, agents_, after_min, until_min);
    std::map<std::uint64_t, CellEvent> gone;
    for (const std::uint32_t place : events.leaving) gone[agents_.id[place]] = {.minute = minute, .kind = CellEvent::Kind::taken_out, .id = agents_.id[place], .type = agents_.type[place]};
    for (const auto& [id, event] : gone) events_.push_back(event);
    tally_.removals += std::ssize(events.leaving);
    const bool some_left = !events.leaving.empty();
    apply_events(agents_, std::move(events), Space::solid, model_.seed, 0);
    const std::int64_t n_new = put_in(model_, agents_, after_min, until_min);
    for (auto i = static_cast<std::size_t>(agents_.size() - n_new); i < agents_.id.size(); ++i) {
        begin_life(agents_, i, model_.types[agents_.type[i]].life);
        behaviors_.begin(agents_, i);
        events_.push_back({.minute = minute, .kind = CellEvent::Kind::put_in, .id = agents_.id[i], .type = agents_.type[i]});
    }
    if (some_left || n_new > 0) mechanics_.population_changed();
}

void Simulation::give_drugs() {
    for (std::int32_t s = 0; !model_.perturbations.drugs.empty() && s < field_.n_substances(); ++s) {
        const std::span<double> values = field_.values(s);
        const double dose = bath_dose(model_, s, minute(), minute() + model_.clocks.mechanics_min);
        for (std::int64_t place = 0; dose > 0.0 && place < model_.box.n_stored(); ++place) {
            if (place % model_.box.stride() < model_.box.n[0] && !field_.is_fixed(s, place)) values[static_cast<std::size_t>(place)] += dose;
        }
    }
    hold_vessels();
}

/// At what drugs make of it, each fixed voxel.
void Simulation::hold_vessels() {
    for (std::int32_t s = 0; !model_.perturbations.drugs.empty() && s < field_.n_substances(); ++s) {
        const std::span<double> values = field_.values(s);
        const std::optional<double> held = vessel_concentration(model_, s, minute());
        if (!held) continue;
        const FixedVoxels& fixed = model_.fixed[static_cast<std::size_t>(s)];
        for (std::size_t k = 0; k < fixed.places.size(); ++k) values[static_cast<std::size_t>(fixed.places[k])] = fixed.concentrations[k] + *held;
    }
}

/// What each of the agents does to a substance now.
void Simulation::find_rates(std::int32_t substance, std::int64_t begin, std::span<float> secretion, std::span<float> clearance) const {
    const auto view = [&](BehaviorKind kind) { return behaviors_.view(agents_, {kind, substance}); };
    const Behaviors::View secreted = view(BehaviorKind::secretion), aim = view(BehaviorKind::secretion_target), uptake = view(BehaviorKind::uptake), exported = view(BehaviorKind::exported);
    if (secreted.is_nothing() && uptake.is_nothing() && exported.is_nothing()) {
        std::fill(secretion.begin(), secretion.end(), 0.0F);
        std::fill(clearance.begin(), clearance.end(), 0.0F);
        return;
    }
    for (std::size_t k = 0; k < secretion.size(); ++k) {
        const std::size_t i = static_cast<std::size_t>(begin) + k;
        const double volume = volume_of(agents_, i), rate = secreted.at(agents_, i);
        secretion[k] = static_cast<float>(volume * rate * aim.at(agents_, i) + exported.at(agents_, i));
        clearance[k] = static_cast<float>(volume * (rate + uptake.at(agents_, i)));
    }
}

CellExchange Simulation::exchange_of(std::size_t agent, std::int32_t substance) const {
    CellExchange exchange;
    find_rates(substance, static_cast<std::int64_t>(agent), {&exchange.secretion, 1}, {&exchange.clearance, 1});
    exchange.uptake = static_cast<float>(volume_of(agents_, agent) * behaviors_.value(agents_, agent, {BehaviorKind::uptake, substance}));
    const float whole = exchange.clearance;
    saturate(UptakeLaw::chord, substance, static_cast<std::int64_t>(agent), {&exchange.secretion, 1}, {&exchange.clearance, 1});
    exchange.uptake -= whole - exchange.clearance;
    return exchange;
}

void Simulation::record_events(const PopulationEvents& events, const std::vector<Encounter>& encounters, double minute) {
    std::map<std::uint64_t, CellEvent> gone;
    for (const std::uint32_t agent : events.leaving) gone[agents_.id[agent]] = {.minute = minute, .kind = CellEvent::Kind::removed, .id = agents_.id[agent], .type = agents_.type[agent]};
    for (const Encounter& deed : encounters) {
        if (deed.kind == Encounter::Kind::becomes) {
            events_.push_back({.minute = minute, .kind = CellEvent::Kind::became, .id = agents_.id[deed.actor], .type = agents_.type[deed.actor]});
            continue;
        }
        CellEvent& event = gone[agents_.id[deed.other]];
        event.kind = deed.kind == Encounter::Kind::eats ? CellEvent::Kind::eaten : CellEvent::Kind::fused;
        event.by = agents_.id[deed.actor];
    }
    for (const auto& [id, event] : gone) events_.push_back(event);
}

void Simulation::live(Context& context) {
    const double dt = model_.clocks.life_min;
    const double at = minute_of(step_ + 1), since = minute_of(step_ + 1 - steps_a_life_);
    if (factors_change(model_, since, at)) use_factors(at);
    const auto strike = static_cast<std::uint32_t>(step_ / steps_a_life_);
    // Asking who touches whom may sort the agents, so that it comes first.
    const std::int64_t n_room = behaviors_.n_momentary() * agents_.size();
    const auto [contacts, room] = behaviors_.asks_for_contacts() ? mechanics_.contacts(agents_, n_room, context) : std::pair(Contacts(), std::get<0>(mechanics_.workspace().lend<float>(n_room)));
    behaviors_.follow(agents_, field_, contacts, states(), {.minute = minute(), .number = strike, .room = room}, context);
    take_damage(agents_, behaviors_, contacts, model_.types.size(), dt, context);
    PopulationEvents events = advance_life(agents_, lives(), behaviors_.life_rates(), dt, model_.seed, strike, context);
    behaviors_.end(agents_, events.dying);
    const std::vector<Encounter> encounters = find_encounters(agents_, behaviors_, contacts, events, model_.types.size(), dt, model_.seed, strike, context);
    apply_encounters(agents_, encounters, model_, behaviors_, events);
    if (behaviors_.own_mechanics().reach >= 0 || !encounters.empty()) mechanics_.population_changed();
    record_events(events, encounters, at);
    const bool some_changed = !events.dividing.empty() || !events.leaving.empty();
    tally_.births += static_cast<std::int64_t>(events.dividing.size());
    tally_.removals += static_cast<std::int64_t>(events.leaving.size());
    const std::map<std::uint64_t, std::uint16_t> others = types_of_daughters(agents_, behaviors_, events.dividing, model_.types.size(), model_.seed, strike);
    const std::vector<std::uint64_t> daughters = apply_events(agents_, std::move(events), model_.box.is_flat() ? Space::flat : Space::solid, model_.seed, strike);
    // Daughters stand at the end, in the order of their mothers' ids.
    for (std::size_t i = agents_.id.size() - daughters.size(); i < agents_.id.size(); ++i) {
        if (const auto other = others.find(agents_.parent[i]); other != others.end()) turn_into(agents_, i, other->second, model_, behaviors_);
        events_.push_back({.minute = at, .kind = CellEvent::Kind::born, .id = agents_.id[i], .parent = agents_.parent[i], .type = agents_.type[i]});
    }
    if (some_changed) mechanics_.population_changed();
    move_cells(since, at);
    if (states_) states_->settle(agents_, model_.seed, context);  // cells of another type hold a state that is not theirs
}

std::vector<Life> Simulation::lives() const {
    std::vector<Life> all;
    const bool has_factors = !model_.perturbations.factors.empty();
    for (std::size_t type = 0; type < model_.types.size(); ++type) all.push_back(has_factors ? life_with_factors(model_.types[type].life, behaviors_, type) : model_.types[type].life);
    return all;
}

void Simulation::signal(Context& context) {
    states_->settle(agents_, model_.seed, context);
    states_->set_gene_factors(gene_factors_at(model_, minute_of(step_ + 1)));
    const bool by_contact = !states_->model().signalling->contact_links().empty();
    states_->signal(agents_, lives(), field_, by_contact ? mechanics_.current_lists(agents_, context) : mechanics_.lists(), mechanics_.workspace(), context);
}

/// Found anew only where other factors act than before.
void Simulation::shift_states(double minute) {
    if (!states_->model().regulation) return;
    std::vector<GeneFactor> factors = regulated_factors_at(model_, minute);
    if (shifted_by_ == factors) return;
    states_->set_shift(factors.empty() ? std::vector<float>() : shift_of_states(*states_->model().regulation, states_->model().kernel, factors));
    shifted_by_ = std::move(factors);
}

void Simulation::express(Context& context) {
    states_->settle(agents_, model_.seed, context);
    shift_states(minute_of(step_ + 1));
    states_->advance(agents_, lives(), model_.seed, static_cast<std::uint32_t>(step_ / steps_a_state_), context);
}

/// The decimal that is meant: 33 steps of 0.1 min are 3.3, not 3.3000000000000003.
double Simulation::minute_of(std::int64_t step) const {
    const double minute = static_cast<double>(step) * model_.clocks.mechanics_min;
    const double digits = minute < 1e6 ? 1e9 : 1e6;
    return std::round(minute * digits) / digits;
}

void Simulation::step(Context& context) {
    give_drugs();
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
    return agents_.bytes() + mechanics_.bytes() + (states_ ? states_->bytes() : 0) + field_.bytes();
}

}  // namespace morula::simulation
