#include "morula/simulation/interventions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/simulation/behaviors.hpp"
#include "morula/simulation/rules.hpp"

namespace morula::simulation {
namespace {

constexpr std::size_t kMostTypes = 65'535;  // Agents::type

/// A life of one phase that nothing ends; volumes relax as in the first phase of the own life, so that the size of a cell at rest stays.
Life inert_life(const Life& own) {
    Life life;
    life.phases = {{.name = "inert", .volume = own.phases.front().volume}};
    life.volume_um3 = own.volume_um3;
    life.nuclear_um3 = own.nuclear_um3;
    life.fluid_share = own.fluid_share;
    return life;
}

std::string inert_name(const CellType& own) { return own.name + ", inert"; }

CellType inert_type(const CellType& own) {
    CellType inert;
    inert.name = inert_name(own);
    inert.mechanics.repulsion_um_per_min = own.mechanics.repulsion_um_per_min;
    inert.mechanics.adhesion_um_per_min = own.mechanics.adhesion_um_per_min;
    inert.mechanics.adhesion_reach = own.mechanics.adhesion_reach;
    inert.life = inert_life(own.life);
    return inert;
}

/// Which type, behind the others, is the inert one of which.
struct InertTypes {
    std::span<const std::size_t> types;
    std::size_t first = 0;

    std::optional<std::uint16_t> of(std::size_t type) const {
        const auto found = std::find(types.begin(), types.end(), type);
        if (found == types.end()) return std::nullopt;
        return static_cast<std::uint16_t>(first + static_cast<std::size_t>(found - types.begin()));
    }
};

/// What a cell is by its body, which an inert one keeps.
bool is_of_the_body(BehaviorKind kind) { return kind == BehaviorKind::adhesion || kind == BehaviorKind::reach || kind == BehaviorKind::repulsion || kind == BehaviorKind::affinity; }

/// Factors on how the cells of a type push and stick, and on how others stick to them, act on its inert cells too. before: the model without inert types.
std::vector<FactorChange> factors_on_inert(const Model& before, const InertTypes& inert) {
    std::vector<FactorChange> added;
    const std::vector<FactorChange>& all = before.perturbations.factors;
    if (all.empty()) return added;
    const Model model = checked(before);
    const RuleVocabulary words = vocabulary_of(model);
    const std::vector<Behavior> behaviors = behaviors_of(model);
    for (const FactorChange& change : all) {
        const Behavior behavior = behaviors[find_behavior(words, change.behavior, "Perturbations")];
        if (!is_of_the_body(behavior.kind)) continue;
        const auto other = static_cast<std::size_t>(behavior.of);
        const bool is_towards_inert = behavior.kind == BehaviorKind::affinity && inert.of(other);
        for (const std::optional<std::uint16_t> type : {std::optional(change.type), inert.of(change.type)}) {
            if (!type) continue;
            FactorChange own = change;
            own.type = *type;
            if (*type != change.type) added.push_back(own);
            if (!is_towards_inert) continue;
            own.behavior = fmt::format("adhesive affinity to {}", inert_name(model.types[other]));
            added.push_back(own);
        }
    }
    return added;
}

/// From outside, the scenario does to inert cells what it would have done to the type's own as far as they are bodies: it puts them in, takes them out, and changes how they push and stick.
void perturb_inert(Perturbations& perturbations, const InertTypes& inert, const std::vector<FactorChange>& factors) {
    for (Injection& injection : perturbations.injections) injection.type = inert.of(injection.type).value_or(injection.type);
    for (Removal& removal : perturbations.removals) removal.inert = inert.of(removal.type);
    perturbations.factors.insert(perturbations.factors.end(), factors.begin(), factors.end());
}

/// Adds inert types. They are measured in no state, and nobody eats, attacks or becomes them.
void add_inert_types(Model& model, std::span<const std::size_t> types) {
    const InertTypes inert{types, model.types.size()};
    perturb_inert(model.perturbations, inert, factors_on_inert(model, inert));
    std::vector<std::size_t> sticks_like;  // for each type, old or new: the one whose affinities it has
    for (std::size_t type = 0; type < model.types.size(); ++type) sticks_like.push_back(type);
    for (const std::size_t type : types) {
        sticks_like.push_back(type);
        model.types.push_back(inert_type(CellType(model.types[type])));
    }
    if (model.expression) {
        auto expression = std::make_shared<ExpressionModel>(*model.expression);
        expression->kernel.add_types_without_states(static_cast<std::int32_t>(types.size()));
        expression->rates.resize(model.types.size());
        if (!expression->start.empty()) expression->start.resize(model.types.size());
        if (!expression->shows_no_ligands.empty()) expression->shows_no_ligands.resize(model.types.size(), 0);
        model.expression = std::move(expression);
    }
    if (model.affinity.empty()) return;
    std::vector<double> affinity;
    for (const std::size_t from : sticks_like) {
        for (const std::size_t to : sticks_like) affinity.push_back(model.affinity[from * inert.first + to]);
    }
    model.affinity = std::move(affinity);
}

void swap_agents(Tissue& tissue, std::span<const std::size_t> types) {
    Agents& agents = tissue.start;
    const InertTypes inert{types, tissue.model.types.size() - types.size()};
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        const std::optional<std::uint16_t> type = inert.of(agents.type[i]);
        if (!type || tissue.model.types[agents.type[i]].life.phases[agents.phase[i]].is_dead) continue;
        agents.type[i] = *type;
        agents.phase[i] = 0;
        agents.phase_min[i] = 0.0F;
        agents.target_nucleus[i] = agents.nucleus[i];
        agents.expression[i] = 0;
        for (std::vector<float>* values : {&agents.migration_x, &agents.migration_y, &agents.migration_z}) (*values)[i] = 0.0F;
    }
}

void take_out(Agents& agents, std::span<const std::size_t> types) {
    std::vector<std::uint8_t> stays;
    for (const std::uint16_t type : agents.type) stays.push_back(std::find(types.begin(), types.end(), type) == types.end() ? 1 : 0);
    agents.for_each_column([&](auto& values) {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (stays[i] != 0) values[kept++] = values[i];
        }
        values.resize(kept);
    });
}

/// Those of other types keep the numbers of their injections, and with them ids and places.
void put_nobody_in(std::vector<Injection>& injections, std::span<const std::size_t> types) {
    for (std::size_t k = 0; k < injections.size(); ++k) injections[k].number = static_cast<std::int64_t>(k);
    std::erase_if(injections, [&](const Injection& injection) { return std::find(types.begin(), types.end(), injection.type) != types.end(); });
}

void silence(Model& model, std::span<const std::size_t> types) {
    for (const std::size_t type : types) {
        model.types[type].exchange.clear();
        model.types[type].sub_model.reset();
        CellEncounters& own = model.types[type].encounters;
        own.eats_dead = own.eats_apoptotic = own.eats_necrotic = 0.0;
        for (std::vector<double>* deeds : {&own.eats, &own.attacks, &own.fuses}) deeds->clear();
        std::erase_if(model.rules, [&](const knowledge::BehaviorRule& rule) { return rule.cell_type == model.types[type].name; });
    }
    if (!model.expression) return;
    auto expression = std::make_shared<ExpressionModel>(*model.expression);
    expression->shows_no_ligands.resize(model.types.size(), 0);
    for (const std::size_t type : types) expression->shows_no_ligands[type] = 1;
    model.expression = std::move(expression);
}

}  // namespace

std::string_view intervention_name(Intervention intervention) { return kInterventionNames[static_cast<std::size_t>(intervention)]; }

Intervention find_intervention(std::string_view name) {
    const auto found = std::find(kInterventionNames.begin(), kInterventionNames.end(), name);
    if (found == kInterventionNames.end()) fail(ErrorCode::usage, fmt::format("There is no intervention '{}'.", name), fmt::format("Name some of: {}.", fmt::join(kInterventionNames, ", ")));
    return static_cast<Intervention>(found - kInterventionNames.begin());
}

Tissue intervene(Tissue tissue, std::span<const std::size_t> types, Intervention intervention) {
    MORULA_ASSERT(tissue.model.types.size() + types.size() <= kMostTypes);
    for (const std::size_t type : types) MORULA_ASSERT(type < tissue.model.types.size());
    switch (intervention) {
        case Intervention::inert:
            add_inert_types(tissue.model, types);
            swap_agents(tissue, types);
            break;
        case Intervention::remove:
            take_out(tissue.start, types);
            put_nobody_in(tissue.model.perturbations.injections, types);
            break;
        case Intervention::silence: silence(tissue.model, types); break;
    }
    return tissue;
}

}  // namespace morula::simulation
