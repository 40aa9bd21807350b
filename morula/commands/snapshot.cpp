#include "morula/commands/snapshot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "morula/commands/slots.hpp"
#include "morula/commands/state_slots.hpp"

namespace morula::commands {
namespace {

using simulation::Agents;
using simulation::Simulation;

std::vector<std::size_t> order_of_ids(const Agents& agents) {
    std::vector<std::size_t> order(agents.id.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return agents.id[a] < agents.id[b]; });
    return order;
}

/// One value a cell, in the order of ids.
template <class T, class Value>
std::vector<T> values_in(const std::vector<std::size_t>& order, const Value& value) {
    std::vector<T> values;
    values.reserve(order.size());
    for (const std::size_t i : order) values.push_back(static_cast<T>(value(i)));
    return values;
}

std::vector<float> concentrations(const Simulation& simulation, std::int32_t substance, const std::vector<std::size_t>& order) {
    const Agents& agents = simulation.agents();
    const simulation::Grid& grid = simulation.field().grid();
    const auto values = simulation.field().values(substance);
    return values_in<float>(order, [&](std::size_t i) {
        return values[static_cast<std::size_t>(nearest_place(grid, {agents.x[i], agents.y[i], agents.z[i]}))];
    });
}

/// A name in obs that no column has yet. Files of AnnData hold '|' for '/', and "_index" for the cells' names.
std::string free_column(const data::Table& obs, std::string name) {
    std::replace(name.begin(), name.end(), '/', '|');
    while (obs.has(name) || name == "_index" || name == ".") name = "substance " + name;
    return name;
}

}  // namespace

data::Dataset snapshot(const Simulation& simulation, const Scenario& scenario) {
    const Agents& agents = simulation.agents();
    const std::vector<std::size_t> order = order_of_ids(agents);
    const auto& types = simulation.model().types;
    data::Dataset cells;
    cells.name = "snapshot";
    cells.obs = data::Table(values_in<std::string>(order, [&](std::size_t i) { return std::to_string(agents.id[i]); }));
    cells.obs.set("cell_type", data::to_categorical(values_in<std::string>(order, [&](std::size_t i) { return types[agents.type[i]].name; })));
    cells.obs.set("state", data::to_categorical(values_in<std::string>(order, [&](std::size_t i) { return types[agents.type[i]].life.phases[agents.phase[i]].name; })));
    cells.obs.set("parent", values_in<std::string>(order, [&](std::size_t i) { return agents.parent[i] == 0 ? std::string() : std::to_string(agents.parent[i]); }));
    cells.obs.set("minutes_in_state", values_in<float>(order, [&](std::size_t i) { return agents.phase_min[i]; }));
    cells.obs.set("radius_um", values_in<float>(order, [&](std::size_t i) { return agents.radius[i]; }));
    cells.obs.set("volume_um3", values_in<float>(order, [&](std::size_t i) { return simulation::volume_of(agents, i); }));
    cells.obs.set("pressure", values_in<float>(order, [&](std::size_t i) { return agents.pressure[i]; }));
    matrix::Dense<float>& spatial = cells.obsm["spatial"] = matrix::Dense<float>(agents.size(), 3);
    for (std::size_t row = 0; row < order.size(); ++row) {
        const auto r = static_cast<std::int64_t>(row);
        spatial(r, 0) = static_cast<float>(agents.x[order[row]]);
        spatial(r, 1) = static_cast<float>(agents.y[order[row]]);
        spatial(r, 2) = static_cast<float>(agents.z[order[row]]);
    }
    cells.uns["morula_simulation"] = uns_of(data::UnsMap{{"minute", uns_of(simulation.minute())}, {"seed", uns_of(static_cast<std::int64_t>(simulation.model().seed))},
                                                         {"title", uns_of(scenario.title)}, {"scenario_hash", uns_of(scenario.hash)}});
    add_state_slots(cells, simulation, order);
    for (std::int32_t s = 0; s < simulation.field().n_substances(); ++s) {
        const std::string& name = simulation.field().substance(s).name;
        cells.obs.set(free_column(cells.obs, name), concentrations(simulation, s, order));
    }
    return cells;
}

}  // namespace morula::commands
