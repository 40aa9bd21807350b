#include "morula/simulation/interventions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "morula/core/error.hpp"

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

CellType inert_type(const CellType& own) {
    CellType inert;
    inert.name = own.name + ", inert";
    inert.mechanics.repulsion_um_per_min = own.mechanics.repulsion_um_per_min;
    inert.mechanics.adhesion_um_per_min = own.mechanics.adhesion_um_per_min;
    inert.mechanics.adhesion_reach = own.mechanics.adhesion_reach;
    inert.life = inert_life(own.life);
    return inert;
}

/// Adds inert types. They are measured in no state, nobody eats, attacks or becomes them, and cells that would have been put in later are inert as well.
void add_inert_types(Model& model, std::span<const std::size_t> types) {
    std::vector<std::size_t> sticks_like;  // for each type, old or new: the one whose affinities it has
    for (std::size_t type = 0; type < model.types.size(); ++type) sticks_like.push_back(type);
    for (const std::size_t type : types) {
        sticks_like.push_back(type);
        model.types.push_back(inert_type(CellType(model.types[type])));
    }
    const std::size_t before = model.types.size() - types.size();
    for (Injection& injection : model.perturbations.injections) {
        const auto found = std::find(types.begin(), types.end(), injection.type);
        if (found != types.end()) injection.type = static_cast<std::uint16_t>(before + static_cast<std::size_t>(found - types.begin()));
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
        for (const std::size_t to : sticks_like) affinity.push_back(model.affinity[from * before + to]);
    }
    model.affinity = std::move(affinity);
}

void swap_agents(Tissue& tissue, std::span<const std::size_t> types) {
    Agents& agents = tissue.start;
    const std::size_t first_inert = tissue.model.types.size() - types.size();
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        const auto found = std::find(types.begin(), types.end(), agents.type[i]);
        if (found == types.end() || tissue.model.types[*found].life.phases[agents.phase[i]].is_dead) continue;
        agents.type[i] = static_cast<std::uint16_t>(first_inert + static_cast<std::size_t>(found - types.begin()));
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
            std::erase_if(tissue.model.perturbations.injections, [&](const Injection& injection) { return std::find(types.begin(), types.end(), injection.type) != types.end(); });
            break;
        case Intervention::silence: silence(tissue.model, types); break;
    }
    return tissue;
}

}  // namespace morula::simulation
