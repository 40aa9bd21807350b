// A tissue in time: fields, mechanics and lives of agents on their clocks, resumable at any step.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/knowledge/behavior_rules.hpp"
#include "morula/simulation/agents.hpp"
#include "morula/simulation/expression_states.hpp"
#include "morula/simulation/field.hpp"
#include "morula/simulation/grid.hpp"
#include "morula/simulation/life.hpp"
#include "morula/simulation/mechanics.hpp"
#include "morula/simulation/rules.hpp"

namespace morula::simulation {

/// What living cells of a type do to a substance; the dead do nothing. c' = volume / voxel ((secretion (aim - c)) - uptake c).
struct SubstanceExchange {
    double secretion_per_min = 0.0;
    double aim = 0.0;  // concentration that secretion tends to
    double uptake_per_min = 0.0;
};

struct CellType {
    std::string name;
    CellMechanics mechanics;
    Life life;
    std::vector<SubstanceExchange> exchange;  // one a substance; empty: none
};

enum class FieldPace { stepped, steady };  // steady: solved for once a mechanics step, where a substance is fast beside the cells

struct FixedVoxels {
    std::vector<std::int64_t> places;
    std::vector<double> concentrations;
};

/// Minutes a step; each a whole multiple of the one before.
struct Clocks {
    double field_min = 0.01;
    double mechanics_min = 0.1;
    double life_min = 6.0;
};

struct Model {
    Grid box;
    std::vector<Substance> substances;
    std::vector<FieldPace> pace;       // one a substance
    std::vector<FixedVoxels> fixed;    // one a substance
    std::vector<CellType> types;
    std::vector<double> affinity;      // see Mechanics
    std::vector<knowledge::BehaviorRule> rules;
    std::string rules_source = "the rules";
    Clocks clocks;
    std::shared_ptr<const ExpressionModel> expression;  // none: cells have no expression state
    double skin_um = 2.0;
    std::uint64_t seed = 0;
};

/// The signals and behaviours that rules may name. Signals: each substance (concentration where the cell is), "pressure", "volume" (um^3), "dead" (0 or 1), "time" (min),
/// and "programme:NAME" (level) of each programme of signalling.
/// Behaviours, with the type's own value as the base: "cycle entry" (rate of leaving the first phase, where it has one), "apoptosis", "necrosis" (1 / min),
/// "migration speed" (um / min).
RuleVocabulary vocabulary_of(const Model& model);

struct PopulationTally {
    std::int64_t births = 0;
    std::int64_t removals = 0;
    std::int64_t agent_steps = 0;  // agents over mechanics steps
};

struct CellEvent {
    enum class Kind { born, removed };
    double minute = 0.0;
    Kind kind = Kind::born;
    std::uint64_t id = 0;
    std::uint64_t parent = 0;  // of a born cell
    std::uint16_t type = 0;
};

/// One mechanics step: field steps with exchange, or steady fields; then motion; then, where the life clock strikes, rules, growth, cycle and death.
/// Everything is decided by model, start and seed: the same bits for any number of threads, and after save and load at any step.
class Simulation {
public:
    /// start: agents with their types and positions; those without a volume begin their lives. Throws invalid_data for a model that cannot run (names, rates, clocks
    /// that are no multiples), positions outside the box or that are no numbers, agents of an unknown type, and two agents with one id or at one place.
    Simulation(Model model, Agents start, Context& context);

    /// Runs whole mechanics steps until the clock has reached the minute, to half a step. Cancelling throws, perhaps amid a step: go on from a saved state.
    void advance(double until_min, Context& context);
    double minute() const { return static_cast<double>(step_) * model_.clocks.mechanics_min; }
    std::int64_t mechanics_steps() const { return step_; }

    const Model& model() const { return model_; }
    const Agents& agents() const { return agents_; }
    const Field& field() const { return field_; }
    const PopulationTally& tally() const { return tally_; }
    /// nullptr where the model has none.
    const ExpressionStates* states() const { return states_ ? &*states_ : nullptr; }
    /// What happened since the last call, in order. Not part of the state: not saved, not hashed.
    std::vector<CellEvent> take_events();
    /// Agents by type and phase: count[type][phase].
    std::vector<std::vector<std::int64_t>> composition() const;
    /// Of the whole state: agents in the order of their ids, concentrations, clock.
    std::string hash() const;
    /// Memory of agents, lists and fields.
    std::int64_t bytes() const;

    /// Writes the state. scenario: what the model was made from, in a few words or as a hash.
    void save(const std::filesystem::path& path, const std::string& scenario) const;
    /// Puts back a saved state; the model must be the one that it was saved from. Throws invalid_data for a file that is damaged, of another version, or of another scenario.
    static Simulation load(Model model, const std::filesystem::path& path, const std::string& scenario, Context& context);

private:
    Simulation(Model model, Context& context);
    void step(Context& context);
    void step_fields(Context& context);
    void live(Context& context);
    std::vector<Life> lives() const;
    void express(Context& context);
    void signal(Context& context);
    void find_rates(std::int32_t substance, std::vector<float>& secretion, std::vector<float>& clearance, Context& context) const;
    LifeRates follow_rules(Context& context);

    Model model_;
    Field field_;
    Mechanics mechanics_;
    Rules rules_;
    Agents agents_;
    std::optional<ExpressionStates> states_;
    std::int64_t step_ = 0;
    std::int64_t fields_a_step_ = 1;
    std::int64_t steps_a_life_ = 1;
    std::int64_t steps_a_state_ = 1;
    std::int64_t steps_a_signal_ = 1;
    PopulationTally tally_;
    std::vector<CellEvent> events_;
};

}  // namespace morula::simulation
