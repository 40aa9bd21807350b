#include "morula/commands/scenario_encounters.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace morula::commands::scenario_detail {
namespace {

using simulation::CellEncounters;
using simulation::Model;

constexpr double kRounding = 1e-9;  // .8 + .05 + .05 + .1 is a little more than 1

struct Key {
    const char* name;
    double CellEncounters::*value;
    Quantity quantity;
};
constexpr Key kKeys[] = {
    {"phagocytosis_dead", &CellEncounters::eats_dead, Quantity::rate},
    {"phagocytosis_apoptotic", &CellEncounters::eats_apoptotic, Quantity::rate},
    {"phagocytosis_necrotic", &CellEncounters::eats_necrotic, Quantity::rate},
    {"attack_duration", &CellEncounters::attack_min, Quantity::time},
    {"attack_damage", &CellEncounters::attack_damage_per_min, Quantity::rate},
    {"damage", &CellEncounters::damage_per_min, Quantity::rate},
    {"damage_repair", &CellEncounters::repair_per_min, Quantity::rate},
};

std::size_t type_called(Section& section, std::string_view key, const Model& model) {
    std::vector<std::string> names;
    for (const simulation::CellType& type : model.types) names.push_back(type.name);
    section.text(key);
    return section.choice(key, names, 0);
}

void read_encounter(Section& section, const Model& model, std::size_t type, CellEncounters& own) {
    section.rename(fmt::format("cell_type '{}', encounter", model.types[type].name));
    const std::size_t other = type_called(section, "with", model);
    section.rename(fmt::format("cell_type '{}', encounter with '{}'", model.types[type].name, model.types[other].name));
    section.define("with", "stands in an encounter before this one", "Write all that happens between the two into one encounter.");
    if (section.has("phagocytosis")) own.eats[other] = section.rate("phagocytosis", Quantity::rate);
    if (section.has("attack")) own.attacks[other] = section.rate("attack", Quantity::rate);
    if (section.has("fusion")) own.fuses[other] = section.rate("fusion", Quantity::rate);
    if (section.has("immunogenicity")) own.immunogenicity[other] = section.rate("immunogenicity", Quantity::ratio);
    section.done();
}

/// most: what the shares of the type may add up to, those before this one in it.
void read_division(Section& section, const Model& model, std::size_t type, CellEncounters& own, double& most) {
    section.rename(fmt::format("cell_type '{}', division", model.types[type].name));
    const std::size_t to = type_called(section, "to", model);
    section.rename(fmt::format("cell_type '{}', division to '{}'", model.types[type].name, model.types[to].name));
    section.define("to", "stands in a division before this one", "Keep one of the two.");
    if (to == type) section.refuse("to", "is the type itself", "Name another type: the share that is left divides into two of its own.");
    if (!simulation::can_divide(model.types[type].life)) section.refuse("to", "speaks of divisions, and cells of the type have none", "Give the type a cycle.");
    own.divides_into[to] = section.rate("share", Quantity::share);
    most += section.highest_of("share");
    if (most > 1.0 + kRounding) section.refuse("share", fmt::format("lets {:g} of all divisions of '{}' be asymmetric", most, model.types[type].name), "Give shares that add up to 1 at most, with the high ends of their priors.");
    section.done();
}

void read_transition(Section& section, const Model& model, std::size_t type, CellEncounters& own) {
    section.rename(fmt::format("cell_type '{}', transition", model.types[type].name));
    const std::size_t to = type_called(section, "to", model);
    section.rename(fmt::format("cell_type '{}', transition to '{}'", model.types[type].name, model.types[to].name));
    section.define("to", "stands in a transition before this one", "Keep one of the two.");
    if (to == type) section.refuse("to", "is the type itself", "Name another type.");
    own.becomes[to] = section.rate("rate", Quantity::rate);
    section.done();
}

}  // namespace

void expect_encounters(Section& cell_type) {
    for (const Key& key : kKeys) cell_type.has(key.name);
    cell_type.has("encounter");
    cell_type.has("transition");
    cell_type.has("division");
}

void read_encounters(Section& cell_type, Model& model, std::size_t type) {
    cell_type.rename(fmt::format("cell_type '{}'", model.types[type].name));
    CellEncounters& own = model.types[type].encounters;
    for (std::vector<double>* rates : {&own.eats, &own.attacks, &own.fuses, &own.becomes, &own.divides_into}) rates->resize(model.types.size(), 0.0);
    own.immunogenicity.resize(model.types.size(), 1.0);
    for (const Key& key : kKeys) {
        if (cell_type.has(key.name)) own.*key.value = cell_type.rate(key.name, key.quantity);
    }
    for (Section& section : cell_type.sections("encounter")) read_encounter(section, model, type, own);
    for (Section& section : cell_type.sections("transition")) read_transition(section, model, type, own);
    double most = 0.0;
    for (Section& section : cell_type.sections("division")) read_division(section, model, type, own, most);
}

}  // namespace morula::commands::scenario_detail
