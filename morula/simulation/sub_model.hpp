// The hook for what cells of a type carry inside: a Boolean network, differential equations, or anything else that makes behaviours of signals and has a state of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace morula::simulation {

struct Model;
struct RuleVocabulary;

/// Living agents of one type, by columns: what belongs to agent k in column c stands at c * n + k. Their order changes from step to step: they are known by id.
struct SubModelBlock {
    std::size_t n = 0;                  // 1 to 4,096
    std::span<const std::uint64_t> id;  // n
    std::span<const double> signals;    // reads() x n, in the units of docs/simulation.md: um, um3, min, cells, the substance's own
    std::span<float> state;             // n_state() x n: in as the step before left it, out as it is dt_min later
    std::span<double> behaviors;        // gives() x n, out, in the units of docs/simulation.md; every entry is to be set
    double dt_min = 0.0;                // of the life clock; shorter steps are made within this one
    std::uint64_t seed = 0;
    std::uint32_t strike = 0;           // number of the step, from 0
};

/// One object serves all cells of its types (CellType::sub_model), several threads and runs at once: const means that nothing changes but what a block lets it change. What an agent gets depends on its own
/// entries, dt_min, seed and strike alone, never on who else is in the block, so that a run gives the same bits for any number of threads and after a restart. Chance: Random(seed, Purpose::simulation_sub_model,
/// id, strike), and for first states Random(seed, Purpose::simulation_sub_model_start, id, 0).
class SubModel {
public:
    virtual ~SubModel() = default;
    /// Signals and behaviours by the names that rules use, the same at each call. "cell-cell repulsion" cannot be given: the mechanics step is checked against the most that it may be.
    virtual std::vector<std::string> reads() const = 0;
    virtual std::vector<std::string> gives() const = 0;
    /// Numbers of an agent's state, 4 bytes each: the levels of nodes or species.
    virtual std::size_t n_state() const = 0;
    /// First state (n_state()) of a cell that is there from the start, is put in, or becomes (or is born) of the type by a mother of another. Other daughters have their mother's, cells that fused the eater's own.
    virtual void begin(std::uint64_t seed, std::uint64_t id, std::span<float> state) const = 0;
    /// One step of the life clock, once a block. Behaviours take the place of the type's values until the next step: rules, factors of perturbations and bounds act on top of them. The dead take no steps,
    /// keep their state, and have the type's values. Throwing ends the run; so does a behaviour that is no finite number.
    virtual void step(const SubModelBlock& block) const = 0;
};

/// A type's sub-model with its names as numbers of the vocabulary.
struct AttachedSubModel {
    std::shared_ptr<const SubModel> model;  // nullptr: the type has none
    std::string place;                      // for messages
    std::vector<std::int32_t> reads;
    std::vector<std::int32_t> gives;
    std::size_t n_state = 0;
};

bool has_sub_models(const Model& model);
/// One a type of a checked model. Throws what find_signal and find_behavior throw, unsupported for repulsion, and invalid_data for a behaviour that stands twice or that the type has not.
std::vector<AttachedSubModel> attached_sub_models(const Model& model, const RuleVocabulary& words);
/// What sub-models add to an agent, at most: states, and behaviours that they give.
std::int64_t sub_model_bytes_per_agent(const Model& model);

}  // namespace morula::simulation
