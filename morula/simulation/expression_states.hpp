// The expression states of agents: where each is in the embedding of measured cells, and its step on the expression clock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/hash.hpp"
#include "morula/core/random.hpp"
#include "morula/simulation/agents.hpp"
#include "morula/simulation/expression_kernel.hpp"
#include "morula/simulation/expression_ridge.hpp"
#include "morula/simulation/field.hpp"
#include "morula/simulation/life.hpp"
#include "morula/simulation/neighbor_lists.hpp"
#include "morula/simulation/signalling.hpp"
#include "morula/simulation/state_file.hpp"
#include "morula/simulation/workspace.hpp"

namespace morula::simulation {

/// How fast cells of a type change their state. Snapshots do not tell: these are guesses until something else does.
struct StateRates {
    double attempts_per_min = 0.0;    // to go to a neighbouring state; some stay (see ExpressionKernel)
    double relaxation_per_min = 0.0;  // of the latent towards its metacell
};

/// The measured cell that an agent starts as.
struct StartAs {
    std::uint64_t id = 0;
    std::uint16_t type = 0;
    std::int64_t cell = 0;  // number among the measured cells of its type
};

struct ExpressionModel {
    ExpressionKernel kernel;         // its types are those of the Model
    std::vector<StateRates> rates;   // one a type
    double clock_min = 6.0;          // a whole multiple of the mechanics step
    std::optional<Signalling> signalling{};  // none: nothing but the kernel moves states
    Decoder decoded{};               // genes that snapshots show
    std::vector<std::vector<std::int64_t>> start{};  // one a type: numbers of its measured cells that agents start as; empty: all
    std::optional<Regulation> regulation{};  // grade 2, experimental; none: a change of genes shifts no states
    std::vector<StartAs> start_as{};  // by id: agents that start as one cell, as long as they are of that type
    std::vector<std::uint8_t> shows_no_ligands{};  // one a type; 1: its neighbours see no ligand of it, whatever its state (its own receptors stay); empty: none
};

/// Memory of the states of so many agents and of the measured cells behind them, and of what agents show their neighbours while signals are felt.
std::int64_t expected_state_bytes(const ExpressionModel& model, std::int64_t n_agents);

/// How often agents were further from every known state than measured cells are, and were pulled back.
struct GuardTally {
    std::int64_t steps = 0;       // of states, in all
    std::int64_t pulls = 0;
    std::int64_t last_steps = 0;  // when the clock struck last
    std::int64_t last_pulls = 0;
    double share() const { return steps == 0 ? 0.0 : static_cast<double>(pulls) / static_cast<double>(steps); }
};

/// States stand apart from the agents' arrays, which are sorted again and again: an agent holds the number of its own (Agents::expression, 0: none). Daughters come with their
/// mother's number, and new agents with 0; settle() gives each its own.
/// Memory: 2 bytes a dimension and 4 more an agent, beside the number. A latent is kept in steps of 1 / 65,000 of the range of known states.
class ExpressionStates {
public:
    explicit ExpressionStates(std::shared_ptr<const ExpressionModel> model);

    /// Before states are read or stepped. Daughters inherit: they get a copy of their mother's state. Agents without one, and those whose type has changed, get that of a measured
    /// cell of their type (of those that they start as), drawn by (seed, id); where none was measured, none. States that nobody holds are free again.
    void settle(Agents& agents, std::uint64_t seed, Context& context);

    /// The agent, settled and of a type that was measured, gets the state of measured cell number `cell` of its type.
    void start_as(const Agents& agents, std::size_t agent, std::int64_t cell);

    /// One step of clock_min for the living; the dead keep their state. Agents must be settled.
    /// The metacell makes a Poisson number of attempts, so that it is a process in continuous time, whatever the clock. The latent z relaxes to it, exactly over a step:
    ///   z <- c + (z - c) exp(-r dt) + s sqrt(1 - exp(-2 r dt)) noise,
    /// c center and s spread of the metacell (Ornstein & Uhlenbeck 1930), so that cells at rest are spread as the measured are. Noise: normal, by 4,096 quantiles.
    /// Where the latent is then further from its metacell and all that are joined to it than 99 % of the type's measured cells are from theirs, it is pulled back to that distance
    /// from the nearest, and counted. Random numbers: (seed, id, strike). Same bits for any number of threads.
    void advance(const Agents& agents, std::span<const Life> lives, std::uint64_t seed, std::uint32_t strike, Context& context);

    /// One step of the signalling clock: the programmes of the living relax to the occupancy of their receptors. Ligands: concentrations where the cell is, and by contact what
    /// its living neighbours show, an agent touching those within the sum of the two reaches. lists: built for the agents as they stand. Agents must be settled.
    /// workspace: 4 bytes an agent and link by contact while it works.
    void signal(const Agents& agents, std::span<const Life> lives, const Field& field, const NeighborLists& lists, Workspace& workspace, Context& context);

    /// From now on, what signal() reads off states is multiplied: types x genes of the signals' decoder; empty: by nothing. Not part of the state.
    void set_gene_factors(std::vector<float> factors) { gene_factors_ = std::move(factors); }

    /// From now on, the tilt of each metacell is more by this (shift_of_states); empty: by nothing. Not part of the state.
    void set_shift(std::vector<float> shift) { shift_ = std::move(shift); }

    const ExpressionModel& model() const { return *model_; }
    const GuardTally& guard() const { return guard_; }
    /// Of the agent at this place of the arrays; -1 where it has no state.
    std::int64_t metacell(const Agents& agents, std::size_t agent) const;
    /// n_dims values; false, and NaN, where it has none.
    bool latent(const Agents& agents, std::size_t agent, std::span<float> values) const;
    /// How often it was pulled back, its ancestors included; stops at 65,535.
    std::int64_t pulls(const Agents& agents, std::size_t agent) const;

    /// Level of a programme; 0 where the agent has no state.
    float programme(const Agents& agents, std::size_t agent, std::size_t programme) const;

    /// With the room that is kept for states to come.
    std::int64_t bytes() const;
    /// order: places of the agents.
    void hash(const Agents& agents, std::span<const std::size_t> order, Hasher& hasher) const;
    void save(StateWriter& out) const;
    /// Throws invalid_data for states of another embedding.
    void load(StateReader& in, const Agents& agents);

private:
    struct Steps {  // of a type, over one tick of the clock
        double no_attempt = 1.0;
        double attempts = 0.0;
        float approach = 0.0F;
        float noise = 0.0F;
    };
    void make_room(std::size_t n_states);
    std::size_t take_free(std::vector<std::uint8_t>& used, std::size_t& from);
    void copy(std::size_t from, std::size_t to);
    void put(std::size_t state, const ExpressionKernel::Draw& measured);
    void show_ligands(const Agents& agents, std::span<const Life> lives, std::span<float> shown, Context& context) const;
    void signal_levels(std::size_t type, std::span<const float> latent, std::span<float> levels) const;
    void put_first(std::size_t state, std::uint64_t id, std::uint16_t type, std::uint64_t seed);
    void place(std::size_t state, std::span<const float> values);
    bool guard_latent(std::int64_t metacell, float known, const std::int16_t* before, std::span<float> z) const;
    bool step(std::size_t state, const Steps& steps, Random& random);

    std::shared_ptr<const ExpressionModel> model_;
    std::size_t stride_ = 0;                // values a state: dimensions, filled up to whole groups of eight
    std::vector<float> offset_, unit_;      // of what is kept in whole numbers, one a dimension
    std::vector<float> center_, spread_;    // of the metacells, filled up as states are
    std::vector<std::int16_t> latent_;      // states x stride_; number 0 is nobody's
    std::vector<std::uint16_t> metacell_;
    std::vector<std::uint16_t> pulls_;
    std::vector<float> programmes_;         // states x programmes
    std::size_t n_programmes_ = 0;
    std::vector<float> gene_factors_;
    std::vector<float> shift_;
    GuardTally guard_;
};

}  // namespace morula::simulation
