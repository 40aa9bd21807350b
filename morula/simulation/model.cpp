#include "morula/simulation/model.hpp"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "morula/core/error.hpp"
#include "morula/simulation/sub_model.hpp"

namespace morula::simulation {
namespace {

/// Of the arrays over voxels: a double; what a stepped substance exchanges, as it is added up and as it is used; levels and vectors of the steady solver with the last values and sums.
constexpr std::int64_t kBytesAValue = 8;
constexpr std::int64_t kBytesAnExchange = 32;
constexpr std::int64_t kBytesASolution = 106;
/// Of two types: affinities, encounters, behaviours and their names. Measured by scenario check: 205 MB with 500 types, 749 MB with 1,000.
constexpr std::int64_t kBytesATypePair = 750;

void check_rate(const CellType& type, std::string_view what, double rate) {
    if (!(rate >= 0.0) || !std::isfinite(rate)) invalid_data(fmt::format("Cell type '{}': {} is {}.", type.name, what, rate), "Give a number that is not negative.");
}

void check_encounters(CellType& type, std::size_t n_types) {
    CellEncounters& own = type.encounters;
    for (const double rate : {own.eats_dead, own.eats_apoptotic, own.eats_necrotic, own.attack_min, own.attack_damage_per_min, own.damage_per_min, own.repair_per_min}) {
        check_rate(type, "a rate of eating, attack or damage", rate);
    }
    for (std::vector<double>* rates : {&own.eats, &own.attacks, &own.fuses, &own.becomes}) {
        rates->resize(n_types, 0.0);
        for (const double rate : *rates) check_rate(type, "a rate of eating, attack, fusion or change of type", rate);
    }
    own.divides_into.resize(n_types, 0.0);
    for (const double share : own.divides_into) check_rate(type, "a share of asymmetric divisions", share);
    own.immunogenicity.resize(n_types, 1.0);
    for (const double factor : own.immunogenicity) check_rate(type, "an immunogenicity", factor);
}

}  // namespace

Model checked(Model model) {
    const std::size_t n = model.substances.size();
    model.pace.resize(n, FieldPace::stepped);
    model.fixed.resize(n);
    model.medium.resize(n);
    for (std::size_t s = 0; s < n; ++s) {
        if (model.medium[s] && model.pace[s] != FieldPace::steady) invalid_data(fmt::format("Substance '{}' has a stirred medium and is not steady.", model.substances[s].name), "Make it steady.");
    }
    for (const BulkSource& source : model.sources) {
        if (source.substance < 0 || source.substance >= static_cast<std::int32_t>(n)) invalid_data("A source is of a substance that is not there.", "Name a substance of the scenario.");
        if (!(source.rate_per_min >= 0.0) || !std::isfinite(source.rate_per_min)) {
            invalid_data(fmt::format("A source of '{}' brings in {} a min.", model.substances[static_cast<std::size_t>(source.substance)].name, source.rate_per_min), "Give a number that is not negative.");
        }
        for (const std::int64_t place : source.places) MORULA_ASSERT(place >= 0 && place < model.box.n_stored() && place % model.box.stride() < model.box.n[0]);
    }
    if (model.types.empty()) invalid_data("The scenario has no cell types.", "Describe at least one.");
    if (model.affinity.empty()) model.affinity.assign(model.types.size() * model.types.size(), 1.0);
    if (model.affinity.size() != model.types.size() * model.types.size()) {
        invalid_data(fmt::format("The table of affinities has {} entries for {} types.", model.affinity.size(), model.types.size()), "Give one for each pair of types.");
    }
    std::set<std::string_view> names;
    for (CellType& type : model.types) {
        if (type.name.empty() || !names.insert(type.name).second) invalid_data(fmt::format("There is more than one cell type '{}', or it has no name.", type.name), "Give each cell type its own name.");
        check_life(type.life, type.name);
        check_encounters(type, model.types.size());
        type.exchange.resize(n);
        for (const SubstanceExchange& exchange : type.exchange) {
            for (const double rate : {exchange.secretion_per_min, exchange.aim, exchange.uptake_per_min, exchange.half_uptake, exchange.exported_per_min}) check_rate(type, "a rate of secretion or uptake", rate);
        }
        if (type.mechanics.chemotaxis_substance >= static_cast<std::int32_t>(n)) invalid_data(fmt::format("Cell type '{}' follows a substance that is not there.", type.name), "Name a substance of the scenario.");
    }
    return model;
}

std::int64_t strikes(double shorter_min, double longer_min, std::string_view names) {
    const double ratio = longer_min / shorter_min;
    if (!(shorter_min > 0.0) || !std::isfinite(ratio) || ratio < 0.5 || std::abs(ratio - std::round(ratio)) > 1e-6 * ratio) {
        invalid_data(fmt::format("The clocks of {} are {} and {} min.", names, shorter_min, longer_min), "Give steps above 0, the longer a whole multiple of the shorter.");
    }
    return static_cast<std::int64_t>(std::llround(ratio));
}

void check_clocks(const Model& model) {
    const Clocks& clocks = model.clocks;
    strikes(clocks.field_min, clocks.mechanics_min, "fields and mechanics");
    strikes(clocks.mechanics_min, clocks.life_min, "mechanics and life");
    if (clocks.steady_min) strikes(clocks.mechanics_min, *clocks.steady_min, "mechanics and steady fields");
    if (!model.expression) return;
    strikes(clocks.mechanics_min, model.expression->clock_min, "mechanics and expression");
    if (model.expression->signalling) strikes(clocks.mechanics_min, model.expression->signalling->model().clock_min, "mechanics and signalling");
}

std::int64_t bytes_a_voxel(const Model& model) {
    std::int64_t a_voxel = 0, solver = 0;
    for (std::size_t s = 0; s < model.substances.size(); ++s) {
        const bool is_steady = s < model.pace.size() && model.pace[s] == FieldPace::steady;
        const bool has_fixed = s < model.fixed.size() && (!model.fixed[s].places.empty() || model.medium[s]);
        a_voxel += kBytesAValue + (has_fixed ? kBytesAValue : 0) + (is_steady ? 0 : kBytesAnExchange);
        if (is_steady) solver = kBytesASolution;
    }
    return a_voxel + solver;
}

std::int64_t bytes_of_types(std::int64_t n_types) { return kBytesATypePair * n_types * n_types; }

std::int64_t expected_bytes(const Model& model, std::int64_t n_agents) {
    std::int64_t sources = 0;
    for (const BulkSource& source : model.sources) sources += kBytesAValue * std::ssize(source.places);
    const std::int64_t states = model.expression ? expected_state_bytes(*model.expression, n_agents) : 0;
    return bytes_a_voxel(model) * model.box.n_stored() + bytes_of_types(std::ssize(model.types)) + sources + (kBytesAnAgent + sub_model_bytes_per_agent(model)) * n_agents + states;
}

}  // namespace morula::simulation
