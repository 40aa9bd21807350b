// How agents push, stick together and crawl: overdamped motion with repulsion and adhesion by type pair, persistent random motility and chemotaxis.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/parallel.hpp"
#include "morula/simulation/agents.hpp"
#include "morula/simulation/mechanics_contacts.hpp"
#include "morula/simulation/field.hpp"
#include "morula/simulation/grid.hpp"
#include "morula/simulation/mechanics_simd.hpp"
#include "morula/simulation/neighbor_lists.hpp"
#include "morula/simulation/state_file.hpp"
#include "morula/simulation/workspace.hpp"

namespace morula::simulation {

/// Mechanics of one cell type. The defaults are those of PhysiCell's reference cell.
struct CellMechanics {
    double repulsion_um_per_min = 10.0;
    double adhesion_um_per_min = 0.4;
    double adhesion_reach = 1.25;      // in radii, at least 1
    double speed_um_per_min = 0.0;     // 0: does not crawl
    double persistence_min = 1.0;      // mean time between turns
    double bias = 0.0;                 // 0: turns anywhere; 1: follows the gradient exactly
    std::int32_t chemotaxis_substance = -1;  // number in the Field; -1: none
    double chemotaxis_sign = 1.0;      // 1: up the gradient; -1: down
};

/// Places in Agents::behavior of values that agents have of their own, in place of their type's; -1 or empty: none.
struct OwnMechanics {
    std::int32_t repulsion = -1;
    std::int32_t adhesion = -1;
    std::int32_t reach = -1;
    std::int32_t speed = -1;
    std::int32_t persistence = -1;
    std::int32_t bias = -1;
    std::vector<std::int32_t> chemotaxis{};  // one a substance: how strongly an agent follows it, below 0 flees it
    std::vector<std::int32_t> affinity{};    // one a type: the agent's affinity for it
};

struct MechanicsOptions {
    double dt_min = 0.1;
    double skin_um = 2.0;
    OwnMechanics own{};
};

/// The longest step that cells of this radius and repulsion bear: two such on top of each other would overshoot beyond radius / (2 repulsion).
double longest_step_min(double radius_um, double repulsion_um_per_min);

struct MechanicsStep {
    bool built_lists = false;
    float largest_shift_um = 0.0F;  // since the lists were built; see NeighborLists
};

/// Speed of agent i at x_i (Ghaffarizadeh et al. 2018, PLoS Comput Biol 14:e1005991; potentials of Macklin et al. 2012), d the distance to j:
///   sum_j [ sqrt(c_i c_j) (1 - d / R)^2 - sqrt(a_i a_j f_ij f_ji) (1 - d / A)^2 ] (x_i - x_j) / d  +  migration,
/// the first term for d < R = r_i + r_j, the second for d < A = reach_i r_i + reach_j r_j; c repulsion, a adhesion, f affinity of a type for another.
/// pressure: sum_j (1 - d / R)^2 over its value for 12 neighbours in a hexagonal sheet's packing, 12 (1 - sqrt(pi / (2 sqrt 3)))^2; about 1 in confluent tissue.
/// Motility of the living: a turn comes with probability dt / persistence a step (drawn ahead, as a geometric number of steps); the new direction is (1 - bias) u + bias g
/// scaled to length 1, u random, g the unit gradient of the substance in the agent's voxel (0 where it is flat). Where agents respond to substances of their own accord,
/// g is the unit vector along the sum of response times unit gradient. Speed takes effect at the next turn, or at once where an agent stops.
/// Steps: Adams-Bashforth of second order, Euler for an agent's first. Agents stay in the box: a wall stops them. Agents on top of each other do not push.
/// Same bits for any number of threads and any SIMD target.
class Mechanics {
public:
    /// affinity: n_types x n_types, row i how type i likes type j; empty: 1 everywhere.
    /// Throws invalid_data for rates that are negative or no numbers, and for a table of another size.
    Mechanics(const Grid& box, std::vector<CellMechanics> types, std::vector<double> affinity, const MechanicsOptions& options);

    /// Throws invalid_data where the step is too long for the smallest agent (longest_step_min).
    /// For the start of a run: agents that shrink later may overshoot, by no more than 1.5 repulsion dt.
    void check_step(const Agents& agents) const;

    /// One step. step: number of this mechanics step, for random numbers. fields may be nullptr when no type follows a gradient.
    MechanicsStep step(Agents& agents, const Field* fields, std::uint64_t seed, std::uint32_t step, Context& context);
    /// Other values for the same types, from the next step on. Throws as the constructor does.
    void set_types(std::vector<CellMechanics> types, std::vector<double> affinity);
    /// Must be called after agents came or left, or changed type or reach.
    void population_changed() { lists_.clear(); }
    /// Who touches whom where the agents are now, and room for n_beside numbers beside that. Builds lists, and so sorts the agents, where there are none. Both hold until agents change, or the workspace is lent.
    std::pair<Contacts, std::span<float>> contacts(Agents& agents, std::int64_t n_beside, Context& context);

    const NeighborLists& lists() const { return lists_; }
    /// Lists for the agents where they are now: builds them, and so sorts the agents, where there are none, as the next step would.
    const NeighborLists& current_lists(Agents& agents, Context& context);
    void save(StateWriter& out) const { lists_.save(out); }
    void load(StateReader& in, std::int64_t n_agents, Context& context) { lists_.load(in, n_agents, context); }
    /// Free between steps, for what others do then.
    Workspace& workspace() { return workspace_; }
    /// Memory beside the agents' own arrays.
    std::int64_t bytes() const;

private:
    std::array<float, 3> from_middle(const Agents& agents, std::size_t i) const;
    void record_agents(const Agents& agents, Context& context);
    std::array<double, 3> slope_at(const Agents& agents, std::size_t i, const Field& field, std::int32_t substance) const;
    std::array<double, 3> heading(const Agents& agents, std::size_t i, const Field* fields) const;
    void turn(Agents& agents, std::size_t i, const Field* fields, std::uint64_t seed, std::uint32_t step) const;
    struct ChunkScratch;
    void find_forces(const Agents& agents, Block block, ChunkScratch& out) const;
    float move(Agents& agents, Block block, ChunkScratch& forces) const;

    Grid box_;
    std::vector<CellMechanics> types_;
    std::vector<float> given_affinity_;
    std::vector<float> affinity_;  // of pairs, in rows of affinity_row_size()
    MechanicsOptions options_;
    NeighborLists lists_;
    Workspace workspace_;
    std::span<mechanics_simd::ForceRecord> records_;  // in the workspace; one more than agents: nobody
};

}  // namespace morula::simulation
