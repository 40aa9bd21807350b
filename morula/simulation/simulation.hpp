// A tissue in time: fields, mechanics and lives of agents on their clocks, resumable at any step.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/simulation/agents.hpp"
#include "morula/simulation/behaviors.hpp"
#include "morula/simulation/encounters.hpp"
#include "morula/simulation/expression_states.hpp"
#include "morula/simulation/field.hpp"
#include "morula/simulation/mechanics.hpp"
#include "morula/simulation/model.hpp"
#include "morula/simulation/voxel_sums.hpp"

namespace morula::simulation {

struct PopulationTally {
    std::int64_t births = 0;
    std::int64_t removals = 0;     // of all who are gone, eaten ones among them
    std::int64_t agent_steps = 0;  // agents over mechanics steps
};

struct CellEvent {
    enum class Kind { born, removed, eaten, fused, became, taken_out, put_in };  // fused: gone into another cell; became: of another type from now on; the last two by perturbations
    double minute = 0.0;
    Kind kind = Kind::born;
    std::uint64_t id = 0;
    std::uint64_t parent = 0;  // of a born cell
    std::uint16_t type = 0;    // of a cell that became another type: the new one
    std::uint64_t by = 0;      // of a cell that is gone into another: that one
};
/// "born", "removed", "eaten", ... in the order of CellEvent::Kind.
std::string_view event_name(CellEvent::Kind kind);

/// What a cell does to a substance at this moment, in the floats that a field step takes, so that sums over cells are its mass balance: secretion (with what is exported) brings in amount a min, clearance takes out
/// um^3 a min, of which uptake is what the cell takes up (the rest is secretion that slows down as its aim comes near).
struct CellExchange {
    float secretion = 0.0F;
    float clearance = 0.0F;
    float uptake = 0.0F;
};

/// The first agent that is where one before it is, and that one.
std::optional<std::array<std::size_t, 2>> first_at_one_place(const Agents& agents);

/// Mechanics steps between solutions of each substance, were it steady: of the model's clock for them where it has one, else every step for those that cells follow, and for the others as often as rules (the
/// life clock) or signals look. behaviors: of the same, checked model.
std::vector<std::int64_t> steps_between_solutions(const Model& model, const Behaviors& behaviors);

/// Steady fields are solved for at the start, before anything moves. One mechanics step: field steps with exchange, and steady fields where they are due (in every step that ends with their clock's strike); then motion; then, where the life clock strikes, rules, growth, cycle and death.
/// Everything is decided by model, start and seed: the same bits for any number of threads, and after save and load at any step.
class Simulation {
public:
    /// start: agents with their types and positions; those without a volume begin their lives. Throws invalid_data for a model that cannot run (names, rates, clocks
    /// that are no multiples, a steady substance that nothing takes away), positions outside the box or that are no numbers, agents of an unknown type, and two agents with one id or at one
    /// place, or cells that push harder than the mechanics step bears (strongest_pushes), a steady field that has no solution; resource_limit, before it allocates, where expected_bytes() is more than there is.
    Simulation(Model model, Agents start, Context& context);

    /// Runs whole mechanics steps until the clock has reached the minute, to half a step. Cancelling throws, perhaps amid a step: go on from a saved state.
    void advance(double until_min, Context& context);
    double minute() const { return minute_of(step_); }
    std::int64_t mechanics_steps() const { return step_; }

    const Model& model() const { return model_; }
    const Agents& agents() const { return agents_; }
    const Field& field() const { return field_; }
    const Behaviors& behaviors() const { return behaviors_; }
    /// Mechanics steps between solutions of a steady substance.
    std::int64_t steps_a_solution(std::size_t substance) const { return steps_a_solution_[substance]; }
    const PopulationTally& tally() const { return tally_; }
    /// nullptr where the model has none.
    const ExpressionStates* states() const { return states_ ? &*states_ : nullptr; }
    /// What happened since the last call, in order. Not part of the state: not saved, not hashed.
    std::vector<CellEvent> take_events();
    /// Agents by type and phase: count[type][phase].
    std::vector<std::vector<std::int64_t>> composition() const;
    /// Of the dead nothing, unless a rule says so.
    CellExchange exchange_of(std::size_t agent, std::int32_t substance) const;
    bool is_dead(std::size_t agent) const { return model_.types[agents_.type[agent]].life.phases[agents_.phase[agent]].is_dead; }
    /// Of the whole state: agents in the order of their ids, concentrations, clock.
    std::string hash() const;
    /// Memory of agents, lists and fields.
    std::int64_t bytes() const;

    /// Writes the state. scenario: what the model was made from, in a few words or as a hash.
    void save(const std::filesystem::path& path, const std::string& scenario) const;
    /// The same behind what a caller has put there.
    void save(StateWriter& out, const std::string& scenario) const;
    /// Puts back a saved state; the model must be the one that it was saved from. Throws invalid_data for a file that is damaged, of another version, or of another scenario.
    static Simulation load(Model model, const std::filesystem::path& path, const std::string& scenario, Context& context);
    /// Behind what a caller has got; the file must end with it.
    static Simulation load(Model model, StateReader& in, const std::string& scenario, Context& context);

private:
    Simulation(Model model, Context& context);
    double minute_of(std::int64_t step) const;
    void step(Context& context);
    void step_fields(Context& context);
    bool is_due(std::size_t substance) const;
    void solve_start(Context& context);
    void solve_field(std::int32_t substance, Context& context);
    void hold_medium(std::int32_t substance, Context& context);
    /// Takes off what saturation leaves of the uptake that find_rates gave: down to the law's chord at the cell's concentration, or to its tangent there.
    enum class UptakeLaw { chord, tangent };
    bool saturates(std::size_t substance) const;
    void saturate(UptakeLaw law, std::int32_t substance, std::int64_t begin, std::span<float> secretion, std::span<float> clearance) const;
    void live(Context& context);
    void use_factors(double minute);
    void move_cells(double after_min, double until_min);
    void give_drugs();
    void hold_vessels();
    std::vector<Life> lives() const;
    void express(Context& context);
    void shift_states(double minute);
    void signal(Context& context);
    void check_steady(Context& context) const;
    void find_rates(std::int32_t substance, std::int64_t begin, std::span<float> secretion, std::span<float> clearance) const;
    void record_events(const PopulationEvents& events, const std::vector<Encounter>& encounters, double minute);

    Model model_;
    Field field_;
    Behaviors behaviors_;
    Mechanics mechanics_;
    Agents agents_;
    std::optional<ExpressionStates> states_;
    std::optional<std::vector<GeneFactor>> shifted_by_;  // what the states' shift was found for
    std::int64_t step_ = 0;
    std::int64_t fields_a_step_ = 1;
    std::vector<std::int64_t> steps_a_solution_;  // mechanics steps between solutions of a steady substance
    std::int64_t steps_a_life_ = 1;
    std::int64_t steps_a_state_ = 1;
    std::int64_t steps_a_signal_ = 1;
    PopulationTally tally_;
    std::vector<CellEvent> events_;
};

}  // namespace morula::simulation
