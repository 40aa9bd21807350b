// What a simulated tissue is made of: its box, substances, cell types, rules and clocks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "morula/knowledge/behavior_rules.hpp"
#include "morula/simulation/expression_states.hpp"
#include "morula/simulation/field.hpp"
#include "morula/simulation/grid.hpp"
#include "morula/simulation/life.hpp"
#include "morula/simulation/mechanics.hpp"
#include "morula/simulation/perturbations.hpp"

namespace morula::simulation {

class SubModel;

/// What living cells of a type do to a substance; the dead do nothing unless a rule says so. c' = volume / voxel ((secretion (aim - c)) - uptake c) + exported / voxel.
struct SubstanceExchange {
    double secretion_per_min = 0.0;
    double aim = 0.0;  // concentration that secretion tends to
    double uptake_per_min = 0.0;
    double half_uptake = 0.0;  // concentration h at which uptake is half of its most: uptake c / (1 + c / h), the law of Michaelis and Menten; 0: grows with c without end
    double exported_per_min = 0.0;  // amount (concentration um^3) a min, whatever the concentration
};

/// What living cells of a type do to those that they touch, and their changes of type; see encounters.hpp. Rates in 1 / min.
struct CellEncounters {
    double eats_dead = 0.0;        // any dead cell
    double eats_apoptotic = 0.0;   // on top of that
    double eats_necrotic = 0.0;
    std::vector<double> eats{};      // living cells, one a type; empty: none
    std::vector<double> attacks{};
    std::vector<double> fuses{};
    std::vector<double> becomes{};   // of turning into another type
    std::vector<double> divides_into{};   // share of the type's divisions of which one daughter is of another type; one a type; empty: none
    std::vector<double> immunogenicity{}; // to attackers of each type, whose rates of attack on this type it multiplies; empty: 1
    double attack_min = 0.1;       // how long an attack lasts
    double attack_damage_per_min = 1.0;  // that the attacked takes meanwhile
    double damage_per_min = 0.0;   // that comes without attacks
    double repair_per_min = 0.0;   // share of the damage
};

struct CellType {
    std::string name;
    CellMechanics mechanics;
    Life life;
    std::vector<SubstanceExchange> exchange;  // one a substance; empty: none
    CellEncounters encounters{};
    std::shared_ptr<const SubModel> sub_model{};  // none: rules alone; see sub_model.hpp
};

enum class FieldPace { stepped, steady };  // steady: solved for at the times of Clocks::steady_min, where a substance is fast beside the cells

struct FixedVoxels {
    std::vector<std::int64_t> places;
    std::vector<double> concentrations;
};

/// What comes into voxels at a rate that nothing changes, whatever lives there: c' = rate. Voxels of a fixed concentration keep theirs.
struct BulkSource {
    std::int32_t substance = 0;
    std::vector<std::int64_t> places{};  // Grid::place, each once; empty: every voxel
    double rate_per_min = 0.0;           // concentration a min, not negative
};

/// Minutes a step; each a whole multiple of the one before.
struct Clocks {
    double field_min = 0.01;
    double mechanics_min = 0.1;
    double life_min = 6.0;
    /// Between solutions of steady fields, a whole multiple of mechanics_min. Without it, as often as somebody looks: at every mechanics step the substances that a type follows, the others at
    /// the strikes of the life clock, where rules read them, and of the signals' clock. A steady field has no memory, so that what is read is what solving at every step would give, to the
    /// solver's tolerance.
    std::optional<double> steady_min{};
};

struct Model {
    Grid box;
    std::vector<Substance> substances;
    std::vector<FieldPace> pace;       // one a substance
    std::vector<FixedVoxels> fixed;    // one a substance
    std::vector<BulkSource> sources{};
    std::vector<std::optional<double>> medium{};  // one a substance; of a steady one, the concentration that stirring holds in all medium_voxels()
    std::vector<CellType> types;
    std::vector<double> affinity;      // see Mechanics; empty: 1 everywhere
    std::vector<knowledge::BehaviorRule> rules;
    std::string rules_source = "the rules";
    Clocks clocks;
    std::shared_ptr<const ExpressionModel> expression;  // none: cells have no expression state
    double skin_um = 2.0;
    std::uint64_t seed = 0;
    Perturbations perturbations{};
};

/// The model with its lists filled up (pace, fixed voxels, exchange and affinity one entry each). Throws invalid_data for one that cannot run: no types, names that are
/// missing, stand twice or mean something else in rules, rates that are negative or no numbers, an unknown substance.
Model checked(Model model);

/// How often the shorter clock strikes within the longer. Throws invalid_data where that is no whole number, or below 1. names: "fields and mechanics".
std::int64_t strikes(double shorter_min, double longer_min, std::string_view names);
/// Throws invalid_data for clocks that are no whole multiples of one another; those of expression states and signalling too.
void check_clocks(const Model& model);
/// Of the domain's arrays: bytes a voxel (Grid::n_stored of them), whatever its size. Of substances pace, fixed voxels and medium are looked at.
std::int64_t bytes_a_voxel(const Model& model);
/// Of tables of types by types and of names of behaviours that speak of types.
std::int64_t bytes_of_types(std::int64_t n_types);
/// Memory that a simulation of so many agents takes: its types, agents with their lists and expression states, and for each substance its values, what cells exchange, fixed voxels, and the solver of a steady one.
/// The model is a checked one.
std::int64_t expected_bytes(const Model& model, std::int64_t n_agents);

}  // namespace morula::simulation
