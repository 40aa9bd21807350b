// How cells grow, cycle and die: phases of a type's life, with the standard models of PhysiCell, and the volumes that follow them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/simulation/agents.hpp"

namespace morula::simulation {

/// Solids relax to their aims (nucleus: the agent's target; cytoplasm: the type's ratio to it) and fluid to its share of the whole, each at its rate.
struct VolumeRates {
    double fluid_per_min = 3.0 / 60.0;
    double cytoplasm_per_min = 0.27 / 60.0;
    double nucleus_per_min = 0.33 / 60.0;
    double fluid_share = 0.75;  // 0 to 1; 1: takes up fluid without end
};

enum class PhaseExit { never, at_rate, after_time, at_rupture };  // at_rupture: when the volume has reached twice that at death

struct Phase {
    std::string name;
    PhaseExit exit = PhaseExit::never;
    double rate_per_min = 0.0;   // at_rate
    double duration_min = 0.0;   // after_time
    std::int32_t next = 0;       // phase that follows; -1: the agent is taken out
    bool divides = false;        // on leaving the phase; both daughters enter the next
    bool doubles_target = false;  // on entering the phase the nucleus aims at twice its size
    bool is_dead = false;
    VolumeRates volume{};
    double spread = 0.0;          // after_time: the duration is drawn evenly within this share of it to both sides, anew for each agent and division; 0 to 1
};

/// Of one cell type. The defaults of the volume are those of PhysiCell's reference cell (MCF-7; radius 8.41 um).
struct Life {
    std::vector<Phase> phases;        // starts with number 0; at most 255
    std::int32_t apoptosis = -1;      // phase that dying agents enter; -1: do not die so
    double apoptosis_per_min = 0.0;
    std::int32_t necrosis = -1;
    double necrosis_per_min = 0.0;
    double volume_um3 = 2494.0;
    double nuclear_um3 = 540.0;       // with its share of the fluid
    double fluid_share = 0.75;

    double nuclear_solid_um3() const { return nuclear_um3 * (1.0 - fluid_share); }
    double cytoplasmic_ratio() const { return (volume_um3 - nuclear_um3) / nuclear_um3; }
};

enum class CycleModel { none, live, ki67_basic, ki67_advanced };

/// Phases and rates as PhysiCell's standard models have them (Ghaffarizadeh et al. 2018, supplement; rates fitted to MCF-10A and MCF-7):
/// live: divides at .0432 / h; ki67_basic: Ki67- left at 1 / 4.59 h, Ki67+ for 15.5 h, then divides; ki67_advanced: Ki67- left at 1 / 3.62 h, premitotic for 13 h,
/// divides, postmitotic for 2.5 h. Apoptotic cells shrink for 8.6 h and are taken out; necrotic ones swell to twice their volume, burst, and shrink for 60 days.
/// Death rates are 0 until set. Differs from PhysiCell: no calcification.
Life standard_life(CycleModel model);

/// Throws invalid_data for phases that lead nowhere, negative rates, volumes that are not positive.
void check_life(const Life& life, std::string_view type);

/// True where a phase ends with a division.
bool can_divide(const Life& life);

/// How agents in a phase died.
Death death_in(const Life& life, std::int32_t phase);

/// Puts an agent at the start of its life: phase 0, the type's volume and radius.
void begin_life(Agents& agents, std::size_t agent, const Life& life);

/// Puts an agent that lives already at the start of a life: phase 0, aiming at the type's volume.
void enter_life(Agents& agents, std::size_t agent, const Life& life);
/// Radius of a ball of the volume, um.
double radius_of_volume(double volume_um3);
/// Makes the radius that of the volume.
void set_radius(Agents& agents, std::size_t agent);

/// Rates of single agents, 1 / min, where rules change them; empty: those of their types.
struct LifeRates {
    std::vector<std::span<const float>> exit;  // one a phase (later ones may be missing): of leaving it; a phase of fixed time then lasts 1 / rate
    std::span<const float> apoptosis;
    std::span<const float> necrosis;
};

/// Rate at which a phase is left, 1 / min: 1 / duration where it lasts a fixed time; NaN where neither time nor rate ends it.
double exit_rate(const Phase& phase);

/// One step of all agents: volumes relax (solids exactly, then fluid exactly for these solids; first order in dt between them), radii follow, then living agents
/// die with probability 1 - exp(-rate dt), then phases are left: with that probability, or after their time (what is left of the step counts for the next phase).
/// life: one a type. step: number of this step. Returns who divides, who is to be taken out and who died; the phases are already those after the division.
PopulationEvents advance_life(Agents& agents, std::span<const Life> life, const LifeRates& rates, double dt_min, std::uint64_t seed, std::uint32_t step, Context& context);

/// Volume of an agent in um^3: fluid and solids.
inline double volume_of(const Agents& agents, std::size_t agent) {
    return static_cast<double>(agents.fluid[agent]) + static_cast<double>(agents.nucleus[agent]) + static_cast<double>(agents.cytoplasm[agent]);
}

}  // namespace morula::simulation
