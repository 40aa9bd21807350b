#include "morula/commands/scenario_cells.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "morula/commands/scenario_layouts.hpp"
#include "morula/commands/scenario_positions.hpp"
#include "morula/core/schema.hpp"

namespace morula::commands::scenario_detail {

TypeMix type_mix(Section& section, std::string_view key, const simulation::Model& model) {
    std::vector<std::string> names;
    for (const simulation::CellType& type : model.types) names.push_back(type.name);
    if (names.empty()) section.refuse(key, "names a cell type, and there are none", "Add [[cell_type]].");
    TypeMix mix;
    double sum = 0.0;
    for (const auto& [name, share] : section.shares(key)) {
        const auto found = std::find(names.begin(), names.end(), name);
        if (found == names.end()) {
            const std::string nearest = nearest_name(name, names);
            section.refuse(key, fmt::format("'{}' is not known", name), nearest.empty() ? "Name a cell type of the scenario." : fmt::format("Did you mean '{}'?", nearest));
        }
        sum += share;
        mix.push_back({static_cast<std::uint16_t>(found - names.begin()), sum});
    }
    mix.back().up_to = 1.0;
    return mix;
}

std::uint16_t drawn_type(const TypeMix& mix, double draw) {
    return std::find_if(mix.begin(), mix.end() - 1, [&](const TypeShare& share) { return draw < share.up_to; })->type;
}

void read_cells(Section& section, const simulation::Model& model, simulation::Agents& start, Reading& reading) {
    if (section.has("file")) place_measured(section, model, start, reading);
    else fill_template(section, model, start, reading.context);
    section.done();
}

}  // namespace morula::commands::scenario_detail
