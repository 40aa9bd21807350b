// Which signals a simulation offers to rules, which behaviours rules may change, and what rules make of them for every agent.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/parallel.hpp"
#include "morula/simulation/agents.hpp"
#include "morula/simulation/mechanics_contacts.hpp"
#include "morula/simulation/expression_states.hpp"
#include "morula/simulation/field.hpp"
#include "morula/simulation/life.hpp"
#include "morula/simulation/mechanics.hpp"
#include "morula/simulation/model.hpp"
#include "morula/simulation/rules.hpp"
#include "morula/simulation/sub_model.hpp"

namespace morula::simulation {

enum class BehaviorKind : std::int32_t {
    secretion, secretion_target, uptake, exported,  // one a substance
    phase_exit,                                     // one a phase of the living
    apoptosis, necrosis, speed, bias, persistence,
    chemotaxis,                                     // one a substance
    adhesion,
    affinity,                                       // one a type
    reach, repulsion, eats_dead, eats_apoptotic, eats_necrotic,
    eats, attacks, fuses, becomes,                  // one a type
    attack_min, attack_damage, damage, repair,
    immunogenicity, divides_into                    // one a type
};

/// A behaviour: its kind, and the number of its substance, phase or type.
struct Behavior {
    BehaviorKind kind = BehaviorKind::secretion;
    std::int32_t of = 0;
};

enum class SignalKind : std::int32_t {
    concentration, gradient,  // one a substance
    touches_type,             // one a type
    touches_living, touches_dead, touches_apoptotic, touches_necrotic, pressure, volume, damage, attacked_min, is_dead, is_apoptotic, is_necrotic, minute,
    programme  // one a programme of signalling
};

struct Signal {
    SignalKind kind = SignalKind::concentration;
    std::int32_t of = 0;
};

/// All behaviours and signals of a model in the order of their numbers.
std::vector<Behavior> behaviors_of(const Model& model);
std::vector<Signal> signals_of(const Model& model);
/// What a type has of a behaviour without rules; NaN: nothing, as it has no such phase, or no divisions. The model is a checked one.
double behavior_of_type(const Model& model, std::size_t type, Behavior behavior);

/// The names that rules may use: those of PhysiCell 1.14 with their synonyms, as far as they are modelled; the rest with the reason why not. See docs/simulation.md.
/// Throws invalid_data where a substance or type is called so that two signals or behaviours have one name.
RuleVocabulary vocabulary_of(const Model& model);

/// Of the life clock.
struct Strike {
    double minute = 0.0;       // on the clock
    std::uint32_t number = 0;  // from 0
    std::span<float> room{};   // Behaviors::n_momentary() numbers an agent; what acts at this strike alone holds for as long as this does
};

/// What agents do: their types' values, or what sub-models and rules made of them at the last strike of the life clock. Values that act between strikes are kept in Agents::behavior (4 bytes an
/// agent for each behaviour that some rule changes or some sub-model gives), and behind them the states of sub-models; the others live as long as the strike.
class Behaviors {
public:
    /// model: a checked one. Throws what Rules, vocabulary_of and attached_sub_models throw.
    explicit Behaviors(const Model& model);

    /// Arrays of Agents::behavior.
    std::size_t n_kept() const { return n_kept_ + n_state_; }
    /// Numbers an agent that live as long as a strike.
    std::int64_t n_momentary() const { return n_momentary_; }
    /// For Mechanics: which arrays hold what.
    OwnMechanics own_mechanics() const;
    /// True where rules, sub-models, or encounters of some type, ask who touches whom.
    bool asks_for_contacts() const { return asks_for_contacts_; }
    /// True where some agent may have it above 0.
    bool may_happen(BehaviorKind kind) const;

    /// What types do, and what rules make of it, times these factors: types x behaviours; empty: 1.
    void set_factors(std::vector<double> factors) { factors_ = std::move(factors); }
    /// What a type does without signals.
    double of_type(std::size_t type, Behavior behavior) const { return base_of(type, number(behavior)); }

    /// Gives an agent what its type has without signals, and the first state of its sub-model.
    void begin(Agents& agents, std::size_t agent) const;
    /// Takes from agents that have died what ends with life.
    void end(Agents& agents, std::span<const std::uint32_t> dead) const;
    /// One strike of the life clock: sub-models go one step, then every rule for every agent. Signals are taken where agents, fields and contacts are; states may be nullptr where the model has none.
    /// Throws invalid_data where a sub-model gives what is no number.
    void follow(Agents& agents, const Field& field, const Contacts& contacts, const ExpressionStates* states, Strike strike, Context& context);
    /// Rates for advance_life.
    LifeRates life_rates() const;
    /// An agent's value; of the dead 0 for what ends with life, unless a rule for the dead says otherwise.
    double value(const Agents& agents, std::size_t agent, Behavior behavior) const;
    /// The same for many agents: what value() looks up anew each time.
    struct View {
        const float* own = nullptr;  // one an agent; nullptr: those of the types
        std::vector<double> of_type{};
        bool ends_with_life = false;

        /// True where nobody has any.
        bool is_nothing() const { return own == nullptr && std::all_of(of_type.begin(), of_type.end(), [](double value) { return value == 0.0; }); }
        double at(const Agents& agents, std::size_t agent) const {
            if (own != nullptr) return static_cast<double>(own[agent]);
            return ends_with_life && agents.death[agent] != Death::none ? 0.0 : of_type[agents.type[agent]];
        }
    };
    View view(const Agents& agents, Behavior behavior) const;

private:
    struct Slot {
        std::int32_t behavior = 0;
        std::int32_t array = 0;  // of Agents::behavior, or of momentary_
        bool is_kept = false;
        bool ends_with_life = false;
        std::vector<std::uint8_t> has_rule;  // one a type
        std::vector<std::int32_t> given;     // one a type: its number in what the sub-model gives; -1: not by that
    };
    class Senses;

    std::size_t number(Behavior behavior) const { return static_cast<std::size_t>(first_[static_cast<std::size_t>(behavior.kind)] + behavior.of); }
    /// Number of the array in Agents::behavior; -1: none.
    std::int32_t kept(Behavior behavior) const;
    double factor_of(std::size_t type, std::size_t number) const { return factors_.empty() ? 1.0 : factors_[type * n_behaviors_ + number]; }
    double base_of(std::size_t type, std::size_t number) const { return base_[type * n_behaviors_ + number] * factor_of(type, number); }
    void add_slots(const Model& model);
    /// A block's living agents through the sub-models of their types: what these give, n_given_ an agent. signals: scratch, one entry a signal.
    std::vector<double> step_sub_models(Agents& agents, Block block, std::uint32_t strike, Senses& senses, std::span<double> signals) const;
    /// given: by the agent's sub-model; empty: no type has one.
    void set_agent(Agents& agents, std::size_t agent, std::span<const double> signals, std::span<const double> given);

    std::size_t n_types_ = 0;
    std::size_t n_behaviors_ = 0;
    std::size_t n_substances_ = 0;
    std::size_t n_phases_ = 0;
    std::vector<std::int32_t> first_;  // number of the first behaviour of each kind
    std::vector<Signal> signals_;      // in the order of their numbers
    std::vector<double> base_;         // types x behaviours
    std::vector<double> factors_;
    Rules rules_;
    std::vector<AttachedSubModel> sub_models_;  // one a type; empty: no type has one
    double life_min_ = 0.0;
    std::uint64_t seed_ = 0;
    std::vector<Slot> slots_;
    std::vector<std::int32_t> slot_of_;  // of a behaviour; -1: neither rules nor sub-models change it
    std::size_t n_kept_ = 0;   // behaviours
    std::size_t n_state_ = 0;  // of the sub-model that has most
    std::size_t n_given_ = 0;  // by the sub-model that gives most
    std::int64_t n_momentary_ = 0;
    bool asks_for_contacts_ = false;
    std::vector<std::span<float>> momentary_;  // in the room of the last strike
};

}  // namespace morula::simulation
