// What is done to a simulated tissue at set times: factors on behaviours, drugs, cells taken out or put in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morula/simulation/agents.hpp"
#include "morula/simulation/expression_ridge.hpp"

namespace morula::simulation {

struct Model;

inline constexpr double kNeverEnds = std::numeric_limits<double>::infinity();

/// When something acts: from 0 (the start) or later, up to its end.
struct TimeSpan {
    double from_min = 0.0;
    double until_min = kNeverEnds;
};

/// A behaviour of a type, by the name that rules use, times a factor: knock-out and silencing (0), knock-down (below 1), over-expression (above 1). What rules make of the behaviour is
/// multiplied too. Acts from the first strike of the life clock at or after the span's begin to the first at or after its end.
struct FactorChange {
    std::uint16_t type = 0;
    std::string behavior;
    double factor = 0.0;
    TimeSpan span{};
};

/// What is read off the states of a type's cells for a gene that signals go through (a receptor, or a ligand by contact), times a factor: knock-out (0), over-expression (above 1). Acts at the
/// strikes of the signals' clock within the span, its end excluded. The states themselves stay those of measured cells; where the model has a Regulation (experimental) with the gene, they are shifted,
/// at the strikes of the expression clock.
struct GeneChange {
    std::uint16_t type = 0;
    std::string gene;
    double factor = 0.0;
    TimeSpan span{};
};

/// A substance given from outside. `points`: minute and concentration, ascending.
/// doses in the bath: each adds its concentration to every voxel that is not fixed, at the start of the mechanics step that holds its minute.
/// doses in the vessels: fixed voxels hold what the scenario gives them plus sum of dose 2^(-(t - minute) / half-life) over the doses so far.
/// curve in the vessels: plus the concentration on the straight lines between points; 0 before the first, as the last after the last.
/// The half-life is that of the substance in the tissue as well: it adds ln 2 / half-life to its decay everywhere. Without it nothing is cleared but by the substance's own decay.
struct Drug {
    enum class Shape { doses, curve };
    enum class Route { bath, vessels };
    std::int32_t substance = 0;
    Shape shape = Shape::doses;
    Route route = Route::bath;
    std::vector<std::array<double, 2>> points;
    std::optional<double> half_life_min{};
};

/// A share of the cells of a type, dead ones included, taken out at the first strike of the life clock at or after the minute (0: before the start): the nearest whole number, those with the
/// lowest numbers drawn by (seed, id).
struct Removal {
    std::uint16_t type = 0;
    double share = 1.0;
    double minute = 0.0;
    std::optional<std::uint16_t> inert{};  // type of inert cells that stand for cells of the type: both are drawn from as one (see intervene)
};

/// Cells of a type put into a ball (where flat: a disc) at the first strike of the life clock at or after the minute, evenly at random by (seed, number).
struct Injection {
    std::uint16_t type = 0;
    std::int64_t n = 0;
    double minute = 0.0;
    std::array<double, 3> center_um{};
    double radius_um = 0.0;
    std::optional<std::int64_t> number{};  // that ids and places are drawn by; none: its place in the list
};

struct Perturbations {
    std::vector<FactorChange> factors;
    std::vector<Drug> drugs;
    std::vector<Removal> removals;
    std::vector<Injection> injections;
    std::vector<GeneChange> genes{};
};

/// What is wrong with one perturbation, or with two that contradict each other.
struct PerturbationFault {
    enum class Kind { factor, drug, removal, injection, gene };  // which list of Perturbations
    struct Entry {
        Kind kind = Kind::factor;
        std::size_t number = 0;                // in its list
        std::optional<std::size_t> point{};    // of a drug
    };
    Entry entry;
    std::optional<Entry> earlier{};  // that it contradicts; of another list it may stand behind the entry in a scenario
    std::string_view key;            // of the scenario's form that holds it: "minute", "center_um"
    std::string what;
    std::string next;
};

/// The first thing that is wrong with the perturbations of a checked model. They cannot be or contradict each other: an unknown type or substance; times, factors, shares or
/// concentrations that are negative or no numbers; two factors on one behaviour at one time; removal and injection, or two removals, of one type at one minute; two doses of one substance
/// at one minute, doses beside a curve, two half-lives of one substance; a bath of a steady substance, or one in vessels that it does not have; cells that would lie outside the box; a gene that no
/// signal goes through.
/// Throws invalid_data, or unsupported (see Rules), for an unknown behaviour.
std::optional<PerturbationFault> find_perturbation_fault(const Model& model);
/// Throws what that throws, and invalid_data where there is a fault.
void check_perturbations(const Model& model);

/// types x behaviours, in the order of the vocabulary: the factors that act at a strike of the life clock at this minute.
std::vector<double> factors_at(const Model& model, double minute);
/// True where the factors at these two minutes differ.
bool factors_change(const Model& model, double earlier_min, double later_min);

/// types x genes of the signals' decoder: the factors that act at a minute. Empty where there are none at any time.
std::vector<float> gene_factors_at(const Model& model, double minute);

/// Factors that act at a minute on genes of the model's Regulation.
std::vector<GeneFactor> regulated_factors_at(const Model& model, double minute);

/// Decay that half-lives add to a substance, 1 / min.
double decay_of_drugs(const Model& model, std::int32_t substance);
/// Concentration that doses in the bath add within [from, to) min.
double bath_dose(const Model& model, std::int32_t substance, double from_min, double to_min);
/// Concentration of drugs in the vessels of a substance at a minute; none where no drug goes there.
std::optional<double> vessel_concentration(const Model& model, std::int32_t substance, double minute);

/// Places of those who are taken out by perturbations in (after, until], ascending.
std::vector<std::uint32_t> taken_out(const Model& model, const Agents& agents, double after_min, double until_min);
/// Adds those who are put in by perturbations in (after, until], without volume, at the end; returns how many.
std::int64_t put_in(const Model& model, Agents& agents, double after_min, double until_min);

}  // namespace morula::simulation
